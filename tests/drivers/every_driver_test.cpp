// The cases of tests/cases/steps again, each through every driver: the case then plays the backends, from a thread of
// its own, and the clock. What is asked, in which order, under which ids, and the result must be as they say.
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <fnstack/fnstack.hpp>

#include "drivers/event_loop.hpp"
#include "support/case_runner.hpp"
#include "support/catch.hpp"

using namespace fnstack;
using fnstack::testing::Case;
using fnstack::testing::Prepared;

namespace {

constexpr auto patience = std::chrono::seconds(30);

// All that a run asks of the world, held until the case answers.
class World : public Observer {
 public:
  // `inline_answers`: a backend answers within send(), which waits for the case to say what.
  World(std::int64_t now_ms, bool inline_answers) : clock(manual_clock(now_ms)), inline_(inline_answers) {}

  const std::shared_ptr<Clock> clock;

  // The case's side. False: nothing comes any more.
  [[nodiscard]] bool wait_for_effect(std::size_t number) {
    return wait([&] { return asked_.size() > number && (is_sleep(number) || asked_[number].effect); });
  }
  [[nodiscard]] bool wait_for_abandoned(std::size_t number) {
    return wait([&] { return asked_.size() > number && asked_[number].abandoned; });
  }
  [[nodiscard]] std::size_t asked_so_far() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  [[nodiscard]] bool is_abandoned(std::size_t number) {
    const std::lock_guard lock(mutex_);
    return asked_[number].abandoned;
  }
  [[nodiscard]] Value shown(std::size_t number) {
    const std::lock_guard lock(mutex_);
    const Asked& asked = asked_[number];
    Value value = asked.effect ? testing::effect_to_value(*asked.effect) : Value::object();
    if (!asked.effect) value.set("sleep_ms", std::int64_t{std::stoll(asked.detail)});
    value.set("id", Value(asked.id));
    return value;
  }
  // A sleep is the driver's to end.
  void answer(std::size_t number, const Value& given) {
    std::unique_lock lock(mutex_);
    Asked& asked = asked_[number];
    if (!asked.effect) return;
    clock->sleep(given.get("takes_ms").as_integer(), {});
    asked.result.emplace(testing::reply_from(given, *asked.effect, clock->now_ms()));
    changed_.notify_all();
    if (!asked.reply) return;
    const auto reply = std::move(asked.reply);
    EffectResult result = *asked.result;
    lock.unlock();
    reply(std::move(result));
  }
  // From now on nobody waits, and the run is stopped.
  void give_up() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    stop.request_stop();
  }
  std::stop_source stop;

  // The driver's side.
  void on_event(const Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    if (event.kind == Event::Kind::effect_started) {
      asked_.emplace_back();
      asked_.back().id = event.effect;
      asked_.back().kind = event.effect_kind;
      asked_.back().detail = event.detail;
    } else if (event.kind == Event::Kind::effect_abandoned) {
      for (Asked& asked : asked_) asked.abandoned = asked.abandoned || asked.id == event.effect;
    } else if (event.kind == Event::Kind::run_ended) {
      over_ = true;
    }
    changed_.notify_all();
  }
  void take(Effect effect, const std::string& id, std::function<void(EffectResult)> reply) {
    std::unique_lock lock(mutex_);
    if (over_) {
      lock.unlock();
      return reply(make_error(error_type::cancelled, "the case is over"));
    }
    std::size_t number = 0;
    while (number + 1 < asked_.size() && asked_[number].id != id) ++number;
    asked_[number].effect = std::move(effect);
    if (!inline_) asked_[number].reply = reply;
    changed_.notify_all();
    if (!inline_) return;
    if (!changed_.wait_for(lock, patience, [&] { return asked_[number].result || over_; })) over_ = true;
    EffectResult result = asked_[number].result ? *asked_[number].result
                                                : EffectResult(make_error(error_type::cancelled, "the case is over"));
    lock.unlock();
    reply(std::move(result));
  }
  Result<Value> start_run(StartRun start) {
    std::unique_lock lock(mutex_);
    Asked* asked = nullptr;
    for (Asked& one : asked_) {
      if (one.kind == "start_run" && !one.effect) asked = &one;
    }
    const auto number = static_cast<std::size_t>(asked - asked_.data());
    asked->effect = std::move(start);
    changed_.notify_all();
    if (!changed_.wait_for(lock, patience, [&] { return asked_[number].result || over_; })) over_ = true;
    if (!asked_[number].result) return make_error(error_type::function, "nobody answers");
    if (!asked_[number].result->ok()) return asked_[number].result->error();
    return std::get<Value>(**asked_[number].result);
  }

