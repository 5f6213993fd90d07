#include "backends/sqlite_cells.hpp"

#include <string>

#include <fnstack/json.hpp>

#include "base/utf8.hpp"

namespace fnstack::backends {
namespace {

constexpr std::string_view bytes_mark = "bytes:";

bool holds(std::string_view upper, std::string_view word) noexcept {
  return upper.find(word) != std::string_view::npos;
}

Value json_blob(const Value& value) { return Value::bytes(to_json(value)); }

// NUMERIC affinity turns a text into a number if it looks like one, blanks around it included.
bool looks_numeric(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\n\v\f\r");
  if (first == std::string_view::npos) return false;
  const char letter = text[first];
  return (letter >= '0' && letter <= '9') || letter == '+' || letter == '-' || letter == '.';
}

Value marked_bytes(const Value& value) {
  const std::string_view content = value.as_string();
  if (content.empty() || (!content.starts_with(bytes_mark) && !parse_json(content))) return value;
  return Value::bytes(std::string(bytes_mark) + std::string(content));
}

Value encode_boolean_column(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return Value(value.as_boolean() ? 1 : 0);
    case Value::Kind::integer:
    case Value::Kind::number:
      return value.as_number() == 0 || value.as_number() == 1 ? json_blob(value) : value;
    case Value::Kind::string:
      return looks_numeric(value.as_string()) ? json_blob(value) : value;
    case Value::Kind::bytes:
      return marked_bytes(value);
    case Value::Kind::array:
    case Value::Kind::object:
      return json_blob(value);
    default:
      return value;
  }
}

}  // namespace

CellClass class_of_declared_type(std::string_view declared) noexcept {
  char buffer[64];
  std::size_t length = 0;
  for (const char letter : declared.substr(0, sizeof(buffer))) {
    buffer[length++] = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  const std::string_view upper(buffer, length);
  if (upper.empty()) return CellClass::open;
  if (upper == "BOOLEAN" || upper == "BOOL") return CellClass::boolean;
  if (upper == "JSON") return CellClass::json;
  if (holds(upper, "INT")) return CellClass::numeric;
  if (holds(upper, "CHAR") || holds(upper, "CLOB") || holds(upper, "TEXT")) return CellClass::text;
  if (holds(upper, "BLOB")) return CellClass::blob;
  return CellClass::numeric;
}

bool lies_as_it_is(CellClass cell, const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
      return true;
    case Value::Kind::integer:
    case Value::Kind::number:
      return cell != CellClass::boolean && cell != CellClass::text;
    case Value::Kind::string:
      return cell != CellClass::boolean && cell != CellClass::json;
    default:
      return false;
  }
}

Value encode_cell(CellClass cell, const Value& value) {
  switch (cell) {
    case CellClass::open:
      if (value.is_boolean() || value.is_container()) return json_blob(value);
      return value.is_bytes() ? marked_bytes(value) : value;
    case CellClass::boolean:
      return encode_boolean_column(value);
    case CellClass::json:
      return value.is_boolean() || value.is_container() || value.is_string() ? Value(to_json(value)) : value;
    case CellClass::text:
      // TEXT affinity would write 5 as '5' but 5.0 as '5.0'.
      return value.is_null() || value.is_bytes() || value.is_string() ? value : Value(to_text(value));
    case CellClass::numeric:
    case CellClass::blob:
      return encode_binding(value);
  }
  return value;
}

Value encode_binding(const Value& value) {
  if (value.is_boolean()) return Value(value.as_boolean() ? 1 : 0);
  return value.is_container() ? Value(to_json(value)) : value;
}

Value decode_integer(CellClass cell, std::int64_t content) noexcept {
  if (cell == CellClass::boolean && (content == 0 || content == 1)) return Value(content == 1);
  return Value(content);
}

Value decode_text(CellClass cell, std::string_view content) {
  if (!base::is_utf8(content)) return Value::bytes(content);
  if (cell == CellClass::json) {
    if (auto value = parse_json(content)) return std::move(*value);
  }
  return Value(content);
}

Value decode_blob(CellClass cell, std::string_view content) {
  if (content.empty() || (cell != CellClass::open && cell != CellClass::boolean)) return Value::bytes(content);
  if (content.starts_with(bytes_mark)) return Value::bytes(content.substr(bytes_mark.size()));
  if (auto value = parse_json(content)) return std::move(*value);
  return Value::bytes(content);
}

}  // namespace fnstack::backends
