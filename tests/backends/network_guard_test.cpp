#include "backends/network_guard.hpp"

#include "support/catch.hpp"

using fnstack::backends::AllowedHost;
using fnstack::backends::classify;
using fnstack::backends::name_of;
using fnstack::backends::NetworkGuard;
using fnstack::backends::parse_allowed_host;
using fnstack::backends::parse_ip;
using fnstack::backends::parse_ip_as_connect_would;

namespace {

std::string class_of(const char* address) {
  const auto ip = parse_ip(address);
  return ip ? std::string(name_of(classify(*ip))) : "no address";
}

NetworkGuard guard(bool allow_private, std::initializer_list<const char*> hosts) {
  std::vector<AllowedHost> allowed;
  for (const char* host : hosts) allowed.push_back(parse_allowed_host(host).value());
  return NetworkGuard(allow_private, std::move(allowed));
}

// "" if admitted, else the reason.
std::string check(const NetworkGuard& g, const char* host, int port, const char* address) {
  return g.check(host, static_cast<std::uint16_t>(port), parse_ip(address).value()).value_or("");
}

}  // namespace

TEST_CASE("addresses by class, at the edges of every block") {
  const struct {
    const char* address;
    const char* expected;
  } rows[] = {
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "unspecified"},
      {"1.0.0.0", "public"},
      {"9.255.255.255", "public"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"11.0.0.0", "public"},
      {"100.63.255.255", "public"},
      {"100.64.0.0", "shared"},
      {"100.127.255.255", "shared"},
      {"100.128.0.0", "public"},
      {"100.100.100.200", "metadata"},
      {"126.255.255.255", "public"},
      {"127.0.0.0", "loopback"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"128.0.0.0", "public"},
      {"169.253.255.255", "public"},
      {"169.254.0.0", "link-local"},
      {"169.254.169.254", "metadata"},
      {"169.254.169.253", "link-local"},
      {"169.254.170.2", "metadata"},
      {"169.255.0.0", "public"},
      {"168.63.129.16", "metadata"},
      {"168.63.129.17", "public"},
      {"172.15.255.255", "public"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"172.32.0.0", "public"},
      {"192.0.0.1", "reserved"},
      {"192.0.0.192", "metadata"},
      {"192.0.1.0", "public"},
      {"192.0.2.1", "reserved"},
      {"192.88.99.1", "reserved"},
      {"192.167.255.255", "public"},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"192.169.0.0", "public"},
      {"198.17.255.255", "public"},
      {"198.18.0.0", "reserved"},
      {"198.19.255.255", "reserved"},
      {"198.20.0.0", "public"},
      {"198.51.100.7", "reserved"},
      {"203.0.113.7", "reserved"},
      {"223.255.255.255", "public"},
      {"224.0.0.0", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.0", "reserved"},
      {"255.255.255.255", "reserved"},
      {"8.8.8.8", "public"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "unspecified"},
      {"::127.0.0.1", "loopback"},
      {"::8.8.8.8", "reserved"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.1.2.3", "private"},
      {"::ffff:8.8.8.8", "public"},
      {"::ffff:0:127.0.0.1", "loopback"},
      {"64:ff9b::7f00:1", "loopback"},
      {"64:ff9b::169.254.169.254", "metadata"},
      {"64:ff9b::8.8.8.8", "public"},
      {"64:ff9b:1::1", "private"},
      {"2002:7f00:1::", "loopback"},
      {"2002:a00:1::1", "private"},
      {"2002:808:808::1", "public"},
      {"2001:0:1::1", "reserved"},
      {"2001:db8::1", "reserved"},
      {"2001:1::1", "reserved"},
      {"2001:4860:4860::8888", "public"},
      {"3fff:0fff::1", "reserved"},
      {"3fff:1000::1", "public"},
      {"fbff::1", "reserved"},
      {"fc00::1", "private"},
      {"fdff:ffff::1", "private"},
      {"fd00:ec2::254", "metadata"},
      {"fd20:ce::254", "metadata"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "private"},
      {"ff02::1", "multicast"},
      {"100::1", "reserved"},
      {"4000::1", "reserved"},
      {"2606:4700::1111", "public"},
  };
  for (const auto& row : rows) {
    INFO(row.address);
    CHECK(class_of(row.address) == row.expected);
  }
}

TEST_CASE("only addresses are addresses; number-like hosts are what connect() makes of them") {
  CHECK(class_of("[::1]") == "loopback");
  CHECK(class_of("fe80::1%eth0") == "link-local");
  CHECK(class_of("127.1") == "no address");
  CHECK(class_of("0177.0.0.1") == "no address");
  CHECK(class_of("localhost") == "no address");
  CHECK(class_of("") == "no address");
  for (const char* host :
       {"127.1", "2130706433", "0x7f000001", "0177.1", "0x7F.1", "127.0.0.1.", "[::ffff:127.0.0.1]"}) {
    INFO(host);
    const auto ip = parse_ip_as_connect_would(host);
    REQUIRE(ip.has_value());
    CHECK(name_of(classify(*ip)) == "loopback");
  }
  CHECK(name_of(classify(parse_ip_as_connect_would("0").value())) == "unspecified");
  CHECK_FALSE(parse_ip_as_connect_would("example.com").has_value());
  CHECK_FALSE(parse_ip_as_connect_would("127.0.0.1 x").has_value());
  CHECK_FALSE(parse_ip_as_connect_would("").has_value());
}

