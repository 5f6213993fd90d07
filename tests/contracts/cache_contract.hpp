// What every Cache promises. `keeps_call_time`: it takes the time from the call, so a test can move it; a server has
// a clock of its own, and then the parts about time are not asked.
#pragma once

#include <functional>
#include <memory>

#include "support/store_commands.hpp"

namespace fnstack_test {

inline void cache_contract(const std::function<std::shared_ptr<Cache>()>& make, bool keeps_call_time) {
  const auto cache = make();
  std::int64_t now = 1'700'000'000'000;
  const auto ask_it = [&](std::string_view command) { return ask(*cache, now, command); };

  SECTION("a miss is null, a hit the text that was set") {
    CHECK(ask_it(R"({"kind": "get", "key": "a"})") == "null");
    CHECK(ask_it(R"({"kind": "set", "key": "a", "text": "{\"x\":[1,null]}"})") == "null");
    CHECK(ask_it(R"({"kind": "get", "key": "a"})") == R"({"text":"{\"x\":[1,null]}","age":null})");
    CHECK(ask_it(R"({"kind": "set", "key": "a", "text": "2"})") == "null");
    CHECK(ask_it(R"({"kind": "get", "key": "a"})") == R"({"text":"2","age":null})");
  }
  SECTION("has and remove") {
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "false");
    CHECK(ask_it(R"({"kind": "remove", "key": "a"})") == "false");
    ask_it(R"({"kind": "set", "key": "a", "text": "1"})");
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "true");
    CHECK(ask_it(R"({"kind": "remove", "key": "a"})") == "true");
    CHECK(ask_it(R"({"kind": "get", "key": "a"})") == "null");
  }
  SECTION("keys are bytes: blanks, line ends, NUL and UTF-8 mean themselves") {
    ask_it(R"({"kind": "set", "key": "a b\r\n%s*\u0000é", "text": "1"})");
    CHECK(ask_it(R"({"kind": "get", "key": "a b\r\n%s*\u0000é"})") == R"({"text":"1","age":null})");
    CHECK(ask_it(R"({"kind": "get", "key": "a b\r\n%s*"})") == "null");
    CHECK(ask_it(R"({"kind": "get", "key": ""})") == "error validation: cache key: expected text, got an empty one");
  }
  SECTION("counters are integers of 64 bits, and plain JSON to everybody else") {
    CHECK(ask_it(R"({"kind": "increment", "key": "n"})") == "1");
    CHECK(ask_it(R"({"kind": "increment", "key": "n", "amount": 41})") == "42");
    CHECK(ask_it(R"({"kind": "increment", "key": "n", "amount": -50})") == "-8");
    CHECK(ask_it(R"({"kind": "get", "key": "n"})") == R"({"text":"-8","age":null})");
    ask_it(R"({"kind": "set", "key": "n", "text": "9223372036854775806"})");
    CHECK(ask_it(R"({"kind": "increment", "key": "n"})") == "9223372036854775807");
    CHECK(ask_it(R"({"kind": "increment", "key": "n"})") ==
          R"(error cache: increment: the cache key "n" would leave the range of 64-bit integers)");
    CHECK(ask_it(R"({"kind": "get", "key": "n"})") == R"({"text":"9223372036854775807","age":null})");
    ask_it(R"({"kind": "set", "key": "n", "text": "\"five\""})");
    CHECK(ask_it(R"({"kind": "increment", "key": "n"})") ==
          R"(error cache: increment: the cache key "n" does not hold an integer)");
  }
  SECTION("keys by pattern, sorted") {
    for (const char* key : {"user:2", "user:10", "order:1", "user:1", "user:"}) {
      ask_it(R"({"kind": "set", "key": ")" + std::string(key) + R"(", "text": "1"})");
    }
    CHECK(ask_it(R"({"kind": "keys", "key": "user:?"})") == R"(["user:1","user:2"])");
    CHECK(ask_it(R"({"kind": "keys", "key": "user:*"})") == R"(["user:","user:1","user:10","user:2"])");
    CHECK(ask_it(R"({"kind": "keys", "key": "*r:1*"})") == R"(["order:1","user:1","user:10"])");
    CHECK(ask_it(R"({"kind": "keys", "key": "user"})") == "[]");
    CHECK(ask_it(R"({"kind": "keys", "key": "*"})") == R"(["order:1","user:","user:1","user:10","user:2"])");
  }
  SECTION("lists") {
    CHECK(ask_it(R"({"kind": "pop", "key": "l"})") == "null");
    CHECK(ask_it(R"({"kind": "range", "key": "l"})") == "[]");
    CHECK(ask_it(R"({"kind": "count", "key": "l"})") == "0");
    CHECK(ask_it(R"({"kind": "remove_from_list", "key": "l", "text": "1"})") == "0");
    CHECK(ask_it(R"({"kind": "push", "key": "l", "text": "1"})") == "1");
    CHECK(ask_it(R"({"kind": "push", "key": "l", "text": "2"})") == "2");
    CHECK(ask_it(R"({"kind": "unshift", "key": "l", "text": "0"})") == "3");
    CHECK(ask_it(R"({"kind": "push", "key": "l", "text": "1"})") == "4");
    CHECK(ask_it(R"({"kind": "count", "key": "l"})") == "4");
    CHECK(ask_it(R"({"kind": "range", "key": "l"})") == R"(["0","1","2","1"])");
    CHECK(ask_it(R"({"kind": "range", "key": "l", "start": 1, "stop": 2})") == R"(["1","2"])");
    CHECK(ask_it(R"({"kind": "range", "key": "l", "start": -2, "stop": 100})") == R"(["2","1"])");
    CHECK(ask_it(R"({"kind": "range", "key": "l", "start": -100, "stop": -4})") == R"(["0"])");
    CHECK(ask_it(R"({"kind": "range", "key": "l", "start": 0, "stop": -9223372036854775808})") == "[]");
    CHECK(ask_it(R"({"kind": "remove_from_list", "key": "l", "text": "1"})") == "2");
    CHECK(ask_it(R"({"kind": "shift", "key": "l"})") == R"("0")");
    CHECK(ask_it(R"({"kind": "pop", "key": "l"})") == R"("2")");
    CHECK(ask_it(R"({"kind": "has", "key": "l"})") == "false");
  }
  SECTION("a list is no value and a value no list") {
    ask_it(R"({"kind": "push", "key": "l", "text": "1"})");
    ask_it(R"({"kind": "set", "key": "v", "text": "1"})");
    CHECK(ask_it(R"({"kind": "get", "key": "l"})") == R"(error cache: get: the cache key "l" holds a list; use range)");
    CHECK(ask_it(R"({"kind": "push", "key": "v", "text": "1"})") ==
          R"(error cache: the cache key "v" holds a value, not a list)");
    CHECK(ask_it(R"({"kind": "increment", "key": "l"})") ==
          R"(error cache: increment: the cache key "l" does not hold an integer)");
    CHECK(ask_it(R"({"kind": "set", "key": "l", "text": "5"})") == "null");
    CHECK(ask_it(R"({"kind": "get", "key": "l"})") == R"({"text":"5","age":null})");
  }
  SECTION("rate limit refuses what is beyond the permitted number") {
    const auto limited = [&] { return ask_it(R"({"kind": "rate_limit", "key": "r", "amount": 2, "ttl": 60})"); };
    CHECK(limited() == R"({"allowed":true,"remaining":1,"retry_after":0})");
    CHECK(limited() == R"({"allowed":true,"remaining":0,"retry_after":0})");
    CHECK(limited() == R"({"allowed":false,"remaining":0,"retry_after":60})");
    CHECK(ask_it(R"({"kind": "rate_limit", "key": "r", "amount": 0, "ttl": 60})") ==
          "error validation: rate limit: expected at least 1 permitted call in at least 1 second, got 0 in 60");
  }
  if (!keeps_call_time) return;
  SECTION("a value lives ttl seconds and not a millisecond longer") {
    ask_it(R"({"kind": "set", "key": "a", "text": "1", "ttl": 10})");
    ask_it(R"({"kind": "set", "key": "b", "text": "1"})");
    now += 9'999;
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "true");
    now += 1;
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "false");
    CHECK(ask_it(R"({"kind": "get", "key": "a"})") == "null");
    CHECK(ask_it(R"({"kind": "keys", "key": "*"})") == R"(["b"])");
    CHECK(ask_it(R"({"kind": "increment", "key": "a"})") == "1");
    now += 1'000'000'000'000;
    CHECK(ask_it(R"({"kind": "get", "key": "b"})") == R"({"text":"1","age":null})");
    CHECK(ask_it(R"({"kind": "set", "key": "b", "text": "1", "ttl": -1})") ==
          "error validation: set: ttl: expected 0 or more seconds, got -1");
    CHECK(ask_it(R"({"kind": "set", "key": "b", "text": "2", "ttl": 9223372036854775807})") == "null");
    CHECK(ask_it(R"({"kind": "has", "key": "b"})") == "true");
  }
  SECTION("setting again begins anew; counting keeps the time to live") {
    ask_it(R"({"kind": "set", "key": "a", "text": "1", "ttl": 10})");
    now += 5'000;
    ask_it(R"({"kind": "increment", "key": "a"})");
    now += 5'000;
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "false");
    ask_it(R"({"kind": "set", "key": "a", "text": "1", "ttl": 10})");
    ask_it(R"({"kind": "set", "key": "a", "text": "1"})");
    now += 10'000;
    CHECK(ask_it(R"({"kind": "has", "key": "a"})") == "true");
  }
  SECTION("age is whole seconds since the value was set, never negative") {
    ask_it(R"({"kind": "set", "key": "a", "text": "1"})");
    CHECK(ask_it(R"({"kind": "get", "key": "a", "want_age": true})") == R"({"text":"1","age":0})");
    now += 1'999;
    CHECK(ask_it(R"({"kind": "get", "key": "a", "want_age": true})") == R"({"text":"1","age":1})");
    now -= 3'600'000;
    CHECK(ask_it(R"({"kind": "get", "key": "a", "want_age": true})") == R"({"text":"1","age":0})");
  }
  SECTION("the window of a rate limit ends") {
    const auto limited = [&] { return ask_it(R"({"kind": "rate_limit", "key": "r", "amount": 1, "ttl": 10})"); };
    CHECK(limited() == R"({"allowed":true,"remaining":0,"retry_after":0})");
    now += 8'500;
    CHECK(limited() == R"({"allowed":false,"remaining":0,"retry_after":2})");
    now += 1'500;
    CHECK(limited() == R"({"allowed":true,"remaining":0,"retry_after":0})");
  }
  SECTION("dead entries go as new ones come") {
    for (int at = 0; at < 1'000; ++at) {
      ask_it(R"({"kind": "set", "key": "k)" + std::to_string(at) + R"(", "text": "1", "ttl": 1})");
      now += 2'000;
    }
    CHECK(ask_it(R"({"kind": "keys", "key": "*"})") == "[]");
  }
}

}  // namespace fnstack_test
