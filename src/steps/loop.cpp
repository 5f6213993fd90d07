// "Loop": runs its steps for each element of a list, while a condition holds, or a number of times; one after another,
// or side by side as branches. "For Each" and "While Loop" are other spellings with other item names.
#include <fnstack/json.hpp>

#include "expr/template.hpp"
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::Label;
using program::Op;
using program::Slot;

// The innermost loop's item goes by this name too, which no author can write: for item_parent.
constexpr const char* any_item = "\x01item";

// Passes at a time of a parallel loop that says nothing else: as many as a service usually bears from one client.
constexpr std::uint64_t usual_concurrency = 16;

// The names that the loop's body knows. How many; they are popped after it.
std::size_t push_names(program::Lowering& step, Slot item, Slot index) {
  const Slot outer = step.find_name(any_item);
  std::vector<std::string> names;
  if (item != program::none) {
    names.push_back(step.literal("loop_item_variable", "item"));
    if (!step.given("loop_item_variable")) names.emplace_back("loop_item");
  }
  std::size_t pushed = 0;
  if (outer != program::none) {
    for (const char* name : {"item_parent", "parent_item"}) {
      step.push_name(name, outer);
      ++pushed;
    }
  }
  for (const std::string& name : names) {
    step.push_name(name, item);
    ++pushed;
  }
  step.push_name(any_item, item);
  step.push_name("loop", index, "index");
  step.push_name("loop_index", index);
  pushed += 3;
  if (step.given("index_variable")) {
    step.push_name(step.literal("index_variable"), index);
    ++pushed;
  }
  return pushed;
}

// Lowers the body between the loop's head (already emitted, at `again`) and its end.
void lower_body(program::Lowering& step, Slot item, Slot index, Label again, Label end) {
  const std::size_t pushed = push_names(step, item, index);
  // A loop with items may have a condition too, over the item as well. (One without has tested it in its head.)
  if (item != program::none && step.given("condition")) step.emit_jump_unless(step.expression("condition"), end);
  step.push_loop(end, again);
  step.block("steps");
  step.pop_loop();
  step.pop_names(pushed);
  step.note_terminated(false);
  step.emit_jump(again);
}

void lower_list(program::Lowering& step) {
  const Slot list = step.hidden(2);
  const Slot item = step.hidden();
  const Label again = step.new_label();
  const Label end = step.new_label();
  step.emit(Op::each_begin, step.operand("input_array"), list);
  step.place(again);
  step.patch_c(step.emit(Op::each_next, list, item), end);
  lower_body(step, item, list + 1, again, end);
  step.place(end);
  step.emit(Op::assign, list, step.constant(Value()));
}

void lower_condition(program::Lowering& step) {
  const Slot passes = step.hidden();
  const Label again = step.new_label();
  const Label end = step.new_label();
  step.emit(Op::assign, passes, step.constant(-1));
  const program::OperandIndex most = step.operand("max_iterations");
  step.place(again);
  // loop.index counts passes from 0, in the condition too it is the last pass's.
  step.push_name("loop", passes, "index");
  step.push_name("loop_index", passes);
  step.emit_jump_unless(step.expression("condition"), end);
  step.pop_names(2);
  step.emit(Op::count_pass, passes, most);
  lower_body(step, program::none, passes, again, end);
  step.place(end);
}

void lower_count(program::Lowering& step) {
  const Slot counter = step.hidden(2);
  const Slot item = step.hidden();
  const Label again = step.new_label();
  const Label end = step.new_label();
  const program::OperandIndex from = step.given("from") ? step.operand("from") : step.constant(0);
  step.emit(Op::count_from, counter, from, step.operand("times"));
  step.place(again);
  step.patch_c(step.emit(Op::count_next, counter, item), end);
  lower_body(step, item, counter, again, end);
  step.place(end);
}

// Passes as branches. The list, or the bounds of the count, is evaluated as for passes in turn.
void lower_parallel(program::Lowering& step) {
  if (step.given("condition")) {
    step.error("bad-value",
               "\"condition\" and \"parallel\" exclude each other: a condition is tested after the pass before",
               step.node("condition"), "filter the list before the loop, or let a pass end early with Continue Loop");
    return;
  }
  program::ForkSite site;
  const bool is_list = step.given("input_array");
  site.source = is_list ? program::ForkSite::Source::list : program::ForkSite::Source::count;
  site.from = step.hidden(2);
  site.item = step.hidden();
  site.index = is_list ? site.from + 1 : site.from;
  site.usual_concurrency = usual_concurrency;
  if (is_list) {
    step.emit(Op::each_begin, step.operand("input_array"), site.from);
  } else {
    const program::OperandIndex from = step.given("from") ? step.operand("from") : step.constant(0);
    step.emit(Op::count_from, site.from, from, step.operand("times"));
  }
  site.max_concurrency = step.operand("max_concurrency");
  const Slot list = site.from;
  const Slot item = site.item;
  const Slot index = site.index;
  program::Lowering::Fork fork = step.begin_fork(std::move(site));
  step.begin_branch(fork);
  const std::size_t pushed = push_names(step, item, index);
  step.block("steps");
  step.pop_names(pushed);
  step.end_branch(fork);
  step.end_fork(fork);
  step.emit(Op::assign, list, step.constant(Value()));
}

