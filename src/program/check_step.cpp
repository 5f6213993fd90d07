// Checking: which kind a step is, which of its fields mean what, and which names its definition's steps set. The
// part of FunctionBuilder that reads; it emits nothing.
#include <algorithm>
#include <optional>

#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "definition/shapes.hpp"
#include "expr/template.hpp"
#include "program/function_builder.hpp"

namespace fnstack::program {

namespace {

// Fields that any step may carry, for readers of the definition.
constexpr std::string_view annotations[] = {"step", "description", "purpose", "use_case", "comment", "note", "notes"};
constexpr std::string_view result_fields[] = {"output_variable", "return_as", "return_variable"};

bool is_annotation(std::string_view folded, std::string_view written) {
  if (written.starts_with("x-") || written == "$schema" || written == "fnstack") return true;
  return std::find(std::begin(annotations), std::end(annotations), folded) != std::end(annotations);
}

bool is_result_field(std::string_view folded) {
  return std::find(std::begin(result_fields), std::end(result_fields), folded) != std::end(result_fields);
}

bool names_field(const Field& field, std::string_view folded) {
  if (field.name == folded) return true;
  return std::find(field.aliases.begin(), field.aliases.end(), folded) != field.aliases.end();
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string did_you_mean(std::optional<std::string_view> near) {
  return near ? "; did you mean " + quoted(*near) + "?" : "";
}

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; };
  if (!is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// The part of an Update Variable target before the first . or [
std::string base_name(std::string_view target) { return std::string(target.substr(0, target.find_first_of(".["))); }

}  // namespace

std::string FunctionBuilder::context_of(const CheckedStep* step) const {
  std::string context = definition_.anonymous || definition_.names.empty() ? "" : definition_.names[0];
  if (step == nullptr) return context;
  const std::string& path = step->step.path;
  std::string place = path;
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    const auto before = path.rfind('/', slash - 1);
    const std::string last = path.substr(slash + 1);
    if (!last.empty() && std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      place = path.substr(before + 1, slash - before - 1) + "[" + last + "]";
    } else {
      place = last;
    }
  } else if (slash == 0 && path.size() > 1) {
    place = "[" + path.substr(1) + "]";
  }
  if (!context.empty() && !place.empty()) context += ", ";
  context += place;
  if (!step->step.label.empty()) context += " " + quoted(step->step.label);
  return context;
}

void FunctionBuilder::report(const CheckedStep* step, Diagnostic diagnostic, std::string path) {
  diagnostic.source = definition_.source;
  if (step != nullptr) {
    const std::string prefix = step->written_name + ": ";
    if (diagnostic.message.rfind(prefix, 0) != 0) diagnostic.message.insert(0, prefix);
  }
  diagnostic.path = path.empty() && step != nullptr ? step->step.path : std::move(path);
  diagnostic.context = context_of(step);
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

void FunctionBuilder::check_variable_name(const std::string& name, const Node& at, const CheckedStep& step) {
  if (expr::may_hold_template(name)) {
    report(&step, Diagnostic::Severity::error, "bad-name", "a variable's name can't hold a template", at.span, "",
           "give the variable a fixed name, or keep a map: Update Variable with operation set_key");
    return;
  }
  if (!is_name(name)) {
    report(&step, Diagnostic::Severity::error, "bad-name",
           "expected a variable's name (letters, digits, _), got " + quoted(name), at.span);
    return;
  }
  static constexpr std::string_view reserved[] = {"env", "inputs", "input", "error", "null", "true", "false", "undefined"};
  if (std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved)) {
    report(&step, Diagnostic::Severity::error, "reserved-name", quoted(name) + " can't be assigned", at.span, "",
           "choose another name for the variable");
  }
}

void FunctionBuilder::match_fields(CheckedStep& checked) {
  const StepKind& kind = *checked.kind;
  checked.fields.assign(kind.fields.size(), nullptr);
  const bool is_direct_call = !checked.callee.empty() && checked.callee == checked.written_name;
  for (const Member& member : checked.step.node->members) {
    if (member.key == "function") continue;
    const std::string folded = fold_name(member.key);
    const std::string path = checked.step.path + "/" + member.key;
    std::size_t position = kind.fields.size();
    for (std::size_t i = 0; !is_direct_call && i < kind.fields.size(); ++i) {
      if (names_field(kind.fields[i], folded)) position = i;
    }
    if (position < kind.fields.size()) {
      if (checked.fields[position] != nullptr) {
        report(&checked, Diagnostic::Severity::error, "field-twice",
               quoted(member.key) + " and " + quoted(checked.fields[position]->key) + " mean the same field", member.key_span,
               path, "keep one of them");
        continue;
      }
      checked.fields[position] = &member;
      continue;
    }
    if (is_result_field(folded) && (kind.has_result || is_direct_call)) {
      if (checked.result_member != nullptr) {
        report(&checked, Diagnostic::Severity::error, "field-twice",
               quoted(member.key) + " and " + quoted(checked.result_member->key) + " mean the same field", member.key_span,
               path, "keep one of them");
        continue;
      }
      checked.result_member = &member;
      if (member.value.kind != Node::Kind::string) {
        report(&checked, Diagnostic::Severity::error, "bad-value",
               quoted(member.key) + ": expected a variable's name as text", member.value.span, path);
        continue;
      }
      checked.result_name = std::string(member.value.scalar.as_string());
      check_variable_name(checked.result_name, member.value, checked);
      continue;
    }
    if (is_annotation(folded, member.key)) continue;
    if (kind.accepts_rest || is_direct_call) {
      checked.rest.push_back(&member);
      continue;
    }
    std::vector<std::string_view> candidates;
    for (const Field& field : kind.fields) {
      candidates.emplace_back(field.name);
      candidates.insert(candidates.end(), field.aliases.begin(), field.aliases.end());
    }
    if (kind.has_result) candidates.insert(candidates.end(), std::begin(result_fields), std::end(result_fields));
    std::string message = "unknown field " + quoted(member.key) + did_you_mean(suggest(folded, candidates));
    if (is_result_field(folded)) message = "has no result: " + quoted(member.key) + " can't be filled";
    report(&checked, Diagnostic::Severity::error, "unknown-field", std::move(message), member.key_span, path);
  }
  if (is_direct_call) return;
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    const Field& field = kind.fields[i];
    if (field.required && checked.fields[i] == nullptr && !(field.name == "custom_function" && !checked.callee.empty())) {
      report(&checked, Diagnostic::Severity::error, "missing-field", "missing field " + quoted(field.name),
             Span{checked.step.node->span.begin, checked.step.node->span.begin + 1});
    }
    if (checked.fields[i] == nullptr) continue;
    const Node& node = checked.fields[i]->value;
    const bool wants_text = field.type == FieldType::variable || field.type == FieldType::item;
    if (wants_text && node.kind != Node::Kind::string) {
      report(&checked, Diagnostic::Severity::error, "bad-value",
             quoted(checked.fields[i]->key) + ": expected a variable's name as text", node.span);
    } else if (field.type == FieldType::item) {
      check_variable_name(std::string(node.scalar.as_string()), node, checked);
    } else if (field.type == FieldType::variable) {
      check_variable_name(base_name(node.scalar.as_string()), node, checked);
    } else if (field.type == FieldType::literal && node.kind == Node::Kind::string &&
               expr::may_hold_template(node.scalar.as_string())) {
      report(&checked, Diagnostic::Severity::error, "bad-value",
             quoted(checked.fields[i]->key) + ": a template can't stand here", node.span);
    }
  }
}

