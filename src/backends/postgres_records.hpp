// Database commands on one PostgreSQL connection, one after another. Knows neither threads nor the other connections.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/effect.hpp>

#include "backends/postgres_catalog.hpp"
#include "backends/postgres_connection.hpp"
#include "backends/postgres_dialect.hpp"
#include "backends/sql.hpp"

namespace fnstack::backends {

class PgRecords {
 public:
  PgRecords(std::unique_ptr<PgConnection> connection, PgSchemaVersion version);

  [[nodiscard]] Result<Value> perform(const DatabaseCommand& command);
  [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }
  [[nodiscard]] const PgConnection& connection() const noexcept { return *connection_; }
  // Rolls back what is open. False: the connection is of no use any more.
  bool clean_up();

 private:
  // How the rows of one statement become values.
  struct Shape {
    std::vector<PgType> types;
    std::vector<std::size_t> slots;  // column -> member; a repeated name keeps its last
    Value model;
    std::vector<Value> row;
  };

  // What one answer may bring along; more is read by a cursor, so that memory holds a part at a time.
  static constexpr std::size_t most_rows_at_once = 256;
  // PostgreSQL's own bound is 65535.
  static constexpr std::size_t most_parameters = 60'000;

  [[nodiscard]] Result<Value> attempt(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> dispatch(const DatabaseCommand& command);
  void note_failure();
  void forget_failure();
  [[nodiscard]] bool worth_another_try(const DatabaseCommand& command, bool is_first);
  [[nodiscard]] Error explained(const DatabaseCommand& command, Error error);

  [[nodiscard]] Result<PgResult> run(const SqlStatement& statement, bool keep = true);
  [[nodiscard]] Result<Shape> shape_of(const PgResult& rows);
  [[nodiscard]] static Value row_of(Shape& shape, const PgResult& rows, std::size_t row);
  [[nodiscard]] Result<Value> first_row(const PgResult& rows);

  using Work = std::function<Result<Value>()>;
  Result<Value> atomically(const Work& work, std::string_view first = {});

  // Calls take(shape, rows, row) for each row until it answers false or an error.
  using Take = std::function<Result<bool>(Shape& shape, const PgResult& rows, std::size_t row)>;
  Result<Done> each_row(const SqlStatement& statement, const Take& take);
  Result<Done> each_row_by_cursor(const SqlStatement& statement, const Take& take);
  Result<Done> fetch_all(const Take& take);

  struct Selected {
    PgTablePtr table;  // null: there is none, so no row matches
    PgSelection selection;
  };
  [[nodiscard]] Result<Selected> select(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> query(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> count(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> get(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> insert(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> insert_many(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> update(const DatabaseCommand& command, const Value& record_id);
  [[nodiscard]] Result<Value> upsert(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> remove(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> remove_many(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> sql(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> begin(const DatabaseCommand& command);
  [[nodiscard]] Result<Value> commit();
  [[nodiscard]] Result<Value> rollback();

  [[nodiscard]] Result<PgTablePtr> table_with_id(const DatabaseCommand& command);
  // ` WHERE "id" = $n`. False: no id of this table can be that.
  [[nodiscard]] static Result<bool> append_id(SqlStatement& out, const PgTable& table, const Value& id);
  [[nodiscard]] static Result<Done> append_value(SqlStatement& out, const PgTable& table, std::string_view column,
                                                 const Value& value);
  [[nodiscard]] Result<std::vector<Value>> insertable(const PgTable& table, const std::vector<Value>& records);
  [[nodiscard]] Result<Done> insert_rows(const PgTable& table, const std::vector<Value>& records, bool want_rows,
                                         const DatabaseCommand& command, Value& rows);
  [[nodiscard]] Result<Done> expect_columns(PgTablePtr& table, const Value& record);

  std::unique_ptr<PgConnection> connection_;
  PgCatalog catalog_;
  bool in_transaction_ = false;
  bool failed_ = false;  // an error has ended the open transaction
  bool has_savepoint_ = false;
  int atomic_depth_ = 0;
  PgFailure failure_;  // of the command that is being performed
};

}  // namespace fnstack::backends
