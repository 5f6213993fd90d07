#include "backends/sqlite_records.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "backends/filter.hpp"
#include "backends/match.hpp"
#include "backends/record_rules.hpp"
#include "backends/sql.hpp"
#include "backends/sqlite_connection.hpp"
#include "backends/sqlite_dialect.hpp"
#include "backends/sqlite_schema.hpp"
#include "base/key_list.hpp"

namespace fnstack::backends {
namespace {

using Kind = DatabaseCommand::Kind;

bool only_queries(Kind kind) noexcept { return kind == Kind::query || kind == Kind::count || kind == Kind::get; }
bool is_of_transactions(Kind kind) noexcept {
  return kind == Kind::begin || kind == Kind::commit || kind == Kind::rollback;
}

Filter equals(std::string_view column, const Value& value) {
  Filter leaf;
  leaf.op = Filter::Op::eq;
  leaf.column = column;
  leaf.value = &value;
  return leaf;
}

class Records final : public SqliteRecords {
 public:
  Records(std::unique_ptr<SqliteConnection> connection, bool strict)
      : connection_(std::move(connection)), schema_(*connection_, strict) {}

  Result<Value> perform(const DatabaseCommand& command, const Call& call) override {
    if (auto wrong = check(command)) return std::move(*wrong);
    if (auto there = connection_->check_file(); !there) return std::move(there).error();
    connection_->serve(&call);
    auto answer = attempt(command);
    connection_->serve(nullptr);
    return answer;
  }

  Result<Done> begin_batch(const Call& call) override {
    if (auto there = connection_->check_file(); !there) return there;
    connection_->serve(&call);
    auto begun = connection_->run("BEGIN IMMEDIATE");
    connection_->serve(nullptr);
    if (!begun) return std::move(begun).error();
    (void)schema_.forget_if_changed();
    return Done{};
  }

  Result<Value> perform_in_batch(const DatabaseCommand& command, const Call& call) override {
    if (auto wrong = check(command)) return std::move(*wrong);
    connection_->serve(&call);
    auto answer = atomically([&] { return attempt(command); });
    connection_->serve(nullptr);
    return answer;
  }

  bool in_batch() const noexcept override { return connection_->in_transaction(); }

  Result<Done> commit_batch() override {
    auto committed = commit();
    if (!committed) return std::move(committed).error();
    return Done{};
  }

  bool only_reads(std::string_view sql) override {
    connection_->set_restricted(true);
    const auto statement = connection_->prepare_foreign(sql);
    connection_->set_restricted(false);
    return statement.ok() && connection_->is_read_only(**statement);
  }

  void interrupt() noexcept override { connection_->interrupt(); }

 private:
  Result<Value> attempt(const DatabaseCommand& command) {
    // A full disk, or a statement that was interrupted, can end a transaction without being asked to.
    if (!command.transaction.empty() && command.kind != Kind::begin && command.kind != Kind::rollback &&
        !connection_->in_transaction()) {
      return make_error(error_type::database, "the transaction was rolled back by an earlier error in it");
    }
    // What is known of the schema has to be true of what is written. In memory, and inside a transaction, nobody else
    // can change it.
    const bool queries = only_queries(command.kind);
    if (!queries && !is_of_transactions(command.kind) && !connection_->in_memory() && !connection_->in_transaction())
      (void)schema_.forget_if_changed();
    (void)connection_->met_new_schema();
    auto answer = dispatch(command);
    // A query finds out by the way, and asks again.
    if (queries && connection_->met_new_schema()) {
      schema_.forget();
      answer = dispatch(command);
    }
    if (answer) return answer;
    // What was made in vain is rolled back; and the schema may have been changed by another connection after it was
    // looked at: then once again.
    const bool changed =
        command.kind != Kind::sql && connection_->last_failure() == sqlite_error && schema_.forget_if_changed();
    if (!queries) schema_.forget();
    return changed ? dispatch(command) : std::move(answer);
  }

  Result<Value> dispatch(const DatabaseCommand& command) {
    switch (command.kind) {
      case Kind::query:
        return query(command);
      case Kind::count:
        return count(command);
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
        return sql(command);
      case Kind::begin:
        return begin(command);
      case Kind::commit:
        return commit();
      case Kind::rollback:
        return rollback();
    }
    return make_error(error_type::database, "unknown database command");
  }

