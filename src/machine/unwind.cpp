// Errors, returns and ends: how a strand leaves the place it is at.
//
// An error looks for the innermost region around the instruction that raised it, first in the top frame, then in its
// callers. A catch region binds the error and goes to its block; a finally or transaction region remembers it as its
// completion and goes to its block, which raises it again at its end. A branch without a handler raises in its
// parent, at the fork, after its siblings are dropped (unless the fork's mode says otherwise); an asynchronous call
// keeps its error for whoever awaits it; the root without a handler ends the run. Errors marked fatal (budgets,
// cancellation) skip all regions; transactions still open are rolled back before the end.
#include <algorithm>
#include <utility>

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
  more().events.push_back(std::move(event));
}

void Machine::State::release(const Strand& strand, const Frame& frame) {
  for (std::size_t i = 0; i < frame.slots.size(); ++i) give_back(strand.counts(frame, i));
}

bool Machine::State::raise(std::uint32_t number, Error error) {
  const std::uint32_t raised_in = number;
  Strand* strand = &this->strand(number);
  if (error.status_code == 0) error.status_code = status_of(error.type);
  if (error.step.empty() && !strand->frames.empty() && strand->frames.back().pc > 0) {
    const std::uint32_t step = current(strand->frames.back()).step;
    if (step != program::none) error.step = data().steps[step].describe();
  }
  if (error.fatal) {
    finish_run(error.type == error_type::cancelled ? Outcome::Status::cancelled : Outcome::Status::failed,
               std::move(error));
    return false;
  }
  for (;;) {
    while (!strand->frames.empty()) {
      Frame& frame = strand->frames.back();
      const std::uint32_t at = frame.pc - 1;
      const bool is_fenced = strand->is_branch() && strand->frames.size() == 1;
      // They stand in the order of their ends: those that end before this place need no look.
      const std::vector<program::Region>& regions = data().functions[frame.function].regions;
      auto first = std::partition_point(regions.begin(), regions.end(),
                                        [at](const program::Region& region) { return region.end <= at; });
      for (; first != regions.end(); ++first) {
        const program::Region& region = *first;
        if (at < region.begin) continue;
        // What stands around the fork is its parent's.
        if (is_fenced && (region.begin < strand->descent->code.begin || region.end > strand->descent->code.end))
          continue;
        if (region.kind == program::Region::Kind::catch_) {
          add_event(StepEvent::Kind::caught, current(frame).step, error.message);
          Value caught = to_value(error);
          give_back(strand->gives_up(frame, region.slot));
          live_bytes += caught.byte_size();
          frame.slots[region.slot] = std::move(caught);
        } else {
          frame.slots[region.slot] =
              Value(error.restart_transaction ? program::completion::restart : program::completion::error);
          frame.slots[region.slot + 1] = to_value(error);
        }
        frame.pc = region.handler;
        if (number == raised_in) return true;
        wake(number);
        return false;
      }
      if (strand->frames.size() == 1) break;
      release(*strand, frame);
      strand->frames.pop_back();
    }
    if (strand->is_call()) {
      end_call(number, "error", to_value(error));
      return false;
    }
    if (!strand->descent) {
      finish_run(Outcome::Status::failed, std::move(error));
      return false;
    }
    const std::uint32_t parent_number = strand->parent();
    Strand& parent = this->strand(parent_number);
    if (fork_of(parent).mode != program::ForkSite::Mode::all) {
      fail_branch(number, std::move(error));
      return false;
    }
    drop_join(parent);  // this strand too
    ++parent.frames.back().pc;
    number = parent_number;
    strand = &parent;
  }
}

bool Machine::State::finish_function(std::uint32_t number, Value response) {
  Strand& strand = this->strand(number);
  if (strand.frames.size() == 1 && strand.is_branch()) {
    // A Response in a branch ends the function that the branch belongs to, through the finally blocks around the fork.
    const std::uint32_t parent_number = strand.parent();
    Strand& parent = this->strand(parent_number);
    Frame& frame = parent.frames.back();
    frame.pc = fork_of(parent).on_response;
    drop_join(parent);
    live_bytes += response.byte_size();
    give_back(parent.gives_up(frame, program::slot::response));
    frame.slots[program::slot::response] = std::move(response);
    wake(parent_number);
    return false;
  }
  const auto result_of = [&response](bool full) -> Value {
    if (full) {
      return response.is_null() ? machine::make_response(200, Value::headers(), Value()) : std::move(response);
    }
    return response.is_null() ? Value() : response.get("body");
  };
  if (strand.frames.size() == 1 && strand.is_call()) {
    end_call(number, "completed", result_of(strand.descent->call->full));
    return false;
  }
  if (strand.frames.size() == 1) {
    if (!response.is_null()) {
      Outcome::Response answer;
      answer.status_code = static_cast<int>(response.get("status").as_integer());
      answer.headers = response.get("headers");
      answer.body = response.get("body");
      outcome().response = std::move(answer);
    }
    finish_run(Outcome::Status::completed, std::nullopt);
    return false;
  }
  release(strand, strand.frames.back());
  strand.frames.pop_back();
  Frame& caller = strand.frames.back();
  const program::CallSite& site = data().call_sites[current(caller).a];
  Value result = result_of(site.full);
  if (site.result != program::none) {
    live_bytes += result.byte_size();
    give_back(strand.gives_up(caller, site.result));
    caller.slots[site.result] = std::move(result);
  }
  return true;
}

void Machine::State::capture_variables(const Frame& frame) {
  Value& variables = outcome().variables;
  variables = Value::object();
  for (const auto& [name, slot] : data().functions[frame.function].variables) variables.set(name, frame.slots[slot]);
}

void Machine::State::finish_run(Outcome::Status status, std::optional<Error> error) {
  if (ending) return;
  ending = true;
  Outcome& result = outcome();
  if (status != Outcome::Status::completed) result.response.reset();
  result.status = status;
  result.error = std::move(error);
  result.steps = steps;
  result.effects = effects;
  if (!root.frames.empty()) {
    capture_variables(root.frames.front());
    if (status != Outcome::Status::completed) note_open_transactions(root);
    drop_join(root);
    if (root.offspring) {
      for (const std::uint32_t call : std::exchange(root.offspring->calls, {})) drop_strand(call);
      root.offspring->awaiting.reset();
    }
    abandon(root);
    root.pending.reset();
  }
  first_ready = program::none;
  if (rare) rare->ready.clear();
  ended = !rare || (rare->rollbacks.empty() && rare->rollbacks_under_way.empty());
}

void Machine::State::cancel(Error reason) {
  if (ending || ended) return;
  reason.fatal = true;
  if (reason.status_code == 0) reason.status_code = status_of(reason.type);
  const bool is_limit = reason.type == error_type::limit;
  finish_run(is_limit ? Outcome::Status::failed : Outcome::Status::cancelled, std::move(reason));
}

}  // namespace fnstack
