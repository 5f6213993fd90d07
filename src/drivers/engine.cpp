// Engine: holds what runs share, and starts them: on the caller's thread, or on the threads of its event loop, which
// background tasks use too.
#include <fnstack/engine.hpp>

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "drivers/caller_loops.hpp"
#include "drivers/event_loop.hpp"
#include "expr/uuid.hpp"

namespace fnstack {

namespace {

// Grows in a child process, so that it does not draw what its parent draws.
std::atomic<std::uint32_t> forks = 0;

// Random bytes, drawn ahead: asked for one run's alone it takes longer than a short run. The first few are the
// system's: libcrypto's generator gives many bytes fast, but setting it up takes a good part of a short process's time.
class RandomBytes {
 public:
  RandomBytes() {
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
    static_cast<void>(registered);
  }
  ~RandomBytes() { OPENSSL_cleanse(bytes_, sizeof(bytes_)); }

  void draw(std::uint8_t* out, std::size_t size) {
    if (left_ < size || forks_ != forks.load(std::memory_order_relaxed)) {
      // Fails only where the system has no random numbers to give, and then no uuid and no signature is worth its name.
      left_ = is_first_ ? system_bytes : sizeof(bytes_);
      const bool is_filled = is_first_ ? ::getentropy(bytes_ + sizeof(bytes_) - left_, left_) == 0
                                       : RAND_bytes(bytes_, sizeof(bytes_)) == 1;
      if (!is_filled) {
        left_ = 0;
        throw std::bad_alloc();
      }
      is_first_ = false;
      forks_ = forks;
    }
    std::uint8_t* const drawn = bytes_ + (sizeof(bytes_) - left_);
    std::memcpy(out, drawn, size);
    OPENSSL_cleanse(drawn, size);
    left_ -= size;
  }

 private:
  static constexpr std::size_t system_bytes = 256;  // as many as it gives at once
  std::uint8_t bytes_[2'048] = {};                  // those that are left stand at the end
  bool is_first_ = true;
  std::size_t left_ = 0;
  std::uint32_t forks_ = 0;
};

void fill_random(std::uint8_t* out, std::size_t size) {
  thread_local RandomBytes bytes;
  bytes.draw(out, size);
}

std::string new_run_id() {
  std::uint8_t random[16];
  fill_random(random, sizeof(random));
  return expr::uuid_of(random);
}

}  // namespace

struct Engine::State final : drivers::RunLoopHost {
  EngineOptions options;
  StepKinds kinds = builtin_step_kinds();
  std::vector<std::string> host_names;
  std::map<std::string, HostFunction, std::less<>> host_functions;
  std::vector<Definition> libraries;
  SecretMask mask;
  std::shared_ptr<const Limits> limits;  // one for all runs
  Backends backends;                     // of every run; start_run is ours
  std::shared_ptr<drivers::EventLoop> loop;
  std::optional<drivers::CallerLoops> caller_loops;

  explicit State(EngineOptions given)
      : options(std::move(given)), mask(options.env), limits(std::make_shared<const Limits>(options.limits)) {
    if (!options.cache) options.cache = memory_cache();
    if (!options.database) options.database = memory_database();
    if (!options.clock) options.clock = system_clock();
    if (options.http) options.http = resilient_http(std::move(options.http));  // shared by all runs
    backends.http = options.http;
    backends.cache = options.cache;
    backends.database = options.database;
    backends.clock = options.clock;
    backends.observers = options.observers;
    backends.host_function = [this](std::string_view name) -> const HostFunction* {
      auto found = host_functions.find(name);
      return found == host_functions.end() ? nullptr : &found->second;
    };
  }

