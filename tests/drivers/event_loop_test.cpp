// Many runs at once: Engine::start and what it promises.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"
#include "support/load.hpp"
#include "support/loop_cache.hpp"

using namespace fnstack;
using fnstack::testing::load;
using fnstack::testing::LoopCache;

namespace {

constexpr auto patience = std::chrono::seconds(60);

// How runs ended, in the order they did.
class Ends {
 public:
  // The callback of one of them; counts how often it is called.
  std::function<void(Outcome)> of(int name) {
    return [this, name](Outcome outcome) {
      const std::lock_guard lock(mutex_);
      order_.push_back(name);
      outcomes_[name] = std::move(outcome);
      changed_.notify_all();
    };
  }
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return order_.size() >= count; });
  }
  std::vector<int> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  Outcome outcome(int name) {
    const std::lock_guard lock(mutex_);
    return outcomes_.at(name);
  }
  std::size_t count(Outcome::Status status) {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto& [name, outcome] : outcomes_) found += outcome.status == status ? 1 : 0;
    return found;
  }
  // Each one's, and no more.
  bool each_once(std::size_t count) {
    const std::lock_guard lock(mutex_);
    return order_.size() == count && outcomes_.size() == count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> order_;
  std::map<int, Outcome> outcomes_;
};

// Keeps the calls of a host function until they are answered.
class Held {
 public:
  HostFunction function() {
    return [this](Value arguments, const Call& call, Reply<Value> reply) {
      const std::lock_guard lock(mutex_);
      calls_.push_back({std::move(arguments), call.stop, std::move(reply)});
      changed_.notify_all();
    };
  }
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return calls_.size() >= count; });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  std::size_t stopped() {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const One& one : calls_) found += one.stop.stop_requested() ? 1 : 0;
    return found;
  }
  // Answers each with its argument "n", and forgets them.
  void answer() {
    std::vector<One> calls;
    {
      const std::lock_guard lock(mutex_);
      calls.swap(calls_);
    }
    for (One& one : calls) one.reply(one.arguments.get("n"));
  }

 private:
  struct One {
    Value arguments;
    std::stop_token stop;
    Reply<Value> reply;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<One> calls_;
};

// Performs host calls on a few threads of its own.
class Pool {
 public:
  explicit Pool(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  HostFunction function() {
    return [this](Value arguments, const Call&, Reply<Value> reply) {
      const std::lock_guard lock(mutex_);
      calls_.emplace_back(std::move(arguments), std::move(reply));
      changed_.notify_one();
    };
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closing_ || !calls_.empty(); });
      if (calls_.empty()) return;
      auto [arguments, reply] = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      reply(arguments.get("n"));
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Value, Reply<Value>>> calls_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

constexpr const char* ask_twice = R"([
  {"function": "ask", "n": "{{inputs.n}}", "output_variable": "a"},
  {"function": "ask", "n": "{{a + 1}}", "output_variable": "b"},
  {"function": "Response", "body": "{{a}} {{b}}"}])";
constexpr const char* ask_once = R"([{"function": "ask", "n": "{{inputs.n}}", "output_variable": "answer"}])";
constexpr const char* wait_an_hour = R"([{"function": "Wait", "duration_seconds": 3600}])";

Value number(int n) { return Value::object({{"n", n}}); }

}  // namespace

