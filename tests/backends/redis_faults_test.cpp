// The Redis cache when Redis, or what stands in its place, misbehaves: each case ends with the documented error within
// its time, and the next command on the same cache works. The program's last words are a table of how long each took.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/backends/redis.hpp>

#include "support/fault_scripts.hpp"
#include "support/fault_server.hpp"
#include "support/loopback.hpp"
#include "support/polled.hpp"
#include "support/redis_server.hpp"
#include "support/store_commands.hpp"

using namespace fnstack_test;

namespace {

std::shared_ptr<Cache> new_redis_cache(RedisOptions options) { return in_form(redis_cache(std::move(options))); }

using Clock = std::chrono::steady_clock;

// Printed when the program ends.
class FaultTable {
 public:
  ~FaultTable() {
    if (rows_.empty()) return;
    std::printf("\n%-58s %-10s %8s\n", "fault (Redis)", "error", "ms");
    for (const Row& row : rows_) std::printf("%-58s %-10s %8.1f\n", row.name.c_str(), row.type.c_str(), row.ms);
  }
  void add(std::string name, const std::string& answer, double ms) {
    const std::string type = answer.starts_with("error ") ? answer.substr(6, answer.find(':') - 6) : "none";
    rows_.push_back(Row{std::move(name), type, ms});
  }

 private:
  struct Row {
    std::string name, type;
    double ms;
  };
  std::vector<Row> rows_;
};
FaultTable table;

constexpr const char* get_a = R"({"kind": "get", "key": "a"})";
constexpr const char* count_n = R"({"kind": "increment", "key": "n"})";

// Asks, checks that it took no longer than `most_ms`, and notes it in the table.
std::string fault(const std::string& name, Cache& cache, std::string_view command, double most_ms) {
  const auto begun = Clock::now();
  const std::string answer = ask(cache, 0, command);
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
  table.add(name, answer, ms);
  INFO(name);
  CHECK(ms <= most_ms);
  return answer;
}

RedisOptions quick(std::uint16_t port) {
  RedisOptions options;
  options.port = port;
  options.connect_timeout_ms = 400;
  options.command_timeout_ms = 300;
  return options;
}

// Sanitizers and a busy machine are slow: the bound of what has no timer of its own.
constexpr double soon = 10'000;

}  // namespace

TEST_CASE("redis fault: refused, then there") {
  const std::uint16_t port = unused_port();
  const auto cache = new_redis_cache(quick(port));
  const std::string refused =
      "error cache: can't connect to Redis at 127.0.0.1:" + std::to_string(port) + ": Connection refused";
  CHECK(fault("refused", *cache, get_a, soon) == refused);
  for (int turn = 0; turn < 4; ++turn) CHECK(ask(*cache, 0, get_a) == refused);
  CHECK(fault("refused again, in the pause before the next attempt", *cache, get_a, soon) == refused);
  const auto server = RedisServer::start({}, port);
  if (!server) return;
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: no such socket, no such host") {
  RedisOptions options;
  options.unix_socket = "/nonexistent/redis.sock";
  CHECK(fault("no such unix socket", *new_redis_cache(options), get_a, soon) ==
        "error cache: can't connect to Redis at unix:/nonexistent/redis.sock: No such file or directory");
}

