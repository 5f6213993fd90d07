// The part of FunctionBuilder that emits: operands, instructions, labels, and the steps one after the other.
#include "program/function_builder.hpp"

#include <algorithm>
#include <set>
#include <string_view>

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

// ---------------------------------------------------------------- diagnostics

std::string FunctionBuilder::context_of(const CheckedStep* step) const {
  if (step != nullptr) return definition::step_context(definition_, step->step);
  return definition_.anonymous || definition_.names.empty() ? std::string() : definition_.names[0];
}

void FunctionBuilder::report(const CheckedStep* step, Diagnostic diagnostic, std::string path) {
  diagnostic.source = definition_.source;
  if (step != nullptr) {
    if (diagnostic.code == "missing-field") {
      // "did you mean" has said it already.
      const auto is_named = [&](const std::string& name) {
        return diagnostic.message.find(definition::in_quotes(name)) != std::string::npos;
      };
      if (std::any_of(step->meant.begin(), step->meant.end(), is_named)) return;
      if (const auto found = checked_.find(step->step.node); found != checked_.end())
        found->second.is_incomplete = true;
    }
    const std::string prefix = step->written_name + ": ";
    if (diagnostic.message.rfind(prefix, 0) != 0) diagnostic.message.insert(0, prefix);
  }
  diagnostic.path = path.empty() && step != nullptr ? step->step.path : std::move(path);
  if (diagnostic.context.empty()) diagnostic.context = context_of(step);
  diagnostics_.add(std::move(diagnostic));
}

void FunctionBuilder::report(const CheckedStep* step, Diagnostic::Severity severity, std::string code,
                             std::string message, Span span, std::string path, std::string hint) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = std::move(code);
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.span = span;
  report(step, std::move(diagnostic), std::move(path));
}

std::vector<std::string_view> FunctionBuilder::function_names() const {
  std::vector<std::string_view> names;
  for (const FunctionInfo& known : data_.functions) {
    if (known.callable) names.insert(names.end(), known.names.begin(), known.names.end());
  }
  names.insert(names.end(), data_.host_functions.begin(), data_.host_functions.end());
  return names;
}

std::optional<std::string_view> FunctionBuilder::near(std::string_view word,
                                                      const std::vector<std::string_view>& candidates) {
  if (comparisons_ < candidates.size()) {
    comparisons_ = 0;
    return std::nullopt;
  }
  comparisons_ -= candidates.size();
  return suggest(word, candidates);
}

// ---------------------------------------------------------------- operands

Slot FunctionBuilder::new_slot(std::uint32_t count) {
  const Slot slot = next_slot_;
  next_slot_ += count;
  return slot;
}

OperandIndex FunctionBuilder::add_operand(Operand operand) {
  data_.operands.push_back(std::move(operand));
  return static_cast<OperandIndex>(data_.operands.size() - 1);
}

// What stands in a slot, which may be a hidden one.
OperandIndex FunctionBuilder::slot_value(Slot slot) {
  Diagnostics no_problems;
  Operand operand;
  operand.kind = Operand::Kind::expression;
  operand.expression = expr::bind(*expr::parse("it", 0, {}, no_problems), [slot](const expr::NameUse&) {
    return expr::Reference{expr::Reference::Kind::slot, slot, expr::Reference::none, false};
  });
  return add_operand(std::move(operand));
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
    if (leaving.value != none) emit(Op::assign, scope.completion + 1, slot_value(leaving.value), none);
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
    last_result_ = {&step, none, assignable(base_name(step.fields[i]->value.scalar.as_string()))};
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

}  // namespace fnstack::program