TEST_CASE("many runs are under way at once, answered from other threads") {
  Pool pool(3);
  Ends ends;
  Engine engine({.loop_threads = 2});
  engine.add_function("ask", pool.function());
  const Program program = load(engine, ask_twice);
  constexpr int runs = 2'000;
  for (int i = 0; i < runs; ++i) engine.start(program, number(i), ends.of(i));
  CHECK(!engine.drain());
  REQUIRE(ends.each_once(runs));
  int wrong = 0;
  for (int i = 0; i < runs; ++i) {
    const Outcome outcome = ends.outcome(i);
    const Value expected(std::to_string(i) + " " + std::to_string(i + 1));
    if (!outcome.response || outcome.response->body != expected) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a future is an outcome that comes later") {
  Engine engine;
  const Program program = load(engine, R"([{"function": "Response", "body": "{{inputs.n * 2}}"}])");
  std::future<Outcome> future = engine.start(program, number(21));
  const Outcome outcome = future.get();
  REQUIRE(outcome.response);
  CHECK(outcome.response->body == Value(42));
  // A start that does not fit the program is told in the same way.
  const Outcome failed = engine.start(program, number(1), {.flow = "nobody"}).get();
  CHECK(failed.status == Outcome::Status::failed);
  CHECK(failed.error->message == "the program has no flow \"nobody\"");
}

TEST_CASE("runs wait together, and take no thread while they do") {
  Ends ends;
  Engine engine({.loop_threads = 1});
  const Program program = load(engine, R"([{"function": "Wait", "duration_seconds": 0.3}])");
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) engine.start(program, Value::object(), ends.of(i));
  engine.drain();
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(ends.count(Outcome::Status::completed) == 1'000);
  CHECK(took >= std::chrono::milliseconds(300));
  CHECK(took < std::chrono::seconds(30));  // one after another: 300 s
}

TEST_CASE("a run that computes for long lets short ones go first") {
  Ends ends;
  Held held;
  EngineOptions options{.loop_threads = 1};
  options.limits.steps = 5'000'000;
  Engine engine(std::move(options));
  engine.add_function("ask", held.function());
  const Program hungry = load(engine, R"([{"function": "ask", "n": 1}, {"function": "Loop", "times": 200000, "steps": [
    {"function": "Create Variable", "name": "x", "value": "{{item * 2}}"}]}])");
  const Program lively = load(engine, R"([{"function": "ask", "n": 1}, {"function": "Loop", "times": 3, "steps": [
    {"function": "cache_incr", "key": "n"}]}])");
  for (int i = 0; i < 3; ++i) engine.start(hungry, Value::object(), ends.of(i));
  for (int i = 10; i < 30; ++i) engine.start(lively, Value::object(), ends.of(i));
  // All of them begin to work in the same turn.
  REQUIRE(held.wait_for(23));
  held.answer();
  REQUIRE(ends.wait_for(23));
  const std::vector<int> order = ends.order();
  for (std::size_t i = 0; i < 20; ++i) CHECK(order[i] >= 10);
  CHECK(ends.count(Outcome::Status::completed) == 23);
}

TEST_CASE("a run that asks its cache without end does not keep others from their turn") {
  Ends ends;
  std::stop_source stop;
  Engine engine({.loop_threads = 1});
  const Program endless = load(
      engine,
      R"([{"function": "Loop", "condition": "{{true}}", "max_iterations": 9000000000000, "steps": [{"function": "cache_incr", "key": "n"}]}])");
  const Program small = load(engine, R"([{"function": "Response", "body": 1}])");
  engine.start(endless, Value::object(), ends.of(0), {.stop = stop.get_token()});
  for (int i = 1; i <= 5; ++i) {
    engine.start(small, Value::object(), ends.of(i));
    REQUIRE(ends.wait_for(static_cast<std::size_t>(i)));
  }
  stop.request_stop();
  engine.drain();
  CHECK(ends.order() == std::vector<int>{1, 2, 3, 4, 5, 0});
  CHECK(ends.outcome(0).status == Outcome::Status::cancelled);
}

