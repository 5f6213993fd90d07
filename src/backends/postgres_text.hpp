// SQL text that a definition brings along: how far it is one statement, of which kind, and where its bindings go. A
// scanner, no parser: it knows quotes, comments and words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack::backends {

struct PgText {
  std::string text;         // with $1 … for bindings
  std::string first_word;   // upper case
  bool gives_rows = false;  // SELECT, VALUES, TABLE, WITH: may be read by a cursor
  bool returns = false;     // has the word RETURNING
  bool writes = false;      // WITH, and a word that writes
};

// `?` are numbered in order of appearance, unless there is a $1: then they are PostgreSQL's operators of that name.
// Errors: `validation` for none or several statements, a wrong number of bindings; `database` for a kind of statement
// that is refused, such as one that begins a transaction or changes the session.
[[nodiscard]] Result<PgText> read_pg_text(std::string_view text, std::size_t bindings);

}  // namespace fnstack::backends
