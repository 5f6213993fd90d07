// The blocking driver: one machine on the caller's thread. Replies only store their result and wake this loop; the
// machine is resumed by the loop, never inside a reply, so a million inline replies don't deepen the stack.
//
// A Sleep is a timer of this loop's: while one strand waits, the others' answers are taken. On the system's clock the
// loop waits for whichever comes first. Any other clock is moved on, to the earliest timer, when there is nothing else
// to wait for: so time that is not real passes between effects, never during one.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include <fnstack/driver.hpp>

#include "drivers/observation.hpp"

namespace fnstack {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Where replies arrive. Shared with them, because one may come after the run is over.
struct Inbox {
  std::mutex mutex;
  std::condition_variable_any arrived;
  std::deque<std::pair<EffectId, EffectResult>> results;
};

Error wall_error(const char* name, std::int64_t amount, const char* unit) {
  Error error =
      make_error(error_type::limit, std::string(name) + ": the run takes more than " + std::to_string(amount) + unit);
  error.fatal = true;
  return error;
}

class BlockingRun {
 public:
  BlockingRun(Machine& machine, const Backends& backends, const DriveOptions& options, const SecretMask* mask)
      : machine_(machine),
        backends_(backends),
        options_(options),
        clock_(backends.clock ? backends.clock : system_clock()),
        observation_(backends, *clock_, machine, mask),
        began_(std::chrono::steady_clock::now()) {}

  Outcome run();

 private:
  // How many instructions between two looks at the clock and the stop token: about a millisecond's work.
  static constexpr std::uint64_t slice = 20'000;

  // When a sleeping strand goes on: by the steady clock, or in milliseconds of a clock that is not the system's. Of
  // equal times the one asked for first.
  using Due = std::pair<std::int64_t, std::uint64_t>;

  void start(Machine::Perform asked);
  void start_timer(Machine::Perform asked);
  void end_timer(std::map<Due, EffectId>::iterator timer);
  void end_due_timers();
  void move_clock();
  void abandon(const EffectId& id);
  void take_results(bool wait);
  void wait_for_any();
  void check_time();
  [[nodiscard]] std::int64_t timer_now() const;
  [[nodiscard]] SteadyTime deadline() const;

