// PostgreSQL's types: which there are, how their text reads as values, and how values are written for a column. Knows
// no connection; all text is as a session with ISO dates, UTC and hexadecimal bytea has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

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

// What PostgreSQL wrote.
[[nodiscard]] Value decode(const PgType& type, std::string_view text);

// What PostgreSQL is to read: nothing for null. Error: `validation`, without the column's name and without the value.
[[nodiscard]] Result<std::optional<std::string>> encode(const PgType& type, const Value& value);

// A value for a binding of a definition's own SQL, whose type PostgreSQL infers.
[[nodiscard]] std::optional<std::string> encode_binding_text(const Value& value);

// `{…}` of texts that are encoded already.
class PgArrayText {
 public:
  void add(std::string_view element);
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

[[nodiscard]] bool is_uuid(std::string_view text) noexcept;            // any case
[[nodiscard]] bool is_canonical_uuid(std::string_view text) noexcept;  // as PostgreSQL writes it

}  // namespace fnstack::backends