  // ---- running what statement_ says

  // Each row as it comes, until there are no more or one is refused.
  template <class F>
  Result<Done> each_row(SqliteStatement& statement, F&& take) {
    for (;;) {
      auto more = connection_->step(statement);
      if (!more) {
        SqliteConnection::reset(statement);
        return std::move(more).error();
      }
      if (!*more) break;
      Result<Done> taken = take(statement);
      if (!taken) {
        SqliteConnection::reset(statement);
        return taken;
      }
    }
    SqliteConnection::reset(statement);
    return Done{};
  }

  static Error too_many_bindings() {
    return make_error(error_type::limit, "the command has more than " + std::to_string(most_bindings) + " values");
  }

  Result<SqliteStatement*> prepared() {
    if (statement_.bindings.size() > most_bindings) return too_many_bindings();
    auto statement = connection_->prepare(statement_.text);
    if (!statement) return statement;
    if (auto bound = connection_->bind(**statement, statement_.bindings); !bound) return std::move(bound).error();
    return statement;
  }

  // The last row it gives, or null.
  Result<Value> run_for_row() {
    auto statement = prepared();
    if (!statement) return std::move(statement).error();
    return last_row(**statement);
  }

  Result<Value> last_row(SqliteStatement& statement) {
    Value row;
    auto done = each_row(statement, [&](SqliteStatement& at) -> Result<Done> {
      row = connection_->row(at);
      return Done{};
    });
    if (!done) return std::move(done).error();
    return row;
  }

  Result<Value> run_for_rows(SqliteStatement& statement, const DatabaseCommand& command) {
    Value rows = Value::array();
    std::uint64_t bytes = 0;
    // A limit given by the author is the only bound; else one row more than allowed is an error.
    const bool capped = command.limit < 0;
    auto done = each_row(statement, [&](SqliteStatement& at) -> Result<Done> {
      if (capped && static_cast<std::int64_t>(rows.size()) >= command.max_rows) return too_many_rows(command);
      Value row = connection_->row(at);
      bytes += row.byte_size();
      if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return too_many_bytes(command);
      rows.push_back(std::move(row));
      return Done{};
    });
    if (!done) return std::move(done).error();
    return rows;
  }

  // ---- reading

  // The table and the filter, both usable; a null table: there is none, so no row matches.
  struct Selection {
    SqliteTable* table = nullptr;
    Filter filter;
  };
  Result<Selection> select(const DatabaseCommand& command) {
    Selection selection;
    auto filter = read_filter(command.filter);
    if (!filter) return std::move(filter).error();
    auto table = schema_.find(command.table);
    if (!table) return std::move(table).error();
    if (*table != nullptr) {
      columns_.clear();
      add_columns(columns_, *filter);
      for (const auto& [column, descending] : command.sort) columns_.push_back(column);
      if (auto known = schema_.has_columns(*table, columns_); !known) return std::move(known).error();
    }
    selection.table = *table;
    selection.filter = std::move(*filter);
    return selection;
  }

  // SELECT of the rows that have one value in one column, which is what most queries ask for; kept for each column and
  // form of the condition, and bound. Null: such rows can't be.
  Result<SqliteStatement*> lookup(const SqliteTable& table, const SqliteColumn& column, const Value& wanted, bool by_id,
                                  std::int64_t limit) {
    encoded_.clear();
    const bool exact = add_equal_contents(encoded_, column, wanted);
    if (encoded_.empty()) return nullptr;
    std::size_t form = encoded_.size() - 1;  // one or two
    form |= (exact ? 2U : 0U) | (by_id ? 4U : 0U) | (limit >= 0 ? 8U : 0U);
    if (limit >= 0) encoded_.emplace_back(limit);
    forget_stale_statements();
    auto& statement = lookups_[&column][form];
    if (statement == nullptr) {
      const SqliteDialect dialect(table);
      statement_.clear();
      append_select(statement_, dialect, table.name, equals(column.name, wanted));
      if (by_id) append_order(statement_, {}, table.column("id") != nullptr);
      append_limit(statement_, dialect, limit, 0);
      auto made = connection_->prepare_own(statement_.text);
      if (!made) return std::move(made).error();
      statement = std::move(*made);
    }
    if (auto bound = connection_->bind(*statement, encoded_); !bound) return std::move(bound).error();
    return statement.get();
  }

