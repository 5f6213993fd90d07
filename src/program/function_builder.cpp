// The part of FunctionBuilder that emits, and Lowering, which is its face towards control kinds.
//
// Names are resolved while lowering: every name gets a slot, and what the slot is (variable, implicit result,
// input) is settled by the walk that collected the names before. Item names, `error` and `loop` get slots of
// their own, seen only by what stands inside their block: so nothing has to be restored when a block is left.
#include "program/function_builder.hpp"

#include <algorithm>
#include <string_view>

#include <fnstack/json.hpp>

#include "base/first_problems.hpp"
#include "base/suggest.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"

namespace fnstack::program {

FunctionBuilder::FunctionBuilder(ProgramData& data, std::uint32_t function, const Definition& definition,
                                 const StepKinds& kinds, const StepDefaults& defaults, const CompileOptions& options,
                                 Diagnostics& diagnostics, std::size_t& comparisons)
    : data_(data),
      function_(function),
      definition_(definition),
      kinds_(kinds),
      defaults_(defaults),
      options_(options),
      diagnostics_(diagnostics),
      comparisons_(comparisons) {}

// ---------------------------------------------------------------- names and operands

Slot FunctionBuilder::new_slot(std::uint32_t count) {
  const Slot slot = next_slot_;
  next_slot_ += count;
  return slot;
}

OperandIndex FunctionBuilder::add_operand(Operand operand) {
  data_.operands.push_back(std::move(operand));
  return static_cast<OperandIndex>(data_.operands.size() - 1);
}

expr::Reference FunctionBuilder::resolve(const expr::NameUse& use, Span literal, const CheckedStep* step,
                                         const std::string& path) {
  using Kind = expr::Reference::Kind;
  const auto at_slot = [&](Slot slot) {
    if (may_fork_) reads_.push_back({static_cast<std::uint32_t>(data_.code.size()), slot});
    return expr::Reference{Kind::slot, slot, expr::Reference::none, false};
  };
  for (auto name = lexical_.rbegin(); name != lexical_.rend(); ++name) {
    if (name->name != use.name) continue;
    if (name->key.empty()) return at_slot(name->slot);
    if (name->key == use.first_key) return expr::Reference{Kind::slot, name->slot, expr::Reference::none, true};
  }
  if (auto found = variable_index_.find(use.name); found != variable_index_.end()) {
    Variable& variable = variables_[found->second].second;
    expr::Reference reference = at_slot(variable.slot);
    if (variable.from_cache && use.first_key == "age") {
      reference.age_slot = variable.age_slot;
      read_ages_.insert(variable.age_slot);
    }
    return reference;
  }
  if (use.name == "inputs" || use.name == "input") return at_slot(slot::inputs);
  const auto at_root = [this](std::uint32_t position) {
    data_.reads_roots = true;
    data_.reads_run = data_.reads_run || position == root::run;
    return expr::Reference{Kind::root, position, expr::Reference::none, false};
  };
  if (use.name == "env") return at_root(root::env);
  if (use.name == "run") return at_root(root::run);
  if (use.name == "error") return {};
  if (use.name == "timestamp" || use.name == "now")
    return expr::Reference{Kind::timestamp, 0, expr::Reference::none, false};
  if (use.name == "uuid") return expr::Reference{Kind::uuid, 0, expr::Reference::none, false};
  for (std::size_t i = 0; i < data_.roots.size(); ++i) {
    if (data_.roots[i] == use.name) return at_root(root::first_free + static_cast<std::uint32_t>(i));
  }
  if (auto found = implicit_candidates_.find(use.name); found != implicit_candidates_.end()) {
    if (found->second == none) found->second = new_slot();
    return at_slot(found->second);
  }
  if (auto found = input_index_.find(use.name); found != input_index_.end()) return at_slot(found->second);
  inputs_.emplace_back(std::string(use.name), new_slot());
  input_index_.emplace(inputs_.back());
  // Finding the place takes a walk through the literal: not for more names than are told about.
  const bool worth_a_place = unset_.size() <= static_cast<std::size_t>(most_problems);
  const Span span = worth_a_place ? TextPlace{definition_.source, literal}.span(use.span.begin, use.span.end) : literal;
  unset_.try_emplace(std::string(use.name), FirstUse{span, step, path});
  return at_slot(inputs_.back().second);
}

OperandCompiler FunctionBuilder::operand_compiler(const CheckedStep* step, std::string path) {
  const auto resolver = [this, step, path](const expr::NameUse& use, Span literal) {
    return resolve(use, literal, step, path);
  };
  const auto reporter = [this, step, path](Diagnostic diagnostic) {
    if (diagnostic.code == "unknown-function" && diagnostic.hint.empty()) {
      const Span span = diagnostic.span;
      const StepKind* kind = kinds_.find(definition_.source->text().substr(span.begin, span.end - span.begin));
      if (kind != nullptr)
        diagnostic.hint = definition::in_quotes(kind->name) + " is a step: let one set a variable before";
    }
    report(step, std::move(diagnostic), path);
  };
  return OperandCompiler(definition_.source, resolver, reporter, options_.limits.expression_nodes);
}

std::string FunctionBuilder::literal_content_type(const CheckedStep& step) const {
  for (std::size_t i = 0; i < step.kind->fields.size(); ++i) {
    if (step.kind->fields[i].type != FieldType::headers || step.fields[i] == nullptr) continue;
    for (const Member& header : step.fields[i]->value.members) {
      if (fold_name(header.key) == "content_type" && header.value.kind == Node::Kind::string &&
          !expr::may_hold_template(header.value.scalar.as_string())) {
        return std::string(header.value.scalar.as_string());
      }
    }
  }
  return {};
}

// The host's default for a field that is not given. What the step says about a group of options stands for all of it.
OperandIndex FunctionBuilder::default_of(const CheckedStep& step, std::size_t field) const {
  const auto found = defaults_.find(step.kind);
  if (found == defaults_.end()) return none;
  const std::string& name = step.kind->fields[field].name;
  const std::size_t group = step.kind->position_of(name.substr(0, name.find('.')));
  return group < step.fields.size() && step.fields[group] != nullptr ? none : found->second[field];
}

OperandIndex FunctionBuilder::field_operand(const CheckedStep& step, std::size_t field) {
  const Member* member = step.fields[field];
  const FieldType type = step.kind->fields[field].type;
  if (member == nullptr) {
    if (const OperandIndex given = default_of(step, field); given != none) return given;
    if (step.kind->fields[field].default_template.empty()) return none;
    Node fallback;
    fallback.kind = Node::Kind::string;
    fallback.span = step.step.node->span;
    fallback.scalar = Value(step.kind->fields[field].default_template);
    return add_operand(operand_compiler(&step, step.step.path).field(fallback, type));
  }
  if (type == FieldType::options) {  // its members are fields of their own
    Operand given;
    given.constant = Value(true);
    return add_operand(std::move(given));
  }
  OperandCompiler compiler = operand_compiler(&step, step.paths[field]);
  if (type == FieldType::literal) {
    Operand literal = compiler.value(member->value);
    return add_operand(std::move(literal));
  }
  return add_operand(
      compiler.field(member->value, type, type == FieldType::body ? literal_content_type(step) : std::string()));
}

Slot FunctionBuilder::assignable(std::string_view name) {
  for (auto lexical = lexical_.rbegin(); lexical != lexical_.rend(); ++lexical) {
    if (lexical->name == name && lexical->key.empty()) return lexical->slot;
  }
  auto found = variable_index_.find(name);
  return found == variable_index_.end() ? none : variables_[found->second].second.slot;
}

// ---------------------------------------------------------------- instructions and labels

std::uint32_t FunctionBuilder::emit(Op op, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  Instruction instruction{op, begins_step_, a, b, c, current_ == nullptr ? none : current_->info};
  begins_step_ = false;
  data_.code.push_back(instruction);
  return static_cast<std::uint32_t>(data_.code.size() - 1);
}

void FunctionBuilder::resolve_labels() {
  FunctionInfo& info = data_.functions[function_];
  for (const Fixup& fixup : fixups_) {
    const std::uint32_t place = label_places_[fixup.label];
    switch (fixup.where) {
      case Fixup::Where::a:
        data_.code[fixup.index].a = place;
        break;
      case Fixup::Where::b:
        data_.code[fixup.index].b = place;
        break;
      case Fixup::Where::c:
        data_.code[fixup.index].c = place;
        break;
      case Fixup::Where::jump_table:
        data_.jump_tables[fixup.index][fixup.entry] = place;
        break;
      case Fixup::Where::switch_case:
        data_.switch_tables[fixup.index].cases[fixup.entry].second = place;
        break;
      case Fixup::Where::switch_otherwise:
        data_.switch_tables[fixup.index].otherwise = place;
        break;
      case Fixup::Where::region_handler:
        info.regions[fixup.index].handler = place;
        break;
    }
  }
}

void FunctionBuilder::resolve_implicit() {
  for (const ImplicitResult& result : implicit_results_) {
    auto found = implicit_candidates_.find(result.name);
    if (found == implicit_candidates_.end() || found->second == none) continue;
    Instruction& instruction = data_.code[result.instruction];
    if (instruction.op == Op::call) {
      data_.call_sites[instruction.a].result = found->second;
    } else {
      instruction.b = found->second;
    }
  }
  if (read_ages_.empty()) return;
  for (auto call = data_.kind_calls.rbegin(); call != data_.kind_calls.rend() && call->function == function_; ++call) {
    if (call->age_slot != none && read_ages_.count(call->age_slot) > 0) call->wants_age = true;
  }
}

void FunctionBuilder::resolve_branch_results() {
  // One for all branches: each has a frame of its own, and the more slots a frame has the more each branch copies.
  Slot shared = none;
  for (const BranchResult& result : branch_results_) {
    Slot slot = result.from.slot;
    if (slot == none) {
      Instruction& stores = data_.code[result.from.instruction];
      Slot& stored = stores.op == Op::call ? data_.call_sites[stores.a].result : stores.b;
      if (stored == none) {
        if (shared == none) shared = new_slot();
        stored = shared;
      }
      slot = stored;
    }
    data_.code[result.end_branch].a = slot;
  }
}

// Goes where `leaving` says, through the innermost finally block in between.
void FunctionBuilder::leave(const Lowering::Leaving& leaving) {
  for (std::size_t i = scopes_.size(); i > leaving.depth; --i) {
    Scope& scope = scopes_[i - 1];
    if (scope.is_loop) continue;
    if (scope.is_branch) break;  // the machine goes on from here
    const auto code = completion::first_jump + static_cast<std::int64_t>(scope.leaving.size());
    scope.leaving.push_back(leaving);
    const std::uint32_t at = emit(Op::leave, scope.completion, static_cast<std::uint32_t>(code), none);
    fixups_.push_back({Fixup::Where::c, at, 0, scope.begin.id});
    return;
  }
  if (leaving.function) {
    emit(Op::return_response, slot::response, none, none);
    return;
  }
  const std::uint32_t at = emit(Op::jump, none, none, none);
  fixups_.push_back({Fixup::Where::a, at, 0, leaving.target.id});
}

// ---------------------------------------------------------------- steps

// What StepKind::arithmetic says about this step; 0 if it says nothing.
char FunctionBuilder::arithmetic_of(const CheckedStep& step) {
  const StepKind& kind = *step.kind;
  if (kind.arithmetic == nullptr || step.fields[0] == nullptr) return 0;
  const Node& word = step.fields[0]->value;
  if (word.kind != Node::Kind::string || expr::may_hold_template(word.scalar.as_string())) return 0;
  if (step.fields[kind.left] == nullptr || step.fields[kind.right] == nullptr) return 0;
  return kind.arithmetic(word.scalar.as_string());
}

void FunctionBuilder::lower_kind_call(const CheckedStep& step) {
  KindCall call;
  call.kind = step.shared_kind;
  call.function = function_;
  call.locals.assign(step.kind->fields.size(), none);
  // Headers first: a body's escaping depends on them at run time only, but diagnostics come in field order.
  for (std::size_t i = 0; i < step.kind->fields.size(); ++i) {
    const Field& field = step.kind->fields[i];
    if (!field.locals.empty() && step.fields[i] != nullptr) {
      call.locals[i] = new_slot(static_cast<std::uint32_t>(field.locals.size()));
      for (std::size_t k = 0; k < field.locals.size(); ++k) {
        lexical_.push_back({field.locals[k], "", call.locals[i] + static_cast<Slot>(k)});
      }
    }
    call.operands.push_back(field_operand(step, i));
    if (!step.kind->in_place.empty() && field.name == step.kind->in_place && call.operands[i] != none &&
        data_.operands[call.operands[i]].kind == Operand::Kind::expression) {
      call.in_place = static_cast<std::uint32_t>(i);
    }
    if (call.locals[i] != none) {
      lexical_.resize(lexical_.size() - field.locals.size());
      // What a kind evaluates itself is never joined with text around it, which nobody would escape.
      const Operand& operand = data_.operands[call.operands[i]];
      if (field.type == FieldType::value &&
          (operand.kind == Operand::Kind::text ||
           (operand.kind == Operand::Kind::constant && operand.constant.is_string()))) {
        report(&step, Diagnostic::Severity::error, "bad-value",
               definition::in_quotes(step.fields[i]->key) + ": expected one {{ }} and nothing around it",
               step.fields[i]->value.span, step.paths[i]);
      }
    }
  }
  Lowering lowering(*this, step);
  if (step.kind->accepts_rest) call.rest = lowering.rest();
  const bool is_effect = step.kind->request || step.kind->converse;
  const Slot result = lowering.result();
  if (step.kind->has_age && !step.result_name.empty()) {
    auto found = variable_index_.find(step.result_name);
    if (found != variable_index_.end()) call.age_slot = variables_[found->second].second.age_slot;
  }
  call.places.resize(call.operands.size(), UINT16_MAX);
  for (std::size_t i = 0; i < call.operands.size(); ++i) {
    if (call.operands[i] == none) continue;
    call.places[i] = static_cast<std::uint16_t>(call.given.size());
    call.given.push_back(static_cast<std::uint16_t>(i));
  }
  std::shared_ptr<const FieldNames>& names = data_.field_names[call.kind.get()];
  if (!names) names = std::make_shared<const FieldNames>(call.kind->fields);
  call.names = names;
  data_.kind_calls.push_back(std::move(call));
  const auto site = static_cast<std::uint32_t>(data_.kind_calls.size() - 1);
  if (is_effect && !transactions_.empty() && !step.kind->is_database) {
    report(&step, Diagnostic::Severity::error, "not-in-transaction",
           "only database and pure steps can stand in a Database Transaction", definition::mark(*step.step.node), "",
           "move the step before or after the transaction");
  }
  const Slot transaction = is_effect && step.kind->is_database && !transactions_.empty() ? transactions_.back() : none;
  std::uint32_t at = 0;
  if (const char operation = arithmetic_of(step); operation != 0 && result != none) {
    at = emit(Op::arithmetic, site, result, static_cast<std::uint32_t>(operation));
  } else {
    at = emit(is_effect ? Op::perform : Op::compute, site, result, is_effect ? transaction : none);
  }
  last_result_ = {&step, at, none};
  if (result == none && !step.implicit_name.empty()) implicit_results_.push_back({at, step.implicit_name});
}

void FunctionBuilder::lower(const CheckedStep& step) {
  if (step.kind == nullptr) return;
  const CheckedStep* outer = current_;
  current_ = &step;
  begins_step_ = true;
  last_result_ = {};
  if (step.kind->lower != nullptr) {
    Lowering lowering(*this, step);
    step.kind->lower(lowering);
  } else {
    lower_kind_call(step);
  }
  if (last_result_.step != &step) last_result_ = {};  // a step's inside
  for (std::size_t i = 0; i < step.fields.size(); ++i) {
    if (step.kind->fields[i].type != FieldType::variable || step.fields[i] == nullptr) continue;
    const std::string_view name = step.fields[i]->value.scalar.as_string();
    last_result_ = {&step, none, assignable(name.substr(0, name.find_first_of(".[")))};
  }
  if (step.kind->check != nullptr) {
    Lowering lowering(*this, step);
    step.kind->check(lowering);
  }
  begins_step_ = false;
  // Another step's result ends what a cache get remembered about the variable.
  if (!step.result_name.empty() && !step.kind->has_age) {
    auto found = variable_index_.find(step.result_name);
    if (found != variable_index_.end() && variables_[found->second].second.age_slot != none) {
      Operand null;
      emit(Op::assign, variables_[found->second].second.age_slot, add_operand(std::move(null)), none);
    }
  }
  current_ = outer;
}

void FunctionBuilder::lower_steps(const std::vector<Step>& steps) {
  terminated_ = false;
  last_result_ = {};
  bool warned = false;
  for (const Step& step : steps) {
    const CheckedStep& known = checked(step);
    if (terminated_ && !warned) {
      report(&known, Diagnostic::Severity::warning, "unreachable-step", "this step is never reached",
             definition::mark(*step.node), "", "the step before it always leaves the block");
      warned = true;
    }
    const bool was_terminated = terminated_;
    lower(known);
    terminated_ = terminated_ || was_terminated;
  }
}

void FunctionBuilder::parameters() {
  FunctionInfo& info = data_.functions[function_];
  for (const Parameter& parameter : definition_.parameters) {
    ParameterInfo compiled{parameter.name, parameter.type, parameter.required, none};
    if (parameter.default_value != nullptr) {
      compiled.default_value = add_operand(operand_compiler(nullptr, definition_.path).value(*parameter.default_value));
    }
    info.parameters.push_back(std::move(compiled));
  }
  std::set<std::string_view> declared;
  for (const Parameter& parameter : definition_.parameters) declared.insert(parameter.name);
  for (const Member* member : definition_.default_inputs) {
    if (!declared.insert(member->key).second) continue;
    ParameterInfo compiled{member->key, "any", false, none};
    compiled.default_value = add_operand(operand_compiler(nullptr, definition_.path).value(member->value));
    info.parameters.push_back(std::move(compiled));
  }
}

std::vector<std::uint32_t> FunctionBuilder::default_operands(const std::string& name, const Node& fields) {
  CheckedStep step;
  step.kind = kinds_.find(name);
  step.step.node = &fields;
  step.step.path = definition::pointer("", name);
  step.written_name = step.kind->name;
  step.is_default = true;
  match_fields(step);
  std::vector<std::uint32_t> operands(step.kind->fields.size(), none);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (step.fields[i] == nullptr) continue;
    if (!step.kind->fields[i].locals.empty()) {
      report(&step, Diagnostic::Severity::error, "bad-value",
             definition::in_quotes(step.fields[i]->key) + " has no default: it says something about one step",
             step.fields[i]->key_span, step.paths[i]);
      continue;
    }
    operands[i] = field_operand(step, i);
  }
  for (const auto& [unknown, use] : unset_) {
    report(&step, Diagnostic::Severity::error, "unset-variable",
           "no variable can be read here: " + definition::in_quotes(unknown), use.span, use.path,
           "env, inputs, run, timestamp and uuid can");
  }
  return operands;
}

