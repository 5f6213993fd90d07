// The state of one run: plain data, no pointer into anything but the program. What changes it is the Executor
// (instructions), machine.cpp (which strand goes on, answers), strands.cpp (branches and asynchronous calls),
// unwind.cpp (errors, returns, ends) and snapshot.cpp (writing it out).
//
// A hundred thousand runs may wait at once, so what most runs do not have (branches, calls, an outcome as yet) is in
// boxes, and what they do have (a strand with a frame) is in the State itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fnstack/machine.hpp>

#include "base/array.hpp"
#include "base/box.hpp"
#include "base/queue.hpp"
#include "expr/expression.hpp"
#include "program/program_data.hpp"

namespace fnstack {

namespace machine {

// However high the limit value_depth is set: printing, comparing with a filter and snapshots follow a value's nesting.
inline constexpr int max_value_depth = 1000;

// What an empty slot counts, and one that is borrowed.
inline const std::uint64_t empty_slot_bytes = Value().byte_size();

// One function being executed. `pc` is the next instruction.
struct Frame {
  std::uint32_t function = program::none;
  std::uint32_t pc = 0;
  base::Array<Value> slots;
};

// The frames of a strand, callers below what they called. The first is in here: mostly it is the only one.
class Frames {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_.function == program::none; }
  [[nodiscard]] std::size_t size() const noexcept { return empty() ? 0 : 1 + (above_ ? above_->size() : 0); }
  [[nodiscard]] Frame& operator[](std::size_t i) noexcept { return i == 0 ? first_ : (*above_)[i - 1]; }
  [[nodiscard]] const Frame& operator[](std::size_t i) const noexcept { return i == 0 ? first_ : (*above_)[i - 1]; }
  [[nodiscard]] Frame& front() noexcept { return first_; }
  [[nodiscard]] const Frame& front() const noexcept { return first_; }
  [[nodiscard]] Frame& back() noexcept { return above_ && !above_->empty() ? above_->back() : first_; }
  [[nodiscard]] const Frame& back() const noexcept { return above_ && !above_->empty() ? above_->back() : first_; }

  void push_back(Frame frame) {
    if (empty()) {
      first_ = std::move(frame);
    } else {
      above_.get_or_make().push_back(std::move(frame));
    }
  }
  // Not the first: a strand goes with it.
  void pop_back() { above_->pop_back(); }

 private:
  Frame first_;  // without a function there is none
  base::Box<std::vector<Frame>> above_;
};

// What a step that asked for an effect remembers until the answer is there.
struct Asked {
  // The evaluated fields that the kind wants to see again: an array. They may hold what came from env, so a snapshot
  // leaves them out; null, they are evaluated again as of the time and the random position when they were first.
  Value fields;
  std::int64_t evaluated_ms = 0;
  std::uint64_t random_position = 0;
  Value conversation;  // what the kind remembers, if it asks for several effects
};

// An effect under way; its id is made of the run's, the strand's path and `ordinal`. Which instruction asked is the top
// frame's pc - 1.
struct Pending {
  static constexpr std::uint64_t nothing = UINT64_MAX;
  std::uint64_t ordinal = nothing;  // then no effect is
  base::Box<Asked> asked;
  base::Box<EffectResult> result;

