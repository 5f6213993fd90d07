// Errors, returns and ends: how a strand leaves the place it is at.
//
// An error looks for the innermost region around the instruction that raised it, first in the top frame, then in its
// callers. A catch region binds the error and goes to its block; a finally or transaction region remembers it as its
// completion and goes to its block, which raises it again at its end. A branch without a handler raises in its
// parent, after its siblings are dropped; the root without one ends the run. Errors marked fatal (budgets,
// cancellation) skip all regions; transactions still open are rolled back before the end.
#include <algorithm>

#include <fnstack/json.hpp>

#include "machine/machine_state.hpp"

namespace fnstack {

namespace machine {

Value make_response(std::int64_t status, Value headers, Value body) {
  return Value::object({{"status", status}, {"headers", std::move(headers)}, {"body", std::move(body)}});
}

Error error_from_value(const Value& value) {
  Error error;
  error.type = std::string(value.get("type").as_string());
  error.message = std::string(value.get("message").as_string());
  error.status_code = static_cast<int>(value.get("status_code").as_integer());
  error.headers = value.get("headers");
  error.response = value.get("response");
  error.step = std::string(value.get("step").as_string());
  return error;
}

}  // namespace machine

using machine::Frame;
using machine::Strand;

std::uint32_t Machine::State::number_of(const Strand& strand) const {
  for (const auto& [number, known] : strands) {
    if (&known == &strand) return number;
  }
  return program::none;
}

void Machine::State::add_event(StepEvent::Kind kind, std::uint32_t step, std::string text, Value extra) {
  if (!observe) return;
  StepEvent event;
  event.kind = kind;
  if (step != program::none) {
    const program::StepInfo& info = data().steps[step];
    const program::FunctionInfo& function = data().functions[info.function];
    event.function = function.names.empty() ? "" : function.names[0];
    event.step = info.name;
    event.label = info.label;
    event.path = info.path;
  }
  event.text = std::move(text);
  event.data = std::move(extra);
  events.push_back(std::move(event));
}

void Machine::State::release(const Frame& frame) {
  for (const Value& slot : frame.slots) live_bytes -= std::min(live_bytes, slot.byte_size());
}

bool Machine::State::raise(Strand& strand, Error error) {
  if (error.status_code == 0) error.status_code = status_of(error.type);
  if (error.step.empty() && !strand.frames.empty() && strand.frames.back().pc > 0) {
    const std::uint32_t step = current(strand.frames.back()).step;
    if (step != program::none) error.step = data().steps[step].describe();
  }
  if (error.fatal) {
    finish_run(error.type == error_type::cancelled ? Outcome::Status::cancelled : Outcome::Status::failed,
               std::move(error));
    return false;
  }
  while (!strand.frames.empty()) {
    Frame& frame = strand.frames.back();
    const std::uint32_t at = frame.pc - 1;
    for (const program::Region& region : data().functions[frame.function].regions) {
      if (at < region.begin || at >= region.end) continue;
      if (region.kind == program::Region::Kind::catch_) {
        add_event(StepEvent::Kind::caught, current(frame).step, error.message);
        Value caught = to_value(error);
        live_bytes += caught.byte_size();
        frame.slots[region.slot] = std::move(caught);
      } else {
        frame.slots[region.slot] =
            Value(error.restart_transaction ? program::completion::restart : program::completion::error);
        frame.slots[region.slot + 1] = to_value(error);
      }
      frame.pc = region.handler;
      strand.status = Strand::Status::ready;
      return true;
    }
    if (strand.frames.size() == 1) break;
    // An asynchronous call keeps its error for whoever awaits it.
    const std::string execution = frame.execution_id;
    release(frame);
    strand.frames.pop_back();
    if (!execution.empty()) {
      executions.emplace_back(
          execution,
          Value::object({{"execution_id", Value(execution)}, {"status", "error"}, {"output", to_value(error)}}));
      Frame& caller = strand.frames.back();
      const program::CallSite& site = data().call_sites[current(caller).a];
      if (site.result != program::none) caller.slots[site.result] = Value(execution);
      strand.status = Strand::Status::ready;
      return true;
    }
  }
  if (strand.parent == program::none) {
    finish_run(Outcome::Status::failed, std::move(error));
    return false;
  }
  Strand& parent = strands.at(strand.parent);
  const std::uint32_t parent_number = strand.parent;
  drop_branches(parent);  // this strand too
  parent.status = Strand::Status::ready;
  if (raise(parent, std::move(error))) ready.push_back(parent_number);
  return false;
}

bool Machine::State::finish_function(Strand& strand, Value response) {
  if (strand.frames.size() == 1 && strand.parent != program::none) {
    // A Response in a branch ends the function that the branch belongs to.
    const std::uint32_t parent_number = strand.parent;
    Strand& parent = strands.at(parent_number);
    drop_branches(parent);
    parent.status = Strand::Status::ready;
    if (finish_function(parent, std::move(response))) ready.push_back(parent_number);
    return false;
  }
  if (strand.frames.size() == 1) {
    if (!response.is_null()) {
      Outcome::Response answer;
      answer.status_code = static_cast<int>(response.get("status").as_integer());
      answer.headers = response.get("headers");
      answer.body = response.get("body");
      outcome.response = std::move(answer);
    }
    finish_run(Outcome::Status::completed, std::nullopt);
    return false;
  }
  const std::string execution = strand.frames.back().execution_id;
  release(strand.frames.back());
  strand.frames.pop_back();
  Frame& caller = strand.frames.back();
  const program::CallSite& site = data().call_sites[current(caller).a];
  Value result;
  if (site.full) {
    result = response.is_null() ? machine::make_response(200, Value::headers(), Value()) : std::move(response);
  } else if (!response.is_null()) {
    result = response.get("body");
  }
  if (!execution.empty()) {
    executions.emplace_back(
        execution,
        Value::object({{"execution_id", Value(execution)}, {"status", "completed"}, {"output", std::move(result)}}));
    result = Value(execution);
  }
  if (site.result != program::none) {
    Value& target = caller.slots[site.result];
    live_bytes += result.byte_size();
    live_bytes -= std::min(live_bytes, target.byte_size());
    target = std::move(result);
  }
  return true;
}

void Machine::State::drop_strand(std::uint32_t number) {
  auto found = strands.find(number);
  if (found == strands.end()) return;
  drop_branches(found->second);
  if (found->second.pending && !found->second.pending->result) {
    abandoned.push_back(found->second.pending->id);
  }
  for (const Frame& frame : found->second.frames) release(frame);
  std::erase(ready, number);
  strands.erase(found);
}

void Machine::State::drop_branches(Strand& strand) {
  for (std::uint32_t branch : std::vector<std::uint32_t>(std::move(strand.branches))) drop_strand(branch);
  strand.branches.clear();
  strand.results.clear();
  strand.branches_left = 0;
}

void Machine::State::capture_variables(const Frame& frame) {
  outcome.variables = Value::object();
  for (const auto& [name, slot] : data().functions[frame.function].variables)
    outcome.variables.set(name, frame.slots[slot]);
}

void Machine::State::note_open_transactions() {
  for (const auto& [number, strand] : strands) {
    for (const Frame& frame : strand.frames) {
      // An instruction that waits for its effect will be executed again: pc is its own place.
      const bool waits = strand.pending && &frame == &strand.frames.back();
      if (frame.pc == 0 && !waits) continue;
      const std::uint32_t at = waits ? frame.pc : frame.pc - 1;
      for (const program::Region& region : data().functions[frame.function].regions) {
        if (region.kind != program::Region::Kind::transaction || at < region.begin || at >= region.end) continue;
        const Value& name = frame.slots[region.transaction];
        if (name.is_string()) rollbacks.emplace_back(name.as_string());
      }
    }
  }
}

void Machine::State::finish_run(Outcome::Status status, std::optional<Error> error) {
  if (ending) return;
  ending = true;
  if (status != Outcome::Status::completed) {
    note_open_transactions();
    outcome.response.reset();
  }
  outcome.status = status;
  outcome.error = std::move(error);
  outcome.steps = steps;
  outcome.effects = effects;
  if (auto root = strands.find(0); root != strands.end() && !root->second.frames.empty()) {
    capture_variables(root->second.frames.front());
    drop_branches(root->second);
    if (root->second.pending && !root->second.pending->result) abandoned.push_back(root->second.pending->id);
    root->second.pending.reset();
  }
  ready.clear();
  if (rollbacks.empty()) ended = true;
}

void Machine::State::cancel(Error reason) {
  if (ending || ended) return;
  reason.fatal = true;
  if (reason.status_code == 0) reason.status_code = status_of(reason.type);
  const bool is_limit = reason.type == error_type::limit;
  finish_run(is_limit ? Outcome::Status::failed : Outcome::Status::cancelled, std::move(reason));
}

}  // namespace fnstack
