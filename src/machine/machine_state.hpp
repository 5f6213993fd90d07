// The state of one run: plain data, no pointer into anything but the program. What changes it is machine.cpp
// (instructions), unwind.cpp (errors, returns, ends) and snapshot.cpp (writing it out).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fnstack/machine.hpp>

#include "expr/expression.hpp"
#include "program/program_data.hpp"

namespace fnstack {

namespace machine {

// However high the limit value_depth is set: printing, comparing with a filter and snapshots follow a value's nesting.
inline constexpr int max_value_depth = 1000;

// One function being executed. `pc` is the next instruction.
struct Frame {
  std::uint32_t function = 0;
  std::uint32_t pc = 0;
  std::vector<Value> slots;
  std::string execution_id;  // of an asynchronous call; else empty
};

// An effect under way. Which instruction asked is the top frame's pc - 1.
struct Pending {
  EffectId id;
  // The evaluated fields that the kind wants to see again: an array. They may hold what came from env, so a snapshot
  // leaves them out; null, they are evaluated again as of the time and the random position when they were first.
  Value fields;
  std::int64_t evaluated_ms = 0;
  std::uint64_t random_position = 0;
  Value conversation;  // what the kind remembers, if it asks for several effects
  std::optional<EffectResult> result;
};

struct Strand {
  enum class Status : std::uint8_t {
    ready,    // has instructions to execute
    waiting,  // for the result of `pending`
    joining   // for its branches
  };
  Status status = Status::ready;
  std::vector<std::uint32_t> path;
  std::uint32_t parent = program::none;
  std::uint64_t next_ordinal = 0;
  std::size_t base_depth = 0;  // frames of the parents below this strand's
  std::vector<Frame> frames;
  std::optional<Pending> pending;
  std::vector<std::uint32_t> branches;  // while joining
  std::vector<Value> results;
  std::size_t branches_left = 0;
};

}  // namespace machine

struct Machine::State {
  Program program;
  std::string run_id;
  Limits limits;
  bool observe = false;

  std::vector<Value> roots;  // env, run, the host's
  expr::Random random;
  std::int64_t now_ms = 0;
  std::uint64_t steps = 0;             // executions of step objects
  std::uint64_t expression_steps = 0;  // what expressions cost
  std::uint64_t effects = 0;
  std::uint64_t live_bytes = 0;

  std::map<std::uint32_t, machine::Strand> strands;  // by number; 0 is the root
  std::uint32_t next_strand = 1;
  std::deque<std::uint32_t> ready;                        // in the order they became so
  std::deque<EffectId> abandoned;                         // to be told to the driver
  std::vector<EffectId> ignored;                          // told; their results are dropped
  std::vector<std::pair<std::string, Value>> executions;  // asynchronous calls by id

  // The end: `ending` while open transactions are rolled back, then `ended`.
  bool ending = false;
  bool ended = false;
  std::vector<std::string> rollbacks;  // transactions still to be rolled back
  std::vector<EffectId> rollbacks_under_way;
  Outcome outcome;
  std::optional<Fault> fault;
  std::vector<StepEvent> events;

  // ---- machine.cpp
  [[nodiscard]] Next next(std::uint64_t budget);
  void resume(const EffectId& id, EffectResult result, std::int64_t now);
  void begin(Start start);
  // Limits, roots and seed: what a restored machine needs too.
  void prepare(Start& start);

  // ---- unwind.cpp
  // Finds the handler for an error that the strand's current instruction raised; without one the run fails.
  // False: the strand does not go on (the run is ending, or the strand is gone).
  [[nodiscard]] bool raise(machine::Strand& strand, Error error);
  // The top function ends with this response object, or null for none. False as above.
  [[nodiscard]] bool finish_function(machine::Strand& strand, Value response);
  void finish_run(Outcome::Status status, std::optional<Error> error);
  void cancel(Error reason);
  // Ends a strand and its branches; their effects are abandoned.
  void drop_strand(std::uint32_t number);
  void drop_branches(machine::Strand& strand);
  void capture_variables(const machine::Frame& frame);
  void note_open_transactions();
  [[nodiscard]] std::uint32_t number_of(const machine::Strand& strand) const;

  [[nodiscard]] const program::ProgramData& data() const noexcept { return program.data(); }
  [[nodiscard]] const program::Instruction& current(const machine::Frame& frame) const {
    return data().code[frame.pc - 1];
  }
  void add_event(StepEvent::Kind kind, std::uint32_t step, std::string text, Value extra = {});
  void release(const machine::Frame& frame);
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
