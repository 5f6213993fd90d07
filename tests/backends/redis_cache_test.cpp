// The Redis cache against a real server of the test's own.
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/backends/redis.hpp>

#include "contracts/cache_contract.hpp"
#include "support/loopback.hpp"
#include "support/polled.hpp"
#include "support/redis_server.hpp"
#ifdef FNSTACK_REDIS_TLS
#include "support/fault_server.hpp"
#include "support/test_certificate.hpp"
#endif

using namespace fnstack_test;

namespace {

std::shared_ptr<Cache> new_redis_cache(RedisOptions options) { return in_form(redis_cache(std::move(options))); }

RedisOptions at(const RedisServer& server) {
  RedisOptions options;
  options.port = server.port();
  return options;
}

// One for all cases of this file; null: not installed. Emptied for each.
RedisServer* fresh_server() {
  static const std::unique_ptr<RedisServer> server = RedisServer::start();
  if (server) must(server->command({"FLUSHALL"}) == "+OK\r\n", "FLUSHALL");
  return server.get();
}

constexpr std::int64_t now = 1'700'000'000'000;

}  // namespace

TEST_CASE("redis cache keeps the contract") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  cache_contract([&] { return new_redis_cache(at(*server)); }, false);
}

TEST_CASE("redis cache keeps the contract over a unix socket, in another database, one connection") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  cache_contract(
      [&] {
        RedisOptions options;
        options.unix_socket = server->socket();
        options.database = 3;
        options.connections = 1;
        return new_redis_cache(options);
      },
      false);
}

TEST_CASE("redis cache: values are plain, their time stands beside them") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  ask(*cache, now, R"({"kind": "set", "key": "a", "text": "{\"x\":1}"})");
  CHECK(server->command({"GET", "a"}) == "$7\r\n{\"x\":1}\r\n");
  CHECK(server->command({"GET", "{a}:stored_at"}) == "$22\r\n1700000000000 ={\"x\":1}\r\n");
  CHECK(server->command({"TTL", "a"}) == ":-1\r\n");
  ask(*cache, now, R"({"kind": "set", "key": "{t}b", "text": "1", "ttl": 100})");
  CHECK(server->command({"GET", "{t}b:stored_at"}) == "$16\r\n1700000000000 =1\r\n");
  CHECK(server->command({"TTL", "{t}b"}) == ":100\r\n");
  CHECK(server->command({"TTL", "{t}b:stored_at"}) == ":100\r\n");
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "*"})") == R"(["a","{t}b"])");
  CHECK(ask(*cache, now, R"({"kind": "set", "key": "c", "text": "1", "ttl": 9223372036854775807})") == "null");
  CHECK(ask(*cache, now, R"({"kind": "has", "key": "c"})") == "true");
  CHECK(ask(*cache, now, R"({"kind": "set", "key": "c", "text": "1", "ttl": -1})") ==
        "error validation: set: ttl: expected 0 or more seconds, got -1");
  CHECK(ask(*cache, now, R"({"kind": "remove", "key": "a"})") == "true");
  CHECK(server->command({"EXISTS", "a", "{a}:stored_at"}) == ":0\r\n");
}

