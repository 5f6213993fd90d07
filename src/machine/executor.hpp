// Executor: executes the instructions of one strand until it asks for an effect, waits, or ends.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "machine/machine_state.hpp"
#include "machine/step_fields.hpp"

namespace fnstack::machine {

// Lives for one call of next(): it holds what must not be copied with the state.
class Executor {
 public:
  // An effect that is asked for goes into `next`.
  Executor(Machine::State& state, std::uint32_t number, Machine::Next& next)
      : state_(state),
        next_(next),
        data_(state.data()),
        limits_(*state.limits),
        number_(number),
        strand_(state.strand(number)) {
    scope_.roots = state.roots.data();
    scope_.now_ms = state.now_ms;
    scope_.random = &random_;
    scope_.limits.value_bytes = static_cast<std::uint64_t>(limits_.value_bytes);
    scope_.limits.value_depth = static_cast<std::uint32_t>(limits_.value_depth);
    scope_.limits.expression_steps = static_cast<std::uint32_t>(limits_.expression_steps);
    scope_.steps = state.expression_steps;
    surroundings_.limits = &limits_;
    std::memcpy(random_.seed, state.seed, sizeof(random_.seed));
    random_.stream = strand_.random_stream();
    random_.position = strand_.random_position;
    enter_frame();
  }
  ~Executor() { state_.expression_steps = scope_.steps; }

  enum class Stop : std::uint8_t { budget, blocked, gone };

  Stop run(std::uint64_t& budget);

 private:
  enum class Step : std::uint8_t { go_on, blocked, gone };

  void enter_frame() {
    frame_ = &strand_.frames.back();
    scope_.slots = frame_->slots.data();
    borrows_ = strand_.borrows(*frame_);
  }
  // Looks for a handler; go_on if there is one.
  [[gnu::cold, gnu::noinline]] Step fail(Error&& error) {
    if (!state_.raise(number_, std::move(error))) return Step::gone;
    enter_frame();
    return Step::go_on;
  }
  // What the slot's value counts in live_bytes; it is about to be replaced.
  [[gnu::always_inline]] std::uint64_t counted(std::uint32_t slot) {
    return borrows_ ? strand_.gives_up(*frame_, slot) : frame_->slots[slot].byte_size();
  }
  // False: the run's budget of live bytes is exhausted.
  bool store(std::uint32_t slot, Value value) {
    const std::uint64_t after = value.byte_size();
    const std::uint64_t before = counted(slot);
    frame_->slots[slot] = std::move(value);
    if (after == before) return true;  // numbers, mostly
    state_.live_bytes += after;
    state_.give_back(before);
    return state_.live_bytes <= static_cast<std::uint64_t>(limits_.live_bytes);
  }
  [[nodiscard]] bool is_over_live_bytes() const {
    return state_.live_bytes > static_cast<std::uint64_t>(limits_.live_bytes);
  }
  Step strands_error() {
    return fail(limit_error("strands", limits_.strands, "the run has", "branches and asynchronous calls", true));
  }
  // A value put together here: too large or too deep, it is an error.
  Step store_result(std::uint32_t slot, Value value) {
    if (auto error = value_error(value)) return fail(std::move(*error));
    return store_or_fail(slot, std::move(value));
  }
  [[nodiscard]] std::optional<Error> value_error(const Value& value) const {
    if (value.byte_size() > scope_.limits.value_bytes)
      return limit_error("value_bytes", limits_.value_bytes, "the result takes", "bytes", false);
    if (value.is_deeper_than(scope_.limits.value_depth))
      return limit_error("value_depth", limits_.value_depth, "the result is nested", "deep", false);
    return std::nullopt;
  }
  [[gnu::cold, gnu::noinline]] Step live_bytes_error() {
    return fail(limit_error("live_bytes", limits_.live_bytes, "the run's variables take", "bytes", true));
  }
  Step store_or_fail(std::uint32_t slot, Value value) {
    if (slot == program::none) return Step::go_on;
    return store(slot, std::move(value)) ? Step::go_on : live_bytes_error();
  }
  [[nodiscard]] std::optional<Error> evaluate(std::uint32_t operand, Value& out) {
    if (operand == program::none) {
      out = Value();
      return std::nullopt;
    }
    return program::evaluate(data_.operands[operand], scope_, surroundings_, out);
  }
  [[nodiscard]] StepFields fields_of(const program::KindCall& site) {
    return {
        data_, site, scope_, limits_, frame_->slots.data(), {state_.run_id(), strand_.path(), strand_.next_ordinal}};
  }
  void ask_for(Effect&& wanted) {
    ++state_.effects;
    next_.emplace<Machine::Perform>(state_.id_of(strand_, strand_.pending.ordinal), std::move(wanted));
  }

