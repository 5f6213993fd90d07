#include <stdexcept>
#include <thread>
#include <vector>

#include "contracts/cache_contract.hpp"

using namespace fnstack_test;

TEST_CASE("memory cache keeps the contract") {
  cache_contract([] { return memory_cache(); }, true);
}

TEST_CASE("memory cache counts right from many threads") {
  const auto cache = memory_cache();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int at = 0; at < 1'000; ++at) {
        CacheCommand command;
        command.kind = CacheCommand::Kind::increment;
        command.key = "n";
        cache->send(command, Call{}, Reply<Value>([](Result<Value>) {}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ask(*cache, 0, R"({"kind": "get", "key": "n"})") == R"({"text":"4000","age":null})");
}

TEST_CASE("memory cache: a stopped call is not performed") {
  const auto cache = memory_cache();
  std::stop_source stop;
  stop.request_stop();
  Call call;
  call.stop = stop.get_token();
  std::string answer;
  cache->send(cache_command(R"({"kind": "set", "key": "a", "text": "1"})"), call,
              Reply<Value>([&](Result<Value> result) { answer = answer_text(result); }));
  CHECK(answer == "error cancelled: cancelled");
  CHECK(ask(*cache, 0, R"({"kind": "has", "key": "a"})") == "false");
}

TEST_CASE("callback cache asks its function and catches what it throws") {
  const auto cache = callback_cache([](const CacheCommand& command) -> Result<Value> {
    if (command.key == "bad") throw std::runtime_error("no luck");
    if (command.key == "worse") throw 7;
    return Value(command.key);
  });
  CHECK(ask(*cache, 0, R"({"kind": "get", "key": "a"})") == R"("a")");
  CHECK(ask(*cache, 0, R"({"kind": "get", "key": "bad"})") == "error cache: the cache callback threw: no luck");
  CHECK(ask(*cache, 0, R"({"kind": "get", "key": "worse"})") ==
        "error cache: the cache callback threw something that is no std::exception");
}