TEST_CASE("beyond max_runs a start is answered at once, on its own thread") {
  Held held;
  Ends ends;
  Engine engine({.max_runs = 2});
  engine.add_function("ask", held.function());
  const Program program = load(engine, ask_once);
  engine.start(program, number(1), ends.of(1));
  engine.start(program, number(2), ends.of(2));
  std::optional<Outcome> refused;
  std::thread::id thread;
  engine.start(program, number(3), [&](Outcome outcome) {
    refused = std::move(outcome);
    thread = std::this_thread::get_id();
  });
  REQUIRE(refused);
  CHECK(thread == std::this_thread::get_id());
  CHECK(refused->status == Outcome::Status::failed);
  CHECK(refused->error->type == "limit");
  CHECK(refused->error->message == "max_runs: 2 runs are under way already");
  REQUIRE(held.wait_for(2));
  held.answer();
  engine.drain();
  // There is room again, also within the callback of the run that made it.
  std::promise<Outcome> second;
  engine.start(program, number(4), [&](Outcome) {
    engine.start(program, number(5), [&](Outcome outcome) { second.set_value(std::move(outcome)); });
  });
  REQUIRE(held.wait_for(1));
  engine.start(program, number(6), ends.of(6));
  REQUIRE(held.wait_for(2));
  held.answer();
  REQUIRE(held.wait_for(1));
  held.answer();
  CHECK(second.get_future().get().status == Outcome::Status::completed);
}

TEST_CASE("one run is cancelled by its stop token, the others go on") {
  Held held;
  Ends ends;
  std::stop_source stop;
  Engine engine({.loop_threads = 2});
  engine.add_function("ask", held.function());
  const Program program = load(engine, ask_once);
  engine.start(program, number(1), ends.of(1), {.stop = stop.get_token()});
  engine.start(program, number(2), ends.of(2));
  engine.start(load(engine, wait_an_hour), Value::object(), ends.of(3), {.stop = stop.get_token()});
  REQUIRE(held.wait_for(2));
  stop.request_stop();
  REQUIRE(ends.wait_for(2));
  CHECK(ends.outcome(1).status == Outcome::Status::cancelled);
  CHECK(ends.outcome(3).status == Outcome::Status::cancelled);
  CHECK(held.stopped() == 1);
  held.answer();  // also the one that nobody waits for any more
  engine.drain();
  CHECK(ends.outcome(2).status == Outcome::Status::completed);
  // Stopped before it was started, it does nothing.
  const Outcome outcome = engine.start(program, number(4), {.stop = stop.get_token()}).get();
  CHECK(outcome.status == Outcome::Status::cancelled);
  CHECK(outcome.effects == 0);
  CHECK(held.count() == 0);
}

TEST_CASE("all runs are cancelled at once, and later ones are not") {
  Held held;
  Ends ends;
  Engine engine({.loop_threads = 2});
  engine.add_function("ask", held.function());
  const Program asking = load(engine, ask_once);
  const Program waiting = load(engine, wait_an_hour);
  for (int i = 0; i < 100; ++i) engine.start(i % 2 == 0 ? asking : waiting, number(i), ends.of(i));
  engine.cancel_all();
  engine.drain();
  CHECK(ends.each_once(100));
  CHECK(ends.count(Outcome::Status::cancelled) == 100);
  held.answer();
  std::future<Outcome> next = engine.start(asking, number(7));
  REQUIRE(held.wait_for(1));
  held.answer();
  CHECK(next.get().variables.get("answer") == Value(7));
}

TEST_CASE("time limits end a run of the event loop too") {
  Held held;
  EngineOptions options;
  options.limits.wall_s = 1;
  Engine engine(std::move(options));
  engine.add_function("ask", held.function());
  const Program asking = load(engine, ask_once);
  const Program waiting = load(engine, R"([{"function": "Wait", "duration_seconds": 1.3}])");
  const Program computing = load(
      engine,
      R"([{"function": "Loop", "condition": "{{true}}", "max_iterations": 9000000000000, "steps": [{"function": "Create Variable", "name": "x", "value": 1}]}])");
  Limits much = Limits();
  much.steps = INT64_MAX;
  auto silent = engine.start(asking, number(1));
  auto asleep = engine.start(load(engine, wait_an_hour), Value::object(), {.timeout_ms = 50});
  auto rested = engine.start(waiting);
  auto busy = engine.start(computing, Value::object(), {.timeout_ms = 50, .limits = &much});
  CHECK(asleep.get().error->message == "timeout: the run takes more than 50 ms");
  CHECK(busy.get().error->message == "timeout: the run takes more than 50 ms");
  const Outcome outcome = silent.get();
  CHECK(outcome.status == Outcome::Status::failed);
  CHECK(outcome.error->type == "limit");
  CHECK(outcome.error->message == "wall_s: the run takes more than 1 s");
  CHECK(held.stopped() == 1);
  CHECK(rested.get().status == Outcome::Status::completed);  // a wait is not work
}

