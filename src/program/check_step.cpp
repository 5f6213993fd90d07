// Checking: which kind a step is, and which of its fields mean what. The part of FunctionBuilder that does so; it emits
// nothing.
#include <algorithm>
#include <string_view>

#include "base/suggest.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"
#include "expr/template.hpp"
#include "program/foreign_steps.hpp"
#include "program/function_builder.hpp"

namespace fnstack::program {

namespace {

using definition::in_quotes;
using definition::pointer;

// Fields that any step may carry, for readers of the definition. `name` is one where the kind means nothing by it.
constexpr std::string_view annotations[] = {"step",    "description", "purpose", "use_case",
                                            "comment", "note",        "notes",   "name"};
constexpr std::string_view result_fields[] = {"output_variable", "return_as", "return_variable"};

bool is_annotation(std::string_view folded, std::string_view written) {
  return definition::is_annotation(written) ||
         std::find(std::begin(annotations), std::end(annotations), folded) != std::end(annotations);
}

bool is_result_field(std::string_view folded) {
  return std::find(std::begin(result_fields), std::end(result_fields), folded) != std::end(result_fields);
}

bool names_field(const Field& field, std::string_view folded) {
  if (field.name == folded) return true;
  return std::find(field.aliases.begin(), field.aliases.end(), folded) != field.aliases.end();
}

// Is a block given that has a step in it, or none at all? Prose in a block is no step.
bool holds_step(const Node& node) {
  if (node.find("function") != nullptr || node.items.empty()) return node.kind != Node::Kind::string;
  return std::any_of(node.items.begin(), node.items.end(),
                     [](const Node& item) { return item.find("function") != nullptr; });
}

}  // namespace

void FunctionBuilder::take_result_name(CheckedStep& checked, const Member& member, std::string path) {
  checked.gives_something = true;
  if (checked.result_member != nullptr) {
    report(&checked, Diagnostic::Severity::error, "field-twice",
           in_quotes(member.key) + " and " + in_quotes(checked.result_member->key) + " mean the same field",
           member.key_span, std::move(path), "keep one of them");
    return;
  }
  checked.result_member = &member;
  if (member.value.kind != Node::Kind::string) {
    report(&checked, Diagnostic::Severity::error, "bad-value",
           in_quotes(member.key) + ": expected a variable's name as text", member.value.span, std::move(path));
    return;
  }
  checked.result_name = std::string(member.value.scalar.as_string());
  check_variable_name(checked.result_name, member.value, checked);
}

// The members of an options field are matched to the fields "options_name.member_name".
void FunctionBuilder::match_options(CheckedStep& checked, std::size_t options, const std::string& path) {
  const std::vector<Field>& fields = checked.kind->fields;
  const Member& outer = *checked.fields[options];
  const std::string prefix = fields[options].name + ".";
  if (outer.value.kind != Node::Kind::object) {
    report(&checked, Diagnostic::Severity::error, "bad-value",
           in_quotes(outer.key) + ": expected an object written out, got " +
               std::string(definition::kind_words(outer.value)),
           definition::mark(outer.value), path);
    return;
  }
  for (const Member& member : outer.value.members) {
    const std::string folded = fold_name(member.key);
    const std::string member_path = pointer(path, member.key);
    const auto names_member = [&](const Field& field) {
      const auto is_it = [&](std::string_view name) {
        return name.size() == prefix.size() + folded.size() && name.starts_with(prefix) && name.ends_with(folded);
      };
      return is_it(field.name) || std::any_of(field.aliases.begin(), field.aliases.end(), is_it);
    };
    const auto found = std::find_if(fields.begin(), fields.end(), names_member);
    if (found != fields.end()) {
      take_field(checked, static_cast<std::size_t>(found - fields.begin()), member, member_path);
      continue;
    }
    if (definition::is_annotation(member.key)) continue;
    std::vector<std::string_view> candidates;
    for (const Field& field : fields) {
      if (!field.name.starts_with(prefix)) continue;
      const std::string_view rest = std::string_view(field.name).substr(prefix.size());
      if (rest.find('.') == rest.npos) candidates.push_back(rest);
    }
    report(&checked, Diagnostic::Severity::error, "unknown-field",
           in_quotes(outer.key) + ": unknown field " + in_quotes(member.key) + did_you_mean(near(folded, candidates)),
           member.key_span, member_path);
  }
}

void FunctionBuilder::take_field(CheckedStep& checked, std::size_t position, const Member& member,
                                 const std::string& path) {
  if (checked.fields[position] != nullptr) {
    report(&checked, Diagnostic::Severity::error, "field-twice",
           in_quotes(member.key) + " and " + in_quotes(checked.fields[position]->key) + " mean the same field",
           member.key_span, path, "keep one of them");
    return;
  }
  checked.fields[position] = &member;
  checked.paths[position] = path;
  const FieldType type = checked.kind->fields[position].type;
  checked.gives_something = checked.gives_something ||
                            (type != FieldType::annotation && (type != FieldType::steps || holds_step(member.value)));
  if (type == FieldType::options) match_options(checked, position, path);
}

void FunctionBuilder::match_fields(CheckedStep& checked) {
  const StepKind& kind = *checked.kind;
  checked.fields.assign(kind.fields.size(), nullptr);
  checked.paths.assign(kind.fields.size(), std::string());
  // "Custom Function: name" with its arguments beside it, as a call by name alone has them.
  const bool names_callee = !checked.callee.empty() && !checked.is_call;
  const bool free_arguments =
      checked.is_call || kind.accepts_rest ||
      (names_callee &&
       std::none_of(checked.step.node->members.begin(), checked.step.node->members.end(), [&](const Member& member) {
         const std::string folded = fold_name(member.key);
         return std::any_of(kind.fields.begin(), kind.fields.end(), [&](const Field& field) {
           return field.name == "parameters" && names_field(field, folded);
         });
       }));
  for (const Member& member : checked.step.node->members) {
    if (member.key == "function") continue;
    const std::string folded = fold_name(member.key);
    const std::string path = pointer(checked.step.path, member.key);
    std::size_t position = kind.fields.size();
    for (std::size_t i = 0; !checked.is_call && i < kind.fields.size(); ++i) {
      if (names_field(kind.fields[i], folded) && folded.find('.') == std::string::npos) position = i;
    }
    if (position < kind.fields.size()) {
      take_field(checked, position, member, path);
      continue;
    }
    const bool is_result = is_result_field(folded) || (folded == "output" && !free_arguments);
    if (is_result && (kind.has_result || checked.is_call)) {
      take_result_name(checked, member, path);
      continue;
    }
    if (is_annotation(folded, member.key)) continue;
    if (free_arguments) {
      checked.rest.push_back(&member);
      checked.gives_something = true;
      continue;
    }
    std::vector<std::string_view> candidates;
    for (const Field& field : kind.fields) {
      if (field.name.find('.') != std::string::npos) continue;  // of options
      candidates.emplace_back(field.name);
      candidates.insert(candidates.end(), field.aliases.begin(), field.aliases.end());
    }
    if (kind.has_result) candidates.insert(candidates.end(), std::begin(result_fields), std::end(result_fields));
    const auto meant = near(folded, candidates);
    checked.gives_something = checked.gives_something || meant.has_value();
    for (const Field& field : kind.fields) {
      if (meant && names_field(field, *meant)) checked.meant.push_back(field.name);
    }
    std::string message = "unknown field " + in_quotes(member.key) + did_you_mean(meant);
    if (is_result_field(folded)) message = "has no result: " + in_quotes(member.key) + " can't be filled";
    report(&checked, Diagnostic::Severity::error, "unknown-field", std::move(message), member.key_span, path);
  }
  if (!checked.is_call) check_given_fields(checked);
}

void FunctionBuilder::check_given_fields(CheckedStep& checked) {
  const StepKind& kind = *checked.kind;
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    const Field& field = kind.fields[i];
    const Member* const member = checked.fields[i];
    if (member == nullptr) {
      if (!field.required || checked.is_default || (field.name == "custom_function" && !checked.callee.empty()))
        continue;
      // One of options is missing only where these are given.
      const std::size_t dot = field.name.rfind('.');
      const std::size_t outer =
          dot == std::string::npos ? kind.fields.size() : kind.position_of(field.name.substr(0, dot));
      if (dot != std::string::npos && (outer == kind.fields.size() || checked.fields[outer] == nullptr)) continue;
      checked.is_incomplete = true;
      const Node& place = dot == std::string::npos ? *checked.step.node : checked.fields[outer]->value;
      report(&checked, Diagnostic::Severity::error, "missing-field",
             (dot == std::string::npos ? std::string() : in_quotes(checked.fields[outer]->key) + ": ") +
                 "missing field " + in_quotes(field.name.substr(dot == std::string::npos ? 0 : dot + 1)),
             Span{place.span.begin, place.span.begin + 1}, dot == std::string::npos ? "" : checked.paths[outer]);
      continue;
    }
    const Node& node = member->value;
    const std::string& path = checked.paths[i];
    const bool wants_text = field.type == FieldType::variable || field.type == FieldType::item;
    if (wants_text && node.kind != Node::Kind::string) {
      report(&checked, Diagnostic::Severity::error, "bad-value",
             in_quotes(member->key) + ": expected a variable's name as text", definition::mark(node), path);
    } else if (field.type == FieldType::item) {
      check_variable_name(std::string(node.scalar.as_string()), node, checked);
    } else if (field.type == FieldType::variable) {
      check_variable_name(std::string(base_name(node.scalar.as_string())), node, checked);
    } else if (field.type == FieldType::literal && node.kind == Node::Kind::string &&
               expr::may_hold_template(node.scalar.as_string())) {
      report(&checked, Diagnostic::Severity::error, "bad-value",
             in_quotes(member->key) + ": a template can't stand here", node.span, path);
    }
  }
}

