// The thread behind one Redis cache: a few connections, and on each the commands of many callers in one pipeline. Knows
// of commands only that they have bytes, replies and a result. Entry points: send(), stop().
//
// Connecting may block (names are resolved), so it happens on a thread of its own for each attempt, which hands over
// what it opened or is forgotten. Everything else is bounded by deadlines that the loop keeps.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/backends/redis.hpp>

#include "backends/redis_commands.hpp"
#include "backends/redis_connection.hpp"

namespace fnstack::backends {

class RedisLoop final : public std::enable_shared_from_this<RedisLoop> {
 public:
  explicit RedisLoop(RedisOptions options);
  ~RedisLoop();
  RedisLoop(const RedisLoop&) = delete;
  RedisLoop& operator=(const RedisLoop&) = delete;

  // Any thread. Starts the thread if there is none yet.
  void send(RedisExchange exchange, const Call& call, Reply<Value> reply);
  // Answers what is outstanding and ends the thread; waits for it unless called on it, from within a reply.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  struct Stop {
    RedisLoop* loop;
    std::uint64_t id;
    void operator()() const { loop->cancel(id); }
  };
  struct Job {
    RedisExchange exchange;
    Call call;
    Reply<Value> reply;  // empty once it is answered: then only the replies are waited for
    Time deadline;
    Time sent;
    std::uint64_t id = 0;
    std::size_t size = 0;  // what it counts in the queue
    bool repeated = false;
    std::vector<RedisReply> replies;
    std::optional<std::stop_callback<Stop>> on_stop;
  };
  using JobPtr = std::unique_ptr<Job>;
  struct Opened {
    std::size_t link;
    std::uint64_t attempt;
    Result<std::unique_ptr<RedisConnection>> connection;
  };
  // A connection, or the place for one.
  struct Link {
    enum class State : std::uint8_t { closed, connecting, greeting, ready };
    State state = State::closed;
    std::uint64_t attempt = 0;
    Time give_up;  // on connecting and greeting
    std::unique_ptr<RedisConnection> connection;
    std::vector<const char*> greeting;  // AUTH, SELECT: whose replies are due; the next one first
    std::deque<JobPtr> in_flight;
    bool answered_once = false;  // this connection gave a good reply
  };

  [[nodiscard]] std::optional<Error> start_thread();
  void cancel(std::uint64_t id);
  void wake_locked();

  // All below: the loop's thread.
  void run();
  bool take_over();  // false: stop
  void accept(JobPtr job);
  void opened(Opened opened);
  void connect(std::size_t at);
  void greet(Link& link);
  void hand_out();
  Link* choose();
  void transmit(Link& link, JobPtr job);
  void read(Link& link);
  bool greeted(Link& link, const RedisReply& reply);  // false: refused, and the link is closed
  void replied(Link& link, RedisReply reply);
  // The connection is of no use any more. `first`: what the command has to hear whose reply was due.
  void lose(Link& link, const std::string& why, std::optional<Error> first);
  void pause();  // before the next attempt to connect
  void connecting_failed(Link& link, Error error);
  void answer(Job& job, Result<Value> result);
  void give_up(std::uint64_t id);
  void expire(Time now);
  [[nodiscard]] int wait_ms(Time now);
  void poll_once();
  void shut_down();

  const RedisOptions options_;
  const std::string address_;

  std::mutex mutex_;
  std::vector<JobPtr> incoming_;  // guarded by mutex_, as are all until the blank line
  std::vector<std::uint64_t> stopped_;
  std::vector<Opened> opened_;
  std::uint64_t next_id_ = 1;
  std::thread thread_;
  bool running_ = false;
  bool sleeping_ = false;  // or about to: a write to wake_fd_ is needed
  bool stopping_ = false;
  int wake_fd_ = -1;

  // Commands without an answer, and their bytes.
  std::atomic<std::size_t> outstanding_ = 0;
  std::atomic<std::size_t> outstanding_bytes_ = 0;

  std::vector<Link> links_;
  std::deque<JobPtr> waiting_;    // for a connection
  Time next_expiry_;              // no job's deadline is before it
  Time next_attempt_;             // not before it
  int failures_ = 0;              // of connecting, in a row
  std::optional<Error> refused_;  // why the last of them failed
};

}  // namespace fnstack::backends