TEST_CASE("an engine that goes cancels what is under way and waits for its end") {
  Held held;
  Ends ends;
  Program asking;
  {
    Engine engine({.loop_threads = 2});
    engine.add_function("ask", held.function());
    asking = load(engine, ask_once);
    const Program waiting = load(engine, wait_an_hour);
    for (int i = 0; i < 200; ++i) engine.start(i % 2 == 0 ? asking : waiting, number(i), ends.of(i));
    // One that starts another whenever one ends, until it is told that there is an end.
    std::function<void(Outcome)> again = [&, n = 1'000](Outcome outcome) mutable {
      ends.of(n++)(outcome);
      if (outcome.status == Outcome::Status::completed) engine.start(asking, number(0), again);
    };
    engine.start(asking, number(0), again);
    REQUIRE(held.wait_for(101));
  }
  CHECK(ends.each_once(201));
  CHECK(ends.count(Outcome::Status::cancelled) == 201);
  CHECK(held.stopped() == 101);
  held.answer();  // nobody is there
}

TEST_CASE("while an engine goes, a callback that starts another run is told so at once") {
  Held held;
  std::vector<std::string> told;
  Program asking;  // the callback needs it while the engine goes
  {
    Engine engine({.loop_threads = 1});
    engine.add_function("ask", held.function());
    asking = load(engine, ask_once);
    engine.start(asking, number(0), [&](Outcome outcome) {
      told.push_back(outcome.error->message);
      engine.start(asking, number(0), [&](Outcome second) { told.push_back(second.error->message); });
    });
    REQUIRE(held.wait_for(1));
  }
  CHECK(told == std::vector<std::string>{"the run was cancelled", "the engine is shutting down"});
}