void FunctionBuilder::check_unknown(CheckedStep& checked, const Node& name) {
  Diagnostic diagnostic;
  diagnostic.code = "unknown-step";
  diagnostic.message = "unknown step " + in_quotes(checked.written_name);
  diagnostic.hint = "a host may register a function of this name";
  diagnostic.span = name.span;
  checked.is_incomplete = true;
  if (const ForeignStep* const foreign = find_foreign_step(checked.written_name)) {
    checked.gives_something = true;
    diagnostic.message += ": not part of fnstack (" + std::string(foreign->what) + ")";
    if (!foreign->cure.empty()) diagnostic.hint = std::string(foreign->cure) + "; or " + diagnostic.hint;
  } else if (comparisons_ == 0) {
    // No time to find out whether it is a misspelling: then it is no reason to call this documentation.
    checked.gives_something = true;
  } else {
    std::vector<std::string_view> candidates = kinds_.names();
    const std::vector<std::string_view> functions = function_names();
    candidates.insert(candidates.end(), functions.begin(), functions.end());
    if (const auto meant = near(checked.written_name, candidates)) {
      checked.gives_something = true;
      diagnostic.message += did_you_mean(meant);
      diagnostic.hint.clear();
    }
    checked.gives_something = checked.gives_something || comparisons_ == 0;
  }
  diagnostic.context = definition::step_context(definition_, checked.step);
  report(nullptr, std::move(diagnostic), checked.step.path);
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
    checked.is_call = true;
    if (const StepKind* call = kinds_.find("custom_function")) share(call);
  }
  if (checked.kind == nullptr) {
    check_unknown(checked, *function);
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

bool FunctionBuilder::reads_like_documentation() const {
  return !definition_.steps.empty() &&
         std::all_of(definition_.steps.begin(), definition_.steps.end(), [&](const Step& step) {
           const auto found = checked_.find(step.node);
           return found != checked_.end() && found->second.is_incomplete && !found->second.gives_something;
         });
}

// Asked when all steps are known.
const CheckedStep* FunctionBuilder::step_of(std::uint32_t info) {
  if (by_info_.empty()) {
    for (const auto& [node, step] : checked_) by_info_.emplace(step.info, &step);
  }
  const auto found = by_info_.find(info);
  return found == by_info_.end() ? nullptr : found->second;
}

// Each request is an External API Request, as if it were written so. Its node is a copy with the step's name added;
// one that an element of a list is asked by takes all it needs from `item`.
std::vector<Step> FunctionBuilder::request_steps(const CheckedStep& checked, std::size_t field) {
  const Node& given = checked.fields[field]->value;
  const std::string path = pointer(checked.step.path, checked.fields[field]->key);
  const StepKind* const kind = kinds_.find("External API Request");
  std::vector<Step> steps;
  const auto add = [&](Node node, std::string step_path) {
    if (node.find("function") == nullptr) {
      Node name;
      name.kind = Node::Kind::string;
      name.span = Span{node.span.begin, node.span.begin + 1};
      name.scalar = Value("External API Request");
      node.members.insert(node.members.begin(), Member{"function", name.span, std::move(name)});
    }
    request_nodes_.push_back(std::move(node));
    const Node* label = request_nodes_.back().find("step");
    const bool has_label = label != nullptr && label->kind == Node::Kind::string;
    steps.push_back(Step{has_label ? std::string(label->scalar.as_string()) : std::string(), &request_nodes_.back(),
                         std::move(step_path)});
  };
  if (given.kind == Node::Kind::string) {
    Node node;
    node.kind = Node::Kind::object;
    node.span = given.span;
    for (const char* name : {"url", "method", "headers", "query_parameters", "body", "timeout"}) {
      Node value;
      value.kind = Node::Kind::string;
      value.span = given.span;
      value.scalar = Value("{{item." + std::string(name) + "}}");
      node.members.push_back(Member{name, given.span, std::move(value)});
    }
    add(std::move(node), path);
    return steps;
  }
  if (given.kind != Node::Kind::array) {
    report(&checked, Diagnostic::Severity::error, "bad-value",
           in_quotes(checked.fields[field]->key) + ": expected a list of requests, or a template that gives one, got " +
               std::string(definition::kind_words(given)),
           definition::mark(given), path);
    return steps;
  }
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    const Node& item = given.items[i];
    const Node* const name = item.find("function");
    const bool is_request =
        item.kind == Node::Kind::object && (name == nullptr || (name->kind == Node::Kind::string && kind != nullptr &&
                                                                kinds_.find(name->scalar.as_string()) == kind));
    if (!is_request) {
      report(
          &checked, Diagnostic::Severity::error, "bad-value",
          in_quotes(checked.fields[field]->key) + ": expected objects with the fields of External API Request" +
              (item.kind == Node::Kind::object ? std::string() : ", got " + std::string(definition::kind_words(item))),
          definition::mark(item), pointer(path, i), "for other steps there is Parallel");
      continue;
    }
    add(item, pointer(path, i));
  }
  return steps;
}

const CheckedStep& FunctionBuilder::checked(const Step& step) {
  auto found = checked_.find(step.node);
  if (found == checked_.end()) found = checked_.try_emplace(step.node, check(step)).first;
  return found->second;
}

void FunctionBuilder::warn_near_step_name() {
  if (!definition_.headed || definition_.names.empty()) return;
  const auto meant = near(definition_.names[0], kinds_.names());
  const Node* const function = definition_.node->find("function");
  if (!meant || function == nullptr) return;
  report(nullptr, Diagnostic::Severity::warning, "near-step-name",
         in_quotes(definition_.names[0]) +
             " is taken as the name of a function that is defined here; did you mean the step " + in_quotes(*meant) +
             "?",
         function->span, pointer(definition_.path, "function"));
}

}  // namespace fnstack::program
