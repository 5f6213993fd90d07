// http_auth: a step's field `auth` put to work on a request. What is computed here stands in the request; an OAuth
// token, which runs share, is the HTTP client's business and only asked for. Entry points: set_credentials, sign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

// bearer, basic, api_key: the same on every attempt.
[[nodiscard]] std::optional<Error> set_credentials(const Fields& fields, HttpRequest& request);
// hmac, aws_sigv4: over the request as it is now, and the time. The last thing done to it.
[[nodiscard]] std::optional<Error> sign(const Fields& fields, HttpRequest& request, std::int64_t now_ms);
// oauth2_*, if it is given. Errors: `validation`.
[[nodiscard]] Result<std::optional<OAuth2>> read_oauth2(const Fields& fields);
// Tells apart who asks where the request doesn't show it yet; not a secret itself, but hash it before showing it.
[[nodiscard]] std::string identity_of(const Fields& fields);

}  // namespace fnstack::steps
