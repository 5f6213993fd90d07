#include "backends/postgres_records.hpp"

#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "backends/postgres_text.hpp"
#include "backends/postgres_values.hpp"
#include "backends/record_rules.hpp"
#include "base/in_quotes.hpp"

namespace fnstack::backends {
namespace {

using Kind = DatabaseCommand::Kind;

// What one answer may bring along, beside most_rows_at_once.
constexpr std::size_t most_bytes_at_once = std::size_t{4} << 20;

// Of a command whose table others change each time between its preparing and its performing.
constexpr int most_tries = 10;

bool writes(Kind kind) noexcept {
  switch (kind) {
    case Kind::insert:
    case Kind::insert_many:
    case Kind::update:
    case Kind::upsert:
    case Kind::remove:
    case Kind::remove_many:
    case Kind::sql:
      return true;
    default:
      return false;
  }
}

}  // namespace

PgRecords::PgRecords(std::unique_ptr<PgConnection> connection, PgSchemaVersion version)
    : connection_(std::move(connection)),
      catalog_(*connection_, connection_->options().auto_schema, std::move(version)) {}

// ---- performing

Result<Value> PgRecords::perform(const DatabaseCommand& command) {
  if (auto wrong = check_command(command)) return std::move(*wrong);
  forget_failure();
  catalog_.freshen();
  switch (command.kind) {
    case Kind::begin:
      return begin(command);
    case Kind::commit:
      return commit();
    case Kind::rollback:
      return rollback();
    default:
      break;
  }
  if (in_transaction_ && failed_)
    return make_error(error_type::database, "the transaction was rolled back by an earlier error in it");
  auto answer = attempt(command);
  if (!answer && failure_.lost && !in_transaction_ && writes(command.kind)) {
    Error error = std::move(answer).error();
    error.message += "; it is not known whether the command was performed";
    return error;
  }
  if (!answer && failure_.lost && in_transaction_) {
    Error error = std::move(answer).error();
    error.message += ", and the transaction with it";
    return error;
  }
  return answer;
}

Result<Value> PgRecords::attempt(const DatabaseCommand& command) {
  for (int tries = 1;; ++tries) {
    // An error ends a transaction in PostgreSQL, unless there is a place to go back to. Reading fails so rarely that
    // it goes without.
    const bool guarded = in_transaction_ && writes(command.kind);
    if (guarded) {
      auto marked =
          connection_->run(has_savepoint_ ? "RELEASE SAVEPOINT fnstack; SAVEPOINT fnstack" : "SAVEPOINT fnstack");
      if (!marked) {
        note_failure();
        failed_ = true;
        return std::move(marked).error();
      }
      has_savepoint_ = true;
    }
    auto answer = dispatch(command);
    if (answer) return answer;
    if (!failure_.is_set()) {
      // Refused by ourselves; but a part may have been done.
      if (guarded && !connection_->run("ROLLBACK TO SAVEPOINT fnstack")) failed_ = true;
      if (guarded) catalog_.forget();
      return answer;
    }
    if (failure_.lost) {
      failed_ = true;
      return answer;
    }
    if (in_transaction_) {
      const PgFailure failure = failure_;
      const bool undone = guarded && connection_->run("ROLLBACK TO SAVEPOINT fnstack").ok();
      failure_ = failure;
      if (!undone) {
        failed_ = true;
        catalog_.forget();
        Error error = std::move(answer).error();
        // The schema was changed under a transaction that only read: all of it once more is what helps.
        if (failure_.sqlstate == "0A000" || failure_.sqlstate.starts_with("42")) error.restart_transaction = true;
        return error;
      }
    }
    const bool again = tries < most_tries && worth_another_try(command, tries == 1);
    if (again || in_transaction_) catalog_.forget();  // there also of what was made and is undone
    if (!again) return explained(command, std::move(answer).error());
    connection_->forget_all();
    forget_failure();
  }
}

void PgRecords::note_failure() {
  if (connection_->failure().is_set()) failure_ = connection_->failure();
}

void PgRecords::forget_failure() {
  failure_ = PgFailure();
  connection_->clear_failure();
}

// The schema may have been changed by others since it was looked at.
bool PgRecords::worth_another_try(const DatabaseCommand& command, bool is_first) {
  if (command.kind == Kind::sql) return false;
  const std::string& state = failure_.sqlstate;
  if (state == "0A000" || state == "26000") return true;  // the statement was prepared for how the table was
  const bool form = state == "42P01" || state == "42703" || state == "42804" || state == "42883";
  return (form && is_first) || ((form || state.starts_with("22")) && catalog_.has_changed(command.table));
}

// Which columns a constraint is about; a record's id in the words that every database has for it.
Error PgRecords::explained(const DatabaseCommand& command, Error error) {
  if (!failure_.sqlstate.starts_with("23") || failure_.constraint.empty() || (in_transaction_ && failed_)) return error;
  const PgFailure failure = failure_;
  auto asked = connection_->run(
      "SELECT string_agg(a.attname::text, ', ' ORDER BY k.place), max(x.relid::regclass::text), min(a.attname::text) "
      "FROM "
      "(SELECT i.indrelid AS relid, i.indkey::int2[] AS keys FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON "
      "c.oid = i.indexrelid WHERE c.relname = $1 AND pg_catalog.pg_table_is_visible(i.indrelid) "
      "UNION ALL SELECT conrelid, conkey FROM pg_catalog.pg_constraint WHERE conname = $1 AND contype IN ('c', 'f') "
      "AND "
      "conrelid = pg_catalog.to_regclass($2)) x CROSS JOIN unnest(x.keys) WITH ORDINALITY k(number, place) "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = x.relid AND a.attnum = k.number",
      {failure.constraint, quote_identifier(failure.table)}, true);
  if (!asked || asked->rows() == 0 || asked->is_null(0, 0)) {
    // A table that the command itself had made is gone again.
    if (failure.sqlstate == "23505" && failure.constraint.ends_with("_pkey")) return same_id_exists(failure.table);
    return error;
  }
  const std::string columns(asked->text(0, 0));
  if (failure.sqlstate == "23505" && columns == "id") {
    Error same = same_id_exists(failure.table.empty() ? command.table : failure.table);
    return same;
  }
  if (!failure.table.empty() && failure.column.empty())
    error.message += (columns.find(',') == std::string::npos ? "." + columns : " (" + columns + ")");
  return error;
}

Result<Value> PgRecords::dispatch(const DatabaseCommand& command) {
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
      return update(command, command.record_id);
    case Kind::upsert:
      return upsert(command);
    case Kind::remove:
      return remove(command);
    case Kind::remove_many:
      return remove_many(command);
    case Kind::sql:
      return sql(command);
    default:
      return make_error(error_type::database, "unknown database command");
  }
}

