// Records in SQLite: each command as one statement where that is enough, as a transaction where it is more (auto
// schema, several rows). One connection, not for two threads at once; knows nothing of taking turns.
#pragma once

#include <memory>

#include <fnstack/backends/sqlite.hpp>

namespace fnstack::backends {

class SqliteRecords {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteRecords>> open(const SqliteOptions& options);
  virtual ~SqliteRecords() = default;
  // For begin, commit and rollback the caller knows that it is their turn.
  [[nodiscard]] virtual Result<Value> perform(const DatabaseCommand& command, const Call& call) = 0;
};

}  // namespace fnstack::backends