  // What lookup() answers, if the filter is such a one; else, and for what is wrong, there is the long way.
  struct Equality {
    const SqliteTable* table;
    const SqliteColumn* column;
    const Value* wanted;
  };
  std::optional<Equality> equality(const DatabaseCommand& command) {
    const Value& filter = command.filter;
    if (!command.sort.empty() || command.offset > 0 || !filter.is_array() || filter.size() != 3) return std::nullopt;
    const Value& wanted = filter[2];
    if (filter[0].as_string() != "eq" || !filter[1].is_string()) return std::nullopt;
    if (!(wanted.is_number() || wanted.is_string()) || !storable(wanted)) return std::nullopt;
    auto table = schema_.find(command.table);
    if (!table || *table == nullptr) return std::nullopt;
    const SqliteColumn* column = (*table)->column(filter[1].as_string());
    if (column == nullptr) return std::nullopt;
    return Equality{*table, column, &wanted};
  }

  Result<Value> query(const DatabaseCommand& command) {
    if (const auto simple = equality(command)) {
      auto statement = lookup(*simple->table, *simple->column, *simple->wanted, true, command.limit);
      if (!statement) return std::move(statement).error();
      if (*statement == nullptr) return Value::array();
      auto rows = run_for_rows(**statement, command);
      if (rows && connection_->scanned_rows(**statement) > many_rows)
        schema_.index(*simple->table, simple->column->name);
      return rows;
    }
    auto selection = select(command);
    if (!selection) return std::move(selection).error();
    const SqliteTable* table = selection->table;
    if (table == nullptr) return Value::array();
    const SqliteDialect dialect(*table);
    statement_.clear();
    append_select(statement_, dialect, table->name, selection->filter);
    sort_.clear();
    for (const auto& key : command.sort) {
      if (table->column(key.first) != nullptr) sort_.push_back(key);
    }
    append_order(statement_, sort_, table->column("id") != nullptr);
    append_limit(statement_, dialect, command.limit, command.offset);
    auto statement = prepared();
    if (!statement) return std::move(statement).error();
    auto rows = run_for_rows(**statement, command);
    if (rows && connection_->scanned_rows(**statement) > many_rows) index_for(*table, selection->filter);
    return rows;
  }

  // The column by which a filter looks something up, if it does.
  void index_for(const SqliteTable& table, const Filter& filter) {
    if (filter.op == Filter::Op::eq && !filter.value->is_null()) schema_.index(table, filter.column);
    if (filter.op != Filter::Op::all_of) return;
    for (const Filter& part : filter.parts) {
      if (part.op == Filter::Op::eq && !part.value->is_null()) return schema_.index(table, part.column);
    }
  }

  Result<Value> count(const DatabaseCommand& command) {
    auto selection = select(command);
    if (!selection) return std::move(selection).error();
    if (selection->table == nullptr) return Value(0);
    statement_.clear();
    append_count(statement_, SqliteDialect(*selection->table), selection->table->name, selection->filter);
    auto row = run_for_row();
    return row ? Result<Value>((*row)[0]) : std::move(row);
  }

  // The table of a command that names one record; null: there is none.
  Result<SqliteTable*> table_with_id(const DatabaseCommand& command) {
    auto table = schema_.find(command.table);
    if (!table || *table == nullptr || (*table)->column("id") != nullptr) return table;
    return no_such_column((*table)->name, "id", {});
  }

  Result<Value> get(const DatabaseCommand& command) {
    auto table = table_with_id(command);
    if (!table) return std::move(table).error();
    if (*table == nullptr) return Value();
    return row_with_id(**table, command.record_id);
  }

  // The table has a column "id".
  Result<Value> row_with_id(const SqliteTable& table, const Value& id) {
    auto statement = lookup(table, *table.column("id"), id, false, -1);
    if (!statement) return std::move(statement).error();
    return *statement != nullptr ? last_row(**statement) : Value();
  }

  // ---- writing

