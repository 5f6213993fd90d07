// Steps that ask the world: they say what they want, and go on when the answer is there.
#include <utility>

#include <fnstack/json.hpp>

#include "machine/executor.hpp"

namespace fnstack::machine {

using Keep = StepFields::Keep;
using program::Instruction;
using program::KindCall;
using program::none;

Executor::Step Executor::wait_for(Effect&& wanted) {
  strand_.pending.ordinal = strand_.next_ordinal++;
  strand_.status = Strand::Status::waiting;
  ask_for(std::move(wanted));
  return Step::blocked;
}

std::optional<Error> Executor::recall(StepFields& fields, Asked& asked) {
  if (asked.fields.is_array()) {
    fields.restore(asked.fields);
    return std::nullopt;
  }
  expr::Random then = random_;
  then.position = asked.random_position;
  const std::uint64_t steps = scope_.steps;
  scope_.random = &then;
  scope_.now_ms = asked.evaluated_ms;
  auto error = fields.evaluate_all();
  scope_.random = &random_;
  scope_.now_ms = state_.now_ms;
  scope_.steps = steps;
  asked.fields = fields.keep(Keep::everything);
  return error;
}

// An instruction that asks for an effect is executed twice: first it asks, then, with the result there, it goes on.
std::optional<EffectResult> Executor::take_result() {
  if (!strand_.pending || !strand_.pending.result) return std::nullopt;
  return strand_.pending.result.take();
}

Executor::Step Executor::perform(const Instruction& instruction) {
  const KindCall& site = data_.kind_calls[instruction.a];
  if (site.kind->converse) return converse(instruction);
  StepFields fields = fields_of(site);
  if (auto result = take_result()) {
    base::Box<Asked> asked = std::move(strand_.pending.asked);
    strand_.pending.reset();
    if (!result->ok()) return fail(std::move(*result).error());
    Value value;
    if (site.kind->reply) {
      if (auto error = recall(fields, asked.get_or_make())) return fail(std::move(*error));
      auto replied = site.kind->reply(fields, std::move(**result));
      if (!replied) return fail(std::move(replied).error());
      value = std::move(*replied);
    } else if (Value* plain = std::get_if<Value>(&**result)) {
      value = std::move(*plain);
    }
    return finish_step(instruction, fields, std::move(value));
  }
  const std::uint64_t random_position = random_.position;
  if (auto error = fields.evaluate_all()) return fail(std::move(*error));
  auto requested = site.kind->request(fields);
  if (!requested) return fail(std::move(requested).error());
  if (auto* command = std::get_if<DatabaseCommand>(&*requested)) {
    if (instruction.c != none) command->transaction = std::string(frame_->slots[instruction.c].as_string());
    command->want_rows = instruction.b != none;
  }
  const Step step = wait_for(std::move(*requested));
  if (site.kind->reply) {
    Asked& asked = strand_.pending.asked.emplace();
    asked.fields = fields.keep(Keep::settings);
    asked.evaluated_ms = state_.now_ms;
    asked.random_position = random_position;
  }
  return step;
}

// One effect after another, each asked for with the last one's answer in hand.
Executor::Step Executor::converse(const Instruction& instruction) {
  const KindCall& site = data_.kind_calls[instruction.a];
  StepFields fields = fields_of(site);
  std::optional<EffectResult> answer = take_result();
  base::Box<Asked> last;
  if (answer) {
    last = std::move(strand_.pending.asked);
    strand_.pending.reset();
    if (auto error = recall(fields, last.get_or_make())) return fail(std::move(*error));
  } else {
    last.emplace().evaluated_ms = state_.now_ms;
    last->random_position = random_.position;
    if (auto error = fields.evaluate_all()) return fail(std::move(*error));
    last->fields = fields.keep(Keep::everything);
  }
  auto turn = site.kind->converse(fields, last->conversation, std::move(answer));
  if (!turn) return fail(std::move(turn).error());
  Effect* const wanted = std::get_if<Effect>(&*turn);
  if (wanted == nullptr) return finish_step(instruction, fields, std::move(std::get<Value>(*turn)));
  if (last->conversation.byte_size() > scope_.limits.value_bytes) {
    return fail(limit_error("value_bytes", limits_.value_bytes, "what the step has gathered takes", "bytes", false));
  }
  const Step step = wait_for(std::move(*wanted));
  strand_.pending.asked = std::move(last);
  return step;
}

Executor::Step Executor::begin_transaction(const Instruction& instruction) {
  const std::uint32_t slot = instruction.a;
  if (auto result = take_result()) {
    strand_.pending.reset();
    if (!result->ok()) {
      frame_->slots[slot] = Value();
      return fail(std::move(*result).error());
    }
    return Step::go_on;
  }
  Value isolation;
  if (auto error = evaluate(instruction.b, isolation)) return fail(std::move(*error));
  Value variables = Value::array();
  for (std::size_t i = 0; i < frame_->slots.size(); ++i) {
    variables.push_back(i >= slot && i < slot + 3 ? Value() : frame_->slots[i]);
  }
  frame_->slots[slot + 1] = std::move(variables);
  DatabaseCommand command;
  command.kind = DatabaseCommand::Kind::begin;
  command.isolation = to_text(isolation);
  command.transaction = state_.id_of(strand_, strand_.next_ordinal).to_string();
  frame_->slots[slot] = Value(command.transaction);
  return wait_for(std::move(command));
}

Executor::Step Executor::finish_transaction(const Instruction& instruction) {
  constexpr std::int64_t attempts = 3;
  const std::uint32_t slot = instruction.a;
  const std::int64_t code = frame_->slots[instruction.b].as_integer();
  const bool roll_back = code == program::completion::error || code == program::completion::restart;
  auto result = take_result();
  if (!result) {
    DatabaseCommand command;
    command.kind = roll_back ? DatabaseCommand::Kind::rollback : DatabaseCommand::Kind::commit;
    command.transaction = std::string(frame_->slots[slot].as_string());
    return wait_for(std::move(command));
  }
  strand_.pending.reset();
  const bool again =
      code == program::completion::restart || (!result->ok() && !roll_back && result->error().restart_transaction);
  const std::int64_t attempt = frame_->slots[slot + 2].as_integer() + 1;
  const Value variables = std::move(frame_->slots[slot + 1]);
  frame_->slots[slot] = Value();
  frame_->slots[slot + 1] = Value();
  if (again && attempt < attempts) {
    // The strand as it was at the beginning.
    for (std::size_t i = 0; i < frame_->slots.size(); ++i) {
      if (i < slot || i >= slot + 3) frame_->slots[i] = variables[i];
    }
    frame_->slots[slot + 2] = Value(attempt);
    frame_->pc = instruction.c;
    return Step::go_on;
  }
  if (!result->ok() && !roll_back) return fail(std::move(*result).error());
  return Step::go_on;  // end_finally passes on what there is to pass on, a failed rollback's cause too
}

}  // namespace fnstack::machine
