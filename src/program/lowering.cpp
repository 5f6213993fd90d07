// Lowering: what control kinds, and checks of pure and effect kinds, see of the function that is being built.
#include "program/lowering.hpp"

#include <algorithm>

#include "base/suggest.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"
#include "program/function_builder.hpp"

namespace fnstack::program {

const StepKind& Lowering::kind() const noexcept { return *step_.kind; }

const Member* Lowering::member(std::string_view field) const noexcept {
  for (std::size_t i = 0; i < step_.fields.size(); ++i) {
    if (step_.kind->fields[i].name == field) return step_.fields[i];
  }
  return nullptr;
}

bool Lowering::given(std::string_view field) const noexcept { return member(field) != nullptr; }

const Node* Lowering::node(std::string_view field) const noexcept {
  const Member* found = member(field);
  return found == nullptr ? nullptr : &found->value;
}

std::string Lowering::literal(std::string_view field, std::string_view fallback) const {
  const Node* found = node(field);
  return found == nullptr || found->kind != Node::Kind::string ? std::string(fallback)
                                                               : std::string(found->scalar.as_string());
}

const Node& Lowering::step_node() const noexcept { return *step_.step.node; }
std::string_view Lowering::written_name() const noexcept { return step_.written_name; }
std::string_view Lowering::callee() const noexcept { return step_.callee; }

void Lowering::error(std::string code, std::string message, const Node* at, std::string hint) {
  builder_.report(&step_, Diagnostic::Severity::error, std::move(code), std::move(message),
                  at == nullptr ? Span{step_.step.node->span.begin, step_.step.node->span.begin + 1} : at->span, "",
                  std::move(hint));
}

void Lowering::warning(std::string code, std::string message, const Node* at, std::string hint) {
  builder_.report(&step_, Diagnostic::Severity::warning, std::move(code), std::move(message),
                  at == nullptr ? Span{step_.step.node->span.begin, step_.step.node->span.begin + 1} : at->span, "",
                  std::move(hint));
}

OperandIndex Lowering::operand(std::string_view field) {
  for (std::size_t i = 0; i < step_.fields.size(); ++i) {
    if (step_.kind->fields[i].name == field) return builder_.field_operand(step_, i);
  }
  return none;
}

OperandIndex Lowering::constant(Value value) {
  Operand operand;
  operand.constant = std::move(value);
  return builder_.add_operand(std::move(operand));
}

OperandIndex Lowering::expression(std::string_view field) {
  const Member* found = member(field);
  return found == nullptr ? none : expression_of(found->value, path_of(field));
}

OperandIndex Lowering::expression_of(const Node& node, std::string path) {
  return builder_.add_operand(builder_.operand_compiler(&step_, std::move(path)).expression(node));
}

OperandIndex Lowering::value_of(const Node& node, std::string path) {
  return builder_.add_operand(builder_.operand_compiler(&step_, std::move(path)).value(node));
}

OperandIndex Lowering::rest() {
  Node object;
  object.kind = Node::Kind::object;
  object.span = step_.step.node->span;
  for (const Member* member : step_.rest) object.members.push_back(*member);
  return value_of(object, step_.step.path);
}

Slot Lowering::hidden(std::uint32_t count) { return builder_.new_slot(count); }

Slot Lowering::variable(std::string_view name) { return builder_.assignable(name); }

Slot Lowering::age_slot(Slot variable) const noexcept {
  const auto found = builder_.age_slots_.find(variable);
  return found == builder_.age_slots_.end() ? none : found->second;
}

Slot Lowering::result() const noexcept {
  return step_.result_name.empty() ? none : builder_.assignable(step_.result_name);
}

void Lowering::result_goes_to_b() {
  builder_.last_result_ = {&step_, static_cast<std::uint32_t>(builder_.data_.code.size() - 1), none};
  if (step_.result_name.empty() && !step_.implicit_name.empty()) {
    builder_.implicit_results_.push_back(
        {static_cast<std::uint32_t>(builder_.data_.code.size() - 1), step_.implicit_name});
  }
}

void Lowering::push_name(std::string name, Slot slot, std::string key) {
  builder_.lexical_.push_back({std::move(name), std::move(key), slot});
}

void Lowering::pop_names(std::size_t count) { builder_.lexical_.resize(builder_.lexical_.size() - count); }

Slot Lowering::find_name(std::string_view name) const noexcept {
  for (auto known = builder_.lexical_.rbegin(); known != builder_.lexical_.rend(); ++known) {
    if (known->name == name && known->key.empty()) return known->slot;
  }
  return none;
}

std::uint32_t Lowering::emit(Op op, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return builder_.emit(op, a, b, c);
}

Label Lowering::new_label() {
  builder_.label_places_.push_back(none);
  return Label{static_cast<std::uint32_t>(builder_.label_places_.size() - 1)};
}

void Lowering::place(Label label) {
  builder_.label_places_[label.id] = static_cast<std::uint32_t>(builder_.data_.code.size());
}

void Lowering::emit_jump(Label target) {
  const std::uint32_t at = emit(Op::jump);
  builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::a, at, 0, target.id});
}

