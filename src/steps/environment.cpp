// "Get Environment Variable": one value of env, by a name that may be computed.
#include <fnstack/json.hpp>

#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

void lower(program::Lowering& step) {
  // env[name]: the expression language does the work.
  const Node* name = step.node("variable");
  if (name == nullptr) return;
  Node lookup;
  lookup.kind = Node::Kind::string;
  lookup.span = name->span;
  const std::string text(name->scalar.as_string());
  std::string inner = text;
  if (text.starts_with("{{") && text.ends_with("}}")) {
    inner = text.substr(2, text.size() - 4);
  } else if (text.find("{{") != std::string::npos) {
    step.error("bad-value", "variable: expected a name or one template", name);
    return;
  } else {
    inner.clear();
    append_json_string(inner, text);
  }
  lookup.scalar = Value("env[" + inner + "]");
  const program::Slot result = step.result();
  const program::OperandIndex value = step.expression_of(lookup, step.path_of("variable"));
  if (result == program::none) {
    step.emit(program::Op::log, step.constant("the value has no output_variable"), program::none);
    return;
  }
  step.emit(program::Op::assign, result, value);
}

}  // namespace

StepKind get_environment_variable() {
  return {.name = "Get Environment Variable",
          .aliases = {"get_env", "environment_variable"},
          .doc = "One value of env; null if it is not set.",
          .group = "Variables",
          .fields =
              {{.name = "variable", .aliases = {"name", "variable_name", "key"}, .required = true, .doc = "its name"}},
          .lower = lower};
}

StepKind get_all_input() {
  return {.name = "Get All Input",
          .aliases = {"get_all_raw_input", "get_raw_input"},
          .doc = "All inputs as one object.",
          .group = "Variables",
          .fields = {{.name = "encoding", .type = FieldType::annotation, .doc = "accepted"}},
          .lower = [](program::Lowering& step) {
            Node all;
            all.kind = Node::Kind::string;
            all.span = step.step_node().span;
            all.scalar = Value("inputs");
            const program::OperandIndex value = step.expression_of(all, step.path());
            const program::Slot result = step.result() == program::none ? step.hidden() : step.result();
            step.emit(program::Op::assign, result, value);
          }};
}

}  // namespace fnstack::steps
