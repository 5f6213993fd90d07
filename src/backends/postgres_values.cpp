#include "backends/postgres_values.hpp"

#include <charconv>
#include <cmath>
#include <vector>

#include <fnstack/json.hpp>

#include "backends/match.hpp"
#include "backends/postgres_time.hpp"
#include "base/kind_in_words.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

namespace fnstack::backends {
namespace {

// PostgreSQL allows six dimensions.
constexpr int most_dimensions = 6;

Error expected(std::string_view what, const Value& value) {
  return make_error(error_type::validation,
                    "expected " + std::string(what) + ", got " + std::string(base::kind_in_words(value)));
}
Error invalid(std::string message) { return make_error(error_type::validation, std::move(message)); }

// ---- numbers

// The digits and the power of ten of a decimal: "12.50" is {"125", -1}. Zeros at both ends are gone.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal decimal_of(std::string_view text) {
  Decimal decimal;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) decimal.negative = text[at++] == '-';
  bool after_point = false;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.') {
      after_point = true;
      continue;
    }
    if (after_point) --decimal.exponent;
    if (decimal.digits.empty() && text[at] == '0') continue;
    decimal.digits += text[at];
  }
  if (at < text.size()) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    std::int64_t power = 0;
    (void)std::from_chars(text.data() + at, text.data() + text.size(), power);
    decimal.exponent += power;
  }
  while (!decimal.digits.empty() && decimal.digits.back() == '0') {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  if (decimal.digits.empty()) decimal = Decimal();
  return decimal;
}

bool is_special_number(std::string_view text) noexcept {
  return text == "NaN" || text == "Infinity" || text == "-Infinity";
}

// [+-]digits[.digits][e[+-]digits], digits on one side of the point at least; nothing else that PostgreSQL would take.
bool is_decimal(std::string_view text) noexcept {
  std::size_t at = 0, digits = 0;
  const auto skip_digits = [&] {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      ++at;
      ++digits;
    }
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  skip_digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    skip_digits();
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    digits = 0;
    skip_digits();
    if (digits == 0 || digits > 5) return false;
  }
  return at == text.size();
}

Value decode_integer(std::string_view text) {
  std::int64_t integer = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (problem != std::errc() || end != text.data() + text.size()) return Value(text);
  return Value(integer);
}

Value decode_number(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return Value(text);
  return Value(number);
}

Value decode_numeric(std::string_view text) {
  if (text.find('.') == std::string_view::npos) {
    std::int64_t integer = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (problem == std::errc() && end == text.data() + text.size()) return Value(integer);
  }
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return Value(text);
  if (decimal_of(to_text(Value(number))) != decimal_of(text)) return Value(text);
  // 2.00 is the integer 2, as JSON would have it.
  if (number == std::floor(number) && std::fabs(number) <= 9007199254740992.0)
    return Value(static_cast<std::int64_t>(number));
  return Value(number);
}

Result<std::int64_t> whole(const Value& value) {
  if (value.is_integer()) return value.as_integer();
  if (value.is_boolean()) return std::int64_t{value.as_boolean()};
  if (value.is_number()) {
    const double number = value.as_number();
    if (number != std::floor(number)) return invalid("expected an integer, got a number with a fraction");
    if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0))
      return invalid("expected an integer of 64 bits, got a greater one");
    return static_cast<std::int64_t>(number);
  }
  if (value.is_string()) {
    const std::string_view text = value.as_string();
    const std::size_t sign = !text.empty() && text[0] == '+' ? 1 : 0;
    std::int64_t integer = 0;
    const auto [end, problem] = std::from_chars(text.data() + sign, text.data() + text.size(), integer);
    if (problem == std::errc::result_out_of_range) return invalid("expected an integer of 64 bits, got a greater one");
    if (problem == std::errc() && end == text.data() + text.size() && (sign == 0 || text[1] != '-')) return integer;
    return invalid("expected an integer, got text that is none");
  }
  return expected("an integer", value);
}

Result<std::optional<std::string>> encode_integer(const PgType& type, const Value& value) {
  auto integer = whole(value);
  if (!integer) return std::move(integer).error();
  const std::int64_t bound = type.width == 2 ? 0x7FFF : type.width == 4 ? 0x7FFF'FFFF : INT64_MAX;
  if (*integer > bound || *integer < -bound - 1) {
    return invalid(std::string("expected ") + (type.width == 2 ? "a smallint, from -32768 to 32767"
                                                               : "an integer from -2147483648 to 2147483647"));
  }
  return std::optional(std::to_string(*integer));
}

