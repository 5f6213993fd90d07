#include "backends/sqlite_functions.hpp"

#include <sqlite3.h>

#include <memory>

#include "backends/filter.hpp"
#include "backends/sqlite_cells.hpp"

namespace fnstack::backends {
namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

Value decode(sqlite3_value* value, CellClass cell) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return decode_integer(cell, sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return Value(sqlite3_value_double(value));
    case SQLITE_TEXT:
      return decode_text(cell, text_of(value));
    case SQLITE_BLOB:
      return decode_blob(cell, text_of(value));
    default:
      return Value();
  }
}

// What the last argument means, kept by SQLite from row to row.
struct Wanted {
  Value value;
  std::shared_ptr<const re2::RE2> pattern;
};

const Wanted* wanted_of(sqlite3_context* context, sqlite3_value** arguments, int position, bool is_pattern,
                        CellClass cell) {
  if (auto* kept = static_cast<Wanted*>(sqlite3_get_auxdata(context, position))) return kept;
  auto made = std::make_unique<Wanted>();
  made->value = decode(arguments[position], cell);
  if (is_pattern) {
    auto pattern = compile_regex(made->value.as_string());
    if (!pattern) {
      sqlite3_result_error(context, pattern.error().message.c_str(), -1);
      return nullptr;
    }
    made->pattern = std::move(*pattern);
  }
  sqlite3_set_auxdata(context, position, made.release(), [](void* old) { delete static_cast<Wanted*>(old); });
  // SQLite may have refused to keep it, and has destroyed it then.
  auto* kept = static_cast<Wanted*>(sqlite3_get_auxdata(context, position));
  if (kept == nullptr) sqlite3_result_error_nomem(context);
  return kept;
}

void matches(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto op = static_cast<Filter::Op>(sqlite3_value_int(arguments[0]));
  const auto cell = static_cast<CellClass>(sqlite3_value_int(arguments[1]));
  const bool is_pattern = op == Filter::Op::regex || op == Filter::Op::not_regex;
  // The wanted value comes as a JSON column would hold it: that keeps every kind.
  const Wanted* wanted = wanted_of(context, arguments, 3, is_pattern, CellClass::json);
  if (wanted == nullptr) return;
  sqlite3_result_int(context, cell_matches(op, decode(arguments[2], cell), wanted->value, wanted->pattern.get()));
}

void regexp(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL || sqlite3_value_type(arguments[1]) == SQLITE_NULL) return;
  const Wanted* wanted = wanted_of(context, arguments, 0, true, CellClass::text);
  if (wanted == nullptr) return;
  sqlite3_result_int(context, cell_matches(Filter::Op::regex, decode(arguments[1], CellClass::text), wanted->value,
                                           wanted->pattern.get()));
}

}  // namespace

bool register_sqlite_functions(sqlite3* connection) {
  constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  // fnstack_matches is for statements alone, never for what a file's schema might hold.
  return sqlite3_create_function_v2(connection, "fnstack_matches", 4, flags | SQLITE_DIRECTONLY, nullptr, matches,
                                    nullptr, nullptr, nullptr) == SQLITE_OK &&
         sqlite3_create_function_v2(connection, "regexp", 2, flags | SQLITE_INNOCUOUS, nullptr, regexp, nullptr,
                                    nullptr, nullptr) == SQLITE_OK;
}

}  // namespace fnstack::backends
