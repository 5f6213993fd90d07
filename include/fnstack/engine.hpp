// Engine: the front door. Holds the backends, host functions, library definitions and limits; loads texts into
// programs and runs them: one on the caller's thread (run), or many at once on a few threads of its own (start). Set it
// up on one thread; after that any number of threads may load, run and start.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/cache.hpp>
#include <fnstack/clock.hpp>
#include <fnstack/database.hpp>
#include <fnstack/driver.hpp>
#include <fnstack/http.hpp>
#include <fnstack/machine.hpp>
#include <fnstack/observer.hpp>
#include <fnstack/program.hpp>

namespace fnstack {

struct EngineOptions {
  std::shared_ptr<HttpClient> http = {};    // none: requests fail, saying so
  std::shared_ptr<Cache> cache = {};        // none: a memory cache
  std::shared_ptr<Database> database = {};  // none: a memory database
  std::shared_ptr<Clock> clock = {};        // none: the system's
  Value env = Value::object();              // what {{env.X}} sees; nothing of the process environment gets in by itself
  Limits limits = {};
  std::vector<std::shared_ptr<Observer>> observers = {};
  std::vector<std::string> roots = {};  // names that RunOptions::roots will give values
  // Fields for steps that don't give them, as JSON: {"External API Request": {"retry": {"attempts": 3}}}. What is
  // wrong with it is among the diagnostics of every load.
  std::string step_defaults = {};

  // ---- the event loop, which start() and background tasks use; its threads come with the first run
  // 0: one for each core. With a clock that is not the system's it is one: time passes when nothing is under way.
  std::size_t loop_threads = 0;
  // Runs under way at once, background tasks among them; one more is answered at once: failed, type `limit`.
  std::size_t max_runs = 1'000'000;
  // Requests under way at each backend; more wait in the loop, in order. A backend with connections of its own for each
  // loop (curl_http, redis_cache) gets so many from each, one that they share from all together. Below what the
  // backends themselves queue. Commands of an open transaction never wait: others may be waiting for its end.
  std::size_t max_effects = 8'000;
};

struct RunOptions {
  std::string flow = {};           // which definition, if the program has several
  std::string run_id = {};         // empty: a new one
  Value roots = Value::object();   // request, auth, trigger …
  std::stop_token stop = {};       // cancels the run, from any thread
  std::int64_t timeout_ms = 0;     // of everything; 0: none
  const Limits* limits = nullptr;  // instead of the engine's
  // 32 bytes: makes uuid and random functions repeatable. Empty: from the system.
  std::string seed = {};
};

class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  // Cancels what start() and background tasks have under way, and waits until each has ended and its on_done was
  // called; drain() before it lets them finish. On a thread of its own loop (the last handle in an on_done) it does not
  // wait: what is left ends after it.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- setting up: one thread, before the first load
  // A function of the host, for Custom Function and as a step of that name. What it throws becomes an error of
  // type `function`. It runs on the thread that drives the run; on a thread of the event loop it keeps other runs
  // waiting, so what takes long there belongs into the form that answers later.
  void add_function(std::string name, std::function<Result<Value>(const Value& arguments)> function);
  // One that answers later, from any thread.
  void add_function(std::string name, HostFunction function);
  // False: the name is taken, or the kind is not pure or effect (control kinds are built in).
  bool add_step_kind(StepKind kind);
  // Definitions that can be called from every program loaded afterwards.
  [[nodiscard]] Diagnostics add_library(const SourcePtr& source);

  // ---- from here on any thread
  // Text to program; diagnostics tell all that is wrong.
  [[nodiscard]] Compiled load(const SourcePtr& source) const;
  [[nodiscard]] Compiled load(std::string name, std::string text) const {
    return load(Source::make(std::move(name), std::move(text)));
  }
  // Runs on this thread to the end. On a thread of an event loop (in an on_done, a host function) it is misuse: failed,
  // saying so.
  [[nodiscard]] Outcome run(const Program& program, Value inputs = Value::object(),
                            const RunOptions& options = {}) const;

  // Starts a run on the event loop and returns. on_done is called once with its outcome, on a thread of the loop, and
  // must not block; it may call start(). A run that can't be taken is answered here, before start() returns: failed,
  // type `limit`, when max_runs are under way or the system gives no thread; cancelled while the engine is shutting
  // down. So a callback that starts the next run first looks how its own ended. What on_done throws is dropped.
  // RunOptions::stop cancels this run; its timeout begins now.
  template <std::convertible_to<std::function<void(Outcome)>> OnDone>
  void start(const Program& program, Value inputs, OnDone on_done, const RunOptions& options = {}) const {
    start_run(program, std::move(inputs), std::move(on_done), options);
  }
  // The same with a future, which must not be waited for on a thread of the loop.
  [[nodiscard]] std::future<Outcome> start(const Program& program, Value inputs = Value::object(),
                                           const RunOptions& options = {}) const;
  // Cancels all that start() and background tasks have under way now. Returns at once; each still ends by its on_done.
  void cancel_all() const;
  // Waits until nothing of that is under way, background tasks that are delayed among them, and every on_done has
  // returned. On a thread of an event loop it is misuse: a fault at once.
  std::optional<Fault> drain() const;

  // A machine as run() would start it, and the backends it would use: for hosts with a loop of their own.
  [[nodiscard]] Machine machine(const Program& program, Value inputs, const RunOptions& options = {}) const;
  [[nodiscard]] Backends backends(const Program& program) const;
  [[nodiscard]] const StepKinds& step_kinds() const noexcept;
  // Hides the values of env in what is printed.
  [[nodiscard]] const SecretMask& mask() const noexcept;

 private:
  struct State;
  void start_run(const Program& program, Value inputs, std::function<void(Outcome)> on_done,
                 const RunOptions& options) const;

  std::shared_ptr<State> state_;
};

}  // namespace fnstack
