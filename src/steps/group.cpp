// "Group": steps under a common heading, nothing more. "Debug Log": tells observers something.
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

StepKind group() {
  return {.name = "Group",
          .doc = "Runs its steps; for readers.",
          .group = "Flow",
          .fields = {{.name = "steps",
                      .aliases = {"function_stack", "stack"},
                      .type = FieldType::steps,
                      .required = true,
                      .doc = "the steps"},
                     {.name = "name", .aliases = {"title"}, .type = FieldType::annotation, .doc = "a heading"}},
          .has_result = false,
          .lower = [](program::Lowering& step) {
            const program::Label start = step.new_label();
            step.emit_jump(start);  // counts the step, also where the block is empty
            step.place(start);
            step.block("steps");
          }};
}

StepKind debug_log() {
  return {.name = "Debug Log",
          .aliases = {"log", "debug", "stop_and_debug", "console_log", "log_message"},
          .doc = "Tells observers (the trace, the log) a text and a value; changes nothing.",
          .group = "Flow",
          .fields = {{.name = "message", .aliases = {"text", "label"}, .doc = "the text"},
                     {.name = "value", .aliases = {"data"}, .doc = "given along"},
                     {.name = "level", .type = FieldType::annotation, .doc = "for readers"}},
          .has_result = false,
          .lower = [](program::Lowering& step) {
            step.emit(program::Op::log, step.operand("message"), step.operand("value"));
          }};
}

}  // namespace fnstack::steps