  // ---- executor.cpp: variables, and the way through blocks
  // Called in one place, the loop: a call for each instruction would cost as much as some instructions do.
  [[gnu::always_inline]] Step execute(const program::Instruction& instruction);
  Step assign(const program::Instruction& instruction);
  Step update(const program::Instruction& instruction);
  Step compute(const program::Instruction& instruction);
  Step arithmetic(const program::Instruction& instruction);
  Step set_headers(const program::Instruction& instruction);
  Step select(const program::Instruction& instruction);
  Step each_begin(const program::Instruction& instruction);
  Step each_next(const program::Instruction& instruction);
  Step count_from(const program::Instruction& instruction);
  Step count_pass(const program::Instruction& instruction);
  Step respond(const program::Instruction& instruction);
  Step end_finally(const program::Instruction& instruction);
  Step finish(const program::Instruction& instruction);
  Step finish_step(const program::Instruction& instruction, const StepFields& fields, Value value);

  // ---- effects.cpp: steps that ask the world
  Step wait_for(Effect&& wanted);
  std::optional<EffectResult> take_result();
  // The fields of the step that asked for its effect so, as they were then.
  [[nodiscard]] std::optional<Error> recall(StepFields& fields, Asked& asked);
  Step perform(const program::Instruction& instruction);
  Step converse(const program::Instruction& instruction);
  Step begin_transaction(const program::Instruction& instruction);
  Step finish_transaction(const program::Instruction& instruction);

  // ---- calls.cpp: functions
  Step call(const program::Instruction& instruction);
  Step enter_function(const program::CallSite& site, std::uint32_t function, Value arguments);
  Step start_call(const program::CallSite& site, std::optional<Frame> frame, std::optional<HostCall> wanted);
  [[nodiscard]] std::optional<Error> begin_await(const program::Instruction& instruction);
  Step await(const program::Instruction& instruction);

  // ---- forks.cpp: branches
  [[nodiscard]] std::optional<Error> begin_join(const program::ForkSite& site);
  void start_branch(const program::ForkSite& site, Join& join);
  Step fork(const program::Instruction& instruction);
  Step end_branch(const program::Instruction& instruction);

  // What the budget of next() is spent on beside instructions: what expressions cost, and the KiB that steps handle.
  // It is no account of the run: whoever watches the clock is to have a look in time.
  void note_work(std::uint64_t bytes) noexcept { handled_ += bytes / 1024; }
  [[nodiscard]] std::uint64_t work() const noexcept { return scope_.steps + handled_; }

  Machine::State& state_;
  Machine::Next& next_;
  const program::ProgramData& data_;
  const Limits& limits_;
  std::uint32_t number_;
  Strand& strand_;
  Frame* frame_ = nullptr;
  bool borrows_ = false;  // the frame is a branch's first: some of its slots are still its parent's
  expr::Random random_;
  expr::Scope scope_;
  std::uint64_t handled_ = 0;
  program::Surroundings surroundings_;
};

}  // namespace fnstack::machine