TEST_CASE("the last handle of an engine may go in a callback") {
  std::promise<void> ended;
  auto alive = std::make_shared<int>(1);
  {
    auto engine = std::make_shared<Engine>(EngineOptions{.loop_threads = 2});
    engine->add_function("hold", [alive](const Value&) -> Result<Value> { return Value(); });
    const Program program = load(*engine, R"([{"function": "hold"}])");
    const Program waiting = load(*engine, wait_an_hour);
    engine->start(waiting, Value::object(), [&](Outcome) { ended.set_value(); });
    // The callback's copy is the last one: ours is gone when the run has ended, or goes first.
    engine->start(program, Value::object(), [handle = engine](Outcome) {});
  }
  // The other run is cancelled, and all that the engine held is let go of.
  CHECK(ended.get_future().wait_for(patience) == std::future_status::ready);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (alive.use_count() > 1 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(alive.use_count() == 1);
}

TEST_CASE("what a callback throws is dropped and the loop goes on") {
  Engine engine({.loop_threads = 1});
  const Program program = load(engine, R"([{"function": "Response", "body": 1}])");
  std::atomic<int> called = 0;
  for (int i = 0; i < 3; ++i) {
    engine.start(program, Value::object(), [&called](Outcome) {
      ++called;
      throw std::runtime_error("no");
    });
  }
  engine.drain();
  CHECK(called == 3);
  CHECK(engine.start(program).get().status == Outcome::Status::completed);
}

TEST_CASE("what a step kind of the host throws ends its run alone") {
  Engine engine;
  StepKind kind;
  kind.name = "Explode";
  kind.compute = [](Fields&) -> Result<Value> { throw std::runtime_error("bang"); };
  REQUIRE(engine.add_step_kind(std::move(kind)));
  const Program program = load(engine, R"([{"function": "Explode"}])");
  for (const Outcome& outcome : {engine.run(program), engine.start(program).get()}) {
    CHECK(outcome.status == Outcome::Status::failed);
    REQUIRE(outcome.error);
    CHECK(outcome.error->type == "function");
    CHECK(outcome.error->message == "bang");
  }
}

TEST_CASE("a chain of runs, each started by the last one's callback, does not deepen the stack") {
  Engine engine({.loop_threads = 2});
  const Program program = load(engine, R"([{"function": "cache_incr", "key": "n", "output_variable": "n"}])");
  std::promise<std::int64_t> last;
  std::function<void(Outcome)> next = [&](Outcome outcome) {
    const std::int64_t n = outcome.variables.get("n").as_integer();
    if (n == 100'000) return last.set_value(n);
    engine.start(program, Value::object(), next);
  };
  engine.start(program, Value::object(), next);
  CHECK(last.get_future().get() == 100'000);
  engine.drain();
}

TEST_CASE("whatever blocks is refused on a thread of the loop") {
  Engine engine;
  const Program small = load(engine, R"([{"function": "Response", "body": 1}])");
  engine.add_function("nested", [&](const Value&) -> Result<Value> {
    const Outcome outcome = engine.run(small);
    return outcome.error ? Value(outcome.error->message) : Value("ran");
  });
  const Program nesting = load(engine, R"([{"function": "nested", "output_variable": "said"}])");
  const Value refused("run: called on a thread of an event loop, where nothing may be waited for; use start");
  std::promise<std::pair<Outcome, std::optional<Fault>>> told;
  engine.start(nesting, Value::object(), [&](Outcome outcome) {
    CHECK(engine.run(small).error->message == refused.as_string());
    told.set_value({std::move(outcome), engine.drain()});
  });
  const auto [outcome, fault] = told.get_future().get();
  CHECK(outcome.variables.get("said") == refused);
  REQUIRE(fault);
  CHECK(fault->kind == Fault::Kind::usage);
  CHECK(fault->message == "drain: called on a thread of an event loop, where nothing may be waited for");
  // On a thread of the host's own it is as ever.
  CHECK(engine.run(nesting).variables.get("said") == Value("ran"));
}

TEST_CASE("with a clock of its own, time passes for many runs together") {
  Held held;
  Ends ends;
  Engine engine({.clock = manual_clock(1'000'000), .loop_threads = 4});
  engine.add_function("ask", held.function());
  // While one run asks, time stands still: so all begin at the same time.
  engine.start(load(engine, ask_once), number(0), ends.of(0));
  const Program program = load(engine, R"([
    {"function": "Wait", "duration_seconds": "{{inputs.n * 3600}}"},
    {"function": "Response", "body": "{{timestamp}}"}])");
  for (int i = 100; i > 0; --i) engine.start(program, number(i), ends.of(i));
  REQUIRE(held.wait_for(1));
  held.answer();
  engine.drain();
  std::vector<int> expected;
  for (int i = 0; i <= 100; ++i) expected.push_back(i);
  CHECK(ends.order() == expected);
  int wrong = 0;
  for (int i = 1; i <= 100; ++i) {
    if (ends.outcome(i).response->body != Value(1'000'000 + std::int64_t{i} * 3'600'000)) ++wrong;
  }
  CHECK(wrong == 0);
}

namespace {

// A clock on which an hour passes for real, or until it is told to stop.
class SleepingClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override { return now_; }
  void sleep(std::int64_t duration_ms, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    ++sleeping_;
    changed_.notify_all();
    stopped_.wait_for(lock, stop, patience, [] { return false; });
    if (!stop.stop_requested()) now_ += duration_ms;
    --sleeping_;
  }
  void wait_until_asleep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return sleeping_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable_any stopped_;
  std::atomic<std::int64_t> now_ = 0;
  int sleeping_ = 0;
};

}  // namespace

TEST_CASE("a clock that sleeps is woken by whatever arrives") {
  auto clock = std::make_shared<SleepingClock>();
  Ends ends;
  Engine engine({.clock = clock});
  engine.start(load(engine, wait_an_hour), Value::object(), ends.of(1));
  clock->wait_until_asleep();
  engine.start(load(engine, R"([{"function": "Response", "body": 1}])"), Value::object(), ends.of(2));
  REQUIRE(ends.wait_for(1));
  CHECK(ends.order() == std::vector<int>{2});
  clock->wait_until_asleep();
  engine.cancel_all();
  engine.drain();
  CHECK(ends.outcome(1).status == Outcome::Status::cancelled);
}

TEST_CASE("background tasks are runs of the event loop") {
  Held held;
  std::atomic<int> begun = 0;
  {
    Engine engine({.max_runs = 3});
    engine.add_function("ask", held.function());
    engine.add_function("begun", [&](const Value&) -> Result<Value> {
      ++begun;
      return Value();
    });
    const Program program = load(engine, R"({
      "main": {"function_name": "main", "steps": [{"function": "Loop", "times": "{{inputs.n}}", "steps": [
        {"function": "Background Task", "task": "job", "delay": "{{inputs.delay}}", "output_variable": "id"}]}]},
      "job": {"function_name": "job", "steps": [{"function": "begun"}, {"function": "ask", "n": 1}]}})");
    const auto run = [&](int n, int delay) {
      return engine.run(program, Value::object({{"n", n}, {"delay", delay}}), {.flow = "main"});
    };
    CHECK(run(1, 3'600).status == Outcome::Status::completed);
    CHECK(run(2, 0).status == Outcome::Status::completed);
    REQUIRE(held.wait_for(2));
    // Three are under way, one of them delayed.
    const Outcome full = run(1, 0);
    CHECK(full.status == Outcome::Status::failed);
    CHECK(full.error->type == "limit");
    CHECK(full.error->message == "background tasks: max_runs: 3 runs are under way already");
    CHECK(held.stopped() == 0);
  }
  CHECK(held.stopped() == 2);
  CHECK(begun == 2);  // the delayed one never
}

TEST_CASE("a delayed background task begins with the time it is then") {
  Engine engine({.clock = manual_clock(5'000)});
  std::promise<Value> seen;
  engine.add_function("note", [&](const Value& arguments) -> Result<Value> {
    seen.set_value(arguments.get("at"));
    return Value();
  });
  const Program program = load(engine, R"({
    "main": {"function_name": "main", "steps": [{"function": "Background Task", "task": "job", "delay": 60}]},
    "job": {"function_name": "job", "steps": [{"function": "note", "at": "{{timestamp}}"}]}})");
  CHECK(engine.start(program, Value::object(), {.flow = "main"}).get().status == Outcome::Status::completed);
  CHECK(seen.get_future().get() == Value(65'000));
  engine.drain();
}

namespace {

// Keeps commands until they are answered, and knows how many it had at most.
class HeldDatabase final : public Database {
 public:
  void send(DatabaseCommand command, const Call&, Reply<Value> reply) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(to_json(command.record_id));
    most_ = std::max(most_, replies_.size() + 1);
    replies_.push_back(std::move(reply));
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return replies_.size() >= count; });
  }
  void answer(std::size_t count) {
    std::deque<Reply<Value>> replies;
    {
      const std::lock_guard lock(mutex_);
      for (; count > 0 && !replies_.empty(); --count) {
        replies.push_back(std::move(replies_.front()));
        replies_.pop_front();
      }
    }
    for (auto& reply : replies) reply(Value::object());
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::size_t most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Reply<Value>> replies_;
  std::vector<std::string> asked_;
  std::size_t most_ = 0;
};

}  // namespace

TEST_CASE("requests beyond max_effects wait in the loop, in order") {
  auto database = std::make_shared<HeldDatabase>();
  Ends ends;
  std::stop_source stop;
  Engine engine({.database = database, .loop_threads = 1, .max_effects = 2});
  const Program program = load(engine, R"([{"function": "Get Record", "table": "t", "record_id": "{{inputs.n}}"}])");
  for (int i = 1; i <= 6; ++i) {
    engine.start(program, number(i), ends.of(i), {.stop = i == 4 ? stop.get_token() : std::stop_token()});
  }
  REQUIRE(database->wait_for(2));
  stop.request_stop();  // one that still waits: it is never asked
  REQUIRE(ends.wait_for(1));
  for (int i = 0; i < 5; ++i) {
    REQUIRE(database->wait_for(1));
    database->answer(1);
  }
  engine.drain();
  CHECK(database->most() == 2);
  CHECK(database->asked() == std::vector<std::string>{"1", "2", "3", "5", "6"});
  CHECK(ends.outcome(4).status == Outcome::Status::cancelled);
  CHECK(ends.count(Outcome::Status::completed) == 5);
}

TEST_CASE("what belongs to a transaction does not wait behind those who wait for its end") {
  auto database = std::make_shared<HeldDatabase>();
  Ends ends;
  Engine engine({.database = database, .loop_threads = 1, .max_effects = 2});
  const Program transaction = load(engine, R"([{"function": "Database Transaction", "steps": [
    {"function": "Get Record", "table": "t", "record_id": 1}]}])");
  const Program query = load(engine, R"([{"function": "Get Record", "table": "t", "record_id": 2}])");
  engine.start(transaction, Value::object(), ends.of(1));
  REQUIRE(database->wait_for(1));
  engine.start(query, Value::object(), ends.of(2));
  engine.start(query, Value::object(), ends.of(3));
  REQUIRE(database->wait_for(2));
  database->answer(1);  // begin; then the queries are all that may be under way, and the transaction's command goes out
  REQUIRE(database->wait_for(3));
  const auto asked = database->asked();
  CHECK(std::count(asked.begin(), asked.end(), "1") == 1);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(database->wait_for(1));
    database->answer(1);
  }
  engine.drain();
  CHECK(ends.count(Outcome::Status::completed) == 3);
}

