// What databases with one connection share: commands are performed one at a time, and while a transaction is open
// only its own commands are. Others queue and are answered, in order, when it ends (so nobody blocks a thread, and
// one thread may drive many runs), or when their deadline passes or their stop is requested. Knows no data.
//
// Commands come in two ways, which may be used at once: send() performs on the thread that sends; put() leaves them
// to a thread of the database's own, which from then on also performs what send() has to let wait.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fnstack/database.hpp>

#include "backends/command_queue.hpp"

namespace fnstack::backends {

class SerialDatabase : public Database, public std::enable_shared_from_this<SerialDatabase> {
 public:
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) final {
    perform_or_queue(std::move(command), call, std::move(reply));
  }
  // The same for who stands before it: a command is big to move.
  void perform_or_queue(DatabaseCommand&& command, const Call& call, Reply<Value>&& reply);

  // At once, whatever the command takes. With more than `most` that wait the answer is an error `limit`.
  void put(DatabaseCommand command, const Call& call, Reply<Value> reply, std::size_t most);
  // Ends the thread, which holds this object, and answers what waits. Nothing may be sent or put any more.
  void close();

 protected:
  struct Answer {
    Reply<Value> reply;
    Result<Value> result;
  };
  // Called by one thread at a time. For begin, commit and rollback the transaction is known to be right. After
  // commit and rollback, whatever they answer, no transaction is open.
  virtual Result<Value> perform(const DatabaseCommand& command, const Call& call) = 0;
  // On the database's own thread: one that names no transaction and, if it pays, more such from the queue. No
  // transaction is open. Default: the first.
  virtual void perform_plain(CommandQueue::Entry first, CommandQueue& queue, std::vector<Answer>& answers);
  [[nodiscard]] Result<Value> perform_in_time(const DatabaseCommand& command, const Call& call);
  // What is being performed is to end soon. From any thread.
  virtual void interrupt() noexcept {}

 private:
  // With turn_ held.
  [[nodiscard]] bool must_wait(const DatabaseCommand& command) const noexcept;
  [[nodiscard]] Result<Value> run(const DatabaseCommand& command, const Call& call);
  [[nodiscard]] bool run_next(std::vector<Answer>& answers);

  void start_thread();
  void work();

  std::mutex turn_;                  // held while something is performed
  std::optional<std::string> open_;  // the transaction's name; with turn_
  std::mutex thread_mutex_;
  std::thread thread_;
  std::atomic<bool> has_thread_ = false;
  CommandQueue queue_;
};

}  // namespace fnstack::backends
