// The blocking driver and the engine, end to end in this process.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"
#include "support/load.hpp"

using namespace fnstack;
using fnstack::testing::load;

namespace {

std::shared_ptr<HttpClient> always(int status, std::string body) {
  return callback_http([status, body](const HttpRequest&) -> Result<HttpResponse> {
    HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "application/json"}};
    response.body = body;
    return response;
  });
}

// Keeps its requests unanswered until it is stopped.
class SilentHttp final : public HttpClient {
 public:
  void send(HttpRequest, const Call& call, Reply<HttpResponse> reply) override {
    auto held = std::make_shared<Reply<HttpResponse>>(std::move(reply));
    {
      const std::lock_guard lock(mutex_);
      asked_ = true;
    }
    changed_.notify_all();
    waiting_ = std::make_unique<std::stop_callback<std::function<void()>>>(
        call.stop, [held] { (*held)(make_error(error_type::cancelled, "stopped")); });
  }
  void wait_until_asked() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  std::unique_ptr<std::stop_callback<std::function<void()>>> waiting_;
};

class Recorder final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    events.push_back(event);
  }
  std::mutex mutex_;
  std::vector<Event> events;
};

}  // namespace

TEST_CASE("an engine runs a definition with inputs, env and a response") {
  EngineOptions options;
  options.http = always(200, R"({"name":"Ada"})");
  options.env = Value::object({{"TOKEN", "t"}});
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([
    {"function": "External API Request", "url": "https://a.example/{{inputs.id}}", "headers": {"Authorization": "Bearer {{env.TOKEN}}"}, "output_variable": "user"},
    {"function": "Response", "status_code": 201, "body": {"hello": "{{user.name}}"}}])");
  const Outcome outcome = engine.run(program, Value::object({{"id", 7}}));
  REQUIRE(outcome.status == Outcome::Status::completed);
  REQUIRE(outcome.response);
  CHECK(outcome.response->status_code == 201);
  CHECK(to_json(outcome.response->body) == R"({"hello":"Ada"})");
  CHECK(outcome.steps == 2);
  CHECK(outcome.effects == 1);
}

TEST_CASE("a million inline replies don't deepen the stack") {
  EngineOptions options;
  options.limits.steps = 5'000'000;
  options.limits.passes = 2'000'000;
  const Engine engine(std::move(options));
  const Program program = load(
      engine,
      R"([{"function": "Loop", "times": 200000, "steps": [{"function": "cache_incr", "key": "n", "output_variable": "n"}]}])");
  const Outcome outcome = engine.run(program);
  REQUIRE(outcome.status == Outcome::Status::completed);
  CHECK(outcome.variables.get("n").as_integer() == 200'000);
}

TEST_CASE("a backend may block the caller of run() only when nothing else would have to wait") {
  struct Noting final : Cache {
    void send(CacheCommand, const Call& call, Reply<Value> reply) override {
      may_block.push_back(call.may_block);
      reply(Value());
    }
    std::vector<bool> may_block;
  };
  auto cache = std::make_shared<Noting>();
  EngineOptions options;
  options.cache = cache;
  const Engine engine(std::move(options));
  const Program alone = load(engine, R"([{"function": "Cache Get", "key": "a"}])");
  CHECK(engine.run(alone).status == Outcome::Status::completed);
  const std::stop_source stop;
  RunOptions stoppable;
  stoppable.stop = stop.get_token();
  CHECK(engine.run(alone, Value::object(), stoppable).status == Outcome::Status::completed);
  CHECK(engine.start(alone).get().status == Outcome::Status::completed);
  const Program beside = load(engine, R"([{"function": "Parallel", "branches": [
    [{"function": "Cache Get", "key": "a"}], [{"function": "Cache Get", "key": "b"}]]}])");
  CHECK(engine.run(beside).status == Outcome::Status::completed);
  CHECK(cache->may_block == std::vector<bool>{true, false, false, false, false});
}

