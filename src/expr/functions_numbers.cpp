// Numbers read, compared and written as the functions need them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/ascii.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions {
namespace {

constexpr double two_to_53 = 9007199254740992.0;

constexpr double two_to_63 = 9223372036854775808.0;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

using base::digit_value;

Value prefixed_number(std::string_view digits, int radix) {
  if (digits.empty()) return {};
  std::uint64_t exact = 0;
  double number = 0;
  bool fits = true;
  for (const char c : digits) {
    const int digit = digit_value(c);
    if (digit < 0 || digit >= radix) return {};
    fits = fits && exact <= (UINT64_MAX - static_cast<std::uint64_t>(digit)) / static_cast<std::uint64_t>(radix);
    if (fits) exact = exact * static_cast<std::uint64_t>(radix) + static_cast<std::uint64_t>(digit);
    number = number * radix + digit;
  }
  if (fits) return exact;
  return std::isfinite(number) ? Value(number) : Value();
}

}  // namespace

Value number_value(double number) noexcept {
  if (std::fabs(number) <= two_to_53 && number == std::trunc(number)) return static_cast<std::int64_t>(number);
  return number;
}

Value text_to_number(std::string_view text) {
  text = trim(text);
  if (text.empty()) return 0;
  if (text.size() > 2 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    if (kind == 'x') return prefixed_number(text.substr(2), 16);
    if (kind == 'o') return prefixed_number(text.substr(2), 8);
    if (kind == 'b') return prefixed_number(text.substr(2), 2);
  }
  // What from_chars takes beyond ECMAScript's StrDecimalLiteral ("inf", "nan", hex) begins with a letter.
  std::string_view body = text;
  if (body.front() == '+') {
    body.remove_prefix(1);
    if (body.empty() || body.front() == '-') return {};
  }
  const std::string_view digits = body.substr(!body.empty() && body.front() == '-' ? 1 : 0);
  if (digits.empty() || !(is_digit(digits[0]) || (digits[0] == '.' && digits.size() > 1 && is_digit(digits[1])))) {
    return {};
  }
  std::int64_t integer = 0;
  const char* const end = body.data() + body.size();
  if (const auto read = std::from_chars(body.data(), end, integer); read.ec == std::errc() && read.ptr == end) {
    return integer;
  }
  double number = 0;
  const auto read = std::from_chars(body.data(), end, number);
  if (read.ptr != end) return {};
  if (read.ec == std::errc::result_out_of_range) {
    // Too small or too large: the exponent's sign tells, or else the digits before the point.
    const std::size_t exponent = body.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos
                          ? body.substr(exponent).find('-') != std::string_view::npos
                          : digits.substr(0, digits.find('.')).find_first_not_of('0') == std::string_view::npos;
    return tiny ? Value(0) : Value();
  }
  if (read.ec != std::errc() || !std::isfinite(number)) return {};
  return number_value(number);
}

Value add_numbers(const Value& left, const Value& right) noexcept {
  if (left.is_integer() && right.is_integer()) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(left.as_integer(), right.as_integer(), &sum)) return sum;
  }
  return left.as_number() + right.as_number();
}

int compare_numbers(const Value& left, const Value& right) noexcept {
  const auto order = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
  if (left.is_integer() == right.is_integer()) {
    return left.is_integer() ? order(left.as_integer(), right.as_integer())
                             : order(left.as_number(), right.as_number());
  }
  if (!left.is_integer()) return -compare_numbers(right, left);
  const double number = right.as_number();
  if (number >= two_to_63) return -1;
  if (number < -two_to_63) return 1;
  const auto whole = static_cast<std::int64_t>(number);
  if (left.as_integer() != whole) return order(left.as_integer(), whole);
  return order(0.0, number - static_cast<double>(whole));
}

std::string fixed_text(const Value& number, int decimals, bool exact) {
  // A double has at most 309 digits before the point and 1074 behind it.
  char buffer[1500];
  char* end = buffer;
  if (number.is_integer()) {
    end = std::to_chars(buffer, buffer + sizeof buffer, number.as_integer()).ptr;
  } else if (exact) {
    end = std::to_chars(buffer, buffer + sizeof buffer, number.as_number(), std::chars_format::fixed, 1074).ptr;
  } else {
    end = std::to_chars(buffer, buffer + sizeof buffer, number.as_number(), std::chars_format::fixed).ptr;
  }
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  std::string digits(text.substr(0, point));  // `decimals` places are scaled in; negative ones cut digits away
  bool up = false;
  if (decimals >= 0) {
    const auto places = static_cast<std::size_t>(decimals);
    digits += fraction.substr(0, places);
    digits.append(places - std::min(places, fraction.size()), '0');
    up = fraction.size() > places && fraction[places] >= '5';
  } else {
    const auto cut = static_cast<std::size_t>(-decimals);
    up = digits.size() >= cut && digits[digits.size() - cut] >= '5';
    digits = digits.size() > cut ? digits.substr(0, digits.size() - cut) : std::string("0");
  }
  if (up) {
    std::size_t at = digits.size();
    while (at > 0 && digits[at - 1] == '9') digits[--at] = '0';
    if (at == 0) {
      digits.insert(digits.begin(), '1');
    } else {
      ++digits[at - 1];
    }
  }
  if (decimals < 0) {
    if (digits != "0") digits.append(static_cast<std::size_t>(-decimals), '0');
  } else if (decimals > 0) {
    digits.insert(digits.size() - static_cast<std::size_t>(decimals), ".");
  }
  return digits;
}

std::string radix_text(double number, int radix) {
  constexpr std::string_view digit_names = "0123456789abcdefghijklmnopqrstuvwxyz";
  const bool negative = number < 0;
  if (negative) number = -number;
  double integer = std::floor(number);
  double fraction = number - integer;
  // Digits are written until they tell the number from its neighbours, the last one rounded to even: V8's way.
  double delta = 0.5 * (std::nextafter(number, std::numeric_limits<double>::infinity()) - number);
  delta = std::max(std::numeric_limits<double>::denorm_min(), delta);
  std::string behind;
  if (fraction >= delta) {
    do {
      fraction *= radix;
      delta *= radix;
      const int digit = static_cast<int>(fraction);
      behind += digit_names[static_cast<std::size_t>(digit)];
      fraction -= digit;
      if ((fraction > 0.5 || (fraction == 0.5 && (digit & 1) != 0)) && fraction + delta > 1) {
        while (!behind.empty() && digit_value(behind.back()) + 1 == radix) behind.pop_back();
        if (behind.empty()) {
          integer += 1;
        } else {
          behind.back() = digit_names[static_cast<std::size_t>(digit_value(behind.back()) + 1)];
        }
        break;
      }
    } while (fraction >= delta);
  }
  std::string before;
  while (integer >= two_to_53) {  // digits that a double does not hold are zero
    integer /= radix;
    before += '0';
  }
  integer = std::floor(integer);
  do {
    const double digit = std::fmod(integer, radix);
    before += digit_names[static_cast<std::size_t>(digit)];
    integer = (integer - digit) / radix;
  } while (integer > 0);
  if (negative) before += '-';
  std::reverse(before.begin(), before.end());
  return behind.empty() ? before : before + '.' + behind;
}

}  // namespace fnstack::expr::functions
