// Names: what each name in a definition means. One walk over all steps finds what they set, before anything is lowered;
// each use is then resolved to a slot, a root or an input; at the end a use that nobody sets anywhere is told. The part
// of FunctionBuilder that does so.
//
// Item names, `error` and `loop` get slots of their own, seen only by what stands inside their block: so nothing has to
// be restored when a block is left.
#include <algorithm>
#include <set>
#include <string_view>

#include "base/first_problems.hpp"
#include "base/suggest.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"
#include "expr/template.hpp"
#include "program/function_builder.hpp"

namespace fnstack::program {

namespace {

using definition::in_quotes;
using definition::pointer;

// What a host supplies in many definitions: no misspelling of something else.
constexpr std::string_view usual_roots[] = {"request", "response", "auth",  "auth_user", "trigger", "new",     "old",
                                            "vars",    "params",   "query", "session",   "args",    "context", "user"};

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  };
  if (!is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view base_name(std::string_view target) { return target.substr(0, target.find_first_of(".[")); }

void FunctionBuilder::check_variable_name(const std::string& name, const Node& at, const CheckedStep& step) {
  if (expr::may_hold_template(name)) {
    report(&step, Diagnostic::Severity::error, "bad-name", "a variable's name can't hold a template", at.span, "",
           "give the variable a fixed name, or keep a map: Update Variable with operation set_key");
    return;
  }
  if (!is_name(name)) {
    report(&step, Diagnostic::Severity::error, "bad-name",
           "expected a variable's name (letters, digits, _), got " + in_quotes(name), at.span);
    return;
  }
  static constexpr std::string_view reserved[] = {"env",  "inputs", "input", "error",
                                                  "null", "true",   "false", "undefined"};
  if (std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved)) {
    report(&step, Diagnostic::Severity::error, "reserved-name", in_quotes(name) + " can't be assigned", at.span, "",
           "choose another name for the variable");
  }
}

void FunctionBuilder::collect_block(const Node& node, const std::string& path) {
  collect_names(definition::read_steps(node, path, definition_.source, diagnostics_, context_of(nullptr)));
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
        age_slots_.emplace(variable.slot, variable.age_slot);
      }
    } else if (!checked.implicit_name.empty()) {
      implicit_candidates_.try_emplace(checked.implicit_name, none);
    }
    for (std::size_t i = 0; !checked.is_call && i < checked.kind->fields.size(); ++i) {
      if (checked.fields[i] == nullptr) continue;
      const Node& node = checked.fields[i]->value;
      const std::string path = pointer(checked.step.path, checked.fields[i]->key);
      switch (checked.kind->fields[i].type) {
        case FieldType::variable: {
          const std::string name(base_name(node.scalar.as_string()));
          if (is_name(name)) set_name(name);
          break;
        }
        case FieldType::steps:
          collect_block(node, path);
          break;
        case FieldType::cases:
          for (const Member& member : node.members) collect_block(member.value, pointer(path, member.key));
          for (std::size_t k = 0; k < node.items.size(); ++k) {
            const Node& item = node.items[k];
            for (const Member& member : item.members) {
              if (member.value.kind == Node::Kind::array || member.value.find("function") != nullptr) {
                collect_block(member.value, pointer(pointer(path, k), member.key));
              }
            }
          }
          break;
        case FieldType::branches:
          may_fork_ = true;
          for (const Member& member : node.members) collect_block(member.value, pointer(path, member.key));
          for (std::size_t k = 0; k < node.items.size(); ++k) collect_block(node.items[k], pointer(path, k));
          break;
        case FieldType::requests:
          may_fork_ = true;
          collect_names(requests_.try_emplace(&node, request_steps(checked, i)).first->second);
          break;
        default:
          if (checked.kind->fields[i].name == "parallel") may_fork_ = true;
          break;
      }
    }
  }
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

Slot FunctionBuilder::assignable(std::string_view name) {
  for (auto lexical = lexical_.rbegin(); lexical != lexical_.rend(); ++lexical) {
    if (lexical->name == name && lexical->key.empty()) return lexical->slot;
  }
  auto found = variable_index_.find(name);
  return found == variable_index_.end() ? none : variables_[found->second].second.slot;
}

void FunctionBuilder::warn_unset() {
  std::set<std::string_view> declared;
  for (const Parameter& parameter : definition_.parameters) declared.insert(parameter.name);
  for (const Member* member : definition_.default_inputs) declared.insert(member->key);
  // The same for all of them.
  std::vector<std::string_view> candidates;
  for (const auto& [known, variable] : variables_) candidates.emplace_back(known);
  for (const auto& [known, slot] : implicit_candidates_) candidates.emplace_back(known);
  for (const Parameter& parameter : definition_.parameters) candidates.emplace_back(parameter.name);
  for (const Member* member : definition_.default_inputs) candidates.emplace_back(member->key);
  for (std::string_view root : {"inputs", "env", "error", "timestamp", "now", "uuid", "item"})
    candidates.push_back(root);
  for (const auto& [name, use] : unset_) {
    if (declared.count(name) > 0) continue;
    const bool usual = std::find(std::begin(usual_roots), std::end(usual_roots), name) != std::end(usual_roots);
    report(use.step, Diagnostic::Severity::warning, "unset-variable",
           "no step sets " + in_quotes(name) + " and no input declares it" +
               (usual ? std::string() : did_you_mean(near(name, candidates))),
           use.span, use.path, usual ? "the host may supply it; else it is the input of that name, or null" : "");
  }
}

}  // namespace fnstack::program
