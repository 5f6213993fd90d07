// CurlOptions, checked and in the form that each request needs. Entry point: make_policy().
#pragma once

#include <functional>
#include <map>
#include <string>
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

  // By name, the usual one under the empty name; never changed, so that they can be pointed at.
  std::map<std::string, CurlConnection, std::less<>> connections;

  [[nodiscard]] const Url* rewrite_of(const Url& url) const;
  // Errors: `validation`, with the names that there are.
  [[nodiscard]] Result<const CurlConnection*> connection_of(const std::string& name) const;
};

[[nodiscard]] Result<CurlPolicy> make_policy(CurlOptions options);

}  // namespace fnstack::backends
