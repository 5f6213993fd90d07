// curl_http over TLS: verified always, unless both the request and the host say otherwise.
#include <fnstack/backends/curl.hpp>

#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/fault_table.hpp"
#include "support/http_ask.hpp"
#include "support/new_curl_http.hpp"
#include "support/test_certificate.hpp"

using fnstack::CurlOptions;
using fnstack_test::ask;
using fnstack_test::Connection;
using fnstack_test::FaultServer;
using fnstack_test::get;
using fnstack_test::summary;
using fnstack_test::TestAuthority;
using fnstack_test::with_body;

namespace {

void serve_ok(Connection& connection) {
  while (connection.read_request()) {
    if (!connection.answer(200, "ok")) return;
  }
}

CurlOptions trusting(const TestAuthority& authority) {
  CurlOptions options;
  options.allow_private = true;
  options.ca_file = authority.ca_file();
  return options;
}

}  // namespace

TEST_CASE("TLS: a certificate of the host's own authority is trusted, and nobody else's") {
  TestAuthority authority;
  const auto good = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  FaultServer server(serve_ok, good.certificate_file, good.key_file);
  const auto client = fnstack_test::new_curl_http(trusting(authority));
  CHECK(summary(ask(*client, get(server.origin() + "/"))) == "200 ok");
  CHECK(summary(ask(*client, with_body("POST", server.origin() + "/", "b"))) == "200 ok");
  CHECK(server.connections() == 1);

  TestAuthority another;
  const auto stranger = ask(*fnstack_test::new_curl_http(trusting(another)), get(server.origin() + "/a?token=t"));
  CHECK(summary(stranger) ==
        "network: GET " + server.origin() + "/a: TLS: SSL certificate problem: unable to get local issuer certificate");
}

TEST_CASE("TLS: expired, self-signed and misnamed certificates are refused; the next request works") {
  TestAuthority authority;
  const auto client = fnstack_test::new_curl_http(trusting(authority));
  const auto good = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  FaultServer other(serve_ok, good.certificate_file, good.key_file);
  const struct {
    TestAuthority::Kind kind;
    const char* name;
    const char* expected;
  } rows[] = {
      {TestAuthority::Kind::expired, "IP:127.0.0.1", "TLS: SSL certificate problem: certificate has expired"},
      {TestAuthority::Kind::self_signed, "IP:127.0.0.1", "TLS: SSL certificate problem: self-signed certificate"},
      {TestAuthority::Kind::good, "DNS:other.example",
       "TLS: SSL: no alternative certificate subject name matches target host name '127.0.0.1'"},
  };
  for (const auto& row : rows) {
    const auto identity = authority.issue(row.kind, row.name);
    FaultServer server(serve_ok, identity.certificate_file, identity.key_file);
    const auto began = std::chrono::steady_clock::now();
    const auto result = ask(*client, get(server.origin() + "/"));
    fnstack_test::note_fault(row.expected, result, began);
    REQUIRE(!result.ok());
    CHECK(result.error().type == "network");
    // Debian 13's libcurl says "target ipv4 address" in place of "target host name".
    CHECK_THAT(result.error().message,
               fnstack_test::starts_with("GET " + server.origin() + "/: " + std::string(row.expected).substr(0, 54)));
    CHECK(server.requests().empty());
    CHECK(summary(ask(*client, get(other.origin() + "/"))) == "200 ok");
  }
}

TEST_CASE("TLS: unverified only if the request asks for it and the host allows it") {
  TestAuthority authority;
  const auto identity = authority.issue(TestAuthority::Kind::self_signed, "DNS:other.example");
  FaultServer server(serve_ok, identity.certificate_file, identity.key_file);
  for (const bool asks : {false, true}) {
    for (const bool allows : {false, true}) {
      CurlOptions options = trusting(authority);
      options.allow_insecure_tls = allows;
      auto request = get(server.origin() + "/");
      request.verify_tls = !asks;
      CHECK(ask(*fnstack_test::new_curl_http(options), request).ok() == (asks && allows));
    }
  }
}

TEST_CASE("TLS: plain text where TLS is expected, and the other way round") {
  FaultServer plain([](Connection& connection) {
    connection.write("HTTP/1.1 200 OK\r\n\r\n");
    connection.wait_for_close();
  });
  FaultServer silent([](Connection& connection) { connection.wait_for_close(); });
  TestAuthority authority;
  const auto client = fnstack_test::new_curl_http(trusting(authority));
  const auto result = ask(*client, get("https://" + plain.address() + "/"));
  REQUIRE(!result.ok());
  CHECK(result.error().type == "network");
  CHECK_THAT(result.error().message, fnstack_test::starts_with("GET https://" + plain.address() + "/: TLS: "));
  auto waiting = get("https://" + silent.address() + "/");
  waiting.timeout_ms = 200;
  CHECK(summary(ask(*client, waiting)) == "timeout: GET https://" + silent.address() + "/: timed out after 200 ms");

  const auto good = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  FaultServer tls(serve_ok, good.certificate_file, good.key_file);
  const auto reverse = ask(*client, get("http://" + tls.address() + "/"));
  REQUIRE(!reverse.ok());
  CHECK(reverse.error().type == "network");
}