void FunctionBuilder::build() {
  warn_near_step_name();
  collect_names(definition_.steps);
  parameters();
  data_.functions[function_].entry = static_cast<std::uint32_t>(data_.code.size());
  lower_steps(definition_.steps);
  current_ = nullptr;
  OperandIndex response = none;
  if (definition_.response != nullptr) {
    response = add_operand(
        operand_compiler(nullptr, definition::pointer(definition_.path, "response")).value(*definition_.response));
  }
  emit(Op::finish, response, none, none);
  resolve_labels();
  resolve_implicit();
  resolve_branch_results();
  warn_unset();
  check_branches();
  FunctionInfo& info = data_.functions[function_];
  info.slots = next_slot_;
  for (const auto& [name, variable] : variables_) info.variables.emplace_back(name, variable.slot);
  for (const auto& [name, slot] : implicit_candidates_) {
    if (slot != none) info.variables.emplace_back(name, slot);
  }
  info.inputs = inputs_;
}

// ---------------------------------------------------------------- Lowering

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
    builder_.leave({false, fork.returned, i});
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
    builder_.leave(leaving[i]);
  }
  place(after);
}

void Lowering::leave_function() { builder_.leave({true, {}, 0}); }

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
  warning("unknown-function",
          "no definition here is called " + definition::in_quotes(name) +
              (near ? "; did you mean " + definition::in_quotes(*near) + "?" : ""),
          at, "define it, give its file with --functions, or let the host register it");
}

}  // namespace fnstack::program
