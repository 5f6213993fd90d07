#include "backends/sql.hpp"

#include <span>

#include <fnstack/json.hpp>

#include "backends/sql_identifiers.hpp"

namespace fnstack::backends {
namespace {

using Op = Filter::Op;

// Databases bound the depth of an expression, and a OR b OR c is a chain as deep as it is long: SQLite's bound is
// 1000. Longer lists are written as balanced halves.
constexpr std::size_t longest_chain = 64;

void append_condition(SqlStatement& out, const SqlDialect& dialect, const Filter& filter, bool nested);

void append_parts(SqlStatement& out, const SqlDialect& dialect, std::span<const Filter> parts, std::string_view joint) {
  if (parts.size() > longest_chain) {
    const std::size_t half = parts.size() / 2;
    out.text += '(';
    append_parts(out, dialect, parts.first(half), joint);
    out.text += ')';
    out.text += joint;
    out.text += '(';
    append_parts(out, dialect, parts.subspan(half), joint);
    out.text += ')';
    return;
  }
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (at > 0) out.text += joint;
    append_condition(out, dialect, parts[at], true);
  }
}

void append_condition(SqlStatement& out, const SqlDialect& dialect, const Filter& filter, bool nested) {
  switch (filter.op) {
    case Op::all:
      out.text += "1 = 1";
      return;
    case Op::all_of:
    case Op::any_of: {
      const bool all = filter.op == Op::all_of;
      if (filter.parts.empty()) {
        out.text += all ? "1 = 1" : "1 = 0";
        return;
      }
      if (nested) out.text += '(';
      append_parts(out, dialect, filter.parts, all ? " AND " : " OR ");
      if (nested) out.text += ')';
      return;
    }
    case Op::none_of:
      // Not NOT (…): that is NULL, so no match, where the condition compares with NULL.
      out.text += '(';
      append_condition(out, dialect, filter.parts.front(), false);
      out.text += ") IS NOT TRUE";
      return;
    default:
      dialect.append_leaf(out, filter);
      return;
  }
}

}  // namespace

void SqlDialect::append_placeholder(std::string& out, std::size_t number) const {
  out += '$';
  out += std::to_string(number);
}

Value SqlDialect::stored(std::string_view, const Value& value) const {
  return value.is_container() ? Value(to_json(value)) : value;
}

void SqlDialect::append_binding(SqlStatement& out, Value bound) const {
  out.bindings.push_back(std::move(bound));
  append_placeholder(out.text, out.bindings.size());
}

void SqlDialect::append_comparison(SqlStatement& out, std::string_view column, std::string_view op, Value bound) const {
  append_quoted(out.text, column);
  out.text += op;
  append_binding(out, std::move(bound));
}

void SqlDialect::append_leaf(SqlStatement& out, const Filter& leaf) const {
  const Value& wanted = *leaf.value;
  const auto compare = [&](std::string_view op) {
    append_comparison(out, leaf.column, op, stored(leaf.column, wanted));
  };
  const auto is_null = [&](bool is) {
    append_quoted(out.text, leaf.column);
    out.text += is ? " IS NULL" : " IS NOT NULL";
  };
  switch (leaf.op) {
    case Op::eq:
      wanted.is_null() ? is_null(true) : compare(" = ");
      return;
    case Op::ne:
      wanted.is_null() ? is_null(false) : compare(" <> ");
      return;
    case Op::gt:
      compare(" > ");
      return;
    case Op::gte:
      compare(" >= ");
      return;
    case Op::lt:
      compare(" < ");
      return;
    case Op::lte:
      compare(" <= ");
      return;
    case Op::like:
      compare(" ILIKE ");
      return;
    case Op::not_like:
      compare(" NOT ILIKE ");
      return;
    case Op::regex:
      compare(" ~ ");
      return;
    case Op::not_regex:
      compare(" !~ ");
      return;
    case Op::contains:
    case Op::not_contains:
      out.text += "position(";
      append_binding(out, stored(leaf.column, wanted));
      out.text += " in ";
      append_quoted(out.text, leaf.column);
      out.text += leaf.op == Op::contains ? ") > 0" : ") = 0";
      return;
    case Op::in:
    case Op::not_in: {
      const bool is_in = leaf.op == Op::in;
      bool with_null = false, first = true;
      for (std::size_t at = 0; at < wanted.size(); ++at) with_null = with_null || wanted[at].is_null();
      if (is_in && with_null) out.text += '(';
      for (std::size_t at = 0; at < wanted.size(); ++at) {
        if (wanted[at].is_null()) continue;
        if (first) append_quoted(out.text, leaf.column);
        out.text += !first ? ", " : is_in ? " IN (" : " NOT IN (";
        first = false;
        append_binding(out, stored(leaf.column, wanted[at]));
      }
      if (!first) out.text += ')';
      if (!is_in) {
        if (first) is_null(false);
        return;
      }
      if (first && !with_null) out.text += "1 = 0";
      if (with_null) {
        if (!first) out.text += " OR ";
        is_null(true);
        out.text += ')';
      }
      return;
    }
    default:
      out.text += "1 = 0";
      return;
  }
}