TEST_CASE("a stop from another thread cancels a run that waits") {
  auto http = std::make_shared<SilentHttp>();
  EngineOptions options;
  options.http = http;
  const Engine engine(std::move(options));
  const Program program = load(
      engine,
      R"([{"function": "Try-Catch", "try_steps": [{"function": "External API Request", "url": "https://a.example/"}],
    "catch_steps": [{"function": "Response", "body": "caught"}]}])");
  std::stop_source stop;
  std::thread stopper([&] {
    http->wait_until_asked();
    stop.request_stop();
  });
  RunOptions run;
  run.stop = stop.get_token();
  const Outcome outcome = engine.run(program, Value::object(), run);
  stopper.join();
  CHECK(outcome.status == Outcome::Status::cancelled);
  CHECK(!outcome.response);
  REQUIRE(outcome.error);
  CHECK(outcome.error->type == "cancelled");
}

TEST_CASE("a run's timeout ends it as failed, type limit, and no Try-Catch sees it") {
  EngineOptions options;
  options.http = std::make_shared<SilentHttp>();
  const Engine engine(std::move(options));
  const Program program = load(
      engine,
      R"([{"function": "Try-Catch", "try_steps": [{"function": "External API Request", "url": "https://a.example/"}],
    "catch_steps": [{"function": "Response", "body": "caught"}]}])");
  RunOptions run;
  run.timeout_ms = 30;
  const Outcome outcome = engine.run(program, Value::object(), run);
  CHECK(outcome.status == Outcome::Status::failed);
  REQUIRE(outcome.error);
  CHECK(outcome.error->type == "limit");
  CHECK(outcome.error->message == "timeout: the run takes more than 30 ms");
}

TEST_CASE("a loop that never ends is cancelled by time too, also one whose backend answers at once") {
  EngineOptions options;
  options.limits.steps = INT64_MAX;
  const Engine engine(std::move(options));
  for (const char* step :
       {R"({"function": "Create Variable", "name": "x", "value": 1})", R"({"function": "cache_incr", "key": "n"})"}) {
    const Program program =
        load(engine, R"([{"function": "Loop", "condition": "{{true}}", "max_iterations": 9000000000000, "steps": [)" +
                         std::string(step) + "]}]");
    RunOptions run;
    run.timeout_ms = 50;
    const Outcome outcome = engine.run(program, Value::object(), run);
    CHECK(outcome.status == Outcome::Status::failed);
    CHECK(outcome.error->type == "limit");
  }
}

TEST_CASE("a stop is seen between one answer given at once and the next command") {
  std::stop_source stop;
  int commands = 0;
  EngineOptions options;
  options.database = callback_database([&](const DatabaseCommand&) -> Result<Value> {
    if (++commands == 100) stop.request_stop();
    return Value(commands);
  });
  const Engine engine(std::move(options));
  const Program program = load(
      engine,
      R"([{"function": "Loop", "times": 10000, "steps": [{"function": "count_records", "table": "t", "output_variable": "n"}]}])");
  RunOptions run;
  run.stop = stop.get_token();
  const Outcome outcome = engine.run(program, Value::object(), run);
  CHECK(outcome.status == Outcome::Status::cancelled);
  CHECK(commands == 100);
}

TEST_CASE("with a virtual clock an hour takes no time and the timestamp moves on") {
  EngineOptions options;
  options.clock = manual_clock(1'000'000);
  const Engine engine(std::move(options));
  const Program program = load(
      engine, R"([{"function": "Wait", "duration_seconds": 3600}, {"function": "Response", "body": "{{timestamp}}"}])");
  const Outcome outcome = engine.run(program);
  REQUIRE(outcome.response);
  CHECK(outcome.response->body == Value(1'000'000 + 3'600'000));
}

