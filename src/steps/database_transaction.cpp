// "Database Transaction": its database steps take effect together or not at all. A serialisation failure or deadlock
// runs the steps again from the beginning; an error rolls back and goes on outwards.
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::Op;

void lower(program::Lowering& step) {
  if (step.transaction() != program::none) {
    step.error("not-in-transaction", "a transaction can't stand in another one");
    return;
  }
  const program::Slot transaction = step.hidden(3);  // name, variables at the beginning, attempts
  const program::Slot completion = step.hidden(2);
  const program::Label begin = step.new_label();
  const program::Label finish = step.new_label();
  step.emit(Op::assign, transaction + 2, step.constant(0));
  step.place(begin);
  step.emit(Op::begin_transaction, transaction, step.operand("isolation"));
  step.push_transaction(transaction);
  step.push_finally(completion, finish);
  const auto guard = step.begin_guard();
  step.block("steps");
  const bool leaves = step.terminated();
  step.emit(Op::assign, completion, step.constant(program::completion::normal));
  step.end_guard(guard, program::Region::Kind::transaction, finish, completion, transaction);
  const auto leaving = step.pop_finally();
  step.pop_transaction();
  step.place(finish);
  step.patch_c(step.emit(Op::finish_transaction, transaction, completion), begin);
  step.finish_finally(completion, leaving);
  step.note_terminated(leaves);
}

}  // namespace

StepKind database_transaction() {
  return {.name = "Database Transaction",
          .aliases = {"transaction"},
          .doc = "Its database steps take effect together or not at all; only database and pure steps can stand in it.",
          .group = "Records",
          .fields = {{.name = "steps",
                      .aliases = {"transaction_steps", "operations", "function_stack"},
                      .type = FieldType::steps,
                      .required = true,
                      .doc = "what belongs together"},
                     {.name = "isolation",
                      .aliases = {"isolation_level"},
                      .type = FieldType::literal,
                      .default_value = "",
                      .doc = "read_committed, repeatable_read or serializable, where the database knows them"}},
          .has_result = false,
          .is_database = true,
          .lower = lower};
}

}  // namespace fnstack::steps