  // What auto schema has to do first needs a transaction around it and the writing.
  template <class F>
  Result<Value> atomically(F&& work) {
    SqliteAtomic atomic(*connection_);
    if (auto begun = atomic.begin(); !begun) return std::move(begun).error();
    Result<Value> answer = work();
    if (!answer) return answer;
    if (auto committed = atomic.commit(); !committed) return std::move(committed).error();
    return answer;
  }

  Result<Done> check_columns(SqliteTable*& table, const Value& data) {
    if (table == nullptr || SqliteSchema::holds(*table, data)) return Done{};
    columns_.clear();
    for (std::size_t at = 0; at < data.size(); ++at) columns_.push_back(data.key_at(at));
    if (auto known = schema_.has_columns(table, columns_); !known) return std::move(known).error();
    return Done{};
  }

  // How data with these columns is written to this table; kept for each list of columns.
  struct Writing {
    std::unique_ptr<SqliteStatement> statement;
    std::vector<const SqliteColumn*> columns;  // of the data's members, in order; null: there is none
    bool by_rowid = false;                     // a new record has SQLite's own rowid, which is asked for afterwards
    bool has_id = false;                       // among the data's members
  };
  // Found again by the key list that all records of one step share, without a look at the names.
  struct Recent {
    base::KeyList keys;
    Kind kind = Kind::insert;
    const SqliteTable* table = nullptr;
    Writing* writing = nullptr;
  };

  // What of the command is wrong. Names that were written lately are not looked at again.
  std::optional<Error> check(const DatabaseCommand& command) const {
    const bool writes = command.kind == Kind::insert || command.kind == Kind::update;
    const bool known = writes && std::any_of(recent_.begin(), recent_.end(), [&](const Recent& recent) {
                         return recent.keys.is_of(command.data) && !recent.writing->has_id;
                       });
    return check_command(command, known);
  }

  void forget_stale_statements() {
    // They point into what is known of the schema.
    if (schema_.generation() == statements_generation_ && writings_.size() < most_forms && lookups_.size() < most_forms)
      return;
    recent_ = {};
    writings_.clear();
    lookups_.clear();
    statements_generation_ = schema_.generation();
  }

  // Null: none is known yet. Valid until the next statement is looked for.
  Writing* known_writing(Kind kind, const SqliteTable& table, const Value& data) {
    forget_stale_statements();
    for (const Recent& recent : recent_) {
      if (recent.keys.is_of(data) && recent.kind == kind && recent.table == &table) return recent.writing;
    }
    signature_ = kind == Kind::insert ? 'i' : 'u';
    signature_ += table.name;
    for (std::size_t at = 0; at < data.size(); ++at) {
      signature_ += '\0';
      signature_ += data.key_at(at);
    }
    const auto known = writings_.find(signature_);
    return known != writings_.end() ? remember(kind, table, data, known->second) : nullptr;
  }

  Writing* remember(Kind kind, const SqliteTable& table, const Value& data, Writing& writing) {
    recent_[next_recent_++ % recent_.size()] = {base::KeyList(data), kind, &table, &writing};
    return &writing;
  }

  Result<Writing*> writing(Kind kind, const SqliteTable& table, const Value& data) {
    if (Writing* known = known_writing(kind, table, data)) return known;
    Writing made;
    const SqliteColumn* id = table.column("id");
    made.by_rowid = id != nullptr && id->is_rowid;
    for (std::size_t at = 0; at < data.size(); ++at) made.columns.push_back(table.column(data.key_at(at)));
    made.has_id = find_member(data, "id") != nullptr;
    statement_.clear();
    if (kind == Kind::insert) {
      append_insert(statement_, SqliteDialect(table), table.name, data);
      // RETURNING makes SQLite open a temporary table, which costs three times what a second statement does. What
      // another process may do between the two is as if it had done it after the command.
      if (!made.by_rowid) statement_.text += " RETURNING *";
    } else {
      append_update(statement_, SqliteDialect(table), table.name, data, equals("id", Value(0)));
    }
    if (statement_.bindings.size() > most_bindings) return too_many_bindings();
    auto statement = connection_->prepare_own(statement_.text);
    if (!statement) return std::move(statement).error();
    made.statement = std::move(*statement);
    return remember(kind, table, data, writings_.insert_or_assign(signature_, std::move(made)).first->second);
  }