  [[nodiscard]] Machine machine(const Program& program, Value inputs, const RunOptions& run) const;
  [[nodiscard]] drivers::NewRun new_run(const Program& program, Value inputs, const RunOptions& run) const;
  // A background task: a run of the event loop that nobody waits for.
  Result<Value> start_run(const Program& program, StartRun start) override;
};

Engine::Engine(EngineOptions options) : state_(std::make_shared<State>(std::move(options))) {
  drivers::EventLoopOptions loop;
  loop.backends = state_->backends;
  loop.mask = &state_->mask;
  loop.threads = state_->options.loop_threads;
  loop.max_runs = state_->options.max_runs;
  loop.max_effects = state_->options.max_effects;
  loop.start_run = [state = state_.get()](const Program& program, StartRun start) {
    return state->start_run(program, std::move(start));
  };
  loop.owner = state_;
  state_->loop = std::make_shared<drivers::EventLoop>(std::move(loop));
  state_->caller_loops.emplace(state_->backends, drivers::RunLoopOptions{.mask = &state_->mask, .host = state_.get()});
}

Engine::~Engine() { state_->loop->shut_down(); }

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

Machine Engine::State::machine(const Program& program, Value inputs, const RunOptions& run) const {
  Start start;
  start.flow = run.flow;
  start.inputs = std::move(inputs);
  start.env = options.env;
  start.roots = run.roots;
  start.run_id = run.run_id;
  if (run.seed.size() == sizeof(start.seed)) {
    std::memcpy(start.seed, run.seed.data(), sizeof(start.seed));
  } else {
    fill_random(start.seed, sizeof(start.seed));
    // With a seed of the host's the id follows from it, to be the same again.
    if (start.run_id.empty()) start.run_id = new_run_id();
  }
  start.now_ms = options.clock->now_ms();
  start.limits = run.limits != nullptr ? std::make_shared<const Limits>(*run.limits) : limits;
  start.observe = !options.observers.empty();
  return Machine(program, std::move(start));
}

drivers::NewRun Engine::State::new_run(const Program& program, Value inputs, const RunOptions& run) const {
  drivers::NewRun made;
  made.machine = machine(program, std::move(inputs), run);
  made.stop = run.stop;
  made.timeout_ms = run.timeout_ms;
  made.wall_s = (run.limits != nullptr ? *run.limits : options.limits).wall_s;
  return made;
}

Result<Value> Engine::State::start_run(const Program& program, StartRun start) {
  const std::string id = new_run_id();
  drivers::NewRun run;
  run.delay_ms = start.delay_ms;
  run.wall_s = options.limits.wall_s;
  // Its machine is made when it begins, with the time it is then.
  run.make_machine = [this, program, start = std::move(start), id] {
    RunOptions task;
    task.flow = start.function;
    task.run_id = id;
    return machine(program, start.inputs, task);
  };
  if (auto refused = loop->try_start(run)) {
    refused->error->message = "background tasks: " + refused->error->message;
    return std::move(*refused->error);
  }
  return Value(id);
}

Machine Engine::machine(const Program& program, Value inputs, const RunOptions& options) const {
  return state_->machine(program, std::move(inputs), options);
}

Backends Engine::backends(const Program& program) const {
  Backends backends = state_->backends;
  backends.start_run = [state = state_.get(), program](StartRun start) {
    return state->start_run(program, std::move(start));
  };
  return backends;
}

Outcome Engine::run(const Program& program, Value inputs, const RunOptions& options) const {
  if (drivers::is_loop_thread()) {
    Outcome outcome;
    outcome.status = Outcome::Status::failed;
    outcome.error = make_error(error_type::function,
                               "run: called on a thread of an event loop, where nothing may be waited for; use start");
    outcome.error->status_code = status_of(outcome.error->type);
    outcome.error->fatal = true;
    return outcome;
  }
  return state_->caller_loops->run(state_->new_run(program, std::move(inputs), options));
}

void Engine::start_run(const Program& program, Value inputs, std::function<void(Outcome)> on_done,
                       const RunOptions& options) const {
  drivers::NewRun run = state_->new_run(program, std::move(inputs), options);
  run.on_done = std::move(on_done);
  state_->loop->start(std::move(run));
}

std::future<Outcome> Engine::start(const Program& program, Value inputs, const RunOptions& options) const {
  auto promise = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> future = promise->get_future();
  start_run(
      program, std::move(inputs), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); }, options);
  return future;
}

void Engine::cancel_all() const { state_->loop->cancel_all(); }

std::optional<Fault> Engine::drain() const {
  if (state_->loop->drain()) return std::nullopt;
  return Fault{Fault::Kind::usage, "drain: called on a thread of an event loop, where nothing may be waited for"};
}

const StepKinds& Engine::step_kinds() const noexcept { return state_->kinds; }
const SecretMask& Engine::mask() const noexcept { return state_->mask; }

}  // namespace fnstack
