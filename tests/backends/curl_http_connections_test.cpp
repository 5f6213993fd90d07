// curl_http's named connections: proxy, certificates and authorities of one are never those of another, and neither
// are its kept connections.
#include <cstdlib>

#include <fnstack/backends/curl.hpp>

#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/http_ask.hpp"
#include "support/new_curl_http.hpp"
#include "support/proxy_server.hpp"
#include "support/test_certificate.hpp"

using fnstack::CurlConnection;
using fnstack::CurlOptions;
using fnstack::HttpRequest;
using fnstack_test::ask;
using fnstack_test::Connection;
using fnstack_test::FaultServer;
using fnstack_test::get;
using fnstack_test::ProxyServer;
using fnstack_test::summary;
using fnstack_test::TestAuthority;

namespace {

void serve_ok(Connection& connection) {
  while (auto request = connection.read_request()) {
    if (!connection.answer(200, "connection " + std::to_string(connection.index()))) return;
  }
}

CurlOptions local() {
  CurlOptions options;
  options.allow_private = true;
  return options;
}

HttpRequest over(const std::string& connection, const std::string& url) {
  HttpRequest request = get(url);
  request.connection = connection;
  return request;
}

using Asked = std::vector<std::string>;

}  // namespace

TEST_CASE("connections: an unknown one is named, and those that there are, the nearest first") {
  FaultServer server(serve_ok);
  CurlOptions options = local();
  const std::string at = "validation: GET " + server.origin() + "/: ";
  CHECK(summary(ask(*fnstack_test::new_curl_http(options), over("staging", server.origin() + "/"))) ==
        at + "unknown connection \"staging\"; the host has named none");
  for (const char* name : {"audit", "live", "staging"}) options.connections[name] = {};
  const auto client = fnstack_test::new_curl_http(options);
  CHECK(summary(ask(*client, over("stagin", server.origin() + "/"))) ==
        at + "unknown connection \"stagin\"; the host has named \"staging\", \"audit\", \"live\"");
  CHECK(summary(ask(*client, over("zzz", server.origin() + "/"))) ==
        at + "unknown connection \"zzz\"; the host has named \"audit\", \"live\", \"staging\"");
  for (int i = 0; i < 30; ++i) options.connections["c" + std::to_string(100 + i)] = {};
  CHECK_THAT(summary(ask(*fnstack_test::new_curl_http(options), over("zzz", server.origin() + "/"))),
             fnstack_test::ends_with("\"c118\" and 13 more"));
  CHECK(server.connections() == 0);
}

TEST_CASE("connections: wrong ones are named") {
  const auto said = [](const CurlOptions& options) {
    const auto checked = fnstack::check(options);
    REQUIRE(!checked.ok());
    return checked.error().message;
  };
  CurlOptions options;
  options.connections[""] = {};
  CHECK(said(options) == "connections: a connection needs a name");
  options.connections.clear();
  options.connections["a"].proxy = "ftp://user:password@host";
  CHECK(said(options) ==
        "connection \"a\": proxy: expected http://HOST:PORT, or https, socks5 or socks5h in place of http");
  options.connections["a"] = {.ca_file = "/nonexistent/ca.pem"};
  CHECK(said(options) == "connection \"a\": ca_file: \"/nonexistent/ca.pem\" can't be read");
  options.connections["a"] = {.client_key = "/dev/null"};
  CHECK(said(options) == "connection \"a\": client_key: it needs a client_certificate");
}

TEST_CASE("connections: each has its own proxy or none, and never the environment's") {
  FaultServer server(serve_ok);
  ProxyServer first;
  ProxyServer second;
  ProxyServer environment;
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"}) {
    ::setenv(name, environment.origin().c_str(), 1);
  }
  CurlOptions options = local();
  options.proxy = first.origin();
  options.connections["second"] = {.proxy = second.origin()};
  options.connections["direct"] = {};
  const auto client = fnstack_test::new_curl_http(options);
  const std::string url = server.origin() + "/x";
  CHECK(ask(*client, get(url)).ok());
  CHECK(first.asked() == Asked{"GET " + url});
  CHECK(ask(*client, over("second", url)).ok());
  CHECK(second.asked() == Asked{"GET " + url});
  CHECK(ask(*client, over("direct", url)).ok());
  CHECK(ask(*client, over("direct", url)).ok());
  CHECK(first.asked().size() == 1);
  CHECK(second.asked().size() == 1);
  CHECK(environment.asked().empty());
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"}) ::unsetenv(name);
}

TEST_CASE("connections: through a proxy the guard goes by names and literal addresses, without one by the address") {
  ProxyServer proxy;
  FaultServer server(serve_ok);
  const std::string port = std::to_string(server.port());
  CurlOptions options;  // nothing private is allowed
  options.connections["proxied"] = {.proxy = proxy.origin()};
  const auto client = fnstack_test::new_curl_http(options);
  CHECK_THAT(summary(ask(*client, over("proxied", "http://api.example:" + port + "/x"))),
             fnstack_test::starts_with("200 "));
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1"}) {
    INFO(host);
    CHECK(ask(*client, over("proxied", "http://" + host + ":" + port + "/x")).error().type == "blocked");
    CHECK(ask(*client, get("http://" + host + ":" + port + "/x")).error().type == "blocked");
  }
  CHECK(proxy.asked() == Asked{"GET http://api.example:" + port + "/x"});
}