  // The data can be written so without changing the schema.
  [[nodiscard]] bool takes(const Writing& writing, const Value& data) const noexcept {
    for (std::size_t at = 0; at < data.size(); ++at) {
      const SqliteColumn* column = writing.columns[at];
      if (column == nullptr || (!schema_.strict() && SqliteSchema::wants_type(*column, data[at]))) return false;
    }
    return true;
  }

  // The data's values as the first bindings, and then the id, if there is one.
  Result<Done> bind_data(Writing& writing, const Value& data, const Value* id) {
    encoded_.clear();
    encoded_.reserve(data.size());  // bindings point into it
    int place = 0;
    for (std::size_t at = 0; at < data.size(); ++at) {
      const CellClass cell = writing.columns[at] != nullptr ? writing.columns[at]->cell : CellClass::open;
      const Value* bound = &data[at];
      if (!lies_as_it_is(cell, *bound)) bound = &encoded_.emplace_back(encode_cell(cell, *bound));
      if (auto done = connection_->bind_at(*writing.statement, ++place, *bound); !done) return done;
    }
    if (id != nullptr) return connection_->bind_at(*writing.statement, ++place, *id);
    return Done{};
  }

  Result<Value> insert_into(const SqliteTable& table, const Value& data, bool wants_row) {
    auto how = writing(Kind::insert, table, data);
    if (!how) return std::move(how).error();
    return insert_with(**how, table, data, wants_row);
  }

  Result<Value> insert_with(Writing& how, const SqliteTable& table, const Value& data, bool wants_row) {
    if (how.by_rowid && how.has_id) {
      if (auto wanted = new_id(data); !wanted) return std::move(wanted).error();
    }
    if (auto bound = bind_data(how, data, nullptr); !bound) return std::move(bound).error();
    auto row = last_row(*how.statement);
    if (!row && row.error().message == "unique constraint failed: " + table.name + ".id")
      return same_id_exists(table.name);
    if (!row || !how.by_rowid) return row;
    if (connection_->changes() == 0)
      return make_error(error_type::database, "a trigger of table \"" + table.name + "\" refused the record");
    if (!wants_row) return Value();
    return row_with_id(table, Value(connection_->last_inserted()));
  }

  Result<Value> insert(const DatabaseCommand& command) {
    auto table = schema_.find(command.table);
    if (!table) return std::move(table).error();
    if (*table != nullptr) {
      Writing* known = known_writing(Kind::insert, **table, command.data);
      if (known != nullptr && takes(*known, command.data))
        return insert_with(*known, **table, command.data, command.want_rows);
    }
    if (auto checked = check_columns(*table, command.data); !checked) return std::move(checked).error();
    if (*table != nullptr && (schema_.strict() || SqliteSchema::holds(**table, command.data)))
      return insert_into(**table, command.data, command.want_rows);
    return atomically([&]() -> Result<Value> {
      auto made = schema_.make_room(command, command.data);
      if (!made) return std::move(made).error();
      return insert_into(**made, command.data, command.want_rows);
    });
  }

  Result<Value> insert_many(const DatabaseCommand& command) {
    Value rows = Value::array();
    if (command.data.size() == 0) return rows;
    return atomically([&]() -> Result<Value> {
      // First all columns: the earlier rows have those of the later ones too.
      for (std::size_t at = 0; at < command.data.size() && !schema_.strict(); ++at) {
        if (auto made = schema_.make_room(command, command.data[at]); !made) return std::move(made).error();
      }
      std::uint64_t bytes = 0;
      for (std::size_t at = 0; at < command.data.size(); ++at) {
        auto row = insert(one_of(command, command.data[at]));
        if (!row) return row;
        bytes += row->byte_size();
        if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return too_many_bytes(command);
        rows.push_back(std::move(*row));
      }
      return rows;
    });
  }

  static DatabaseCommand one_of(const DatabaseCommand& command, const Value& data) {
    DatabaseCommand one;
    one.kind = Kind::insert;
    one.table = command.table;
    one.data = data;
    one.declared_table = command.declared_table;
    one.declared_columns = command.declared_columns;
    return one;
  }