void Lowering::emit_jump_unless(OperandIndex condition, Label target) {
  patch_b(emit(Op::jump_unless, condition), target);
}

void Lowering::patch_b(std::uint32_t instruction, Label label) {
  builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::b, instruction, 0, label.id});
}

void Lowering::patch_c(std::uint32_t instruction, Label label) {
  builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::c, instruction, 0, label.id});
}

ProgramData& Lowering::data() { return builder_.data_; }

std::uint32_t Lowering::jump_table(const std::vector<Label>& labels) {
  const auto index = static_cast<std::uint32_t>(builder_.data_.jump_tables.size());
  builder_.data_.jump_tables.emplace_back(labels.size(), none);
  for (std::uint32_t i = 0; i < labels.size(); ++i) {
    builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::jump_table, index, i, labels[i].id});
  }
  return index;
}

std::uint32_t Lowering::switch_table(const std::vector<std::pair<std::string, Label>>& cases, Label otherwise) {
  const auto index = static_cast<std::uint32_t>(builder_.data_.switch_tables.size());
  auto sorted = cases;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  SwitchTable table;
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    table.cases.emplace_back(sorted[i].first, none);
    builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::switch_case, index, i, sorted[i].second.id});
  }
  builder_.data_.switch_tables.push_back(std::move(table));
  builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::switch_otherwise, index, 0, otherwise.id});
  return index;
}

void Lowering::block(std::string_view field) {
  if (const Node* steps = node(field)) block(*steps, path_of(field));
}

void Lowering::block(const Node& steps, std::string path) {
  Diagnostics already_reported;  // collect_names read the same block and reported what is wrong with it
  builder_.lower_steps(definition::read_steps(steps, std::move(path), builder_.definition_.source, already_reported));
}

std::string Lowering::path_of(std::string_view field) const {
  const Member* found = member(field);
  return definition::pointer(step_.step.path, found == nullptr ? field : std::string_view(found->key));
}

const std::string& Lowering::path() const noexcept { return step_.step.path; }

void Lowering::push_loop(Label break_target, Label continue_target) {
  FunctionBuilder::Scope scope;
  scope.is_loop = true;
  scope.break_target = break_target;
  scope.continue_target = continue_target;
  builder_.scopes_.push_back(std::move(scope));
}

void Lowering::pop_loop() { builder_.scopes_.pop_back(); }

Lowering::LeaveLoop Lowering::leave_loop(bool to_continue) {
  for (std::size_t i = builder_.scopes_.size(); i > 0; --i) {
    const FunctionBuilder::Scope& scope = builder_.scopes_[i - 1];
    if (scope.is_branch) {
      if (!scope.fork.is_loop) {
        const auto is_loop = [](const FunctionBuilder::Scope& outer) {
          return outer.is_loop || (outer.is_branch && outer.fork.is_loop);
        };
        const auto end = builder_.scopes_.begin() + static_cast<std::ptrdiff_t>(i - 1);
        return std::any_of(builder_.scopes_.begin(), end, is_loop) ? LeaveLoop::branch : LeaveLoop::no_loop;
      }
      if (!to_continue) return LeaveLoop::parallel_loop;
      builder_.leave({false, scope.fork.continued, i});
      return LeaveLoop::done;
    }
    if (!scope.is_loop) continue;
    builder_.leave({false, to_continue ? scope.continue_target : scope.break_target, i});
    return LeaveLoop::done;
  }
  return LeaveLoop::no_loop;
}

Lowering::Fork Lowering::begin_fork(ForkSite site) {
  if (transaction() != none) {
    error("not-in-transaction", "only database and pure steps can stand in a Database Transaction, one after another",
          nullptr, "move the step before or after the transaction");
  }
  Fork fork;
  fork.is_loop = site.source != ForkSite::Source::written;
  fork.site = static_cast<std::uint32_t>(builder_.data_.fork_sites.size());
  fork.value = hidden();
  fork.after = new_label();
  builder_.data_.fork_sites.push_back(std::move(site));
  fork.instruction = emit(Op::fork, fork.site, result());
  result_goes_to_b();
  emit_jump(fork.after);
  builder_.data_.fork_sites[fork.site].on_response = static_cast<std::uint32_t>(builder_.data_.code.size());
  leave_function();
  return fork;
}

void Lowering::begin_branch(Fork& fork) {
  const auto begin = static_cast<std::uint32_t>(builder_.data_.code.size());
  builder_.data_.fork_sites[fork.site].branches.push_back({begin, begin});
  fork.returned = new_label();
  fork.continued = new_label();
  FunctionBuilder::Scope scope;
  scope.is_branch = true;
  scope.fork = fork;
  builder_.scopes_.push_back(std::move(scope));
}

