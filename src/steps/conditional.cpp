// "Conditional": runs one block or another, as a condition says; else-if chains in between.
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

void lower(program::Lowering& step) {
  const program::Label otherwise = step.new_label();
  const program::Label end = step.new_label();
  step.emit_jump_unless(step.expression("condition"), otherwise);
  step.note_terminated(false);
  step.block("true_steps");
  bool all_leave = step.terminated();
  step.emit_jump(end);
  step.place(otherwise);
  if (const Node* chain = step.node("else_if")) {
    for (std::size_t i = 0; i < chain->items.size(); ++i) {
      const Node& link = chain->items[i];
      const std::string path = step.path_of("else_if") + "/" + std::to_string(i);
      const Node* condition = link.find("condition");
      const Node* steps = nullptr;
      for (const char* name :
           {"steps", "true_steps", "then", "true_functions", "true_branch", "true_stack", "function_stack"}) {
        if (steps == nullptr) steps = link.find(name);
      }
      if (condition == nullptr || steps == nullptr) {
        step.error("missing-field", "else_if: expected objects with \"condition\" and \"steps\"", &link);
        continue;
      }
      const program::Label next = step.new_label();
      step.emit_jump_unless(step.expression_of(*condition, path + "/condition"), next);
      step.block(*steps, path + "/steps");
      all_leave = all_leave && step.terminated();
      step.emit_jump(end);
      step.place(next);
    }
  }
  step.note_terminated(false);
  step.block("false_steps");
  all_leave = all_leave && step.given("false_steps") && step.terminated();
  step.place(end);
  step.note_terminated(all_leave);
}

}  // namespace

StepKind conditional() {
  return {.name = "Conditional",
          .aliases = {"if", "if_else"},
          .doc =
              "Runs `true_steps` if the condition is true, else the first `else_if` whose condition is, else "
              "`false_steps`.",
          .group = "Flow",
          .fields = {{.name = "condition",
                      .aliases = {"if"},
                      .type = FieldType::expression,
                      .required = true,
                      .doc = "true or false, as JavaScript sees it"},
                     {.name = "true_steps",
                      .aliases = {"true_branch", "true_stack", "true_functions", "then"},
                      .type = FieldType::steps,
                      .doc = "run if it is true"},
                     {.name = "else_if",
                      .aliases = {"elseif", "else_ifs"},
                      .type = FieldType::cases,
                      .doc = "list of `{condition, steps}`"},
                     {.name = "false_steps",
                      .aliases = {"false_branch", "false_stack", "false_functions", "else"},
                      .type = FieldType::steps,
                      .doc = "run otherwise"}},
          .has_result = false,
          .lower = lower};
}

}  // namespace fnstack::steps
