// Filters as SQLite compares: with columns that may hold every kind, where a plain comparison would order numbers
// before texts and convert by affinity. Comparisons that an index can serve are written as such, all others as a
// call of fnstack_matches.
#pragma once

#include "backends/sql.hpp"
#include "backends/sqlite_schema.hpp"

namespace fnstack::backends {

// Adds the cell contents that are equal to `wanted`, which is not null: one, a number and its text, or none. False: the
// column's affinity would convert the content before comparing ('05' is no 5).
[[nodiscard]] bool add_equal_contents(std::vector<Value>& contents, const SqliteColumn& column, const Value& wanted);

class SqliteDialect final : public SqlDialect {
 public:
  explicit SqliteDialect(const SqliteTable& table) : table_(table) {}
  void append_placeholder(std::string& out, std::size_t number) const override;
  [[nodiscard]] Value stored(std::string_view column, const Value& value) const override;
  void append_leaf(SqlStatement& out, const Filter& leaf) const override;

 private:
  void append_equal(SqlStatement& out, const SqliteColumn& column, const Filter& leaf) const;
  [[nodiscard]] bool append_order(SqlStatement& out, const SqliteColumn& column, const Filter& leaf) const;

  const SqliteTable& table_;
};

}  // namespace fnstack::backends
