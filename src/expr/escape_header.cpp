// Request headers and the method. There is no escaping for a header's value: it is sent as it is or refused.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/kind_in_words.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"

namespace fnstack::expr {
namespace {

// RFC 9110's token.
constexpr bool is_token_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Why this text may not be part of a header's value; empty if it may.
std::string_view objection(std::string_view text) noexcept {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\r' || byte == '\n') return "has a line break, which would begin another header";
    if (byte < 0x20 || byte == 0x7f) return "has a control character";
    if (byte >= 0x80) return "has a character that is not ASCII";
  }
  return {};
}

std::string place_of(std::string_view name) { return "header " + std::string(name); }

std::optional<Error> check_value(std::string_view place, std::string_view value, std::size_t max_bytes) {
  if (value.size() > max_bytes) return too_long(place, "header_bytes", max_bytes);
  if (const std::string_view reason = objection(value); !reason.empty()) {
    return refused(place, "its value " + std::string(reason));
  }
  if (!value.empty() && (value.front() == ' ' || value.back() == ' ')) {
    return refused(place, "its value begins or ends with a blank, which would be lost");
  }
  return std::nullopt;
}

std::string not_scalar(const Value& value) {
  return "is " + std::string(base::kind_in_words(value)) + ", expected text, a number or a boolean";
}

}  // namespace

Result<std::optional<std::string>> render_header(const Template& bound, Scope& scope, std::string_view name,
                                                 std::size_t max_bytes) {
  const std::string place = place_of(name);
  const bool whole = bound.is_single_hole();
  std::string text;
  Value scratch;
  Failure error;
  for (const Piece& piece : bound.pieces) {
    if (!piece.is_hole()) {
      text += piece.literal;
      continue;
    }
    const Value* value = evaluate_borrowed(piece.hole, scope, scratch, error);
    if (value == nullptr) return std::move(*error);
    if (value->is_null()) {
      if (whole) return std::optional<std::string>();
      return refused_hole(place, piece, "is null within text; give the header by one hole to leave it out then");
    }
    if (!is_plain_scalar(*value)) return refused_hole(place, piece, not_scalar(*value));
    if (value->is_string()) {
      const std::string_view part = value->as_string();
      if (part.size() > max_bytes) return too_long(place, "header_bytes", max_bytes);
      if (const std::string_view reason = objection(part); !reason.empty()) return refused_hole(place, piece, reason);
      text += part;
    } else {
      append_text(text, *value);
    }
    if (text.size() > max_bytes) return too_long(place, "header_bytes", max_bytes);
  }
  if (!text.empty()) {
    constexpr std::string_view reason = "leaves a blank at the edge of the value, which would be lost";
    const Piece& first = bound.pieces.front();
    const Piece& last = bound.pieces.back();
    if (text.front() == ' ' && first.is_hole()) return refused_hole(place, first, reason);
    if (text.back() == ' ' && last.is_hole()) return refused_hole(place, last, reason);
  }
  if (auto refusal = check_value(place, text, max_bytes)) return std::move(*refusal);
  return std::optional<std::string>(std::move(text));
}

bool is_framing_header(std::string_view name) noexcept {
  static constexpr std::string_view framing[] = {"host", "content-length", "transfer-encoding", "connection",
                                                 "te",   "trailer",        "upgrade",           "expect"};
  constexpr std::string_view proxy = "proxy-";
  if (base::same_word(name.substr(0, proxy.size()), proxy)) return true;
  return std::any_of(std::begin(framing), std::end(framing),
                     [name](std::string_view other) { return base::same_word(name, other); });
}

std::optional<Error> check_header_name(std::string_view name, bool from_data) {
  if (name.empty()) return refused("headers", "a name is empty");
  if (!std::all_of(name.begin(), name.end(), is_token_character)) {
    return refused("headers", "a name has a character other than letters, digits and !#$%&'*+-.^_`|~");
  }
  if (from_data && is_framing_header(name)) {
    return refused(place_of(name), "it frames the request and may not come from data");
  }
  return std::nullopt;
}

Result<std::vector<std::pair<std::string, std::string>>> check_headers(const Value& headers, bool from_data,
                                                                       std::size_t max_bytes) {
  std::vector<std::pair<std::string, std::string>> out;
  if (headers.is_null()) return out;
  if (!headers.is_object()) {
    return refused("headers", "expected an object of texts, got " + std::string(base::kind_in_words(headers)));
  }
  std::vector<std::string> seen;
  seen.reserve(headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const std::string_view name = headers.key_at(i);
    if (name.size() > max_bytes) return too_long("a header's name", "header_bytes", max_bytes);
    if (auto error = check_header_name(name, from_data)) return std::move(*error);
    seen.push_back(base::ascii_lower(name));
    const Value& value = headers[i];
    if (value.is_null()) continue;
    const std::string place = place_of(name);
    if (!is_plain_scalar(value)) return refused(place, not_scalar(value));
    std::string text = to_text(value);
    if (auto error = check_value(place, text, max_bytes)) return std::move(*error);
    out.emplace_back(name, std::move(text));
  }
  std::sort(seen.begin(), seen.end());
  if (const auto twice = std::adjacent_find(seen.begin(), seen.end()); twice != seen.end()) {
    return refused(place_of(*twice), "it is given twice");
  }
  return out;
}

Result<std::string> check_method(const Value& method) {
  static constexpr std::string_view known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  constexpr std::string_view expected = "expected one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
  if (!method.is_string()) {
    return refused("method", std::string(expected) + ", got " + std::string(base::kind_in_words(method)));
  }
  const std::string_view text = method.as_string();
  if (text.size() <= 7) {
    std::string name = base::ascii_upper(text);
    if (std::find(std::begin(known), std::end(known), name) != std::end(known)) return name;
  }
  return refused("method", expected);
}

}  // namespace fnstack::expr
