// Engine::run performs what it can on its caller's thread, with loops that are kept from run to run.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"
#include "support/load.hpp"
#include "support/loop_cache.hpp"

using namespace fnstack;
using fnstack::testing::load;
using fnstack::testing::LoopCache;

namespace {

// "slow" answers only once it is told to stop, "deaf" never.
std::shared_ptr<LoopCache> loop_cache(std::shared_ptr<LoopCache::Seen> seen) {
  return std::make_shared<LoopCache>(std::move(seen), [](const std::string& key) {
    if (key == "slow") return LoopCache::Answer::when_stopped;
    return key == "deaf" ? LoopCache::Answer::never : LoopCache::Answer::in_a_turn;
  });
}

constexpr const char* asks_twice = R"([
  {"function": "cache_get", "key": "one", "output_variable": "one"},
  {"function": "cache_get", "key": "two", "output_variable": "two"},
  {"function": "Response", "body": "{{one}} {{two}}"}])";

// Its first branch to end is the quick one: the other's command is given up.
std::string races_with(const std::string& key) {
  return R"([{"function": "Parallel", "mode": "first", "output_variable": "winner", "branches": {
      "late": [{"function": "cache_get", "key": ")" +
         key + R"(", "output_variable": "a"}],
      "quick": [{"function": "cache_get", "key": "quick", "output_variable": "b"}]}},
    {"function": "Response", "body": "{{winner}}"}])";
}

Value body_of(const Outcome& outcome) { return outcome.response ? outcome.response->body : Value("no response"); }

}  // namespace

TEST_CASE("a run's commands are performed on its caller's thread, by a loop that the next run finds again") {
  auto seen = std::make_shared<LoopCache::Seen>();
  {
    const Engine engine({.cache = loop_cache(seen)});
    const Program program = load(engine, asks_twice);
    CHECK(body_of(engine.run(program)) == Value("one two"));
    std::thread([&] { CHECK(body_of(engine.run(program)) == Value("one two")); }).join();
    CHECK(body_of(engine.run(program)) == Value("one two"));
    CHECK(seen->loops == 1);
    CHECK(seen->loops_gone == 0);
  }
  CHECK(seen->loops_gone == 1);
  CHECK(seen->foreign == 0);
  CHECK(seen->shared == 0);
}

TEST_CASE("callers at once have a loop each, up to a number of them; the others share the backend's own way") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const int most = static_cast<int>(std::max<unsigned>(2 * std::thread::hardware_concurrency(), 4));
  Engine engine({.cache = loop_cache(seen)});
  Program program;
  int depth = 0;
  // Each run is within the one before it.
  engine.add_function("deeper", [&](const Value&) -> Result<Value> {
    if (++depth == most + 3) return Value();
    return body_of(engine.run(program));
  });
  program = load(engine, R"([
    {"function": "deeper"},
    {"function": "cache_get", "key": "one", "output_variable": "one"},
    {"function": "Response", "body": "{{one}}"}])");
  CHECK(body_of(engine.run(program)) == Value("one"));
  CHECK(seen->loops == most);
  CHECK(seen->shared == 3);
  CHECK(seen->foreign == 0);
  depth = most + 2;
  CHECK(body_of(engine.run(program)) == Value("one"));
  CHECK(seen->loops == most);
  CHECK(seen->shared == 3);
}

TEST_CASE("what a run no longer wanted has ended when run returns") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const Engine engine({.cache = loop_cache(seen)});
  const Program program = load(engine, races_with("slow"));
  CHECK(body_of(engine.run(program)) == Value("quick"));
  CHECK(seen->stopped == 1);
  CHECK(body_of(engine.run(program)) == Value("quick"));
  CHECK(seen->stopped == 2);
  CHECK(seen->loops == 1);
}

TEST_CASE("a loop whose backend does not stop is not lent again") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const Engine engine({.cache = loop_cache(seen)});
  CHECK(body_of(engine.run(load(engine, races_with("deaf")))) == Value("quick"));
  CHECK(seen->loops_gone == 1);
  CHECK(body_of(engine.run(load(engine, asks_twice))) == Value("one two"));
  CHECK(seen->loops == 2);
  CHECK(seen->loops_gone == 1);
}

TEST_CASE("a run on its caller's thread can be cancelled and timed out while it waits for a backend") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const Engine engine({.cache = loop_cache(seen)});
  const Program program = load(engine, R"([{"function": "cache_get", "key": "slow", "output_variable": "a"}])");
  RunOptions limited;
  limited.timeout_ms = 20;
  const Outcome late = engine.run(program, Value::object(), limited);
  REQUIRE(late.error);
  CHECK(late.error->message == "timeout: the run takes more than 20 ms");
  CHECK(seen->stopped == 1);

  std::stop_source stop;
  RunOptions stoppable;
  stoppable.stop = stop.get_token();
  std::thread stranger([&] { stop.request_stop(); });
  const Outcome cancelled = engine.run(program, Value::object(), stoppable);
  stranger.join();
  CHECK(cancelled.status == Outcome::Status::cancelled);
  CHECK(body_of(engine.run(load(engine, asks_twice))) == Value("one two"));
  CHECK(seen->loops == 1);
}
