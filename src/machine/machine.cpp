// The machine: executes instructions until it needs the world.
//
// Theory of operation. A run is a tree of strands; a strand is a stack of frames; a frame is a function's variables
// and the place it is at. next() takes the strand that has been ready longest and executes it until it asks for an
// effect (Perform), forks, awaits an asynchronous call, ends, or the budget is used up (Yielded). An effect's answer
// makes its strand ready again, as does the end of branches and calls. An instruction that has to wait is executed
// again when the strand goes on: what it remembers (Pending, Join, Awaiting) says that it is not for the first time.
// Everything that decides what happens is in the State: no clock, no pointer into the host. What a handler, a loop or
// a finally block must remember stands in hidden slots of its frame, so a copy of the State is a fork of the run.
//
// Instructions are the Executor's (executor.cpp, effects.cpp, calls.cpp, forks.cpp); errors, returns and ends
// unwind.cpp's; how strands begin and end strands.cpp's; the fields of a step StepFields'.
#include <fnstack/machine.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include "machine/executor.hpp"
#include "machine/machine_state.hpp"

namespace fnstack {

using machine::Executor;
using machine::Frame;
using machine::Strand;
using program::none;

void Machine::State::prepare(Start& start) {
  static const auto usual_limits = std::make_shared<const Limits>();
  limits = start.limits ? std::move(start.limits) : usual_limits;
  if (limits->value_depth > machine::max_value_depth) {
    auto clamped = std::make_shared<Limits>(*limits);
    clamped->value_depth = machine::max_value_depth;
    limits = std::move(clamped);
  }
  observe = start.observe;
  now_ms = start.now_ms;
  std::memcpy(seed, start.seed, sizeof(seed));
  if (program.empty() || !data().reads_roots) return;
  roots = base::Array<Value>(program::root::first_free + data().roots.size());
  roots[program::root::env] = start.env.is_object() ? std::move(start.env) : Value::object();
  for (std::size_t i = 0; i + program::root::first_free < roots.size(); ++i) {
    roots[program::root::first_free + i] = start.roots.get(data().roots[i]);
  }
}

void Machine::State::set_run_id(std::string_view id) {
  if (id.size() <= sizeof(id_text)) {
    std::copy(id.begin(), id.end(), id_text);
    id_length = static_cast<std::uint8_t>(id.size());
  } else {
    more().long_run_id = id;
    id_length = UINT8_MAX;
  }
  if (program.empty() || !data().reads_run) return;
  static const Value model = Value::object({{"id", Value()}});  // one list of keys for all runs
  Value of_run(id);
  roots[program::root::run] = Value::object_like(model, {&of_run, 1});
}

void Machine::State::begin(Start start) {
  prepare(start);
  expr::Random random;
  std::memcpy(random.seed, seed, sizeof(seed));
  set_run_id(start.run_id.empty() ? random.uuid() : start.run_id);
  const auto refuse = [this](std::string message) { fail(Fault::Kind::usage, std::move(message)); };
  if (program.empty()) return refuse("the program is empty");
  std::uint32_t chosen = none;
  std::size_t flows = 0;
  for (std::uint32_t i = 0; i < data().functions.size(); ++i) {
    const program::FunctionInfo& function = data().functions[i];
    // Named, a library's function can be run too: a background task is.
    if (!function.main && start.flow.empty()) continue;
    ++flows;
    if (start.flow.empty()) {
      chosen = i;
    } else if (std::find(function.names.begin(), function.names.end(), start.flow) != function.names.end() &&
               chosen == none) {
      chosen = i;
    }
  }
  if (chosen == none)
    return refuse(start.flow.empty() ? "the program has no flow" : "the program has no flow \"" + start.flow + "\"");
  if (start.flow.empty() && flows > 1) return refuse("the program has several flows; name one");

  Frame frame;
  frame.function = chosen;
  frame.pc = data().functions[chosen].entry;
  frame.slots = base::Array<Value>(data().functions[chosen].slots);
  expr::Scope scope;
  scope.roots = roots.data();
  scope.now_ms = now_ms;
  scope.random = &random;
  auto error = machine::bind_inputs(data(), scope, *limits, frame, std::move(start.inputs));
  for (const Value& slot : frame.slots) live_bytes += slot.byte_size();
  root.frames.push_back(std::move(frame));
  root.random_position = random.position;
  if (error) {
    error->status_code = status_of(error->type);
    finish_run(Outcome::Status::failed, std::move(error));
    return;
  }
  add_ready(0);
}

Machine::Next Machine::State::next(std::uint64_t budget) {
  Next next = Waiting{};
  go_on(budget, next);
  return next;
}

void Machine::State::go_on(std::uint64_t budget, Next& next) {
  for (;;) {
    if (rare && !rare->abandoned.empty()) {
      EffectId id = rare->abandoned.take_front();
      rare->ignored.push_back(id);
      next = Abandon{std::move(id)};
      return;
    }
    if (rare && !rare->rollbacks.empty()) {
      machine::Rollback rollback = rare->rollbacks.take_front();
      DatabaseCommand command;
      command.kind = DatabaseCommand::Kind::rollback;
      command.transaction = std::move(rollback.transaction);
      rare->rollbacks_under_way.push_back(rollback.id);
      next.emplace<Perform>(std::move(rollback.id), std::move(command));
      return;
    }
    const bool rolls_back = rare && !rare->rollbacks_under_way.empty();
    if (ending && !ended) {
      if (rolls_back) return;
      ended = true;
    }
    if (ended) {
      next = Ended{};
      return;
    }
    if (first_ready == none) {
      if (!rolls_back && break_deadlock()) continue;
      return;
    }
    const std::uint32_t number = first_ready;
    if (Strand& asking = strand(number); asking.frames.empty()) {
      take_first_ready();
      EffectId id = ask_host(asking);
      next.emplace<Perform>(std::move(id), std::move(*std::exchange(asking.descent->call->wanted, std::nullopt)));
      return;
    }
    switch (Executor(*this, number, next).run(budget)) {
      case Executor::Stop::budget:
        next = Yielded{};
        return;
      case Executor::Stop::blocked:
        take_first_ready();
        if (std::holds_alternative<Perform>(next)) return;
        break;
      case Executor::Stop::gone:
        if (first_ready == number) take_first_ready();
        break;
    }
  }
}

void Machine::State::resume(const EffectId& id, EffectResult result, std::int64_t now) {
  if (now > now_ms || !ended) now_ms = now;
  if (rare && std::erase(rare->rollbacks_under_way, id) != 0) return;
  if (const std::uint32_t number = who_waits_for(id); number != none) {
    Strand& waiting = strand(number);
    if (waiting.frames.empty()) return end_host_call(number, std::move(result));
    waiting.pending.result = base::Box(std::move(result));
    return wake(number);
  }
  if (rare && std::erase(rare->ignored, id) != 0) return;
  if (ended || (rare && std::find(rare->abandoned.begin(), rare->abandoned.end(), id) != rare->abandoned.end())) return;
  fail(Fault::Kind::usage, "resume: effect " + id.to_string() + " was never asked for");
}

// ---------------------------------------------------------------- Machine

Machine::Machine(Program program, Start start) : state_(std::make_unique<State>()) {
  state_->program = std::move(program);
  state_->begin(std::move(start));
}

Machine::Machine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Machine::Machine(const Machine& other) : state_(std::make_unique<State>(*other.state_)) {}
Machine& Machine::operator=(const Machine& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;
Machine::~Machine() = default;

Machine::Next Machine::next(std::uint64_t budget) { return state_->next(budget); }
void Machine::resume(const EffectId& id, EffectResult result, std::int64_t now_ms) {
  state_->resume(id, std::move(result), now_ms);
}
void Machine::cancel(Error reason) { state_->cancel(std::move(reason)); }
void Machine::rename(std::string_view run_id) { state_->set_run_id(run_id); }
const Outcome& Machine::outcome() const noexcept {
  static const Outcome none_yet;
  return state_->end ? state_->end->outcome : none_yet;
}
const std::optional<Fault>& Machine::fault() const noexcept {
  static const std::optional<Fault> no_fault;
  return state_->end ? state_->end->fault : no_fault;
}
const Program& Machine::program() const noexcept { return state_->program; }
std::string_view Machine::run_id() const& noexcept { return state_->run_id(); }
std::string Machine::run_id() && { return std::string(state_->run_id()); }
std::vector<StepEvent> Machine::take_events() {
  return state_->rare ? std::exchange(state_->rare->events, {}) : std::vector<StepEvent>();
}

StepEvent Machine::place_of(const EffectId& id) const {
  StepEvent place;
  const std::uint32_t number = state_->who_waits_for(id);
  if (number == none) return place;
  const Strand& strand = state_->strand(number);
  const std::uint32_t at = strand.frames.empty() ? strand.descent->call->origin : strand.frames.back().pc;
  const std::uint32_t step = state_->data().code[at].step;
  if (step == none) return place;
  const program::StepInfo& info = state_->data().steps[step];
  const program::FunctionInfo& function = state_->data().functions[info.function];
  place.function = function.names.empty() ? "" : function.names[0];
  place.step = info.name;
  place.label = info.label;
  place.path = info.path;
  return place;
}

std::string_view name_of(Outcome::Status status) noexcept {
  switch (status) {
    case Outcome::Status::completed:
      return "completed";
    case Outcome::Status::failed:
      return "failed";
    case Outcome::Status::cancelled:
      return "cancelled";
  }
  return "";
}

}  // namespace fnstack