TEST_CASE("the guard refuses all that is not public and says how to allow it") {
  const NetworkGuard none = guard(false, {});
  CHECK(check(none, "example.com", 443, "93.184.216.34") == "");
  CHECK(check(none, "127.0.0.1", 4010, "127.0.0.1") ==
        "127.0.0.1 is a loopback address; allow it with --allow-host 127.0.0.1:4010 or --allow-private");
  CHECK(check(none, "rebind.example", 80, "10.0.0.7") ==
        "rebind.example is at 10.0.0.7, a private address; allow it with --allow-host rebind.example:80 or "
        "--allow-private");
  CHECK(check(none, "0.0.0.0", 80, "0.0.0.0") ==
        "0.0.0.0 is an unspecified address; allow it with --allow-host 0.0.0.0:80 or --allow-private");
  CHECK(check(none, "[::1]", 80, "::1") ==
        "[::1] is a loopback address; allow it with --allow-host [::1]:80 or --allow-private");
  CHECK(check(none, "169.254.169.254", 80, "169.254.169.254") ==
        "169.254.169.254 is a metadata address; allow it with --allow-host 169.254.169.254:80");
}

TEST_CASE("the guard admits what is allowed, and no more") {
  const NetworkGuard named =
      guard(false, {"localhost:4010", "10.0.0.7", "Internal.Example.", "[fd00::1]:8443", "fe80::1"});
  CHECK(check(named, "localhost", 4010, "127.0.0.1") == "");
  CHECK(check(named, "LOCALHOST.", 4010, "::1") == "");
  CHECK(check(named, "localhost", 4011, "127.0.0.1") != "");
  CHECK(check(named, "127.0.0.1", 4010, "127.0.0.1") != "");  // the name was allowed, not the address
  CHECK(check(named, "10.0.0.7", 1, "10.0.0.7") == "");
  CHECK(check(named, "other.example", 1, "10.0.0.7") == "");  // the address was allowed, whatever leads there
  CHECK(check(named, "10.0.0.7", 1, "10.0.0.8") != "");
  CHECK(check(named, "other.example", 1, "::ffff:10.0.0.7") == "");
  CHECK(check(named, "internal.example", 80, "192.168.1.1") == "");
  CHECK(check(named, "not.internal.example", 80, "192.168.1.1") != "");
  CHECK(check(named, "[fd00::1]", 8443, "fd00::1") == "");
  CHECK(check(named, "[fd00::1]", 443, "fd00::1") != "");
  CHECK(check(named, "x.test", 443, "fe80::1") == "");

  const NetworkGuard all = guard(true, {});
  CHECK(check(all, "a.test", 80, "127.0.0.1") == "");
  CHECK(check(all, "a.test", 80, "fd12::1") == "");
  CHECK(check(all, "a.test", 80, "198.18.0.1") == "");
  CHECK(check(all, "a.test", 80, "::ffff:169.254.169.254") != "");
  CHECK(check(guard(false, {"169.254.169.254"}), "a.test", 80, "169.254.169.254") == "");
}

TEST_CASE("behind a proxy the guard decides by names and literal addresses") {
  const NetworkGuard none = guard(false, {});
  CHECK_FALSE(none.check_name("example.com", 80).has_value());
  CHECK(none.check_name("2130706433", 80).has_value());
  CHECK(none.check_name("localhost", 80).value() ==
        "localhost is at 127.0.0.1, a loopback address; allow it with --allow-host localhost:80 or --allow-private");
  CHECK(none.check_name("a.localhost.", 80).has_value());
  CHECK(none.check_name("metadata.google.internal", 80).has_value());
  CHECK_FALSE(guard(false, {"localhost"}).check_name("localhost", 80).has_value());
}

TEST_CASE("allowed hosts: what is no HOST or HOST:PORT is refused") {
  for (const char* text : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "http://host", "host/path", "a b",
                           "[::1", "::1]", "[127.0.0.1]:80", "[::1]:", "[]", "1:2:3", "user@host"}) {
    INFO(text);
    const auto result = parse_allowed_host(text);
    REQUIRE(!result.ok());
    CHECK(result.error().type == "validation");
    CHECK(result.error().message == "allowed host: expected HOST or HOST:PORT, got \"" + std::string(text) +
                                        "\"; an IPv6 address with a port stands in brackets");
  }
}
