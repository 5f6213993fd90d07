// The real HttpClient: libcurl on a thread of its own or on that of an event loop (component fnstack::curl).
//
//   auto http = fnstack::curl_http({.allow_hosts = {"127.0.0.1:4010"}});
//
// Keep-alive, HTTP/2 over TLS where offered, gzip; redirects followed here, hop by hop, and addresses that are
// not public refused unless allowed. It reads no proxy and no other setting from the environment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/http.hpp>

namespace fnstack {

// How a request gets out: what a definition may refer to by name only (HttpRequest::connection).
struct CurlConnection {
  std::string proxy = {};               // "http://host:port", also https, socks5, socks5h; empty: none
  std::string ca_file = {};             // PEM; empty: the system's
  std::string client_certificate = {};  // PEM file
  std::string client_key = {};          // PEM file
  std::string client_key_password = {};
  bool allow_insecure_tls = false;  // without it a request that asks for no verification is verified all the same
};

struct CurlOptions {
  // Loopback, private, link-local and other addresses that are not public; cloud metadata services are not
  // among them and have to be named in allow_hosts.
  bool allow_private = false;
  // "HOST" or "HOST:PORT", as the URL names it or as an address: these may be reached wherever they are.
  std::vector<std::string> allow_hosts = {};
  // ORIGIN -> ORIGIN ("https://api.stripe.com" -> "http://127.0.0.1:4010"): changes only where a connection goes.
  // The Host header, redirects and messages keep the first; the second is admitted for that connection only and
  // reached without the proxy.
  std::vector<std::pair<std::string, std::string>> rewrites = {};

  // The usual connection, for requests that name none: as in CurlConnection.
  std::string proxy = {};
  std::string ca_file = {};
  std::string client_certificate = {};
  std::string client_key = {};
  std::string client_key_password = {};
  bool allow_insecure_tls = false;
  // Others by name. Each keeps its connections for itself: none is ever used for a request that names another.
  std::map<std::string, CurlConnection> connections = {};

  std::string user_agent = "fnstack";        // unless the request has its own; empty: none
  std::int64_t connect_timeout_ms = 10'000;  // of one hop; the request's own timeout bounds the whole exchange
  // Exchanges at once; more wait their turn, and their timeout runs.
  std::size_t max_connections = 1'024;
};

// What is wrong with the options, if anything: `validation`, with the option's name in the message.
[[nodiscard]] Result<Done> check(const CurlOptions& options);

// Thread-safe. The thread starts with the first request and ends with the client, which answers what is
// outstanding with `cancelled`. With wrong options every request is answered with what check() says.
// on_loop(): no thread but libcurl's own for name resolution, which have the loop's signal mask; max_connections is
// each loop's. The loop does not need the client any more; when it is let go of, on its thread, it answers what is
// outstanding with `cancelled`.
[[nodiscard]] std::shared_ptr<HttpClient> curl_http(CurlOptions options = {});

}  // namespace fnstack
