// Statement text: filter trees, rows and sorting as SQL with placeholders. Knows no connection and no schema; what
// differs between databases is asked of an SqlDialect. Values never enter the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/value.hpp>

#include "backends/filter.hpp"

namespace fnstack::backends {

// Text and what is bound to its placeholders, in order.
struct SqlStatement {
  std::string text;
  std::vector<Value> bindings;

  void clear() noexcept {
    text.clear();
    bindings.clear();
  }
};

// The default is standard SQL over columns with types, as PostgreSQL speaks it: $1, ILIKE, ~.
class SqlDialect {
 public:
  virtual ~SqlDialect() = default;
  // The placeholder of binding number `number`, from 1.
  virtual void append_placeholder(std::string& out, std::size_t number) const;
  // A value as it is bound for a column when it is stored. Default: containers as JSON text.
  [[nodiscard]] virtual Value stored(std::string_view column, const Value& value) const;
  // A leaf of a filter, as a condition; NULL counts as false.
  virtual void append_leaf(SqlStatement& out, const Filter& leaf) const;

 protected:
  // `"column" op $n`
  void append_comparison(SqlStatement& out, std::string_view column, std::string_view op, Value bound) const;
  void append_binding(SqlStatement& out, Value bound) const;
};

// Each appends to `out`.
void append_where(SqlStatement& out, const SqlDialect& dialect, const Filter& filter);  // "" or ` WHERE …`
void append_select(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter);
void append_count(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter);
void append_delete(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Filter& filter);
// ` ORDER BY …`, ascending with nulls first and descending with nulls last, ties by id; ` LIMIT … OFFSET …`.
void append_order(SqlStatement& out, const std::vector<std::pair<std::string, bool>>& sort, bool by_id);
void append_limit(SqlStatement& out, const SqlDialect& dialect, std::int64_t limit, std::int64_t offset);
void append_insert(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Value& data);
// `data` has at least one member.
void append_update(SqlStatement& out, const SqlDialect& dialect, std::string_view table, const Value& data,
                   const Filter& which);

}  // namespace fnstack::backends
