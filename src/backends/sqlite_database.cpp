// SQLite as a Database: the records of one connection behind SerialDatabase's turn-taking.
// Entry point: sqlite_database().
#include <fnstack/backends/sqlite.hpp>

#include "backends/serial_database.hpp"
#include "backends/sqlite_records.hpp"

namespace fnstack {
namespace {

class SqliteDatabase final : public backends::SerialDatabase {
 public:
  explicit SqliteDatabase(std::unique_ptr<backends::SqliteRecords> records) : records_(std::move(records)) {}

 protected:
  Result<Value> perform(const DatabaseCommand& command, const Call& call) override {
    return records_->perform(command, call);
  }

 private:
  std::unique_ptr<backends::SqliteRecords> records_;
};

}  // namespace

Result<std::shared_ptr<Database>> sqlite_database(SqliteOptions options) {
  auto records = backends::SqliteRecords::open(options);
  if (!records) return std::move(records).error();
  return std::shared_ptr<Database>(std::make_shared<SqliteDatabase>(std::move(*records)));
}

}  // namespace fnstack
