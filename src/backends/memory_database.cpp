// The memory database: tables of rows in this process, with the same answers as SQLite under auto schema. Knows
// no SQL. A table is shared until it is written, so the copy that a transaction keeps for its rollback costs
// nothing for tables it does not touch. callback_database() at the end is the interface as a function.
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/filter.hpp"
#include "backends/match.hpp"
#include "backends/record_rules.hpp"
#include "backends/serial_database.hpp"
#include "backends/sql_identifiers.hpp"

namespace fnstack {
namespace {

using backends::Filter;
using Kind = DatabaseCommand::Kind;

struct Table {
  using Row = std::vector<Value>;  // by column; a row written before a column came is shorter

  std::string name;
  std::vector<std::string> columns;  // without id
  std::map<std::int64_t, Row> rows;

  [[nodiscard]] std::size_t slot(std::string_view column) const noexcept {
    for (std::size_t at = 0; at < columns.size(); ++at) {
      if (backends::same_name(columns[at], column)) return at + 1;
    }
    return backends::same_name(column, "id") ? 0 : Filter::no_slot;
  }
};

const Value& cell(const Table::Row& row, std::size_t slot) {
  static const Value missing;
  return slot < row.size() ? row[slot] : missing;
}

void resolve(Filter& filter, const Table& table) {
  if (!filter.column.empty()) filter.slot = table.slot(filter.column);
  for (Filter& part : filter.parts) resolve(part, table);
}

// What a row looks like from outside: all columns, id first.
Value shown(const Table& table, const Table::Row& row) {
  Value object = Value::object();
  object.set("id", row[0]);
  for (std::size_t at = 0; at < table.columns.size(); ++at) object.set(table.columns[at], cell(row, at + 1));
  return object;
}

class MemoryDatabase final : public backends::SerialDatabase {
 protected:
  Result<Value> perform(const DatabaseCommand& command, const Call&) override {
    if (auto wrong = backends::check_command(command)) return std::move(*wrong);
    switch (command.kind) {
      case Kind::query:
      case Kind::count:
        return query(command);
      case Kind::get:
        return get(command);
      case Kind::insert:
        return insert(command);
      case Kind::insert_many:
        return insert_many(command);
      case Kind::update:
        return update(command);
      case Kind::upsert:
        return upsert(command);
      case Kind::remove:
        return remove(command);
      case Kind::remove_many:
        return remove_many(command);
      case Kind::sql:
        return make_error(error_type::database, "the memory database takes no SQL; run with SQLite or PostgreSQL");
      case Kind::begin:
        before_ = tables_;
        return Value();
      case Kind::commit:
        before_.clear();
        return Value();
      case Kind::rollback:
        tables_ = std::move(before_);
        before_.clear();
        return Value();
    }
    return make_error(error_type::database, "unknown database command");
  }

 private:
  using Tables = std::unordered_map<std::string, std::shared_ptr<Table>, backends::NameHash, backends::NameEqual>;

  const Table* find(std::string_view name) const {
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : found->second.get();
  }

  // The table to write to: a copy of its own if the state before a transaction shares it.
  static Table& writable(std::shared_ptr<Table>& table) {
    if (table.use_count() > 1) table = std::make_shared<Table>(*table);
    return *table;
  }

  static const Table::Row* find_row(const Table& table, const Value& record_id) {
    Value wanted = record_id;
    if (record_id.is_string()) {
      auto number = backends::number_of_text(record_id.as_string());
      if (!number) return nullptr;
      wanted = *number;
    }
    auto id = backends::new_id(Value::object({{"id", wanted}}));
    if (!id || !*id) return nullptr;
    const auto row = table.rows.find(**id);
    return row == table.rows.end() ? nullptr : &row->second;
  }

  // Which columns the data would add; an error where it may not.
  static Result<Done> check_columns(const DatabaseCommand& command, const Table* table, const Value& data) {
    if (table == nullptr) {
      if (!command.declared_table) return backends::no_such_table(command.table, {});
      if (auto wrong = backends::check_new_name("table", command.table)) return std::move(*wrong);
    }
    for (std::size_t at = 0; at < data.size(); ++at) {
      const std::string_view column = data.key_at(at);
      if (backends::same_name(column, "id") || (table != nullptr && table->slot(column) != Filter::no_slot)) continue;
      if (!backends::is_declared(command, column)) return backends::not_declared(command, column);
      if (auto wrong = backends::check_new_name("column", column)) return std::move(*wrong);
    }
    return Done{};
  }

