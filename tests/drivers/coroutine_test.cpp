// co_await of a run. Built where the compiler's coroutines are sound.
#include <fnstack/coroutine.hpp>

#include <exception>
#include <future>

#include "support/catch.hpp"
#include "support/load.hpp"

using namespace fnstack;
using fnstack::testing::load;

namespace {

// Runs by itself and tells its end through a promise.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

Detached count_to(const Engine& engine, Program program, std::int64_t n, std::promise<std::int64_t>& counted) {
  std::int64_t last = 0;
  while (last < n) {
    const Outcome outcome = co_await async_run(engine, program);
    if (outcome.status != Outcome::Status::completed) break;
    last = outcome.variables.get("n").as_integer();
  }
  counted.set_value(last);
}

}  // namespace

TEST_CASE("a coroutine waits for one run after another") {
  Engine engine({.loop_threads = 2});
  const Program program = load(engine, R"([{"function": "cache_incr", "key": "n", "output_variable": "n"}])");
  std::promise<std::int64_t> counted;
  count_to(engine, program, 1'000, counted);
  CHECK(counted.get_future().get() == 1'000);
}

TEST_CASE("a coroutine whose run is refused goes on at once") {
  Engine engine({.max_runs = 0});
  const Program program = load(engine, R"([{"function": "Response", "body": 1}])");
  std::promise<std::int64_t> counted;
  count_to(engine, program, 1, counted);
  CHECK(counted.get_future().get() == 0);
}
