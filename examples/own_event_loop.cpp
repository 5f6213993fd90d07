// A host that has an event loop already drives its runs there itself, without a thread of fnstack's: it performs the
// effects that a machine asks for and resumes it with the answers. Engine::start does the same on threads of its own.
//
// The host's loop here is a poll(2) over descriptors and a list of timers; libuv, asio or epoll do as well. It needs of
// fnstack: a descriptor for each backend that works on a loop (LoopWork), one more for answers from other threads, and
// a timer for each Sleep.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <fnstack/fnstack.hpp>

namespace {

using Clock = std::chrono::steady_clock;

// One descriptor to watch and what to do when it is readable; one time and what to do then.
struct HostLoop {
  std::map<int, std::function<void()>> watched;
  std::multimap<Clock::time_point, std::function<void()>> timers;

  void run_until(const std::function<bool()>& is_done) {
    while (!is_done()) {
      std::vector<pollfd> polled;
      for (const auto& [descriptor, action] : watched) polled.push_back({descriptor, POLLIN, 0});
      int timeout_ms = -1;
      if (!timers.empty()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first - Clock::now());
        timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
      }
      ::poll(polled.data(), polled.size(), timeout_ms);
      for (const pollfd& one : polled) {
        if (one.revents != 0) watched.at(one.fd)();
      }
      while (!timers.empty() && timers.begin()->first <= Clock::now()) {
        const auto action = std::move(timers.begin()->second);
        timers.erase(timers.begin());
        action();
      }
    }
  }
};

