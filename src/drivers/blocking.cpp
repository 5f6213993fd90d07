// The blocking driver: one machine on the caller's thread. Replies only store their result and wake this loop; the
// machine is resumed by the loop, never inside a reply, so a million inline replies don't deepen the stack.
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

  void start(Machine::Perform asked);
  void sleep(const Machine::Perform& asked);
  void take_results(bool wait);
  void check_time();
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
  bool cancelled_ = false;
};

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

// A wait is not work: it does not count as wall time, but the run's timeout and its stop end it.
void BlockingRun::sleep(const Machine::Perform& asked) {
  const std::int64_t duration_ms = std::get<Sleep>(asked.effect).duration_ms;
  observation_.effect_started(asked.id, asked.effect);
  const auto before = std::chrono::steady_clock::now();
  std::stop_source stop;
  const std::stop_callback on_stop(options_.stop, [&stop] { stop.request_stop(); });
  std::int64_t bounded = duration_ms;
  if (options_.timeout_ms > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          began_ + std::chrono::milliseconds(options_.timeout_ms) - before)
                          .count();
    // With a virtual clock no real time passes, and the timeout is about real time.
    if (clock_ == system_clock()) bounded = std::min(bounded, std::max<std::int64_t>(left, 0) + 1);
  }
  clock_->sleep(bounded, stop.get_token());
  slept_ += std::chrono::steady_clock::now() - before;
  EffectResult result{EffectReply(Value())};
  observation_.effect_ended(asked.id, result);
  machine_.resume(asked.id, std::move(result), clock_->now_ms());
}

void BlockingRun::start(Machine::Perform asked) {
  if (std::holds_alternative<Sleep>(asked.effect)) {
    // Alone on this thread a wait can simply be slept; with other effects under way it still only delays looking
    // at their answers.
    sleep(asked);
    return;
  }
  Call call;
  call.effect_id = asked.id.to_string();
  call.now_ms = clock_->now_ms();
  // What is asked after a cancellation cleans up (a rollback): it must not be stopped by what it follows.
  if (!cancelled_) {
    call.deadline = deadline();
    auto [entry, is_new] = under_way_.try_emplace(call.effect_id);
    call.stop = entry->second.get_token();
  }
  observation_.effect_started(asked.id, asked.effect);
  Reply<EffectReply> reply([inbox = inbox_, id = asked.id](EffectResult result) mutable {
    const std::lock_guard lock(inbox->mutex);
    inbox->results.emplace_back(std::move(id), std::move(result));
    inbox->arrived.notify_one();
  });
  perform(std::move(asked.effect), call, backends_, std::move(reply));
}

void BlockingRun::take_results(bool wait) {
  std::deque<std::pair<EffectId, EffectResult>> results;
  {
    std::unique_lock lock(inbox_->mutex);
    if (wait && inbox_->results.empty()) {
      const auto some = [this] { return !inbox_->results.empty(); };
      const SteadyTime end = cancelled_ ? SteadyTime::max() : deadline();
      // While rolling back after a stop the token is set already and would make this loop spin.
      const std::stop_token stop = cancelled_ ? std::stop_token() : options_.stop;
      if (end == SteadyTime::max()) {
        inbox_->arrived.wait(lock, stop, some);
      } else {
        inbox_->arrived.wait_until(lock, stop, end, some);
      }
    }
    results.swap(inbox_->results);
  }
  for (auto& [id, result] : results) {
    under_way_.erase(id.to_string());
    observation_.effect_ended(id, result);
    machine_.resume(id, std::move(result), clock_->now_ms());
  }
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
      const std::string id = abandoned->id.to_string();
      observation_.effect_abandoned(abandoned->id);
      if (auto found = under_way_.find(id); found != under_way_.end()) {
        found->second.request_stop();
        under_way_.erase(found);
      }
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
