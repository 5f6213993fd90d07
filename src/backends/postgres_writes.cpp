// The commands that write records: insert, update, upsert, remove, and those for many.
#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "backends/postgres_records.hpp"
#include "backends/postgres_text.hpp"
#include "backends/postgres_values.hpp"
#include "backends/record_rules.hpp"
#include "base/in_quotes.hpp"

namespace fnstack::backends {
namespace {

constexpr std::size_t most_rows_an_insert = 100;

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
            if (!row_matches(selection.filter, row)) return true;
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
          if (row_matches(selection.filter, row)) ids.add(result.text(at, result.columns() - 1));
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

}  // namespace fnstack::backends