TEST_CASE("redis fault: killed and restarted in the middle of pipelined work") {
  const auto server = RedisServer::start({"--appendonly", "yes", "--appendfsync", "always"});
  if (!server) return;
  RedisOptions options = quick(server->port());
  options.command_timeout_ms = 5'000;
  std::atomic<int> counted = 1, failed = 0, answered = 0;
  std::promise<void> some_counted;
  constexpr int all = 4'000;
  std::string first_failure;
  std::mutex mutex;
  // After what its replies touch.
  const auto cache = new_redis_cache(options);
  CHECK(ask(*cache, 0, count_n) == "1");
  const auto begun = Clock::now();
  const auto count = [&](int many) {
    for (int turn = 0; turn < many; ++turn) {
      cache->send(cache_command(count_n), Call{}, Reply<Value>([&](Result<Value> result) {
                    if (result) {
                      if (++counted == 50) some_counted.set_value();
                    } else {
                      ++failed;
                      const std::lock_guard lock(mutex);
                      if (first_failure.empty()) first_failure = answer_text(result);
                    }
                    ++answered;
                  }));
    }
  };
  count(all);
  some_counted.get_future().wait();
  server->kill();
  // While it is down: errors that can be caught.
  std::string down;
  while (!(down = ask(*cache, 0, R"({"kind": "push", "key": "l", "text": "1"})")).starts_with("error")) {
  }
  CHECK(down.starts_with("error cache: "));
  server->begin_restart();
  REQUIRE(server->wait_until_ready());
  CHECK(fault("killed in mid-pipeline and restarted: the next command", *cache, R"({"kind": "has", "key": "n"})",
              soon) == "true");
  while (answered < all) std::this_thread::yield();
  table.add("killed in mid-pipeline: " + std::to_string(failed) + " of 4000 counts failed",
            failed == 0 ? "" : first_failure, std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  const Value stored = json(ask(*cache, 0, R"({"kind": "get", "key": "n"})"));
  const long number = std::stol(std::string(stored.get("text").as_string()));
  // Whoever was told that it counted is in the file; who was told of an error may be, once.
  CHECK(counted + failed == all + 1);
  CHECK(number >= counted);
  CHECK(number <= counted + failed);
}

TEST_CASE("redis fault: an idle connection that died is no reason to fail") {
  const auto server = RedisServer::start({"--appendonly", "yes"});
  if (!server) return;
  const auto cache = new_redis_cache(quick(server->port()));
  CHECK(ask(*cache, 0, count_n) == "1");
  server->kill();
  server->begin_restart();
  REQUIRE(server->wait_until_ready());
  CHECK(fault("restarted while idle", *cache, count_n, soon) == "2");
  // Connections that the server closes.
  CHECK(server->command({"CLIENT", "KILL", "TYPE", "normal"}) != "");
  CHECK(fault("connection closed by the server while idle", *cache, get_a, soon) == "null");
}

TEST_CASE("redis fault: frozen, then thawed") {
  const auto server = RedisServer::start();
  if (!server) return;
  RedisOptions options = quick(server->port());
  options.max_queue = 4;
  const auto cache = new_redis_cache(options);
  CHECK(ask(*cache, 0, get_a) == "null");
  server->freeze();
  CHECK(fault("frozen (SIGSTOP)", *cache, get_a, 300 + soon) ==
        "error timeout: get: Redis did not answer within 300 ms");
  CHECK(fault("frozen, on a new connection", *cache, count_n, 300 + soon) ==
        "error timeout: increment: Redis did not answer within 300 ms");
  Call call;
  call.deadline = Clock::now() + std::chrono::milliseconds(200);
  CHECK(begin(*cache, get_a, call).get().ends_with(" before the time was up"));
  std::stop_source stop;
  Call stoppable;
  stoppable.stop = stop.get_token();
  auto stopped = begin(*cache, get_a, stoppable);
  const auto begun = Clock::now();
  stop.request_stop();
  const std::string answer = stopped.get();
  table.add("frozen, and stopped", answer, std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  CHECK(answer == "error cancelled: cancelled");
  std::vector<std::future<std::string>> waiting;
  for (int turn = 0; turn < 4; ++turn) waiting.push_back(begin(*cache, get_a, Call{}));
  CHECK(fault("the queue is full", *cache, get_a, soon) ==
        "error cache: the queue to Redis is full: 4 commands wait for an answer");
  for (auto& one : waiting) CHECK(one.get().starts_with("error "));
  server->thaw();
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: no memory, a replica, wrong password, no such database") {
  const auto server = RedisServer::start();
  if (!server) return;
  const auto cache = new_redis_cache(quick(server->port()));
  CHECK(ask(*cache, 0, R"({"kind": "set", "key": "n", "text": "1"})") == "null");
  const std::string full = "Redis has no memory left for writing (maxmemory) (OOM)";
  CHECK(server->command({"CONFIG", "SET", "maxmemory", "1"}) == "+OK\r\n");
  CHECK(fault("OOM, set", *cache, R"({"kind": "set", "key": "a", "text": "1"})", soon) == "error cache: set: " + full);
  CHECK(fault("OOM, increment", *cache, count_n, soon) == "error cache: increment: " + full);
  CHECK(fault("OOM, rate limit", *cache, R"({"kind": "rate_limit", "key": "r", "ttl": 1})", soon) ==
        "error cache: rate limit: " + full);
  CHECK(ask(*cache, 0, R"({"kind": "has", "key": "n"})") == "true");
  CHECK(server->command({"CONFIG", "SET", "maxmemory", "0"}) == "+OK\r\n");
  CHECK(ask(*cache, 0, count_n) == "2");

  CHECK(server->command({"REPLICAOF", "127.0.0.1", std::to_string(unused_port())}) == "+OK\r\n");
  const std::string replica = "this Redis is a read-only replica; give the address of its master (READONLY)";
  CHECK(fault("READONLY, push", *cache, R"({"kind": "push", "key": "l", "text": "1"})", soon) ==
        "error cache: push: " + replica);
  CHECK(fault("READONLY, increment", *cache, count_n, soon) == "error cache: increment: " + replica);
  CHECK(server->command({"REPLICAOF", "NO", "ONE"}) == "+OK\r\n");
  CHECK(ask(*cache, 0, count_n) == "3");

  RedisOptions elsewhere = quick(server->port());
  elsewhere.database = 99;
  CHECK(fault("no such database", *new_redis_cache(elsewhere), get_a, soon) ==
        "error cache: SELECT: Redis refused it: ERR DB index is out of range");
  elsewhere = quick(server->port());
  const auto demanding = new_redis_cache(elsewhere);
  CHECK(server->command({"CONFIG", "SET", "requirepass", "secret"}) == "+OK\r\n");
  CHECK(fault("no password", *demanding, get_a, soon) ==
        "error cache: get: Redis asks for a password; give one in the URL: redis://:PASSWORD@HOST (NOAUTH)");
  elsewhere.password = "wrong";
  CHECK(fault("wrong password", *new_redis_cache(elsewhere), get_a, soon) ==
        "error cache: AUTH: Redis refused the user or the password (WRONGPASS)");
}

TEST_CASE("redis fault: LOADING and others by their names") {
  const FaultServer server(redis_misbehaving(1, [](Connection& connection) {
    for (const char* answer :
         {"-LOADING Redis is loading the dataset in memory\r\n", "-MISCONF Redis is configured to save RDB\r\n",
          "-MOVED 3999 127.0.0.1:6381\r\n", "-ERR unknown command 'EVAL', with args beginning with: 'secret'\r\n",
          "-ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed\r\n", "-\r\n",
          "$-1\r\n"}) {
      if (!connection.read_bytes()) return;
      connection.write(answer);
    }
    connection.wait_for_close();
  }));
  const auto cache = new_redis_cache(quick(server.port()));
  CHECK(fault("LOADING", *cache, get_a, soon) ==
        "error cache: get: Redis is still loading its data; try again later (LOADING)");
  CHECK(fault("MISCONF", *cache, get_a, soon) ==
        "error cache: get: Redis takes no writes because it can't save them to disk (MISCONF)");
  CHECK(fault("MOVED", *cache, get_a, soon) ==
        "error cache: get: this Redis is a part of a cluster, which is not supported; give the address of a single "
        "server (MOVED)");
  CHECK(fault("unknown command", *cache, get_a, soon) == "error cache: get: Redis refused it: ERR unknown command ");
  CHECK(fault("OOM within a script, before Redis 7", *cache, count_n, soon) ==
        "error cache: increment: Redis has no memory left for writing (maxmemory) (OOM)");
  CHECK(fault("an empty error", *cache, get_a, soon) == "error cache: get: Redis refused it: ");
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: replies that are none") {
  struct Case {
    const char* name;
    std::string bytes;
    std::string error;
  };
  const std::string limit =
      "error limit: a reply of Redis is larger than 1000000 bytes (max_reply_bytes) or has more than a million parts";
  const std::string garbage = " answered with what is no reply of Redis' protocol";
  std::string nested;
  for (int depth = 0; depth < 1'000; ++depth) nested += "*1\r\n";
  const std::vector<Case> cases = {
      {"garbage: an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n", ""},
      {"garbage: zero bytes", std::string(100, '\0'), ""},
      {"garbage: a length that is none", "$five\r\n", ""},
      {"garbage: a negative length", "$-7\r\n", ""},
      {"garbage: a length of 30 digits", "$999999999999999999999999999999\r\n", ""},
      {"nested 1000 deep", nested, ""},
      {"an array of 2 billion", "*2000000000\r\n", limit},
      {"arrays of a million within one of a million", "*1000000\r\n*1000000\r\n", limit},
      {"a line without end", std::string("+") + std::string(1'200'000, 'x'), limit},
      {"a bulk larger than the limit", "$500000000\r\n" + std::string(1'200'000, 'x'), limit},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    const FaultServer server(redis_misbehaving(1, redis_saying(one.bytes)));
    RedisOptions options = quick(server.port());
    options.max_reply_bytes = 1'000'000;
    const auto cache = new_redis_cache(options);
    CHECK(fault(one.name, *cache, get_a, soon) ==
          (one.error.empty() ? "error cache: " + server.address() + garbage : one.error));
    CHECK(ask(*cache, 0, get_a) == "null");
  }
}

TEST_CASE("redis fault: an endless bulk") {
  const FaultServer server(redis_misbehaving(1, [](Connection& connection) {
    if (!connection.read_bytes()) return;
    connection.write("$100000000000\r\n");
    const std::string part(65'536, 'x');
    while (connection.write(part)) {
    }
  }));
  RedisOptions options = quick(server.port());
  options.command_timeout_ms = 20'000;
  const auto cache = new_redis_cache(options);
  CHECK(
      fault("an endless bulk (up to 64 MiB)", *cache, get_a, 20'000) ==
      "error limit: a reply of Redis is larger than 67108864 bytes (max_reply_bytes) or has more than a million parts");
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: replies of another type than the command's") {
  const FaultServer server(redis_misbehaving(1, [](Connection& connection) {
    for (const char* answer : {":1\r\n", "*0\r\n", "+OK\r\n", "$2\r\n12\r\n", "*2\r\n$1\r\n0\r\n$1\r\nx\r\n",
                               "*2\r\n$1\r\nx\r\n*0\r\n", "$1\r\nx\r\n", "*3\r\n:1\r\n:1\r\n:1\r\n", "*1\r\n:5\r\n"}) {
      if (!connection.read_bytes()) return;
      connection.write(answer);
    }
    connection.wait_for_close();
  }));
  const auto cache = new_redis_cache(quick(server.port()));
  const std::string other = ": Redis answered with another type of reply than the command has";
  CHECK(fault("a get answered with an integer", *cache, get_a, soon) == "error cache: get" + other);
  CHECK(ask(*cache, 0, get_a) == "error cache: get" + other);
  CHECK(ask(*cache, 0, R"({"kind": "has", "key": "a"})") == "error cache: has" + other);
  CHECK(ask(*cache, 0, R"({"kind": "push", "key": "a", "text": "1"})") == "error cache: push" + other);
  CHECK(ask(*cache, 0, R"({"kind": "keys", "key": "a"})") == "error cache: keys" + other);
  CHECK(ask(*cache, 0, R"({"kind": "keys", "key": "a"})") == "error cache: keys" + other);
  CHECK(ask(*cache, 0, count_n) == "error cache: increment" + other);
  CHECK(ask(*cache, 0, R"({"kind": "rate_limit", "key": "a", "ttl": 1})") == "error cache: rate limit" + other);
  CHECK(ask(*cache, 0, R"({"kind": "range", "key": "a"})") == "error cache: range" + other);
  CHECK(server.connections() == 1);
}

TEST_CASE("redis fault: half a reply") {
  const FaultServer server(redis_misbehaving(1, redis_saying("$5\r\nab")));
  const auto cache = new_redis_cache(quick(server.port()));
  CHECK(fault("half a reply, then silence", *cache, get_a, 300 + soon) ==
        "error timeout: get: Redis did not answer within 300 ms");
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: cut off") {
  const auto cut = [](Connection& connection) {
    if (connection.read_bytes()) connection.write("$5\r\nab");
  };
  {
    const FaultServer server(redis_misbehaving(2, cut));
    const auto cache = new_redis_cache(quick(server.port()));
    // A read is asked once more.
    CHECK(fault("half a reply, then closed, twice", *cache, get_a, soon) ==
          "error cache: get: the connection to Redis at " + server.address() +
              " was lost (Server closed the connection)");
    CHECK(ask(*cache, 0, get_a) == "null");
    CHECK(server.connections() == 3);
  }
  {
    const FaultServer server(redis_misbehaving(1, cut));
    const auto cache = new_redis_cache(quick(server.port()));
    CHECK(fault("half a reply, then closed, once", *cache, get_a, soon) == "null");
    CHECK(server.connections() == 2);
  }
  {
    const FaultServer server(redis_misbehaving(1, cut));
    const auto cache = new_redis_cache(quick(server.port()));
    CHECK(fault("a count cut off is not sent again", *cache, count_n, soon) ==
          "error cache: increment: the connection to Redis at " + server.address() +
              " was lost (Server closed the connection); whether it was performed is not known");
    CHECK(ask(*cache, 0, get_a) == "null");
    CHECK(server.connections() == 2);
  }
  {
    const FaultServer server(redis_misbehaving(1, [](Connection& connection) {
      if (connection.read_bytes()) connection.reset();
    }));
    const auto cache = new_redis_cache(quick(server.port()));
    CHECK(fault("a count reset is not sent again", *cache, count_n, soon) ==
          "error cache: increment: the connection to Redis at " + server.address() +
              " was lost (Connection reset by peer); whether it was performed is not known");
    CHECK(ask(*cache, 0, get_a) == "null");
  }
}

TEST_CASE("redis fault: a server that is silent at AUTH, or answers it with nonsense") {
  const FaultServer server([](Connection& connection) {
    if (!connection.read_bytes()) return;
    if (connection.index() == 0) return connection.wait_for_close();
    if (connection.index() == 1) {
      connection.write("$-1\r\n");
      return connection.wait_for_close();
    }
    if (connection.index() == 2) {
      connection.write("nonsense\r\n");
      return connection.wait_for_close();
    }
    if (connection.index() == 3) return;
    connection.write("+OK\r\n");
    while (connection.read_bytes()) connection.write("$-1\r\n");
  });
  RedisOptions options = quick(server.port());
  options.password = "secret";
  options.command_timeout_ms = 5'000;
  const auto cache = new_redis_cache(options);
  CHECK(fault("silent at AUTH", *cache, get_a, 400 + soon) ==
        "error cache: can't connect to Redis at " + server.address() + ": it did not answer within 400 ms");
  CHECK(fault("AUTH answered with another type", *cache, get_a, soon) ==
        "error cache: AUTH: Redis answered with another type of reply than the command has");
  CHECK(fault("AUTH answered with garbage", *cache, get_a, soon) ==
        "error cache: " + server.address() + " answered with what is no reply of Redis' protocol");
  CHECK(fault("closed at AUTH", *cache, get_a, soon) ==
        "error cache: can't connect to Redis at " + server.address() + ": Server closed the connection");
  CHECK(ask(*cache, 0, get_a) == "null");
}

TEST_CASE("redis fault: a reply that nobody asked for") {
  const FaultServer server(redis_misbehaving(1, redis_saying("$-1\r\n:5\r\n:6\r\n")));
  const auto cache = new_redis_cache(quick(server.port()));
  CHECK(fault("more replies than commands", *cache, get_a, soon) == "null");
  CHECK(ask(*cache, 0, get_a) == "null");
  CHECK(server.connections() == 2);
}
