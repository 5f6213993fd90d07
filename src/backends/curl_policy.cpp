#include "backends/curl_policy.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/in_quotes.hpp"
#include "base/suggest.hpp"

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

std::optional<Error> check_file(const std::string& option, const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return std::nullopt;
  return wrong(option, "\"" + path + "\" can't be read");
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What is wrong with a connection, if anything; `of` is put before the option's name.
std::optional<Error> check_connection(const std::string& of, const CurlConnection& connection) {
  if (!connection.proxy.empty()) {
    constexpr std::string_view schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    const bool known = std::any_of(std::begin(schemes), std::end(schemes), [&](std::string_view scheme) {
      return connection.proxy.starts_with(scheme) && connection.proxy.size() > scheme.size();
    });
    // The text itself is not shown: it may hold a password.
    if (!known || has_control(connection.proxy)) {
      return wrong(of + "proxy", "expected http://HOST:PORT, or https, socks5 or socks5h in place of http");
    }
  }
  if (auto error = check_file(of + "ca_file", connection.ca_file)) return error;
  if (auto error = check_file(of + "client_certificate", connection.client_certificate)) return error;
  if (auto error = check_file(of + "client_key", connection.client_key)) return error;
  if (!connection.client_key.empty() && connection.client_certificate.empty()) {
    return wrong(of + "client_key", "it needs a client_certificate");
  }
  return std::nullopt;
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

Result<const CurlConnection*> CurlPolicy::connection_of(const std::string& name) const {
  if (const auto found = connections.find(name); found != connections.end()) return &found->second;
  constexpr std::size_t most_named = 20;
  std::vector<std::string_view> names;
  for (const auto& [known, connection] : connections) {
    if (!known.empty()) names.push_back(known);
  }
  std::string message = "unknown connection " + base::in_quotes(name);
  if (names.empty()) {
    message += "; the host has named none";
  } else {
    if (const auto near = suggest(name, names)) {
      std::rotate(names.begin(), std::find(names.begin(), names.end(), *near),
                  std::find(names.begin(), names.end(), *near) + 1);
    }
    message += "; the host has named ";
    for (std::size_t i = 0; i < std::min(names.size(), most_named); ++i) {
      message += (i == 0 ? "" : ", ") + base::in_quotes(names[i]);
    }
    if (names.size() > most_named) message += " and " + std::to_string(names.size() - most_named) + " more";
  }
  return make_error(error_type::validation, std::move(message));
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
  policy.connections.emplace(
      "", CurlConnection{options.proxy, options.ca_file, options.client_certificate, options.client_key,
                         options.client_key_password, options.allow_insecure_tls});
  if (auto error = check_connection("", policy.connections.begin()->second)) return std::move(*error);
  for (const auto& [name, connection] : options.connections) {
    if (name.empty()) return wrong("connections", "a connection needs a name");
    if (auto error = check_connection("connection " + base::in_quotes(name) + ": ", connection)) {
      return std::move(*error);
    }
    policy.connections.emplace(name, connection);
  }
  if (has_control(options.user_agent)) return wrong("user_agent", "it has a control character");
  if (options.connect_timeout_ms <= 0) return wrong("connect_timeout_ms", "expected a positive number");
  if (options.max_connections == 0) return wrong("max_connections", "expected a positive number");
  policy.guard = NetworkGuard(options.allow_private, std::move(allowed));
  policy.options = std::move(options);
  return policy;
}

}  // namespace fnstack::backends
