// CurlOptions, checked and in the form that each request needs. Entry point: make_policy().
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/backends/curl.hpp>
#include <fnstack/error.hpp>

#include "backends/network_guard.hpp"
#include "base/url.hpp"

namespace fnstack::backends {

struct CurlPolicy {
  CurlOptions options;
  NetworkGuard guard;
  std::vector<std::pair<std::string, Url>> rewrites;  // normalised origin -> where it really goes

  [[nodiscard]] const Url* rewrite_of(const Url& url) const;
};

[[nodiscard]] Result<CurlPolicy> make_policy(CurlOptions options);

}  // namespace fnstack::backends