// ---- statements and rows

Result<PgResult> PgRecords::run(const SqlStatement& statement, bool keep) {
  if (statement.bindings.size() > most_parameters)
    return make_error(error_type::limit, "the command has more than " + std::to_string(most_parameters) + " values");
  PgParameters parameters;
  parameters.reserve(statement.bindings.size());
  for (const Value& binding : statement.bindings) {
    if (binding.is_null()) {
      parameters.emplace_back();
    } else {
      parameters.emplace_back(binding.is_string() ? std::string(binding.as_string()) : to_text(binding));
    }
  }
  auto result = connection_->run(statement.text, parameters, keep);
  if (!result) note_failure();
  return result;
}

Result<PgRecords::Shape> PgRecords::shape_of(const PgResult& rows) {
  Shape shape;
  shape.model = Value::object();
  std::vector<std::string_view> names;
  for (std::size_t column = 0; column < rows.columns(); ++column) {
    auto type = catalog_.type(rows.type(column));
    if (!type) {
      note_failure();
      return std::move(type).error();
    }
    shape.types.push_back(*type);
    const std::string_view name = rows.name(column);
    const auto known = std::find(names.begin(), names.end(), name);
    shape.slots.push_back(static_cast<std::size_t>(known - names.begin()));
    if (known != names.end()) continue;
    names.push_back(name);
    shape.model.set(name, Value());
  }
  shape.row.resize(names.size());
  return shape;
}

Value PgRecords::row_of(Shape& shape, const PgResult& rows, std::size_t row) {
  for (std::size_t column = 0; column < shape.types.size(); ++column) {
    shape.row[shape.slots[column]] =
        rows.is_null(row, column) ? Value() : decode(shape.types[column], rows.text(row, column));
  }
  return Value::object_like(shape.model, shape.row);
}

Result<Value> PgRecords::first_row(const PgResult& rows) {
  if (rows.rows() == 0) return Value();
  auto shape = shape_of(rows);
  if (!shape) return std::move(shape).error();
  return row_of(*shape, rows, 0);
}

