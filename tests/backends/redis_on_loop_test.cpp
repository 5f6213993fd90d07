// The Redis cache's work on an event loop's thread, turned by hand: when it calls whom, and what wakes it.
#include <atomic>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/backends/redis.hpp>

#include "backends/redis_connection.hpp"
#include "support/fault_server.hpp"
#include "support/loopback.hpp"
#include "support/polled.hpp"
#include "support/redis_server.hpp"
#include "support/store_commands.hpp"

using namespace fnstack_test;
using namespace std::chrono_literals;

namespace {

constexpr const char* get_a = R"({"kind": "get", "key": "a"})";
constexpr const char* count_n = R"({"kind": "increment", "key": "n"})";

OnLoop<Cache> loop_at(std::uint16_t port) {
  RedisOptions options;
  options.port = port;
  return redis_cache(options)->on_loop();  // it needs the cache no longer
}

Reply<Value> into(std::vector<std::string>& answers) {
  return Reply<Value>([&answers](const Result<Value>& result) { answers.push_back(answer_text(result)); });
}

// Counts the commands that came, and answers none.
class Silent {
 public:
  Silent()
      : server_([this](Connection& connection) {
          while (connection.read_bytes()) ++heard_;
        }) {}
  std::uint16_t port() const { return server_.port(); }
  bool heard() const { return heard_ > 0; }

 private:
  std::atomic<int> heard_ = 0;
  FaultServer server_;
};

}  // namespace

TEST_CASE("redis on a loop: answers come from within a turn, commands of one turn in one write") {
  std::atomic<int> reads = 0;
  FaultServer server([&](Connection& connection) {
    while (const auto bytes = connection.read_bytes()) {
      ++reads;
      for (std::size_t at = 0; (at = bytes->find("GET", at)) != std::string::npos; ++at)
        connection.write("$1\r\n7\r\n");
    }
  });
  const auto loop = loop_at(server.port());
  std::vector<std::string> answers;
  for (int i = 0; i < 40; ++i) loop.backend->send(cache_command(get_a), {}, into(answers));
  CHECK(answers.empty());
  REQUIRE(turn_until(*loop.work, [&] { return answers.size() == 40; }));
  CHECK(answers == std::vector<std::string>(40, R"({"text":"7","age":null})"));
  CHECK(reads == 1);
  CHECK(!is_readable(*loop.work));
}

TEST_CASE("redis on a loop: a stop from another thread makes the descriptor readable") {
  Silent server;
  const auto loop = loop_at(server.port());
  std::vector<std::string> answers;
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  loop.backend->send(cache_command(get_a), call, into(answers));
  REQUIRE(turn_until(
      *loop.work, [&] { return server.heard(); }, true));
  (void)loop.work->turn();
  REQUIRE(!is_readable(*loop.work));
  std::thread([&] { stop.request_stop(); }).join();
  CHECK(is_readable(*loop.work));
  CHECK(answers.empty());
  (void)loop.work->turn();
  CHECK(answers == std::vector<std::string>{"error cancelled: cancelled"});
  CHECK(!is_readable(*loop.work));
}

TEST_CASE("redis on a loop: a deadline passes while nothing else happens") {
  Silent server;
  RedisOptions options;
  options.port = server.port();
  options.command_timeout_ms = 80;
  const auto loop = redis_cache(options)->on_loop();
  std::vector<std::string> answers;
  const auto began = std::chrono::steady_clock::now();
  loop.backend->send(cache_command(count_n), {}, into(answers));
  REQUIRE(turn_until(*loop.work, [&] { return !answers.empty(); }));
  CHECK(answers == std::vector<std::string>{"error timeout: increment: Redis did not answer within 80 ms"});
  CHECK(std::chrono::steady_clock::now() - began >= 80ms);
  CHECK(std::chrono::steady_clock::now() - began < 20s);
}

TEST_CASE("redis on a loop: destroying it answers what is outstanding, also while it connects") {
  std::vector<std::string> answers;
  {
    Silent server;
    const auto loop = loop_at(server.port());
    loop.backend->send(cache_command(get_a), {}, into(answers));
    REQUIRE(turn_until(
        *loop.work, [&] { return server.heard(); }, true));
    loop.backend->send(cache_command(get_a), {}, into(answers));
    CHECK(answers.empty());
  }
  CHECK(answers == std::vector<std::string>(2, "error cancelled: the Redis cache was shut down"));
  {
    const auto loop = loop_at(unused_port());
    loop.backend->send(cache_command(get_a), {}, into(answers));
    (void)loop.work->turn();
    CHECK(answers.size() == 2);
  }
  CHECK(answers == std::vector<std::string>(3, "error cancelled: the Redis cache was shut down"));
}

TEST_CASE("redis on a loop: a reply may let go of all, within its turn") {
  FaultServer server([](Connection& connection) {
    while (connection.read_bytes()) connection.write("$-1\r\n");
  });
  auto loop = loop_at(server.port());
  LoopWork& work = *loop.work;
  std::vector<std::string> answers;
  loop.backend->send(cache_command(get_a), {}, Reply<Value>([&](const Result<Value>& result) {
                       answers.push_back(answer_text(result));
                       loop = {};
                     }));
  while (loop.work) {
    const auto next = work.turn();
    if (loop.work) wait_for_work(work, next);
  }
  CHECK(answers == std::vector<std::string>{"null"});
}

TEST_CASE("redis on a loop: writing to a connection that is gone raises no signal in the loop's thread") {
  FaultServer server([](Connection& connection) { connection.close(); });
  RedisOptions options;
  options.port = server.port();
  const auto connection = backends::RedisConnection::open(options);
  REQUIRE(connection.ok());
  REQUIRE(server.wait_until_ended(1));
  // The first write may still find it open; the answer to that is a reset.
  bool alive = true;
  for (int i = 0; i < 1'000 && alive; ++i) {
    (*connection)->append("PING\r\n");
    alive = (*connection)->flush();
  }
  CHECK(!alive);
  CHECK((*connection)->trouble() == "Broken pipe");
}
