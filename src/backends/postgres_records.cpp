#include "backends/postgres_records.hpp"

#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "backends/postgres_text.hpp"
#include "backends/record_rules.hpp"
#include "base/in_quotes.hpp"

namespace fnstack::backends {
namespace {

using Kind = DatabaseCommand::Kind;

// What one answer may bring along; more is read by a cursor, so that memory holds a part at a time.
constexpr std::size_t most_rows_at_once = 256;
constexpr std::size_t most_bytes_at_once = std::size_t{4} << 20;
// PostgreSQL's own bound is 65535.
constexpr std::size_t most_parameters = 60'000;
constexpr std::size_t most_rows_an_insert = 100;

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

void add_columns(std::vector<std::string_view>& columns, const Filter& filter) {
  if (!filter.column.empty()) columns.push_back(filter.column);
  for (const Filter& part : filter.parts) add_columns(columns, part);
}

void resolve_slots(Filter& filter, const Value& model) {
  for (Filter& part : filter.parts) resolve_slots(part, model);
  if (filter.column.empty()) return;
  filter.slot = Filter::no_slot;
  for (std::size_t at = 0; at < model.size(); ++at) {
    if (model.key_at(at) == filter.column) filter.slot = at;
  }
  for (std::size_t at = 0; at < model.size() && filter.slot == Filter::no_slot; ++at) {
    if (same_name(model.key_at(at), filter.column)) filter.slot = at;
  }
}

bool matches(const Filter& filter, const Value& row) {
  std::vector<Value> cells;
  cells.reserve(row.size());
  for (std::size_t cell = 0; cell < row.size(); ++cell) cells.push_back(row[cell]);
  return row_matches(filter, cells);
}

Value without_id(Value record) {
  for (const char* spelling : {"id", "Id", "iD", "ID"}) record.erase(spelling);
  return record;
}

bool same_keys(const Value& left, const Value& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t at = 0; at < left.size(); ++at) {
    if (left.key_at(at) != right.key_at(at)) return false;
  }
  return true;
}

// A lock of this name for the rest of the transaction; two of one number only wait for each other.
std::int64_t lock_number(std::string_view table, std::string_view column, std::string_view key) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const std::string_view part : {table, column, key}) {
    for (const char letter : part) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
    hash = (hash ^ 0xFFU) * 1099511628211U;
  }
  return static_cast<std::int64_t>(hash);
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
  for (bool again = false;; again = true) {
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
      if (!undone) failed_ = true;
      failure_ = failure;
      catalog_.forget();
      if (!undone) {
        Error error = std::move(answer).error();
        // The schema was changed under a transaction that only read: all of it once more is what helps.
        if (failure_.sqlstate == "0A000" || failure_.sqlstate.starts_with("42")) error.restart_transaction = true;
        return error;
      }
    }
    if (again || !worth_another_try(command)) return explained(command, std::move(answer).error());
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
bool PgRecords::worth_another_try(const DatabaseCommand& command) {
  if (command.kind == Kind::sql) return false;
  const std::string state = failure_.sqlstate;
  const bool form = state == "0A000" || state == "26000" || state == "42P01" || state == "42703" || state == "42804" ||
                    state == "42883";
  if (!form && !state.starts_with("22")) return false;
  if (!form && !catalog_.has_changed(command.table)) return false;
  catalog_.forget();
  connection_->forget_all();
  return true;
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

template <class F>
Result<Value> PgRecords::atomically(F&& work, std::string_view first) {
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

template <class F>
Result<Done> PgRecords::each_row_by_cursor(const SqlStatement& statement, F&& take) {
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

template <class F>
Result<Done> PgRecords::fetch_all(F&& take) {
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

template <class F>
Result<Done> PgRecords::each_row(const SqlStatement& statement, F&& take) {
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

// ---- reading

Result<PgRecords::Selected> PgRecords::select(const DatabaseCommand& command) {
  auto filter = read_filter(command.filter);
  if (!filter) return std::move(filter).error();
  auto table = catalog_.find(command.table);
  if (!table) {
    note_failure();
    return std::move(table).error();
  }
  Selected selected;
  selected.table = std::move(*table);
  if (selected.table == nullptr) return selected;
  std::vector<std::string_view> columns;
  add_columns(columns, *filter);
  for (const auto& [column, descending] : command.sort) columns.push_back(column);
  if (auto known = catalog_.expect_columns(selected.table, columns); !known) return std::move(known).error();
  selected.selection = split_filter(*selected.table, std::move(*filter));
  return selected;
}

Result<Value> PgRecords::query(const DatabaseCommand& command) {
  auto selected = select(command);
  if (!selected) return std::move(selected).error();
  if (selected->table == nullptr || command.limit == 0) return Value::array();
  PgSelection& selection = selected->selection;
  const PgTable& table = *selected->table;
  SqlStatement statement;
  append_select(statement, PgDialect(table), table.name, selection.in_sql);
  append_pg_order(statement.text, table, command.sort);
  std::int64_t to_skip = command.offset;
  const std::int64_t wanted = command.limit;
  if (selection.is_exact && to_skip > 0) {
    statement.bindings.emplace_back(to_skip);
    statement.text += " OFFSET $" + std::to_string(statement.bindings.size());
    to_skip = 0;
  }
  Value rows = Value::array();
  std::uint64_t bytes = 0;
  bool resolved = false;
  const auto take = [&](Shape& shape, const PgResult& result, std::size_t at) -> Result<bool> {
    Value row = row_of(shape, result, at);
    if (!selection.is_exact) {
      if (!resolved) resolve_slots(selection.filter, shape.model);
      resolved = true;
      if (!matches(selection.filter, row)) return true;
      if (to_skip > 0) {
        --to_skip;
        return true;
      }
    }
    // A limit given by the author is the only bound; else one row more than allowed is an error.
    if (command.limit < 0 && static_cast<std::int64_t>(rows.size()) >= command.max_rows) return too_many_rows(command);
    bytes += row.byte_size();
    if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return too_many_bytes(command);
    rows.push_back(std::move(row));
    return wanted < 0 || static_cast<std::int64_t>(rows.size()) < wanted;
  };
  if (selection.is_exact && wanted >= 0 && wanted <= static_cast<std::int64_t>(most_rows_at_once)) {
    statement.bindings.emplace_back(wanted);
    statement.text += " LIMIT $" + std::to_string(statement.bindings.size());
    auto result = run(statement);
    if (!result) return std::move(result).error();
    if (result->rows() == 0) return rows;
    auto shape = shape_of(*result);
    if (!shape) return std::move(shape).error();
    for (std::size_t row = 0; row < result->rows(); ++row) {
      if (auto taken = take(*shape, *result, row); !taken) return std::move(taken).error();
    }
    return rows;
  }
  if (auto done = each_row(statement, take); !done) return std::move(done).error();
  return rows;
}

Result<Value> PgRecords::count(const DatabaseCommand& command) {
  auto selected = select(command);
  if (!selected) return std::move(selected).error();
  if (selected->table == nullptr) return Value(0);
  PgSelection& selection = selected->selection;
  const PgDialect dialect(*selected->table);
  SqlStatement statement;
  if (selection.is_exact) {
    append_count(statement, dialect, selected->table->name, selection.in_sql);
    auto rows = run(statement);
    if (!rows) return std::move(rows).error();
    auto row = first_row(*rows);
    return row ? Result<Value>((*row)[0]) : std::move(row);
  }
  append_select(statement, dialect, selected->table->name, selection.in_sql);
  std::int64_t found = 0;
  bool resolved = false;
  auto done = each_row(statement, [&](Shape& shape, const PgResult& result, std::size_t at) -> Result<bool> {
    const Value row = row_of(shape, result, at);
    if (!resolved) resolve_slots(selection.filter, shape.model);
    resolved = true;
    found += matches(selection.filter, row);
    return true;
  });
  if (!done) return std::move(done).error();
  return Value(found);
}

Result<PgTablePtr> PgRecords::table_with_id(const DatabaseCommand& command) {
  auto table = catalog_.find(command.table);
  if (!table) {
    note_failure();
    return table;
  }
  if (*table == nullptr || (*table)->column("id") != nullptr) return table;
  return no_such_column((*table)->name, "id", {});
}

Result<bool> PgRecords::append_id(SqlStatement& out, const PgTable& table, const Value& id) {
  const PgColumn* column = table.column("id");
  Value wanted = id;
  if (column->type.kind == PgKind::uuid && id.is_string() && is_uuid(id.as_string())) {
    std::string lower(id.as_string());
    for (char& letter : lower) {
      if (letter >= 'A' && letter <= 'F') letter = static_cast<char>(letter - 'A' + 'a');
    }
    wanted = Value(lower);
  }
  Filter leaf;
  leaf.op = Filter::Op::eq;
  leaf.column = column->name;
  leaf.value = &wanted;
  const PgSelection selection = split_filter(table, leaf);
  if (!selection.is_exact) {
    return make_error(error_type::database,
                      "table " + base::in_quotes(table.name) + ": expected an id of integers, text or UUIDs");
  }
  const std::size_t before = out.bindings.size();
  append_where(out, PgDialect(table), selection.in_sql);
  return out.bindings.size() > before;
}

Result<Value> PgRecords::get(const DatabaseCommand& command) {
  auto table = table_with_id(command);
  if (!table) return std::move(table).error();
  if (*table == nullptr) return Value();
  SqlStatement statement;
  append_select(statement, PgDialect(**table), (*table)->name, Filter());
  auto possible = append_id(statement, **table, command.record_id);
  if (!possible) return std::move(possible).error();
  if (!*possible) return Value();
  auto rows = run(statement);
  if (!rows) return std::move(rows).error();
  return first_row(*rows);
}

// ---- writing

Result<Done> PgRecords::expect_columns(PgTablePtr& table, const Value& record) {
  if (table == nullptr) return Done{};
  std::vector<std::string_view> columns;
  for (std::size_t at = 0; at < record.size(); ++at) columns.push_back(record.key_at(at));
  return catalog_.expect_columns(table, columns);
}

Result<Done> PgRecords::append_value(SqlStatement& out, const PgTable& table, std::string_view name,
                                     const Value& value) {
  const PgColumn* column = table.column(name);
  if (column == nullptr) return no_such_column(table.name, name, {});
  auto text = encode(column->type, value);
  if (!text) {
    Error error = std::move(text).error();
    error.message = "column " + base::in_quotes(name) + ": " + error.message;
    return error;
  }
  out.bindings.push_back(*text ? Value(**text) : Value());
  out.text += '$';
  out.text += std::to_string(out.bindings.size());
  // Should another process have widened the column meanwhile, this is an error and not a value of another kind.
  if (column->owner != PgOwner::somebody) {
    out.text += "::";
    out.text += cast_name(column->type.kind);
  }
  return Done{};
}

// The records with ids as the table wants them.
Result<std::vector<Value>> PgRecords::insertable(const PgTable& table, const std::vector<Value>& records) {
  const PgColumn* id = table.column("id");
  std::vector<Value> cleaned;
  cleaned.reserve(records.size());
  for (const Value& record : records) {
    const Value* given = find_member(record, "id");
    if (given == nullptr || id == nullptr) {
      cleaned.push_back(record);
      continue;
    }
    if (given->is_null()) {
      cleaned.push_back(without_id(record));
      continue;
    }
    Value changed = record;
    if (id->type.kind == PgKind::integer) {
      auto number = new_id(record);
      if (!number) return std::move(number).error();
      changed = without_id(record);
      changed.set(id->name, Value(**number));
    }
    cleaned.push_back(std::move(changed));
  }
  return cleaned;
}

// In as few statements as the records' columns allow; the rows are added to `rows`.
Result<Done> PgRecords::insert_rows(const PgTable& table, const std::vector<Value>& records, bool want_rows,
                                    const DatabaseCommand& command, Value& rows) {
  auto cleaned = insertable(table, records);
  if (!cleaned) return std::move(cleaned).error();
  std::uint64_t bytes = 0;
  for (std::size_t from = 0; from < cleaned->size();) {
    const Value& first = (*cleaned)[from];
    const std::size_t by_parameters = first.size() == 0 ? 1 : most_parameters / first.size();
    const std::size_t most = std::max<std::size_t>(1, std::min(most_rows_an_insert, by_parameters));
    std::size_t to = from + 1;
    while (to < cleaned->size() && to - from < most && first.size() > 0 && same_keys(first, (*cleaned)[to])) ++to;
    SqlStatement statement;
    statement.text = "INSERT INTO " + quote_identifier(table.name);
    if (first.size() == 0) {
      statement.text += " DEFAULT VALUES";
    } else {
      for (std::size_t at = 0; at < first.size(); ++at) {
        const PgColumn* column = table.column(first.key_at(at));
        statement.text +=
            (at == 0 ? " (" : ", ") + quote_identifier(column != nullptr ? column->name : first.key_at(at));
      }
      for (std::size_t record = from; record < to; ++record) {
        statement.text += record == from ? ") VALUES (" : "), (";
        for (std::size_t at = 0; at < first.size(); ++at) {
          if (at > 0) statement.text += ", ";
          if (auto added = append_value(statement, table, first.key_at(at), (*cleaned)[record][at]); !added)
            return added;
        }
      }
      statement.text += ')';
    }
    if (want_rows) statement.text += " RETURNING *";
    // Only full and single ones come again.
    auto inserted = run(statement, to - from == 1 || to - from == most_rows_an_insert);
    if (!inserted) return std::move(inserted).error();
    if (inserted->affected() != static_cast<std::int64_t>(to - from))
      return make_error(error_type::database, "a trigger of table \"" + table.name + "\" refused the record");
    if (want_rows) {
      auto shape = shape_of(*inserted);
      if (!shape) return std::move(shape).error();
      for (std::size_t row = 0; row < inserted->rows(); ++row) {
        Value stored = row_of(*shape, *inserted, row);
        bytes += stored.byte_size();
        if (bytes > static_cast<std::uint64_t>(command.max_bytes)) return too_many_bytes(command);
        rows.push_back(std::move(stored));
      }
    }
    from = to;
  }
  // An id that was given moves the sequence of a table of ours on, so that the next one is free.
  if (!table.is_ours()) return Done{};
  std::int64_t greatest = 0;
  for (const Value& record : *cleaned) {
    if (const Value* id = find_member(record, "id")) greatest = std::max(greatest, id->as_integer());
  }
  if (greatest <= 0) return Done{};
  SqlStatement advance;
  advance.text =
      "SELECT setval(q.s, $2::bigint) FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS s) q WHERE q.s IS NOT "
      "NULL AND $2::bigint > coalesce(pg_sequence_last_value(q.s), 0)";
  advance.bindings = {Value(quote_identifier(table.name)), Value(greatest)};
  auto advanced = run(advance);
  if (!advanced) return std::move(advanced).error();
  return Done{};
}

Result<Value> PgRecords::insert(const DatabaseCommand& command) {
  auto table = catalog_.find(command.table);
  if (!table) {
    note_failure();
    return std::move(table).error();
  }
  if (auto checked = expect_columns(*table, command.data); !checked) return std::move(checked).error();
  const std::vector<Value> records{command.data};
  const auto add = [&](const PgTable& into) -> Result<Value> {
    Value rows = Value::array();
    if (auto inserted = insert_rows(into, records, command.want_rows, command, rows); !inserted)
      return std::move(inserted).error();
    return rows[0];
  };
  const bool fits = *table != nullptr && (!catalog_.makes_schema() || PgCatalog::holds(**table, command.data));
  // One statement is atomic by itself; an id that was given to a table of ours takes two.
  if (fits && (!(*table)->is_ours() || find_member(command.data, "id") == nullptr)) return add(**table);
  return atomically([&]() -> Result<Value> {
    if (fits) return add(**table);
    auto made = catalog_.make_room(command, records);
    if (!made) {
      note_failure();
      return std::move(made).error();
    }
    return add(**made);
  });
}

Result<Value> PgRecords::insert_many(const DatabaseCommand& command) {
  Value rows = Value::array();
  if (command.data.size() == 0) return rows;
  std::vector<Value> records;
  for (std::size_t at = 0; at < command.data.size(); ++at) records.push_back(command.data[at]);
  return atomically([&]() -> Result<Value> {
    auto table = catalog_.find(command.table);
    if (!table) {
      note_failure();
      return std::move(table).error();
    }
    for (const Value& record : records) {
      if (auto checked = expect_columns(*table, record); !checked) return std::move(checked).error();
    }
    if (catalog_.makes_schema()) {
      // First all columns: the earlier rows have those of the later ones too.
      auto made = catalog_.make_room(command, records);
      if (!made) {
        note_failure();
        return std::move(made).error();
      }
      *table = std::move(*made);
    }
    if (auto inserted = insert_rows(**table, records, true, command, rows); !inserted)
      return std::move(inserted).error();
    return rows;
  });
}

Result<Value> PgRecords::update(const DatabaseCommand& command, const Value& record_id) {
  auto table = table_with_id(command);
  if (!table) return std::move(table).error();
  if (*table == nullptr) return no_record(command.table, record_id);
  // The id, if the data has it, is the one the record has already.
  const Value data = without_id(command.data);
  if (auto checked = expect_columns(*table, data); !checked) return std::move(checked).error();
  const auto row_with_id = [&](const PgTable& in) -> Result<Value> {
    SqlStatement statement;
    append_select(statement, PgDialect(in), in.name, Filter());
    auto possible = append_id(statement, in, record_id);
    if (!possible) return std::move(possible).error();
    if (!*possible) return no_record(command.table, record_id);
    auto rows = run(statement);
    if (!rows) return std::move(rows).error();
    if (rows->rows() == 0) return no_record(command.table, record_id);
    return first_row(*rows);
  };
  const auto change = [&](const PgTable& in) -> Result<Value> {
    if (data.size() == 0) return row_with_id(in);
    SqlStatement statement;
    statement.text = "UPDATE " + quote_identifier(in.name);
    for (std::size_t at = 0; at < data.size(); ++at) {
      const PgColumn* column = in.column(data.key_at(at));
      statement.text +=
          (at == 0 ? " SET " : ", ") + quote_identifier(column != nullptr ? column->name : data.key_at(at)) + " = ";
      if (auto added = append_value(statement, in, data.key_at(at), data[at]); !added) return std::move(added).error();
    }
    auto possible = append_id(statement, in, record_id);
    if (!possible) return std::move(possible).error();
    if (!*possible) return no_record(command.table, record_id);
    if (command.want_rows) statement.text += " RETURNING *";
    auto changed = run(statement);
    if (!changed) return std::move(changed).error();
    if (changed->affected() == 0) return no_record(command.table, record_id);
    return command.want_rows ? first_row(*changed) : Result<Value>(Value());
  };
  if (!catalog_.makes_schema() || PgCatalog::holds(**table, data)) return change(**table);
  return atomically([&]() -> Result<Value> {
    // Nothing is made for a record that is not there.
    if (auto row = row_with_id(**table); !row) return row;
    auto made = catalog_.make_room(command, {data});
    if (!made) {
      note_failure();
      return std::move(made).error();
    }
    return change(**made);
  });
}

Result<Value> PgRecords::upsert(const DatabaseCommand& command) {
  const Value* key = find_member(command.data, command.key_column);
  // Two that write the same key take turns, or both would insert it.
  const std::int64_t number = lock_number(command.table, command.key_column, to_text(*key));
  return atomically(
      [&]() -> Result<Value> {
        auto table = table_with_id(command);
        if (!table) return std::move(table).error();
        if (*table != nullptr && (catalog_.makes_schema() ? (*table)->column(command.key_column) != nullptr : true)) {
          if (auto known = catalog_.expect_columns(*table, {command.key_column}); !known)
            return std::move(known).error();
          Filter leaf;
          leaf.op = Filter::Op::eq;
          leaf.column = command.key_column;
          leaf.value = key;
          PgSelection selection = split_filter(**table, leaf);
          SqlStatement statement;
          append_select(statement, PgDialect(**table), (*table)->name, selection.in_sql);
          append_pg_order(statement.text, **table, {});
          Value found;
          bool resolved = false;
          const auto take = [&](Shape& shape, const PgResult& result, std::size_t at) -> Result<bool> {
            Value row = row_of(shape, result, at);
            if (!resolved) resolve_slots(selection.filter, shape.model);
            resolved = true;
            if (!matches(selection.filter, row)) return true;
            found = std::move(row);
            return false;
          };
          if (selection.is_exact) {
            statement.text += " LIMIT 1";
            auto rows = run(statement);
            if (!rows) return std::move(rows).error();
            if (rows->rows() > 0) {
              auto row = first_row(*rows);
              if (!row) return row;
              found = std::move(*row);
            }
          } else if (auto done = each_row(statement, take); !done) {
            return std::move(done).error();
          }
          if (!found.is_null()) {
            const Value id = *find_member(found, "id");
            if (auto wrong = check_same_id(command.data, id)) return std::move(*wrong);
            return update(command, id);
          }
        }
        return insert(command);
      },
      "SELECT pg_advisory_xact_lock(" + std::to_string(number) + ")");
}

Result<Value> PgRecords::remove(const DatabaseCommand& command) {
  auto table = table_with_id(command);
  if (!table) return std::move(table).error();
  if (*table == nullptr) return Value(0);
  SqlStatement statement;
  append_delete(statement, PgDialect(**table), (*table)->name, Filter());
  auto possible = append_id(statement, **table, command.record_id);
  if (!possible) return std::move(possible).error();
  if (!*possible) return Value(0);
  auto removed = run(statement);
  if (!removed) return std::move(removed).error();
  return Value(removed->affected());
}

Result<Value> PgRecords::remove_many(const DatabaseCommand& command) {
  auto selected = select(command);
  if (!selected) return std::move(selected).error();
  if (selected->table == nullptr) return Value(0);
  PgSelection& selection = selected->selection;
  const PgTable& table = *selected->table;
  const PgDialect dialect(table);
  SqlStatement statement;
  if (selection.is_exact) {
    append_delete(statement, dialect, table.name, selection.in_sql);
    auto removed = run(statement);
    if (!removed) return std::move(removed).error();
    return Value(removed->affected());
  }
  const PgColumn* id = table.column("id");
  if (id == nullptr) return no_such_column(table.name, "id", {});
  return atomically([&]() -> Result<Value> {
    statement.text =
        "SELECT *, " + quote_identifier(id->name) + "::text AS \"fnstack id\" FROM " + quote_identifier(table.name);
    append_where(statement, dialect, selection.in_sql);
    statement.text += " FOR UPDATE";
    PgArrayText ids;
    bool resolved = false;
    auto done =
        each_row_by_cursor(statement, [&](Shape& shape, const PgResult& result, std::size_t at) -> Result<bool> {
          const Value row = row_of(shape, result, at);
          if (!resolved) resolve_slots(selection.filter, shape.model);
          resolved = true;
          if (matches(selection.filter, row)) ids.add(result.text(at, result.columns() - 1));
          return true;
        });
    if (!done) return std::move(done).error();
    SqlStatement removal;
    removal.text = "DELETE FROM " + quote_identifier(table.name) + " WHERE " + quote_identifier(id->name) +
                   "::text = ANY ($1::text[])";
    removal.bindings.emplace_back(ids.text());
    auto removed = run(removal);
    if (!removed) return std::move(removed).error();
    return Value(removed->affected());
  });
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
