// Commands to a database that wait for their turn, in order. Each is answered once, whatever happens meanwhile: by who
// takes it, at its deadline, when its stop is requested, or when the queue is closed. Knows no data.
//
// While the door is shut (a transaction is open) only commands that name a transaction are let through, but for the
// `begin` of another, which waits like those that name none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <fnstack/database.hpp>

#include "backends/deadline_watch.hpp"

namespace fnstack::backends {

class CommandQueue {
 public:
  struct Entry {
    DatabaseCommand command;
    Call call;
    Reply<Value> reply;
  };

  CommandQueue() = default;
  ~CommandQueue() { close(); }
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  // Any thread, at once. Beyond `most` that wait the command is answered with an error `limit`, unless it belongs to
  // an open transaction: who has the door has to get out.
  void put(DatabaseCommand command, const Call& call, Reply<Value> reply, std::size_t most = SIZE_MAX);
  // The next that is let through, if there is one.
  [[nodiscard]] std::optional<Entry> take();
  // Only if it is_short.
  [[nodiscard]] std::optional<Entry> take_short();
  // take_short() has one to give.
  [[nodiscard]] bool has_short() const;
  // Until take() has something to give. False: closed.
  [[nodiscard]] bool wait();
  void shut_door(const std::string& open_transaction);
  void open_door();
  [[nodiscard]] std::size_t size() const;
  // Answers what waits, and from now on everything that is put, with an error.
  void close();

 private:
  // Stops come on threads that may hold anything: the answer is left to the watch's thread.
  struct OnStop {
    CommandQueue* queue;
    std::uint64_t number;
    void operator()() const { (void)queue->alarm(std::chrono::steady_clock::now(), number); }
  };
  struct Waiting {
    Entry entry;
    std::uint64_t alarm = 0;
    std::optional<std::stop_callback<OnStop>> on_stop = {};
  };
  using Line = std::map<std::uint64_t, Waiting>;  // by their numbers, which grow

  [[nodiscard]] std::uint64_t alarm(std::chrono::steady_clock::time_point when, std::uint64_t number);
  void end_if_late(std::uint64_t number);
  // Both with mutex_ held.
  [[nodiscard]] bool short_is_next() const;
  [[nodiscard]] Entry take_out(Line& line, Line::iterator at);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Line plain_, in_transactions_;  // the second: what a shut door lets through
  std::uint64_t last_number_ = 0;
  std::optional<std::string> shut_for_;  // the open transaction
  bool closed_ = false;
  DeadlineWatch watch_;  // goes first: what it calls needs the rest
};

// It neither names a transaction nor begins or ends one.
[[nodiscard]] bool is_plain(const DatabaseCommand& command) noexcept;
// Plain, and no text of a definition, which may take as long as it likes.
[[nodiscard]] bool is_short(const DatabaseCommand& command) noexcept;
// Nothing: there is time left. `doing` ends the message: "while …".
[[nodiscard]] std::optional<Error> too_late(const Call& call, const char* doing);

}  // namespace fnstack::backends
