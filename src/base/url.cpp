// The strict URL parser. parse_url and resolve_url at the end share read_scheme, read_authority and read_target.
#include "base/url.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/ascii.hpp"

namespace fnstack {
namespace {

constexpr std::size_t max_host = 253;  // RFC 1035: 255 octets on the wire, two of them framing
constexpr std::size_t max_label = 63;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

using ByteSet = std::array<bool, 256>;
constexpr ByteSet bytes_kept(std::string_view extra) {
  ByteSet set{};
  for (int c = 0; c < 128; ++c) {
    const char byte = static_cast<char>(c);
    set[static_cast<std::size_t>(c)] = is_letter(byte) || is_digit(byte) || extra.find(byte) != std::string_view::npos;
  }
  return set;
}
constexpr ByteSet kept_in_percent = bytes_kept("-._~");
constexpr ByteSet kept_in_form = bytes_kept("*-._");
// Needs no second look anywhere in a URL.
constexpr ByteSet plain = bytes_kept("!\"#$&'()*+,-./:;<=>?@[]^_`{|}~");

Error invalid(std::string_view reason) {
  return make_error(error_type::validation, "invalid URL: " + std::string(reason));
}

// Schemes worth naming in a message: what stands before a colon may as well be a piece of a secret.
bool is_known_scheme(std::string_view scheme) noexcept {
  static constexpr std::string_view known[] = {
      "about", "blob",  "data",   "dict",  "file", "ftp",    "ftps",  "gopher", "imap", "imaps", "jar", "javascript",
      "ldap",  "ldaps", "mailto", "mqtt",  "news", "pop3",   "pop3s", "redis",  "rtmp", "rtsp",  "scp", "sftp",
      "smb",   "smbs",  "smtp",   "smtps", "ssh",  "telnet", "tftp",  "urn",    "ws",   "wss"};
  return std::find(std::begin(known), std::end(known), scheme) != std::end(known);
}

Error refused_scheme(std::string_view scheme) {
  std::string message = "the scheme of the URL";
  if (is_known_scheme(scheme)) message += " (" + std::string(scheme) + ")";
  return make_error(error_type::blocked, message + " is refused; only http and https are allowed");
}

// The scheme in front of a colon, lower-cased, or empty if the text does not begin with one.
std::string scheme_of(std::string_view text) {
  if (text.empty() || !is_letter(text.front())) return {};
  std::size_t end = 0;
  while (end < text.size() &&
         (is_letter(text[end]) || is_digit(text[end]) || text[end] == '+' || text[end] == '-' || text[end] == '.')) {
    ++end;
  }
  if (end == text.size() || text[end] != ':') return {};
  return base::ascii_lower(text.substr(0, end));
}

// What may stand nowhere in a URL.
std::optional<Error> check_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (plain[c]) continue;
    if (c < 0x20 || c == 0x7f) return invalid("it has a control character");
    if (c == ' ') return invalid("it has a blank; write %20");
    if (c >= 0x80) {
      return invalid("it has a character that is not ASCII; percent-encode it (a host: write it in Punycode)");
    }
    if (c == '\\') return invalid("it has a backslash; write / or %5C");
    if (!(i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]))) {
      return invalid("a % is not followed by two hexadecimal digits; write %25 for a percent sign");
    }
  }
  return std::nullopt;
}

// Four decimal numbers from 0 to 255 without leading zeros.
bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    std::size_t digits = 0;
    unsigned number = 0;
    while (digits < text.size() && is_digit(text[digits])) {
      if (digits == 3) return false;
      number = number * 10 + static_cast<unsigned>(text[digits] - '0');
      ++digits;
    }
    if (digits == 0 || number > 255 || (digits > 1 && text.front() == '0')) return false;
    text.remove_prefix(digits);
    if (part < 3) {
      if (text.empty() || text.front() != '.') return false;
      text.remove_prefix(1);
    }
  }
  return text.empty();
}

// RFC 4291 text form, an IPv4 tail allowed; no zone.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  while (true) {
    std::size_t digits = 0;
    while (digits < text.size() && is_hex(text[digits])) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      groups += 2;
      return is_ipv4(text) && (gap ? groups <= 7 : groups == 8);
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text.front() != ':') return false;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
    if (groups > 8) return false;
  }
  return gap ? groups <= 7 : groups == 8;
}

