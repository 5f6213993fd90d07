// RunLoop: drives many runs on one thread: their machines, timers, time limits and effects under way. It has no thread
// of its own: run_blocking turns it on the caller's until its one run has ended, the event loop on a thread that it
// keeps.
//
// Replies only store their result in the Inbox; a machine is resumed by the loop, never inside a reply, so a million
// inline replies don't deepen the stack. Runs that can go on do so in turn, each for a slice of instructions.
//
// A Sleep is a timer of the loop's. Any clock but the system's is moved on, to the earliest timer, when there is
// nothing else to wait for in any run: so time that is not real passes between effects, never during one.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include <fnstack/driver.hpp>

#include "drivers/inbox.hpp"
#include "drivers/observation.hpp"
#include "drivers/slab.hpp"
#include "drivers/timer_heap.hpp"

namespace fnstack::drivers {

// Whom the loop works for. Called on the loop's thread; must not throw.
class RunLoopHost {
 public:
  virtual ~RunLoopHost() = default;
  // Starts another run of a program; its id. Without a host, Backends::start_run does.
  virtual Result<Value> start_run(const Program& program, StartRun start) = 0;
  // A run is over: before and after its on_done is called.
  virtual void run_ending() {}
  virtual void run_ended() {}
  // Runs that arrive now are cancelled.
  [[nodiscard]] virtual bool is_stopping() const { return false; }
};

struct RunLoopOptions {
  const SecretMask* mask = nullptr;  // applied to what observers are told
  bool is_for_one_run = false;       // whose caller waits for it on this thread
  RunLoopHost* host = nullptr;
  // By Counted: how many may be under way at a backend at once; more wait, in order. What belongs to a transaction is
  // counted, but never waits: others may be waiting for the transaction's end.
  std::array<std::size_t, 3> most = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
  // The work that performs the requests of the backends, by Counted; null: they come along without this thread.
  // With any of them the inbox has to have a descriptor.
  std::array<std::shared_ptr<LoopWork>, 3> works = {};
};

class RunLoop {
 public:
  // The backends outlive it. Everything from here on is for one thread, while it has an Inbox::OnThread.
  RunLoop(std::shared_ptr<Inbox> inbox, const Backends& backends, RunLoopOptions options);
  ~RunLoop();
  RunLoop(const RunLoop&) = delete;
  RunLoop& operator=(const RunLoop&) = delete;

  // Takes what has arrived and lets each run that can go on do so for a slice.
  void turn();
  // Until there is something to do: at once if there is.
  void wait();
  // One run from its beginning to its end, where there is no other. Its on_done is not called.
  [[nodiscard]] Outcome run(NewRun run);
  // After that: has the backends end what the run no longer wanted. False: something is still under way.
  [[nodiscard]] bool settle();
  // No run is left, and none has arrived.
  [[nodiscard]] bool is_empty() const noexcept { return runs_.size() == 0 && !inbox_->has_any(); }

 private:
  struct PostCancel {
    std::shared_ptr<Inbox> inbox;
    Ticket run;
    void operator()() const { inbox->post(CancelOne{run}); }
  };
  // What few runs have.
  struct Extras {
    std::function<Machine()> make_machine;
    Machine* give_back = nullptr;
    SteadyTime timeout_at = SteadyTime::max();
    std::int64_t timeout_ms = 0;
    std::optional<Observation> observation;
    std::optional<std::stop_callback<PostCancel>> on_stop;
  };
  // 100,000 of them may be waiting: small is beautiful here.
  struct Run {
    std::optional<Machine> machine;
    std::function<void(Outcome)> on_done;
    std::unique_ptr<Extras> extras;
    // When it began, moved on by all the time it slept; while is_paused (it only sleeps), how long it has worked.
    SteadyTime::duration counted{};
    std::int64_t wall_s = 0;
    std::uint32_t first_effect = UINT32_MAX;  // of its list of effects under way
    std::uint32_t calls = 0;                  // of them those at a backend
    bool has_begun = false;
    bool is_ready = false;
    bool is_paused = false;
    bool is_cancelled = false;
    bool is_to_tell = false;  // its machine does not know that yet
    bool is_watched = false;  // a timer of watches_ looks at its time limits
  };
  // An effect under way. With the run's id these are its EffectId.
  struct UnderWay {
    std::unique_ptr<std::vector<std::uint32_t>> strand;  // null: the root
    std::uint64_t ordinal = 0;
    std::stop_source stop{std::nostopstate};
    std::uint32_t run = 0;
    std::uint32_t next = UINT32_MAX, previous = UINT32_MAX;  // of the same run; the first one's previous is the last
    enum class Kind : std::uint8_t { call, sleep, beginning } kind = Kind::call;
  };
  // A request that waits because too many are under way.
  struct Held {
    Ticket effect;
    Effect asked;
  };
  struct Work {
    std::shared_ptr<LoopWork> work;
    SteadyTime next = SteadyTime::max();
    bool is_touched = false;  // has got a request since its last turn
  };