TEST_CASE("a backend that works on a loop's thread is turned there") {
  auto seen = std::make_shared<LoopCache::Seen>();
  const auto half = [](const std::string& key) {
    return key.size() % 2 == 0 ? LoopCache::Answer::by_descriptor : LoopCache::Answer::by_time;
  };
  {
    Ends ends;
    Engine engine({.cache = std::make_shared<LoopCache>(seen, half), .loop_threads = 2});
    const Program program = load(engine, R"([
      {"function": "cache_get", "key": "{{inputs.n}}", "output_variable": "one"},
      {"function": "cache_get", "key": "{{inputs.n}}0", "output_variable": "two"},
      {"function": "Response", "body": "{{one}} {{two}}"}])");
    for (int i = 0; i < 200; ++i) engine.start(program, number(i), ends.of(i));
    engine.drain();
    int wrong = 0;
    for (int i = 0; i < 200; ++i) {
      const Outcome outcome = ends.outcome(i);
      const std::string n = std::to_string(i);
      if (!outcome.response || outcome.response->body != Value(n + " " + n + "0")) ++wrong;
    }
    CHECK(wrong == 0);
    // What is outstanding when the engine goes is dropped with the loop, on its thread.
    for (int i = 0; i < 10; ++i) engine.start(program, number(i), [](Outcome) {});
  }
  CHECK(seen->loops == 2);
  CHECK(seen->loops_gone == 2);
  CHECK(seen->foreign == 0);
  CHECK(seen->moved == 0);
  CHECK(seen->shared == 0);
  CHECK(seen->turns > 0);
}

