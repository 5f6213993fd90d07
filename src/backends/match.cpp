#include "backends/match.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace fnstack::backends {
namespace {

int sign(bool less, bool greater) noexcept { return greater - less; }

// Without rounding the integer: beyond 2^53 a double can't tell neighbours apart.
int compare_integer_with_double(std::int64_t integer, double number) noexcept {
  if (number >= 9223372036854775808.0) return -1;
  if (number < -9223372036854775808.0) return 1;
  const auto whole = static_cast<std::int64_t>(number);  // towards zero
  if (integer != whole) return integer < whole ? -1 : 1;
  const double rest = number - static_cast<double>(whole);
  return sign(rest > 0, rest < 0);
}

// Past the UTF-8 character that begins at `at`.
std::size_t next_character(std::string_view text, std::size_t at) noexcept {
  ++at;
  while (at < text.size() && base::continues_code_point(text[at])) ++at;
  return at;
}

int sort_rank(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
      return 0;
    case Value::Kind::integer:
    case Value::Kind::number:
      return 1;
    case Value::Kind::string:
      return 2;
    default:
      return 3;
  }
}

std::string sort_text(const Value& value) { return value.is_bytes() ? std::string(value.as_string()) : to_json(value); }

int compare_text(std::string_view left, std::string_view right) noexcept {
  const int order = left.compare(right);
  return sign(order<0, order> 0);
}

}  // namespace

std::optional<Value> number_of_text(std::string_view text) {
  // Cheap refusal first: most texts are words.
  if (text.empty() || text.size() > 32 || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto read = std::from_chars(text.data(), end, integer); read.ec == std::errc() && read.ptr == end) {
    if (to_text(Value(integer)) == text) return Value(integer);
    return std::nullopt;
  }
  double number = 0;
  if (const auto read = std::from_chars(text.data(), end, number); read.ec == std::errc() && read.ptr == end) {
    if (std::isfinite(number) && to_text(Value(number)) == text) return Value(number);
  }
  return std::nullopt;
}

int compare_numbers(const Value& left, const Value& right) noexcept {
  if (left.is_integer() && right.is_integer()) {
    return sign(left.as_integer() < right.as_integer(), left.as_integer() > right.as_integer());
  }
  if (left.is_integer()) return compare_integer_with_double(left.as_integer(), right.as_number());
  if (right.is_integer()) return -compare_integer_with_double(right.as_integer(), left.as_number());
  return sign(left.as_number() < right.as_number(), left.as_number() > right.as_number());
}

bool equal_in_filter(const Value& cell, const Value& wanted) {
  if (cell.is_number() && wanted.is_number()) return compare_numbers(cell, wanted) == 0;
  if (cell.is_number() && wanted.is_string()) return to_text(cell) == wanted.as_string();
  if (cell.is_string() && wanted.is_number()) return cell.as_string() == to_text(wanted);
  if (cell.kind() != wanted.kind()) return false;
  switch (cell.kind()) {
    case Value::Kind::boolean:
      return cell.as_boolean() == wanted.as_boolean();
    case Value::Kind::string:
    case Value::Kind::bytes:
      return cell.as_string() == wanted.as_string();
    case Value::Kind::array:
    case Value::Kind::object:
      return to_json(cell) == to_json(wanted);
    default:
      return false;
  }
}

std::optional<int> order_in_filter(const Value& cell, const Value& wanted) noexcept {
  if (cell.is_number() && wanted.is_number()) return compare_numbers(cell, wanted);
  if (cell.is_string() && wanted.is_string()) return compare_text(cell.as_string(), wanted.as_string());
  if (cell.is_boolean() && wanted.is_boolean()) {
    return sign(!cell.as_boolean() && wanted.as_boolean(), cell.as_boolean() && !wanted.as_boolean());
  }
  return std::nullopt;
}

bool like(std::string_view text, std::string_view pattern) noexcept {
  // Only the last % is ever tried again, so the work is bounded by the product of the lengths.
  std::size_t at = 0, in_pattern = 0, percent = std::string_view::npos, after_percent = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '%') {
      percent = in_pattern++;
      after_percent = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == '_') {
      ++in_pattern;
      at = next_character(text, at);
    } else if (in_pattern < pattern.size() && base::ascii_lower(pattern[in_pattern]) == base::ascii_lower(text[at])) {
      ++in_pattern;
      ++at;
    } else if (percent != std::string_view::npos) {
      in_pattern = percent + 1;
      at = after_percent = next_character(text, after_percent);
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '%') ++in_pattern;
  return in_pattern == pattern.size();
}

bool contains(const Value& cell, const Value& wanted) {
  if (cell.is_string() && wanted.is_string())
    return cell.as_string().find(wanted.as_string()) != std::string_view::npos;
  if (cell.is_string() && wanted.is_number()) return cell.as_string().find(to_text(wanted)) != std::string_view::npos;
  if (!cell.is_array()) return false;
  for (std::size_t at = 0; at < cell.size(); ++at) {
    if (equal_in_filter(cell[at], wanted)) return true;
  }
  return false;
}

int compare_for_sort(const Value& left, const Value& right) {
  const int left_rank = sort_rank(left), right_rank = sort_rank(right);
  if (left_rank != right_rank) return left_rank < right_rank ? -1 : 1;
  switch (left_rank) {
    case 0:
      return 0;
    case 1:
      return compare_numbers(left, right);
    case 2:
      return compare_text(left.as_string(), right.as_string());
    default:
      return compare_text(sort_text(left), sort_text(right));
  }
}

}  // namespace fnstack::backends