TEST_CASE("connections: TLS through a proxy is a tunnel, with the connection's own authority") {
  TestAuthority authority;
  const auto identity = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  FaultServer server(serve_ok, identity.certificate_file, identity.key_file);
  ProxyServer proxy;
  CurlOptions options = local();
  options.connections["corporate"] = {.proxy = proxy.origin(), .ca_file = authority.ca_file()};
  options.connections["proxied"] = {.proxy = proxy.origin()};
  const auto client = fnstack_test::new_curl_http(options);
  CHECK(summary(ask(*client, over("corporate", server.origin() + "/"))) == "200 connection 0");
  CHECK(summary(ask(*client, over("corporate", server.origin() + "/"))) == "200 connection 0");
  CHECK(proxy.asked() == Asked{"CONNECT " + server.address()});
  CHECK_THAT(summary(ask(*client, over("proxied", server.origin() + "/"))),
             fnstack_test::contains("TLS: SSL certificate problem: unable to get local issuer certificate"));
}

TEST_CASE("connections: an own authority is trusted by the connection that names it only") {
  TestAuthority one;
  TestAuthority other;
  const auto identity = one.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  FaultServer server(serve_ok, identity.certificate_file, identity.key_file);
  CurlOptions options = local();
  options.connections["one"] = {.ca_file = one.ca_file()};
  options.connections["other"] = {.ca_file = other.ca_file()};
  options.connections["careless"] = {.allow_insecure_tls = true};
  const auto client = fnstack_test::new_curl_http(options);
  const std::string url = server.origin() + "/";
  // In turns, so that a kept connection of the good one is there for the others to misuse.
  for (int i = 0; i < 3; ++i) {
    CHECK_THAT(summary(ask(*client, over("one", url))), fnstack_test::starts_with("200 "));
    for (const char* name : {"", "other", "careless"}) {
      CHECK_THAT(summary(ask(*client, over(name, url))),
                 fnstack_test::contains("unable to get local issuer certificate"));
    }
    HttpRequest careless = over("careless", url);
    careless.verify_tls = false;
    CHECK(ask(*client, careless).ok());
    HttpRequest strict = over("one", url);
    strict.verify_tls = false;  // its host does not allow it, so it is verified
    CHECK(ask(*client, strict).ok());
    HttpRequest refused = over("other", url);
    refused.verify_tls = false;
    CHECK(!ask(*client, refused).ok());
  }
}

TEST_CASE("connections: a client certificate is demanded, and given by the connection that has it only") {
  TestAuthority authority;
  TestAuthority clients;
  TestAuthority strangers;
  const auto identity = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  const auto known = clients.issue(TestAuthority::Kind::good, "DNS:client.example");
  const auto locked = clients.issue(TestAuthority::Kind::good, "DNS:client.example", "password");
  const auto stranger = strangers.issue(TestAuthority::Kind::good, "DNS:client.example");
  FaultServer server(serve_ok, identity.certificate_file, identity.key_file, clients.ca_file());
  CurlOptions options = local();
  options.ca_file = authority.ca_file();
  const auto having = [&](const TestAuthority::Identity& of, const std::string& password = "") {
    CurlConnection connection;
    connection.ca_file = authority.ca_file();
    connection.client_certificate = of.certificate_file;
    connection.client_key = of.key_file;
    connection.client_key_password = password;
    return connection;
  };
  options.connections["known"] = having(known);
  options.connections["locked"] = having(locked, "password");
  options.connections["locked out"] = having(locked, "wrong");
  options.connections["stranger"] = having(stranger);
  const auto client = fnstack_test::new_curl_http(options);
  const std::string url = server.origin() + "/";
  for (int i = 0; i < 3; ++i) {
    for (const char* name : {"known", "locked"}) {
      CHECK_THAT(summary(ask(*client, over(name, url))), fnstack_test::starts_with("200 "));
    }
    for (const char* name : {"", "stranger", "locked out"}) {
      INFO(name);
      const auto refused = ask(*client, over(name, url));
      REQUIRE(!refused.ok());
      CHECK(refused.error().type == "network");
      CHECK(refused.error().message.find("wrong") == std::string::npos);
    }
  }
}

TEST_CASE("connections: a kept connection is used again within its own name only, by redirects too") {
  FaultServer server([](Connection& connection) {
    while (auto request = connection.read_request()) {
      const bool redirects = request->target == "/redirect";
      connection.answer(redirects ? 302 : 200, "connection " + std::to_string(connection.index()),
                        redirects ? "Location: /end\r\n" : "");
    }
  });
  CurlOptions options = local();
  options.connections["a"] = {};
  options.connections["b"] = {};
  const auto client = fnstack_test::new_curl_http(options);
  const std::string url = server.origin() + "/";
  for (int i = 0; i < 3; ++i) {
    CHECK(summary(ask(*client, get(url))) == "200 connection 0");
    CHECK(summary(ask(*client, over("a", url))) == "200 connection 1");
    CHECK(summary(ask(*client, over("b", url))) == "200 connection 2");
    CHECK(summary(ask(*client, over("a", url + "redirect"))) == "200 connection 1");
  }
  CHECK(server.connections() == 3);
}