TEST_CASE("no two runs have the same id, also not of a process and its child") {
  const Engine engine;
  const Program program = load(engine, R"([{"function": "Response", "body": 1}])");
  const auto new_id = [&] { return engine.machine(program, Value::object()).run_id(); };
  const std::string first = new_id();
  CHECK(first.size() == 36);
  CHECK(first != new_id());
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string id = new_id();
    ::_exit(::write(ends[1], id.data(), id.size()) == static_cast<ssize_t>(id.size()) ? 0 : 1);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  std::string of_child(36, ' ');
  CHECK(::read(ends[0], of_child.data(), of_child.size()) == 36);
  CHECK(of_child != new_id());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("what a host function throws is an error of type function") {
  Engine engine;
  engine.add_function("bad", [](const Value&) -> Result<Value> { throw std::runtime_error("no luck"); });
  engine.add_function(
      "later", HostFunction([](Value arguments, const Call&, Reply<Value> reply) {
        std::thread([arguments, reply = std::move(reply)]() mutable { reply(arguments.get("x")); }).detach();
      }));
  engine.add_function("forgetful", HostFunction([](Value, const Call&, Reply<Value>) {}));
  const Program program = load(engine, R"([
    {"function": "later", "x": 5, "output_variable": "x"},
    {"function": "Try-Catch", "try_steps": [{"function": "bad"}], "catch_steps": [{"function": "Create Variable", "name": "first", "value": "{{error.type}}: {{error.message}}"}]},
    {"function": "Try-Catch", "try_steps": [{"function": "forgetful"}], "catch_steps": [{"function": "Create Variable", "name": "second", "value": "{{error.type}}"}]}])");
  const Outcome outcome = engine.run(program);
  REQUIRE(outcome.status == Outcome::Status::completed);
  CHECK(outcome.variables.get("x") == Value(5));
  CHECK(outcome.variables.get("first").as_string() == "function: bad: no luck");
  CHECK(outcome.variables.get("second").as_string() == "network");
}

