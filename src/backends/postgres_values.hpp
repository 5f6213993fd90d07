// How the text of PostgreSQL's types reads as values, and how values are written for a column. Knows no connection; all
// text is as a session with ISO dates, UTC and hexadecimal bytea has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "backends/postgres_types.hpp"

namespace fnstack::backends {

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