TEST_CASE("redis cache: age is whole seconds since the value was set, and of no other value") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  const auto get = [&](std::int64_t time) {
    return ask(*cache, time, R"({"kind": "get", "key": "a", "want_age": true})");
  };
  CHECK(get(now) == "null");
  const std::string text(1'000, 'x');
  ask(*cache, now, R"({"kind": "set", "key": "a", "text": "\")" + text + R"(\""})");
  CHECK(get(now) == R"({"text":"\")" + text + R"(\"","age":0})");
  CHECK(get(now + 1'999) == R"({"text":"\")" + text + R"(\"","age":1})");
  CHECK(get(now - 5'000) == R"({"text":"\")" + text + R"(\"","age":0})");
  server->command({"SET", "a", "\"" + text.substr(1) + "y\""});
  CHECK(get(now) == R"({"text":"\")" + text.substr(1) + R"(y\"","age":null})");
  ask(*cache, now, R"({"kind": "set", "key": "a", "text": "1"})");
  CHECK(get(now + 3'000) == R"({"text":"1","age":3})");
  server->command({"SET", "a", "2"});
  CHECK(get(now + 3'000) == R"({"text":"2","age":null})");
  server->command({"SET", "{a}:stored_at", "rubbish"});
  CHECK(get(now) == R"({"text":"2","age":null})");
  server->command({"DEL", "{a}:stored_at"});
  server->command({"RPUSH", "{a}:stored_at", "x"});
  CHECK(get(now) == R"({"text":"2","age":null})");
}

TEST_CASE("redis cache: counting begins the age anew and keeps the time to live") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  ask(*cache, now, R"({"kind": "set", "key": "n", "text": "9007199254740993", "ttl": 100})");
  CHECK(ask(*cache, now + 5'000, R"({"kind": "increment", "key": "n"})") == "9007199254740994");
  CHECK(ask(*cache, now + 7'000, R"({"kind": "get", "key": "n", "want_age": true})") ==
        R"({"text":"9007199254740994","age":2})");
  CHECK(server->command({"TTL", "n"}) == ":100\r\n");
  CHECK(server->command({"TTL", "{n}:stored_at"}) == ":100\r\n");
  CHECK(ask(*cache, now, R"({"kind": "increment", "key": "m", "amount": -9223372036854775808})") ==
        "-9223372036854775808");
  CHECK(ask(*cache, now, R"({"kind": "increment", "key": "m", "amount": -1})") ==
        R"(error cache: increment: the cache key "m" would leave the range of 64-bit integers)");
  CHECK(server->command({"TTL", "{m}:stored_at"}) == ":-1\r\n");
}

TEST_CASE("redis cache: a rate limit's window is a time to live") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  const auto limited = [&] {
    return ask(*cache, now, R"({"kind": "rate_limit", "key": "r", "amount": 2, "ttl": 60})");
  };
  CHECK(limited() == R"({"allowed":true,"remaining":1,"retry_after":0})");
  CHECK(server->command({"TTL", "r"}) == ":60\r\n");
  server->command({"SET", "r", "2"});
  CHECK(limited() == R"({"allowed":false,"remaining":0,"retry_after":60})");
  CHECK(server->command({"TTL", "r"}) == ":60\r\n");
  server->command({"SET", "r", "2", "PX", "1500"});
  CHECK(limited() == R"({"allowed":false,"remaining":0,"retry_after":2})");
  server->command({"SET", "r", "many"});
  CHECK(limited() == R"(error cache: rate limit: the cache key "r" does not hold a counter)");
  server->command({"DEL", "r"});
  server->command({"RPUSH", "r", "1"});
  CHECK(limited() == R"(error cache: rate limit: the cache key "r" does not hold a counter)");
  CHECK(ask(*cache, now, R"({"kind": "rate_limit", "key": "s", "amount": 1, "ttl": 9223372036854775807})") ==
        R"({"allowed":true,"remaining":0,"retry_after":0})");
  CHECK(ask(*cache, now, R"({"kind": "rate_limit", "key": "s", "amount": 1, "ttl": 9223372036854775807})") ==
        R"({"allowed":false,"remaining":0,"retry_after":1000000000000})");
}

TEST_CASE("redis cache: in a pattern only * and ? are special") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  for (const char* key : {"[ab]", "a", "b", "^", "a\\\\b", "a*b"}) {
    ask(*cache, now, R"({"kind": "set", "key": ")" + std::string(key) + R"(", "text": "1"})");
  }
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "[ab]"})") == R"(["[ab]"])");
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "[^a]*"})") == "[]");
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "a\\?"})") == R"(["a\\b"])");
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "a\\*"})") == R"(["a\\b"])");
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "a?b"})") == R"(["a*b","a\\b"])");
}

TEST_CASE("redis cache: many keys come from many rounds, each once") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  server->command(
      {"EVAL",
       "for i = 1, 20000 do redis.call('SET', 'k' .. i, '1') redis.call('SET', '{k' .. i .. '}:stored_at', '1') end",
       "0"});
  const auto cache = new_redis_cache(at(*server));
  CHECK(json(ask(*cache, now, R"({"kind": "keys", "key": "*"})")).size() == 20'000);
  CHECK(json(ask(*cache, now, R"({"kind": "keys", "key": "k1999?"})")).size() == 10);
  RedisOptions small = at(*server);
  small.max_reply_bytes = 100'000;
  CHECK(ask(*new_redis_cache(small), now, R"({"kind": "keys", "key": "*"})") ==
        "error limit: keys: the keys take more than 100000 bytes (max_reply_bytes)");
}

