// Calls of functions, of the host's too, and awaiting those that go on by themselves.
#include <utility>
#include <vector>

#include "base/in_quotes.hpp"
#include "base/utf8.hpp"
#include "machine/executor.hpp"

namespace fnstack::machine {

using program::CallSite;
using program::Instruction;
using program::none;

Executor::Step Executor::enter_function(const CallSite& site, std::uint32_t function, Value arguments) {
  if (strand_.base_depth() + strand_.frames.size() > static_cast<std::size_t>(limits_.call_depth)) {
    return fail(limit_error("call_depth", limits_.call_depth, "functions call each other", "deep", true));
  }
  Frame frame;
  frame.function = function;
  frame.pc = data_.functions[function].entry;
  frame.slots = base::Array<Value>(data_.functions[function].slots);
  auto error = bind_inputs(data_, scope_, limits_, frame, std::move(arguments));
  scope_.slots = frame_->slots.data();
  if (error) return fail(std::move(*error));
  if (site.async) return start_call(site, std::move(frame), std::nullopt);
  for (const Value& slot : frame.slots) state_.live_bytes += slot.byte_size();
  strand_.frames.push_back(std::move(frame));
  enter_frame();
  return state_.live_bytes <= static_cast<std::uint64_t>(limits_.live_bytes) ? Step::go_on : live_bytes_error();
}

Executor::Step Executor::call(const Instruction& instruction) {
  const CallSite& site = data_.call_sites[instruction.a];
  if (auto result = take_result()) {
    strand_.pending.reset();
    Value value;
    if (!result->ok()) return fail(std::move(*result).error());
    if (Value* plain = std::get_if<Value>(&**result)) value = std::move(*plain);
    if (site.full) value = make_response(200, Value::headers(), std::move(value));
    return store_or_fail(site.result, std::move(value));
  }
  Value arguments;
  if (auto error = evaluate(site.arguments, arguments)) return fail(std::move(*error));
  if (arguments.is_null()) arguments = Value::object();
  if (!arguments.is_object()) return fail(make_error(error_type::validation, "parameters: expected an object"));
  std::string name = site.name;
  std::uint32_t function = site.function;
  bool host = site.host;
  if (site.callee != none) {
    Value callee;
    if (auto error = evaluate(site.callee, callee)) return fail(std::move(*error));
    if (!callee.is_string())
      return fail(make_error(error_type::validation, "custom_function: expected a name as text"));
    name = std::string(callee.as_string());
    function = data_.find_function(name);
    host = function == none && data_.is_host_function(name);
  }
  if (function == none && !host) {
    return fail(make_error(error_type::unknown_function,
                           "unknown custom function \"" + std::string(base::whole_code_points(name, 100)) + "\""));
  }
  if (site.background) {
    if (function == none)
      return fail(make_error(error_type::unknown_function, "a background task must be a definition: \"" + name + "\""));
    Value delay;
    if (auto error = evaluate(site.delay_s, delay)) return fail(std::move(*error));
    const Value seconds = delay.is_null() ? Value(0) : expr::to_number(delay);
    if (!seconds.is_number() || seconds.as_number() < 0 || seconds.as_number() > static_cast<double>(limits_.wait_s)) {
      return fail(
          make_error(error_type::validation, "delay: expected seconds from 0 to " + std::to_string(limits_.wait_s)));
    }
    return wait_for(StartRun{name, std::move(arguments), static_cast<std::int64_t>(seconds.as_number() * 1000)});
  }
  if (host && site.async) return start_call(site, std::nullopt, HostCall{std::move(name), std::move(arguments)});
  if (host) return wait_for(HostCall{std::move(name), std::move(arguments)});
  return enter_function(site, function, std::move(arguments));
}

// A strand of its own, whose id is the call's result; the caller goes on at once.
Executor::Step Executor::start_call(const CallSite& site, std::optional<Frame> frame, std::optional<HostCall> wanted) {
  if (state_.strand_count() >= static_cast<std::size_t>(limits_.strands)) return strands_error();
  const std::uint32_t number = state_.add_strand(number_, strand_.offspring.get_or_make().next_index++);
  Strand& strand = state_.strand(number);
  strand.descent->base_depth = strand_.base_depth() + strand_.frames.size();
  AsyncCall& call = strand.descent->call.emplace();
  call.id = state_.id_of(strand, 0).to_string();
  call.id.resize(call.id.rfind(':'));
  call.full = site.full;
  call.origin = frame_->pc - 1;
  call.wanted = std::move(wanted);
  if (frame) {
    for (const Value& slot : frame->slots) state_.live_bytes += slot.byte_size();
    strand.frames.push_back(std::move(*frame));
  }
  strand_.offspring->calls.push_back(number);
  state_.more().executions[call.id].strand = number;
  return store_or_fail(site.result, Value(call.id));
}

std::optional<Error> Executor::begin_await(const Instruction& instruction) {
  Awaiting awaiting;
  Value& ids = awaiting.ids;
  if (auto error = evaluate(instruction.a, ids)) return error;
  if (ids.is_string()) ids = Value::array({ids});
  if (!ids.is_array()) return make_error(error_type::validation, "execution_ids: expected an id or a list of them");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].is_string() || state_.find_execution(ids[i].as_string()) == nullptr) {
      return make_error(error_type::not_found,
                        "execution_ids: no asynchronous call has the id " + base::json_beginning(ids[i], 60));
    }
  }
  Value timeout;
  if (auto error = evaluate(instruction.c, timeout)) return error;
  if (!timeout.is_null()) {
    const Value seconds = timeout.is_boolean() ? Value() : expr::to_number(timeout);
    if (!seconds.is_number() || !(seconds.as_number() >= 0) ||
        seconds.as_number() > static_cast<double>(limits_.wait_s)) {
      return make_error(error_type::validation, "timeout: expected seconds from 0 to " +
                                                    std::to_string(limits_.wait_s) + ", got " +
                                                    base::json_beginning(timeout, 60));
    }
    awaiting.timeout_ms = static_cast<std::int64_t>(seconds.as_number() * 1000);
    awaiting.ordinal = strand_.next_ordinal++;
  }
  strand_.offspring.get_or_make().awaiting = base::Box(std::move(awaiting));
  return std::nullopt;
}

