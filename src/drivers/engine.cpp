// Engine: holds what runs share, and starts them. Background tasks run on threads of the engine's own, a bounded
// number at a time; one that is still delayed takes no thread.
#include <fnstack/engine.hpp>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include <openssl/rand.h>

#include "expr/expression.hpp"

namespace fnstack {

namespace {

struct BackgroundTask {
  Program program;
  StartRun start;
  std::string run_id;
};

void fill_random(std::uint8_t* out, std::size_t size) {
  // Fails only where the system has no random numbers to give, and then no uuid and no signature is worth its name.
  if (RAND_bytes(out, static_cast<int>(size)) != 1) throw std::bad_alloc();
}

std::string new_run_id() {
  expr::Random random;
  fill_random(random.seed, sizeof(random.seed));
  return random.uuid();
}

}  // namespace

struct Engine::State {
  EngineOptions options;
  StepKinds kinds = builtin_step_kinds();
  std::vector<std::string> host_names;
  std::map<std::string, HostFunction, std::less<>> host_functions;
  std::vector<Definition> libraries;
  SecretMask mask;
  std::shared_ptr<const Limits> limits;  // one for all runs

  // Background tasks.
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<BackgroundTask> tasks;                                              // to be run now
  std::multimap<std::chrono::steady_clock::time_point, BackgroundTask> delayed;  // by when they are due
  std::size_t busy = 0;
  std::vector<std::thread> threads;
  std::stop_source stop;
  static constexpr std::size_t max_threads = 4;
  static constexpr std::size_t max_queued = 10'000;

