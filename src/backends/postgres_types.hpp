// PostgreSQL's types: which there are, and what is known of each. Knows no value and no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fnstack::backends {

enum class PgKind : std::uint8_t {
  integer,     // smallint, integer, bigint, oid
  real,        // float4
  number,      // float8
  numeric,     // a number if no digit is lost, else text; NaN and the infinities are text
  boolean,     // a boolean
  text,        // text, varchar, name
  padded,      // char(n)
  uuid,        // text
  enumerated,  // text
  timestamp,   // timestamp, timestamptz, date: epoch milliseconds; the infinities are text
  json,        // any value
  jsonb,       // any value
  bytea,       // bytes
  other        // text, as PostgreSQL writes it
};

struct PgType {
  PgKind kind = PgKind::other;
  bool is_array = false;
  bool is_date = false;    // of kind timestamp
  bool has_zone = false;   // of kind timestamp
  bool is_exact = false;   // numeric of so few digits that none is ever lost
  std::uint8_t width = 8;  // bytes of an integer
};

// The types that PostgreSQL comes with. Nothing for a user's: enums, their arrays …
[[nodiscard]] std::optional<PgType> builtin_type(std::uint32_t oid) noexcept;

// The SQL name for a cast of text to this type, where one serves all of the kind.
[[nodiscard]] std::string_view cast_name(PgKind kind) noexcept;

}  // namespace fnstack::backends