 private:
  struct Asked {
    std::string id, kind, detail;
    std::optional<Effect> effect;  // none of a sleep
    std::function<void(EffectResult)> reply;
    std::optional<EffectResult> result;
    bool abandoned = false;
  };
  [[nodiscard]] bool is_sleep(std::size_t number) const { return asked_[number].kind == "sleep"; }
  template <class F>
  [[nodiscard]] bool wait(F is_so) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return is_so() || over_; });
    return is_so();
  }

  const bool inline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Asked> asked_;
  bool over_ = false;
};

template <class T>
std::function<void(EffectResult)> as_reply(Reply<T> reply) {
  return [shared = std::make_shared<Reply<T>>(std::move(reply))](EffectResult result) {
    if (!result.ok()) return (*shared)(std::move(result).error());
    (*shared)(std::get<T>(std::move(*result)));
  };
}

struct WorldHttp final : HttpClient {
  explicit WorldHttp(std::shared_ptr<World> of) : world(std::move(of)) {}
  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    world->take(std::move(request), call.effect_id, as_reply(std::move(reply)));
  }
  std::shared_ptr<World> world;
};
struct WorldCache final : Cache {
  explicit WorldCache(std::shared_ptr<World> of) : world(std::move(of)) {}
  void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
    world->take(std::move(command), call.effect_id, as_reply(std::move(reply)));
  }
  std::shared_ptr<World> world;
};
struct WorldDatabase final : Database {
  explicit WorldDatabase(std::shared_ptr<World> of) : world(std::move(of)) {}
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    world->take(std::move(command), call.effect_id, as_reply(std::move(reply)));
  }
  std::shared_ptr<World> world;
};

struct Setup {
  Prepared prepared;
  std::shared_ptr<World> world;
  Backends backends;
  std::map<std::string, HostFunction, std::less<>> functions;
};

// Plays the dialogue against a driver that is running. Empty, or what differed.
std::string play(World& world, const Value& dialogue) {
  std::size_t expected = 0;  // effects
  const auto compare = [&](const Value& wanted, const std::string& place) -> std::string {
    const std::size_t number = expected++;
    if (!world.wait_for_effect(number)) return place + ": never asked for: " + to_json(wanted);
    return testing::difference(wanted, world.shown(number), place);
  };
  for (std::size_t at = 0; at < dialogue.size(); ++at) {
    const Value& turn = dialogue[at];
    const std::string place = "dialogue/" + std::to_string(at);
    std::string wrong;
    if (const Value* one = turn.find("expect")) {
      wrong = compare(*one, place);
      if (wrong.empty()) world.answer(expected - 1, turn.get("reply"));
    } else if (const Value* pending = turn.find("pending")) {
      for (std::size_t i = 0; wrong.empty() && i < pending->size(); ++i) wrong = compare((*pending)[i], place);
    } else if (const Value* number = turn.find("answer")) {
      world.answer(static_cast<std::size_t>(number->as_integer()), turn.get("reply"));
    } else if (const Value* given_up = turn.find("abandoned")) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < given_up->size(); ++i) {
        const auto which = static_cast<std::size_t>((*given_up)[i].as_integer());
        if (!world.wait_for_abandoned(which)) return place + ": not abandoned: " + std::to_string(which);
        ++count;
      }
      for (std::size_t i = 0; i < world.asked_so_far(); ++i) count -= world.is_abandoned(i) ? 1 : 0;
      if (count != 0) wrong = place + ": others are abandoned";
    }
    if (!wrong.empty()) return wrong;
  }
  return {};
}

