#include "backends/sqlite_schema.hpp"

#include "backends/record_rules.hpp"

namespace fnstack::backends {
namespace {

// The declared type that auto schema gives a column for its first value. A column made by a null gets its type later.
std::string_view declared_type(const Value& value) noexcept {
  if (value.is_boolean()) return " BOOLEAN";
  return value.is_container() ? " JSON" : "";
}

}  // namespace

const SqliteColumn* SqliteTable::column(std::string_view wanted) const noexcept {
  for (const SqliteColumn& column : columns) {
    if (column.name == wanted) return &column;
  }
  for (const SqliteColumn& column : columns) {
    if (same_name(column.name, wanted)) return &column;
  }
  return nullptr;
}

Result<SqliteTable*> SqliteSchema::find(std::string_view name) {
  if (last_ != nullptr && last_->name == name) return last_;
  const auto found = tables_.find(name);
  if (found != tables_.end()) {
    last_ = &found->second;
    return last_;
  }
  auto loaded = load(name);
  if (!loaded || *loaded != nullptr || !strict_) return loaded;
  auto names = table_names();
  if (!names) return std::move(names).error();
  return no_such_table(name, {names->begin(), names->end()});
}

Result<bool> SqliteSchema::has_columns(SqliteTable*& table, const std::vector<std::string_view>& columns) {
  const auto missing = [&]() -> const std::string_view* {
    for (const std::string_view& column : columns) {
      if (table->column(column) == nullptr) return &column;
    }
    return nullptr;
  };
  if (missing() == nullptr) return true;
  if (const std::string name = table->name; forget_if_changed()) {
    auto again = find(name);
    if (!again) return std::move(again).error();
    if (*again == nullptr)
      return make_error(error_type::database, "the table was dropped by another connection; try again");
    table = *again;
  }
  const std::string_view* still = missing();
  if (still == nullptr) return true;
  if (!strict_) return false;
  std::vector<std::string_view> known;
  for (const SqliteColumn& column : table->columns) known.push_back(column.name);
  return no_such_column(table->name, *still, known);
}

bool SqliteSchema::wants_type(const SqliteColumn& column, const Value& value) noexcept {
  return column.cell == CellClass::open && column.may_be_empty && !declared_type(value).empty();
}

bool SqliteSchema::holds(const SqliteTable& table, const Value& data) noexcept {
  for (std::size_t at = 0; at < data.size(); ++at) {
    const SqliteColumn* column = table.column(data.key_at(at));
    if (column == nullptr || wants_type(*column, data[at])) return false;
  }
  return true;
}

Result<SqliteTable*> SqliteSchema::make_room(const DatabaseCommand& command, const Value& data) {
  auto found = find(command.table);
  if (!found) return found;
  if (*found != nullptr && holds(**found, data)) return found;
  const bool exists = *found != nullptr;
  if (!exists) {
    if (!command.declared_table) return no_such_table(command.table, {});
    if (auto wrong = check_new_name("table", command.table)) return std::move(*wrong);
  }
  std::string create = "CREATE TABLE " + quote_identifier(command.table) + " (\"id\" INTEGER PRIMARY KEY";
  for (std::size_t at = 0; at < data.size(); ++at) {
    const std::string_view name = data.key_at(at);
    if (!exists && same_name(name, "id")) continue;
    if (exists && (*found)->column(name) != nullptr) continue;
    if (!is_declared(command, name)) return not_declared(command, name);
    if (auto wrong = check_new_name("column", name)) return std::move(*wrong);
    const std::string column = quote_identifier(name) + std::string(declared_type(data[at]));
    if (!exists) {
      create += ", " + column;
    } else {
      const std::string add = "ALTER TABLE " + quote_identifier((*found)->name) + " ADD COLUMN " + column;
      if (auto added = connection_.run(add); !added) return std::move(added).error();
    }
  }
  if (!exists) {
    if (auto created = connection_.run(create + ")"); !created) return std::move(created).error();
  }
  if (auto loaded = load(command.table); !loaded || *loaded == nullptr) return loaded;
  SqliteTable& table = tables_.find(command.table)->second;
  bool changed = false;
  for (std::size_t at = 0; at < data.size(); ++at) {
    for (SqliteColumn& column : table.columns) {
      if (!same_name(column.name, data.key_at(at)) || !wants_type(column, data[at])) continue;
      if (auto typed = give_type(table, column, declared_type(data[at])); !typed) return std::move(typed).error();
      changed = changed || column.may_be_empty;
      break;
    }
  }
  return changed ? load(command.table) : &table;
}

void SqliteSchema::index(const SqliteTable& table, std::string_view column) {
  const auto known = tables_.find(table.name);
  if (known == tables_.end() || strict_ || connection_.read_only()) return;
  for (SqliteColumn& candidate : known->second.columns) {
    // A declared type other than ours says that somebody else made the table, and his indexes.
    if (!same_name(candidate.name, column) || candidate.cell != CellClass::open || !candidate.may_be_indexed) continue;
    candidate.may_be_indexed = false;
    const std::string name = quote_identifier("fnstack_" + table.name + "_" + candidate.name);
    // It is only for speed: where it can't be had now, without waiting for anybody, a later lookup tries again.
    const bool made =
        connection_.run_at_once("CREATE INDEX IF NOT EXISTS " + name + " ON " + quote_identifier(table.name) + " (" +
                                quote_identifier(candidate.name) + ")");
    if (!made) candidate.may_be_indexed = connection_.is_busy();
    return;
  }
}

bool SqliteSchema::forget_if_changed() {
  auto version = connection_.run("PRAGMA schema_version");
  if (!version || *version == version_) return false;
  version_ = *version;
  forget();
  return true;
}

Result<SqliteTable*> SqliteSchema::load(std::string_view name) {
  last_ = nullptr;
  tables_.erase(std::string(name));
  ++generation_;
  if (same_name(name.substr(0, 7), "sqlite_") || name.find('\0') != std::string_view::npos) return nullptr;
  if (auto version = connection_.run("PRAGMA schema_version"); !version) {
    return std::move(version).error();
  } else if (version_ != *version) {
    version_ = *version;
    forget();
  }
  auto prepared = connection_.prepare(
      "SELECT s.name AS tbl, c.name AS col, c.type AS type, c.pk AS pk, (SELECT sum(pk > 0) FROM "
      "pragma_table_xinfo(s.name)) AS keys"
      " FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c"
      " WHERE s.name = ?1 COLLATE NOCASE AND s.type IN ('table', 'view') AND c.hidden <> 1 ORDER BY c.cid");
  if (!prepared) return std::move(prepared).error();
  SqliteStatement& statement = **prepared;
  const std::vector<Value> bindings{Value(name)};
  if (auto bound = connection_.bind(statement, bindings); !bound) return std::move(bound).error();
  SqliteTable table;
  for (;;) {
    auto more = connection_.step(statement);
    if (!more || !*more) {
      SqliteConnection::reset(statement);
      if (!more) return std::move(more).error();
      break;
    }
    const Value row = connection_.row(statement);
    table.name = row[0].as_string();
    SqliteColumn column;
    column.name = row[1].as_string();
    column.cell = class_of_declared_type(row[2].as_string());
    column.is_rowid = row[3].as_integer() == 1 && row[4].as_integer() == 1 && same_name(row[2].as_string(), "INTEGER");
    table.columns.push_back(std::move(column));
  }
  if (table.columns.empty()) return nullptr;
  return &tables_.insert_or_assign(std::string(name), std::move(table)).first->second;
}

Result<std::vector<std::string>> SqliteSchema::table_names() {
  auto prepared = connection_.prepare(
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER "
      "BY name");
  if (!prepared) return std::move(prepared).error();
  std::vector<std::string> names;
  for (;;) {
    auto more = connection_.step(**prepared);
    if (!more || !*more) {
      SqliteConnection::reset(**prepared);
      if (!more) return std::move(more).error();
      return names;
    }
    names.emplace_back(connection_.row(**prepared)[0].as_string());
  }
}

// An empty column without a type is made anew with one, so that booleans and objects lie in it as other programs
// expect. One that has content, or that SQLite won't drop (an index is on it), stays.
Result<Done> SqliteSchema::give_type(SqliteTable& table, SqliteColumn& column, std::string_view type) {
  const std::string in_table = quote_identifier(table.name), name = quote_identifier(column.name);
  auto used = connection_.run("SELECT 1 FROM " + in_table + " WHERE " + name + " IS NOT NULL LIMIT 1");
  if (!used) return std::move(used).error();
  column.may_be_empty = *used == 0;
  if (!column.may_be_empty) return Done{};
  if (auto dropped = connection_.run("ALTER TABLE " + in_table + " DROP COLUMN " + name); !dropped) {
    column.may_be_empty = false;
    return Done{};
  }
  if (auto added = connection_.run("ALTER TABLE " + in_table + " ADD COLUMN " + name + std::string(type)); !added) {
    return std::move(added).error();
  }
  return Done{};
}

}  // namespace fnstack::backends
