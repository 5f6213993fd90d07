// Engine: the front door. Holds the backends, host functions, library definitions and limits; loads texts into
// programs and runs them. Set it up on one thread; after that any number of threads may load and run.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
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
  ~Engine();  // waits for background tasks that have begun; those still delayed are dropped
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- setting up: one thread, before the first load
  // A function of the host, for Custom Function and as a step of that name. What it throws becomes an error of
  // type `function`. It runs on the driver's thread.
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
  // Runs on this thread to the end.
  [[nodiscard]] Outcome run(const Program& program, Value inputs = Value::object(),
                            const RunOptions& options = {}) const;

  // A machine as run() would start it, and the backends it would use: for hosts with a loop of their own.
  [[nodiscard]] Machine start(const Program& program, Value inputs, const RunOptions& options = {}) const;
  [[nodiscard]] Backends backends(const Program& program) const;
  [[nodiscard]] const StepKinds& step_kinds() const noexcept;
  // Hides the values of env in what is printed.
  [[nodiscard]] const SecretMask& mask() const noexcept;
  // Waits until every background task that was started has ended.
  void wait_for_background() const;

 private:
  void work() const;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fnstack