Executor::Step Executor::await(const Instruction& instruction) {
  if (strand_.awaiting() == nullptr) {
    if (auto error = begin_await(instruction)) return fail(std::move(*error));
  }
  Awaiting& awaiting = *strand_.offspring->awaiting;
  const auto execution_of = [&](std::size_t i) -> Execution& {
    return *state_.find_execution(awaiting.ids[i].as_string());
  };
  while (awaiting.next < awaiting.ids.size() && execution_of(awaiting.next).strand == none) ++awaiting.next;
  const bool all_ended = awaiting.next == awaiting.ids.size();
  if (!all_ended && !std::exchange(awaiting.has_yielded, true) && state_.ready_count() > 1) {
    strand_.status = Strand::Status::awaiting;
    state_.wake(number_);  // at the end of the queue
    return Step::blocked;
  }
  const bool is_over = (strand_.pending && strand_.pending.result) || awaiting.timeout_ms == 0;
  if (!all_ended && !is_over) {
    execution_of(awaiting.next).waiters.push_back(number_);
    strand_.status = Strand::Status::awaiting;
    if (awaiting.timeout_ms && !strand_.pending) {
      strand_.pending.ordinal = awaiting.ordinal;
      ask_for(Sleep{*awaiting.timeout_ms});
    }
    return Step::blocked;
  }
  std::optional<Error> broken;
  if (is_over && !all_ended) {
    std::erase(execution_of(awaiting.next).waiters, number_);
    if (strand_.pending && !strand_.pending.result->ok()) broken = std::move(*strand_.pending.result).error();
  }
  state_.abandon(strand_);
  strand_.pending.reset();
  Value results = Value::array();
  for (std::size_t i = 0; i < awaiting.ids.size(); ++i) {
    const Execution& execution = execution_of(i);
    results.push_back(
        execution.strand == none
            ? execution.result
            : Value::object({{"execution_id", awaiting.ids[i]}, {"status", "running"}, {"output", Value()}}));
  }
  strand_.offspring->awaiting.reset();
  if (broken) return fail(std::move(*broken));
  return store_result(instruction.b, std::move(results));
}

}  // namespace fnstack::machine
