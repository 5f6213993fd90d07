#include "backends/serial_database.hpp"

#include <system_error>
#include <utility>

#include "backends/own_thread.hpp"

namespace fnstack::backends {
namespace {

using Kind = DatabaseCommand::Kind;

Error database_error(std::string message) { return make_error(error_type::database, std::move(message)); }

}  // namespace

void SerialDatabase::perform_or_queue(DatabaseCommand&& command, const Call& call, Reply<Value>&& reply) {
  std::vector<Answer> others;
  Result<Value> answer = Value();
  {
    const std::lock_guard lock(turn_);
    if (must_wait(command)) {
      queue_.put(std::move(command), call, std::move(reply));
      return;
    }
    const bool was_open = open_.has_value();
    answer = run(command, call);
    if (was_open && !has_thread_) {
      // A `begin` among them closes the door behind itself.
      while (!open_ && run_next(others)) continue;
    }
  }
  // Outside the lock: a reply may send the next command.
  reply(std::move(answer));
  for (Answer& other : others) other.reply(std::move(other.result));
}

void SerialDatabase::put(DatabaseCommand command, const Call& call, Reply<Value> reply, std::size_t most) {
  if (!has_thread_) {
    try {
      start_thread();
    } catch (const std::system_error& problem) {
      reply(database_error(std::string("no thread for the database: ") + problem.what()));
      return;
    }
  }
  queue_.put(std::move(command), call, std::move(reply), most);
}

void SerialDatabase::start_thread() {
  const std::lock_guard lock(thread_mutex_);
  if (has_thread_) return;
  thread_ = own_thread("fnstack-serial", [self = shared_from_this()] { self->work(); });
  has_thread_ = true;
}

void SerialDatabase::close() {
  queue_.close();  // first, or what waits would be taken up to be interrupted as well
  interrupt();
  std::thread thread;
  {
    const std::lock_guard lock(thread_mutex_);
    thread = std::move(thread_);
  }
  end_thread(thread);
}

void SerialDatabase::work() {
  while (queue_.wait()) {
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(turn_);
      (void)run_next(answers);
    }
    for (Answer& answer : answers) answer.reply(std::move(answer.result));
  }
}

bool SerialDatabase::run_next(std::vector<Answer>& answers) {
  auto next = queue_.take();
  if (!next) return false;
  if (is_plain(next->command)) {
    perform_plain(std::move(*next), queue_, answers);
  } else {
    auto result = run(next->command, next->call);
    answers.push_back(Answer{std::move(next->reply), std::move(result)});
  }
  return true;
}

void SerialDatabase::perform_plain(CommandQueue::Entry first, CommandQueue&, std::vector<Answer>& answers) {
  auto result = perform_in_time(first.command, first.call);
  answers.push_back(Answer{std::move(first.reply), std::move(result)});
}

bool SerialDatabase::must_wait(const DatabaseCommand& command) const noexcept {
  if (!open_ || command.transaction == *open_) return false;
  // A name that isn't open is a mistake to report at once, unless it is about to begin.
  return command.transaction.empty() || command.kind == Kind::begin;
}

Result<Value> SerialDatabase::perform_in_time(const DatabaseCommand& command, const Call& call) {
  if (auto late = too_late(call, "before the command was performed")) return std::move(*late);
  return perform(command, call);
}

Result<Value> SerialDatabase::run(const DatabaseCommand& command, const Call& call) {
  if (auto late = too_late(call, "before the command was performed")) return std::move(*late);
  if (command.kind == Kind::begin) {
    if (command.transaction.empty()) return database_error("begin: the transaction has no name");
    if (open_) return database_error("begin: the transaction \"" + command.transaction + "\" is open already");
    auto begun = perform(command, call);
    if (begun) {
      open_ = command.transaction;
      queue_.shut_door(*open_);
    }
    return begun;
  }
  if (!command.transaction.empty() && command.transaction != open_) {
    return database_error("no transaction \"" + command.transaction + "\" is open");
  }
  if (command.kind != Kind::commit && command.kind != Kind::rollback) return perform(command, call);
  if (!open_) return database_error("there is no open transaction to end");
  auto ended = perform(command, call);
  open_.reset();
  queue_.open_door();
  return ended;
}

}  // namespace fnstack::backends