// Answers on their way to the loop, from whichever thread.
class Answers {
 public:
  Answers() : descriptor_(::eventfd(0, EFD_NONBLOCK)) {}
  ~Answers() { ::close(descriptor_); }
  int descriptor() const { return descriptor_; }
  void add(std::size_t run, fnstack::EffectId id, fnstack::EffectResult result) {
    const std::lock_guard lock(mutex_);
    arrived_.push_back({run, std::move(id), std::move(result)});
    const std::uint64_t one = 1;
    if (::write(descriptor_, &one, sizeof(one)) < 0) std::cerr << "own_event_loop: can't wake the loop\n";
  }
  struct Answer {
    std::size_t run;
    fnstack::EffectId id;
    fnstack::EffectResult result;
  };
  std::vector<Answer> take() {
    std::uint64_t count = 0;
    if (::read(descriptor_, &count, sizeof(count)) < 0) return {};
    const std::lock_guard lock(mutex_);
    return std::exchange(arrived_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Answer> arrived_;
  int descriptor_;
};

class Runs {
 public:
  Runs(HostLoop& loop, const fnstack::Engine& engine, const fnstack::Program& program)
      : loop_(loop), engine_(engine), program_(program), backends_(engine.backends(program)) {
    loop_.watched[answers_->descriptor()] = [this] { take_answers(); };
    // Backends with connections of their own for this loop; the others answer from their threads.
    if (backends_.http) use(backends_.http);
    use(backends_.cache);
    if (auto other = backends_.database->not_blocking()) backends_.database = std::move(other);
  }

  void start(fnstack::Value inputs) {
    machines_.push_back(engine_.machine(program_, std::move(inputs)));
    ++under_way_;
    advance(machines_.size() - 1);
    turn_works();
  }
  bool is_done() const { return under_way_ == 0; }

 private:
  template <class Backend>
  void use(std::shared_ptr<Backend>& backend) {
    auto own = backend->on_loop();
    if (!own.backend) return;
    backend = own.backend;
    works_.push_back(own.work);
    loop_.watched[own.work->descriptor()] = [this] { turn_works(); };
  }

  // Each says when it wants to be called again, if its descriptor has not said so before.
  void turn_works() {
    for (const auto& work : works_) {
      const auto next = work->turn();
      if (next != Clock::time_point::max()) loop_.timers.emplace(next, [this] { turn_works(); });
    }
  }

  // Until the machine has to wait.
  void advance(std::size_t run) {
    fnstack::Machine& machine = machines_[run];
    for (;;) {
      fnstack::Machine::Next next = machine.next();
      if (auto* asked = std::get_if<fnstack::Machine::Perform>(&next)) {
        perform(run, std::move(*asked));
      } else if (std::holds_alternative<fnstack::Machine::Abandon>(next)) {
        continue;  // its answer will be ignored; a careful host would stop it: Call::stop
      } else if (std::holds_alternative<fnstack::Machine::Ended>(next)) {
        --under_way_;
        const auto& response = machine.outcome().response;
        std::cout << "run " << run << ": "
                  << (response ? std::string(response->body.as_string()) : std::string("no response")) << "\n";
        return;
      } else {
        return;
      }
    }
  }

  void perform(std::size_t run, fnstack::Machine::Perform asked) {
    if (const auto* sleep = std::get_if<fnstack::Sleep>(&asked.effect)) {
      loop_.timers.emplace(Clock::now() + std::chrono::milliseconds(sleep->duration_ms),
                           [this, run, id = asked.id] { resume(run, id, fnstack::EffectReply(fnstack::Value())); });
      return;
    }
    fnstack::Call call;
    call.effect_id = asked.id.to_string();
    call.now_ms = fnstack::system_clock()->now_ms();
    // Also an answer that comes at once goes by the loop: a machine is never resumed inside a reply.
    fnstack::Reply<fnstack::EffectReply> reply([answers = answers_, run, id = asked.id](fnstack::EffectResult result) {
      answers->add(run, id, std::move(result));
    });
    fnstack::perform(std::move(asked.effect), call, backends_, std::move(reply));
  }

  void take_answers() {
    for (auto& [run, id, result] : answers_->take()) resume(run, id, std::move(result));
    turn_works();  // for what has been sent meanwhile
  }

  void resume(std::size_t run, const fnstack::EffectId& id, fnstack::EffectResult result) {
    machines_[run].resume(id, std::move(result), fnstack::system_clock()->now_ms());
    advance(run);
  }

  HostLoop& loop_;
  const fnstack::Engine& engine_;
  const fnstack::Program program_;
  fnstack::Backends backends_;
  std::vector<std::shared_ptr<fnstack::LoopWork>> works_;
  std::vector<fnstack::Machine> machines_;
  std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();  // shared with replies that come late
  std::size_t under_way_ = 0;
};

constexpr const char* definition = R"json([
  {"function": "Data Caching (Redis)", "operation": "set", "key": "price:{{inputs.n}}", "value": 17},
  {"function": "Wait", "duration_seconds": "{{inputs.seconds}}"},
  {"function": "look_up", "n": "{{inputs.n}}", "output_variable": "n"},
  {"function": "Data Caching (Redis)", "operation": "get", "key": "price:{{n}}", "output_variable": "price"},
  {"function": "Response", "body": "price {{price}}"}
])json";

}  // namespace

int main() {
  fnstack::Engine engine;
  std::vector<std::thread> threads;
  // One that answers from a thread of its own.
  engine.add_function(
      "look_up", fnstack::HostFunction(
                     [&threads](fnstack::Value arguments, const fnstack::Call&, fnstack::Reply<fnstack::Value> reply) {
                       threads.emplace_back([n = arguments.get("n"), reply = std::move(reply)]() mutable { reply(n); });
                     }));
  const auto loaded = engine.load("prices.json", definition);
  std::cerr << loaded.diagnostics.to_text();
  if (loaded.program.empty()) return 1;

  HostLoop loop;
  Runs runs(loop, engine, loaded.program);
  runs.start(fnstack::Value::object({{"n", 1}, {"seconds", 0.2}}));
  runs.start(fnstack::Value::object({{"n", 2}, {"seconds", 0.01}}));
  loop.run_until([&runs] { return runs.is_done(); });
  for (std::thread& thread : threads) thread.join();
}
