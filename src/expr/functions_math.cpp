// Functions on numbers: Math.*, ECMAScript's number methods, the filters for arithmetic, and random numbers.
// What ECMAScript answers with NaN or Infinity is an error; null is no number.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <fnstack/json.hpp>

#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::math {
namespace {

constexpr double pi = 3.141592653589793;

Result<Value> finite(Invocation& call, double number) {
  if (std::isnan(number)) return call.error("the result is not a number");
  if (std::isinf(number)) return call.error("the result is infinite");
  return number_value(number);
}

template <double (*function)(double)>
Result<Value> unary(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return finite(call, function(number));
}

// Rounding: an integer stays as it is.
template <double (*function)(double)>
Result<Value> rounding(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  if (in.failed()) return in.error();
  return number.is_integer() ? number : number_value(function(number.as_number()));
}

double round_half_up(double number) {
  const double below = std::floor(number);
  return number - below >= 0.5 ? below + 1 : below;
}

// In more bits than a double has, so that cubes have whole roots.
double cube_root(double number) { return static_cast<double>(std::cbrt(static_cast<long double>(number))); }

Result<Value> extreme(Invocation& call, bool greatest) {
  Reader in(call);
  if (call[0].is_array()) {
    return call.error(greatest ? "expected numbers, got a list; use list|max"
                               : "expected numbers, got a list; use list|min");
  }
  if (call.count() == 0) return call.error("expected at least one number");
  if (!call.charge(call.count())) return call.failure();
  Value best = in.numeric(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    Value next = in.numeric(i);
    const int order = compare_numbers(next, best);
    if (greatest ? order > 0 : order < 0) best = std::move(next);
  }
  if (in.failed()) return in.error();
  return best;
}

Result<Value> operation(Invocation& call, char op) {
  Reader in(call);
  const Value left = in.numeric(0);
  const Value right = in.numeric(1, "the other number");
  if (in.failed()) return in.error();
  Result<Value> result = arithmetic(op, left, right);
  if (!result.ok()) return call.error(result.error().message);
  return result;
}

std::int32_t to_int32(const Value& number) noexcept {
  if (number.is_integer()) return static_cast<std::int32_t>(static_cast<std::uint32_t>(number.as_integer()));
  double rest = std::fmod(std::trunc(number.as_number()), 4294967296.0);
  if (rest < 0) rest += 4294967296.0;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(rest));
}

// "1.25e+03" taken apart: the digits, and the exponent as the answer.
int split_scientific(std::string_view text, std::string& digits) {
  const std::size_t mark = text.find('e');
  for (const char c : text.substr(0, mark)) {
    if (c != '.') digits += c;
  }
  text.remove_prefix(mark + (text[mark + 1] == '+' ? 2 : 1));
  int exponent = 0;
  std::from_chars(text.data(), text.data() + text.size(), exponent);
  return exponent;
}

// The significant digits of a positive number, rounded half up on its exact value, and the exponent of the first one.
std::string significant(double number, int digits, int& exponent) {
  char buffer[1200];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific, 1080);
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  std::string all;
  exponent = split_scientific(text, all);
  const auto kept = static_cast<std::size_t>(digits);
  const bool up = all[kept] >= '5';
  all.resize(kept);
  if (!up) return all;
  std::size_t at = all.size();
  while (at > 0 && all[at - 1] == '9') all[--at] = '0';
  if (at > 0) {
    ++all[at - 1];
  } else {
    all.insert(all.begin(), '1');
    all.pop_back();
    ++exponent;
  }
  return all;
}

std::string exponential(const std::string& digits, int exponent) {
  std::string out(1, digits[0]);
  if (digits.size() > 1) out.append(".").append(digits, 1);
  return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
}

}  // namespace

// ---- Math.*

Result<Value> abs(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  if (in.failed()) return in.error();
  if (number.is_integer() && number.as_integer() != INT64_MIN) {
    return Value(number.as_integer() < 0 ? -number.as_integer() : number.as_integer());
  }
  return number_value(std::fabs(number.as_number()));
}

Result<Value> sign(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return Value(number > 0 ? 1 : number < 0 ? -1 : 0);
}