Result<Value> PgRecords::atomically(const Work& work, std::string_view first) {
  // Inside a transaction the savepoint around the command does it.
  if (in_transaction_ || atomic_depth_ > 0) {
    if (!first.empty()) {
      if (auto begun = connection_->run(first); !begun) {
        note_failure();
        return std::move(begun).error();
      }
    }
    return work();
  }
  auto begun = connection_->run("BEGIN; " + std::string(first));
  if (!begun) {
    note_failure();
    (void)clean_up();
    return std::move(begun).error();
  }
  ++atomic_depth_;
  Result<Value> answer = work();
  --atomic_depth_;
  if (!answer) {
    if (connection_->is_open()) (void)connection_->run("ROLLBACK").ok();
    catalog_.forget();
    (void)catalog_.take_changed();
    return answer;
  }
  auto committed = connection_->run("COMMIT");
  if (catalog_.take_changed()) catalog_.changed();
  if (committed) return answer;
  note_failure();
  catalog_.forget();
  if (!failure_.lost) return std::move(committed).error();
  failure_.sqlstate = "40003";
  return make_error(error_type::database, "the connection to the database was lost");
}

Result<Done> PgRecords::each_row_by_cursor(const SqlStatement& statement, const Take& take) {
  SqlStatement declare;
  declare.text = "DECLARE fnstack_rows NO SCROLL CURSOR FOR " + statement.text;
  declare.bindings = statement.bindings;
  if (auto declared = run(declare, false); !declared) return std::move(declared).error();
  auto fetched = fetch_all(take);
  if (!fetched && failure_.is_set()) return fetched;
  // Left open it would stand in the way of the next one in the same transaction.
  auto closed = connection_->run("CLOSE fnstack_rows");
  if (!closed) note_failure();
  if (fetched && !closed) return std::move(closed).error();
  return fetched;
}

