#include "backends/command_queue.hpp"

#include <string>
#include <utility>

namespace fnstack::backends {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

Error closed_error() {
  return make_error(error_type::database, "the database was closed while the command waited for its turn");
}

}  // namespace

bool is_plain(const DatabaseCommand& command) noexcept {
  using Kind = DatabaseCommand::Kind;
  return command.transaction.empty() && command.kind != Kind::begin && command.kind != Kind::commit &&
         command.kind != Kind::rollback;
}

bool is_short(const DatabaseCommand& command) noexcept {
  return is_plain(command) && command.kind != DatabaseCommand::Kind::sql;
}

std::optional<Error> too_late(const Call& call, const char* doing) {
  if (call.stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
  if (call.deadline == SteadyTime::max() || std::chrono::steady_clock::now() < call.deadline) return std::nullopt;
  return make_error(error_type::timeout, std::string("database: the time was up ") + doing);
}

void CommandQueue::put(DatabaseCommand command, const Call& call, Reply<Value> reply, std::size_t most) {
  std::unique_lock lock(mutex_);
  const bool of_transaction = !command.transaction.empty() &&
                              (command.kind != DatabaseCommand::Kind::begin || command.transaction == shut_for_);
  std::optional<Error> refused;
  if (closed_) {
    refused = closed_error();
  } else if (!of_transaction && plain_.size() + in_transactions_.size() >= most) {
    refused = make_error(error_type::limit,
                         "more than " + std::to_string(most) + " commands wait for the database; try again later");
  }
  if (refused) {
    lock.unlock();
    reply(std::move(*refused));
    return;
  }
  const std::uint64_t number = ++last_number_;
  Line& line = of_transaction ? in_transactions_ : plain_;
  Waiting& waiting = line[number];
  waiting.entry = Entry{std::move(command), call, std::move(reply)};
  if (call.deadline != SteadyTime::max()) waiting.alarm = alarm(call.deadline, number);
  if (call.stop.stop_possible()) waiting.on_stop.emplace(call.stop, OnStop{this, number});
  if (of_transaction || !shut_for_) changed_.notify_one();
}

std::uint64_t CommandQueue::alarm(SteadyTime when, std::uint64_t number) {
  return watch_.add(when, [this, number] { end_if_late(number); });
}

void CommandQueue::end_if_late(std::uint64_t number) {
  std::optional<Entry> entry;
  std::optional<Error> late;
  {
    const std::lock_guard lock(mutex_);
    Line& line = plain_.contains(number) ? plain_ : in_transactions_;
    const auto found = line.find(number);
    if (found == line.end()) return;
    late = too_late(found->second.entry.call, "while the command waited for its turn");
    if (!late) return;
    entry = take_out(line, found);
  }
  entry->reply(std::move(*late));  // which may end this queue
}

CommandQueue::Entry CommandQueue::take_out(Line& line, Line::iterator at) {
  Entry entry = std::move(at->second.entry);
  if (at->second.alarm != 0) watch_.cancel(at->second.alarm);
  line.erase(at);
  return entry;
}

std::optional<CommandQueue::Entry> CommandQueue::take() {
  const std::lock_guard lock(mutex_);
  if (!in_transactions_.empty()) return take_out(in_transactions_, in_transactions_.begin());
  if (shut_for_ || plain_.empty()) return std::nullopt;
  return take_out(plain_, plain_.begin());
}

std::optional<CommandQueue::Entry> CommandQueue::take_short() {
  const std::lock_guard lock(mutex_);
  if (!short_is_next()) return std::nullopt;
  return take_out(plain_, plain_.begin());
}

bool CommandQueue::has_short() const {
  const std::lock_guard lock(mutex_);
  return short_is_next();
}

bool CommandQueue::short_is_next() const {
  return !shut_for_ && !plain_.empty() && is_short(plain_.begin()->second.entry.command);
}

bool CommandQueue::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !in_transactions_.empty() || (!shut_for_ && !plain_.empty()); });
  return !closed_;
}

void CommandQueue::shut_door(const std::string& open_transaction) {
  const std::lock_guard lock(mutex_);
  shut_for_ = open_transaction;
}

void CommandQueue::open_door() {
  const std::lock_guard lock(mutex_);
  shut_for_.reset();
  if (!plain_.empty()) changed_.notify_one();
}

std::size_t CommandQueue::size() const {
  const std::lock_guard lock(mutex_);
  return plain_.size() + in_transactions_.size();
}

void CommandQueue::close() {
  Line plain, in_transactions;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    plain.swap(plain_);
    in_transactions.swap(in_transactions_);
  }
  changed_.notify_all();
  for (Line* line : {&in_transactions, &plain}) {
    for (auto& [number, waiting] : *line) {
      waiting.on_stop.reset();
      waiting.entry.reply(closed_error());
    }
  }
}

}  // namespace fnstack::backends
