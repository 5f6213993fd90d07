// The commands that read records: query, count, get.
#include <utility>

#include "backends/postgres_records.hpp"
#include "backends/postgres_values.hpp"
#include "backends/record_rules.hpp"
#include "base/ascii.hpp"
#include "base/in_quotes.hpp"

namespace fnstack::backends {

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
      if (!row_matches(selection.filter, row)) return true;
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
    found += row_matches(selection.filter, row);
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
    wanted = Value(base::ascii_lower(id.as_string()));
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

}  // namespace fnstack::backends
