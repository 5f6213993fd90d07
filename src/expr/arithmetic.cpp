#include "expr/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/lexer.hpp"

namespace fnstack::expr {
namespace {

// A number on its way: unlike a Value it may be an infinity (the text 'Infinity', as in ECMAScript) or none.
struct Number {
  enum class Kind : std::uint8_t { none, integer, real };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;  // always set, unless none
};

Number from_integer(std::int64_t value) { return {Number::Kind::integer, value, static_cast<double>(value)}; }
Number from_real(double value) { return {Number::Kind::real, 0, value}; }

std::string_view trimmed(std::string_view text) {
  while (const std::size_t length = blank_at_start(text)) text.remove_prefix(length);
  for (;;) {
    // A blank at the end: at most three bytes back.
    std::size_t cut = 0;
    for (std::size_t back = 1; back <= 3 && back <= text.size() && cut == 0; ++back) {
      if (blank_at_start(text.substr(text.size() - back)) == back) cut = back;
    }
    if (cut == 0) return text;
    text.remove_suffix(cut);
  }
}

Number read_text(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return from_integer(0);
  Value value;
  if (parse_prefixed(text, value)) {
    return value.is_integer() ? from_integer(value.as_integer()) : from_real(value.as_number());
  }
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text == "Infinity") {
    value = Value(std::numeric_limits<double>::infinity());
  } else if (!parse_decimal(text, value)) {
    return {};
  }
  if (value.is_integer()) return from_integer(negative ? -value.as_integer() : value.as_integer());
  // -9223372036854775808 has no positive twin.
  if (negative && text == "9223372036854775808") return from_integer(INT64_MIN);
  return from_real(negative ? -value.as_number() : value.as_number());
}

// Null is no number here: ECMAScript's 0 for it is what this language refuses.
Number read(const Value& value) {
  if (value.is_integer()) return from_integer(value.as_integer());
  if (value.is_number()) return from_real(value.as_number());
  if (value.is_boolean()) return from_integer(value.as_boolean() ? 1 : 0);
  if (value.is_string()) return read_text(value.as_string());
  return {};
}

bool give(const Number& number, Value& out) {
  if (number.kind == Number::Kind::none) return false;
  if (number.kind == Number::Kind::integer) {
    out = Value(number.integer);
    return true;
  }
  if (!std::isfinite(number.real)) return false;
  out = Value(number.real);
  return true;
}

// ECMAScript's ** differs from C's pow in one place: 1 to an infinity is no number.
double raise(double base, double exponent) {
  if (std::isinf(exponent) && std::fabs(base) == 1) return std::numeric_limits<double>::quiet_NaN();
  return std::pow(base, exponent);
}

Number calculate(Arithmetic operation, const Number& left, const Number& right) {
  const bool integers = left.kind == Number::Kind::integer && right.kind == Number::Kind::integer;
  std::int64_t exact = 0;
  switch (operation) {
    case Arithmetic::add:
      if (integers && !__builtin_add_overflow(left.integer, right.integer, &exact)) return from_integer(exact);
      return from_real(left.real + right.real);
    case Arithmetic::subtract:
      if (integers && !__builtin_sub_overflow(left.integer, right.integer, &exact)) return from_integer(exact);
      return from_real(left.real - right.real);
    case Arithmetic::multiply:
      if (integers && !__builtin_mul_overflow(left.integer, right.integer, &exact)) return from_integer(exact);
      return from_real(left.real * right.real);
    case Arithmetic::divide:
      return from_real(left.real / right.real);
    case Arithmetic::remainder:
      if (integers && right.integer != 0) {
        // INT64_MIN % -1 traps.
        return from_integer(right.integer == -1 ? 0 : left.integer % right.integer);
      }
      return from_real(std::fmod(left.real, right.real));
    case Arithmetic::power:
      return from_real(raise(left.real, right.real));
  }
  return {};
}

// UTF-16 order, as ECMAScript compares texts: the byte order of UTF-8, but U+E000 to U+FFFF come behind the
// characters that UTF-16 writes with surrogates.
int compare_texts(std::string_view left, std::string_view right) {
  const auto [a, b] = std::mismatch(
      left.begin(), left.begin() + static_cast<std::ptrdiff_t>(std::min(left.size(), right.size())), right.begin());
  if (b == right.end() || a == left.end()) {
    return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
  }
  const auto x = static_cast<unsigned char>(*a);
  const auto y = static_cast<unsigned char>(*b);
  const bool x_astral = x >= 0xF0;
  const bool y_astral = y >= 0xF0;
  if (x_astral != y_astral && x >= 0xEE && y >= 0xEE) return x_astral ? -1 : 1;
  return x < y ? -1 : 1;
}

Order from_sign(int sign) { return sign < 0 ? Order::less : sign > 0 ? Order::greater : Order::equal; }

// Exact: a double beyond 2^53 is not the same as every integer that rounds to it.
int compare_mixed(std::int64_t integer, double real) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (real >= limit) return -1;
  if (real < -limit) return 1;
  const double whole = std::trunc(real);
  const auto other = static_cast<std::int64_t>(whole);
  if (integer != other) return integer < other ? -1 : 1;
  return whole < real ? -1 : whole > real ? 1 : 0;
}

Order order_numbers(const Number& left, const Number& right) {
  if (left.kind == Number::Kind::none || right.kind == Number::Kind::none) return Order::none;
  if (left.kind == Number::Kind::integer && right.kind == Number::Kind::integer) {
    return from_sign(left.integer < right.integer ? -1 : left.integer > right.integer ? 1 : 0);
  }
  if (left.kind == Number::Kind::integer) return from_sign(compare_mixed(left.integer, right.real));
  if (right.kind == Number::Kind::integer) return from_sign(-compare_mixed(right.integer, left.real));
  return from_sign(left.real < right.real ? -1 : left.real > right.real ? 1 : 0);
}