  // How many instructions between two looks at the clock and the messages: about half a millisecond's work. A run may
  // ask for several effects in a row, but not for any number before others have their turn.
  static constexpr std::uint64_t slice = 10'000;
  static constexpr int most_effects_in_a_row = 64;
  static constexpr auto longest_turn = std::chrono::milliseconds(2);

  [[nodiscard]] static Observation* observation_of(Run& run) noexcept {
    return run.extras && run.extras->observation ? &*run.extras->observation : nullptr;
  }

  void take_messages();
  void adopt(NewRun& given);
  void take_answer(Answer& answer);
  void cancel(std::uint32_t run);
  void make_ready(std::uint32_t run);
  void advance_ready();
  void advance(std::uint32_t number);
  void step(std::uint32_t number, Run& run);
  void tell_end(Run& run);
  [[nodiscard]] bool is_answered_already(Run& run);
  void begin(Run& run);
  void end(std::uint32_t number, Outcome outcome);

  void perform(std::uint32_t number, Run& run, Machine::Perform&& asked);
  void send(Run& run, Ticket ticket, Counted counted, Effect&& asked);
  void send_held();
  void abandon(Run& run, const EffectId& id);
  Ticket add_effect(std::uint32_t number, Run& run, EffectId id, UnderWay::Kind kind);
  // Takes it from the run's list; a call is stopped, unless it has been answered.
  void remove_effect(Run& run, std::uint32_t place, bool is_answered);
  void resume(std::uint32_t place, EffectResult result);
  const EffectId& id_of(const Run& run, const UnderWay& effect);

  void add_timer(std::int64_t duration_ms, Ticket effect);
  void end_due_timers();
  void end_timer(std::uint32_t place);
  void move_clock(std::int64_t due);
  [[nodiscard]] const TimerHeap::Timer* earliest_timer();
  [[nodiscard]] std::int64_t timer_now() const;

  // Time limits.
  [[nodiscard]] SteadyTime wall_end(const Run& run) const;
  [[nodiscard]] SteadyTime deadline(const Run& run) const;
  void check_time(Run& run);
  void watch(std::uint32_t number, Run& run);
  void watch_waiting();
  void look_at_watches();
  [[nodiscard]] const TimerHeap::Timer* earliest_watch();

  void turn_works();
  void poll_for(SteadyTime end);

  const std::shared_ptr<Inbox> inbox_;
  const Backends& backends_;
  const RunLoopOptions options_;
  const std::shared_ptr<Clock> clock_;
  const bool is_real_;  // the clock is the system's

  Slab<Run> runs_;
  Slab<UnderWay> effects_;
  std::vector<std::uint32_t> ready_, advancing_;
  std::vector<Ticket> waiting_;  // since the last turn: still to be watched, if they still wait
  std::vector<Message> messages_;
  TimerHeap timers_;   // of effects: by the steady clock, or in milliseconds of a clock that is not the system's
  TimerHeap watches_;  // of runs: by the steady clock
  std::array<std::size_t, 3> under_way_ = {};  // by Counted: at a backend, abandoned ones too
  std::array<std::deque<Held>, 3> held_;
  std::size_t calls_ = 0;  // effects at backends or held, abandoned ones not
  std::vector<Work> works_;
  std::array<std::size_t, 3> work_of_ = {SIZE_MAX, SIZE_MAX, SIZE_MAX};  // by Counted: its place in works_
  std::vector<pollfd> polled_;
  SteadyTime now_, last_poll_;

  // Kept for their storage.
  EffectId id_;
  Call call_;
};

// Of a run that its machine can't end.
[[nodiscard]] Outcome ended_early(Outcome::Status status, const char* type, std::string message);

// Runs it on this thread, to its end, with backends that work on threads of their own. Its on_done is not called.
[[nodiscard]] Outcome run_here(NewRun run, const Backends& backends, RunLoopOptions options);

}  // namespace fnstack::drivers