  explicit operator bool() const noexcept { return ordinal != nothing; }
  void reset() { *this = Pending(); }
};

// A strand's branches, while they are under way: the fork is the instruction it is blocked at.
struct Join {
  std::uint64_t total = 0;
  std::uint64_t next = 0;           // the branch to start next
  std::uint64_t most = 0;           // at a time
  std::uint64_t first_index = 0;    // of branch 0, in paths
  std::vector<std::uint32_t> live;  // numbers, in order
  std::vector<Value> results;       // by branch, as far as they are wanted and there
  std::uint64_t result_bytes = 0;   // what they count in live_bytes
  bool won = false;                 // mode first: results[0] is the result
  std::optional<Error> last_error;  // mode first
};

// Waiting for asynchronous calls to end, with a Sleep as `pending` if not for ever.
struct Awaiting {
  Value ids;             // an array of texts
  std::size_t next = 0;  // the first that may not have ended; this strand is among its waiters
  std::optional<std::int64_t> timeout_ms;
  // The timeout's. It is taken whether a Sleep is needed or not: later ids must not depend on what ended first.
  std::uint64_t ordinal = 0;
  bool has_yielded = false;  // strands that were ready had their turn: some calls need nothing from outside
};

// What an asynchronous call is beside a strand.
struct AsyncCall {
  std::string id;
  bool full = false;               // its result is the whole response
  std::uint32_t origin = 0;        // the instruction that called
  std::optional<HostCall> wanted;  // of the host, and not asked for yet; such a strand has no frames
};

// Where a strand comes from, unless it is the root.
struct Descent {
  std::vector<std::uint32_t> path;
  std::uint32_t parent = program::none;  // the strand that it branches off or that called it
  std::size_t base_depth = 0;            // frames of the parents below this strand's
  std::uint64_t random_stream = 0;
  program::ForkSite::Branch code;  // of a branch: where its first frame stays
  base::Array<bool> borrowed;      // of a branch: which slots of its first frame are its parent's, counted there
  base::Box<AsyncCall> call;
};

// What comes from a strand, and its waiting for that.
struct Offspring {
  std::uint64_t next_index = 0;      // of its branches and asynchronous calls, in their paths
  std::vector<std::uint32_t> calls;  // asynchronous ones under way, this strand's to cancel
  base::Box<Join> join;
  base::Box<Awaiting> awaiting;
};

struct Strand {
  enum class Status : std::uint8_t {
    ready,    // has instructions to execute
    waiting,  // for the result of `pending`
    joining,  // for its branches
    awaiting  // for asynchronous calls, or `pending`'s result
  };
  Status status = Status::ready;
  std::uint64_t next_ordinal = 0;  // of its effects
  std::uint64_t random_position = 0;
  Frames frames;
  Pending pending;
  base::Box<Descent> descent;      // none: it is the root
  base::Box<Offspring> offspring;  // none: there never was any

  [[nodiscard]] const std::vector<std::uint32_t>& path() const noexcept {
    static const std::vector<std::uint32_t> of_root;
    return descent ? descent->path : of_root;
  }
  [[nodiscard]] std::uint32_t parent() const noexcept { return descent ? descent->parent : program::none; }
  [[nodiscard]] std::size_t base_depth() const noexcept { return descent ? descent->base_depth : 0; }
  [[nodiscard]] std::uint64_t random_stream() const noexcept { return descent ? descent->random_stream : 0; }
  [[nodiscard]] bool is_call() const noexcept { return descent && descent->call; }
  [[nodiscard]] bool is_branch() const noexcept { return descent && !descent->call; }
  [[nodiscard]] const std::vector<std::uint32_t>& calls() const noexcept {
    static const std::vector<std::uint32_t> none;
    return offspring ? offspring->calls : none;
  }
  // Null if it does not join, or await.
  [[nodiscard]] const Join* join() const noexcept { return offspring ? offspring->join.get() : nullptr; }
  [[nodiscard]] Join* join() noexcept { return offspring ? offspring->join.get() : nullptr; }
  [[nodiscard]] const Awaiting* awaiting() const noexcept { return offspring ? offspring->awaiting.get() : nullptr; }

  // Slots of this frame may be the parent's.
  [[nodiscard]] bool borrows(const Frame& frame) const noexcept {
    return descent && descent->borrowed.size() != 0 && &frame == &frames.front();
  }
  // What a slot of a frame counts in live_bytes.
  [[nodiscard]] std::uint64_t counts(const Frame& frame, std::size_t slot) const {
    const bool is_lent = borrows(frame) && descent->borrowed[slot];
    return is_lent ? empty_slot_bytes : frame.slots[slot].byte_size();
  }
  // The same of a slot that is about to be given a value of the strand's own.
  [[nodiscard]] std::uint64_t gives_up(const Frame& frame, std::size_t slot) {
    const std::uint64_t counted = counts(frame, slot);
    if (borrows(frame)) descent->borrowed[slot] = false;
    return counted;
  }

