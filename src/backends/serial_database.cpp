#include "backends/serial_database.hpp"

#include <algorithm>
#include <utility>

namespace fnstack::backends {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = DatabaseCommand::Kind;

Error database_error(std::string message) { return make_error(error_type::database, std::move(message)); }

std::optional<Error> too_late(const Call& call, const char* doing) {
  if (call.stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
  if (call.deadline == Clock::time_point::max() || Clock::now() < call.deadline) return std::nullopt;
  return make_error(error_type::timeout, std::string("database: the time was up ") + doing);
}

}  // namespace

SerialDatabase::~SerialDatabase() {
  if (watcher_.joinable()) {
    {
      const std::lock_guard lock(wake_mutex_);
      closing_ = true;
    }
    woken_.notify_all();
    watcher_.join();
  }
  for (Waiting& waiting : waiting_) {
    waiting.on_stop.reset();
    waiting.reply(database_error("the database was closed while the command waited for a transaction to end"));
  }
}

void SerialDatabase::send(DatabaseCommand command, const Call& call, Reply<Value> reply) {
  std::vector<Answer> others;
  Result<Value> answer = Value();
  {
    const std::lock_guard lock(mutex_);
    if (must_wait(command)) {
      enqueue(std::move(command), call, std::move(reply));
      return;
    }
    answer = run(command, call);
    if (!open_ && !waiting_.empty()) run_waiting(others);
  }
  // Outside the lock: a reply may send the next command.
  reply(std::move(answer));
  for (Answer& other : others) other.reply(std::move(other.result));
}

bool SerialDatabase::must_wait(const DatabaseCommand& command) const noexcept {
  if (!open_ || command.transaction == *open_) return false;
  // A name that isn't open is a mistake to report at once, unless it is about to begin.
  return command.transaction.empty() || command.kind == Kind::begin;
}

Result<Value> SerialDatabase::run(const DatabaseCommand& command, const Call& call) {
  if (auto late = too_late(call, "before the command was performed")) return std::move(*late);
  if (command.kind == Kind::begin) {
    if (command.transaction.empty()) return database_error("begin: the transaction has no name");
    if (open_) return database_error("begin: the transaction \"" + command.transaction + "\" is open already");
    auto begun = perform(command, call);
    if (begun) open_ = command.transaction;
    return begun;
  }
  if (!command.transaction.empty() && command.transaction != open_) {
    return database_error("no transaction \"" + command.transaction + "\" is open");
  }
  if (command.kind != Kind::commit && command.kind != Kind::rollback) return perform(command, call);
  if (!open_) return database_error("there is no open transaction to end");
  auto ended = perform(command, call);
  open_.reset();
  return ended;
}

void SerialDatabase::enqueue(DatabaseCommand command, const Call& call, Reply<Value> reply) {
  Waiting& waiting = waiting_.emplace_back();
  waiting.command = std::move(command);
  waiting.call = call;
  waiting.reply = std::move(reply);
  if (call.stop.stop_possible()) waiting.on_stop.emplace(call.stop, Wake{this});
  if (!call.stop.stop_possible() && call.deadline == Clock::time_point::max()) return;
  if (!watcher_.joinable()) watcher_ = std::thread([this] { watch(); });
  wake();
}

void SerialDatabase::run_waiting(std::vector<Answer>& answers) {
  // A `begin` among them closes the door behind itself.
  while (!waiting_.empty() && !open_) {
    std::list<Waiting> next;
    next.splice(next.begin(), waiting_, waiting_.begin());
    auto result = run(next.front().command, next.front().call);
    answers.push_back(Answer{std::move(next.front().reply), std::move(result)});
  }
}

void SerialDatabase::wake() {
  {
    const std::lock_guard lock(wake_mutex_);
    wake_ = true;
  }
  woken_.notify_all();
}

void SerialDatabase::watch() {
  for (;;) {
    auto soonest = Clock::time_point::max();
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(mutex_);
      for (auto at = waiting_.begin(); at != waiting_.end();) {
        auto late = too_late(at->call, "while another transaction was open");
        if (late) {
          answers.push_back(Answer{std::move(at->reply), std::move(*late)});
          at = waiting_.erase(at);
        } else {
          soonest = std::min(soonest, at->call.deadline);
          ++at;
        }
      }
    }
    for (Answer& answer : answers) answer.reply(std::move(answer.result));
    std::unique_lock lock(wake_mutex_);
    const auto due = [this] { return wake_ || closing_; };
    if (soonest == Clock::time_point::max()) {
      woken_.wait(lock, due);
    } else {
      woken_.wait_until(lock, soonest, due);
    }
    wake_ = false;
    if (closing_) return;
  }
}

}  // namespace fnstack::backends
