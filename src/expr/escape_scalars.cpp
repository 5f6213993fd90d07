// Places that take one plain value: cache key, SQL identifier, record_id, response status.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"

namespace fnstack::expr {
namespace {

// PostgreSQL cuts longer ones with no more than a notice.
constexpr std::size_t max_identifier = 63;

constexpr bool is_letter_or_underscore(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

Result<std::string> render_cache_key(const Template& bound, Scope& scope, std::size_t max_bytes) {
  constexpr std::string_view place = "cache key";
  std::string key;
  Value scratch;
  Failure error;
  for (const Piece& piece : bound.pieces) {
    if (!piece.is_hole()) {
      if (piece.literal.size() > max_bytes) return too_long(place, "cache_key_bytes", max_bytes);
      key += piece.literal;
    } else {
      const Value* value = evaluate_borrowed(piece.hole, scope, scratch, error);
      if (value == nullptr) return std::move(*error);
      if (value->is_null()) return refused_hole(place, piece, "is null; other keys would fall together with this one");
      if (!is_plain_scalar(*value)) {
        return refused_hole(
            place, piece, "is " + std::string(base::kind_in_words(*value)) + ", expected text, a number or a boolean");
      }
      if (value->is_string() && value->as_string().empty()) {
        return refused_hole(place, piece, "is empty; other keys would fall together with this one");
      }
      if (value->is_string() && value->as_string().size() > max_bytes) {
        return too_long(place, "cache_key_bytes", max_bytes);
      }
      append_text(key, *value);
    }
    if (key.size() > max_bytes) return too_long(place, "cache_key_bytes", max_bytes);
  }
  if (key.empty()) return refused(place, "it is empty");
  return key;
}

std::optional<Error> check_identifier(std::string_view name, std::string_view what) {
  const bool valid =
      !name.empty() && name.size() <= max_identifier && is_letter_or_underscore(name.front()) &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_underscore(c) || is_digit(c); });
  if (valid) return std::nullopt;
  constexpr std::size_t most_shown = 60;
  std::string shown(name.substr(0, most_shown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '"') c = '?';
  }
  if (name.size() > most_shown) shown += "…";
  return refused(std::string(what) + " \"" + shown + "\"",
                 "expected a name of a letter or _, then letters, digits and _, 63 at most");
}

std::optional<Error> check_record_id(const Value& id) {
  if (id.is_number()) return std::nullopt;
  if (id.is_string()) {
    if (!id.as_string().empty()) return std::nullopt;
    return refused("record_id", "expected a number or text, got empty text");
  }
  return refused("record_id", "expected a number or text, got " + std::string(base::kind_in_words(id)));
}

Result<int> check_status(const Value& status) {
  constexpr std::string_view place = "status_code";
  constexpr std::string_view expected = "expected an integer from 200 to 599";
  double number = 0;
  if (status.is_number()) {
    number = status.as_number();
  } else if (status.is_string()) {
    const std::string_view text = status.as_string();
    if (text.size() != 3 || !std::all_of(text.begin(), text.end(), is_digit)) {
      return refused(place, std::string(expected) + ", got other text");
    }
    for (const char c : text) number = number * 10 + (c - '0');
  } else {
    return refused(place, std::string(expected) + ", got " + std::string(base::kind_in_words(status)));
  }
  if (!(number >= 200 && number <= 599) || number != static_cast<int>(number)) {
    return refused(place, std::string(expected) + ", got " + to_text(status));
  }
  return static_cast<int>(number);
}

}  // namespace fnstack::expr
