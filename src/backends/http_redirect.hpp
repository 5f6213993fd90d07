// Which request follows a redirect, and which redirects are refused (DESIGN 5, SAFETY 1.2). Pure: it connects to
// nothing; the address guard comes after it, for every hop. Entry point: follow_redirect().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/error.hpp>

#include "base/ascii.hpp"
#include "base/url.hpp"

namespace fnstack::backends {

// One request of an exchange, as it goes out.
struct Hop {
  std::string method;
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  bool has_body = false;
};

[[nodiscard]] bool is_redirect(int status) noexcept;
// `hop` becomes what follows. Errors: `blocked`; `hop` is then as it was.
[[nodiscard]] Result<Done> follow_redirect(Hop& hop, int status, std::string_view location);

// GET, HEAD and OPTIONS: what may be sent again without asking (RFC 9110 9.2.1).
[[nodiscard]] bool is_safe_method(std::string_view method) noexcept;
using base::same_word;  // so are methods and the names of headers compared

}  // namespace fnstack::backends