TEST_CASE("observers are told of runs of the event loop as of others") {
  class Counter final : public Observer {
   public:
    void on_event(const Event& event) noexcept override { ++counts_[static_cast<std::size_t>(event.kind)]; }
    int count(Event::Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

   private:
    std::array<std::atomic<int>, 16> counts_ = {};
  };
  auto counter = std::make_shared<Counter>();
  Engine engine({.observers = {counter}, .loop_threads = 2});
  const Program program =
      load(engine, R"([{"function": "cache_incr", "key": "n"}, {"function": "Wait", "duration_seconds": 0.001}])");
  for (int i = 0; i < 50; ++i) engine.start(program, Value::object(), nullptr);
  engine.drain();
  CHECK(counter->count(Event::Kind::run_started) == 50);
  CHECK(counter->count(Event::Kind::step) == 100);
  CHECK(counter->count(Event::Kind::effect_started) == 100);
  CHECK(counter->count(Event::Kind::effect_ended) == 100);
  CHECK(counter->count(Event::Kind::run_ended) == 50);
}

namespace {

// Answers, or not, from threads of its own, in a random order.
class ScatteredHttp final : public HttpClient {
 public:
  explicit ScatteredHttp(unsigned seed) : random_(seed) {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { work(); });
  }
  ~ScatteredHttp() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void send(HttpRequest, const Call& call, Reply<HttpResponse> reply) override {
    const std::lock_guard lock(mutex_);
    if (random_() % 4 == 0) {  // inline
      return reply(HttpResponse{.status = 200, .headers = {}, .body = "1"});
    }
    waiting_.push_back({std::move(reply), call.stop});
    changed_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::size_t which = random_() % waiting_.size();
      std::swap(waiting_[which], waiting_.back());
      auto [reply, stop] = std::move(waiting_.back());
      waiting_.pop_back();
      const bool drops = random_() % 8 == 0;
      lock.unlock();
      if (stop.stop_requested()) {
        reply(make_error(error_type::cancelled, "stopped"));
      } else if (!drops) {
        reply(HttpResponse{.status = 200, .headers = {}, .body = "2"});
      }
      reply = {};
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937 random_;
  std::vector<std::pair<Reply<HttpResponse>, std::stop_token>> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("under random cancellation every run ends once, and nothing is left") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto http = std::make_shared<ScatteredHttp>(seed);
  auto alive = std::make_shared<int>(0);
  Pool pool(2);
  Ends ends;
  constexpr int runs = 3'000;
  {
    Engine engine({.http = http, .loop_threads = 3, .max_effects = 60});
    engine.add_function("ask", pool.function());
    const std::vector<Program> programs = {
        load(engine, ask_twice),
        load(
            engine,
            R"([{"function": "External API Request", "url": "https://a.example/", "retry": {"attempts": 3, "initial_ms": 1, "jitter": false}}])"),
        load(engine, R"([{"function": "Parallel", "mode": "settled", "branches": [
          [{"function": "External API Request", "url": "https://a.example/"}], [{"function": "Wait", "duration_seconds": 0.002}],
          [{"function": "ask", "n": 1}, {"function": "cache_incr", "key": "n"}]]}])"),
        load(engine, R"([{"function": "Parallel", "mode": "first", "branches": [
          [{"function": "External API Request", "url": "https://a.example/"}], [{"function": "Wait", "duration_seconds": 3600}],
          [{"function": "ask", "n": 1}]]}])"),
        load(engine, R"([{"function": "Database Transaction", "steps": [
          {"function": "Add Record", "table": "t", "data": {"n": 1}}, {"function": "Count Records", "table": "t"}]}])"),
        load(engine, R"([{"function": "Wait", "duration_seconds": 3600}])")};
    std::vector<std::stop_source> stops(64);
    for (int i = 0; i < runs; ++i) {
      const std::size_t which = random() % programs.size();
      std::stop_source& stop = stops[random() % stops.size()];
      if (random() % 8 == 0) {
        stop.request_stop();
        stop = std::stop_source();
      }
      if (random() % 500 == 0) engine.cancel_all();
      RunOptions options{.stop = stop.get_token()};
      if (random() % 4 == 0) options.timeout_ms = static_cast<std::int64_t>(1 + random() % 20);
      engine.start(
          programs[which], number(i), [end = ends.of(i), alive](Outcome outcome) { end(std::move(outcome)); }, options);
    }
    if (random() % 2 == 0) {
      for (std::stop_source& stop : stops) stop.request_stop();
      engine.cancel_all();
      engine.drain();
    }
  }
  CHECK(ends.each_once(runs));
  CHECK(alive.use_count() == 1);
  CHECK(ends.count(Outcome::Status::cancelled) > 0);
}