Result<Value> floor(Invocation& call) { return rounding<std::floor>(call); }
Result<Value> ceil(Invocation& call) { return rounding<std::ceil>(call); }
Result<Value> trunc(Invocation& call) { return rounding<std::trunc>(call); }
Result<Value> math_round(Invocation& call) { return rounding<round_half_up>(call); }
Result<Value> sqrt(Invocation& call) { return unary<std::sqrt>(call); }
Result<Value> cbrt(Invocation& call) { return unary<cube_root>(call); }
Result<Value> exp(Invocation& call) { return unary<std::exp>(call); }
Result<Value> expm1(Invocation& call) { return unary<std::expm1>(call); }
Result<Value> log(Invocation& call) { return unary<std::log>(call); }
Result<Value> log1p(Invocation& call) { return unary<std::log1p>(call); }
Result<Value> log2(Invocation& call) { return unary<std::log2>(call); }
Result<Value> log10(Invocation& call) { return unary<std::log10>(call); }
Result<Value> sin(Invocation& call) { return unary<std::sin>(call); }
Result<Value> cos(Invocation& call) { return unary<std::cos>(call); }
Result<Value> tan(Invocation& call) { return unary<std::tan>(call); }
Result<Value> asin(Invocation& call) { return unary<std::asin>(call); }
Result<Value> acos(Invocation& call) { return unary<std::acos>(call); }
Result<Value> atan(Invocation& call) { return unary<std::atan>(call); }
Result<Value> sinh(Invocation& call) { return unary<std::sinh>(call); }
Result<Value> cosh(Invocation& call) { return unary<std::cosh>(call); }
Result<Value> tanh(Invocation& call) { return unary<std::tanh>(call); }
Result<Value> asinh(Invocation& call) { return unary<std::asinh>(call); }
Result<Value> acosh(Invocation& call) { return unary<std::acosh>(call); }
Result<Value> atanh(Invocation& call) { return unary<std::atanh>(call); }

Result<Value> fround(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return finite(call, static_cast<double>(static_cast<float>(number)));
}

Result<Value> atan2(Invocation& call) {
  Reader in(call);
  const double y = in.number(0);
  const double x = in.number(1);
  if (in.failed()) return in.error();
  return finite(call, std::atan2(y, x));
}

Result<Value> hypot(Invocation& call) {
  Reader in(call);
  if (!call.charge(call.count())) return call.failure();
  double result = 0;
  for (std::size_t i = 0; i < call.count(); ++i) result = std::hypot(result, in.number(i));
  if (in.failed()) return in.error();
  return finite(call, result);
}

Result<Value> clz32(Invocation& call) {
  Reader in(call);
  const auto bits = static_cast<std::uint32_t>(to_int32(in.numeric(0)));
  if (in.failed()) return in.error();
  return Value(bits == 0 ? 32 : __builtin_clz(bits));
}

Result<Value> imul(Invocation& call) {
  Reader in(call);
  const auto left = static_cast<std::uint32_t>(to_int32(in.numeric(0)));
  const auto right = static_cast<std::uint32_t>(to_int32(in.numeric(1)));
  if (in.failed()) return in.error();
  return Value(static_cast<std::int32_t>(left * right));
}

Result<Value> pow(Invocation& call) { return operation(call, '^'); }
Result<Value> math_min(Invocation& call) { return extreme(call, false); }
Result<Value> math_max(Invocation& call) { return extreme(call, true); }

Result<Value> random(Invocation& call) {
  std::uint64_t bits = 0;
  if (!random_below(call, std::uint64_t{1} << 53, bits)) return no_random(call);
  return number_value(static_cast<double>(bits) / 9007199254740992.0);
}

// ---- Methods of numbers.

Result<Value> to_fixed(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  const std::int64_t digits = in.whole_or(1, 0, "the digits");
  if (in.failed()) return in.error();
  if (digits < 0 || digits > 100) return call.error("expected 0 to 100 digits");
  if (std::fabs(number.as_number()) >= 1e21) return Value(to_text(number));
  const std::string text = fixed_text(number, static_cast<int>(digits), true);
  return Value(number.as_number() < 0 ? "-" + text : text);
}

Result<Value> to_precision(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  const std::int64_t digits = in.whole_or(1, 0, "the digits");
  if (in.failed()) return in.error();
  if (call[1].is_null()) return Value(to_text(call[0]));
  if (digits < 1 || digits > 100) return call.error("expected 1 to 100 digits");
  const auto precision = static_cast<int>(digits);
  int exponent = 0;
  const std::string shown = significant(std::fabs(number), precision, exponent);
  std::string out = number < 0 ? "-" : "";
  if (exponent < -6 || exponent >= precision) return Value(out + exponential(shown, exponent));
  if (exponent >= 0) {
    out.append(shown, 0, static_cast<std::size_t>(exponent) + 1);
    if (exponent + 1 < precision) out.append(".").append(shown, static_cast<std::size_t>(exponent) + 1);
  } else {
    out += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + shown;
  }
  return Value(std::move(out));
}