// What the C library's inet_aton would take for (part of) an address: 127, 0177, 0x7f, 0x.
bool looks_numeric(std::string_view label) noexcept {
  if (label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {
    return std::all_of(label.begin() + 2, label.end(), is_hex);
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

std::optional<Error> check_host(std::string_view host) {
  if (host.empty()) return invalid("it has no host");
  if (host.front() == '[') {
    if (host.back() != ']' || !is_ipv6(host.substr(1, host.size() - 2))) {
      return invalid("what stands in brackets is no IPv6 address");
    }
    return std::nullopt;
  }
  if (host.size() > max_host) return invalid("its host is longer than 253 characters");
  std::string_view rest = host;
  std::string_view label;
  while (true) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (label.empty()) return invalid("its host has an empty label (a dot too many)");
    if (label.size() > max_label) return invalid("its host has a label longer than 63 characters");
    if (label.front() == '-' || label.back() == '-') return invalid("a label of its host begins or ends with a hyphen");
    for (const char c : label) {
      if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_') {
        return invalid("its host has a character other than letters, digits, dots and hyphens");
      }
    }
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (looks_numeric(label) && !is_ipv4(host)) {
    return invalid("its host is an ambiguous number; write an IPv4 address as four decimal numbers from 0 to 255");
  }
  return std::nullopt;
}

constexpr std::uint16_t default_port(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

// Host and port of `url`, whose scheme is set already.
std::optional<Error> read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    return invalid("it has user info (an @ in front of the host); give credentials by a header or by auth");
  }
  std::string_view host = authority;
  std::string_view port;
  bool has_port = false;
  const std::size_t after_brackets = authority.starts_with('[') ? std::min(authority.find(']'), authority.size()) : 0;
  if (const std::size_t colon = authority.find(':', after_brackets); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    has_port = true;
  }
  if (auto error = check_host(host)) return error;
  url.host = base::ascii_lower(host);
  url.port = default_port(url.scheme);
  if (has_port) {
    if (port.empty() || port.size() > 5 || port.front() == '0' || !std::all_of(port.begin(), port.end(), is_digit)) {
      return invalid("its port is no integer from 1 to 65535");
    }
    unsigned number = 0;
    for (const char c : port) number = number * 10 + static_cast<unsigned>(c - '0');
    if (number > 65535) return invalid("its port is no integer from 1 to 65535");
    url.port = static_cast<std::uint16_t>(number);
  }
  return std::nullopt;
}

bool is_double_dot(std::string_view segment) noexcept {
  return is_dot_segment(segment) && !(segment.size() == 1 || segment.size() == 3);
}

bool has_dot_segment(std::string_view path) noexcept {
  bool possible = false;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (path[i] == '/' && (path[i + 1] == '.' || path[i + 1] == '%')) possible = true;
  }
  if (!possible) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    if (is_dot_segment(path.substr(0, slash))) return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

// RFC 3986 section 5.2.4. `path` begins with a slash.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_in_slash = false;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (is_dot_segment(segment)) {
      if (is_double_dot(segment) && !kept.empty()) kept.pop_back();
      ends_in_slash = true;
    } else {
      kept.push_back(segment);
      ends_in_slash = false;
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out += '/';
    out += segment;
  }
  if (ends_in_slash) out += '/';
  return out;
}

enum class Dots { refuse, remove };

// Path and query of `url` from `rest`, which is empty or begins with / or ? and has no fragment.
std::optional<Error> read_target(std::string_view rest, Dots dots, Url& url) {
  const std::size_t question = std::min(rest.find('?'), rest.size());
  const std::string_view path = rest.substr(0, question);
  if (path.empty()) {
    url.target.assign(1, '/');  // GCC 12 warns falsely of = "/"
  } else if (!has_dot_segment(path)) {
    url.target = path;
  } else if (dots == Dots::remove) {
    url.target = without_dot_segments(path);
  } else {
    return invalid("its path has a segment . or .. (%2e counts as a dot)");
  }
  url.target += rest.substr(question);
  return std::nullopt;
}