CheckedStep FunctionBuilder::check(const Step& step) {
  CheckedStep checked;
  checked.step = step;
  const Node* function = step.node->find("function");
  checked.written_name = std::string(function->scalar.as_string());
  checked.info = static_cast<std::uint32_t>(data_.steps.size());
  data_.steps.push_back(StepInfo{checked.written_name, step.label, step.path, function_, step.node->span});

  const auto share = [&](const StepKind* kind) {
    checked.kind = kind;
    for (const auto& candidate : kinds_.all()) {
      if (candidate.get() == kind) checked.shared_kind = candidate;
    }
  };
  static constexpr std::string_view call_prefixes[] = {"Custom Function:", "custom_function:", "Run Custom Function:"};
  for (std::string_view prefix : call_prefixes) {
    if (checked.written_name.starts_with(prefix)) {
      std::string_view name = std::string_view(checked.written_name).substr(prefix.size());
      name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
      checked.callee = std::string(name);
    }
  }
  if (const StepKind* kind = kinds_.find(checked.written_name)) {
    share(kind);
  } else if (!checked.callee.empty()) {
    if (const StepKind* call = kinds_.find("custom_function")) share(call);
  } else if (data_.find_function(checked.written_name) != none || data_.is_host_function(checked.written_name)) {
    checked.callee = checked.written_name;
    if (const StepKind* call = kinds_.find("custom_function")) share(call);
  }
  if (checked.kind == nullptr) {
    std::vector<std::string_view> candidates = kinds_.names();
    for (const FunctionInfo& known : data_.functions) {
      if (known.callable) candidates.insert(candidates.end(), known.names.begin(), known.names.end());
    }
    candidates.insert(candidates.end(), data_.host_functions.begin(), data_.host_functions.end());
    Diagnostic diagnostic;
    diagnostic.code = "unknown-step";
    diagnostic.message = "unknown step " + quoted(checked.written_name) + did_you_mean(suggest(checked.written_name, candidates));
    diagnostic.hint = "a host may register a function of this name";
    diagnostic.span = function->span;
    report(nullptr, std::move(diagnostic), step.path);
    return checked;
  }
  match_fields(checked);
  if (checked.result_name.empty() && checked.kind->has_result) {
    const std::string& implicit = checked.kind->implicit_result;
    if (!checked.callee.empty()) {
      if (is_name(checked.callee)) checked.implicit_name = checked.callee;
    } else if (implicit == "$table") {
      for (std::size_t i = 0; i < checked.kind->fields.size(); ++i) {
        if (checked.kind->fields[i].name != "table" || checked.fields[i] == nullptr) continue;
        const std::string table(checked.fields[i]->value.scalar.as_string());
        if (is_name(table)) checked.implicit_name = table;
      }
    } else {
      checked.implicit_name = implicit.empty() ? fold_name(checked.kind->name) : implicit;
    }
  }
  return checked;
}

