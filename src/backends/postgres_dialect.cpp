#include "backends/postgres_dialect.hpp"

#include <cmath>

#include <fnstack/json.hpp>

#include "backends/match.hpp"
#include "backends/postgres_time.hpp"
#include "backends/postgres_values.hpp"
#include "base/ascii.hpp"

namespace fnstack::backends {
namespace {

using Op = Filter::Op;

enum class Reach { exact, more, none };  // more: true wherever the leaf is, and elsewhere; none: SQL can't say it

// Beyond this a double can't tell neighbouring integers apart.
constexpr std::int64_t exact_integers = std::int64_t{1} << 53;

bool is_textual(PgKind kind) noexcept {
  return kind == PgKind::text || kind == PgKind::uuid || kind == PgKind::enumerated || kind == PgKind::other;
}
// Their cells are never texts.
bool is_never_text(PgKind kind) noexcept {
  return kind == PgKind::integer || kind == PgKind::boolean || kind == PgKind::bytea;
}

// The column as text, to be compared by bytes.
std::string by_bytes(const PgColumn& column) {
  const std::string quoted = quote_identifier(column.name);
  return (column.type.kind == PgKind::text ? quoted : quoted + "::text") + " COLLATE \"C\"";
}

// A double that is a 64-bit integer as one, so that its text has all digits.
std::string number_text(const Value& number) {
  if (!number.is_integer()) {
    const double wanted = number.as_number();
    if (wanted == std::floor(wanted) && wanted >= -9223372036854775808.0 && wanted < 9223372036854775808.0)
      return std::to_string(static_cast<std::int64_t>(wanted));
  }
  return to_text(number);
}

bool is_whole(const Value& number) noexcept {
  if (number.is_integer()) return true;
  const double wanted = number.as_number();
  return wanted == std::floor(wanted) && wanted >= -9223372036854775808.0 && wanted < 9223372036854775808.0;
}

// Adds the text of the one cell content that equals `wanted`, if the column can hold it. False: SQL can't tell.
bool add_equal(const PgColumn& column, const Value& wanted, std::vector<std::string>& contents) {
  const auto number = [&]() -> std::optional<Value> {
    if (wanted.is_number()) return wanted;
    return wanted.is_string() ? number_of_text(wanted.as_string()) : std::nullopt;
  }();
  switch (column.type.kind) {
    case PgKind::integer:
      if (number && is_whole(*number)) contents.push_back(number_text(*number));
      return true;
    case PgKind::real:
    case PgKind::number:
      if (wanted.is_string() && !number) return false;  // "NaN" and its like are texts
      if (!number) return true;
      if (number->is_integer() && (number->as_integer() > exact_integers || number->as_integer() < -exact_integers))
        return false;
      contents.push_back(to_text(*number));
      return true;
    case PgKind::numeric:
      if (wanted.is_string() && !number) return false;  // numerics that no double holds are texts
      if (number) contents.push_back(number_text(*number));
      return true;
    case PgKind::boolean:
      if (wanted.is_boolean()) contents.emplace_back(wanted.as_boolean() ? "t" : "f");
      return true;
    case PgKind::uuid:
      if (wanted.is_string() && is_canonical_uuid(wanted.as_string())) contents.emplace_back(wanted.as_string());
      return true;
    case PgKind::text:
    case PgKind::enumerated:
    case PgKind::other:
      if (wanted.is_string() || wanted.is_number()) contents.push_back(to_text(wanted));
      return true;
    case PgKind::bytea: {
      if (!wanted.is_bytes()) return true;
      auto text = encode(column.type, wanted);
      if (text && *text) contents.push_back(std::move(**text));
      return true;
    }
    default:
      return false;
  }
}

// The bounds of the times that read as this millisecond.
bool add_period(const Value& wanted, std::vector<std::string>& bounds) {
  if (!wanted.is_number()) return !wanted.is_string();
  if (!is_whole(wanted)) return false;
  const std::int64_t from = wanted.is_integer() ? wanted.as_integer() : static_cast<std::int64_t>(wanted.as_number());
  if (from == INT64_MAX) return false;
  const auto first = write_timestamp_ms(from), after = write_timestamp_ms(from + 1);
  if (!first || !after) return false;
  bounds.push_back(*first);
  bounds.push_back(*after);
  return true;
}

// The JSON texts of a jsonb cell that may equal `wanted`.
bool add_jsonb(const Value& wanted, std::vector<std::string>& contents) {
  if (wanted.is_bytes()) return false;
  if (wanted.is_number()) {
    if (std::fabs(wanted.as_number()) > static_cast<double>(exact_integers)) return false;
    contents.push_back(to_json(Value(to_text(wanted))));
  }
  if (wanted.is_string()) {
    if (const auto number = number_of_text(wanted.as_string())) {
      if (std::fabs(number->as_number()) > static_cast<double>(exact_integers)) return false;
      contents.push_back(to_json(*number));
    }
  }
  std::string text = to_json(wanted);
  if (text.find("\\u0000") != std::string::npos) return false;  // no jsonb holds that
  contents.push_back(std::move(text));
  return true;
}

struct Wanted {
  std::vector<std::string> contents;
  bool with_null = false;
  bool known = true;  // SQL can tell
};

Wanted wanted_of(const PgColumn& column, const Filter& leaf) {
  Wanted wanted;
  const auto add = [&](const Value& value) {
    if (value.is_null()) {
      wanted.with_null = true;
      return;
    }
    const bool known = column.type.is_array                    ? false
                       : column.type.kind == PgKind::timestamp ? add_period(value, wanted.contents)
                       : column.type.kind == PgKind::jsonb     ? add_jsonb(value, wanted.contents)
                                                               : add_equal(column, value, wanted.contents);
    wanted.known = wanted.known && known;
  };
  if (leaf.op == Op::eq || leaf.op == Op::ne) {
    add(*leaf.value);
  } else {
    for (std::size_t at = 0; at < leaf.value->size(); ++at) add((*leaf.value)[at]);
  }
  return wanted;
}

Reach reach_of_equal(const PgColumn& column, const Filter& leaf) {
  const bool negative = leaf.op == Op::ne || leaf.op == Op::not_in;
  const PgKind kind = column.type.kind;
  const Wanted wanted = wanted_of(column, leaf);
  // JSON has a null of its own, which reads as null too.
  if (kind == PgKind::json && !column.type.is_array) return Reach::none;
  if (kind == PgKind::jsonb && !column.type.is_array) {
    if (!wanted.known || negative) return Reach::none;
    return wanted.contents.empty() ? Reach::exact : Reach::more;
  }
  return wanted.known ? Reach::exact : Reach::none;
}

Reach reach_of_order(const PgColumn& column, const Value& wanted) {
  if (column.type.is_array || wanted.is_null() || wanted.is_container() || wanted.is_bytes())
    return wanted.is_null() || !column.type.is_array ? Reach::exact : Reach::none;
  const PgKind kind = column.type.kind;
  switch (kind) {
    case PgKind::integer:
    case PgKind::boolean:
    case PgKind::bytea:
      return Reach::exact;
    case PgKind::real:
    case PgKind::number:
      if (wanted.is_string()) return Reach::none;
      return wanted.is_integer() && (wanted.as_integer() > exact_integers || wanted.as_integer() < -exact_integers)
                 ? Reach::none
                 : Reach::exact;
    case PgKind::numeric:
      if (wanted.is_string()) return Reach::none;
      return column.type.is_exact || !wanted.is_number() ? Reach::exact : Reach::more;
    case PgKind::timestamp: {
      std::vector<std::string> bounds;
      return add_period(wanted, bounds) ? Reach::exact : Reach::none;
    }
    case PgKind::text:
    case PgKind::uuid:
    case PgKind::enumerated:
    case PgKind::other:
      return Reach::exact;
    default:
      return Reach::none;
  }
}

Reach reach_of(const PgTable& table, const Filter& leaf) {
  const PgColumn* column = table.column(leaf.column);
  if (column == nullptr) return Reach::exact;  // reads as null
  switch (leaf.op) {
    case Op::eq:
    case Op::ne:
    case Op::in:
    case Op::not_in:
      return reach_of_equal(*column, leaf);
    case Op::gt:
    case Op::gte:
    case Op::lt:
    case Op::lte:
      return reach_of_order(*column, *leaf.value);
    case Op::like:
    case Op::not_like:
    case Op::contains:
    case Op::not_contains:
      if (column->type.is_array) return Reach::none;
      return is_textual(column->type.kind) || is_never_text(column->type.kind) ? Reach::exact : Reach::none;
    case Op::regex:
    case Op::not_regex:
      return !column->type.is_array && is_never_text(column->type.kind) ? Reach::exact : Reach::none;
    default:
      return Reach::none;
  }
}

// What SQL is to say of a filter; and whether that is all of it.
std::pair<Filter, bool> reduce(const PgTable& table, const Filter& filter) {
  switch (filter.op) {
    case Op::all:
      return {filter, true};
    case Op::all_of:
    case Op::any_of: {
      Filter reduced;
      reduced.op = filter.op;
      bool exact = true;
      for (const Filter& part : filter.parts) {
        auto [in_sql, is_exact] = reduce(table, part);
        exact = exact && is_exact;
        if (in_sql.op != Op::all || is_exact) {
          reduced.parts.push_back(std::move(in_sql));
        } else if (filter.op == Op::any_of) {
          return {Filter(), false};
        }
      }
      return {std::move(reduced), exact};
    }
    case Op::none_of: {
      auto [in_sql, is_exact] = reduce(table, filter.parts.front());
      if (!is_exact) return {Filter(), false};
      Filter reduced;
      reduced.op = Op::none_of;
      reduced.parts.push_back(std::move(in_sql));
      return {std::move(reduced), true};
    }
    default: {
      const Reach reach = reach_of(table, filter);
      if (reach == Reach::none) return {Filter(), false};
      return {filter, reach == Reach::exact};
    }
  }
}

std::optional<Value> as_time(const Value& value) {
  if (!value.is_string() || number_of_text(value.as_string())) return std::nullopt;
  const auto microseconds = read_timestamp(value.as_string());
  if (!microseconds) return std::nullopt;
  return Value(floor_divide(*microseconds, 1'000));
}

void read_times(const PgTable& table, Filter& filter, std::deque<Value>& own) {
  for (Filter& part : filter.parts) read_times(table, part, own);
  if (filter.value == nullptr) return;
  const PgColumn* column = table.column(filter.column);
  if (column == nullptr || column->type.kind != PgKind::timestamp || column->type.is_array) return;
  const Value& wanted = *filter.value;
  switch (filter.op) {
    case Op::eq:
    case Op::ne:
    case Op::gt:
    case Op::gte:
    case Op::lt:
    case Op::lte:
      if (auto time = as_time(wanted)) filter.value = &own.emplace_back(std::move(*time));
      return;
    case Op::in:
    case Op::not_in: {
      Value list = Value::array();
      for (std::size_t at = 0; at < wanted.size(); ++at) list.push_back(as_time(wanted[at]).value_or(wanted[at]));
      filter.value = &own.emplace_back(std::move(list));
      return;
    }
    default:
      return;
  }
}

void append_text(SqlStatement& out, std::string text, std::string_view cast) {
  out.bindings.emplace_back(text);
  out.text += '$';
  out.text += std::to_string(out.bindings.size());
  out.text += "::";
  out.text += cast;
}

void append_is_null(SqlStatement& out, const PgColumn& column, bool is) {
  append_quoted(out.text, column.name);
  out.text += is ? " IS NULL" : " IS NOT NULL";
}

// `column` as it is compared for equality.
std::string equal_side(const PgColumn& column) {
  switch (column.type.kind) {
    case PgKind::real:
      return "(" + quote_identifier(column.name) + "::text)::double precision";  // 0.1 reads as 0.1
    case PgKind::text:
      return column.is_deterministic ? quote_identifier(column.name) : by_bytes(column);
    case PgKind::enumerated:
    case PgKind::other:
      return by_bytes(column);
    default:
      return quote_identifier(column.name);
  }
}

void append_period(SqlStatement& out, const PgColumn& column, const std::vector<std::string>& bounds) {
  for (std::size_t at = 0; at + 1 < bounds.size(); at += 2) {
    out.text += at == 0 ? "(" : " OR (";
    append_quoted(out.text, column.name);
    out.text += " >= ";
    append_text(out, bounds[at], "timestamptz");
    out.text += " AND ";
    append_quoted(out.text, column.name);
    out.text += " < ";
    append_text(out, bounds[at + 1], "timestamptz");
    out.text += ')';
  }
}

void append_equal(SqlStatement& out, const PgColumn& column, const Filter& leaf) {
  const bool negative = leaf.op == Op::ne || leaf.op == Op::not_in;
  Wanted wanted = wanted_of(column, leaf);
  if (negative) {
    out.text += '(';
    append_is_null(out, column, false);
    if (!wanted.contents.empty()) out.text += " AND ";
  } else if (wanted.with_null) {
    out.text += '(';
    append_is_null(out, column, true);
    if (column.type.kind == PgKind::jsonb && !column.type.is_array) {
      out.text += " OR ";
      append_quoted(out.text, column.name);
      out.text += " = 'null'::jsonb";
    }
    if (!wanted.contents.empty()) out.text += " OR ";
  } else if (wanted.contents.empty()) {
    out.text += "1 = 0";
    return;
  }
  if (column.type.kind == PgKind::timestamp && !wanted.contents.empty()) {
    out.text += negative ? "NOT (" : "(";
    append_period(out, column, wanted.contents);
    out.text += ')';
  } else if (!wanted.contents.empty()) {
    out.text += equal_side(column);
    const std::string cast(cast_name(column.type.kind));
    if (wanted.contents.size() == 1) {
      out.text += negative ? " <> " : " = ";
      append_text(out, std::move(wanted.contents.front()), cast);
    } else {
      PgArrayText list;
      for (const std::string& content : wanted.contents) list.add(content);
      out.text += negative ? " <> ALL (" : " = ANY (";
      append_text(out, list.text(), cast + "[]");
      out.text += ')';
    }
  }
  if (negative || wanted.with_null) out.text += ')';
}

void append_order(SqlStatement& out, const PgColumn& column, const Filter& leaf) {
  const Value& wanted = *leaf.value;
  const PgKind kind = column.type.kind;
  const bool greater = leaf.op == Op::gt || leaf.op == Op::gte;
  const std::string_view op = leaf.op == Op::gt    ? " > "
                              : leaf.op == Op::gte ? " >= "
                              : leaf.op == Op::lt  ? " < "
                                                   : " <= ";
  const std::string quoted = quote_identifier(column.name);
  if (wanted.is_number() && kind == PgKind::integer) {
    const bool whole = is_whole(wanted);
    out.text += whole ? quoted : quoted + "::numeric";
    out.text += op;
    append_text(out, number_text(wanted), whole ? "bigint" : "numeric");
  } else if (wanted.is_number() && kind == PgKind::numeric) {
    // Neither NaN nor an infinity is a number here; NaN is the greatest.
    out.text += '(' + quoted + std::string(op);
    append_text(out, number_text(wanted), "numeric");
    if (greater) out.text += " AND " + quoted + " <> 'NaN'";
    out.text += ')';
  } else if (wanted.is_number() && (kind == PgKind::number || kind == PgKind::real)) {
    const std::string side = equal_side(column);
    out.text += '(' + side + std::string(op);
    append_text(out, to_text(wanted), "double precision");
    out.text += " AND " + side + (greater ? " < 'Infinity'" : " > '-Infinity'") + ")";
  } else if (wanted.is_number() && kind == PgKind::timestamp) {
    std::vector<std::string> bounds;
    add_period(wanted, bounds);
    const bool from_first = leaf.op == Op::gte || leaf.op == Op::lt;
    out.text += '(' + quoted + (greater ? " >= " : " < ");
    append_text(out, bounds[from_first ? 0 : 1], "timestamptz");
    out.text += " AND " + quoted + (greater ? " < 'infinity')" : " > '-infinity')");
  } else if (wanted.is_boolean() && kind == PgKind::boolean) {
    out.text += quoted + std::string(op);
    append_text(out, wanted.as_boolean() ? "t" : "f", "boolean");
  } else if (wanted.is_string() && is_textual(kind)) {
    out.text += by_bytes(column) + std::string(op);
    append_text(out, std::string(wanted.as_string()), "text");
  } else {
    out.text += "1 = 0";  // another kind
  }
}

void append_search(SqlStatement& out, const PgColumn& column, const Filter& leaf) {
  const Value& wanted = *leaf.value;
  const bool negative = leaf.op == Op::not_like || leaf.op == Op::not_contains || leaf.op == Op::not_regex;
  const bool is_like = leaf.op == Op::like || leaf.op == Op::not_like;
  if (!is_textual(column.type.kind) || (!is_like && !wanted.is_string() && !wanted.is_number())) {
    negative ? append_is_null(out, column, false) : void(out.text += "1 = 0");
    return;
  }
  if (is_like) {
    std::string pattern = base::ascii_lower(wanted.as_string());
    // By the collation C lower() knows ASCII only.
    out.text += "lower(" + by_bytes(column) + (negative ? ") NOT LIKE " : ") LIKE ");
    append_text(out, std::move(pattern), "text");
    out.text += " ESCAPE ''";
    return;
  }
  out.text += "strpos(" + by_bytes(column) + ", ";
  append_text(out, to_text(wanted), "text");
  out.text += negative ? ") = 0" : ") > 0";
}

}  // namespace

PgSelection split_filter(const PgTable& table, Filter filter) {
  PgSelection selection;
  selection.filter = std::move(filter);
  read_times(table, selection.filter, selection.own_values);
  auto [in_sql, is_exact] = reduce(table, selection.filter);
  selection.in_sql = std::move(in_sql);
  selection.is_exact = is_exact;
  return selection;
}

void PgDialect::append_leaf(SqlStatement& out, const Filter& leaf) const {
  const PgColumn* column = table_.column(leaf.column);
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
      append_order(out, *column, leaf);
      return;
    default:
      append_search(out, *column, leaf);
      return;
  }
}

void append_pg_order(std::string& out, const PgTable& table, const std::vector<std::pair<std::string, bool>>& sort) {
  std::string_view joint = " ORDER BY ";
  bool id_named = false;
  for (const auto& [name, descending] : sort) {
    const PgColumn* column = table.column(name);
    if (column == nullptr) continue;  // null everywhere
    id_named = id_named || same_name(name, "id");
    const auto key = [&, is_descending = descending](const std::string& expression) {
      out += joint;
      out += expression;
      out += is_descending ? " DESC NULLS LAST" : " NULLS FIRST";
      joint = ", ";
    };
    const std::string quoted = quote_identifier(column->name);
    const PgKind kind = column->type.kind;
    if (column->type.is_array) {
      key("to_json(" + quoted + ")::text COLLATE \"C\"");
    } else if (kind == PgKind::json || kind == PgKind::jsonb) {
      const std::string type = (kind == PgKind::json ? "json_typeof(" : "jsonb_typeof(") + quoted + ")";
      const std::string content = "(" + quoted + " #>> '{}')";
      key("CASE WHEN " + quoted + " IS NULL THEN 0 WHEN " + type + " = 'null' THEN 0 WHEN " + type +
          " = 'number' THEN 1 WHEN " + type + " = 'string' THEN 2 ELSE 3 END");
      key("CASE WHEN " + type + " = 'number' THEN " + content + "::numeric END");
      key("(CASE WHEN " + type + " IN ('number', 'null') THEN NULL WHEN " + type + " = 'string' THEN " + content +
          " ELSE " + quoted + "::text END) COLLATE \"C\"");
    } else if (kind == PgKind::text || kind == PgKind::padded || kind == PgKind::enumerated || kind == PgKind::other) {
      key(by_bytes(*column));
    } else {
      key(quoted);
    }
  }
  const PgColumn* id = table.column("id");
  if (id_named || id == nullptr) return;
  out += joint;
  out += quote_identifier(id->name);
}

}  // namespace fnstack::backends