// `rest` begins after "scheme:" and has no fragment; the scheme is set.
std::optional<Error> read_after_scheme(std::string_view rest, Dots dots, Url& url) {
  if (!rest.starts_with("//")) return invalid("expected // after the scheme");
  rest.remove_prefix(2);
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != '/' && rest[end] != '?') ++end;
  if (auto error = read_authority(rest.substr(0, end), url)) return error;
  return read_target(rest.substr(end), dots, url);
}

void append_origin(std::string& out, const Url& url) {
  out.reserve(out.size() + url.scheme.size() + url.host.size() + url.target.size() + 16);
  out += url.scheme;
  out += "://";
  out += url.host;
  if (url.port != default_port(url.scheme)) {
    out += ':';
    out += std::to_string(url.port);
  }
}

template <bool blank_is_plus>
void append_encoded(std::string& out, std::string_view text, const ByteSet& kept) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::size_t run = 0;  // begin of the run not yet written
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kept[c]) continue;
    out.append(text, run, i - run);
    run = i + 1;
    if (blank_is_plus && c == ' ') {
      out += '+';
    } else {
      const char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
      out.append(escape, 3);
    }
  }
  out.append(text, run, text.size() - run);
}

}  // namespace

std::string Url::origin() const {
  std::string out;
  append_origin(out, *this);
  return out;
}

std::string Url::text() const {
  std::string out;
  append_origin(out, *this);
  out += target;
  return out;
}

bool is_dot_segment(std::string_view segment) noexcept {
  int dots = 0;
  while (!segment.empty()) {
    if (segment.front() == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && base::ascii_lower(segment[2]) == 'e') {
      segment.remove_prefix(3);
    } else {
      return false;
    }
    if (++dots > 2) return false;
  }
  return dots > 0;
}

Result<Url> parse_url(std::string_view text) {
  if (text.empty()) return invalid("it is empty");
  Url url;
  url.scheme = scheme_of(text);
  if (url.scheme.empty()) return invalid("it is not absolute; expected http:// or https:// at its start");
  std::string_view rest = text.substr(url.scheme.size() + 1);
  if (url.scheme != "http" && url.scheme != "https") {
    // "localhost:8080/x" is a forgotten scheme rather than a scheme named localhost.
    if (is_known_scheme(url.scheme) || rest.starts_with("//")) return refused_scheme(url.scheme);
    return invalid("it is not absolute; expected http:// or https:// at its start");
  }
  if (auto error = check_characters(text)) return std::move(*error);
  if (auto error = read_after_scheme(rest.substr(0, rest.find('#')), Dots::refuse, url)) return std::move(*error);
  return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  Url url;
  url.scheme = scheme_of(reference);
  std::string_view rest = reference.substr(0, reference.find('#'));
  if (url.scheme.empty()) {
    url.scheme = base.scheme;
  } else if (url.scheme != "http" && url.scheme != "https") {
    return refused_scheme(url.scheme);
  } else {
    rest.remove_prefix(url.scheme.size() + 1);
    if (!rest.starts_with("//")) return invalid("expected // after the scheme");
  }
  if (auto error = check_characters(reference)) return std::move(*error);
  if (rest.starts_with("//")) {
    if (auto error = read_after_scheme(rest, Dots::remove, url)) return std::move(*error);
    return url;
  }
  url.host = base.host;
  url.port = base.port;
  std::string merged;
  if (rest.empty()) {
    merged = base.target;
  } else if (rest.front() == '/') {
    merged = rest;
  } else {
    const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
    merged = rest.front() == '?' ? base_path : base_path.substr(0, base_path.rfind('/') + 1);
    merged += rest;
  }
  if (auto error = read_target(merged, Dots::remove, url)) return std::move(*error);
  return url;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  append_encoded<false>(out, text, kept_in_percent);
}

void append_form_encoded(std::string& out, std::string_view text) { append_encoded<true>(out, text, kept_in_form); }

std::string percent_decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && base::hex_digit(text[i + 1]) >= 0 &&
               base::hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(base::hex_digit(text[i + 1]) << 4 | base::hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace fnstack
