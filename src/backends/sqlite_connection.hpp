// One SQLite connection: opening it safely, prepared statements kept by their text, rows as values, SQLite's failures
// as errors. Knows no tables. Not for two threads at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/backends/sqlite.hpp>

#include "backends/sqlite_cells.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fnstack::backends {

struct SqliteStatement {
  ~SqliteStatement();
  sqlite3_stmt* handle = nullptr;
  std::uint64_t last_use = 0;
  int prepared_times = 0;    // anew, by SQLite itself after a change of schema
  int described_times = -1;  // the form of its rows was read then
  std::vector<CellClass> cells;
  std::vector<std::size_t> slots;  // column -> member; a repeated name keeps its last
  Value model;
  std::vector<Value> row;
  std::vector<Value> own_bindings;  // of a foreign statement
};

class SqliteConnection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> open(const SqliteOptions& options);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
  [[nodiscard]] bool read_only() const noexcept { return read_only_; }
  [[nodiscard]] bool in_memory() const noexcept { return in_memory_; }
  // Until the next call of this: whose deadline and stop end a statement or a wait for a lock.
  void serve(const Call* call) noexcept {
    call_ = call;
    last_failure_ = 0;
  }
  // From now on a statement that takes long, or waits for a lock, fails. From any thread.
  void interrupt() noexcept { closing_ = true; }
  // Error: the file is not where it was.
  [[nodiscard]] Result<Done> check_file() const;

  // The caller keeps it for the next time, not longer than the connection.
  [[nodiscard]] Result<std::unique_ptr<SqliteStatement>> prepare_own(std::string_view text);
  // Kept for the next time; valid until the next call of prepare.
  [[nodiscard]] Result<SqliteStatement*> prepare(std::string_view text);
  // Not kept: text of a definition. Refuses several statements. ATTACH, PRAGMA, transactions and the like are refused
  // here and when it is stepped while set_restricted is on.
  [[nodiscard]] Result<std::unique_ptr<SqliteStatement>> prepare_foreign(std::string_view text);
  // Null, integers, numbers, texts and bytes. They must live until reset.
  [[nodiscard]] Result<Done> bind(SqliteStatement& statement, const std::vector<Value>& bindings);
  [[nodiscard]] Result<Done> bind_at(SqliteStatement& statement, int place, const Value& value);
  // For text of a definition: ? in order of appearance, ?1 and $1 by number. As many bindings as it has places.
  [[nodiscard]] Result<Done> bind_foreign(SqliteStatement& statement, const std::vector<Value>& bindings);
  [[nodiscard]] Result<bool> step(SqliteStatement& statement);  // true: a row is there
  [[nodiscard]] Value row(SqliteStatement& statement);
  static void reset(SqliteStatement& statement) noexcept;
  void set_restricted(bool restricted) noexcept { restricted_ = restricted; }
  // Of any text, blob or row that a statement reads or makes. The answer is what it was.
  std::int64_t set_largest_value(std::int64_t bytes) noexcept;
  [[nodiscard]] bool is_read_only(const SqliteStatement& statement) const noexcept;

  // prepare, bind, step to the end, reset; the first row's first column as an integer, or `otherwise`.
  [[nodiscard]] Result<std::int64_t> run(std::string_view text, const std::vector<Value>& bindings = {},
                                         std::int64_t otherwise = 0);
  [[nodiscard]] std::int64_t changes() const noexcept;
  [[nodiscard]] std::int64_t last_inserted() const noexcept;
  [[nodiscard]] bool in_transaction() const noexcept;
  // Since the last call of this SQLite has prepared a statement anew by itself, because the schema had changed.
  [[nodiscard]] bool met_new_schema() noexcept { return std::exchange(met_new_schema_, false); }
  // How many rows the statement has looked at without an index, since the last call of this.
  [[nodiscard]] int scanned_rows(const SqliteStatement& statement) const noexcept;
  // Runs it if no other process holds the lock at the moment.
  [[nodiscard]] bool run_at_once(std::string_view text);
  // The last failure was another connection's lock.
  [[nodiscard]] bool is_busy() const noexcept;
  // SQLite's code of the last failure, without its details.
  [[nodiscard]] int last_failure() const noexcept { return last_failure_; }

 private:
  SqliteConnection() = default;
  [[nodiscard]] Result<Done> configure(const SqliteOptions& options);
  [[nodiscard]] Error failure(int code);
  void describe(SqliteStatement& statement) const;

  static int on_busy(void* self, int count);
  static int on_progress(void* self);
  static int authorize(void* self, int action, const char* first, const char* second, const char* database,
                       const char* trigger);

  sqlite3* handle_ = nullptr;
  bool read_only_ = false, in_memory_ = false;
  bool restricted_ = false;
  bool met_new_schema_ = false;
  int busy_timeout_ms_ = 0;
  int last_failure_ = 0;
  const Call* call_ = nullptr;
  std::atomic<bool> closing_ = false;
  std::chrono::steady_clock::time_point busy_since_;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<SqliteStatement>, TextHash, std::equal_to<>> statements_;
  std::uint64_t uses_ = 0;
};

// All or nothing, inside an open transaction or not: rolls back unless committed.
class SqliteAtomic {
 public:
  explicit SqliteAtomic(SqliteConnection& connection) : connection_(connection) {}
  ~SqliteAtomic();
  SqliteAtomic(const SqliteAtomic&) = delete;
  SqliteAtomic& operator=(const SqliteAtomic&) = delete;
  [[nodiscard]] Result<Done> begin();
  [[nodiscard]] Result<Done> commit();

 private:
  SqliteConnection& connection_;
  bool open_ = false, nested_ = false;
};

}  // namespace fnstack::backends