using Driver = std::function<Outcome(Setup& setup, const std::function<void()>& meanwhile)>;

Outcome drive_blocking(Setup& setup, const std::function<void()>& meanwhile) {
  setup.backends.start_run = [&](StartRun start) { return setup.world->start_run(std::move(start)); };
  std::thread other(meanwhile);
  Machine machine(setup.prepared.program, setup.prepared.start);
  Outcome outcome = run_blocking(
      machine, setup.backends, {.stop = setup.world->stop.get_token(), .wall_s = setup.prepared.start.limits->wall_s});
  other.join();
  return outcome;
}

Outcome drive_event_loop(Setup& setup, const std::function<void()>& meanwhile) {
  drivers::EventLoopOptions options;
  options.backends = setup.backends;
  options.start_run = [&](const Program&, StartRun start) { return setup.world->start_run(std::move(start)); };
  const auto loop = std::make_shared<drivers::EventLoop>(std::move(options));
  Outcome outcome;
  drivers::NewRun run;
  run.machine.emplace(setup.prepared.program, setup.prepared.start);
  run.stop = setup.world->stop.get_token();
  run.wall_s = setup.prepared.start.limits->wall_s;
  run.on_done = [&](Outcome ended) { outcome = std::move(ended); };
  loop->start(std::move(run));
  meanwhile();
  loop->drain();
  loop->shut_down();
  return outcome;
}

std::string run_through(const Case& test, const Driver& drive, bool inline_answers) {
  Setup setup;
  std::string wrong = testing::prepare(test, setup.prepared);
  if (!wrong.empty()) return wrong;
  setup.prepared.start.observe = true;
  setup.world = std::make_shared<World>(setup.prepared.start.now_ms, inline_answers);
  const Value& names = test.content.get("host_functions");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name(names[i].as_string());
    setup.functions[name] = [name, world = setup.world](Value arguments, const Call& call, Reply<Value> reply) {
      world->take(HostCall{name, std::move(arguments)}, call.effect_id, as_reply(std::move(reply)));
    };
  }
  setup.backends.http = std::make_shared<WorldHttp>(setup.world);
  setup.backends.cache = std::make_shared<WorldCache>(setup.world);
  setup.backends.database = std::make_shared<WorldDatabase>(setup.world);
  setup.backends.clock = setup.world->clock;
  setup.backends.observers = {setup.world};
  setup.backends.host_function = [&](std::string_view name) -> const HostFunction* {
    const auto found = setup.functions.find(name);
    return found == setup.functions.end() ? nullptr : &found->second;
  };
  const Outcome outcome = drive(setup, [&] {
    wrong = play(*setup.world, test.content.get("dialogue"));
    if (!wrong.empty()) setup.world->give_up();
  });
  return wrong.empty() ? testing::compare_result(test, outcome) : wrong;
}

bool has(const Case& test, const char* turn) {
  const Value& dialogue = test.content.get("dialogue");
  for (std::size_t i = 0; i < dialogue.size(); ++i) {
    if (dialogue[i].find(turn) != nullptr) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("every case through every driver") {
  std::size_t through_all = 0;
  for (const Case& test : testing::read_cases("steps")) {
    // A sleep that ends while a call is under way: with a clock of its own a driver lets no time pass then.
    if (test.name == "steps/functions/async_await_times_out.json") continue;
    INFO(test.name);
    CHECK(run_through(test, drive_blocking, false) == "");
    CHECK(run_through(test, drive_event_loop, false) == "");
    // One after another the effects may be answered inline too.
    if (has(test, "pending") || has(test, "answer")) continue;
    CHECK(run_through(test, drive_blocking, true) == "");
    CHECK(run_through(test, drive_event_loop, true) == "");
    ++through_all;
  }
  CHECK(through_all >= 100);
}