TEST_CASE("redis cache: what others keep in Redis is an error that names it") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  server->command({"HSET", "h", "a", "1"});
  CHECK(ask(*cache, now, R"({"kind": "get", "key": "h"})") ==
        R"(error cache: get: the cache key "h" holds a Redis hash, not a value)");
  CHECK(ask(*cache, now, R"({"kind": "get", "key": "h", "want_age": true})") ==
        R"(error cache: get: the cache key "h" holds a Redis hash, not a value)");
  CHECK(ask(*cache, now, R"({"kind": "push", "key": "h", "text": "1"})") ==
        R"(error cache: the cache key "h" holds a Redis hash, not a list)");
  CHECK(ask(*cache, now, R"({"kind": "has", "key": "h"})") == "true");
  server->command({"SET", "b", "\xff\xfe"});
  CHECK(ask(*cache, now, R"({"kind": "get", "key": "b"})") ==
        R"(error cache: get: the cache key "b" holds bytes that are no UTF-8)");
  server->command({"RPUSH", "l", "\xff"});
  CHECK(ask(*cache, now, R"({"kind": "range", "key": "l"})") ==
        R"(error cache: range: the cache key "l" holds bytes that are no UTF-8)");
  server->command({"SET", "\xff", "1"});
  CHECK(ask(*cache, now, R"({"kind": "keys", "key": "*"})") == R"(["b","h","l"])");
}

TEST_CASE("redis cache: big values come and go") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  CacheCommand set;
  set.kind = CacheCommand::Kind::set;
  set.key = "big";
  set.text = "\"" + std::string(20'000'000, 'x') + "\"";
  const std::string text = set.text;
  std::promise<std::string> stored;
  cache->send(std::move(set), Call{},
              Reply<Value>([&](Result<Value> result) { stored.set_value(answer_text(result)); }));
  CHECK(stored.get_future().get() == "null");
  CacheCommand get;
  get.key = "big";
  std::promise<bool> same;
  cache->send(std::move(get), Call{}, Reply<Value>([&](Result<Value> result) {
                same.set_value(result.ok() && result->get("text").as_string() == text);
              }));
  CHECK(same.get_future().get());
  RedisOptions small = at(*server);
  small.max_reply_bytes = 1'000'000;
  const auto bounded = new_redis_cache(small);
  CHECK(
      ask(*bounded, now, R"({"kind": "get", "key": "big"})") ==
      "error limit: a reply of Redis is larger than 1000000 bytes (max_reply_bytes) or has more than a million parts");
  CHECK(ask(*bounded, now, R"({"kind": "get", "key": "none"})") == "null");
}

TEST_CASE("redis cache counts right from many threads and in pipelines") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  std::vector<std::thread> threads;
  std::atomic<int> fine = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      std::vector<std::future<std::string>> answers;
      for (int turn = 0; turn < 1'000; ++turn) {
        answers.push_back(begin(*cache, R"({"kind": "increment", "key": "n"})", Call{}));
      }
      for (auto& answer : answers) fine += answer.get().starts_with("error") ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(fine == 4'000);
  CHECK(ask(*cache, now, R"({"kind": "get", "key": "n"})") == R"({"text":"4000","age":null})");
}

TEST_CASE("redis cache: a stopped call is not performed, and a late one neither") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  const auto cache = new_redis_cache(at(*server));
  std::stop_source stop;
  stop.request_stop();
  Call call;
  call.stop = stop.get_token();
  CHECK(begin(*cache, R"({"kind": "set", "key": "a", "text": "1"})", call).get() == "error cancelled: cancelled");
  Call late;
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  CHECK(begin(*cache, R"({"kind": "set", "key": "a", "text": "1"})", late).get() ==
        "error timeout: cache: the time was up before the command was sent to Redis");
  CHECK(ask(*cache, now, R"({"kind": "has", "key": "a"})") == "false");
}