  explicit State(EngineOptions given)
      : options(std::move(given)), mask(options.env), limits(std::make_shared<const Limits>(options.limits)) {
    if (!options.cache) options.cache = memory_cache();
    if (!options.database) options.database = memory_database();
    if (!options.clock) options.clock = system_clock();
    if (options.http) options.http = resilient_http(std::move(options.http));  // shared by all runs
  }
};

Engine::Engine(EngineOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop.request_stop();
    state_->tasks.clear();
    state_->delayed.clear();
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void Engine::add_function(std::string name, std::function<Result<Value>(const Value&)> function) {
  add_function(std::move(name),
               HostFunction([function = std::move(function)](Value arguments, const Call&, Reply<Value> reply) {
                 reply(function(arguments));
               }));
}

void Engine::add_function(std::string name, HostFunction function) {
  if (state_->host_functions.find(name) == state_->host_functions.end()) state_->host_names.push_back(name);
  state_->host_functions.insert_or_assign(std::move(name), std::move(function));
}

bool Engine::add_step_kind(StepKind kind) {
  if (kind.lower != nullptr || kind.check != nullptr) return false;
  return state_->kinds.add(std::move(kind));
}

Diagnostics Engine::add_library(const SourcePtr& source) {
  Module module = parse(
      source, [this](std::string_view name) { return state_->kinds.find(name) != nullptr; }, state_->options.limits);
  if (!module.diagnostics.has_errors()) {
    for (Definition& definition : module.definitions) state_->libraries.push_back(std::move(definition));
  }
  return std::move(module.diagnostics);
}

Compiled Engine::load(const SourcePtr& source) const {
  Module module = parse(
      source, [this](std::string_view name) { return state_->kinds.find(name) != nullptr; }, state_->options.limits);
  Compiled compiled;
  if (module.diagnostics.has_errors()) {
    compiled.diagnostics = std::move(module.diagnostics);
    return compiled;
  }
  CompileOptions options;
  options.host_functions = state_->host_names;
  options.roots = state_->options.roots;
  options.limits = state_->options.limits;
  if (!state_->options.step_defaults.empty()) {
    options.step_defaults = Source::make("step_defaults", state_->options.step_defaults);
  }
  compiled = compile(std::move(module.definitions), state_->kinds, options, state_->libraries);
  for (const Diagnostic& diagnostic : module.diagnostics.items()) compiled.diagnostics.add(diagnostic);
  compiled.diagnostics.sort();
  return compiled;
}

Machine Engine::start(const Program& program, Value inputs, const RunOptions& options) const {
  Start start;
  start.flow = options.flow;
  start.inputs = std::move(inputs);
  start.env = state_->options.env;
  start.roots = options.roots;
  start.run_id = options.run_id;
  if (options.seed.size() == sizeof(start.seed)) {
    std::memcpy(start.seed, options.seed.data(), sizeof(start.seed));
  } else {
    fill_random(start.seed, sizeof(start.seed));
  }
  start.now_ms = state_->options.clock->now_ms();
  start.limits = options.limits != nullptr ? std::make_shared<const Limits>(*options.limits) : state_->limits;
  start.observe = !state_->options.observers.empty();
  return Machine(program, std::move(start));
}

Backends Engine::backends(const Program& program) const {
  Backends backends;
  backends.http = state_->options.http;
  backends.cache = state_->options.cache;
  backends.database = state_->options.database;
  backends.clock = state_->options.clock;
  backends.observers = state_->options.observers;
  backends.host_function = [state = state_.get()](std::string_view name) -> const HostFunction* {
    auto found = state->host_functions.find(name);
    return found == state->host_functions.end() ? nullptr : &found->second;
  };
  backends.start_run = [this, program](StartRun start) -> Result<Value> {
    State& state = *state_;
    BackgroundTask task{program, std::move(start), new_run_id()};
    const Value id(task.run_id);
    {
      const std::lock_guard lock(state.mutex);
      if (state.tasks.size() + state.delayed.size() >= State::max_queued) {
        return make_error(error_type::limit,
                          "background tasks: more than " + std::to_string(State::max_queued) + " are waiting");
      }
      // A clock that is not the system's passes the time by itself, when the task's turn comes.
      if (task.start.delay_ms > 0 && state.options.clock == system_clock()) {
        const auto due = std::chrono::steady_clock::now() + std::chrono::milliseconds(task.start.delay_ms);
        task.start.delay_ms = 0;
        state.delayed.emplace(due, std::move(task));
      } else {
        state.tasks.push_back(std::move(task));
      }
      if (state.threads.size() < State::max_threads && state.busy >= state.threads.size()) {
        state.threads.emplace_back([this] { work(); });
      }
    }
    state.changed.notify_all();
    return id;
  };
  return backends;
}

Outcome Engine::run(const Program& program, Value inputs, const RunOptions& options) const {
  Machine machine = start(program, std::move(inputs), options);
  DriveOptions drive;
  drive.stop = options.stop;
  drive.timeout_ms = options.timeout_ms;
  drive.wall_s = (options.limits != nullptr ? *options.limits : state_->options.limits).wall_s;
  drive.mask = &state_->mask;
  return run_blocking(machine, backends(program), drive);
}

// One background thread: takes tasks until the engine stops. A task that is being delayed when the engine stops is
// dropped; one that has begun runs to its end.
void Engine::work() const {
  State& state = *state_;
  for (;;) {
    BackgroundTask task;
    {
      std::unique_lock lock(state.mutex);
      while (state.tasks.empty()) {
        if (state.stop.stop_requested()) return;
        const auto now = std::chrono::steady_clock::now();
        while (!state.delayed.empty() && state.delayed.begin()->first <= now) {
          state.tasks.push_back(std::move(state.delayed.begin()->second));
          state.delayed.erase(state.delayed.begin());
        }
        if (!state.tasks.empty()) break;
        if (state.delayed.empty()) {
          state.changed.wait(lock, state.stop.get_token(),
                             [&] { return !state.tasks.empty() || !state.delayed.empty(); });
        } else {
          const auto due = state.delayed.begin()->first;
          state.changed.wait_until(lock, state.stop.get_token(), due, [&] {
            return !state.tasks.empty() || state.delayed.empty() || state.delayed.begin()->first < due;
          });
        }
      }
      if (state.stop.stop_requested()) return;
      task = std::move(state.tasks.front());
      state.tasks.pop_front();
      ++state.busy;
      // Somebody must be there when the next is due.
      const bool has_more = !state.tasks.empty() || !state.delayed.empty();
      if (has_more && state.busy >= state.threads.size() && state.threads.size() < State::max_threads) {
        state.threads.emplace_back([this] { work(); });
      }
    }
    if (task.start.delay_ms > 0) state.options.clock->sleep(task.start.delay_ms, state.stop.get_token());
    if (task.start.delay_ms == 0 || !state.stop.stop_requested()) {
      RunOptions options;
      options.run_id = task.run_id;
      // The observers are told how it ended; there is nobody else to tell.
      options.flow = task.start.function;
      static_cast<void>(run(task.program, std::move(task.start.inputs), options));
    }
    {
      const std::lock_guard lock(state.mutex);
      --state.busy;
    }
    state.changed.notify_all();
  }
}

void Engine::wait_for_background() const {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->tasks.empty() && state_->delayed.empty() && state_->busy == 0; });
}

const StepKinds& Engine::step_kinds() const noexcept { return state_->kinds; }
const SecretMask& Engine::mask() const noexcept { return state_->mask; }

}  // namespace fnstack