TEST_CASE("many threads share one engine and one program") {
  EngineOptions options;
  options.http = always(200, "{}");
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([
    {"function": "External API Request", "url": "https://a.example/{{inputs.n}}"},
    {"function": "cache_incr", "key": "total"},
    {"function": "Add Record", "table": "seen", "data": {"n": "{{inputs.n}}"}, "output_variable": "row"},
    {"function": "Response", "body": "{{row.n}}"}])");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const Outcome outcome = engine.run(program, Value::object({{"n", t * 1000 + i}}));
        if (!outcome.response || outcome.response->body != Value(t * 1000 + i)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  const Program count = load(
      engine,
      R"([{"function": "cache_get", "key": "total", "output_variable": "total"}, {"function": "Count Records", "table": "seen", "output_variable": "rows"}])");
  const Outcome outcome = engine.run(count);
  CHECK(outcome.variables.get("total") == Value(400));
  CHECK(outcome.variables.get("rows") == Value(400));
}

TEST_CASE("observers are told steps, effects and the end, without secrets") {
  auto recorder = std::make_shared<Recorder>();
  EngineOptions options;
  options.http = always(500, R"({"message":"sorry"})");
  options.env = Value::object({{"KEY", "s3cr3t-value"}});
  options.observers = {recorder};
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([
    {"function": "Debug Log", "message": "key is {{env.KEY}}"},
    {"function": "External API Request", "url": "https://a.example/{{env.KEY}}?k={{env.KEY}}"}])");
  const Outcome outcome = engine.run(program);
  CHECK(outcome.status == Outcome::Status::failed);
  std::vector<std::string> kinds;
  std::string all;
  for (const Event& event : recorder->events) {
    kinds.emplace_back(name_of(event.kind));
    all += to_json_line(event, 8192) + "\n";
  }
  CHECK(kinds ==
        std::vector<std::string>{"run_started", "step", "log", "step", "effect_started", "effect_ended", "run_ended"});
  CHECK(all.find("s3cr3t") == std::string::npos);
  CHECK(all.find("key is [env.KEY]") != std::string::npos);
  CHECK(recorder->events[4].detail == "GET https://a.example/{…}");
  CHECK(recorder->events[5].outcome == "500");
}

TEST_CASE("secrets are masked in every form they travel in") {
  const SecretMask mask(Value::object({{"KEY", "a+b/c d\"e"}, {"SHORT", "abc"}}));
  CHECK(mask.apply_to_text("x a+b/c d\"e y") == "x [env.KEY] y");
  CHECK(mask.apply_to_text("q=a%2Bb%2Fc%20d%22e") == "q=[env.KEY]");
  CHECK(mask.apply_to_text("q=a%2bb%2fc%20d%22e") == "q=[env.KEY]");
  CHECK(mask.apply_to_text("q=a%2Bb%2Fc+d%22e") == "q=[env.KEY]");
  CHECK(mask.apply_to_text(R"({"k":"a+b/c d\"e"})") == R"({"k":"[env.KEY]"})");
  CHECK(mask.apply_to_text("abc") == "abc");
  // "user:" + secret in base64: the secret begins in the middle of a group of three.
  const SecretMask token(Value::object({{"TOKEN", "sk_live_0123456789"}}));
  CHECK(token.apply_to_text("Basic dXNlcjpza19saXZlXzAxMjM0NTY3ODk=").find("c2tfbGl2ZV") == std::string::npos);
  CHECK(token.apply_to_text("Basic dXNlcjpza19saXZlXzAxMjM0NTY3ODk=").find("[env.TOKEN]") != std::string::npos);
  CHECK(to_json(mask.apply(Value::object({{"list", Value::array({"a+b/c d\"e"})}}))) == R"({"list":["[env.KEY]"]})");
  CHECK(mask.apply_to_text("a+b/c d\"ea+b/c d\"e, a+b/c d\"e") == "[env.KEY][env.KEY], [env.KEY]");
}

TEST_CASE("background tasks run on their own, under the id that was given back") {
  Engine engine;
  std::mutex mutex;
  Value seen;
  engine.add_function("note", [&](const Value& arguments) -> Result<Value> {
    const std::lock_guard lock(mutex);
    seen = arguments;
    return Value();
  });
  const Program program = load(
      engine,
      R"({"main": {"function_name": "main", "steps": [{"function": "Background Task", "task": "job", "data": {"n": 3}, "output_variable": "id"}]},
    "job": {"function_name": "job", "steps": [{"function": "note", "n": "{{inputs.n}}", "run": "{{run.id}}"}]}})");
  RunOptions run;
  run.flow = "main";
  const Outcome outcome = engine.run(program, Value::object(), run);
  REQUIRE(outcome.status == Outcome::Status::completed);
  engine.drain();
  const std::lock_guard lock(mutex);
  CHECK(seen.get("n") == Value(3));
  CHECK(seen.get("run") == outcome.variables.get("id"));
}

