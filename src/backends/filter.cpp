#include "backends/filter.hpp"

#include <re2/re2.h>

#include <array>
#include <cmath>
#include <string>

#include <fnstack/json.hpp>

#include "backends/match.hpp"
#include "backends/sql_identifiers.hpp"
#include "base/kind_in_words.hpp"

namespace fnstack::backends {
namespace {

using Op = Filter::Op;

struct OpName {
  std::string_view name;
  Op op;
};
constexpr std::array<OpName, 17> op_names{{{"and", Op::all_of},
                                           {"or", Op::any_of},
                                           {"not", Op::none_of},
                                           {"eq", Op::eq},
                                           {"ne", Op::ne},
                                           {"gt", Op::gt},
                                           {"gte", Op::gte},
                                           {"lt", Op::lt},
                                           {"lte", Op::lte},
                                           {"like", Op::like},
                                           {"not_like", Op::not_like},
                                           {"regex", Op::regex},
                                           {"not_regex", Op::not_regex},
                                           {"contains", Op::contains},
                                           {"not_contains", Op::not_contains},
                                           {"in", Op::in},
                                           {"not_in", Op::not_in}}};

// SQLite's parser holds 100 symbols; a level takes up to three, and a list of thousands is a few levels more.
constexpr int max_depth = 20;

Error invalid(std::string message) { return make_error(error_type::validation, "filter: " + std::move(message)); }

std::string leaf_name(const Filter& leaf) {
  return std::string(name_of(leaf.op)) + " on column \"" + std::string(leaf.column) + "\"";
}

Result<Done> read_leaf(Filter& leaf, const Value& tree) {
  if (tree.size() != 3 || !tree[1].is_string()) return invalid("expected [operator, column, value]");
  leaf.column = tree[1].as_string();
  leaf.value = &tree[2];
  const Value& wanted = *leaf.value;
  if (!storable(wanted)) return not_storable("filter: " + leaf_name(leaf), wanted);
  switch (leaf.op) {
    case Op::in:
    case Op::not_in:
      if (!wanted.is_array())
        return invalid(leaf_name(leaf) + ": expected a list, got " + std::string(base::kind_in_words(wanted)));
      for (std::size_t at = 0; at < wanted.size(); ++at) {
        if (!storable(wanted[at])) return not_storable("filter: " + leaf_name(leaf), wanted[at]);
      }
      break;
    case Op::like:
    case Op::not_like:
    case Op::regex:
    case Op::not_regex: {
      if (!wanted.is_string())
        return invalid(leaf_name(leaf) + ": expected text, got " + std::string(base::kind_in_words(wanted)));
      if (leaf.op == Op::like || leaf.op == Op::not_like) break;
      auto pattern = compile_regex(wanted.as_string());
      if (!pattern) return invalid(leaf_name(leaf) + ": " + pattern.error().message);
      leaf.pattern = std::move(*pattern);
      break;
    }
    default:
      break;
  }
  return Done{};
}

Result<Done> read_node(Filter& node, const Value& tree, int depth) {
  if (depth > max_depth)
    return make_error(error_type::limit, "filter: nested deeper than " + std::to_string(max_depth));
  if (!tree.is_array() || tree.size() == 0 || !tree[0].is_string()) {
    return invalid("expected [operator, …], got " + std::string(base::kind_in_words(tree)));
  }
  const OpName* known = nullptr;
  for (const OpName& candidate : op_names) {
    if (candidate.name == tree[0].as_string()) known = &candidate;
  }
  if (known == nullptr) return invalid("unknown operator \"" + std::string(tree[0].as_string()) + "\"");
  node.op = known->op;
  if (node.op != Op::all_of && node.op != Op::any_of && node.op != Op::none_of) return read_leaf(node, tree);
  if (node.op == Op::none_of && tree.size() != 2) return invalid("\"not\" takes one filter");
  node.parts.resize(tree.size() - 1);
  for (std::size_t at = 0; at < node.parts.size(); ++at) {
    if (auto read = read_node(node.parts[at], tree[at + 1], depth + 1); !read) return read;
  }
  return Done{};
}

bool is_in(const Value& cell, const Value& list) {
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (equal_in_filter(cell, list[at])) return true;
  }
  return false;
}

bool has_null(const Value& list) {
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at].is_null()) return true;
  }
  return false;
}