Result<Done> PgRecords::fetch_all(const Take& take) {
  std::optional<Shape> shape;
  std::size_t count = most_rows_at_once;
  for (bool more = true; more;) {
    auto rows = connection_->run("FETCH " + std::to_string(count) + " FROM fnstack_rows");
    if (!rows) {
      note_failure();
      return std::move(rows).error();
    }
    if (!shape) {
      auto made = shape_of(*rows);
      if (!made) return std::move(made).error();
      shape = std::move(*made);
    }
    std::size_t bytes = 1;
    more = rows->rows() == count;
    for (std::size_t row = 0; row < rows->rows(); ++row) {
      for (std::size_t column = 0; column < rows->columns(); ++column) bytes += rows->text(row, column).size() + 16;
      Result<bool> go_on = take(*shape, *rows, row);
      if (!go_on) return std::move(go_on).error();
      if (!*go_on) {
        more = false;
        break;
      }
    }
    if (rows->rows() > 0) count = std::clamp<std::size_t>(most_bytes_at_once * rows->rows() / bytes, 1, 4'096);
  }
  return Done{};
}

Result<Done> PgRecords::each_row(const SqlStatement& statement, const Take& take) {
  {
    // Most answers are small: one statement, one round trip.
    SqlStatement small = statement;
    small.text += " LIMIT " + std::to_string(most_rows_at_once + 1);
    auto rows = run(small);
    if (!rows) return std::move(rows).error();
    if (rows->rows() <= most_rows_at_once) {
      if (rows->rows() == 0) return Done{};
      auto shape = shape_of(*rows);
      if (!shape) return std::move(shape).error();
      for (std::size_t row = 0; row < rows->rows(); ++row) {
        Result<bool> go_on = take(*shape, *rows, row);
        if (!go_on) return std::move(go_on).error();
        if (!*go_on) break;
      }
      return Done{};
    }
  }
  auto read = atomically([&]() -> Result<Value> {
    if (auto done = each_row_by_cursor(statement, take); !done) return std::move(done).error();
    return Value();
  });
  if (!read) return std::move(read).error();
  return Done{};
}

// ---- SQL text and transactions

Result<Value> PgRecords::sql(const DatabaseCommand& command) {
  auto text = read_pg_text(command.sql, command.bindings.size());
  if (!text) return std::move(text).error();
  SqlStatement statement;
  statement.text = text->text;
  for (const Value& value : command.bindings) {
    if (!storable(value)) return not_storable("sql: binding " + std::to_string(statement.bindings.size() + 1), value);
    auto binding = encode_binding_text(value);
    statement.bindings.push_back(binding ? Value(*binding) : Value());
  }
  Value rows = Value::array();
  std::uint64_t bytes = 0;
  const auto take = [&](Shape& shape, const PgResult& result, std::size_t at) -> Result<bool> {
    if (static_cast<std::int64_t>(rows.size()) >= command.max_rows) return too_many_rows(command);
    Value row = row_of(shape, result, at);
    bytes += row.byte_size();
    if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return too_many_bytes(command);
    rows.push_back(std::move(row));
    return true;
  };
  const auto all_at_once = [&]() -> Result<Value> {
    auto result = run(statement, false);
    if (!result) return std::move(result).error();
    if (result->columns() == 0 || result->rows() == 0) return rows;
    auto shape = shape_of(*result);
    if (!shape) return std::move(shape).error();
    for (std::size_t row = 0; row < result->rows(); ++row) {
      if (auto taken = take(*shape, *result, row); !taken) return std::move(taken).error();
    }
    return rows;
  };
  const auto by_cursor = [&]() -> Result<Value> {
    if (auto done = each_row_by_cursor(statement, take); !done) return std::move(done).error();
    return rows;
  };
  const auto perform = [&]() -> Result<Value> {
    if (!text->gives_rows) return text->returns ? atomically(all_at_once) : all_at_once();
    if (text->writes) return atomically(all_at_once);  // no cursor can read it
    return atomically(by_cursor);
  };
  auto answer = perform();
  if (!answer) {
    Error error = std::move(answer).error();
    if (error.type == error_type::database && !failure_.lost && error.message.find("sql: ") != 0 &&
        failure_.sqlstate.starts_with("42")) {
      error.message = "sql: " + error.message;
    }
    return error;
  }
  if (text->first_word != "INSERT" && text->first_word != "UPDATE" && text->first_word != "DELETE" &&
      text->first_word != "MERGE" && !text->gives_rows) {
    catalog_.changed();  // it may have changed the schema
  }
  return answer;
}

Result<Value> PgRecords::begin(const DatabaseCommand& command) {
  std::string text = "BEGIN";
  if (command.isolation == "read_committed") {
    text += " ISOLATION LEVEL READ COMMITTED";
  } else if (command.isolation == "repeatable_read") {
    text += " ISOLATION LEVEL REPEATABLE READ";
  } else if (command.isolation == "serializable") {
    text += " ISOLATION LEVEL SERIALIZABLE";
  } else if (!command.isolation.empty()) {
    return make_error(
        error_type::validation,
        "isolation: expected read_committed, repeatable_read or serializable, got \"" + command.isolation + "\"");
  }
  auto begun = connection_->run(text);
  if (!begun) {
    note_failure();
    return std::move(begun).error();
  }
  in_transaction_ = true;
  failed_ = has_savepoint_ = false;
  return Value();
}

Result<Value> PgRecords::commit() {
  if (failed_) {
    const bool lost = !connection_->is_open();
    (void)rollback().ok();
    return make_error(error_type::database, lost
                                                ? "the connection to the database was lost, and the transaction with it"
                                                : "the transaction was rolled back by an earlier error in it");
  }
  auto committed = connection_->run("COMMIT");
  in_transaction_ = has_savepoint_ = false;
  if (catalog_.take_changed()) catalog_.changed();
  if (committed) return Value();
  note_failure();
  catalog_.forget();
  // Lost between the question and the answer: it may have been kept or not, and is never tried again.
  if (failure_.lost || failure_.sqlstate == "40003")
    return make_error(error_type::database,
                      "the connection was lost while the transaction was committed: it is not "
                      "known whether it took place");
  return explained(DatabaseCommand(), std::move(committed).error());
}

Result<Value> PgRecords::rollback() {
  in_transaction_ = failed_ = has_savepoint_ = false;
  catalog_.forget();
  (void)catalog_.take_changed();
  // A server that has lost us has rolled back already.
  if (!connection_->is_open()) return Value();
  auto undone = connection_->run("ROLLBACK");
  if (undone || connection_->failure().lost) return Value();
  return std::move(undone).error();
}

bool PgRecords::clean_up() {
  if (in_transaction_ && !rollback()) return false;
  return connection_->is_open();
}

}  // namespace fnstack::backends
