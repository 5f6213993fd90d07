// Filters and sorting as PostgreSQL can be asked for them, column by column with its type. What SQL would answer
// otherwise than the filter's own rules stays for row_matches: then SQL says which rows come into question at all.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "backends/postgres_catalog.hpp"
#include "backends/sql.hpp"

namespace fnstack::backends {

// A filter in two parts.
struct PgSelection {
  Filter filter;                 // the whole, for row_matches
  Filter in_sql;                 // true wherever the whole is, for PgDialect
  bool is_exact = true;          // and nowhere else
  std::deque<Value> own_values;  // what leaves point to that did not come with the command
};
// Text that means a time becomes one where a column holds times. `filter` points into what it was read from.
[[nodiscard]] PgSelection split_filter(const PgTable& table, Filter filter);

// Writes the leaves of PgSelection::in_sql.
class PgDialect final : public SqlDialect {
 public:
  explicit PgDialect(const PgTable& table) : table_(table) {}
  void append_leaf(SqlStatement& out, const Filter& leaf) const override;

 private:
  const PgTable& table_;
};

// ` ORDER BY …`: null first, then numbers, text, the rest; ties by id.
void append_pg_order(std::string& out, const PgTable& table, const std::vector<std::pair<std::string, bool>>& sort);

}  // namespace fnstack::backends
