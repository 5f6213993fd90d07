#include "machine/snapshot_fits.hpp"

#include <algorithm>

namespace fnstack::machine {

namespace {

bool strand_fits(const Machine::State& state, std::uint32_t number, const Strand& strand) {
  const program::ProgramData& data = state.data();
  const auto& executions = state.rare->executions;
  const AsyncCall* const call = strand.is_call() ? &*strand.descent->call : nullptr;
  if (strand.frames.empty() && (call == nullptr || (!call->wanted && !strand.pending))) return false;
  if (number != 0) {
    if (number >= state.rare->next_strand) return false;
    // A parent is older, so there is no circle.
    const Strand* const parent = strand.descent ? state.find_strand(strand.parent()) : nullptr;
    if (parent == nullptr || strand.parent() >= number || strand.path().empty() || parent->frames.empty()) return false;
    const std::vector<std::uint32_t>* siblings = &parent->calls();
    if (call == nullptr) {
      if (parent->join() == nullptr) return false;
      siblings = &parent->join()->live;
      const std::uint64_t index = strand.path().back();
      if (index < parent->join()->first_index || index - parent->join()->first_index >= parent->join()->total)
        return false;
    }
    if (std::find(siblings->begin(), siblings->end(), number) == siblings->end()) return false;
  } else if (strand.descent) {
    return false;
  }
  if (call != nullptr) {
    const auto execution = executions.find(call->id);
    if (execution == executions.end() || execution->second.strand != number) return false;
    if (call->origin >= data.code.size()) return false;
  }
  for (const std::uint32_t each : strand.calls()) {
    const Strand* const child = state.find_strand(each);
    if (child == nullptr || !child->is_call() || child->parent() != number) return false;
  }
  const Join* const joined = strand.join();
  const Awaiting* const awaiting = strand.awaiting();
  if ((joined != nullptr || awaiting != nullptr) && strand.frames.empty()) return false;
  if (joined != nullptr) {
    const program::Instruction& at = data.code[strand.frames.back().pc];
    if (at.op != program::Op::fork) return false;
    const program::ForkSite& site = data.fork_sites[at.a];
    const Join& join = *joined;
    if (join.next > join.total || join.results.size() > join.total || join.total > UINT32_MAX) return false;
    if (!std::is_sorted(join.live.begin(), join.live.end())) return false;
    if (site.source == program::ForkSite::Source::written && join.total != site.branches.size()) return false;
    for (const std::uint32_t branch : join.live) {
      const Strand* const child = state.find_strand(branch);
      if (child == nullptr || child->is_call() || child->parent() != number) return false;
    }
  }
  if (awaiting != nullptr) {
    if (data.code[strand.frames.back().pc].op != program::Op::await) return false;
    const Value& ids = awaiting->ids;
    if (!ids.is_array() || awaiting->next > ids.size()) return false;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i].is_string() || executions.find(ids[i].as_string()) == executions.end()) return false;
    }
  }
  return true;
}

}  // namespace

bool fits(const Machine::State& state) {
  if (state.find_strand(0) == nullptr) return false;
  if (state.any_strand(
          [&state](std::uint32_t number, const Strand& strand) { return !strand_fits(state, number, strand); }))
    return false;
  for (const auto& [id, execution] : state.rare->executions) {
    if (execution.strand == program::none) continue;
    const Strand* const strand = state.find_strand(execution.strand);
    if (strand == nullptr || !strand->is_call() || strand->descent->call->id != id) return false;
  }
  const auto is_there = [&state](std::uint32_t number) { return state.find_strand(number) != nullptr; };
  if (state.first_ready != program::none && !is_there(state.first_ready)) return false;
  return std::all_of(state.rare->ready.begin(), state.rare->ready.end(), is_there);
}

}  // namespace fnstack::machine
