// What is assigned in a branch is the branch's own: an author who reads it after the join would get the old value.
//
// Theory of operation: liveness, as compilers compute it. A variable is live at an instruction if some way on from
// there reads it before it is assigned. For each fork, a variable that one of its branches assigns must not be live
// where the fork goes on. All variables in question are looked at together, 64 to a word; an error's way goes from
// any instruction to the handler around it, a branch's to the fork.
#include <algorithm>
#include <array>
#include <set>

#include "definition/words.hpp"
#include "program/function_builder.hpp"

namespace fnstack::program {

namespace {

using Bits = std::uint64_t;

struct Flow {
  const ProgramData& data;
  std::uint32_t begin;               // of the function
  std::vector<std::uint32_t> error;  // where an instruction's error goes, by instruction from begin; none

  template <class F>
  void each_successor(std::uint32_t at, F&& visit) const {
    const Instruction& instruction = data.code[at];
    switch (instruction.op) {
      case Op::jump:
        visit(instruction.a);
        return;
      case Op::jump_unless:
        visit(instruction.b);
        break;
      case Op::select: {
        const SwitchTable& table = data.switch_tables[instruction.b];
        for (const auto& [key, place] : table.cases) visit(place);
        visit(table.otherwise);
        return;
      }
      case Op::each_next:
      case Op::count_next:
      case Op::finish_transaction:
        visit(instruction.c);
        break;
      case Op::leave:
        visit(instruction.c);
        return;
      case Op::end_finally:
        for (std::uint32_t place : data.jump_tables[instruction.b]) visit(place);
        break;
      case Op::return_response:
      case Op::finish:
      case Op::end_branch:
        return;
      case Op::fork: {
        const ForkSite& site = data.fork_sites[instruction.a];
        visit(site.on_response);
        for (const ForkSite::Branch& branch : site.branches) visit(branch.begin);
        break;
      }
      default:
        break;
    }
    visit(at + 1);
  }
  // The slot that an instruction assigns, as a whole or in part; none.
  [[nodiscard]] Slot assigned(std::uint32_t at) const {
    const Instruction& instruction = data.code[at];
    switch (instruction.op) {
      case Op::assign:
      case Op::count_from:
        return instruction.a;
      case Op::update:
        return data.update_sites[instruction.a].slot;
      case Op::call:
        return data.call_sites[instruction.a].result;
      case Op::compute:
      case Op::arithmetic:
      case Op::perform:
      case Op::await:
      case Op::each_begin:
      case Op::each_next:
      case Op::count_next:
      case Op::fork:
      case Op::set_headers:
        return instruction.b;
      default:
        return none;
    }
  }
  // A slot that it reads without an expression.
  [[nodiscard]] Slot read(std::uint32_t at) const {
    const Instruction& instruction = data.code[at];
    switch (instruction.op) {
      case Op::update: {
        const UpdateSite& site = data.update_sites[instruction.a];
        const bool is_whole = site.operation == UpdateSite::Operation::set && site.path.empty();
        return is_whole ? none : site.slot;
      }
      case Op::end_branch:
        return instruction.a;
      case Op::set_headers:
      case Op::make_response:
        return slot::headers;
      case Op::finish:
        return instruction.a == none ? none : slot::headers;
      default:
        return none;
    }
  }
};

// A way from one instruction to the next, and the slot that is assigned on it; none.
struct Edge {
  std::uint32_t from;
  Slot assigned;
};

struct Assignment {
  std::uint32_t fork;
  std::uint32_t at;
  Slot slot;
};

}  // namespace

void FunctionBuilder::check_branches() {
  if (forks_.empty()) return;
  const FunctionInfo& info = data_.functions[function_];
  const std::uint32_t begin = info.entry;
  const auto end = static_cast<std::uint32_t>(data_.code.size());
  Flow flow{data_, begin, std::vector<std::uint32_t>(end - begin, none)};
  // The innermost branch around each instruction, and the fork it belongs to. Outer ones are painted over.
  std::vector<std::uint32_t> fork_around(end - begin, none);
  std::vector<std::uint32_t> branch_begin(end - begin, 0);
  for (auto fork = forks_.rbegin(); fork != forks_.rend(); ++fork) {
    for (const ForkSite::Branch& branch : data_.fork_sites[data_.code[*fork].a].branches) {
      for (std::uint32_t at = branch.begin; at < branch.end; ++at) {
        fork_around[at - begin] = *fork;
        branch_begin[at - begin] = branch.begin;
      }
    }
  }
  for (auto region = info.regions.rbegin(); region != info.regions.rend(); ++region) {
    for (std::uint32_t at = region->begin; at < region->end; ++at) {
      if (fork_around[at - begin] == none || branch_begin[at - begin] <= region->begin)
        flow.error[at - begin] = region->handler;
    }
  }

  // Variables that some branch assigns, and their names.
  std::map<Slot, std::string> names{{slot::headers, ""}};
  for (const auto& [name, variable] : variables_) names.emplace(variable.slot, name);
  for (const auto& [name, slot] : implicit_candidates_) {
    if (slot != none) names.emplace(slot, name);
  }
  std::vector<Slot> questioned;
  for (std::uint32_t at = begin; at < end; ++at) {
    const Slot slot = flow.assigned(at);
    if (slot == none || fork_around[at - begin] == none || names.find(slot) == names.end()) continue;
    questioned.push_back(slot);
  }
  std::sort(questioned.begin(), questioned.end());
  questioned.erase(std::unique(questioned.begin(), questioned.end()), questioned.end());

  if (questioned.empty()) return;
  std::vector<std::uint32_t> number_of(questioned.back() + 1, none);  // of a slot, among the questioned
  for (std::size_t i = 0; i < questioned.size(); ++i) number_of[questioned[i]] = static_cast<std::uint32_t>(i);
  const auto is_questioned = [&](Slot slot) { return slot < number_of.size() && number_of[slot] != none; };

  // By slot: where it is read, and where a branch assigns it.
  std::vector<Read> reads;
  for (const Read& read : reads_) {
    if (is_questioned(read.slot)) reads.push_back(read);
  }
  for (std::uint32_t at = begin; at < end; ++at) {
    if (is_questioned(flow.read(at))) reads.push_back({at, flow.read(at)});
  }
  std::vector<Assignment> assignments;
  for (const std::uint32_t fork : forks_) {
    for (const ForkSite::Branch& branch : data_.fork_sites[data_.code[fork].a].branches) {
      for (std::uint32_t at = branch.begin; at < branch.end; ++at) {
        if (is_questioned(flow.assigned(at))) assignments.push_back({fork, at, flow.assigned(at)});
      }
    }
  }
  const auto by_slot = [](const auto& left, const auto& right) { return left.slot < right.slot; };
  std::stable_sort(reads.begin(), reads.end(), by_slot);
  std::stable_sort(assignments.begin(), assignments.end(), by_slot);

  std::vector<std::vector<Edge>> before(end - begin);
  for (std::uint32_t at = begin; at < end; ++at) {
    flow.each_successor(at, [&](std::uint32_t next) {
      if (next >= end) return;
      // A fork assigns its result where it goes on, not where its branches begin.
      const bool assigns = data_.code[at].op != Op::fork || next == at + 1;
      before[next - begin].push_back({at, assigns ? flow.assigned(at) : none});
    });
    // What fails has assigned nothing.
    if (flow.error[at - begin] != none) before[flow.error[at - begin] - begin].push_back({at, none});
  }

  std::set<std::pair<std::uint32_t, Slot>> told;  // one place for each fork and variable
  std::set<std::uint32_t> told_of;                // and one fork for each place
  std::vector<Bits> live(end - begin, 0);         // before the instruction
  std::vector<std::uint32_t> touched;             // where it is not 0
  std::vector<std::uint32_t> todo;
  auto read = reads.begin();
  auto assignment = assignments.begin();
  for (std::size_t first = 0; first < questioned.size(); first += 64) {
    const Slot last = questioned[std::min<std::size_t>(first + 63, questioned.size() - 1)];
    const auto bit_of = [&](Slot slot) -> Bits {
      const std::size_t number = is_questioned(slot) ? number_of[slot] : SIZE_MAX;
      return number >= first && number - first < 64 ? Bits{1} << (number - first) : 0;
    };
    const auto make_live = [&](std::uint32_t at, Bits bits) {
      Bits& there = live[at - begin];
      if ((bits & ~there) == 0) return;
      if (there == 0) touched.push_back(at);
      there |= bits;
      todo.push_back(at);
    };
    // Only where these are live is looked at: what stands beside each other costs no more for it.
    for (; read != reads.end() && read->slot <= last; ++read) make_live(read->at, bit_of(read->slot));
    while (!todo.empty()) {
      const std::uint32_t at = todo.back();
      todo.pop_back();
      for (const Edge& edge : before[at - begin]) make_live(edge.from, live[at - begin] & ~bit_of(edge.assigned));
    }
    for (; assignment != assignments.end() && assignment->slot <= last; ++assignment) {
      const auto [fork, at, slot] = *assignment;
      const ForkSite& site = data_.fork_sites[data_.code[fork].a];
      Bits after = (live[fork + 1 - begin] & ~bit_of(data_.code[fork].b)) | live[site.on_response - begin];
      if (flow.error[fork - begin] != none) after |= live[flow.error[fork - begin] - begin];
      if ((after & bit_of(slot)) == 0 || !told.emplace(fork, slot).second || !told_of.insert(at).second) continue;
      tell_lost_assignment(fork, at, slot, names[slot]);
    }
    for (const std::uint32_t at : touched) live[at - begin] = 0;
    touched.clear();
  }
}

void FunctionBuilder::tell_lost_assignment(std::uint32_t fork, std::uint32_t assignment, Slot slot,
                                           const std::string& name) {
  const CheckedStep* const step = step_of(data_.code[assignment].step);
  const CheckedStep* const parent = step_of(data_.code[fork].step);
  if (step == nullptr || parent == nullptr) return;
  if (slot == slot::headers) {
    report(step, Diagnostic::Severity::warning, "lost-in-branch",
           "a branch's headers are its own: only a Response in the same branch carries them",
           definition::mark(*step->step.node), "", "set them after " + parent->written_name);
    return;
  }
  const Node* at = step->result_member != nullptr ? &step->result_member->value : step->step.node;
  for (std::size_t i = 0; i < step->fields.size(); ++i) {
    if (step->kind->fields[i].type == FieldType::variable && step->fields[i] != nullptr) at = &step->fields[i]->value;
  }
  const bool is_loop = data_.fork_sites[data_.code[fork].a].source != ForkSite::Source::written;
  report(step, Diagnostic::Severity::error, "lost-in-branch",
         definition::in_quotes(name) + " is assigned in a branch and read outside it, where it still is as before",
         definition::mark(*at), "",
         std::string(is_loop ? "end the pass" : "end the branch") +
             " with the step that gives the value, or with Return Value, and read it from the output_variable of " +
             parent->written_name);
}

}  // namespace fnstack::program
