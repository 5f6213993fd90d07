#include "backends/sqlite_readers.hpp"

#include <system_error>
#include <utility>

#include "backends/own_thread.hpp"

namespace fnstack::backends {

using Kind = DatabaseCommand::Kind;

bool SqliteReaders::is_for_reader(const DatabaseCommand& command) noexcept {
  if (!is_plain(command)) return false;
  return command.kind == Kind::query || command.kind == Kind::count || command.kind == Kind::get ||
         command.kind == Kind::sql;
}

void SqliteReaders::put(DatabaseCommand command, const Call& call, Reply<Value> reply) {
  if (!add_thread()) return otherwise_({std::move(command), call, std::move(reply)});
  queue_.put(std::move(command), call, std::move(reply), options_.queue);
}

bool SqliteReaders::add_thread() {
  const std::lock_guard lock(mutex_);
  if (closed_ || idle_ > queue_.size() || readers_.size() >= most_threads) return true;
  Reader& reader = readers_.emplace_back();
  try {
    ++idle_;
    reader.thread = own_thread("fnstack-reader", [self = shared_from_this(), &reader] { self->work(reader); });
  } catch (const std::system_error&) {
    --idle_;
    readers_.pop_back();
  }
  return !readers_.empty();
}

void SqliteReaders::close() {
  queue_.close();  // first, or what waits would be taken up to be interrupted as well
  std::list<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (Reader& reader : readers_) {
      if (reader.records) reader.records->interrupt();
      threads.push_back(std::move(reader.thread));
    }
  }
  for (std::thread& thread : threads) end_thread(thread);
}

SqliteRecords* SqliteReaders::records_of(Reader& reader) {
  if (reader.records) return reader.records.get();
  auto opened = SqliteRecords::open(options_);
  if (!opened) return nullptr;
  const std::lock_guard lock(mutex_);
  reader.records = std::move(*opened);
  if (closed_) reader.records->interrupt();
  return reader.records.get();
}

void SqliteReaders::work(Reader& reader) {
  while (queue_.wait()) {
    auto next = queue_.take();
    if (!next) continue;  // another was faster
    --idle_;
    serve(reader, std::move(*next));
    ++idle_;
  }
}

void SqliteReaders::serve(Reader& reader, CommandQueue::Entry entry) {
  if (auto late = too_late(entry.call, "before the command was performed")) return entry.reply(std::move(*late));
  SqliteRecords* records = records_of(reader);
  const bool is_reading =
      records != nullptr && (entry.command.kind != Kind::sql || records->only_reads(entry.command.sql));
  if (!is_reading) return otherwise_(std::move(entry));
  auto result = records->perform(entry.command, entry.call);
  entry.reply(std::move(result));
}

}  // namespace fnstack::backends
