// The work of one Redis cache, on one thread: a few connections, and on each the commands of many callers in one
// pipeline. Knows of commands only that they have bytes, replies and a result. It has no thread: a host's loop calls
// turn(), or a LoopThread wait_and_turn(). Entry points: open(), send(), turn().
//
// Connecting may block (names are resolved), so it happens on a thread of its own for each attempt, which hands over
// what it opened or is forgotten. Everything else is bounded by deadlines that the loop keeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/backends/redis.hpp>

#include "backends/loop_bell.hpp"
#include "backends/redis_commands.hpp"
#include "backends/redis_connection.hpp"

namespace fnstack::backends {

class RedisLoop final : public LoopWork, public std::enable_shared_from_this<RedisLoop> {
 public:
  struct Command;
  using Job = std::unique_ptr<Command>;
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  // Errors: `cache`, as start_failure() words them.
  [[nodiscard]] static Result<std::shared_ptr<RedisLoop>> open(std::shared_ptr<const RedisOptions> options);
  // Answers what is outstanding with `cancelled`.
  ~RedisLoop() override;
  RedisLoop(const RedisLoop&) = delete;
  RedisLoop& operator=(const RedisLoop&) = delete;

  [[nodiscard]] static Job make_job(RedisExchange exchange, const Call& call, Reply<Value> reply);
  // The loop's thread, from within a reply too. Calls nobody but the reply of a command for which there is no room.
  void send(Job job);
  [[nodiscard]] int descriptor() const noexcept override { return epoll_fd_; }
  Time turn() override;
  // The same, but it waits for something to do. For who has nothing else to wait for.
  void wait_and_turn();
  // Any thread: the turn that waits ends, or the descriptor becomes readable.
  void wake() noexcept { door_->bell.ring(); }

  static void refuse(Job job, Error error);
  static Error start_failure(const std::string& why);
  static Error shut_down_error();

  struct Stop {
    RedisLoop* loop;
    std::uint64_t id;
    void operator()() const { loop->cancel(id); }
  };
  struct Command {
    RedisExchange exchange;
    std::stop_token stop;
    Time call_deadline;
    Reply<Value> reply;  // empty once it is answered: then only the replies are waited for
    Time received;
    Time deadline{};
    Time sent{};
    std::uint64_t id = 0;
    std::size_t size = 0;  // what it counts in the queue
    bool repeated = false;
    std::vector<RedisReply> replies{};
    std::optional<std::stop_callback<Stop>> on_stop{};
  };

 private:
  struct Opened {
    std::size_t link;
    std::uint64_t attempt;
    Result<std::unique_ptr<RedisConnection>> connection;
  };
  // Where other threads leave word. It outlives the loop where a connection is still being opened.
  struct Door {
    std::mutex mutex;
    std::vector<std::uint64_t> stopped;  // guarded by mutex
    std::vector<Opened> opened;          // guarded by mutex
    LoopBell bell;
  };
  // A connection, or the place for one.
  struct Link {
    enum class State : std::uint8_t { closed, connecting, greeting, ready };
    State state = State::closed;
    std::uint64_t attempt = 0;
    Time give_up;  // on connecting and greeting
    std::unique_ptr<RedisConnection> connection;
    bool waits_to_write = false;        // epoll is asked to say when it can
    std::vector<const char*> greeting;  // AUTH, SELECT: whose replies are due; the next one first
    std::deque<Job> in_flight;
    bool answered_once = false;  // this connection gave a good reply
  };

  explicit RedisLoop(std::shared_ptr<const RedisOptions> options);
  void cancel(std::uint64_t id);  // any thread

  void take_over();
  void accept(Job job);
  void opened(Opened opened);
  void connect(std::size_t at);
  void greet(Link& link);
  void hand_out();
  Link* choose();
  void transmit(Link& link, Job job);
  void flush(Link& link);
  void read(Link& link);
  bool greeted(Link& link, const RedisReply& reply);  // false: refused, and the link is closed
  void replied(Link& link, RedisReply reply);
  // The connection is of no use any more. `first`: what the command has to hear whose reply was due.
  void lose(Link& link, const std::string& why, std::optional<Error> first);
  void pause();  // before the next attempt to connect
  void connecting_failed(Link& link, Error error);
  void answer(Command& command, Result<Value> result);
  void give_up(std::uint64_t id);
  void expire(Time now);
  [[nodiscard]] Time next_turn() const;
  void poll_once(int timeout_ms);

  const std::shared_ptr<const RedisOptions> options_;
  const std::string address_;
  const std::shared_ptr<Door> door_;
  int epoll_fd_;

  std::vector<Job> incoming_;
  std::size_t outstanding_ = 0;  // commands without an answer, and their bytes
  std::size_t outstanding_bytes_ = 0;
  std::uint64_t next_id_ = 1;

  std::vector<Link> links_;
  std::deque<Job> waiting_;       // for a connection
  Time next_expiry_;              // no job's deadline is before it
  Time next_attempt_;             // not before it
  int failures_ = 0;              // of connecting, in a row
  std::optional<Error> refused_;  // why the last of them failed
};

}  // namespace fnstack::backends
