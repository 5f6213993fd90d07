// Conversions and tests of kind: Number, String, Boolean, parseInt, parseFloat, to_…, is_…, toString.
#include <charconv>
#include <cmath>
#include <string>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/kind_in_words.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::convert {
namespace {

using base::digit_value;

// The leading digits of `text` in this radix; null if there are none or the number is too big for a double.
Value leading_integer(std::string_view text, int radix, bool whole_text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if ((radix == 16 || radix == 0) && (text.starts_with("0x") || text.starts_with("0X"))) {
    text.remove_prefix(2);
    radix = 16;
  }
  if (radix == 0) radix = 10;
  std::size_t count = 0;
  while (count < text.size()) {
    const int digit = digit_value(text[count]);
    if (digit < 0 || digit >= radix) break;
    ++count;
  }
  if (count == 0 || (whole_text && count != text.size())) return {};
  const std::string_view digits = text.substr(0, count);
  std::int64_t exact = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), exact, radix).ec == std::errc()) {
    return negative ? -exact : exact;
  }
  double number = 0;
  if (radix == 10) {
    const Value read = text_to_number(digits);
    if (read.is_null()) return {};
    number = read.as_number();
  } else {
    for (const char c : digits) number = number * radix + digit_value(c);
  }
  if (!std::isfinite(number)) return {};
  return negative ? -number : number;
}

template <int radix>
Result<Value> from_radix(Invocation& call) {
  Reader in(call);
  const std::string_view text = trim(in.text(0));
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  Value number = leading_integer(text, radix, true);
  if (number.is_null()) return call.error("the text is no number to the base " + std::to_string(radix));
  return number;
}

template <int radix>
Result<Value> to_radix(Invocation& call) {
  Reader in(call);
  const Value number = in.numeric(0);
  if (in.failed()) return in.error();
  if (!number.is_integer()) {
    const double whole = std::trunc(number.as_number());
    return Value(radix_text(whole, radix));
  }
  char buffer[70];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number.as_integer(), radix);
  return Value(std::string_view(buffer, static_cast<std::size_t>(written.ptr - buffer)));
}

bool whole(const Value& value) noexcept {
  return value.is_integer() || (value.is_number() && value.as_number() == std::trunc(value.as_number()));
}

Value as_number(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::integer:
    case Value::Kind::number:
      return value;
    case Value::Kind::boolean:
      return value.as_boolean() ? 1 : 0;
    case Value::Kind::string:
      return text_to_number(value.as_string());
    default:
      return {};  // null stays null; a container's JSON text is no number
  }
}

Result<Value> as_text(Invocation& call, const Value& value) {
  if (value.is_string()) return value;
  if (!call.charge(0, value.byte_size()) || !call.fits(value.byte_size() / 8)) return call.failure();
  std::string out = fnstack::to_text(value);
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

}  // namespace

// ---- ECMAScript's globals.

Result<Value> number(Invocation& call) {
  if (call.count() == 0) return Value(0);
  if (call[0].is_string() && !call.charge(0, call[0].as_string().size())) return call.failure();
  return as_number(call[0]);
}

Result<Value> string(Invocation& call) {
  if (call.count() == 0) return Value("");
  return call[0].is_null() ? Result<Value>(Value("null")) : as_text(call, call[0]);
}

Result<Value> boolean(Invocation& call) { return Value(is_truthy(call[0])); }

Result<Value> parse_int(Invocation& call) {
  if (call[0].is_null()) return Value();
  Reader in(call);
  const std::string_view text = trim_start(in.any_text(0));
  const std::int64_t radix = in.whole_or(1, 0, "the radix");
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  if (radix != 0 && (radix < 2 || radix > 36)) return Value();
  return leading_integer(text, static_cast<int>(radix), false);
}

Result<Value> parse_float(Invocation& call) {
  if (call[0].is_null()) return Value();
  Reader in(call);
  const std::string_view text = trim_start(in.any_text(0));
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  // The longest start that is a decimal literal.
  std::size_t at = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const auto skip_digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  std::size_t digits = skip_digits();
  if (at < text.size() && text[at] == '.') {
    const std::size_t point = at++;
    const std::size_t more = skip_digits();
    if (digits + more == 0) at = point;
    digits += more;
  }
  if (digits == 0) return Value();
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t mark = at++;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (skip_digits() == 0) at = mark;
  }
  return text_to_number(text.substr(0, at));
}

Result<Value> is_integer(Invocation& call) { return Value(whole(call[0])); }

Result<Value> is_safe_integer(Invocation& call) {
  return Value(whole(call[0]) && std::fabs(call[0].as_number()) <= 9007199254740991.0);
}