Result<Value> to_exponential(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  const std::int64_t digits = in.whole_or(1, 0, "the digits");
  if (in.failed()) return in.error();
  if (digits < 0 || digits > 100) return call.error("expected 0 to 100 digits");
  int exponent = 0;
  std::string shown;
  if (call[1].is_null()) {
    char buffer[64];
    const auto written =
        std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number), std::chars_format::scientific);
    const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
    exponent = split_scientific(text, shown);
  } else {
    shown = significant(std::fabs(number), static_cast<int>(digits) + 1, exponent);
  }
  return Value((number < 0 ? "-" : "") + exponential(shown, exponent));
}

Result<Value> to_string(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  const std::int64_t radix = in.whole_or(1, 10, "the radix");
  if (in.failed()) return in.error();
  if (radix < 2 || radix > 36) return call.error("expected a radix from 2 to 36");
  if (radix == 10) return Value(to_text(number));
  if (number.is_integer()) {
    char buffer[70];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, number.as_integer(), static_cast<int>(radix));
    return Value(std::string_view(buffer, static_cast<std::size_t>(written.ptr - buffer)));
  }
  return Value(radix_text(number.as_number(), static_cast<int>(radix)));
}

// ---- Filters.

Result<Value> round(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  const std::int64_t digits = in.whole_or(1, 0, "the precision");
  if (in.failed()) return in.error();
  if (digits < -100 || digits > 100) return call.error("expected a precision from -100 to 100");
  if (number.is_integer() && digits >= 0) return number;
  const std::string text = fixed_text(number, static_cast<int>(digits), false);
  return text_to_number(number.as_number() < 0 ? "-" + text : text);
}

Result<Value> number_format(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  const std::int64_t digits = in.whole_or(1, 0, "the decimals");
  const std::string_view point = in.text_or(2, ".", "the decimal point");
  const std::string_view separator = in.text_or(3, ",", "the thousands separator");
  if (in.failed()) return in.error();
  if (digits < 0 || digits > 100) return call.error("expected 0 to 100 decimals");
  const std::string text = fixed_text(number, static_cast<int>(digits), false);
  const std::size_t whole = std::min(text.find('.'), text.size());
  if (!call.charge(0, text.size() + separator.size() * whole + point.size()) ||
      !call.fits(text.size() + separator.size() * whole + point.size())) {
    return call.failure();
  }
  std::string out;
  if (number.as_number() < 0 && text.find_first_not_of("0.") != std::string::npos) out += '-';
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) out += separator;
    out += text[i];
  }
  if (whole < text.size()) out.append(point).append(text, whole + 1);
  return Value(std::move(out));
}

Result<Value> add(Invocation& call) { return operation(call, '+'); }
Result<Value> subtract(Invocation& call) { return operation(call, '-'); }
Result<Value> multiply(Invocation& call) { return operation(call, '*'); }
Result<Value> divide(Invocation& call) { return operation(call, '/'); }
Result<Value> modulus(Invocation& call) { return operation(call, '%'); }

Result<Value> even(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return Value(std::fmod(number, 2) == 0);
}

Result<Value> odd(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return Value(std::fabs(std::fmod(number, 2)) == 1);
}

Result<Value> degrees_to_radians(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return finite(call, number / 180 * pi);
}

Result<Value> radians_to_degrees(Invocation& call) {
  Reader in(call);
  const double number = in.number(0);
  if (in.failed()) return in.error();
  return finite(call, number / pi * 180);
}

Result<Value> percentage(Invocation& call) {
  Reader in(call);
  const double part = in.number(0);
  const double whole = in.number(1, "the whole");
  if (in.failed()) return in.error();
  if (whole == 0) return call.error("the whole is 0");
  return finite(call, part / whole * 100);
}

// ---- Random numbers.

Result<Value> random_number(Invocation& call) {
  Reader in(call);
  std::int64_t low = in.whole_or(0, 0, "the least");
  std::int64_t high = in.whole_or(1, INT64_C(2147483647), "the greatest");
  if (in.failed()) return in.error();
  if (call.count() == 1) {  // random_number(6): up to that
    high = low;
    low = 0;
  }
  if (low > high) return call.error("the least number is above the greatest");
  std::uint64_t chosen = 0;
  // All of int64: the bound wraps to 0, which means 64 bits.
  if (!random_below(call, static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1, chosen)) {
    return no_random(call);
  }
  return Value(static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + chosen));
}

Result<Value> random_decimal(Invocation& call) {
  Reader in(call);
  const double low = call[0].is_null() ? 0 : in.number(0, "the least");
  const double high = call[1].is_null() ? 1 : in.number(1, "the greatest");
  if (in.failed()) return in.error();
  if (low > high) return call.error("the least number is above the greatest");
  Result<Value> fraction = random(call);
  if (!fraction.ok()) return fraction;
  return finite(call, low + (high - low) * fraction->as_number());
}

}  // namespace fnstack::expr::functions::math
