// Strands beside the first: branches, which their fork joins, and asynchronous calls, which somebody may await.
//
// A strand belongs to the one it came from. A branch that ends leaves its asynchronous calls to its parent; one that is
// cancelled (a sibling failed, or won, or a Response ended the function) takes all that belongs to it along: effects
// are abandoned, open transactions rolled back; its finally blocks do not run, as in a cancelled run.
#include <algorithm>
#include <utility>

#include "machine/machine_state.hpp"

namespace fnstack {

using machine::AsyncCall;
using machine::Execution;
using machine::Frame;
using machine::Join;
using machine::Strand;
using Mode = program::ForkSite::Mode;

namespace {

// Mostly it is among the first.
void take_out(std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  const auto found = std::find(numbers.begin(), numbers.end(), number);
  if (found != numbers.end()) numbers.erase(found);
}

void take_out_live(Join& join, std::uint32_t number) {
  const auto found = std::lower_bound(join.live.begin(), join.live.end(), number);
  if (found != join.live.end() && *found == number) join.live.erase(found);
}

// A number for each path, the same in every run and whatever the order of answers (the mixing is splitmix64's).
std::uint64_t stream_of(std::uint64_t parent, std::uint64_t index) {
  std::uint64_t mixed = parent + (index + 1) * 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

const Strand* Machine::State::find_strand(std::uint32_t number) const {
  if (number == 0) return root.frames.empty() ? nullptr : &root;
  if (!rare) return nullptr;
  const auto found = rare->strands.find(number);
  return found == rare->strands.end() ? nullptr : &found->second;
}

std::uint32_t Machine::State::who_waits_for(const EffectId& id) const {
  std::uint32_t number = 0;
  if (!id.strand.empty()) {
    if (!rare) return program::none;
    const auto found = rare->numbers.find(id.strand);
    if (found == rare->numbers.end()) return program::none;
    number = found->second;
  }
  const Strand* const strand = find_strand(number);
  if (strand == nullptr || id.run != run_id()) return program::none;
  const auto& pending = strand->pending;
  return pending && !pending.result && pending.ordinal == id.ordinal ? number : program::none;
}

Execution* Machine::State::find_execution(std::string_view id) {
  if (!rare) return nullptr;
  const auto found = rare->executions.find(id);
  return found == rare->executions.end() ? nullptr : &found->second;
}

void Machine::State::add_ready(std::uint32_t number) {
  if (first_ready == program::none) {
    first_ready = number;
  } else {
    more().ready.push_back(number);
  }
}

void Machine::State::take_first_ready() {
  first_ready = rare && !rare->ready.empty() ? rare->ready.take_front() : program::none;
}

void Machine::State::take_out_ready(std::uint32_t number) {
  if (first_ready == number) {
    take_first_ready();
  } else if (rare) {
    rare->ready.erase(number);
  }
}

void Machine::State::wake(std::uint32_t number) {
  Strand& woken = strand(number);
  if (woken.status == Strand::Status::ready) return;
  woken.status = Strand::Status::ready;
  add_ready(number);
}

std::uint32_t Machine::State::add_strand(std::uint32_t parent_number, std::uint64_t index) {
  const Strand& parent = strand(parent_number);
  Strand added;
  machine::Descent& descent = added.descent.emplace();
  descent.path.reserve(parent.path().size() + 1);
  descent.path = parent.path();
  descent.path.push_back(static_cast<std::uint32_t>(index));
  descent.parent = parent_number;
  descent.random_stream = stream_of(parent.random_stream(), index);
  const std::uint32_t number = more().next_strand++;
  rare->numbers.emplace(descent.path, number);
  rare->strands.emplace(number, std::move(added));
  add_ready(number);
  return number;
}

const program::ForkSite& Machine::State::fork_of(const Strand& parent) const {
  return data().fork_sites[data().code[parent.frames.back().pc].a];
}

void Machine::State::end_branch(std::uint32_t number, Value result) {
  Strand& branch = strand(number);
  const std::uint32_t parent_number = branch.parent();
  Strand& parent = strand(parent_number);
  Join& join = *parent.join();
  const program::ForkSite& site = fork_of(parent);
  const bool is_wanted = data().code[parent.frames.back().pc].b != program::none;
  std::size_t position = static_cast<std::size_t>(branch.path().back() - join.first_index);
  if (site.mode == Mode::first) {
    position = 0;
    join.won = true;
    join.next = join.total;
  }
  if (is_wanted) {
    while (join.results.size() <= position) {
      join.results.emplace_back();
      join.result_bytes += machine::empty_slot_bytes;
      live_bytes += machine::empty_slot_bytes;
    }
    join.result_bytes += result.byte_size();
    live_bytes += result.byte_size();
    join.results[position] = std::move(result);
  }
  hand_over_calls(branch, parent_number);
  take_out_live(join, number);
  drop_strand(number);
  if (join.won) {
    for (const std::uint32_t other : std::vector<std::uint32_t>(std::move(join.live))) drop_strand(other);
    join.live.clear();
  }
  if (join.next < join.total || join.live.empty()) wake(parent_number);
}

void Machine::State::fail_branch(std::uint32_t number, Error error) {
  const std::uint32_t parent_number = strand(number).parent();
  Strand& parent = strand(parent_number);
  if (fork_of(parent).mode == Mode::settled) {
    end_branch(number, Value::object({{"status", "failed"}, {"error", to_value(error)}}));
    return;
  }
  Join& join = *parent.join();
  join.last_error = std::move(error);
  take_out_live(join, number);
  drop_strand(number);
  if (join.next < join.total || join.live.empty()) wake(parent_number);
}

void Machine::State::wake_waiters(Execution& execution) {
  for (const std::uint32_t waiter : std::exchange(execution.waiters, {})) {
    // One that has given up waiting may do something else by now.
    const Strand* const found = find_strand(waiter);
    if (found != nullptr && found->status == Strand::Status::awaiting) wake(waiter);
  }
}

void Machine::State::hand_over_calls(Strand& from, std::uint32_t to) {
  if (from.calls().empty()) return;
  std::vector<std::uint32_t>& calls = strand(to).offspring.get_or_make().calls;
  for (const std::uint32_t call : std::exchange(from.offspring->calls, {})) {
    strand(call).descent->parent = to;
    calls.push_back(call);
  }
}

void Machine::State::end_call(std::uint32_t number, std::string_view status, Value output) {
  Strand& ended_one = strand(number);
  const std::string& id = ended_one.descent->call->id;
  Execution& execution = *find_execution(id);
  execution.strand = program::none;
  execution.result =
      Value::object({{"execution_id", Value(id)}, {"status", Value(status)}, {"output", std::move(output)}});
  live_bytes += execution.result.byte_size();
  wake_waiters(execution);
  hand_over_calls(ended_one, ended_one.parent());
  take_out(strand(ended_one.parent()).offspring->calls, number);
  drop_strand(number);
}

EffectId Machine::State::ask_host(Strand& strand) {
  strand.pending.ordinal = strand.next_ordinal++;
  strand.status = Strand::Status::waiting;
  ++effects;
  return id_of(strand, strand.pending.ordinal);
}

void Machine::State::end_host_call(std::uint32_t number, EffectResult result) {
  Strand& asking = strand(number);
  asking.pending.reset();
  const AsyncCall& call = *asking.descent->call;
  if (!result.ok()) {
    Error error = std::move(result).error();
    if (error.status_code == 0) error.status_code = status_of(error.type);
    if (error.step.empty()) {
      const std::uint32_t step = data().code[call.origin].step;
      if (step != program::none) error.step = data().steps[step].describe();
    }
    return end_call(number, "error", to_value(error));
  }
  Value value;
  if (Value* plain = std::get_if<Value>(&*result)) value = std::move(*plain);
  if (call.full) value = machine::make_response(200, Value::headers(), std::move(value));
  end_call(number, "completed", std::move(value));
}

void Machine::State::drop_join(Strand& strand) {
  if (strand.join() == nullptr) return;
  const Join dropped = strand.offspring->join.take();
  give_back(dropped.result_bytes);
  for (const std::uint32_t branch : dropped.live) drop_strand(branch);
}

void Machine::State::drop_strand(std::uint32_t number) {
  std::vector<std::uint32_t> to_drop{number};
  // Breadth first, so that what was asked for earlier is abandoned earlier.
  for (std::size_t i = 0; i < to_drop.size(); ++i) {
    Strand* const found = find_strand(to_drop[i]);
    if (found == nullptr) continue;
    Strand& dropped = *found;
    note_open_transactions(dropped);
    abandon(dropped);
    if (const Join* const join = dropped.join()) {
      give_back(join->result_bytes);
      to_drop.insert(to_drop.end(), join->live.begin(), join->live.end());
    }
    to_drop.insert(to_drop.end(), dropped.calls().begin(), dropped.calls().end());
    if (dropped.is_call()) {
      const std::string& id = dropped.descent->call->id;
      Execution& execution = *find_execution(id);
      if (execution.strand != program::none) {
        // Whoever has learned its id elsewhere does not wait for ever.
        Error error = make_error(error_type::cancelled, "what made this asynchronous call was cancelled");
        error.status_code = status_of(error.type);
        execution.strand = program::none;
        execution.result =
            Value::object({{"execution_id", Value(id)}, {"status", "error"}, {"output", to_value(error)}});
        live_bytes += execution.result.byte_size();
        wake_waiters(execution);
      }
    }
    for (std::size_t depth = 0; depth < dropped.frames.size(); ++depth) release(dropped, dropped.frames[depth]);
    if (dropped.status == Strand::Status::ready) take_out_ready(to_drop[i]);
    rare->numbers.erase(dropped.path());
    rare->strands.erase(to_drop[i]);
  }
}

void Machine::State::note_open_transactions(Strand& strand) {
  for (std::size_t depth = 0; depth < strand.frames.size(); ++depth) {
    const Frame& frame = strand.frames[depth];
    // An instruction that waits will be executed again: pc is its own place.
    const bool waits = strand.is_resuming() && &frame == &strand.frames.back();
    if (frame.pc == 0 && !waits) continue;
    const std::uint32_t at = waits ? frame.pc : frame.pc - 1;
    for (const program::Region& region : data().functions[frame.function].regions) {
      if (region.kind != program::Region::Kind::transaction || at < region.begin || at >= region.end) continue;
      const Value& name = frame.slots[region.transaction];
      if (!name.is_string()) continue;
      more().rollbacks.push_back({id_of(strand, strand.next_ordinal++), std::string(name.as_string())});
    }
  }
}

bool Machine::State::break_deadlock() {
  std::uint32_t at = program::none;
  const bool waits_for_outside = any_strand([&](std::uint32_t number, const Strand& each) {
    if (each.awaiting() != nullptr) at = std::min(at, number);
    return each.pending && !each.pending.result;
  });
  if (waits_for_outside || at == program::none) return false;
  // From a strand to one that it waits for, until one comes again: it is in a circle.
  const auto next_of = [this](std::uint32_t number) {
    const Strand& from = strand(number);
    if (from.join() != nullptr) return from.join()->live.front();
    return find_execution(from.awaiting()->ids[from.awaiting()->next].as_string())->strand;
  };
  for (std::size_t i = 0; i < strand_count(); ++i) at = next_of(at);
  const std::uint32_t first = at;
  std::uint32_t stuck = program::none;
  do {
    if (strand(at).awaiting() != nullptr) stuck = std::min(stuck, at);
    at = next_of(at);
  } while (at != first);
  Strand& awaiting = strand(stuck);
  machine::Offspring& offspring = *awaiting.offspring;
  const Value id = offspring.awaiting->ids[offspring.awaiting->next];
  offspring.awaiting.reset();
  ++awaiting.frames.back().pc;
  Error error = make_error(error_type::validation, "execution_ids: the call " + std::string(id.as_string()) +
                                                       " waits for this one, so neither would ever end");
  if (raise(stuck, std::move(error))) wake(stuck);
  return true;
}

}  // namespace fnstack