// Numbers here are finite, and none is NaN.
Result<Value> number_is_finite(Invocation& call) { return Value(call[0].is_number()); }
Result<Value> number_is_nan(Invocation&) { return Value(false); }
Result<Value> global_is_finite(Invocation& call) { return Value(!as_number(call[0]).is_null()); }
Result<Value> global_is_nan(Invocation& call) { return Value(as_number(call[0]).is_null()); }

// ---- The method toString of all kinds but numbers.

Result<Value> to_string(Invocation& call) { return as_text(call, call[0]); }

// ---- Filters.

Result<Value> identity(Invocation& call) { return call.take(0); }

Result<Value> to_text(Invocation& call) { return call[0].is_null() ? Result<Value>(Value()) : as_text(call, call[0]); }

Result<Value> to_number(Invocation& call) {
  Value number = as_number(call[0]);
  if (number.is_null() && !call[0].is_null()) {
    return call.error("expected a number or numeric text, got " + (call[0].is_string()
                                                                       ? std::string("text that is none")
                                                                       : std::string(base::kind_in_words(call[0]))));
  }
  if (call[0].is_string() && trim(call[0].as_string()).empty()) return Value();
  return number;
}

Result<Value> to_int(Invocation& call) {
  Result<Value> number = to_number(call);
  if (!number.ok() || !number->is_number() || number->is_integer()) return number;
  return number_value(std::trunc(number->as_number()));
}

Result<Value> to_bool(Invocation& call) {
  if (!call[0].is_string()) return Value(is_truthy(call[0]));
  const std::string text = to_lower(trim(call[0].as_string()));
  if (text == "true" || text == "1" || text == "yes" || text == "on") return Value(true);
  if (text == "false" || text == "0" || text == "no" || text == "off" || text.empty()) return Value(false);
  return call.error("expected true, false, yes, no, on, off, 1 or 0, got other text");
}

Result<Value> is_null(Invocation& call) { return Value(call[0].is_null()); }
Result<Value> is_text(Invocation& call) { return Value(call[0].is_string()); }
Result<Value> is_number(Invocation& call) { return Value(call[0].is_number()); }
Result<Value> is_boolean(Invocation& call) { return Value(call[0].is_boolean()); }
Result<Value> is_object(Invocation& call) { return Value(call[0].is_object()); }

Result<Value> is_numeric(Invocation& call) {
  if (call[0].is_number()) return Value(true);
  if (!call[0].is_string() || trim(call[0].as_string()).empty()) return Value(false);
  return Value(!text_to_number(call[0].as_string()).is_null());
}

Result<Value> type_name(Invocation& call) {
  switch (call[0].kind()) {
    case Value::Kind::null:
      return Value("null");
    case Value::Kind::boolean:
      return Value("boolean");
    case Value::Kind::integer:
    case Value::Kind::number:
      return Value("number");
    case Value::Kind::string:
      return Value("text");
    case Value::Kind::bytes:
      return Value("bytes");
    case Value::Kind::array:
      return Value("list");
    case Value::Kind::object:
      break;
  }
  return Value("object");
}

Result<Value> hex_to_number(Invocation& call) { return from_radix<16>(call); }
Result<Value> binary_to_number(Invocation& call) { return from_radix<2>(call); }
Result<Value> octal_to_number(Invocation& call) { return from_radix<8>(call); }
Result<Value> number_to_hex(Invocation& call) { return to_radix<16>(call); }
Result<Value> number_to_binary(Invocation& call) { return to_radix<2>(call); }
Result<Value> number_to_octal(Invocation& call) { return to_radix<8>(call); }

// ---- Comparisons by name.

Result<Value> equals(Invocation& call) {
  if (!call.charge(0, call[0].byte_size())) return call.failure();
  return Value(loosely_equal(call[0], call[1]));
}
Result<Value> not_equals(Invocation& call) {
  if (!call.charge(0, call[0].byte_size())) return call.failure();
  return Value(!loosely_equal(call[0], call[1]));
}
Result<Value> greater_than(Invocation& call) { return Value(order(call[0], call[1]) == Order::greater); }
Result<Value> less_than(Invocation& call) { return Value(order(call[0], call[1]) == Order::less); }
Result<Value> at_least(Invocation& call) {
  const Order found = order(call[0], call[1]);
  return Value(found == Order::greater || found == Order::equal);
}
Result<Value> at_most(Invocation& call) {
  const Order found = order(call[0], call[1]);
  return Value(found == Order::less || found == Order::equal);
}
Result<Value> negated(Invocation& call) { return Value(!is_truthy(call[0])); }

}  // namespace fnstack::expr::functions::convert