  static void assign(Table& table, Table::Row& row, const Value& data) {
    for (std::size_t at = 0; at < data.size(); ++at) {
      std::size_t slot = table.slot(data.key_at(at));
      if (slot == 0) continue;
      if (slot == Filter::no_slot) {
        table.columns.emplace_back(data.key_at(at));
        slot = table.columns.size();
      }
      if (row.size() <= slot) row.resize(slot + 1);
      row[slot] = data[at];
    }
  }

  static Result<std::vector<const Table::Row*>> matching(const DatabaseCommand& command, const Table& table,
                                                         const Filter& read) {
    Filter filter = read;
    resolve(filter, table);
    std::vector<const Table::Row*> rows;
    // Without sorting the rows come as they are, so the walk can end early.
    const bool sorted = !command.sort.empty();
    const bool query = command.kind == Kind::query;
    const std::int64_t enough = command.limit >= 0 ? command.limit : command.max_rows + 1;
    std::int64_t skipped = 0;
    for (const auto& [id, row] : table.rows) {
      if (query && !sorted && static_cast<std::int64_t>(rows.size()) >= enough) break;
      if (!backends::row_matches(filter, row)) continue;
      if (query && !sorted && skipped < command.offset) {
        ++skipped;
      } else {
        rows.push_back(&row);
      }
    }
    if (!query || !sorted) return rows;
    std::vector<std::pair<std::size_t, bool>> keys;
    for (const auto& [column, descending] : command.sort) keys.emplace_back(table.slot(column), descending);
    std::stable_sort(rows.begin(), rows.end(), [&](const Table::Row* left, const Table::Row* right) {
      for (const auto& [slot, descending] : keys) {
        const int order = backends::compare_for_sort(cell(*left, slot), cell(*right, slot));
        if (order != 0) return descending ? order > 0 : order < 0;
      }
      return false;  // by id, as they came
    });
    const auto offset = std::min(static_cast<std::uint64_t>(command.offset), static_cast<std::uint64_t>(rows.size()));
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(offset));
    if (static_cast<std::int64_t>(rows.size()) > enough) rows.resize(static_cast<std::size_t>(enough));
    return rows;
  }

  Result<Value> query(const DatabaseCommand& command) const {
    const bool counts = command.kind == Kind::count;
    auto filter = backends::read_filter(command.filter);
    if (!filter) return std::move(filter).error();
    const Table* table = find(command.table);
    if (table == nullptr) return counts ? Value(0) : Value::array();
    auto rows = matching(command, *table, *filter);
    if (!rows) return std::move(rows).error();
    if (counts) return Value(rows->size());
    if (command.limit < 0 && static_cast<std::int64_t>(rows->size()) > command.max_rows)
      return backends::too_many_rows(command);
    Value answer = Value::array();
    std::uint64_t bytes = 0;
    for (const Table::Row* row : *rows) {
      Value object = shown(*table, *row);
      bytes += object.byte_size();
      if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return backends::too_many_bytes(command);
      answer.push_back(std::move(object));
    }
    return answer;
  }

  Result<Value> get(const DatabaseCommand& command) const {
    const Table* table = find(command.table);
    const Table::Row* row = table != nullptr ? find_row(*table, command.record_id) : nullptr;
    return row == nullptr ? Value() : shown(*table, *row);
  }

  // Everything is checked already but the id.
  static Result<Value> add_row(Table& table, const Value& data) {
    auto given = backends::new_id(data);
    if (!given) return std::move(given).error();
    if (!*given && !table.rows.empty() && table.rows.rbegin()->first == INT64_MAX) {
      return make_error(error_type::database, "table \"" + table.name + "\" has no id left");
    }
    const std::int64_t next = table.rows.empty() ? 1 : std::max<std::int64_t>(1, table.rows.rbegin()->first + 1);
    const std::int64_t id = given->value_or(next);
    const auto [row, added] = table.rows.try_emplace(id);
    if (!added) return backends::same_id_exists(table.name);
    row->second.emplace_back(id);
    assign(table, row->second, data);
    return shown(table, row->second);
  }

  Result<Value> insert(const DatabaseCommand& command) {
    const Table* table = find(command.table);
    if (auto checked = check_columns(command, table, command.data); !checked) return std::move(checked).error();
    // A new table appears only when its first row is in.
    const auto found = tables_.find(command.table);
    if (found != tables_.end()) return add_row(writable(found->second), command.data);
    auto made = std::make_shared<Table>();
    made->name = command.table;
    auto row = add_row(*made, command.data);
    if (row) tables_.emplace(command.table, std::move(made));
    return row;
  }

