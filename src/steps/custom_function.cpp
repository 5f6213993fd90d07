// "Custom Function": calls another definition, or a function of the host, in a frame of its own. "Background Task"
// starts one that goes its own way; "Async Function Await" collects the results of asynchronous calls.
#include "expr/template.hpp"
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::Op;

// Where the call goes: a definition, the host, or a name that is known when the step runs.
void set_callee(program::Lowering& step, program::CallSite& site, std::string_view field) {
  const Node* name = step.node(field);
  if (!step.callee().empty()) {
    site.name = std::string(step.callee());
  } else if (name != nullptr && name->kind == Node::Kind::string &&
             !expr::may_hold_template(name->scalar.as_string())) {
    site.name = std::string(name->scalar.as_string());
  } else {
    site.callee = step.operand(field);
    return;
  }
  site.function = step.find_function(site.name);
  site.host = site.function == program::none && step.is_host_function(site.name);
  if (site.function == program::none && !site.host) step.check_callee(site.name, name);
}

std::uint32_t add(program::Lowering& step, program::CallSite site) {
  step.data().call_sites.push_back(std::move(site));
  return static_cast<std::uint32_t>(step.data().call_sites.size() - 1);
}

void lower_call(program::Lowering& step) {
  program::CallSite site;
  set_callee(step, site, "custom_function");
  const bool is_direct = !step.callee().empty() && step.callee() == step.written_name();
  // "Custom Function: name" has its arguments in `parameters`, or beside it.
  const bool are_beside = is_direct || (!step.callee().empty() && !step.given("parameters"));
  site.arguments = are_beside ? step.rest() : step.operand("parameters");
  if (!is_direct) {
    const std::string mode = fold_name(step.literal("execution_mode", "sync"));
    site.async = mode == "async" || mode == "asynchronous";
    if (!site.async && mode != "sync" && mode != "synchronous") {
      step.error("bad-value", "unknown execution_mode \"" + mode + "\"; expected sync or async",
                 step.node("execution_mode"));
    }
    if (site.async && step.result() == program::none) {
      step.warning("not-awaited", "nobody can await this call, and what still runs when the run ends is cancelled",
                   step.node("execution_mode"),
                   "give it an output_variable for Async Function Await, or use Background Task");
    }
    const std::string output = step.literal("output", "body");
    site.full = output == "full";
    if (!site.full && output != "body")
      step.error("bad-value", "output: expected \"body\" or \"full\"", step.node("output"));
  }
  site.result = step.result();
  if (step.transaction() != program::none) {
    step.error("not-in-transaction", "only database and pure steps can stand in a Database Transaction", nullptr,
               "move the step before or after the transaction");
  }
  step.emit(Op::call, add(step, std::move(site)), step.result());
  step.result_goes_to_b();
}

void lower_background(program::Lowering& step) {
  program::CallSite site;
  set_callee(step, site, "task");
  site.background = true;
  site.arguments = step.operand("data");
  site.delay_s = step.operand("delay");
  site.result = step.result();
  step.emit(Op::call, add(step, std::move(site)), step.result());
  step.result_goes_to_b();
}

void lower_await(program::Lowering& step) {
  const program::OperandIndex ids = step.operand("execution_ids");
  step.emit(Op::await, ids, step.result(), step.operand("timeout"));
  step.result_goes_to_b();
}

}  // namespace

StepKind custom_function() {
  return {
      .name = "Custom Function",
      .aliases = {"Run Custom Function", "Run Function", "call_function", "action"},
      .doc =
          "Calls another definition or a function of the host with `parameters` as its inputs; the result is its "
          "Response's body.",
      .group = "Functions",
      .fields = {{.name = "custom_function",
                  .aliases = {"name", "custom_function_name", "function_name", "action_name"},
                  .type = FieldType::text,
                  .required = true,
                  .doc = "which one"},
                 {.name = "parameters",
                  .aliases = {"inputs", "arguments", "args"},
                  .doc = "an object: the callee's inputs"},
                 {.name = "execution_mode",
                  .type = FieldType::literal,
                  .default_value = "sync",
                  .doc = "sync, or async: the call goes on beside the steps that follow, and the result is an id for "
                         "Async Function Await; what still runs when the run ends is cancelled"},
                 {.name = "output",
                  .type = FieldType::literal,
                  .default_value = "body",
                  .doc = "body, or full: {status, headers, body}"}},
      .lower = lower_call};
}

StepKind background_task() {
  return {.name = "Background Task",
          .aliases = {"start_background_task", "run_task"},
          .doc = "Starts a definition as a run of its own; the result is that run's id.",
          .group = "Functions",
          .fields = {{.name = "task",
                      .aliases = {"custom_function", "name", "function_name", "task_name"},
                      .type = FieldType::text,
                      .required = true,
                      .doc = "which definition"},
                     {.name = "data", .aliases = {"parameters", "inputs", "context"}, .doc = "an object: its inputs"},
                     {.name = "delay",
                      .aliases = {"delay_seconds"},
                      .type = FieldType::number,
                      .doc = "seconds to wait before it begins"}},
          .lower = lower_background};
}

StepKind async_function_await() {
  return {
      .name = "Async Function Await",
      .aliases = {"await", "await_async_functions"},
      .doc =
          "Waits for asynchronous calls: a list of {execution_id, status, output}, in the order of the ids. `status` "
          "is completed (`output` is the call's result), error (`output` is the error) or, after the timeout, "
          "running (`output` is null). A call can be awaited again, with the same answer.",
      .group = "Functions",
      .fields = {{.name = "execution_ids",
                  .aliases = {"execution_id", "ids"},
                  .required = true,
                  .doc = "one id or a list of them"},
                 {.name = "timeout",
                  .type = FieldType::number,
                  .doc = "seconds to wait at most, 0 to only look; without it as long as the calls take"}},
      .lower = lower_await};
}

}  // namespace fnstack::steps