  Machine& machine_;
  const Backends& backends_;
  const DriveOptions& options_;
  std::shared_ptr<Clock> clock_;
  Observation observation_;
  SteadyTime began_;
  std::chrono::steady_clock::duration slept_{};
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::map<std::string, std::stop_source> under_way_;
  std::map<Due, EffectId> timers_;
  std::uint64_t timers_begun_ = 0;
  bool cancelled_ = false;
};

std::int64_t nanoseconds(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

SteadyTime BlockingRun::deadline() const {
  SteadyTime end = SteadyTime::max();
  if (options_.wall_s > 0) end = began_ + slept_ + std::chrono::seconds(options_.wall_s);
  if (options_.timeout_ms > 0) end = std::min(end, began_ + std::chrono::milliseconds(options_.timeout_ms));
  return end;
}

void BlockingRun::check_time() {
  if (cancelled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (options_.stop.stop_requested()) {
    cancelled_ = true;
    Error reason = make_error(error_type::cancelled, "the run was cancelled");
    machine_.cancel(std::move(reason));
  } else if (options_.timeout_ms > 0 && now >= began_ + std::chrono::milliseconds(options_.timeout_ms)) {
    cancelled_ = true;
    machine_.cancel(wall_error("timeout", options_.timeout_ms, " ms"));
  } else if (options_.wall_s > 0 && now >= began_ + slept_ + std::chrono::seconds(options_.wall_s)) {
    cancelled_ = true;
    machine_.cancel(wall_error("wall_s", options_.wall_s, " s"));
  }
}

std::int64_t BlockingRun::timer_now() const {
  return clock_ == system_clock() ? nanoseconds(std::chrono::steady_clock::now()) : clock_->now_ms();
}

void BlockingRun::start_timer(Machine::Perform asked) {
  const std::int64_t duration_ms = std::max<std::int64_t>(std::get<Sleep>(asked.effect).duration_ms, 0);
  observation_.effect_started(asked.id, asked.effect);
  // A clock can stand at any time, and a year in nanoseconds is far from the end of 64 bits.
  constexpr std::int64_t nanoseconds_in_ms = 1'000'000;
  const std::int64_t unit = clock_ == system_clock() ? nanoseconds_in_ms : 1;
  std::int64_t span = 0;
  std::int64_t due = 0;
  if (__builtin_mul_overflow(duration_ms, unit, &span) || __builtin_add_overflow(timer_now(), span, &due)) {
    due = INT64_MAX;
  }
  timers_.emplace(Due{due, timers_begun_++}, std::move(asked.id));
}

void BlockingRun::end_timer(std::map<Due, EffectId>::iterator timer) {
  const EffectId id = std::move(timer->second);
  timers_.erase(timer);
  EffectResult result{EffectReply(Value())};
  observation_.effect_ended(id, result);
  machine_.resume(id, std::move(result), clock_->now_ms());
}

void BlockingRun::end_due_timers() {
  const std::int64_t now = timers_.empty() ? 0 : timer_now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) end_timer(timers_.begin());
}

// Nothing but timers is under way, and time is the clock's own: on to the earliest.
void BlockingRun::move_clock() {
  const auto earliest = timers_.begin();
  std::stop_source stop;
  const std::stop_callback on_stop(options_.stop, [&stop] { stop.request_stop(); });
  const auto before = std::chrono::steady_clock::now();
  clock_->sleep(std::max<std::int64_t>(earliest->first.first - clock_->now_ms(), 0), stop.get_token());
  slept_ += std::chrono::steady_clock::now() - before;
  if (!options_.stop.stop_requested()) end_timer(earliest);
}

void BlockingRun::start(Machine::Perform asked) {
  if (std::holds_alternative<Sleep>(asked.effect)) return start_timer(std::move(asked));
  Call call;
  call.effect_id = asked.id.to_string();
  call.now_ms = clock_->now_ms();
  // What is asked after a cancellation cleans up (a rollback): it must not be stopped by what it follows.
  if (!cancelled_) {
    call.deadline = deadline();
    auto [entry, is_new] = under_way_.try_emplace(call.effect_id);
    call.stop = entry->second.get_token();
  } else {
    under_way_.try_emplace(call.effect_id);
  }
  observation_.effect_started(asked.id, asked.effect);
  Reply<EffectReply> reply([inbox = inbox_, id = asked.id](EffectResult result) mutable {
    const std::lock_guard lock(inbox->mutex);
    inbox->results.emplace_back(std::move(id), std::move(result));
    inbox->arrived.notify_one();
  });
  perform(std::move(asked.effect), call, backends_, std::move(reply));
}

void BlockingRun::abandon(const EffectId& id) {
  observation_.effect_abandoned(id);
  const auto names_it = [&](const auto& timer) { return timer.second == id; };
  if (auto timer = std::find_if(timers_.begin(), timers_.end(), names_it); timer != timers_.end()) {
    timers_.erase(timer);
    machine_.resume(id, EffectReply(Value()), clock_->now_ms());  // so that it need not be remembered
    return;
  }
  if (auto found = under_way_.find(id.to_string()); found != under_way_.end()) {
    found->second.request_stop();
    under_way_.erase(found);
  }
}

// Until a result arrives, a timer is due, the run's time is over or it is stopped.
void BlockingRun::wait_for_any() {
  const bool is_real = clock_ == system_clock();
  if (!is_real && under_way_.empty() && !timers_.empty()) return move_clock();
  std::unique_lock lock(inbox_->mutex);
  const auto some = [this] { return !inbox_->results.empty(); };
  SteadyTime end = cancelled_ ? SteadyTime::max() : deadline();
  if (is_real && !timers_.empty()) {
    const std::chrono::nanoseconds due(timers_.begin()->first.first);
    // Only what is near can matter: beyond that the clock's own units might overflow.
    end = std::min(end, SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(due)));
  }
  // While rolling back after a stop the token is set already and would make this loop spin.
  const std::stop_token stop = cancelled_ ? std::stop_token() : options_.stop;
  const auto before = std::chrono::steady_clock::now();
  if (end == SteadyTime::max()) {
    inbox_->arrived.wait(lock, stop, some);
  } else {
    inbox_->arrived.wait_until(lock, stop, end, some);
  }
  // A wait is not work: alone it does not count as wall time, but the run's timeout and its stop end it.
  if (under_way_.empty()) slept_ += std::chrono::steady_clock::now() - before;
}

void BlockingRun::take_results(bool wait) {
  std::deque<std::pair<EffectId, EffectResult>> results;
  const auto take = [&] {
    const std::lock_guard lock(inbox_->mutex);
    results.swap(inbox_->results);
  };
  take();
  if (wait && results.empty()) {
    wait_for_any();
    take();
  }
  for (auto& [id, result] : results) {
    under_way_.erase(id.to_string());
    observation_.effect_ended(id, result);
    machine_.resume(id, std::move(result), clock_->now_ms());
  }
  end_due_timers();
}

Outcome BlockingRun::run() {
  observation_.run_started();
  for (;;) {
    check_time();
    Machine::Next next = machine_.next(slice);
    observation_.steps(machine_);
    if (auto* asked = std::get_if<Machine::Perform>(&next)) {
      start(std::move(*asked));
      take_results(false);
    } else if (auto* abandoned = std::get_if<Machine::Abandon>(&next)) {
      abandon(abandoned->id);
    } else if (std::holds_alternative<Machine::Waiting>(next)) {
      take_results(true);
    } else if (std::holds_alternative<Machine::Ended>(next)) {
      break;
    }
  }
  Outcome outcome = machine_.outcome();
  if (const auto& fault = machine_.fault()) {
    outcome.status = Outcome::Status::failed;
    Error error = make_error(error_type::function, fault->message);
    error.status_code = status_of(error.type);
    error.fatal = true;
    outcome.error = std::move(error);
  }
  observation_.run_ended(outcome);
  return outcome;
}

}  // namespace

Outcome run_blocking(Machine& machine, const Backends& backends, const DriveOptions& options) {
  return BlockingRun(machine, backends, options, options.mask).run();
}

}  // namespace fnstack
