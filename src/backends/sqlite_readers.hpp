// Connections that only read, each on a thread of its own, for a file in WAL mode: they wait neither for the writer
// nor for a transaction, and see what was committed before they were asked.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "backends/command_queue.hpp"
#include "backends/sqlite_records.hpp"

namespace fnstack::backends {

class SqliteReaders : public std::enable_shared_from_this<SqliteReaders> {
 public:
  // `otherwise` takes what is not for a reader: SQL text that writes, and everything if no connection can be opened.
  using Otherwise = std::function<void(CommandQueue::Entry)>;
  SqliteReaders(SqliteOptions options, Otherwise otherwise)
      : options_(std::move(options)), otherwise_(std::move(otherwise)) {}

  // It reads, or may be found to read, and stands in no transaction.
  [[nodiscard]] static bool is_for_reader(const DatabaseCommand& command) noexcept;
  // At once. With more than the options' `queue` that wait the answer is an error `limit`.
  void put(DatabaseCommand command, const Call& call, Reply<Value> reply);
  // Ends the threads, which hold this object, and answers what waits.
  void close();

 private:
  struct Reader {
    std::thread thread;
    std::unique_ptr<SqliteRecords> records;  // made by the thread; with mutex_
  };
  // False: there is no thread at all.
  [[nodiscard]] bool add_thread();
  void work(Reader& reader);
  void serve(Reader& reader, CommandQueue::Entry entry);
  [[nodiscard]] SqliteRecords* records_of(Reader& reader);

  static constexpr std::size_t most_threads = 4;

  const SqliteOptions options_;
  Otherwise otherwise_;
  CommandQueue queue_;
  std::mutex mutex_;
  std::list<Reader> readers_;
  std::atomic<std::size_t> idle_ = 0;
  bool closed_ = false;
};

}  // namespace fnstack::backends
