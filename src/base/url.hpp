// A strict parser of absolute http and https URLs (RFC 3986 without its lenience), used for checking what goes
// out, for origins and for redirects. It refuses what libcurl would repair. Entry points: parse_url, resolve_url.
// It knows nothing of addresses that are allowed or not: `http://127.0.0.1/` is a fine URL here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack {

struct Url {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case; an IPv6 address keeps its brackets
  std::uint16_t port = 0;  // default port filled in
  std::string target;      // path and query, at least "/"

  [[nodiscard]] std::string origin() const;  // "https://host", ":port" only if it is not the default one
  [[nodiscard]] std::string text() const;    // origin + target
  [[nodiscard]] bool same_origin(const Url& other) const noexcept {
    return port == other.port && scheme == other.scheme && host == other.host;
  }
};

// Absolute, http or https, ASCII only, valid %XX, no backslash, user info, control, blank or dot segment
// (%2e counts as a dot); scheme and host are lower-cased, the default port and the fragment dropped, an empty
// path becomes "/"; nothing else changes. A host is labels of letters, digits, inner hyphens and underscores, a
// dotted IPv4 address of four plain decimal numbers, or an IPv6 address in brackets; 127.1, 0x7f000001 and
// 2130706433 are refused. Errors: `validation`; another scheme is `blocked`. Messages never repeat the text,
// which may hold a secret.
[[nodiscard]] Result<Url> parse_url(std::string_view text);
// Location of a redirect, relative ones resolved (RFC 3986 section 5.2). Same strictness; dot segments are removed.
[[nodiscard]] Result<Url> resolve_url(const Url& base, std::string_view reference);

// "." or "..", each dot also as %2e.
[[nodiscard]] bool is_dot_segment(std::string_view segment) noexcept;

// Percent-encodes all but A-Za-z0-9-._~ .
void append_percent_encoded(std::string& out, std::string_view text);
// WHATWG application/x-www-form-urlencoded: blank is +, * - . _ kept.
void append_form_encoded(std::string& out, std::string_view text);
// %XX decoded, anything else as it is. `plus_is_blank`: as a form has it.
[[nodiscard]] std::string percent_decoded(std::string_view text, bool plus_is_blank);

}  // namespace fnstack