  Result<Value> insert_many(const DatabaseCommand& command) {
    Value answer = Value::array();
    if (command.data.size() == 0) return answer;
    const Table* table = find(command.table);
    for (std::size_t at = 0; at < command.data.size(); ++at) {
      if (auto checked = check_columns(command, table, command.data[at]); !checked) return std::move(checked).error();
    }
    auto copy = table != nullptr ? std::make_shared<Table>(*table) : std::make_shared<Table>();
    copy->name = table != nullptr ? table->name : command.table;
    // First all columns: the earlier rows have those of the later ones too.
    for (std::size_t at = 0; at < command.data.size(); ++at) {
      Table::Row ignored;
      assign(*copy, ignored, command.data[at]);
    }
    for (std::size_t at = 0; at < command.data.size(); ++at) {
      auto row = add_row(*copy, command.data[at]);
      if (!row) return row;
      answer.push_back(std::move(*row));
    }
    tables_.insert_or_assign(command.table, std::move(copy));
    return answer;
  }

  Result<Value> change_row(const DatabaseCommand& command, const Value& record_id) {
    const auto found = tables_.find(command.table);
    const Table::Row* row = found != tables_.end() ? find_row(*found->second, record_id) : nullptr;
    if (row == nullptr) return backends::no_record(command.table, record_id);
    if (auto checked = check_columns(command, found->second.get(), command.data); !checked)
      return std::move(checked).error();
    const std::int64_t id = row->front().as_integer();
    Table& table = writable(found->second);
    Table::Row& changed = table.rows.at(id);
    assign(table, changed, command.data);
    return shown(table, changed);
  }

  Result<Value> update(const DatabaseCommand& command) { return change_row(command, command.record_id); }

  Result<Value> upsert(const DatabaseCommand& command) {
    const Table* table = find(command.table);
    const Value* key = backends::find_member(command.data, command.key_column);
    const std::size_t slot = table != nullptr ? table->slot(command.key_column) : Filter::no_slot;
    if (slot != Filter::no_slot) {
      for (const auto& [id, row] : table->rows) {
        if (!backends::equal_in_filter(cell(row, slot), *key)) continue;
        if (auto wrong = backends::check_same_id(command.data, Value(id))) return std::move(*wrong);
        return change_row(command, Value(id));
      }
    }
    return insert(command);
  }

  Result<Value> remove(const DatabaseCommand& command) {
    const auto found = tables_.find(command.table);
    const Table::Row* row = found != tables_.end() ? find_row(*found->second, command.record_id) : nullptr;
    if (row == nullptr) return Value(0);
    const std::int64_t id = row->front().as_integer();
    writable(found->second).rows.erase(id);
    return Value(1);
  }

  Result<Value> remove_many(const DatabaseCommand& command) {
    auto filter = backends::read_filter(command.filter);
    if (!filter) return std::move(filter).error();
    const auto found = tables_.find(command.table);
    if (found == tables_.end()) return Value(0);
    resolve(*filter, *found->second);
    Table& table = writable(found->second);
    return Value(
        std::erase_if(table.rows, [&](const auto& row) { return backends::row_matches(*filter, row.second); }));
  }

  Tables tables_;
  Tables before_;  // as they were when the open transaction began
};

class CallbackDatabase final : public Database {
 public:
  explicit CallbackDatabase(std::function<Result<Value>(const DatabaseCommand&)> answer) : answer_(std::move(answer)) {}

  void send(DatabaseCommand command, const Call&, Reply<Value> reply) override {
    auto answer = [&]() -> Result<Value> {
      try {
        return answer_(command);
      } catch (const std::exception& problem) {
        return make_error(error_type::database, std::string("the database callback threw: ") + problem.what());
      } catch (...) {
        return make_error(error_type::database, "the database callback threw something that is no std::exception");
      }
    }();
    reply(std::move(answer));
  }

 private:
  std::function<Result<Value>(const DatabaseCommand&)> answer_;
};

}  // namespace

std::shared_ptr<Database> memory_database() { return std::make_shared<MemoryDatabase>(); }

std::shared_ptr<Database> callback_database(std::function<Result<Value>(const DatabaseCommand&)> answer) {
  return std::make_shared<CallbackDatabase>(std::move(answer));
}

}  // namespace fnstack