void FunctionBuilder::collect_block(const Node& node, const std::string& path) {
  collect_names(definition::read_steps(node, path, definition_.source, diagnostics_));
}

// One walk over all steps before anything is lowered: a name that any step sets is a variable everywhere.
void FunctionBuilder::collect_names(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    auto [entry, is_new] = checked_.try_emplace(step.node, check(step));
    const CheckedStep& checked = entry->second;
    if (checked.kind == nullptr) continue;
    const auto set_name = [&](const std::string& name) -> Variable& {
      auto [found, added] = variable_index_.try_emplace(name, variables_.size());
      if (added) variables_.emplace_back(name, Variable{new_slot(), false, none});
      return variables_[found->second].second;
    };
    if (!checked.result_name.empty() && is_name(checked.result_name)) {
      Variable& variable = set_name(checked.result_name);
      bool is_get = checked.kind->has_age;
      for (std::size_t i = 0; i < checked.kind->fields.size(); ++i) {
        if (checked.kind->fields[i].name == "operation" && checked.fields[i] != nullptr) {
          is_get = is_get && fold_name(checked.fields[i]->value.scalar.as_string()) == "get";
        }
      }
      if (is_get && !variable.from_cache) {
        variable.from_cache = true;
        variable.age_slot = new_slot();
      }
    } else if (!checked.implicit_name.empty()) {
      implicit_candidates_.try_emplace(checked.implicit_name, none);
    }
    const bool is_direct_call = !checked.callee.empty() && checked.callee == checked.written_name;
    for (std::size_t i = 0; !is_direct_call && i < checked.kind->fields.size(); ++i) {
      if (checked.fields[i] == nullptr) continue;
      const Node& node = checked.fields[i]->value;
      const std::string path = checked.step.path + "/" + checked.fields[i]->key;
      switch (checked.kind->fields[i].type) {
        case FieldType::variable: {
          const std::string name = base_name(node.scalar.as_string());
          if (is_name(name)) set_name(name);
          break;
        }
        case FieldType::steps:
          collect_block(node, path);
          break;
        case FieldType::cases:
          for (const Member& member : node.members) collect_block(member.value, path + "/" + member.key);
          for (std::size_t k = 0; k < node.items.size(); ++k) {
            const Node& item = node.items[k];
            for (const Member& member : item.members) {
              if (member.value.kind == Node::Kind::array || member.value.find("function") != nullptr) {
                collect_block(member.value, path + "/" + std::to_string(k) + "/" + member.key);
              }
            }
          }
          break;
        default:
          break;
      }
    }
  }
}

const CheckedStep& FunctionBuilder::checked(const Step& step) {
  auto found = checked_.find(step.node);
  if (found == checked_.end()) found = checked_.try_emplace(step.node, check(step)).first;
  return found->second;
}

void FunctionBuilder::warn_unset() {
  for (const auto& [name, span] : unset_) {
    const bool declared = std::any_of(definition_.parameters.begin(), definition_.parameters.end(),
                                      [&, &wanted = name](const Parameter& parameter) { return parameter.name == wanted; });
    if (declared) continue;
    std::vector<std::string_view> candidates;
    for (const auto& [known, variable] : variables_) candidates.emplace_back(known);
    for (const Parameter& parameter : definition_.parameters) candidates.emplace_back(parameter.name);
    for (std::string_view root : {"inputs", "env", "error", "timestamp", "now", "uuid", "item"}) candidates.push_back(root);
    report(nullptr, Diagnostic::Severity::warning, "unset-variable",
           "no step sets " + quoted(name) + " and no input declares it" + did_you_mean(suggest(name, candidates)), span);
  }
}

}  // namespace fnstack::program
