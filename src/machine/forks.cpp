// Branches: the fork that starts and joins them, and their ends.
#include <algorithm>
#include <utility>

#include "base/in_quotes.hpp"
#include "machine/executor.hpp"

namespace fnstack::machine {

using program::ForkSite;
using program::Instruction;
using program::none;

std::optional<Error> Executor::begin_join(const ForkSite& site) {
  Join join;
  join.most = site.usual_concurrency == 0 ? UINT64_MAX : site.usual_concurrency;
  Value most;
  if (auto error = evaluate(site.max_concurrency, most)) return error;
  if (!most.is_null()) {
    const Value number = most.is_boolean() ? Value() : expr::to_number(most);
    if (!number.is_integer() || number.as_integer() < 1) {
      return make_error(error_type::validation,
                        "max_concurrency: expected a whole number from 1, got " + base::json_beginning(most, 60));
    }
    join.most = static_cast<std::uint64_t>(number.as_integer());
  }
  switch (site.source) {
    case ForkSite::Source::written:
      join.total = site.branches.size();
      break;
    case ForkSite::Source::list:
      join.total = frame_->slots[site.from].size();
      break;
    case ForkSite::Source::count:
      join.total = static_cast<std::uint64_t>(frame_->slots[site.from + 1].as_integer()) -
                   static_cast<std::uint64_t>(frame_->slots[site.from].as_integer()) - 1;
      break;
  }
  std::uint64_t& next_index = strand_.offspring.get_or_make().next_index;
  join.first_index = next_index;
  if (join.total > UINT32_MAX - join.first_index) {
    return make_error(error_type::limit, "times: a strand has at most " + std::to_string(UINT32_MAX) + " branches");
  }
  next_index += join.total;
  strand_.offspring->join = base::Box(std::move(join));
  return std::nullopt;
}

void Executor::start_branch(const ForkSite& site, Join& join) {
  const std::uint64_t i = join.next++;
  const std::uint32_t number = state_.add_strand(number_, join.first_index + i);
  Strand& branch = state_.strand(number);
  Descent& descent = *branch.descent;
  descent.base_depth = strand_.base_depth() + strand_.frames.size() - 1;
  descent.code = site.branches[site.source == ForkSite::Source::written ? static_cast<std::size_t>(i) : 0];
  branch.frames.push_back({});
  Frame& frame = branch.frames.front();
  frame.function = frame_->function;
  frame.pc = descent.code.begin;
  frame.slots = frame_->slots;
  descent.borrowed = base::Array<bool>(frame.slots.size());
  std::fill(descent.borrowed.begin(), descent.borrowed.end(), true);
  state_.live_bytes += frame.slots.size() * empty_slot_bytes;
  join.live.push_back(number);
  if (site.source == ForkSite::Source::written) return;
  Value item;
  if (site.source == ForkSite::Source::list) {
    const Value& list = frame_->slots[site.from];
    if (i < list.size()) item = list[static_cast<std::size_t>(i)];
    frame.slots[site.from] = Value();
    frame.slots[site.index] = Value(static_cast<std::int64_t>(i));
  } else {
    item = Value(frame_->slots[site.from].as_integer() + 1 + static_cast<std::int64_t>(i));
    frame.slots[site.index] = item;
  }
  frame.slots[site.item] = std::move(item);  // still part of the list, which is counted once
}

Executor::Step Executor::fork(const Instruction& instruction) {
  const ForkSite& site = data_.fork_sites[instruction.a];
  if (strand_.join() == nullptr) {
    if (auto error = begin_join(site)) return fail(std::move(*error));
  }
  Join& join = *strand_.join();
  while (join.next < join.total && join.live.size() < join.most) {
    if (state_.strand_count() >= static_cast<std::size_t>(limits_.strands)) return strands_error();
    start_branch(site, join);
    if (is_over_live_bytes()) return live_bytes_error();
  }
  if (!join.live.empty()) {
    strand_.status = Strand::Status::joining;
    return Step::blocked;
  }
  Join ended = strand_.offspring->join.take();
  state_.give_back(ended.result_bytes);
  if (site.mode == ForkSite::Mode::first) {
    if (!ended.won && ended.last_error) return fail(std::move(*ended.last_error));
    return store_result(instruction.b, ended.results.empty() ? Value() : std::move(ended.results[0]));
  }
  if (instruction.b == none) return Step::go_on;
  ended.results.resize(static_cast<std::size_t>(ended.total));
  if (!site.is_named) return store_result(instruction.b, Value::array(std::move(ended.results)));
  Value named = Value::object();
  for (std::size_t i = 0; i < site.names.size(); ++i) named.set(site.names[i], std::move(ended.results[i]));
  return store_result(instruction.b, std::move(named));
}

Executor::Step Executor::end_branch(const Instruction& instruction) {
  Value result = instruction.a == none ? Value() : frame_->slots[instruction.a];
  if (state_.fork_of(state_.strand(strand_.parent())).mode == ForkSite::Mode::settled) {
    result = Value::object({{"status", "completed"}, {"value", std::move(result)}});
  }
  state_.end_branch(number_, std::move(result));
  // The results of many branches are no variable yet, but they are kept.
  if (is_over_live_bytes()) {
    Error error = limit_error("live_bytes", limits_.live_bytes, "the run's variables take", "bytes", true);
    error.status_code = status_of(error.type);
    if (instruction.step != none) error.step = data_.steps[instruction.step].describe();
    state_.finish_run(Outcome::Status::failed, std::move(error));
  }
  return Step::gone;
}

}  // namespace fnstack::machine