Result<std::optional<std::string>> encode_number(const Value& value) {
  if (value.is_number()) return std::optional(to_text(value));
  if (value.is_boolean()) return std::optional(std::string(value.as_boolean() ? "1" : "0"));
  if (!value.is_string()) return expected("a number", value);
  if (!is_decimal(value.as_string()) && !is_special_number(value.as_string()))
    return invalid("expected a number, got text that is none");
  return std::optional(std::string(value.as_string()));
}

// ---- times

Value decode_timestamp(std::string_view text) {
  const auto microseconds = read_timestamp(text);
  return microseconds ? Value(floor_divide(*microseconds, 1'000)) : Value(text);
}

Result<std::optional<std::string>> encode_timestamp(const Value& value) {
  const auto of_ms = [](std::int64_t milliseconds) -> Result<std::optional<std::string>> {
    auto text = write_timestamp_ms(milliseconds);
    if (!text) return invalid("expected a time in milliseconds since 1970 that PostgreSQL has, got one outside");
    return text;
  };
  if (value.is_number()) {
    auto milliseconds = whole(value.is_integer() ? value : Value(std::floor(value.as_number())));
    if (!milliseconds)
      return invalid("expected a time in milliseconds since 1970 that PostgreSQL has, got one outside");
    return of_ms(*milliseconds);
  }
  if (!value.is_string()) return expected("a time (milliseconds since 1970, or ISO text)", value);
  const std::string_view text = value.as_string();
  if (const auto number = number_of_text(text); number && number->is_integer()) return of_ms(number->as_integer());
  if (const auto microseconds = read_timestamp(text)) return write_timestamp(*microseconds);
  if (text == "infinity" || text == "-infinity") return std::optional(std::string(text));
  return invalid("expected a time (milliseconds since 1970, or ISO text such as 2024-02-29T12:30:00Z)");
}

// ---- bytes and texts

Value decode_bytea(std::string_view text) {
  if (!text.starts_with("\\x")) return Value(text);
  std::string content;
  const auto digit = [](char letter) { return letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10; };
  for (std::size_t at = 2; at + 1 < text.size(); at += 2)
    content += static_cast<char>(digit(text[at]) * 16 + digit(text[at + 1]));
  return Value::bytes(content);
}

Result<std::optional<std::string>> encode_bytea(const Value& value) {
  if (!value.is_bytes() && !value.is_string()) return expected("bytes or text", value);
  static constexpr char hex[] = "0123456789abcdef";
  std::string text = "\\x";
  for (const char letter : value.as_string()) {
    const auto byte = static_cast<unsigned char>(letter);
    text += hex[byte >> 4];
    text += hex[byte & 15];
  }
  return std::optional(std::move(text));
}

Result<std::optional<std::string>> encode_text(const Value& value) {
  if (value.is_bytes()) return expected("text", value);
  std::string text = to_text(value);
  if (!base::is_utf8(text)) return invalid("expected text in UTF-8");
  if (text.find('\0') != std::string::npos) return invalid("a database takes no text with a NUL character in it");
  return std::optional(std::move(text));
}

bool has_bytes(const Value& value) {
  std::vector<const Value*> left{&value};
  while (!left.empty()) {
    const Value& next = *left.back();
    left.pop_back();
    if (next.is_bytes()) return true;
    for (std::size_t at = 0; at < next.size(); ++at) left.push_back(&next[at]);
  }
  return false;
}

// ---- arrays

class ArrayReader {
 public:
  ArrayReader(const PgType& element, std::string_view text) : element_(element), text_(text) {
    // "[2:4]={…}": bounds other than from 1.
    if (text_.starts_with('[')) text_.remove_prefix(std::min(text_.size(), text_.find('=') + 1));
  }
  Value read() { return read_array(1); }

 private:
  // At most most_dimensions deep.
  Value read_array(int depth) {
    Value array = Value::array();
    if (at_ >= text_.size() || text_[at_] != '{' || depth > most_dimensions) return array;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '}') {
      if (text_[at_] == ',') {
        ++at_;
      } else if (text_[at_] == '{') {
        array.push_back(read_array(depth + 1));
      } else {
        array.push_back(read_element());
      }
    }
    ++at_;
    return array;
  }
  Value read_element() {
    if (text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",}", at_), text_.size());
      const std::string_view word = text_.substr(at_, end - at_);
      at_ = end;
      return word == "NULL" ? Value() : decode(element_, word);
    }
    std::string content;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) content += text_[at_];
    }
    ++at_;
    return decode(element_, content);
  }

  const PgType& element_;
  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Done> encode_elements(const PgType& element, const Value& array, int depth, std::string& out) {
  if (depth > most_dimensions) return invalid("expected a list of at most 6 dimensions");
  out += '{';
  for (std::size_t at = 0; at < array.size(); ++at) {
    if (at > 0) out += ',';
    const bool is_json = element.kind == PgKind::json || element.kind == PgKind::jsonb;
    if (array[at].is_array() && !is_json) {
      if (auto nested = encode_elements(element, array[at], depth + 1, out); !nested) return nested;
      continue;
    }
    auto text = encode(element, array[at]);
    if (!text) {
      Error error = std::move(text).error();
      error.message = "element " + std::to_string(at) + ": " + error.message;
      return error;
    }
    if (!*text) {
      out += "NULL";
      continue;
    }
    out += '"';
    for (const char letter : **text) {
      if (letter == '"' || letter == '\\') out += '\\';
      out += letter;
    }
    out += '"';
  }
  out += '}';
  return Done{};
}

}  // namespace