TEST_CASE("redis cache: it may be dropped within a reply, and answers what is outstanding when it goes") {
  RedisServer* server = fresh_server();
  if (server == nullptr) return;
  std::promise<std::string> answered;
  auto cache = new_redis_cache(at(*server));
  // The reply holds the last reference.
  auto holder = std::make_shared<std::shared_ptr<Cache>>(cache);
  Cache* raw = cache.get();
  cache.reset();
  raw->send(cache_command(R"({"kind": "get", "key": "a"})"), Call{},
            Reply<Value>([holder, &answered](Result<Value> result) {
              holder->reset();
              answered.set_value(answer_text(result));
            }));
  CHECK(answered.get_future().get() == "null");

  cache = new_redis_cache(at(*server));
  CHECK(ask(*cache, now, R"({"kind": "get", "key": "a"})") == "null");
  server->freeze();
  auto outstanding = begin(*cache, R"({"kind": "get", "key": "a"})", Call{});
  cache.reset();
  server->thaw();
  CHECK(outstanding.get() == "error cancelled: the Redis cache was shut down");
}

TEST_CASE("redis cache: users and passwords") {
  const auto server = RedisServer::start({"--requirepass", "the secret"});
  if (!server) return;
  const auto get = [&](const std::string& credentials) {
    const auto options = parse_redis_url("redis://" + credentials + "127.0.0.1:" + std::to_string(server->port()));
    must(options.ok(), credentials);
    return ask(*new_redis_cache(*options), now, R"({"kind": "get", "key": "a"})");
  };
  CHECK(get(":the%20secret@") == "null");
  CHECK(get("default:the%20secret@") == "null");
  CHECK(get("ada:the%20secret@") == "error cache: AUTH: Redis refused the user or the password (WRONGPASS)");
  CHECK(get(":wrong@") == "error cache: AUTH: Redis refused the user or the password (WRONGPASS)");
  CHECK(get("") == "error cache: get: Redis asks for a password; give one in the URL: redis://:PASSWORD@HOST (NOAUTH)");
}

#ifdef FNSTACK_REDIS_TLS
TEST_CASE("redis cache over TLS: the certificate is checked, and the name in it") {
  TestAuthority authority;
  const auto with = [&](const TestAuthority::Identity& identity) {
    const std::string port = std::to_string(unused_port());
    auto server = RedisServer::start({"--tls-port", port, "--tls-cert-file", identity.certificate_file,
                                      "--tls-key-file", identity.key_file, "--tls-auth-clients", "no"});
    return std::pair(std::move(server), port);
  };
  const auto options = [&](const std::string& address, const std::string& query) {
    auto read = parse_redis_url("rediss://" + address + query);
    must(read.ok(), address);
    return *read;
  };
  const std::string own = "?ca_file=" + authority.ca_file();
  {
    const auto [server, port] = with(authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1"));
    if (!server) return;
    const std::string address = "127.0.0.1:" + port;
    const auto cache = new_redis_cache(options(address, own));
    CHECK(ask(*cache, now, R"({"kind": "set", "key": "a", "text": "1"})") == "null");
    CHECK(ask(*cache, now, R"({"kind": "get", "key": "a"})") == R"({"text":"1","age":null})");
    std::vector<std::future<std::string>> answers;
    for (int turn = 0; turn < 2'000; ++turn) {
      answers.push_back(begin(*cache, R"({"kind": "increment", "key": "a"})", Call{}));
    }
    for (auto& answer : answers) CHECK(!answer.get().starts_with("error"));
    CHECK(ask(*cache, now, R"({"kind": "get", "key": "a"})") == R"({"text":"2001","age":null})");
    const std::string refused = "error cache: can't connect to Redis at ";
    CHECK(ask(*new_redis_cache(options(address, "")), now, R"({"kind": "get", "key": "a"})") ==
          refused + address + ": TLS with Redis failed: unable to get local issuer certificate");
    CHECK(ask(*new_redis_cache(options("localhost:" + port, own)), now, R"({"kind": "get", "key": "a"})") ==
          refused + "localhost:" + port + ": TLS with Redis failed: hostname mismatch");
    // One that speaks no TLS.
    RedisOptions plain = options("127.0.0.1:" + std::to_string(server->port()), own);
    plain.connect_timeout_ms = 500;
    CHECK(ask(*new_redis_cache(plain), now, R"({"kind": "get", "key": "a"})").starts_with(refused));
  }
  const auto [server, port] = with(authority.issue(TestAuthority::Kind::expired, "IP:127.0.0.1"));
  CHECK(ask(*new_redis_cache(options("127.0.0.1:" + port, own)), now, R"({"kind": "get", "key": "a"})") ==
        "error cache: can't connect to Redis at 127.0.0.1:" + port +
            ": TLS with Redis failed: certificate has expired");
}
#endif