bool is_parallel(program::Lowering& step) {
  const Node* given = step.node("parallel");
  if (given == nullptr) return false;
  const std::string text = given->kind == Node::Kind::string ? std::string(given->scalar.as_string()) : std::string();
  // A template is refused already.
  if (given->kind != Node::Kind::boolean && text != "true" && text != "false" && !expr::may_hold_template(text)) {
    step.error("bad-value", "parallel: expected true or false", given);
  }
  return text == "true" || given->scalar.as_boolean();
}

void lower(program::Lowering& step) {
  if (step.given("input_array") && step.given("times")) {
    step.error("bad-value", "\"times\" and \"input_array\" exclude each other", step.node("times"));
  }
  const bool parallel = is_parallel(step);
  if (!parallel && step.result() != program::none) {
    step.error("bad-value", "only a parallel loop has a result", nullptr,
               "append to a variable in each pass, or set \"parallel\": true");
  }
  if (parallel && (step.given("input_array") || step.given("times"))) {
    lower_parallel(step);
  } else if (step.given("input_array")) {
    lower_list(step);
  } else if (step.given("times")) {
    lower_count(step);
  } else if (parallel && step.given("condition")) {
    lower_parallel(step);  // says why not
  } else if (step.given("condition")) {
    lower_condition(step);
  } else {
    step.error("missing-field", "missing field \"input_array\", \"condition\" or \"times\"", nullptr,
               "say what to loop over");
  }
}

std::vector<Field> fields() {
  return {
      {.name = "input_array",
       .aliases = {"array", "input", "list", "items"},
       .doc = "a list, gone through as it is at the start; null is no pass; an object gives `{key, value}` pairs"},
      {.name = "condition",
       .type = FieldType::expression,
       .doc = "tested before each pass; with a list or `times` it ends the loop early"},
      {.name = "times",
       .aliases = {"count", "repeat"},
       .type = FieldType::integer,
       .doc = "how many passes; the item is their number from `from`"},
      {.name = "from",
       .aliases = {"start"},
       .type = FieldType::integer,
       .default_value = 0,
       .doc = "times: the first number"},
      {.name = "loop_item_variable",
       .aliases = {"item_variable", "item_name"},
       .type = FieldType::item,
       .default_value = "item",
       .doc = "the element's name inside the loop"},
      {.name = "index_variable", .type = FieldType::item, .doc = "another name for loop.index, which counts from 0"},
      {.name = "steps",
       .aliases = {"operations", "iterations", "inner_functions", "function_stack", "processing", "inner_logic",
                   "loop_steps", "body"},
       .type = FieldType::steps,
       .required = true,
       .doc = "run in each pass"},
      {.name = "max_iterations",
       .type = FieldType::integer,
       .doc = "condition: passes at most, then an error `limit`; the run's limit `passes` unless given"},
      {.name = "parallel",
       .type = FieldType::literal,
       .default_value = false,
       .doc = "true: passes run side by side, each with variables of its own, and end in any order; an error in one "
              "cancels the others (their finally steps don't run) and is the loop's"},
      {.name = "max_concurrency",
       .aliases = {"concurrency"},
       .type = FieldType::integer,
       .doc = "parallel: how many passes at a time; 16 unless given"}};
}

void leave(program::Lowering& step, bool to_continue) {
  using LeaveLoop = program::Lowering::LeaveLoop;
  switch (step.leave_loop(to_continue)) {
    case LeaveLoop::done:
      step.note_terminated();
      return;
    case LeaveLoop::no_loop:
      step.error("not-in-loop", "stands in no loop");
      return;
    case LeaveLoop::branch:
      step.error("leaves-branch", "the loop is around the branch that this step stands in", nullptr,
                 "let the branch give a value, and leave the loop after the branches");
      return;
    case LeaveLoop::parallel_loop:
      step.error("leaves-branch", "the passes of a parallel loop run side by side: there is no rest to leave out",
                 nullptr, "end a pass with Continue Loop, or let the passes run in turn");
      return;
  }
}

}  // namespace

StepKind loop() {
  return {
      .name = "Loop",
      .aliases = {"For Each", "for_each_loop", "For Each (AI Response Chunks)", "While Loop", "while", "For Loop",
                  "repeat", "for"},
      .doc =
          "Runs `steps` for each element of a list, while a condition holds, or a number of times. With `parallel` "
          "the result is a list of what each pass gave, in order: the value of a Return Value in it, else the result "
          "of its last step (or the variable which that sets), else null. What a pass assigns is its own.",
      .group = "Flow",
      .fields = fields(),
      .implicit_result = "loop_results",
      .lower = lower};
}

StepKind break_loop() {
  return {.name = "Break Loop",
          .aliases = {"break"},
          .doc = "Leaves the innermost loop.",
          .group = "Flow",
          .has_result = false,
          .lower = [](program::Lowering& step) { leave(step, false); }};
}

StepKind continue_loop() {
  return {
      .name = "Continue Loop",
      .aliases = {"continue"},
      .doc = "Goes on with the innermost loop's next pass; ends a pass of a parallel loop, whose result is null then.",
      .group = "Flow",
      .has_result = false,
      .lower = [](program::Lowering& step) { leave(step, true); }};
}

}  // namespace fnstack::steps