bool is_text_like(const Value& value) noexcept {
  return value.is_string() || value.is_bytes() || value.is_array() || value.is_object();
}

std::string_view verb(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::add:
      return "add";
    case Arithmetic::subtract:
      return "subtract";
    case Arithmetic::multiply:
      return "multiply";
    case Arithmetic::divide:
      return "divide";
    case Arithmetic::remainder:
      return "take the remainder";
    case Arithmetic::power:
      return "raise to a power";
  }
  return "calculate";
}

// "text that is no number", "null" … : why it can't be used as a number. The value itself is not shown: it may
// be a secret.
std::string trouble(const Value& value) {
  if (value.is_string()) return "is text that is no number";
  return "is " + std::string(base::kind_in_words(value));
}

std::string operand(std::string_view side, std::string_view text) {
  std::string out(side);
  if (!text.empty()) {
    out += " \"";
    out += text;
    out += '"';
  }
  return out;
}

Error expression_error(std::string message) { return make_error(error_type::expression, std::move(message)); }

}  // namespace

std::string key_text(const Value& value) { return value.is_null() ? "null" : to_text(value); }

bool joins_text(const Value& left, const Value& right) noexcept { return is_text_like(left) || is_text_like(right); }

bool compute(Arithmetic operation, const Value& left, const Value& right, Value& out) {
  const Number a = read(left);
  const Number b = read(right);
  if (a.kind == Number::Kind::none || b.kind == Number::Kind::none) return false;
  return give(calculate(operation, a, b), out);
}

bool negate(const Value& value, Value& out) {
  const Number number = read(value);
  if (number.kind == Number::Kind::integer && number.integer != INT64_MIN) {
    out = Value(-number.integer);
    return true;
  }
  return number.kind != Number::Kind::none && give(from_real(-number.real), out);
}

bool unary_plus(const Value& value, Value& out) { return give(read(value), out); }

Error explain_unary(char sign, const Value& value, std::string_view text) {
  std::string message = sign == '-' ? "cannot negate: " : "cannot make a number: ";
  message += operand("operand", text) + ' ';
  message += read(value).kind == Number::Kind::none ? trouble(value) : "is beyond the range of numbers";
  return expression_error(std::move(message));
}

Error explain(Arithmetic operation, const Value& left, const Value& right, std::string_view left_text,
              std::string_view right_text) {
  std::string message = "cannot " + std::string(verb(operation)) + ": ";
  const Number a = read(left);
  const Number b = read(right);
  if (a.kind == Number::Kind::none) {
    message += operand("left operand", left_text) + ' ' + trouble(left);
  } else if (b.kind == Number::Kind::none) {
    message += operand("right operand", right_text) + ' ' + trouble(right);
  } else if ((operation == Arithmetic::divide || operation == Arithmetic::remainder) && b.real == 0) {
    message += operand("right operand", right_text) + " is 0";
  } else {
    const double result = calculate(operation, a, b).real;
    message += "the result of " + operand("left operand", left_text) + " and " + operand("right operand", right_text);
    message += std::isnan(result) ? " is not a number" : " is beyond the range of numbers";
  }
  return expression_error(std::move(message));
}

Order order(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) {
    return from_sign(left.as_integer() < right.as_integer() ? -1 : left.as_integer() > right.as_integer() ? 1 : 0);
  }
  if (left.is_null() || right.is_null()) return Order::none;
  if (left.is_string() && right.is_string()) return from_sign(compare_texts(left.as_string(), right.as_string()));
  if (is_text_like(left) && is_text_like(right)) return from_sign(compare_texts(to_text(left), to_text(right)));
  return order_numbers(read(left), read(right));
}

bool is_truthy(const Value& value) noexcept {
  if (value.is_boolean()) return value.as_boolean();
  if (value.is_null()) return false;
  if (value.is_number()) return value.as_number() != 0;
  if (value.is_string()) return !value.as_string().empty();
  return true;
}

bool loosely_equal(const Value& left, const Value& right) {
  if (left.is_null() || right.is_null()) return left.is_null() && right.is_null();
  if (left.kind() == right.kind() || (left.is_number() && right.is_number())) return left == right;
  if (is_text_like(left) && is_text_like(right)) {
    // An array and an object are never equal; a text equals the text that the other one becomes.
    if (!left.is_string() && !right.is_string()) return false;
    return to_text(left) == to_text(right);
  }
  return order_numbers(read(left), read(right)) == Order::equal;
}

Value to_number(const Value& value) {
  Value out;
  return give(read(value), out) ? out : Value();
}

Result<Value> add(const Value& left, const Value& right) {
  if (!joins_text(left, right)) return arithmetic('+', left, right);
  std::string text;
  append_text(text, left);
  append_text(text, right);
  return Value(text);
}

Result<Value> arithmetic(char op, const Value& left, const Value& right) {
  const Arithmetic operation = op == '+'   ? Arithmetic::add
                               : op == '-' ? Arithmetic::subtract
                               : op == '*' ? Arithmetic::multiply
                               : op == '/' ? Arithmetic::divide
                               : op == '%' ? Arithmetic::remainder
                                           : Arithmetic::power;
  Value out;
  if (compute(operation, left, right, out)) return out;
  return explain(operation, left, right, {}, {});
}

}  // namespace fnstack::expr
