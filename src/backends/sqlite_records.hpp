// Records in SQLite: each command as one statement where that is enough, as a transaction where it is more (auto
// schema, several rows). One connection, not for two threads at once; knows nothing of taking turns.
#pragma once

#include <memory>
#include <string_view>

#include <fnstack/backends/sqlite.hpp>

namespace fnstack::backends {

class SqliteRecords {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteRecords>> open(const SqliteOptions& options);
  virtual ~SqliteRecords() = default;
  // For begin, commit and rollback the caller knows that it is their turn.
  [[nodiscard]] virtual Result<Value> perform(const DatabaseCommand& command, const Call& call) = 0;

  // Many commands, one commit. Between begin_batch and its end a command that fails undoes only itself, but for what
  // makes SQLite undo everything (a full disk, an interrupted write): then in_batch() says so.
  [[nodiscard]] virtual Result<Done> begin_batch(const Call& call) = 0;
  [[nodiscard]] virtual Result<Value> perform_in_batch(const DatabaseCommand& command, const Call& call) = 0;
  [[nodiscard]] virtual bool in_batch() const noexcept = 0;
  // After an error nothing of the batch is there.
  [[nodiscard]] virtual Result<Done> commit_batch() = 0;

  // The statement of a definition changes nothing; false also where it is wrong.
  [[nodiscard]] virtual bool only_reads(std::string_view sql) = 0;
  // From now on whatever takes long fails soon. From any thread.
  virtual void interrupt() noexcept = 0;
};

}  // namespace fnstack::backends
