// The memory database: tables of rows in this process, with the same answers as SQLite under auto schema. Knows
// no SQL. What a transaction, or a command of many rows, must be able to take back is noted as it happens: so its cost
// depends on what it changes, not on how much there is. callback_database() at the end is the interface as a function.
#include <algorithm>
#include <map>
#include <optional>
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
  Value form = Value::object({{"id", Value()}});  // id and all columns, in order; what is shown has its list of keys
  std::map<std::int64_t, Row> rows;

  [[nodiscard]] std::size_t slot(std::string_view column) const noexcept {
    const auto found = slots_.find(column);
    if (found != slots_.end()) return found->second;
    return backends::same_name(column, "id") ? 0 : Filter::no_slot;
  }
  [[nodiscard]] std::size_t columns() const noexcept { return slots_.size(); }
  void add_column(std::string_view column) {
    slots_.emplace(column, slots_.size() + 1);
    form.set(column, Value());
  }
  // Takes back those that came last.
  void keep_columns(std::size_t count) {
    while (slots_.size() > count) {
      const std::string last(form.key_at(slots_.size()));
      slots_.erase(slots_.find(last));
      form.erase(last);
    }
  }

 private:
  std::unordered_map<std::string, std::size_t, backends::NameHash, backends::NameEqual> slots_;
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
  Table::Row cells = row;
  cells.resize(table.columns() + 1);
  return Value::object_like(table.form, cells);
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
        is_open_ = true;
        return Value();
      case Kind::commit:
        is_open_ = false;
        changes_.clear();
        return Value();
      case Kind::rollback:
        is_open_ = false;
        take_back(0);
        return Value();
    }
    return make_error(error_type::database, "unknown database command");
  }

 private:
  using Tables = std::unordered_map<std::string, Table, backends::NameHash, backends::NameEqual>;

  // What was before a change, to take it back: a row, else a table's columns, else that there was no such table.
  struct Change {
    std::string table;
    std::optional<std::int64_t> id;
    std::optional<Table::Row> row;  // none: there was no row with this id
    std::optional<std::size_t> columns;
  };

  Table* find(std::string_view name) {
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : &found->second;
  }

  void note_columns(const Table& table) { changes_.push_back({table.name, {}, {}, table.columns()}); }
  void note_row(const Table& table, std::int64_t id) {
    const auto row = table.rows.find(id);
    std::optional<Table::Row> before;
    if (row != table.rows.end()) before = row->second;
    changes_.push_back({table.name, id, std::move(before), {}});
  }
  void take_back(std::size_t keep) {
    for (; changes_.size() > keep; changes_.pop_back()) {
      Change& change = changes_.back();
      const auto table = tables_.find(change.table);
      if (change.id && change.row) {
        table->second.rows.insert_or_assign(*change.id, std::move(*change.row));
      } else if (change.id) {
        table->second.rows.erase(*change.id);
      } else if (change.columns) {
        table->second.keep_columns(*change.columns);
      } else {
        tables_.erase(table);
      }
    }
  }
  // A command's changes: all of them, or none if it fails.
  template <class Work>
  Result<Value> changing(Work work) {
    const std::size_t before = changes_.size();
    Result<Value> result = work();
    if (!result) take_back(before);
    if (!is_open_) changes_.clear();
    return result;
  }

  // The table, made if there is none; about to be given rows and columns.
  Table& table_of(const DatabaseCommand& command) {
    if (Table* table = find(command.table)) {
      note_columns(*table);
      return *table;
    }
    changes_.push_back({command.table, {}, {}, {}});
    Table& made = tables_.try_emplace(command.table).first->second;
    made.name = command.table;
    return made;
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
        table.add_column(data.key_at(at));
        slot = table.columns();
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

  Result<Value> query(const DatabaseCommand& command) {
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

  Result<Value> get(const DatabaseCommand& command) {
    const Table* table = find(command.table);
    const Table::Row* row = table != nullptr ? find_row(*table, command.record_id) : nullptr;
    return row == nullptr ? Value() : shown(*table, *row);
  }

  // Everything is checked already but the id.
  Result<Value> add_row(Table& table, const Value& data) {
    auto given = backends::new_id(data);
    if (!given) return std::move(given).error();
    if (!*given && !table.rows.empty() && table.rows.rbegin()->first == INT64_MAX) {
      return make_error(error_type::database, "table \"" + table.name + "\" has no id left");
    }
    const std::int64_t next = table.rows.empty() ? 1 : std::max<std::int64_t>(1, table.rows.rbegin()->first + 1);
    const std::int64_t id = given->value_or(next);
    if (table.rows.find(id) != table.rows.end()) return backends::same_id_exists(table.name);
    note_row(table, id);
    Table::Row& row = table.rows[id];
    row.emplace_back(id);
    assign(table, row, data);
    return shown(table, row);
  }

  Result<Value> insert(const DatabaseCommand& command) {
    if (auto checked = check_columns(command, find(command.table), command.data); !checked)
      return std::move(checked).error();
    return changing([&] { return add_row(table_of(command), command.data); });
  }

  Result<Value> insert_many(const DatabaseCommand& command) {
    if (command.data.size() == 0) return Value::array();
    for (std::size_t at = 0; at < command.data.size(); ++at) {
      if (auto checked = check_columns(command, find(command.table), command.data[at]); !checked)
        return std::move(checked).error();
    }
    return changing([&]() -> Result<Value> {
      Table& table = table_of(command);
      // First all columns: the earlier rows have those of the later ones too.
      for (std::size_t at = 0; at < command.data.size(); ++at) {
        Table::Row ignored;
        assign(table, ignored, command.data[at]);
      }
      Value answer = Value::array();
      for (std::size_t at = 0; at < command.data.size(); ++at) {
        auto row = add_row(table, command.data[at]);
        if (!row) return row;
        answer.push_back(std::move(*row));
      }
      return answer;
    });
  }

  Result<Value> change_row(const DatabaseCommand& command, const Value& record_id) {
    Table* const table = find(command.table);
    const Table::Row* row = table != nullptr ? find_row(*table, record_id) : nullptr;
    if (row == nullptr) return backends::no_record(command.table, record_id);
    if (auto checked = check_columns(command, table, command.data); !checked) return std::move(checked).error();
    const std::int64_t id = row->front().as_integer();
    return changing([&]() -> Result<Value> {
      note_columns(*table);
      note_row(*table, id);
      Table::Row& changed = table->rows.at(id);
      assign(*table, changed, command.data);
      return shown(*table, changed);
    });
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
    Table* const table = find(command.table);
    const Table::Row* row = table != nullptr ? find_row(*table, command.record_id) : nullptr;
    if (row == nullptr) return Value(0);
    const std::int64_t id = row->front().as_integer();
    return changing([&]() -> Result<Value> {
      note_row(*table, id);
      return Value(table->rows.erase(id));
    });
  }

  Result<Value> remove_many(const DatabaseCommand& command) {
    auto filter = backends::read_filter(command.filter);
    if (!filter) return std::move(filter).error();
    Table* const table = find(command.table);
    if (table == nullptr) return Value(0);
    resolve(*filter, *table);
    return changing([&]() -> Result<Value> {
      return Value(std::erase_if(table->rows, [&](const auto& row) {
        const bool goes = backends::row_matches(*filter, row.second);
        if (goes) note_row(*table, row.first);
        return goes;
      }));
    });
  }

  Tables tables_;
  bool is_open_ = false;         // a transaction
  std::vector<Change> changes_;  // of the open transaction, or of the command being performed
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
