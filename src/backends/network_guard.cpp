#include "backends/network_guard.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.hpp"

namespace fnstack::backends {
namespace {

struct V4Block {
  std::uint32_t network;
  int bits;
  AddressClass is;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's special-purpose registry for IPv4. Metadata services come first: most sit inside another block.
// 169.254.170.2 and .23 are the task and pod credentials of AWS, 100.100.100.200 Alibaba's, 192.0.0.192 Oracle's,
// 168.63.129.16 Azure's, which is the one with a public address.
constexpr V4Block v4_blocks[] = {
    {v4(169, 254, 169, 254), 32, AddressClass::metadata},
    {v4(169, 254, 170, 2), 32, AddressClass::metadata},
    {v4(169, 254, 170, 23), 32, AddressClass::metadata},
    {v4(100, 100, 100, 200), 32, AddressClass::metadata},
    {v4(192, 0, 0, 192), 32, AddressClass::metadata},
    {v4(168, 63, 129, 16), 32, AddressClass::metadata},
    {v4(0, 0, 0, 0), 8, AddressClass::unspecified},
    {v4(10, 0, 0, 0), 8, AddressClass::private_use},
    {v4(100, 64, 0, 0), 10, AddressClass::shared},
    {v4(127, 0, 0, 0), 8, AddressClass::loopback},
    {v4(169, 254, 0, 0), 16, AddressClass::link_local},
    {v4(172, 16, 0, 0), 12, AddressClass::private_use},
    {v4(192, 0, 0, 0), 24, AddressClass::reserved},
    {v4(192, 0, 2, 0), 24, AddressClass::reserved},    // documentation
    {v4(192, 88, 99, 0), 24, AddressClass::reserved},  // 6to4 relays, withdrawn
    {v4(192, 168, 0, 0), 16, AddressClass::private_use},
    {v4(198, 18, 0, 0), 15, AddressClass::reserved},    // benchmarks
    {v4(198, 51, 100, 0), 24, AddressClass::reserved},  // documentation
    {v4(203, 0, 113, 0), 24, AddressClass::reserved},   // documentation
    {v4(224, 0, 0, 0), 4, AddressClass::multicast},
    {v4(240, 0, 0, 0), 4, AddressClass::reserved},  // with 255.255.255.255
};

AddressClass classify_v4(std::uint32_t address) noexcept {
  for (const V4Block& block : v4_blocks) {
    if ((address ^ block.network) >> (32 - block.bits) == 0) return block.is;
  }
  return AddressClass::global;
}

using Bytes = std::array<std::uint8_t, 16>;

std::uint32_t v4_at(const Bytes& bytes, std::size_t offset) noexcept {
  return v4(bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]);
}

bool starts_with(const Bytes& bytes, std::initializer_list<int> prefix) noexcept {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin(),
                    [](int expected, std::uint8_t actual) { return expected == actual; });
}

AddressClass classify_v6(const Bytes& b) noexcept {
  // fd00:ec2::254 is AWS's metadata service, fd20:ce::254 Google's.
  if (b == Bytes{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}) return AddressClass::metadata;
  if (b == Bytes{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}) return AddressClass::metadata;

  if (starts_with(b, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) {
    const std::uint32_t low = v4_at(b, 12);
    if (low == 0) return AddressClass::unspecified;
    if (low == 1) return AddressClass::loopback;
    const AddressClass embedded = classify_v4(low);  // IPv4-compatible, long withdrawn
    return embedded == AddressClass::global ? AddressClass::reserved : embedded;
  }
  if (starts_with(b, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return classify_v4(v4_at(b, 12));
  if (starts_with(b, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return classify_v4(v4_at(b, 12));  // NAT64
  if (starts_with(b, {0, 0x64, 0xff, 0x9b, 0, 1})) return AddressClass::private_use;  // NAT64 of a local network
  if (starts_with(b, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0})) return classify_v4(v4_at(b, 12));  // translated
  if (starts_with(b, {0x20, 0x02})) return classify_v4(v4_at(b, 2));                                 // 6to4
  if (starts_with(b, {0x20, 0x01, 0, 0})) {  // Teredo: the client's address is stored inverted
    return AddressClass::reserved;
  }
  if (b[0] == 0xff) return AddressClass::multicast;
  if ((b[0] & 0xfe) == 0xfc) return AddressClass::private_use;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return AddressClass::link_local;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return AddressClass::private_use;            // site-local, withdrawn
  if (starts_with(b, {0x20, 0x01, 0x0d, 0xb8})) return AddressClass::reserved;            // documentation
  if (b[0] == 0x3f && b[1] == 0xff && (b[2] & 0xf0) == 0) return AddressClass::reserved;  // documentation
  if (starts_with(b, {0x20, 0x01}) && b[2] < 0x02) return AddressClass::reserved;         // 2001::/23, protocols
  if ((b[0] & 0xe0) == 0x20) return AddressClass::global;  // 2000::/3 is all that has been handed out
  return AddressClass::reserved;
}

IpAddress from_v4(std::uint32_t address) noexcept {
  IpAddress ip;
  ip.is_v4 = true;
  ip.bytes[10] = ip.bytes[11] = 0xff;
  for (std::size_t i = 0; i < 4; ++i) ip.bytes[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
  return ip;
}

std::string_view without_brackets(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host;
}

std::string normalised(std::string_view host) {
  host = without_brackets(host);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return base::ascii_lower(host);
}

std::string shown_host(std::string_view host) {
  if (host.find(':') != std::string_view::npos && host.front() != '[') return "[" + std::string(host) + "]";
  return std::string(host);
}

std::string refusal(std::string_view host, std::uint16_t port, const std::string& at, AddressClass is) {
  const std::string name = shown_host(host);
  std::string out = name;
  if (!at.empty() && at != without_brackets(host))
    out += " is at " + at + ",";
  else
    out += " is";
  const std::string_view kind = name_of(is);
  out += (kind.front() == 'u' ? " an " : " a ") + std::string(kind) + " address; allow it with --allow-host " + name +
         ":" + std::to_string(port);
  if (is != AddressClass::metadata) out += " or --allow-private";
  return out;
}

}  // namespace

std::string_view name_of(AddressClass address_class) noexcept {
  switch (address_class) {
    case AddressClass::global:
      return "public";
    case AddressClass::unspecified:
      return "unspecified";
    case AddressClass::loopback:
      return "loopback";
    case AddressClass::private_use:
      return "private";
    case AddressClass::shared:
      return "shared";
    case AddressClass::link_local:
      return "link-local";
    case AddressClass::multicast:
      return "multicast";
    case AddressClass::reserved:
      return "reserved";
    case AddressClass::metadata:
      return "metadata";
  }
  return "reserved";
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (is_v4)
    inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
  else
    inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  text = without_brackets(text);
  text = text.substr(0, text.find('%'));
  const std::string copy(text);
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return from_v4(ntohl(four.s_addr));
  IpAddress ip;
  if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) == 1) return ip;
  return std::nullopt;
}

std::optional<IpAddress> parse_ip_as_connect_would(std::string_view host) {
  if (auto ip = parse_ip(host)) return ip;
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  // inet_aton also takes what follows a blank; no host has one, but be sure.
  if (host.empty() || host.find_first_not_of("0123456789abcdefABCDEFxX.") != std::string_view::npos) {
    return std::nullopt;
  }
  in_addr four{};
  if (inet_aton(std::string(host).c_str(), &four) != 0) return from_v4(ntohl(four.s_addr));
  return std::nullopt;
}

std::optional<IpAddress> to_ip(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return from_v4(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    IpAddress ip;
    std::memcpy(ip.bytes.data(), &six.sin6_addr, ip.bytes.size());
    return ip;
  }
  return std::nullopt;
}

AddressClass classify(const IpAddress& address) noexcept { return classify_v6(address.bytes); }

Result<AllowedHost> parse_allowed_host(std::string_view text) {
  const auto wrong = [&] {
    return make_error(error_type::validation, "allowed host: expected HOST or HOST:PORT, got \"" + std::string(text) +
                                                  "\"; an IPv6 address with a port stands in brackets");
  };
  AllowedHost allowed;
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  const bool bare_v6 = colon != std::string_view::npos && text.find(':') != colon && text.front() != '[';
  if (colon != std::string_view::npos && !bare_v6 && !text.ends_with(']')) {
    host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), allowed.port);
    if (failed != std::errc() || end != port.data() + port.size() || allowed.port == 0) return wrong();
  }
  allowed.host = normalised(host);
  allowed.address = parse_ip(allowed.host);
  const bool brackets = !host.empty() && (host.front() == '[' || host.back() == ']');
  if (brackets || bare_v6) {
    if (!allowed.address || allowed.address->is_v4 || (brackets && without_brackets(host).size() == host.size())) {
      return wrong();
    }
  } else if (allowed.host.empty() ||
             allowed.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") != std::string::npos) {
    return wrong();
  }
  return allowed;
}

std::optional<std::string> NetworkGuard::check(std::string_view host, std::uint16_t port,
                                               const IpAddress& address) const {
  const AddressClass is = classify(address);
  if (is == AddressClass::global) return std::nullopt;
  if (allow_private_ && is != AddressClass::metadata) return std::nullopt;
  const std::string name = normalised(host);
  for (const AllowedHost& allowed : allowed_) {
    if (allowed.port != 0 && allowed.port != port) continue;
    if (allowed.address ? *allowed.address == address : allowed.host == name) return std::nullopt;
  }
  return refusal(host, port, address.text(), is);
}

std::optional<std::string> NetworkGuard::check_name(std::string_view host, std::uint16_t port) const {
  if (auto ip = parse_ip_as_connect_would(host)) return check(host, port, *ip);
  const std::string name = normalised(host);
  IpAddress stand_in;
  if (name == "localhost" || name.ends_with(".localhost"))
    stand_in = from_v4(v4(127, 0, 0, 1));
  else if (name == "metadata.google.internal" || name == "metadata.goog" || name == "metadata") {
    stand_in = from_v4(v4(169, 254, 169, 254));
  } else {
    return std::nullopt;
  }
  return check(host, port, stand_in);
}

}  // namespace fnstack::backends
