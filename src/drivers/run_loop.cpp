#include "drivers/run_loop.hpp"

#include <algorithm>
#include <ctime>
#include <exception>
#include <limits>
#include <string>
#include <utility>

#include "drivers/perform.hpp"

namespace fnstack::drivers {

namespace {

constexpr std::uint32_t none = UINT32_MAX;

std::int64_t nanoseconds(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

SteadyTime steady_time(std::int64_t nanoseconds_since) {
  return SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(std::chrono::nanoseconds(nanoseconds_since)));
}

// A limit may be as far away as it likes.
SteadyTime after(SteadyTime time, std::int64_t amount, std::int64_t nanoseconds_each) {
  std::int64_t span = 0;
  std::int64_t end = 0;
  if (__builtin_mul_overflow(amount, nanoseconds_each, &span) ||
      __builtin_add_overflow(nanoseconds(time), span, &end)) {
    return SteadyTime::max();
  }
  return steady_time(end);
}

constexpr std::int64_t nanoseconds_in_ms = 1'000'000;
constexpr std::int64_t nanoseconds_in_s = 1'000'000'000;

Error wall_error(const char* name, std::int64_t amount, const char* unit) {
  Error error =
      make_error(error_type::limit, std::string(name) + ": the run takes more than " + std::to_string(amount) + unit);
  error.fatal = true;
  return error;
}

Outcome outcome_of(const Machine& machine) {
  Outcome outcome = machine.outcome();
  if (const auto& fault = machine.fault()) {
    outcome.status = Outcome::Status::failed;
    outcome.error = make_error(error_type::function, fault->message);
    outcome.error->status_code = status_of(outcome.error->type);
    outcome.error->fatal = true;
  }
  return outcome;
}

Counted counted_of(const Effect& effect) {
  if (std::holds_alternative<HttpRequest>(effect)) return Counted::http;
  if (std::holds_alternative<CacheCommand>(effect)) return Counted::cache;
  return std::holds_alternative<DatabaseCommand>(effect) ? Counted::database : Counted::nothing;
}

bool is_inside_transaction(const Effect& effect) {
  const auto* command = std::get_if<DatabaseCommand>(&effect);
  return command != nullptr && !command->transaction.empty() && command->kind != DatabaseCommand::Kind::begin;
}

constexpr const char* cancelled_text = "the run was cancelled";

}  // namespace

Outcome ended_early(Outcome::Status status, const char* type, std::string message) {
  Outcome outcome;
  outcome.status = status;
  outcome.error = make_error(type, std::move(message));
  outcome.error->status_code = status_of(type);
  outcome.error->fatal = true;
  return outcome;
}

RunLoop::RunLoop(std::shared_ptr<Inbox> inbox, const Backends& backends, RunLoopOptions options)
    : inbox_(std::move(inbox)),
      backends_(backends),
      options_(std::move(options)),
      clock_(backends.clock ? backends.clock : system_clock()),
      is_real_(clock_ == system_clock()),
      now_(std::chrono::steady_clock::now()) {
  for (std::size_t i = 0; i < options_.works.size(); ++i) {
    if (!options_.works[i]) continue;
    work_of_[i] = works_.size();
    works_.push_back({options_.works[i]});
  }
  if (inbox_->descriptor() < 0) return;
  polled_.push_back({inbox_->descriptor(), POLLIN, 0});
  for (const Work& work : works_) polled_.push_back({work.work->descriptor(), POLLIN, 0});
}

RunLoop::~RunLoop() { inbox_->close(); }

void RunLoop::turn() {
  now_ = std::chrono::steady_clock::now();
  take_messages();
  end_due_timers();
  watch_waiting();
  look_at_watches();
  send_held();
  advance_ready();
  turn_works();
}

// ---------------------------------------------------------------- what arrives

void RunLoop::take_messages() {
  if (!inbox_->has_any()) return;
  inbox_->take(messages_);
  for (Message& message : messages_) {
    if (auto* answer = std::get_if<Answer>(&message)) {
      take_answer(*answer);
    } else if (auto* given = std::get_if<NewRun>(&message)) {
      adopt(*given);
    } else if (auto* one = std::get_if<CancelOne>(&message)) {
      if (runs_.find(one->run) != nullptr) cancel(one->run.place);
    } else {
      runs_.for_each([this](std::uint32_t number) { cancel(number); });
    }
  }
  Inbox::clear(messages_);
}

void RunLoop::adopt(NewRun& given) {
  const Ticket ticket = runs_.add();
  Run& run = runs_[ticket.place];
  run.machine = std::move(given.machine);
  run.on_done = std::move(given.on_done);
  run.counted = given.began.time_since_epoch();
  run.wall_s = given.wall_s;
  const bool has_extras = !run.machine || given.give_back != nullptr || given.timeout_ms > 0 ||
                          given.stop.stop_possible() || !backends_.observers.empty();
  if (has_extras) {
    run.extras = std::make_unique<Extras>();
    run.extras->make_machine = std::move(given.make_machine);
    run.extras->give_back = given.give_back;
    run.extras->timeout_ms = given.timeout_ms;
    if (given.timeout_ms > 0) run.extras->timeout_at = after(given.began, given.timeout_ms, nanoseconds_in_ms);
  }
  if ((options_.host != nullptr && options_.host->is_stopping()) || given.stop.stop_requested()) {
    return cancel(ticket.place);
  }
  if (given.stop.stop_possible()) run.extras->on_stop.emplace(std::move(given.stop), PostCancel{inbox_, ticket});
  if (given.delay_ms <= 0) return make_ready(ticket.place);
  add_timer(given.delay_ms, add_effect(ticket.place, run, {}, UnderWay::Kind::beginning));
}

void RunLoop::take_answer(Answer& answer) {
  if (answer.counted != Counted::nothing) --under_way_[static_cast<std::size_t>(answer.counted)];
  if (effects_.find(answer.effect) != nullptr) resume(answer.effect.place, std::move(answer.result));
}

void RunLoop::cancel(std::uint32_t number) {
  Run& run = runs_[number];
  if (run.is_cancelled) return;
  run.is_cancelled = true;
  run.is_to_tell = true;
  make_ready(number);
}

// ---------------------------------------------------------------- runs

void RunLoop::make_ready(std::uint32_t number) {
  Run& run = runs_[number];
  if (run.is_paused) {
    // It only slept: that is not work.
    run.is_paused = false;
    run.counted = now_.time_since_epoch() - run.counted;
  }
  if (run.is_ready) return;
  run.is_ready = true;
  ready_.push_back(number);
}

void RunLoop::advance_ready() {
  advancing_.swap(ready_);
  std::size_t done = 0;
  for (const std::uint32_t number : advancing_) {
    advance(number);
    // Those left over are the first of the next turn: messages, timers and backends wait for no more than this.
    if (++done % 16 == 0 && std::chrono::steady_clock::now() - now_ > longest_turn) break;
  }
  ready_.insert(ready_.begin(), advancing_.begin() + static_cast<std::ptrdiff_t>(done), advancing_.end());
  advancing_.clear();
}

// What a host's step kind or backend throws is the end of its run, and of no other.
void RunLoop::advance(std::uint32_t number) {
  Run& run = runs_[number];
  run.is_ready = false;
  const char* type = error_type::function;
  std::string thrown;
  try {
    return step(number, run);
  } catch (const std::bad_alloc&) {
    type = error_type::limit;
    thrown = "out of memory";
  } catch (const std::exception& problem) {
    thrown = problem.what();
  } catch (...) {
    thrown = "a step or a backend threw something that is no exception";
  }
  end(number, ended_early(Outcome::Status::failed, type, std::move(thrown)));
}

void RunLoop::step(std::uint32_t number, Run& run) {
  if (!run.has_begun) {
    if (run.is_cancelled && !run.machine) {
      return end(number, ended_early(Outcome::Status::cancelled, error_type::cancelled, cancelled_text));
    }
    begin(run);
  }
  tell_end(run);
  Machine& machine = *run.machine;
  for (int effects = 0; effects < most_effects_in_a_row;) {
    Machine::Next next = machine.next(slice);
    if (Observation* observation = observation_of(run)) observation->steps(machine);
    if (auto* asked = std::get_if<Machine::Perform>(&next)) {
      perform(number, run, std::move(*asked));
      ++effects;
    } else if (auto* abandoned = std::get_if<Machine::Abandon>(&next)) {
      abandon(run, abandoned->id);
    } else if (std::holds_alternative<Machine::Waiting>(next)) {
      if (is_answered_already(run)) continue;
      run.is_paused = run.calls == 0;
      if (run.is_paused) run.counted = now_.time_since_epoch() - run.counted;
      // If the answer is here already, or soon sleeps only, its time limits need no timer.
      if (!run.is_watched) waiting_.push_back(runs_.ticket(number));
      return;
    } else if (std::holds_alternative<Machine::Ended>(next)) {
      return end(number, outcome_of(machine));
    } else {
      break;
    }
  }
  make_ready(number);
}

// Its machine that it is to end, if it is.
void RunLoop::tell_end(Run& run) {
  check_time(run);
  if (std::exchange(run.is_to_tell, false)) run.machine->cancel(make_error(error_type::cancelled, cancelled_text));
}

// A backend that answers on the thread of the only run: that goes on without a turn of the loop for each answer.
bool RunLoop::is_answered_already(Run& run) {
  if (!options_.is_for_one_run || !inbox_->has_any()) return false;
  now_ = std::chrono::steady_clock::now();
  take_messages();
  if (!run.is_ready) return false;
  run.is_ready = false;
  ready_.clear();
  tell_end(run);
  return true;
}

void RunLoop::begin(Run& run) {
  run.has_begun = true;
  if (!run.machine) {
    run.machine.emplace(run.extras->make_machine());
    run.extras->make_machine = nullptr;
    run.counted = now_.time_since_epoch();
  }
  if (backends_.observers.empty()) return;
  run.extras->observation.emplace(backends_, *clock_, *run.machine, options_.mask);
  run.extras->observation->run_started();
}

void RunLoop::end(std::uint32_t number, Outcome outcome) {
  Run& run = runs_[number];
  while (run.first_effect != none) remove_effect(run, run.first_effect, false);
  if (Observation* observation = observation_of(run)) observation->run_ended(outcome);
  if (run.extras && run.extras->give_back != nullptr) *run.extras->give_back = std::move(*run.machine);
  std::function<void(Outcome)> on_done = std::move(run.on_done);
  const bool is_watched = run.is_watched;
  runs_.remove(number);
  if (is_watched) {
    watches_.give_up_one([this](const Ticket& ticket) { return runs_.find(ticket) != nullptr; });
  }
  if (options_.host != nullptr) options_.host->run_ending();
  if (on_done) {
    try {
      on_done(std::move(outcome));
    } catch (...) {
      // Its failure is the host's own: the runs beside it go on.
    }
    on_done = nullptr;
  }
  if (options_.host != nullptr) options_.host->run_ended();
}

// ---------------------------------------------------------------- effects

void RunLoop::perform(std::uint32_t number, Run& run, Machine::Perform&& asked) {
  if (Observation* observation = observation_of(run)) observation->effect_started(asked.id, asked.effect);
  if (const auto* sleep = std::get_if<Sleep>(&asked.effect)) {
    const std::int64_t duration_ms = sleep->duration_ms;
    return add_timer(duration_ms, add_effect(number, run, std::move(asked.id), UnderWay::Kind::sleep));
  }
  const Counted counted = counted_of(asked.effect);
  const Ticket ticket = add_effect(number, run, std::move(asked.id), UnderWay::Kind::call);
  if (counted != Counted::nothing) {
    const auto i = static_cast<std::size_t>(counted);
    const bool is_full = under_way_[i] >= options_.most[i] || !held_[i].empty();
    if (is_full && !is_inside_transaction(asked.effect)) {
      held_[i].push_back({ticket, std::move(asked.effect)});
      return;
    }
  }
  send(run, ticket, counted, std::move(asked.effect));
}

void RunLoop::send(Run& run, Ticket ticket, Counted counted, Effect&& asked) {
  if (auto* start = std::get_if<StartRun>(&asked); start != nullptr && options_.host != nullptr) {
    Result<Value> started = options_.host->start_run(run.machine->program(), std::move(*start));
    return InboxReplies{inbox_, ticket, counted}(std::type_identity<Value>())(std::move(started));
  }
  UnderWay& effect = effects_[ticket.place];
  call_.effect_id.clear();
  id_of(run, effect).append_to(call_.effect_id);
  call_.now_ms = clock_->now_ms();
  // What is asked after a cancellation cleans up (a rollback): it must not be stopped by what it follows.
  if (!run.is_cancelled) {
    effect.stop = std::stop_source();
    call_.stop = effect.stop.get_token();
    call_.deadline = deadline(run);
  } else {
    call_.stop = {};
    call_.deadline = SteadyTime::max();
  }
  // Another strand's work would have to wait, and a stop would not be seen.
  call_.may_block = options_.is_for_one_run && calls_ == 1 && !effect.strand && earliest_timer() == nullptr &&
                    !(run.extras && run.extras->on_stop);
  if (counted != Counted::nothing) {
    const auto i = static_cast<std::size_t>(counted);
    ++under_way_[i];
    if (work_of_[i] < works_.size()) works_[work_of_[i]].is_touched = true;
  }
  drivers::perform(std::move(asked), call_, backends_, InboxReplies{inbox_, ticket, counted});
  call_.stop = {};
}

void RunLoop::send_held() {
  for (std::size_t i = 0; i < held_.size(); ++i) {
    while (!held_[i].empty() && under_way_[i] < options_.most[i]) {
      Held next = std::move(held_[i].front());
      held_[i].pop_front();
      const UnderWay* effect = effects_.find(next.effect);
      if (effect == nullptr) continue;  // abandoned meanwhile
      send(runs_[effect->run], next.effect, static_cast<Counted>(i), std::move(next.asked));
    }
  }
}

Ticket RunLoop::add_effect(std::uint32_t number, Run& run, EffectId id, UnderWay::Kind kind) {
  const Ticket ticket = effects_.add();
  UnderWay& effect = effects_[ticket.place];
  if (!id.strand.empty()) effect.strand = std::make_unique<std::vector<std::uint32_t>>(std::move(id.strand));
  effect.ordinal = id.ordinal;
  effect.run = number;
  effect.kind = kind;
  // At the list's end, which the first one knows.
  if (run.first_effect == none) {
    run.first_effect = effect.previous = ticket.place;
  } else {
    UnderWay& first = effects_[run.first_effect];
    effect.previous = std::exchange(first.previous, ticket.place);
    effects_[effect.previous].next = ticket.place;
  }
  if (kind == UnderWay::Kind::call) {
    ++run.calls;
    ++calls_;
  }
  return ticket;
}

void RunLoop::remove_effect(Run& run, std::uint32_t place, bool is_answered) {
  UnderWay& effect = effects_[place];
  if (run.first_effect == place) {
    run.first_effect = effect.next;
  } else {
    effects_[effect.previous].next = effect.next;
  }
  if (run.first_effect != none)
    effects_[effect.next != none ? effect.next : run.first_effect].previous = effect.previous;
  const UnderWay::Kind kind = effect.kind;
  std::stop_source stop = std::move(effect.stop);
  effects_.remove(place);
  if (kind == UnderWay::Kind::call) {
    --run.calls;
    --calls_;
    if (!is_answered) stop.request_stop();
  } else if (!is_answered) {
    timers_.give_up_one([this](const Ticket& ticket) { return effects_.find(ticket) != nullptr; });
  }
}

const EffectId& RunLoop::id_of(const Run& run, const UnderWay& effect) {
  id_.run = run.machine->run_id();
  if (effect.strand) {
    id_.strand = *effect.strand;
  } else {
    id_.strand.clear();
  }
  id_.ordinal = effect.ordinal;
  return id_;
}

void RunLoop::resume(std::uint32_t place, EffectResult result) {
  UnderWay& effect = effects_[place];
  const std::uint32_t number = effect.run;
  Run& run = runs_[number];
  const EffectId& id = id_of(run, effect);
  remove_effect(run, place, true);
  if (Observation* observation = observation_of(run)) observation->effect_ended(id, result);
  run.machine->resume(id, std::move(result), clock_->now_ms());
  make_ready(number);
}

void RunLoop::abandon(Run& run, const EffectId& id) {
  if (Observation* observation = observation_of(run)) observation->effect_abandoned(id);
  for (std::uint32_t place = run.first_effect; place != none; place = effects_[place].next) {
    const UnderWay& effect = effects_[place];
    const bool is_root = effect.strand == nullptr;
    if (effect.ordinal != id.ordinal || (is_root ? !id.strand.empty() : *effect.strand != id.strand)) continue;
    remove_effect(run, place, false);
    break;
  }
  // Told now, whatever still arrives, the machine need not remember that it is not wanted.
  run.machine->resume(id, EffectReply(Value()), clock_->now_ms());
}

// ---------------------------------------------------------------- time

std::int64_t RunLoop::timer_now() const {
  return is_real_ ? nanoseconds(std::chrono::steady_clock::now()) : clock_->now_ms();
}

void RunLoop::add_timer(std::int64_t duration_ms, Ticket effect) {
  // A clock can stand at any time, and a year in nanoseconds is far from the end of 64 bits.
  std::int64_t span = 0;
  std::int64_t due = 0;
  if (__builtin_mul_overflow(std::max<std::int64_t>(duration_ms, 0), is_real_ ? nanoseconds_in_ms : 1, &span) ||
      __builtin_add_overflow(timer_now(), span, &due)) {
    due = INT64_MAX;
  }
  timers_.add(due, effect);
}

const TimerHeap::Timer* RunLoop::earliest_timer() {
  return timers_.earliest([this](const Ticket& ticket) { return effects_.find(ticket) != nullptr; });
}

void RunLoop::end_due_timers() {
  const TimerHeap::Timer* timer = earliest_timer();
  if (timer == nullptr) return;
  const std::int64_t now = timer_now();
  for (; timer != nullptr && timer->due <= now; timer = earliest_timer()) {
    const std::uint32_t place = timer->what.place;
    timers_.pop();
    end_timer(place);
  }
}

void RunLoop::end_timer(std::uint32_t place) {
  const UnderWay& effect = effects_[place];
  if (effect.kind == UnderWay::Kind::sleep) return resume(place, EffectReply(Value()));
  const std::uint32_t number = effect.run;
  remove_effect(runs_[number], place, true);
  make_ready(number);
}

// Nothing but timers is under way, and time is the clock's own: on to the earliest.
void RunLoop::move_clock(std::int64_t due) {
  std::stop_source stop;
  if (!inbox_->begin_sleep(stop)) return;
  std::int64_t span = 0;
  if (__builtin_sub_overflow(due, clock_->now_ms(), &span)) span = INT64_MAX;
  clock_->sleep(std::max<std::int64_t>(span, 0), stop.get_token());
  inbox_->end_sleep(stop.stop_requested());
  now_ = std::chrono::steady_clock::now();
  if (stop.stop_requested()) return;
  if (const TimerHeap::Timer* timer = earliest_timer()) {
    const std::uint32_t place = timer->what.place;
    timers_.pop();
    end_timer(place);
  }
}

SteadyTime RunLoop::wall_end(const Run& run) const {
  if (run.wall_s <= 0) return SteadyTime::max();
  return after(run.is_paused ? now_ - run.counted : SteadyTime(run.counted), run.wall_s, nanoseconds_in_s);
}

SteadyTime RunLoop::deadline(const Run& run) const {
  return run.extras ? std::min(wall_end(run), run.extras->timeout_at) : wall_end(run);
}

void RunLoop::check_time(Run& run) {
  if (run.is_cancelled) return;
  if (run.extras && now_ >= run.extras->timeout_at) {
    run.machine->cancel(wall_error("timeout", run.extras->timeout_ms, " ms"));
  } else if (now_ >= wall_end(run)) {
    run.machine->cancel(wall_error("wall_s", run.wall_s, " s"));
  } else {
    return;
  }
  run.is_cancelled = true;
}

// A waiting run is looked at when its time may be over. While it only sleeps, just its timeout counts.
void RunLoop::watch(std::uint32_t number, Run& run) {
  if (run.is_watched || run.is_cancelled) return;
  if (run.is_paused && (!run.extras || run.extras->timeout_at == SteadyTime::max())) return;
  const SteadyTime end = deadline(run);
  if (end == SteadyTime::max()) return;
  watches_.add(nanoseconds(end), runs_.ticket(number));
  run.is_watched = true;
}

void RunLoop::watch_waiting() {
  for (const Ticket& ticket : waiting_) {
    Run* const run = runs_.find(ticket);
    if (run != nullptr && !run->is_ready) watch(ticket.place, *run);
  }
  waiting_.clear();
}

const TimerHeap::Timer* RunLoop::earliest_watch() {
  return watches_.earliest([this](const Ticket& ticket) { return runs_.find(ticket) != nullptr; });
}

void RunLoop::look_at_watches() {
  const std::int64_t now = nanoseconds(now_);
  for (auto* due = earliest_watch(); due != nullptr && due->due <= now; due = earliest_watch()) {
    const std::uint32_t number = due->what.place;
    watches_.pop();
    Run& run = runs_[number];
    run.is_watched = false;
    if (run.is_cancelled || run.is_ready) continue;
    check_time(run);
    if (run.is_cancelled) {
      make_ready(number);
    } else {
      watch(number, run);
    }
  }
}

// ---------------------------------------------------------------- waiting

void RunLoop::turn_works() {
  for (Work& work : works_) {
    if (!work.is_touched && (work.next == SteadyTime::max() || work.next > std::chrono::steady_clock::now())) continue;
    work.is_touched = false;
    work.next = work.work->turn();
  }
}

void RunLoop::wait() {
  if (!ready_.empty() || inbox_->has_any()) {
    // However much there is to do: what has come over the network is heard of soon.
    if (!works_.empty() && now_ - last_poll_ >= std::chrono::microseconds(200)) poll_for(now_);
    return;
  }
  watch_waiting();
  if (!is_real_ && calls_ == 0) {
    if (const TimerHeap::Timer* timer = earliest_timer()) return move_clock(timer->due);
  }
  SteadyTime end = SteadyTime::max();
  if (is_real_) {
    if (const TimerHeap::Timer* timer = earliest_timer()) end = steady_time(timer->due);
  }
  if (const TimerHeap::Timer* timer = earliest_watch()) end = std::min(end, steady_time(timer->due));
  for (const Work& work : works_) end = std::min(end, work.next);
  if (polled_.empty()) {
    inbox_->wait_until(end);
  } else {
    poll_for(end);
  }
}

void RunLoop::poll_for(SteadyTime end) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const bool sleeps = end > now;
  if (sleeps && !inbox_->begin_sleep()) return;
  timespec time = {};
  if (sleeps && end != SteadyTime::max()) {
    const std::int64_t span = nanoseconds(end) - nanoseconds(now);
    time.tv_sec = static_cast<time_t>(span / nanoseconds_in_s);
    time.tv_nsec = static_cast<long>(span % nanoseconds_in_s);
  }
  const int found = ::ppoll(polled_.data(), polled_.size(), end == SteadyTime::max() ? nullptr : &time, nullptr);
  last_poll_ = now;
  if (sleeps) inbox_->end_sleep(found > 0 && polled_[0].revents != 0);
  if (found <= 0) return;
  for (std::size_t i = 0; i < works_.size(); ++i) {
    if (polled_[i + 1].revents != 0) works_[i].is_touched = true;
  }
}

// ---------------------------------------------------------------- one run

Outcome RunLoop::run(NewRun run) {
  Outcome outcome;
  run.on_done = [&outcome](Outcome ended) { outcome = std::move(ended); };
  const Inbox::OnThread here(*inbox_);
  inbox_->post(std::move(run));
  for (;;) {
    turn();
    if (is_empty()) return outcome;
    wait();
  }
}

bool RunLoop::settle() {
  const auto is_settled = [this] {
    return std::all_of(under_way_.begin(), under_way_.end(), [](std::size_t count) { return count == 0; });
  };
  if (is_settled()) return true;
  const Inbox::OnThread here(*inbox_);
  for (Work& work : works_) work.is_touched = true;
  turn();
  take_messages();
  return is_settled();
}

Outcome run_here(NewRun run, const Backends& backends, RunLoopOptions options) {
  options.is_for_one_run = true;
  return RunLoop(std::make_shared<Inbox>(), backends, std::move(options)).run(std::move(run));
}

}  // namespace fnstack::drivers
