#include "base/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace fnstack::base {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Whether a number too big or too small for a double is too small: the power of ten of its first digit that is
// not 0 tells. `text` is of JSON's grammar.
bool is_tiny(std::string_view text) noexcept {
  constexpr std::int64_t cap = 1'000'000'000'000;  // keeps absurd exponents from overflowing
  std::int64_t power = 0;
  bool fraction = false;
  bool found = false;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') fraction = true;
    if (!is_digit(text[i])) continue;
    if (text[i] != '0') found = true;
    if (found && !fraction) ++power;
    if (!found && fraction) --power;
  }
  if (!found) return true;
  std::int64_t exponent = 0;
  bool negative = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '-') negative = true;
    if (is_digit(text[i]) && exponent < cap) exponent = exponent * 10 + (text[i] - '0');
  }
  return power + (negative ? -exponent : exponent) < 0;
}

}  // namespace

char* write_integer(char* to, std::int64_t number) { return std::to_chars(to, to + longest_number, number).ptr; }

char* write_number(char* to, double number) {
  const auto put = [&](std::string_view text) { to = std::copy(text.begin(), text.end(), to); };
  if (std::isnan(number)) {
    put("NaN");
    return to;
  }
  if (std::isinf(number)) {
    put(number < 0 ? "-Infinity" : "Infinity");
    return to;
  }
  // Up to 2^53 a whole number's own digits are the shortest.
  if (std::fabs(number) <= 9007199254740992.0 && std::trunc(number) == number) {
    return write_integer(to, static_cast<std::int64_t>(number));
  }
  // d.ddde±xx: the shortest digits and their power of ten.
  char buffer[40];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  if (text.front() == '-') {
    put("-");
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int power = 0;
  const std::size_t sign = text[e + 1] == '+' ? 1 : 0;
  std::from_chars(text.data() + e + 1 + sign, text.data() + text.size(), power);
  char kept[32];
  int count = 0;
  for (const char c : text.substr(0, e)) {
    if (c != '.') kept[count++] = c;
  }
  const std::string_view digits(kept, static_cast<std::size_t>(count));
  const auto zeros = [&](int how_many) { to = std::fill_n(to, how_many, '0'); };
  // ECMA-262, Number::toString, with n = power + 1 and k = count.
  const int n = power + 1;
  if (count <= n && n <= 21) {
    put(digits);
    zeros(n - count);
  } else if (0 < n && n <= 21) {
    put(digits.substr(0, static_cast<std::size_t>(n)));
    put(".");
    put(digits.substr(static_cast<std::size_t>(n)));
  } else if (-6 < n && n <= 0) {
    put("0.");
    zeros(-n);
    put(digits);
  } else {
    put(digits.substr(0, 1));
    if (count > 1) {
      put(".");
      put(digits.substr(1));
    }
    put(power < 0 ? "e-" : "e+");
    to = write_integer(to, power < 0 ? -power : power);
  }
  return to;
}

void append_integer(std::string& out, std::int64_t number) {
  char text[longest_number];
  out.append(text, write_integer(text, number));
}

void append_number(std::string& out, double number) {
  char text[longest_number];
  out.append(text, write_number(text, number));
}

void append_number(std::string& out, const Value& number) {
  if (number.is_integer()) {
    append_integer(out, number.as_integer());
  } else {
    append_number(out, number.as_number());
  }
}

std::size_t number_length(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto digit_at = [&](std::size_t at) { return at < text.size() && is_digit(text[at]); };
  if (i < text.size() && text[i] == '-') ++i;
  if (!digit_at(i)) return 0;
  if (text[i] == '0') {
    ++i;
  } else {
    while (digit_at(i)) ++i;
  }
  if (i < text.size() && text[i] == '.' && digit_at(i + 1)) {
    ++i;
    while (digit_at(i)) ++i;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t e = i + 1;
    if (e < text.size() && (text[e] == '+' || text[e] == '-')) ++e;
    if (digit_at(e)) {
      while (digit_at(e)) ++e;
      i = e;
    }
  }
  return i;
}

NumberText read_number(std::string_view text, Value& number) {
  if (text.empty() || number_length(text) != text.size()) return NumberText::malformed;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::int64_t integer = 0;
  const auto whole = std::from_chars(begin, end, integer);
  if (whole.ec == std::errc{} && whole.ptr == end) {
    number = Value(integer);
    return NumberText::read;
  }
  double value = 0;
  const auto real = std::from_chars(begin, end, value);
  if (real.ec == std::errc::result_out_of_range || std::isinf(value)) {
    if (!is_tiny(text)) return NumberText::out_of_range;
    value = text.front() == '-' ? -0.0 : 0.0;
  }
  number = Value(value);
  return NumberText::read;
}

}  // namespace fnstack::base