  Result<Value> update(const DatabaseCommand& command) { return change(command, command.record_id); }

  Result<Value> change(const DatabaseCommand& command, const Value& record_id) {
    auto table = table_with_id(command);
    if (!table) return std::move(table).error();
    if (*table == nullptr) return no_record(command.table, record_id);
    // The id, if the data has it, is the one the record has already: it is not written.
    Writing* known = known_writing(Kind::update, **table, command.data);
    const bool has_id = known == nullptr && find_member(command.data, "id") != nullptr;
    const Value data = has_id ? without_id(command.data) : command.data;
    if (has_id) known = known_writing(Kind::update, **table, data);
    if (known != nullptr && takes(*known, data)) return change_row(**table, command, data, record_id);
    if (auto checked = check_columns(*table, data); !checked) return std::move(checked).error();
    if (schema_.strict() || SqliteSchema::holds(**table, data)) return change_row(**table, command, data, record_id);
    return atomically([&]() -> Result<Value> {
      auto row = row_with_id(**table, record_id);
      if (!row) return row;
      if (row->is_null()) return no_record(command.table, record_id);
      auto made = schema_.make_room(command, data);
      if (!made) return std::move(made).error();
      return change_row(**made, command, data, record_id);
    });
  }

  Result<Value> change_row(const SqliteTable& table, const DatabaseCommand& command, const Value& data,
                           const Value& record_id) {
    if (data.size() > 0) {
      auto changed = change_columns(table, data, record_id);
      if (!changed) return std::move(changed).error();
      if (!*changed) return no_record(command.table, record_id);
      if (!command.want_rows) return Value();
    }
    auto row = row_with_id(table, record_id);
    if (row && row->is_null()) return no_record(command.table, record_id);
    return row;
  }

  // False: there is no such record.
  Result<bool> change_columns(const SqliteTable& table, const Value& data, const Value& record_id) {
    if (const SqliteColumn* id = table.column("id"); id != nullptr && id->is_rowid) {
      // A rowid is a number, and is found by its text.
      const auto number = record_id.is_string() ? number_of_text(record_id.as_string()) : std::optional(record_id);
      if (!number) return false;
      auto how = writing(Kind::update, table, data);
      if (!how) return std::move(how).error();
      if (auto bound = bind_data(**how, data, &*number); !bound) return std::move(bound).error();
      if (auto changed = last_row(*(*how)->statement); !changed) return std::move(changed).error();
    } else {
      statement_.clear();
      append_update(statement_, SqliteDialect(table), table.name, data, equals("id", record_id));
      if (auto changed = run_for_row(); !changed) return std::move(changed).error();
    }
    return connection_->changes() > 0;
  }

  Result<Value> upsert(const DatabaseCommand& command) {
    return atomically([&]() -> Result<Value> {
      auto table = table_with_id(command);
      if (!table) return std::move(table).error();
      if (*table != nullptr && (*table)->column(command.key_column) != nullptr) {
        const Value* key = find_member(command.data, command.key_column);
        statement_.clear();
        append_select(statement_, SqliteDialect(**table), (*table)->name, equals(command.key_column, *key));
        statement_.text += " ORDER BY \"id\" LIMIT 1";
        auto row = run_for_row();
        if (!row) return row;
        if (auto again = connection_->prepare(statement_.text);
            again && connection_->scanned_rows(**again) > many_rows) {
          schema_.index(**table, command.key_column);
        }
        if (!row->is_null()) {
          const Value id = *find_member(*row, "id");
          if (auto wrong = check_same_id(command.data, id)) return std::move(*wrong);
          return change(command, id);
        }
      }
      return insert(command);
    });
  }

  Result<Value> remove(const DatabaseCommand& command) {
    auto table = table_with_id(command);
    if (!table) return std::move(table).error();
    if (*table == nullptr) return Value(0);
    return remove_from(**table, equals("id", command.record_id));
  }

  Result<Value> remove_many(const DatabaseCommand& command) {
    auto selection = select(command);
    if (!selection) return std::move(selection).error();
    if (selection->table == nullptr) return Value(0);
    return remove_from(*selection->table, selection->filter);
  }

