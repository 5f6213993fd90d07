// The tables of a SQLite file as far as they were asked for, and auto schema: making the tables and columns that a
// command writes. Reads no rows but to see whether a column is still empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fnstack/effect.hpp>

#include "backends/sql_identifiers.hpp"
#include "backends/sqlite_cells.hpp"
#include "backends/sqlite_connection.hpp"

namespace fnstack::backends {

struct SqliteColumn {
  std::string name;
  CellClass cell = CellClass::open;
  bool is_rowid = false;     // INTEGER PRIMARY KEY: holds integers only
  bool may_be_empty = true;  // as far as is known, it holds nothing but NULL
  bool may_be_indexed = true;
};

struct SqliteTable {
  std::string name;  // as the file spells it
  std::vector<SqliteColumn> columns;

  [[nodiscard]] const SqliteColumn* column(std::string_view name) const noexcept;
};

class SqliteSchema {
 public:
  SqliteSchema(SqliteConnection& connection, bool strict) : connection_(connection), strict_(strict) {}

  [[nodiscard]] bool strict() const noexcept { return strict_; }
  // Null: there is none. Valid until the next call that is not const. Strict: an error that names near ones.
  [[nodiscard]] Result<SqliteTable*> find(std::string_view name);
  // The table holds all these columns; else it is read anew if the file's schema has changed since. False: some are
  // missing (strict: an error).
  [[nodiscard]] Result<bool> has_columns(SqliteTable*& table, const std::vector<std::string_view>& columns);
  // The value asks for a declared type that the column, still empty, does not have.
  [[nodiscard]] static bool wants_type(const SqliteColumn& column, const Value& value) noexcept;
  // The data can be written without changing the schema.
  [[nodiscard]] static bool holds(const SqliteTable& table, const Value& data) noexcept;
  // Makes what is missing for the data. To be called inside a transaction; after a rollback, forget().
  [[nodiscard]] Result<SqliteTable*> make_room(const DatabaseCommand& command, const Value& data);
  // A lookup by this column read thousands of rows: gives the column an index if auto schema made it.
  void index(const SqliteTable& table, std::string_view column);
  void forget() noexcept {
    last_ = nullptr;
    tables_.clear();
    ++generation_;
  }
  // Another one whenever a table that was handed out is not valid any more.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  // Somebody changed the file's schema since it was last looked at; then everything is forgotten.
  [[nodiscard]] bool forget_if_changed();

 private:
  [[nodiscard]] Result<SqliteTable*> load(std::string_view name);
  [[nodiscard]] Result<std::vector<std::string>> table_names();
  [[nodiscard]] Result<Done> give_type(SqliteTable& table, SqliteColumn& column, std::string_view type);

  SqliteConnection& connection_;
  bool strict_;
  std::int64_t version_ = -1;
  std::uint64_t generation_ = 1;
  std::unordered_map<std::string, SqliteTable, NameHash, NameEqual> tables_;
  SqliteTable* last_ = nullptr;  // that find() answered
};

}  // namespace fnstack::backends
