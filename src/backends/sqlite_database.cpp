// SQLite as a Database: one connection that writes behind SerialDatabase's turn-taking, and for not_blocking() readers
// beside it. Entry point: sqlite_database().
#include <chrono>
#include <utility>
#include <vector>

#include <fnstack/backends/sqlite.hpp>

#include "backends/serial_database.hpp"
#include "backends/sqlite_readers.hpp"
#include "backends/sqlite_records.hpp"

namespace fnstack {
namespace {

using namespace backends;  // NOLINT: this file is made of nothing else

// Where a commit waits for the disk, what queues up meanwhile shares the next one.
class SqliteWriter final : public SerialDatabase {
 public:
  SqliteWriter(std::unique_ptr<SqliteRecords> records, bool shares_commits)
      : records_(std::move(records)), shares_commits_(shares_commits) {}

 protected:
  Result<Value> perform(const DatabaseCommand& command, const Call& call) override {
    return records_->perform(command, call);
  }
  void perform_plain(CommandQueue::Entry first, CommandQueue& queue, std::vector<Answer>& answers) override;
  void interrupt() noexcept override { records_->interrupt(); }

 private:
  struct Performed {
    CommandQueue::Entry entry;
    Result<Value> result;
  };
  [[nodiscard]] std::vector<Performed> perform_batch(CommandQueue::Entry first, CommandQueue& queue);

  // A batch takes in what comes while it is under way: up to so many commands, or for so long.
  static constexpr std::size_t most_in_batch = 1'000;
  static constexpr auto longest_batch = std::chrono::milliseconds(10);

  const std::unique_ptr<SqliteRecords> records_;
  const bool shares_commits_;
};

std::vector<SqliteWriter::Performed> SqliteWriter::perform_batch(CommandQueue::Entry first, CommandQueue& queue) {
  const auto end = std::chrono::steady_clock::now() + longest_batch;
  std::vector<Performed> batch;
  for (auto next = std::optional(std::move(first)); next && records_->in_batch();) {
    auto late = too_late(next->call, "before the command was performed");
    auto result = late ? Result<Value>(std::move(*late)) : records_->perform_in_batch(next->command, next->call);
    batch.push_back({std::move(*next), std::move(result)});
    const bool full = batch.size() >= most_in_batch || std::chrono::steady_clock::now() > end;
    // Out of the queue only one by one: there they are answered at their deadlines.
    next = full || !records_->in_batch() ? std::nullopt : queue.take_short();
  }
  return batch;
}

void SqliteWriter::perform_plain(CommandQueue::Entry first, CommandQueue& queue, std::vector<Answer>& answers) {
  if (!shares_commits_ || !is_short(first.command) || !queue.has_short())
    return SerialDatabase::perform_plain(std::move(first), queue, answers);
  if (auto begun = records_->begin_batch(first.call); !begun) {
    answers.push_back({std::move(first.reply), std::move(begun).error()});
    return;
  }
  auto batch = perform_batch(std::move(first), queue);
  // SQLite undid everything because of the last, and that one has been told why; or nothing could be committed. None
  // of the others is to suffer for another's fault: each by itself.
  const bool undone = !records_->in_batch();
  if (undone || !records_->commit_batch()) {
    for (Performed& each : batch) {
      if (undone && &each == &batch.back() && !each.result) continue;
      each.result = perform_in_time(each.entry.command, each.entry.call);
    }
  }
  for (Performed& each : batch) answers.push_back({std::move(each.entry.reply), std::move(each.result)});
}

// What both forms of the database are made of.
struct Parts {
  Parts(std::shared_ptr<SqliteWriter> the_writer, const SqliteOptions& options)
      : writer(std::move(the_writer)), queue(options.queue) {
    if (options.path == ":memory:") return;
    readers = std::make_shared<SqliteReaders>(options, [to = writer, most = queue](CommandQueue::Entry entry) {
      to->put(std::move(entry.command), entry.call, std::move(entry.reply), most);
    });
  }
  ~Parts() {
    if (readers) readers->close();
    writer->close();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  const std::shared_ptr<SqliteWriter> writer;
  const std::size_t queue;
  std::shared_ptr<SqliteReaders> readers;  // null: memory belongs to its one connection
};

class NotBlocking final : public Database {
 public:
  explicit NotBlocking(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    if (parts_->readers && SqliteReaders::is_for_reader(command)) {
      parts_->readers->put(std::move(command), call, std::move(reply));
    } else {
      parts_->writer->put(std::move(command), call, std::move(reply), parts_->queue);
    }
  }

 private:
  const std::shared_ptr<Parts> parts_;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    parts_->writer->perform_or_queue(std::move(command), call, std::move(reply));
  }
  std::shared_ptr<Database> not_blocking() override { return std::make_shared<NotBlocking>(parts_); }

 private:
  const std::shared_ptr<Parts> parts_;
};

}  // namespace

Result<std::shared_ptr<Database>> sqlite_database(SqliteOptions options) {
  auto records = SqliteRecords::open(options);
  if (!records) return std::move(records).error();
  const bool shares_commits = options.path != ":memory:" && !options.read_only;
  auto writer = std::make_shared<SqliteWriter>(std::move(*records), shares_commits);
  return std::shared_ptr<Database>(
      std::make_shared<SqliteDatabase>(std::make_shared<Parts>(std::move(writer), options)));
}

}  // namespace fnstack