TEST_CASE("a trace line stays one JSON object under its limit") {
  Event event;
  event.kind = Event::Kind::log;
  event.run = "r";
  event.detail = std::string(20'000, 'x') + "\n\xe2\x80\xae";
  event.data = Value(std::string(50'000, 'y'));
  const std::string line = to_json_line(event, 8192);
  CHECK(line.size() <= 8192);
  CHECK(line.find('\n') == std::string::npos);
  auto parsed = parse_json(line);
  REQUIRE(parsed.ok());
  CHECK(parsed->get("cut") == Value(true));
  event.detail = "left \xe2\x80\xae right";
  event.data = Value();
  CHECK(to_json_line(event, 8192).find("left \\u202e right") != std::string::npos);
}

namespace {

// Answers from a thread of its own once `expected` requests have arrived, the last first; so a driver that does not
// perform them together waits for ever (or for the run's timeout).
class GatheringHttp final : public HttpClient {
 public:
  explicit GatheringHttp(std::size_t expected) : expected_(expected) {}
  ~GatheringHttp() override {
    if (thread_.joinable()) thread_.join();
  }
  void send(HttpRequest request, const Call&, Reply<HttpResponse> reply) override {
    const std::lock_guard lock(mutex_);
    held_.emplace_back(std::move(request.url), std::move(reply));
    if (held_.size() < expected_) return;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([held = std::move(held_)]() mutable {
      for (auto one = held.rbegin(); one != held.rend(); ++one) {
        HttpResponse response;
        response.status = 200;
        response.body = "\"" + one->first + "\"";
        response.headers = {{"content-type", "application/json"}};
        one->second(std::move(response));
      }
    });
    held_.clear();
  }

 private:
  const std::size_t expected_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, Reply<HttpResponse>>> held_;
  std::thread thread_;
};

// Keeps all its requests until each is stopped.
class DeafHttp final : public HttpClient {
 public:
  void send(HttpRequest, const Call& call, Reply<HttpResponse> reply) override {
    auto held = std::make_shared<Reply<HttpResponse>>(std::move(reply));
    ++asked;
    waiting_.push_back(std::make_unique<std::stop_callback<std::function<void()>>>(call.stop, [this, held] {
      ++stopped;
      (*held)(make_error(error_type::cancelled, "stopped"));
    }));
  }
  std::atomic<int> asked{0};
  std::atomic<int> stopped{0};

 private:
  std::vector<std::unique_ptr<std::stop_callback<std::function<void()>>>> waiting_;
};

std::int64_t milliseconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

TEST_CASE("requests of branches are under way together, and answered from other threads") {
  EngineOptions options;
  options.http = std::make_shared<GatheringHttp>(16);
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([
    {"function": "Loop", "parallel": true, "times": 16, "steps": [{"function": "External API Request", "url": "https://a.example/{{item}}"}], "output_variable": "all"},
    {"function": "Response", "body": "{{all.length}} {{all[0]}} {{all[15]}}"}])");
  RunOptions run;
  run.timeout_ms = 20'000;
  const Outcome outcome = engine.run(program, Value::object(), run);
  INFO((outcome.error ? outcome.error->message : ""));
  REQUIRE(outcome.response);
  CHECK(outcome.response->body == Value("16 https://a.example/0 https://a.example/15"));
}

TEST_CASE("waits of branches pass together") {
  const Engine engine;
  const Program program = load(
      engine,
      R"([{"function": "Loop", "parallel": true, "times": 100, "max_concurrency": 100, "steps": [{"function": "Wait", "duration_seconds": 0.2}]}])");
  Outcome outcome;
  const std::int64_t took = milliseconds_of([&] { outcome = engine.run(program); });
  CHECK(outcome.status == Outcome::Status::completed);
  CHECK(outcome.effects == 100);
  CHECK(took >= 200);
  CHECK(took < 5'000);  // one after another: 20 seconds
}

TEST_CASE("a branch that waits does not keep the others waiting") {
  EngineOptions options;
  options.http = std::make_shared<GatheringHttp>(1);
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([
    {"function": "Parallel", "mode": "first", "branches": [
      [{"function": "Wait", "duration_seconds": 3600}],
      [{"function": "External API Request", "url": "https://a.example/"}]], "output_variable": "first"},
    {"function": "Response", "body": "{{first}}"}])");
  RunOptions run;
  run.timeout_ms = 20'000;
  const Outcome outcome = engine.run(program, Value::object(), run);
  REQUIRE(outcome.response);
  CHECK(outcome.response->body == Value("https://a.example/"));
}

TEST_CASE("a stop ends all branches, sleeping or asking") {
  auto http = std::make_shared<DeafHttp>();
  EngineOptions options;
  options.http = http;
  Engine engine(std::move(options));
  std::stop_source stop;
  engine.add_function("now", [&stop](const Value&) -> Result<Value> {
    stop.request_stop();
    return Value();
  });
  const Program program = load(engine, R"([{"function": "Parallel", "branches": [
    [{"function": "Wait", "duration_seconds": 3600}],
    [{"function": "External API Request", "url": "https://a.example/"}],
    [{"function": "External API Request", "url": "https://b.example/"}],
    [{"function": "now"}, {"function": "Wait", "duration_seconds": 3600}]]}])");
  RunOptions run;
  run.stop = stop.get_token();
  const Outcome outcome = engine.run(program, Value::object(), run);
  CHECK(outcome.status == Outcome::Status::cancelled);
  CHECK(http->asked == 2);
  CHECK(http->stopped == 2);
}

TEST_CASE("a failing branch stops the requests of the others, and the run goes on") {
  auto http = std::make_shared<DeafHttp>();
  EngineOptions options;
  options.http = http;
  const Engine engine(std::move(options));
  const Program program = load(engine, R"([{"function": "Try-Catch", "try_steps": [
    {"function": "Parallel", "branches": [
      [{"function": "External API Request", "url": "https://a.example/"}],
      [{"function": "Wait", "duration_seconds": 3600}],
      [{"function": "Wait", "duration_seconds": 0.01}, {"function": "throw", "message": "no"}]]}],
    "catch_steps": [{"function": "Response", "body": "{{error.message}}"}]}])");
  const Outcome outcome = engine.run(program);
  REQUIRE(outcome.response);
  CHECK(outcome.response->body == Value("no"));
  CHECK(http->stopped == 1);
}