  // Executes its instruction again, now that what it waited for is there.
  [[nodiscard]] bool is_resuming() const noexcept { return pending || join() != nullptr || awaiting() != nullptr; }
};

// An asynchronous call, also when it has ended.
struct Execution {
  std::uint32_t strand = program::none;  // while it is under way
  Value result;                          // then: {"execution_id", "status", "output"}
  std::vector<std::uint32_t> waiters;
};

// A transaction that nobody will end but the machine.
struct Rollback {
  EffectId id;
  std::string transaction;
};

struct PathHash {
  // FNV-1a.
  [[nodiscard]] std::size_t operator()(const std::vector<std::uint32_t>& path) const noexcept {
    std::uint64_t hash = 14695981039346656037U;
    for (const std::uint32_t index : path) hash = (hash ^ index) * 1099511628211U;
    return static_cast<std::size_t>(hash);
  }
};

// What only some runs have.
struct Rare {
  std::unordered_map<std::uint32_t, Strand> strands;  // but the root, by number
  std::uint32_t next_strand = 1;
  base::Queue<std::uint32_t> ready;                                                 // behind the first
  base::Queue<EffectId> abandoned;                                                  // to be told to the driver
  std::vector<EffectId> ignored;                                                    // told; their results are dropped
  std::map<std::string, Execution, std::less<>> executions;                         // asynchronous calls by id
  std::unordered_map<std::vector<std::uint32_t>, std::uint32_t, PathHash> numbers;  // of these strands, by path
  base::Queue<Rollback> rollbacks;                                                  // still to be asked for
  std::vector<EffectId> rollbacks_under_way;
  std::vector<StepEvent> events;
  std::string long_run_id;
};

struct End {
  Outcome outcome;
  std::optional<Fault> fault;
};

}  // namespace machine

struct Machine::State {
  Program program;
  std::shared_ptr<const Limits> limits;  // never null

  // The run's id, mostly the 36 characters of a UUID; a longer one is in `rare`, and its length here the greatest.
  char id_text[36] = {};
  std::uint8_t id_length = 0;
  bool observe = false;
  // The end: `ending` while open transactions are rolled back, then `ended`.
  bool ending = false;
  bool ended = false;

  base::Array<Value> roots;  // env, run, the host's; none if nothing reads one
  std::uint8_t seed[sizeof(expr::Random::seed)] = {};
  std::int64_t now_ms = 0;
  std::uint64_t steps = 0;             // executions of step objects
  std::uint64_t expression_steps = 0;  // what expressions cost
  std::uint64_t effects = 0;
  std::uint64_t live_bytes = 0;

  machine::Strand root;  // without a frame: the run could not begin
  // The strands that can go on, in the order they became so: mostly one at most, others are in `rare`.
  std::uint32_t first_ready = program::none;
  base::Box<machine::Rare> rare;
  base::Box<machine::End> end;

  // ---- machine.cpp
  [[nodiscard]] Next next(std::uint64_t budget);
  void go_on(std::uint64_t budget, Next& next);  // `next` is Waiting before, and if there is nothing to do
  void resume(const EffectId& id, EffectResult result, std::int64_t now);
  void begin(Start start);
  // Limits, roots and seed: what a restored machine needs too.
  void prepare(Start& start);
  [[nodiscard]] std::string_view run_id() const noexcept {
    return id_length <= sizeof(id_text) ? std::string_view(id_text, id_length) : rare->long_run_id;
  }
  void set_run_id(std::string_view id);
  [[nodiscard]] Outcome& outcome() { return end.get_or_make().outcome; }
  void fail(Fault::Kind kind, std::string message) {
    end.get_or_make().fault = Fault{kind, std::move(message)};
    ended = true;
  }

