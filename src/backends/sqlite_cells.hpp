// How values lie in SQLite's cells and come back as they were stored.
//
// Auto schema gives a column a declared type only where SQLite has no storage class for the kind: BOOLEAN (0 and 1)
// and JSON (JSON text). All other columns have none, so that SQLite converts nothing: integers, doubles, texts and
// blobs lie there as themselves. What a column does not hold by nature, a boolean or an object among texts say, is
// kept as a BLOB of its JSON text; real bytes that could be mistaken for one get the prefix "bytes:". Columns
// with other declared types were made by somebody else and are used as any SQLite program would.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fnstack/value.hpp>

namespace fnstack::backends {

enum class CellClass : std::uint8_t {
  open,     // no declared type
  boolean,  // BOOLEAN
  json,     // JSON
  numeric,
  text,
  blob  // by SQLite's rules of affinity
};

[[nodiscard]] CellClass class_of_declared_type(std::string_view declared) noexcept;

// encode_cell would answer the value itself.
[[nodiscard]] bool lies_as_it_is(CellClass cell, const Value& value) noexcept;
// The value to bind: null, integer, number, string or bytes.
[[nodiscard]] Value encode_cell(CellClass cell, const Value& value);
// Without a column: a binding of SQL text.
[[nodiscard]] Value encode_binding(const Value& value);

[[nodiscard]] Value decode_integer(CellClass cell, std::int64_t content) noexcept;
// Text that is no UTF-8 comes back as bytes.
[[nodiscard]] Value decode_text(CellClass cell, std::string_view content);
[[nodiscard]] Value decode_blob(CellClass cell, std::string_view content);

}  // namespace fnstack::backends
