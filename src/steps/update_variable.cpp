// "Update Variable": assigns a variable or a part of it, or merges into it, or appends to it.
#include <charconv>

#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using Operation = program::UpdateSite::Operation;

// "a.b[2]['k']" below the variable's own name. False: not a path.
bool parse_path(std::string_view rest, std::vector<Value>& path) {
  while (!rest.empty()) {
    if (rest[0] == '.') {
      rest.remove_prefix(1);
      const std::size_t end = std::min(rest.find_first_of(".["), rest.size());
      if (end == 0) return false;
      path.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
      continue;
    }
    if (rest[0] != '[') return false;
    rest.remove_prefix(1);
    if (!rest.empty() && (rest[0] == '\'' || rest[0] == '"')) {
      const std::size_t end = rest.find(rest[0], 1);
      if (end == std::string_view::npos || end + 1 >= rest.size() || rest[end + 1] != ']') return false;
      path.emplace_back(rest.substr(1, end - 1));
      rest.remove_prefix(end + 2);
      continue;
    }
    std::int64_t index = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (problem != std::errc() || index < 0 || end == rest.data() + rest.size() || *end != ']') return false;
    path.emplace_back(index);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  }
  return true;
}

void lower(program::Lowering& step) {
  const std::string target = step.literal("variable_name");
  const std::size_t end = std::min(target.find_first_of(".["), target.size());
  const program::Slot slot = step.variable(target.substr(0, end));
  program::UpdateSite site;
  site.slot = slot;
  if (!parse_path(std::string_view(target).substr(end), site.path)) {
    step.error("bad-name", "expected a path such as \"a.b[0]\", got \"" + target + "\"", step.node("variable_name"));
  }
  const std::string operation = fold_name(step.literal("operation", "set"));
  if (operation == "merge") {
    site.operation = Operation::merge;
  } else if (operation == "append" || operation == "push") {
    site.operation = Operation::append;
  } else if (operation == "set_key") {
    site.operation = Operation::set_key;
    if (!step.given("key")) step.error("missing-field", "operation set_key: missing field \"key\"");
  } else if (operation == "lowercase") {
    site.operation = Operation::lowercase;
  } else if (operation == "remove" || operation == "unset") {
    site.operation = Operation::remove;
    if (!step.given("key")) step.error("missing-field", "operation remove: missing field \"key\"");
  } else if (operation != "set" && operation != "replace") {
    step.error("bad-value",
               "unknown operation \"" + operation + "\"; expected set, merge, append, set_key, remove or lowercase",
               step.node("operation"));
  }
  const program::OperandIndex value = step.given("value") ? step.operand("value") : step.constant(Value());
  if (site.operation == Operation::set && site.path.empty()) {
    step.emit(program::Op::assign, slot, value, step.age_slot(slot));
    return;
  }
  site.value = value;
  site.key = step.operand("key");
  step.data().update_sites.push_back(std::move(site));
  step.emit(program::Op::update, static_cast<std::uint32_t>(step.data().update_sites.size() - 1));
  if (const program::Slot age = step.age_slot(slot); age != program::none)
    step.emit(program::Op::assign, age, step.constant(Value()));
}

}  // namespace

StepKind update_variable() {
  return {.name = "Update Variable",
          .doc =
              "Assigns a variable, or a part of it named by a path; merges an object into it, appends to it, or sets a "
              "key.",
          .group = "Variables",
          .fields = {{.name = "variable_name",
                      .aliases = {"name", "variable"},
                      .type = FieldType::variable,
                      .required = true,
                      .doc = "the variable, or a path into it: `order.items[0].price`"},
                     {.name = "value", .doc = "the new value, the object to merge, the element to append"},
                     {.name = "operation",
                      .type = FieldType::literal,
                      .default_value = "set",
                      .doc = "set, merge, append, set_key, remove or lowercase"},
                     {.name = "key", .type = FieldType::text, .doc = "set_key, remove: the key"}},
          .has_result = false,
          .lower = lower};
}

}  // namespace fnstack::steps
