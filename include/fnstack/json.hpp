// JSON text to Value and back. For text from strangers: bounded, never recursive over their nesting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

struct JsonLimits {
  std::uint32_t depth = 128;                      // containers within containers
  std::uint64_t bytes = std::uint64_t{64} << 20;  // Value::byte_size of the result
};

// Reads one JSON document (RFC 8259; UTF-8, a leading byte order mark is skipped). As ECMAScript's JSON.parse:
// numbers beyond 64 bits become doubles, beyond double's range Infinity is refused; of a repeated key the last
// value counts, at the place of the first; a lone surrogate escape becomes U+FFFD. Errors: `validation` for
// what is no JSON, `limit` for too deep or too big.
[[nodiscard]] Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact JSON as JSON.stringify writes it (numbers as ECMAScript prints them, non-ASCII as it is, U+2028 and
// U+2029 too). Bytes are written as a base64 string. NaN and infinities, which no expression yields, as null.
[[nodiscard]] std::string to_json(const Value& value);
void append_json(std::string& out, const Value& value);
// With line breaks and `indent` blanks a level.
[[nodiscard]] std::string to_pretty_json(const Value& value, int indent = 2);
// The string as a JSON string literal, quotes included.
void append_json_string(std::string& out, std::string_view text);

// A value as text stands in a template: null is empty, strings are themselves, numbers as ECMAScript's
// Number::toString, booleans true and false, containers compact JSON, bytes base64.
[[nodiscard]] std::string to_text(const Value& value);
void append_text(std::string& out, const Value& value);

}  // namespace fnstack