void append_where(SqlStatement& out, const SqlDialect& dialect, const Filter& filter) {
  if (filter.op == Op::all) return;
  out.text += " WHERE ";
  append_condition(out, dialect, filter, false);
}

void append_select(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter) {
  out.text += "SELECT * FROM ";
  append_quoted(out.text, table);
  append_where(out, dialect, filter);
}

void append_count(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter) {
  out.text += "SELECT count(*) FROM ";
  append_quoted(out.text, table);
  append_where(out, dialect, filter);
}

void append_delete(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter) {
  out.text += "DELETE FROM ";
  append_quoted(out.text, table);
  append_where(out, dialect, filter);
}

void append_order(SqlStatement& out, const std::vector<std::pair<std::string, bool>>& sort, bool by_id) {
  std::string_view joint = " ORDER BY ";
  bool id_named = false;
  for (const auto& [column, descending] : sort) {
    out.text += joint;
    append_quoted(out.text, column);
    out.text += descending ? " DESC NULLS LAST" : " NULLS FIRST";
    id_named = id_named || same_name(column, "id");
    joint = ", ";
  }
  if (!by_id || id_named) return;
  out.text += joint;
  out.text += "\"id\"";
}

void append_limit(SqlStatement& out, const SqlDialect& dialect, std::int64_t limit, std::int64_t offset) {
  const auto bind = [&](std::string_view word, std::int64_t number) {
    out.text += word;
    out.bindings.emplace_back(number);
    dialect.append_placeholder(out.text, out.bindings.size());
  };
  // SQLite has no OFFSET without LIMIT, and takes -1 for none; others refuse that, so the greatest number stands in.
  if (limit >= 0 || offset > 0) bind(" LIMIT ", limit >= 0 ? limit : INT64_MAX);
  if (offset > 0) bind(" OFFSET ", offset);
}

void append_insert(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Value& data) {
  out.text += "INSERT INTO ";
  append_quoted(out.text, table);
  if (data.size() == 0) {
    out.text += " DEFAULT VALUES";
    return;
  }
  for (std::size_t at = 0; at < data.size(); ++at) {
    out.text += at == 0 ? " (" : ", ";
    append_quoted(out.text, data.key_at(at));
  }
  out.text += ") VALUES (";
  for (std::size_t at = 0; at < data.size(); ++at) {
    if (at > 0) out.text += ", ";
    out.bindings.push_back(dialect.stored(data.key_at(at), data[at]));
    dialect.append_placeholder(out.text, out.bindings.size());
  }
  out.text += ')';
}

void append_update(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Value& data,
                   const Filter& which) {
  out.text += "UPDATE ";
  append_quoted(out.text, table);
  for (std::size_t at = 0; at < data.size(); ++at) {
    out.text += at == 0 ? " SET " : ", ";
    append_quoted(out.text, data.key_at(at));
    out.text += " = ";
    out.bindings.push_back(dialect.stored(data.key_at(at), data[at]));
    dialect.append_placeholder(out.text, out.bindings.size());
  }
  append_where(out, dialect, which);
}

}  // namespace fnstack::backends
