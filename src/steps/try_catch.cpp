// "Try-Catch": runs steps; if one raises, `error` is bound and the catch steps run; the finally steps run in any case.
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::Op;
using program::Region;

void lower(program::Lowering& step) {
  const bool has_catch = step.given("catch_steps");
  const bool has_finally = step.given("finally_steps");
  if (!has_catch && !has_finally) {
    step.error("missing-field", "missing field \"catch_steps\" or \"finally_steps\"");
    return;
  }
  const program::Slot completion = has_finally ? step.hidden(2) : program::none;
  const program::Label finally = step.new_label();
  if (has_finally) step.push_finally(completion, finally);
  const auto whole = step.begin_guard();

  bool try_leaves = false;
  bool catch_leaves = false;
  if (has_catch) {
    const program::Slot error = step.hidden();
    const program::Label handler = step.new_label();
    const program::Label after = step.new_label();
    const auto guard = step.begin_guard();
    step.emit(Op::assign, error, step.constant(Value()));  // counts the step; an empty try block needs a place too
    step.block("try_steps");
    try_leaves = step.terminated();
    step.end_guard(guard, Region::Kind::catch_, handler, error);
    step.emit_jump(after);
    step.place(handler);
    step.push_name("error", error);
    step.block("catch_steps");
    catch_leaves = step.terminated();
    step.pop_names(1);
    step.place(after);
  } else {
    step.emit(Op::assign, completion, step.constant(program::completion::normal));
    step.block("try_steps");
    try_leaves = step.terminated();
    catch_leaves = true;
  }

  step.note_terminated(try_leaves && catch_leaves);
  if (!has_finally) return;
  step.emit(Op::assign, completion, step.constant(program::completion::normal));
  step.end_guard(whole, Region::Kind::finally, finally, completion);
  const auto leaving = step.pop_finally();
  step.place(finally);
  step.block("finally_steps");
  const bool finally_leaves = step.terminated();
  step.finish_finally(completion, leaving);
  step.note_terminated(finally_leaves || (try_leaves && catch_leaves));
}

}  // namespace

StepKind try_catch() {
  return {
      .name = "Try-Catch",
      .aliases = {"try"},
      .doc = "Runs `try_steps`; if one raises, binds `error` and runs `catch_steps`; `finally_steps` run in any case.",
      .group = "Flow",
      .fields = {{.name = "try_steps",
                  .aliases = {"try_block", "try_stack", "try_functions", "steps"},
                  .type = FieldType::steps,
                  .required = true,
                  .doc = "what may fail"},
                 {.name = "catch_steps",
                  .aliases = {"catch_block", "catch_stack", "catch_functions"},
                  .type = FieldType::steps,
                  .doc = "run with `error` = {type, message, status_code, headers, response, step}"},
                 {.name = "finally_steps",
                  .aliases = {"finally_block", "finally_stack", "finally_functions", "finally"},
                  .type = FieldType::steps,
                  .doc = "run after success, error, Response, break"}},
      .has_result = false,
      .lower = lower};
}

}  // namespace fnstack::steps