bool is_ordered(Op op, const Value& cell, const Value& wanted) {
  const auto order = order_in_filter(cell, wanted);
  if (!order) return false;
  switch (op) {
    case Op::gt:
      return *order > 0;
    case Op::gte:
      return *order >= 0;
    case Op::lt:
      return *order < 0;
    default:
      return *order <= 0;
  }
}

bool found_by(const re2::RE2* pattern, const Value& cell) {
  const std::string_view text = cell.as_string();
  return pattern != nullptr && cell.is_string() &&
         re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern);
}

}  // namespace

Result<Filter> read_filter(const Value& tree) {
  Filter filter;
  if (tree.is_null()) return filter;
  if (auto read = read_node(filter, tree, 1); !read) return std::move(read).error();
  return filter;
}

Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{8} << 20);
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) return make_error(error_type::validation, "invalid regular expression: " + compiled->error());
  return compiled;
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

std::string_view name_of(Filter::Op op) noexcept {
  for (const OpName& candidate : op_names) {
    if (candidate.op == op) return candidate.name;
  }
  return "all";
}

bool cell_matches(Filter::Op op, const Value& cell, const Value& wanted, const re2::RE2* pattern) {
  if (cell.is_null()) return (op == Op::eq && wanted.is_null()) || (op == Op::in && has_null(wanted));
  switch (op) {
    case Op::eq:
      return equal_in_filter(cell, wanted);
    case Op::ne:
      return !equal_in_filter(cell, wanted);
    case Op::gt:
    case Op::gte:
    case Op::lt:
    case Op::lte:
      return is_ordered(op, cell, wanted);
    case Op::like:
      return cell.is_string() && like(cell.as_string(), wanted.as_string());
    case Op::not_like:
      return !(cell.is_string() && like(cell.as_string(), wanted.as_string()));
    case Op::regex:
      return found_by(pattern, cell);
    case Op::not_regex:
      return !found_by(pattern, cell);
    case Op::contains:
      return contains(cell, wanted);
    case Op::not_contains:
      return !contains(cell, wanted);
    case Op::in:
      return is_in(cell, wanted);
    case Op::not_in:
      return !is_in(cell, wanted);
    default:
      return false;
  }
}

bool row_matches(const Filter& filter, std::span<const Value> row) {
  switch (filter.op) {
    case Op::all:
      return true;
    case Op::all_of:
      for (const Filter& part : filter.parts) {
        if (!row_matches(part, row)) return false;
      }
      return true;
    case Op::any_of:
      for (const Filter& part : filter.parts) {
        if (row_matches(part, row)) return true;
      }
      return false;
    case Op::none_of:
      return !row_matches(filter.parts.front(), row);
    default: {
      static const Value missing;
      const Value& cell = filter.slot < row.size() ? row[filter.slot] : missing;
      return cell_matches(filter.op, cell, *filter.value, filter.pattern.get());
    }
  }
}

bool row_matches(const Filter& filter, const Value& row) {
  std::vector<Value> cells;
  cells.reserve(row.size());
  for (std::size_t cell = 0; cell < row.size(); ++cell) cells.push_back(row[cell]);
  return row_matches(filter, std::span<const Value>(cells));
}

bool storable(const Value& value) noexcept {
  if (value.is_string()) return value.as_string().find('\0') == std::string_view::npos;
  return value.kind() != Value::Kind::number || std::isfinite(value.as_number());
}

Error not_storable(std::string_view what, const Value& value) {
  return make_error(error_type::validation,
                    std::string(what) + (value.is_string() ? ": a database takes no text with a NUL character in it"
                                                           : ": a database takes no number that is not finite"));
}

}  // namespace fnstack::backends