  // ---- strands.cpp
  [[nodiscard]] machine::Rare& more() { return rare.get_or_make(); }
  [[nodiscard]] EffectId id_of(const machine::Strand& strand, std::uint64_t ordinal) const {
    return {std::string(run_id()), strand.path(), ordinal};
  }
  // By number, 0 for the root: one that is there, or null if there is none.
  [[nodiscard]] machine::Strand& strand(std::uint32_t number) { return number == 0 ? root : rare->strands.at(number); }
  [[nodiscard]] const machine::Strand* find_strand(std::uint32_t number) const;
  [[nodiscard]] machine::Strand* find_strand(std::uint32_t number) {
    return const_cast<machine::Strand*>(std::as_const(*this).find_strand(number));
  }
  [[nodiscard]] std::size_t strand_count() const noexcept {
    return (root.frames.empty() ? 0 : 1) + (rare ? rare->strands.size() : 0);
  }
  // Calls f(number, strand) for one after another, in no order, until it answers true: whether it did.
  template <class F>
  bool any_strand(F f) const {
    if (!root.frames.empty() && f(std::uint32_t{0}, root)) return true;
    return rare && std::any_of(rare->strands.begin(), rare->strands.end(),
                               [&f](const auto& entry) { return f(entry.first, entry.second); });
  }
  // The number of the strand that waits for this effect; none if there is none.
  [[nodiscard]] std::uint32_t who_waits_for(const EffectId& id) const;
  void abandon(const machine::Strand& strand) {
    if (strand.pending && !strand.pending.result) more().abandoned.push_back(id_of(strand, strand.pending.ordinal));
  }
  // An asynchronous call by its id; null if there is none.
  [[nodiscard]] machine::Execution* find_execution(std::string_view id);
  // In the order of first_ready.
  [[nodiscard]] std::size_t ready_count() const noexcept {
    return first_ready == program::none ? 0 : 1 + (rare ? rare->ready.size() : 0);
  }
  void add_ready(std::uint32_t number);
  void take_first_ready();
  void take_out_ready(std::uint32_t number);
  // The strand goes on with the instruction it is blocked at.
  void wake(std::uint32_t number);
  // A new strand that branches off `parent`: path, depth, random stream. Its number.
  [[nodiscard]] std::uint32_t add_strand(std::uint32_t parent, std::uint64_t index);
  [[nodiscard]] const program::ForkSite& fork_of(const machine::Strand& parent) const;
  // A branch has ended with a result, or with an error that its fork's mode does not raise.
  void end_branch(std::uint32_t number, Value result);
  void fail_branch(std::uint32_t number, Error error);
  // A call of the host in a strand of its own: what it asks for, and its answer.
  [[nodiscard]] EffectId ask_host(machine::Strand& strand);
  void end_host_call(std::uint32_t number, EffectResult result);
  void wake_waiters(machine::Execution& execution);
  // Its asynchronous calls are another's from now on.
  void hand_over_calls(machine::Strand& from, std::uint32_t to);
  void end_call(std::uint32_t number, std::string_view status, Value output);
  // The join is over: what its results count is given back, what still runs is cancelled.
  void drop_join(machine::Strand& strand);
  // Cancels strands with all that belongs to them: their effects are abandoned, their transactions rolled back.
  void drop_strand(std::uint32_t number);
  void note_open_transactions(machine::Strand& strand);
  // Nothing is under way and nobody ready: calls that await each other. False: there is no such strand.
  [[nodiscard]] bool break_deadlock();

  // ---- unwind.cpp
  // Finds the handler for an error that the strand's current instruction raised; without one the run fails.
  // False: the strand does not go on (the run is ending, or the strand is gone).
  [[nodiscard]] bool raise(std::uint32_t number, Error error);
  // The top function ends with this response object, or null for none. False as above.
  [[nodiscard]] bool finish_function(std::uint32_t number, Value response);
  void finish_run(Outcome::Status status, std::optional<Error> error);
  void cancel(Error reason);
  void capture_variables(const machine::Frame& frame);

  [[nodiscard]] const program::ProgramData& data() const noexcept { return program.data(); }
  [[nodiscard]] const program::Instruction& current(const machine::Frame& frame) const {
    return data().code[frame.pc - 1];
  }
  void add_event(StepEvent::Kind kind, std::uint32_t step, std::string text, Value extra = {});
  void release(const machine::Strand& strand, const machine::Frame& frame);
  void give_back(std::uint64_t bytes) { live_bytes -= std::min(live_bytes, bytes); }
};

namespace machine {

// A response on its way: {"status", "headers", "body"}.
[[nodiscard]] Value make_response(std::int64_t status, Value headers, Value body);
// From the public format back, for errors that a finally block passes on.
[[nodiscard]] Error error_from_value(const Value& value);
// Applies an Update Variable to the variable's value. On error the variable is as it was.
[[nodiscard]] std::optional<Error> apply_update(const program::UpdateSite& site, Value& variable, Value value,
                                                const Value& key);
// Checks and completes a function's inputs: types, defaults, required ones. Into frame.slots.
[[nodiscard]] std::optional<Error> bind_inputs(const program::ProgramData& data, expr::Scope& scope,
                                               const Limits& limits, Frame& frame, Value inputs);

[[nodiscard]] inline Error limit_error(std::string_view name, std::int64_t limit, std::string_view what,
                                       std::string_view unit, bool fatal) {
  Error error = make_error(error_type::limit, std::string(name) + ": " + std::string(what) + " more than " +
                                                  std::to_string(limit) + " " + std::string(unit));
  error.fatal = fatal;
  return error;
}

}  // namespace machine

}  // namespace fnstack