TEST_CASE("a clock of its own moves on to the earliest wait, and only when nothing else is under way") {
  EngineOptions options;
  options.clock = manual_clock(1'000'000);
  options.http = std::make_shared<GatheringHttp>(2);
  const Engine engine(std::move(options));

  const Program program = load(engine, R"([
    {"function": "Parallel", "branches": {
      "a": [{"function": "Wait", "duration_seconds": 7200}, {"function": "Return Value", "value": "{{timestamp}}"}],
      "b": [{"function": "Wait", "duration_seconds": 3600}, {"function": "Return Value", "value": "{{timestamp}}"}],
      "c": [{"function": "External API Request", "url": "https://a.example/"}, {"function": "Return Value", "value": "{{timestamp}}"}],
      "d": [{"function": "External API Request", "url": "https://b.example/"}, {"function": "Wait", "duration_seconds": 60}, {"function": "Return Value", "value": "{{timestamp}}"}]},
      "output_variable": "at"},
    {"function": "Response", "body": "{{at}}"}])");
  Outcome outcome;
  const std::int64_t took = milliseconds_of([&] { outcome = engine.run(program); });
  REQUIRE(outcome.response);
  CHECK(to_json(outcome.response->body) == R"({"a":8200000,"b":4600000,"c":1000000,"d":1060000})");
  CHECK(took < 5'000);
}

TEST_CASE("waiting does not count as work, also side by side with other waits") {
  EngineOptions options;
  options.limits.wall_s = 1;
  const Engine engine(std::move(options));
  const Program program = load(
      engine,
      R"([{"function": "Parallel", "branches": [[{"function": "Wait", "duration_seconds": 1.3}], [{"function": "Wait", "duration_seconds": 0.1}]]}])");
  CHECK(engine.run(program).status == Outcome::Status::completed);
}

TEST_CASE("background tasks that are still delayed take no thread from others") {
  Engine engine;
  std::atomic<int> done{0};
  std::promise<void> all;
  engine.add_function("done", [&](const Value&) -> Result<Value> {
    if (++done == 3) all.set_value();
    return Value();
  });
  const Program program = load(engine, R"({
    "main": {"function_name": "main", "steps": [
      {"function": "Loop", "times": 50, "steps": [{"function": "Background Task", "task": "later", "delay": 3600}]},
      {"function": "Loop", "times": 2, "steps": [{"function": "Background Task", "task": "soon"}]},
      {"function": "Background Task", "task": "soon", "delay": 0.05}]},
    "later": {"function_name": "later", "steps": [{"function": "throw", "message": "not within this test"}]},
    "soon": {"function_name": "soon", "steps": [{"function": "done"}]}})");
  RunOptions run;
  run.flow = "main";
  CHECK(engine.run(program, Value::object(), run).status == Outcome::Status::completed);
  CHECK(all.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(done == 3);
}
