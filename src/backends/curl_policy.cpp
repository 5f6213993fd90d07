#include "backends/curl_policy.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>

namespace fnstack::backends {
namespace {

Error wrong(const std::string& option, const std::string& what) {
  return make_error(error_type::validation, option + ": " + what);
}

Result<Url> parse_origin(const std::string& text) {
  Result<Url> url = parse_url(text);
  if (!url) return wrong("rewrite", "expected an origin such as https://api.example.com, got \"" + text + "\"");
  if (url->target != "/") {
    return wrong("rewrite", "expected an origin without path or query, got \"" + text + "\"");
  }
  return url;
}

std::optional<Error> check_file(const char* option, const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return std::nullopt;
  return wrong(option, "\"" + path + "\" can't be read");
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

const Url* CurlPolicy::rewrite_of(const Url& url) const {
  if (rewrites.empty()) return nullptr;
  const std::string origin = url.origin();
  for (const auto& [from, to] : rewrites) {
    if (from == origin) return &to;
  }
  return nullptr;
}

Result<CurlPolicy> make_policy(CurlOptions options) {
  CurlPolicy policy;
  std::vector<AllowedHost> allowed;
  for (const std::string& text : options.allow_hosts) {
    Result<AllowedHost> host = parse_allowed_host(text);
    if (!host) return std::move(host).error();
    allowed.push_back(std::move(host).value());
  }
  for (const auto& [from_text, to_text] : options.rewrites) {
    Result<Url> from = parse_origin(from_text);
    if (!from) return std::move(from).error();
    Result<Url> to = parse_origin(to_text);
    if (!to) return std::move(to).error();
    if (policy.rewrite_of(*from) != nullptr) return wrong("rewrite", "\"" + from_text + "\" is rewritten twice");
    policy.rewrites.emplace_back(from->origin(), std::move(to).value());
  }
  if (!options.proxy.empty()) {
    constexpr std::string_view schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    const bool known = std::any_of(std::begin(schemes), std::end(schemes), [&](std::string_view scheme) {
      return options.proxy.starts_with(scheme) && options.proxy.size() > scheme.size();
    });
    // The text itself is not shown: it may hold a password.
    if (!known || has_control(options.proxy)) {
      return wrong("proxy", "expected http://HOST:PORT, or https, socks5 or socks5h in place of http");
    }
  }
  if (auto error = check_file("ca_file", options.ca_file)) return std::move(*error);
  if (auto error = check_file("client_certificate", options.client_certificate)) return std::move(*error);
  if (auto error = check_file("client_key", options.client_key)) return std::move(*error);
  if (has_control(options.user_agent)) return wrong("user_agent", "it has a control character");
  if (options.connect_timeout_ms <= 0) return wrong("connect_timeout_ms", "expected a positive number");
  if (options.max_connections == 0) return wrong("max_connections", "expected a positive number");
  policy.guard = NetworkGuard(options.allow_private, std::move(allowed));
  policy.options = std::move(options);
  return policy;
}

}  // namespace fnstack::backends
