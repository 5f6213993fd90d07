// Engine::run performs what it can on its caller's thread, with loops that are kept from run to run.
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"
#include "support/load.hpp"

using namespace fnstack;
using fnstack::testing::load;

namespace {

// A cache that works on loops. It answers with the key in a turn; "slow" only once it is told to stop, "deaf" never.
class LoopCache final : public Cache {
 public:
  struct Seen {
    std::atomic<int> loops = 0, loops_gone = 0, foreign = 0, shared = 0, stopped = 0;
  };
  explicit LoopCache(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}

  void send(CacheCommand command, const Call&, Reply<Value> reply) override {
    ++seen_->shared;
    reply(Value::object({{"text", Value("\"" + command.key + "\"")}}));
  }
  OnLoop<Cache> on_loop() override {
    ++seen_->loops;
    auto work = std::make_shared<Work>(seen_);
    return {std::make_shared<Bound>(work), work};
  }

 private:
  struct Command {
    std::string key;
    std::stop_token stop;
    Reply<Value> reply;
    std::thread::id from;
  };
  struct Work final : LoopWork {
    explicit Work(std::shared_ptr<Seen> all) : seen(std::move(all)), event(::eventfd(0, EFD_NONBLOCK)) {}
    ~Work() override {
      ++seen->loops_gone;
      ::close(event);
    }
    [[nodiscard]] int descriptor() const noexcept override { return event; }
    std::chrono::steady_clock::time_point turn() override {
      for (Command& command : std::exchange(commands, {})) {
        if (command.from != std::this_thread::get_id()) ++seen->foreign;
        if (command.key == "deaf" || (command.key == "slow" && !command.stop.stop_requested())) {
          commands.push_back(std::move(command));
        } else if (command.key == "slow") {
          ++seen->stopped;
          command.reply(make_error(error_type::cancelled, "stopped"));
        } else {
          command.reply(Value::object({{"text", Value("\"" + command.key + "\"")}}));
        }
      }
      return std::chrono::steady_clock::time_point::max();
    }

    std::shared_ptr<Seen> seen;
    int event;
    std::vector<Command> commands;
  };
  struct Bound final : Cache {
    explicit Bound(std::shared_ptr<Work> by) : work(std::move(by)) {}
    void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
      work->commands.push_back({std::move(command.key), call.stop, std::move(reply), std::this_thread::get_id()});
    }
    std::shared_ptr<Work> work;
  };

  std::shared_ptr<Seen> seen_;
};

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
    const Engine engine({.cache = std::make_shared<LoopCache>(seen)});
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
  Engine engine({.cache = std::make_shared<LoopCache>(seen)});
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
  const Engine engine({.cache = std::make_shared<LoopCache>(seen)});
  const Program program = load(engine, races_with("slow"));
  CHECK(body_of(engine.run(program)) == Value("quick"));
  CHECK(seen->stopped == 1);
  CHECK(body_of(engine.run(program)) == Value("quick"));
  CHECK(seen->stopped == 2);
  CHECK(seen->loops == 1);
}

TEST_CASE("a loop whose backend does not stop is not lent again") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const Engine engine({.cache = std::make_shared<LoopCache>(seen)});
  CHECK(body_of(engine.run(load(engine, races_with("deaf")))) == Value("quick"));
  CHECK(seen->loops_gone == 1);
  CHECK(body_of(engine.run(load(engine, asks_twice))) == Value("one two"));
  CHECK(seen->loops == 2);
  CHECK(seen->loops_gone == 1);
}

TEST_CASE("a run on its caller's thread can be cancelled and timed out while it waits for a backend") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const Engine engine({.cache = std::make_shared<LoopCache>(seen)});
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