Value decode(const PgType& type, std::string_view text) {
  if (type.is_array) {
    PgType element = type;
    element.is_array = false;
    return ArrayReader(element, text).read();
  }
  switch (type.kind) {
    case PgKind::integer:
      return decode_integer(text);
    case PgKind::real:
    case PgKind::number:
      return decode_number(text);
    case PgKind::numeric:
      return decode_numeric(text);
    case PgKind::boolean:
      return Value(text == "t");
    case PgKind::timestamp:
      return decode_timestamp(text);
    case PgKind::json:
    case PgKind::jsonb: {
      auto value = parse_json(text);
      return value ? std::move(*value) : Value(text);
    }
    case PgKind::bytea:
      return decode_bytea(text);
    default:
      return Value(text);
  }
}

Result<std::optional<std::string>> encode(const PgType& type, const Value& value) {
  if (value.is_null()) return std::optional<std::string>();
  if (type.is_array) {
    if (!value.is_array()) return expected("a list", value);
    PgType element = type;
    element.is_array = false;
    std::string text;
    if (auto encoded = encode_elements(element, value, 1, text); !encoded) return std::move(encoded).error();
    return std::optional(std::move(text));
  }
  switch (type.kind) {
    case PgKind::integer:
      return encode_integer(type, value);
    case PgKind::real:
    case PgKind::number:
    case PgKind::numeric:
      return encode_number(value);
    case PgKind::boolean:
      if (value.is_boolean()) return std::optional(std::string(value.as_boolean() ? "t" : "f"));
      if (value.is_number() && (value.as_number() == 0 || value.as_number() == 1))
        return std::optional(std::string(value.as_number() == 1 ? "t" : "f"));
      if (value.is_string() && (value.as_string() == "true" || value.as_string() == "false"))
        return std::optional(std::string(value.as_string()));
      return expected("a boolean", value);
    case PgKind::uuid:
      if (!value.is_string() || !is_uuid(value.as_string())) return invalid("expected a UUID");
      return std::optional(std::string(value.as_string()));
    case PgKind::timestamp:
      return encode_timestamp(value);
    case PgKind::json:
    case PgKind::jsonb: {
      if (has_bytes(value)) return invalid("expected what JSON has, got bytes");
      std::string text = to_json(value);
      if (!base::is_utf8(text)) return invalid("expected text in UTF-8");
      return std::optional(std::move(text));
    }
    case PgKind::bytea:
      return encode_bytea(value);
    default:
      return encode_text(value);
  }
}

std::optional<std::string> encode_binding_text(const Value& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_bytes()) return *encode_bytea(value);
  return to_text(value);
}

void PgArrayText::add(std::string_view element) {
  if (text_.size() > 1) text_ += ',';
  text_ += '"';
  for (const char letter : element) {
    if (letter == '"' || letter == '\\') text_ += '\\';
    text_ += letter;
  }
  text_ += '"';
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    const bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
    const bool hex = (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'f');
    if (hyphen ? letter != '-' : !hex) return false;
  }
  return true;
}

bool is_canonical_uuid(std::string_view text) noexcept {
  if (!is_uuid(text)) return false;
  for (const char letter : text) {
    if (letter >= 'A' && letter <= 'F') return false;
  }
  return true;
}

}  // namespace fnstack::backends
