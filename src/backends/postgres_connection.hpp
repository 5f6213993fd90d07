// One connection to PostgreSQL: opening it with the session settings that everything else relies on, statements kept
// prepared by their text, libpqxx's exceptions as errors. Knows no tables. For one thread at a time, but for the line.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/backends/postgres.hpp>
#include <fnstack/error.hpp>

namespace fnstack::backends {

// The connection's socket as another thread may cut it. That is how a deadline or a stop ends what waits for the
// server: libpq's cancel request would wait without bound for a server that is frozen, and a server of version 14 or
// later ends the statement of a client that is gone.
class PgLine {
 public:
  void connect(int socket);
  void disconnect();
  void cut();
  // Since when a statement is waiting for its answer; nothing if none is.
  void ask() noexcept;
  void answered() noexcept { asked_.store(0, std::memory_order_relaxed); }
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> waits_since() const noexcept;

 private:
  std::mutex mutex_;
  int socket_ = -1;
  std::atomic<std::chrono::steady_clock::rep> asked_{0};
};

// What the server said went wrong.
struct PgFailure {
  std::string sqlstate;  // may be empty
  std::string message;   // its first line; may hold values where sqlstate begins with 22 or 23
  std::string constraint, table, column;
  bool lost = false;  // and the connection with it

  [[nodiscard]] bool is_set() const noexcept { return lost || !sqlstate.empty() || !message.empty(); }
};
[[nodiscard]] PgFailure read_failure(std::string_view sqlstate, std::string_view message);
[[nodiscard]] Error error_of(const PgFailure& failure, const PostgresOptions& options);

class PgResult {
 public:
  struct Content;
  explicit PgResult(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  [[nodiscard]] std::size_t rows() const noexcept;
  [[nodiscard]] std::size_t columns() const noexcept;
  [[nodiscard]] std::string_view name(std::size_t column) const;
  [[nodiscard]] std::uint32_t type(std::size_t column) const;
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;  // valid as long as this
  [[nodiscard]] std::int64_t affected() const noexcept;

 private:
  std::shared_ptr<const Content> content_;
};

using PgParameters = std::vector<std::optional<std::string>>;

class PgConnection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PgConnection>> open(const PostgresOptions& options, PgLine& line);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  [[nodiscard]] bool is_open() const noexcept;
  // Idle, and the server has not hung up meanwhile.
  [[nodiscard]] bool is_idle_and_alive() const noexcept;

  // Our own text, of several statements if need be; no parameters.
  [[nodiscard]] Result<PgResult> run(std::string_view text);
  // One statement with $1 … ; kept prepared if `keep`.
  [[nodiscard]] Result<PgResult> run(std::string_view text, const PgParameters& parameters, bool keep);
  // The statement's result has another form now: it is prepared anew next time.
  void forget(std::string_view text) noexcept;
  void forget_all() noexcept;

  // Of the last run.
  [[nodiscard]] const PgFailure& failure() const noexcept { return failure_; }
  void clear_failure() { failure_ = PgFailure(); }
  [[nodiscard]] const PostgresOptions& options() const noexcept { return options_; }

 private:
  struct Handle;
  PgConnection(const PostgresOptions& options, PgLine& line);
  template <class F>
  Result<PgResult> attempt(F&& work);
  [[nodiscard]] Result<std::string> prepared(std::string_view text);

  const PostgresOptions& options_;
  PgLine& line_;
  std::unique_ptr<Handle> handle_;
  PgFailure failure_;
};

}  // namespace fnstack::backends
