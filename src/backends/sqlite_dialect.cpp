#include "backends/sqlite_dialect.hpp"

#include <fnstack/json.hpp>

#include "backends/match.hpp"

namespace fnstack::backends {
namespace {

using Op = Filter::Op;

}  // namespace

bool add_equal_contents(std::vector<Value>& contents, const SqliteColumn& column, const Value& wanted) {
  const CellClass cell = column.cell;
  if (wanted.is_number()) {
    if (cell != CellClass::text) contents.push_back(encode_cell(cell, wanted));
    if (cell != CellClass::numeric) contents.push_back(encode_cell(cell, Value(to_text(wanted))));
    return true;
  }
  bool exact = true;
  if (wanted.is_string()) {
    const auto number = number_of_text(wanted.as_string());
    if (number && cell != CellClass::text) contents.push_back(encode_cell(cell, *number));
    // A rowid is never text; and a numeric column keeps no text that is a number's.
    if (column.is_rowid || (number && cell == CellClass::numeric)) return true;
    exact = cell != CellClass::numeric;
  }
  contents.push_back(encode_cell(cell, wanted));
  return exact;
}

void SqliteDialect::append_placeholder(std::string& out, std::size_t number) const {
  out += '?';
  out += std::to_string(number);
}

Value SqliteDialect::stored(std::string_view column, const Value& value) const {
  const SqliteColumn* known = table_.column(column);
  return encode_cell(known != nullptr ? known->cell : CellClass::open, value);
}

void SqliteDialect::append_leaf(SqlStatement& out, const Filter& leaf) const {
  const SqliteColumn* column = table_.column(leaf.column);
  if (column == nullptr) {
    out.text += cell_matches(leaf.op, Value(), *leaf.value, nullptr) ? "1 = 1" : "1 = 0";
    return;
  }
  switch (leaf.op) {
    case Op::eq:
    case Op::ne:
    case Op::in:
    case Op::not_in:
      append_equal(out, *column, leaf);
      return;
    case Op::gt:
    case Op::gte:
    case Op::lt:
    case Op::lte:
      if (append_order(out, *column, leaf)) return;
      break;
    default:
      break;
  }
  out.text += "fnstack_matches(" + std::to_string(static_cast<int>(leaf.op)) + ", " +
              std::to_string(static_cast<int>(column->cell)) + ", ";
  append_quoted(out.text, column->name);
  out.text += ", ";
  append_binding(out, encode_cell(CellClass::json, *leaf.value));
  out.text += ')';
}

void SqliteDialect::append_equal(SqlStatement& out, const SqliteColumn& column, const Filter& leaf) const {
  const bool negative = leaf.op == Op::ne || leaf.op == Op::not_in;
  std::vector<Value> contents;
  bool exact = true, with_null = false;
  const auto add = [&](const Value& wanted) {
    if (wanted.is_null()) {
      with_null = true;
    } else if (!add_equal_contents(contents, column, wanted)) {
      exact = false;
    }
  };
  if (leaf.op == Op::eq || leaf.op == Op::ne) {
    add(*leaf.value);
  } else {
    for (std::size_t at = 0; at < leaf.value->size(); ++at) add((*leaf.value)[at]);
  }
  const auto is_null = [&](std::string_view how) {
    append_quoted(out.text, column.name);
    out.text += how;
  };
  if (contents.empty()) {
    if (negative) {
      is_null(" IS NOT NULL");
    } else {
      with_null ? is_null(" IS NULL") : void(out.text += "1 = 0");
    }
    return;
  }
  if (with_null && !negative) out.text += '(';
  if (!exact) out.text += '+';  // takes the affinity off
  append_quoted(out.text, column.name);
  if (contents.size() == 1) {
    out.text += negative ? " <> " : " = ";
    append_binding(out, std::move(contents.front()));
  } else {
    out.text += negative ? " NOT IN (" : " IN (";
    for (std::size_t at = 0; at < contents.size(); ++at) {
      if (at > 0) out.text += ", ";
      append_binding(out, std::move(contents[at]));
    }
    out.text += ')';
  }
  if (with_null && !negative) {
    out.text += " OR ";
    is_null(" IS NULL");
    out.text += ')';
  }
}

// SQLite orders NULL, numbers, texts, blobs: the bound on the other side keeps to one kind.
bool SqliteDialect::append_order(SqlStatement& out, const SqliteColumn& column, const Filter& leaf) const {
  const Value& wanted = *leaf.value;
  const bool number = wanted.is_number() && (column.cell == CellClass::open || column.cell == CellClass::numeric);
  const bool text = wanted.is_string() && (column.cell == CellClass::open || column.cell == CellClass::text);
  if (!number && !text) return false;
  const bool greater = leaf.op == Op::gt || leaf.op == Op::gte;
  const std::string_view op = leaf.op == Op::gt    ? " > "
                              : leaf.op == Op::gte ? " >= "
                              : leaf.op == Op::lt  ? " < "
                                                   : " <= ";
  out.text += '(';
  append_comparison(out, column.name, op, wanted);
  if (number && greater) {
    out.text += " AND ";
    append_quoted(out.text, column.name);
    out.text += " < ''";
  }
  if (text) {
    out.text += " AND ";
    append_quoted(out.text, column.name);
    out.text += greater ? " < x''" : " >= ''";
  }
  out.text += ')';
  return true;
}

}  // namespace fnstack::backends
