// The network guard: which addresses a connection may go to. It decides on the address that is really connected
// to, after name resolution, so that neither a spelling (2130706433, [::ffff:127.0.0.1]) nor a rebinding name gets
// around it. It knows nothing of HTTP. Entry points: classify(), NetworkGuard::check().
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>

struct sockaddr;

namespace fnstack::backends {

enum class AddressClass : std::uint8_t {
  global,
  unspecified,
  loopback,
  private_use,
  shared,  // carrier-grade NAT, 100.64/10
  link_local,
  multicast,
  reserved,
  metadata,  // a cloud's metadata service, wherever it sits
};
// "loopback", "private", "metadata" … as messages say it.
[[nodiscard]] std::string_view name_of(AddressClass address_class) noexcept;

// An IP address; IPv4 is held in its mapped form.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4 = false;

  [[nodiscard]] std::string text() const;
  // "::ffff:192.0.2.1" and "192.0.2.1" are the same.
  friend bool operator==(const IpAddress& a, const IpAddress& b) noexcept { return a.bytes == b.bytes; }
};
// "192.0.2.1", "2001:db8::1", with brackets or without, zone ignored. Nothing else counts as an address here.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);
// What connect() makes of a number-like host: also "127.1", "2130706433", "0x7f000001", "0177.1".
[[nodiscard]] std::optional<IpAddress> parse_ip_as_connect_would(std::string_view host);
[[nodiscard]] std::optional<IpAddress> to_ip(const sockaddr* address) noexcept;

// An IPv6 address that embeds an IPv4 one (mapped, compatible, NAT64, 6to4) is what either of them is.
[[nodiscard]] AddressClass classify(const IpAddress& address) noexcept;

// "HOST" or "HOST:PORT"; an IPv6 address with a port stands in brackets.
struct AllowedHost {
  std::string host;  // lower case, without brackets and trailing dot
  std::optional<IpAddress> address;
  std::uint16_t port = 0;  // 0: any
};
[[nodiscard]] Result<AllowedHost> parse_allowed_host(std::string_view text);

class NetworkGuard {
 public:
  NetworkGuard() = default;
  NetworkGuard(bool allow_private, std::vector<AllowedHost> allowed)
      : allow_private_(allow_private), allowed_(std::move(allowed)) {}

  // Why a connection to `address` is refused, or nothing. `host` and `port` are what the URL says.
  [[nodiscard]] std::optional<std::string> check(std::string_view host, std::uint16_t port,
                                                 const IpAddress& address) const;
  // The same before the name is resolved, for when a proxy will resolve it: literal addresses and the names that
  // mean this machine.
  [[nodiscard]] std::optional<std::string> check_name(std::string_view host, std::uint16_t port) const;

 private:
  bool allow_private_ = false;
  std::vector<AllowedHost> allowed_;
};

}  // namespace fnstack::backends