  Result<Value> remove_from(const SqliteTable& table, const Filter& which) {
    statement_.clear();
    append_delete(statement_, SqliteDialect(table), table.name, which);
    if (auto done = run_for_row(); !done) return done;
    return Value(connection_->changes());
  }

  // ---- SQL text and transactions

  Result<Value> sql(const DatabaseCommand& command) {
    std::vector<Value> bindings;
    for (const Value& value : command.bindings) {
      if (!storable(value)) return not_storable("sql: binding " + std::to_string(bindings.size() + 1), value);
      bindings.push_back(encode_binding(value));
    }
    connection_->set_restricted(true);
    auto statement = connection_->prepare_foreign(command.sql);
    connection_->set_restricted(false);
    if (!statement) return std::move(statement).error();
    if (auto bound = connection_->bind_foreign(**statement, bindings); !bound) return std::move(bound).error();
    const auto run = [&] {
      connection_->set_restricted(true);
      // What a statement makes on its way is no larger than its answer may be: zeroblob(900000000) would be.
      const std::int64_t usual = connection_->set_largest_value(command.max_bytes);
      auto rows = run_for_rows(**statement, command);
      (void)connection_->set_largest_value(usual);
      connection_->set_restricted(false);
      return rows;
    };
    if (connection_->is_read_only(**statement)) return run();
    // A statement refused for its number of rows has changed something already.
    auto answer = atomically(run);
    if (schema_.forget_if_changed()) schema_.forget();
    return answer;
  }

  Result<Value> begin(const DatabaseCommand& command) {
    const std::string& isolation = command.isolation;
    if (!isolation.empty() && isolation != "read_committed" && isolation != "repeatable_read" &&
        isolation != "serializable") {
      return make_error(
          error_type::validation,
          "isolation: expected read_committed, repeatable_read or serializable, got \"" + isolation + "\"");
    }
    // All isolation is serializable here. Taking the write lock at once means that no later statement finds it taken.
    auto begun = connection_->run(connection_->read_only() ? "BEGIN" : "BEGIN IMMEDIATE");
    if (!begun) return std::move(begun).error();
    (void)schema_.forget_if_changed();
    return Value();
  }

  Result<Value> commit() {
    auto committed = connection_->run("COMMIT");
    if (committed) return Value();
    (void)rollback().ok();
    return std::move(committed).error();
  }

  Result<Value> rollback() {
    schema_.forget();
    if (!connection_->in_transaction()) return Value();
    connection_->serve(nullptr);
    auto undone = connection_->run("ROLLBACK");
    if (!undone) return std::move(undone).error();
    return Value();
  }

  // A scan of so many rows takes about a tenth of a millisecond.
  static constexpr int many_rows = 1'000;
  // SQLite's own bound, as Debian builds it, is higher still.
  static constexpr std::size_t most_bindings = 32'000;
  // A program has dozens; lists of columns that come from data could make endless new ones.
  static constexpr std::size_t most_forms = 128;
  // A loop writes in a few steps.
  static constexpr std::size_t most_recent = 8;
  // SQLITE_ERROR, which among our own statements only an unexpected schema can cause.
  static constexpr int sqlite_error = 1;

  std::unique_ptr<SqliteConnection> connection_;
  SqliteSchema schema_;
  // Kept to save allocations.
  SqlStatement statement_;
  std::vector<std::string_view> columns_;
  std::vector<Value> encoded_;
  std::string signature_;
  std::unordered_map<std::string, Writing> writings_;
  std::array<Recent, most_recent> recent_;
  std::size_t next_recent_ = 0;
  std::unordered_map<const SqliteColumn*, std::array<std::unique_ptr<SqliteStatement>, 16>> lookups_;
  std::uint64_t statements_generation_ = 0;
  std::vector<std::pair<std::string, bool>> sort_;
};

}  // namespace

Result<std::unique_ptr<SqliteRecords>> SqliteRecords::open(const SqliteOptions& options) {
  auto connection = SqliteConnection::open(options);
  if (!connection) return std::move(connection).error();
  return std::unique_ptr<SqliteRecords>(std::make_unique<Records>(std::move(*connection), options.strict_schema));
}

}  // namespace fnstack::backends