void Lowering::end_branch(Fork& fork) {
  const FunctionBuilder::LastResult last = builder_.last_result_;
  const std::uint32_t end = emit(Op::end_branch);
  if (last.slot != none || last.instruction != none) builder_.branch_results_.push_back({last, end});
  place(fork.returned);
  emit(Op::end_branch, fork.value);
  place(fork.continued);
  emit(Op::end_branch);
  builder_.scopes_.pop_back();
  builder_.data_.fork_sites[fork.site].branches.back().end = static_cast<std::uint32_t>(builder_.data_.code.size());
}

void Lowering::end_fork(const Fork& fork) {
  builder_.forks_.push_back(fork.instruction);
  builder_.last_result_ = {&step_, fork.instruction, none};
  place(fork.after);
  note_terminated(false);
}

bool Lowering::return_from_branch(OperandIndex value) {
  for (std::size_t i = builder_.scopes_.size(); i > 0; --i) {
    const FunctionBuilder::Scope& scope = builder_.scopes_[i - 1];
    if (!scope.is_branch) continue;
    const Fork fork = scope.fork;
    emit(Op::assign, fork.value, value);
    builder_.leave({false, fork.returned, i, fork.value});
    return true;
  }
  return false;
}

std::size_t Lowering::request_count(std::string_view field) const {
  const auto found = builder_.requests_.find(node(field));
  return found == builder_.requests_.end() ? 0 : found->second.size();
}

void Lowering::request(std::string_view field, std::size_t index) {
  if (index >= request_count(field)) return;
  const std::vector<Step> one{builder_.requests_.find(node(field))->second[index]};
  if (const Member* named = builder_.checked(one[0]).result_member) {
    error("bad-value", definition::in_quotes(named->key) + ": a request has no variable of its own", &named->value,
          "its result is in the list of the whole step");
  }
  builder_.lower_steps(one);
}

Lowering::Guard Lowering::begin_guard() const { return {static_cast<std::uint32_t>(builder_.data_.code.size())}; }

void Lowering::end_guard(Guard guard, Region::Kind kind, Label handler, Slot slot, Slot transaction) {
  FunctionInfo& info = builder_.data_.functions[builder_.function_];
  const auto end = static_cast<std::uint32_t>(builder_.data_.code.size());
  info.regions.push_back({kind, guard.begin, end, none, slot, transaction});
  builder_.fixups_.push_back({FunctionBuilder::Fixup::Where::region_handler,
                              static_cast<std::uint32_t>(info.regions.size() - 1), 0, handler.id});
}

void Lowering::push_finally(Slot completion, Label begin) {
  FunctionBuilder::Scope scope;
  scope.completion = completion;
  scope.begin = begin;
  builder_.scopes_.push_back(std::move(scope));
}

std::vector<Lowering::Leaving> Lowering::pop_finally() {
  std::vector<Leaving> leaving = std::move(builder_.scopes_.back().leaving);
  builder_.scopes_.pop_back();
  return leaving;
}

void Lowering::finish_finally(Slot completion, const std::vector<Leaving>& leaving) {
  std::vector<Label> places;
  for (std::size_t i = 0; i < leaving.size(); ++i) places.push_back(new_label());
  emit(Op::end_finally, completion, jump_table(places));
  if (leaving.empty()) return;
  const Label after = new_label();
  emit_jump(after);
  for (std::size_t i = 0; i < leaving.size(); ++i) {
    place(places[i]);
    if (leaving[i].value != none) emit(Op::assign, leaving[i].value, builder_.slot_value(completion + 1));
    builder_.leave(leaving[i]);
  }
  place(after);
}

void Lowering::leave_function() { builder_.leave({true, {}, 0, slot::response}); }

void Lowering::note_terminated(bool terminated) { builder_.terminated_ = terminated; }
bool Lowering::terminated() const noexcept { return builder_.terminated_; }

Slot Lowering::transaction() const noexcept {
  return builder_.transactions_.empty() ? none : builder_.transactions_.back();
}
void Lowering::push_transaction(Slot slot) { builder_.transactions_.push_back(slot); }
void Lowering::pop_transaction() { builder_.transactions_.pop_back(); }

std::uint32_t Lowering::find_function(std::string_view name) const { return builder_.data_.find_function(name); }
bool Lowering::is_host_function(std::string_view name) const { return builder_.data_.is_host_function(name); }

void Lowering::check_callee(std::string_view name, const Node* at) {
  if (find_function(name) != none || is_host_function(name)) return;
  const auto near = builder_.near(name, builder_.function_names());
  warning("unknown-function", "no definition here is called " + definition::in_quotes(name) + did_you_mean(near), at,
          "define it, give its file with --functions, or let the host register it");
}

}  // namespace fnstack::program
