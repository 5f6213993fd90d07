// "Create Variable": evaluates a value now and binds it to a name; an existing variable is overwritten.
#include <string>

#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

void lower(program::Lowering& step) {
  const std::string name = step.literal("variable_name");
  const std::size_t part = name.find_first_of(".[");
  const program::Slot slot = step.variable(name.substr(0, part));
  if (part != std::string::npos && slot != program::none) {  // else its beginning is no name: that is said already
    step.error("bad-name", "expected a variable's name (letters, digits, _), got \"" + name + "\"",
               step.node("variable_name"), "a part of a variable is set by Update Variable");
  }
  const program::OperandIndex value = step.given("value") ? step.operand("value") : step.constant(Value());
  step.emit(program::Op::assign, slot, value, step.age_slot(slot));
}

}  // namespace

StepKind create_variable() {
  return {.name = "Create Variable",
          .aliases = {"set_variable", "Set Variable"},
          .doc = "Evaluates `value` and binds it to a name; an existing variable is overwritten.",
          .group = "Variables",
          .fields = {{.name = "variable_name",
                      .aliases = {"name", "variable"},
                      .type = FieldType::variable,
                      .required = true,
                      .doc = "the variable"},
                     {.name = "value", .doc = "any JSON, with templates at any depth"},
                     {.name = "type", .type = FieldType::annotation, .doc = "for readers"}},
          .has_result = false,
          .lower = lower};
}

}  // namespace fnstack::steps
