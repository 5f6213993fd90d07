// The loop that executes instructions, variables and values, and the way through blocks: choices, loops, ends.
#include "machine/executor.hpp"

#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "base/in_quotes.hpp"

namespace fnstack::machine {

using program::Instruction;
using program::KindCall;
using program::none;
using program::Op;

// ---------------------------------------------------------------- variables and values

Executor::Step Executor::assign(const Instruction& instruction) {
  const program::Operand& operand = data_.operands[instruction.b];
  if (operand.kind == program::Operand::Kind::text) {
    // In place: a text put together again and again keeps its storage.
    Value& target = frame_->slots[instruction.a];
    const std::uint64_t before = counted(instruction.a);
    if (auto error = expr::render_into(*operand.text, scope_, target)) return fail(std::move(*error));
    state_.live_bytes += target.byte_size();
    state_.give_back(before);
    if (state_.live_bytes > static_cast<std::uint64_t>(limits_.live_bytes)) return live_bytes_error();
  } else if (operand.grows == instruction.a && operand.kind == program::Operand::Kind::expression) {
    Value& target = frame_->slots[instruction.a];
    const std::uint64_t before = counted(instruction.a);
    expr::Failure error;
    const bool grown = expr::grow(operand.expression, scope_, target, error);
    state_.live_bytes += target.byte_size();
    state_.give_back(before);
    if (!grown) return fail(std::move(*error));
    if (is_over_live_bytes()) return live_bytes_error();
  } else {
    Value value;
    if (const Value* const there = program::at_hand(operand, scope_)) {
      value = *there;
    } else if (auto error = program::evaluate(operand, scope_, surroundings_, value)) {
      return fail(std::move(*error));
    }
    note_work(value.byte_size());
    if (!store(instruction.a, std::move(value))) return live_bytes_error();
  }
  if (instruction.c != none) frame_->slots[instruction.c] = Value();
  return Step::go_on;
}

Executor::Step Executor::update(const Instruction& instruction) {
  const program::UpdateSite& site = data_.update_sites[instruction.a];
  Value value;
  Value key;
  if (auto error = evaluate(site.value, value)) return fail(std::move(*error));
  if (auto error = evaluate(site.key, key)) return fail(std::move(*error));
  const std::uint64_t before = counted(site.slot);
  Value variable = std::exchange(frame_->slots[site.slot], Value());
  auto error = apply_update(site, variable, std::move(value), key);
  const std::uint64_t after = variable.byte_size();
  const bool is_too_deep = variable.is_deeper_than(scope_.limits.value_depth);
  frame_->slots[site.slot] = std::move(variable);
  state_.live_bytes += after;
  state_.give_back(before);
  if (error) return fail(std::move(*error));
  if (after > scope_.limits.value_bytes)
    return fail(limit_error("value_bytes", limits_.value_bytes, "the variable takes", "bytes", false));
  if (is_too_deep)
    return fail(limit_error("value_depth", limits_.value_depth, "the variable is nested", "deep", false));
  return state_.live_bytes <= static_cast<std::uint64_t>(limits_.live_bytes) ? Step::go_on : live_bytes_error();
}

Executor::Step Executor::compute(const Instruction& instruction) {
  const KindCall& site = data_.kind_calls[instruction.a];
  StepFields fields = fields_of(site);
  bool lent = false;  // the result variable's value is with the fields alone
  if (site.in_place != none && instruction.b != none) {
    Value scratch;
    expr::Failure ignored;
    const program::Operand& operand = data_.operands[site.operands[site.in_place]];
    // A variable alone is borrowed from its slot: anything else points elsewhere.
    const std::uint64_t before = scope_.steps;
    lent = program::borrow(operand, scope_, surroundings_, scratch, ignored) == &frame_->slots[instruction.b];
    scope_.steps = before;
  }
  if (auto error = fields.evaluate_all()) return fail(std::move(*error));
  note_work(fields.byte_size() - (lent ? fields.at(site.in_place).byte_size() : 0));
  if (lent) {
    Value& slot = frame_->slots[instruction.b];
    state_.give_back(counted(instruction.b));
    slot = Value();
    state_.live_bytes += slot.byte_size();
  }
  auto value = site.kind->compute(fields);
  std::optional<Error> wrong;
  if (!value) {
    wrong = std::move(value).error();
  } else {
    wrong = value_error(*value);
  }
  if (wrong) {
    // A failed step has changed nothing; a value that was changed already but is too large is lost with it.
    if (lent) static_cast<void>(store(instruction.b, fields.at(site.in_place)));
    return fail(std::move(*wrong));
  }
  return store_or_fail(instruction.b, std::move(*value));
}

Executor::Step Executor::arithmetic(const Instruction& instruction) {
  const KindCall& site = data_.kind_calls[instruction.a];
  Value left_scratch;
  Value right_scratch;
  expr::Failure error;
  const auto operand = [&](std::size_t field, Value& scratch) {
    return program::borrow(data_.operands[site.operands[field]], scope_, surroundings_, scratch, error);
  };
  const Value* const left = operand(site.kind->left, left_scratch);
  if (left == nullptr) return fail(std::move(*error));
  const Value* const right = operand(site.kind->right, right_scratch);
  if (right == nullptr) return fail(std::move(*error));
  if (left->is_integer() && right->is_integer()) {
    const std::int64_t a = left->as_integer();
    const std::int64_t b = right->as_integer();
    std::int64_t out = 0;
    const bool overflows = instruction.c == '+'   ? __builtin_add_overflow(a, b, &out)
                           : instruction.c == '-' ? __builtin_sub_overflow(a, b, &out)
                                                  : __builtin_mul_overflow(a, b, &out);
    if (!overflows) return store(instruction.b, Value(out)) ? Step::go_on : live_bytes_error();
  }
  return compute(instruction);
}

Executor::Step Executor::finish_step(const Instruction& instruction, const StepFields& fields, Value value) {
  const KindCall& site = data_.kind_calls[instruction.a];
  if (auto error = value_error(value)) return fail(std::move(*error));
  if (site.age_slot != none && instruction.b != none) frame_->slots[site.age_slot] = fields.age();
  return store_or_fail(instruction.b, std::move(value));
}

Executor::Step Executor::set_headers(const Instruction& instruction) {
  Value headers;
  if (auto error = evaluate(instruction.a, headers)) return fail(std::move(*error));
  if (headers.is_null()) return Step::go_on;
  auto checked = expr::check_headers(headers, false, static_cast<std::size_t>(limits_.header_bytes));
  if (!checked) return fail(std::move(checked).error());
  Value& all = frame_->slots[instruction.b];
  if (all.is_null()) all = Value::headers();
  for (const auto& [name, text] : *checked) {
    all.erase(name);
    all.set(name, Value(text));
  }
  return Step::go_on;
}

Executor::Step Executor::select(const Instruction& instruction) {
  Value scratch;
  expr::Failure error;
  const Value* subject = program::borrow(data_.operands[instruction.a], scope_, surroundings_, scratch, error);
  if (subject == nullptr) return fail(std::move(*error));
  const program::SwitchTable& table = data_.switch_tables[instruction.b];
  const std::string text = subject->is_null() ? "null" : to_text(*subject);
  scope_.steps += text.size() / 1024;
  const auto found = std::lower_bound(table.cases.begin(), table.cases.end(), text,
                                      [](const auto& known, const std::string& key) { return known.first < key; });
  frame_->pc = found != table.cases.end() && found->first == text ? found->second : table.otherwise;
  return Step::go_on;
}

Executor::Step Executor::each_begin(const Instruction& instruction) {
  Value list;
  if (auto error = evaluate(instruction.a, list)) return fail(std::move(*error));
  if (list.is_null()) {
    state_.add_event(StepEvent::Kind::warning, instruction.step, "the list is null: no pass");
    list = Value::array();
  } else if (list.is_object()) {
    note_work(list.byte_size());
    Value pairs = Value::array();
    pairs.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      pairs.push_back(Value::object({{"key", Value(list.key_at(i))}, {"value", list[i]}}));
    list = std::move(pairs);
  } else if (!list.is_array()) {
    return fail(
        make_error(error_type::validation, "expected a list to loop over, got " + base::json_beginning(list, 60)));
  }
  frame_->slots[instruction.b + 1] = Value(-1);
  return store_or_fail(instruction.b, std::move(list));
}

Executor::Step Executor::each_next(const Instruction& instruction) {
  const std::int64_t index = frame_->slots[instruction.a + 1].as_integer() + 1;
  const Value& list = frame_->slots[instruction.a];
  if (static_cast<std::size_t>(index) >= list.size()) {
    frame_->pc = instruction.c;
    return Step::go_on;
  }
  frame_->slots[instruction.a + 1] = Value(index);
  return store_or_fail(instruction.b, list[static_cast<std::size_t>(index)]);
}

Executor::Step Executor::count_from(const Instruction& instruction) {
  Value from;
  Value times;
  if (auto error = evaluate(instruction.b, from)) return fail(std::move(*error));
  if (auto error = evaluate(instruction.c, times)) return fail(std::move(*error));
  const Value first = expr::to_number(from);
  const Value count = expr::to_number(times);
  if (!first.is_integer()) {
    return fail(
        make_error(error_type::validation, "from: expected a whole number, got " + base::json_beginning(from, 60)));
  }
  if (!count.is_integer() || count.as_integer() < 0) {
    return fail(make_error(error_type::validation,
                           "times: expected a whole number from 0, got " + base::json_beginning(times, 60)));
  }
  std::int64_t bound = 0;
  if (__builtin_add_overflow(first.as_integer(), count.as_integer(), &bound) || first.as_integer() == INT64_MIN) {
    return fail(make_error(error_type::validation, "times: the numbers go beyond 64 bits"));
  }
  frame_->slots[instruction.a] = Value(first.as_integer() - 1);
  frame_->slots[instruction.a + 1] = Value(bound);
  return Step::go_on;
}

Executor::Step Executor::count_pass(const Instruction& instruction) {
  const std::int64_t pass = frame_->slots[instruction.a].as_integer() + 1;
  std::int64_t most = limits_.passes;
  if (instruction.b != none) {
    Value scratch;
    expr::Failure error;
    const Value* limit = program::borrow(data_.operands[instruction.b], scope_, surroundings_, scratch, error);
    if (limit == nullptr) return fail(std::move(*error));
    if (limit->is_integer() && limit->as_integer() >= 0) {
      most = limit->as_integer();
    } else if (!limit->is_null()) {
      const Value number = expr::to_number(*limit);
      if (!number.is_integer() || number.as_integer() < 0) {
        return fail(make_error(error_type::validation, "max_iterations: expected a whole number from 0, got " +
                                                           base::json_beginning(*limit, 60)));
      }
      most = number.as_integer();
    }
  }
  if (pass >= most) {
    return fail(make_error(error_type::limit, "passes: the loop's condition still holds after " + std::to_string(most) +
                                                  " passes; max_iterations allows more"));
  }
  frame_->slots[instruction.a] = Value(pass);
  return Step::go_on;
}

// ---------------------------------------------------------------- ends

Executor::Step Executor::respond(const Instruction& instruction) {
  const program::ResponseSite& site = data_.response_sites[instruction.a];
  std::int64_t status = 200;
  if (site.status != none) {
    Value given;
    if (auto error = evaluate(site.status, given)) return fail(std::move(*error));
    auto checked = expr::check_status(given);
    if (!checked) return fail(std::move(checked).error());
    status = *checked;
  }
  Value body;
  if (auto error = evaluate(site.body, body)) return fail(std::move(*error));
  Value headers = frame_->slots[program::slot::headers];
  if (headers.is_null()) headers = Value::headers();
  if (site.headers != none) {
    Value given;
    if (auto error = evaluate(site.headers, given)) return fail(std::move(*error));
    if (!given.is_null()) {
      auto checked = expr::check_headers(given, false, static_cast<std::size_t>(limits_.header_bytes));
      if (!checked) return fail(std::move(checked).error());
      for (const auto& [name, text] : *checked) {
        headers.erase(name);
        headers.set(name, Value(text));
      }
    }
  }
  return store_or_fail(instruction.b, make_response(status, std::move(headers), std::move(body)));
}

Executor::Step Executor::end_finally(const Instruction& instruction) {
  const std::int64_t code = frame_->slots[instruction.a].as_integer();
  if (code == program::completion::normal) return Step::go_on;
  if (code == program::completion::error || code == program::completion::restart) {
    Error error = error_from_value(std::exchange(frame_->slots[instruction.a + 1], Value()));
    return fail(std::move(error));
  }
  frame_->pc = data_.jump_tables[instruction.b][static_cast<std::size_t>(code - program::completion::first_jump)];
  return Step::go_on;
}

Executor::Step Executor::finish(const Instruction& instruction) {
  Value response;
  if (instruction.a != none) {
    Value body;
    if (auto error = evaluate(instruction.a, body)) return fail(std::move(*error));
    Value headers = frame_->slots[program::slot::headers];
    if (headers.is_null()) headers = Value::headers();
    response = make_response(200, std::move(headers), std::move(body));
  }
  if (!state_.finish_function(number_, std::move(response))) return Step::gone;
  enter_frame();
  return Step::go_on;
}

// ---------------------------------------------------------------- the loop

inline Executor::Step Executor::execute(const Instruction& instruction) {
  switch (instruction.op) {
    case Op::assign:
      return assign(instruction);
    case Op::update:
      return update(instruction);
    case Op::compute:
      return compute(instruction);
    case Op::arithmetic:
      return arithmetic(instruction);
    case Op::perform:
      return perform(instruction);
    case Op::jump:
      frame_->pc = instruction.a;
      return Step::go_on;
    case Op::jump_unless: {
      expr::Failure error;
      const int condition = program::test(data_.operands[instruction.a], scope_, surroundings_, error);
      if (condition < 0) return fail(std::move(*error));
      if (condition == 0) frame_->pc = instruction.b;
      return Step::go_on;
    }
    case Op::select:
      return select(instruction);
    case Op::each_begin:
      return each_begin(instruction);
    case Op::each_next:
      return each_next(instruction);
    case Op::count_from:
      return count_from(instruction);
    case Op::count_next: {
      const std::int64_t value = frame_->slots[instruction.a].as_integer() + 1;
      if (value >= frame_->slots[instruction.a + 1].as_integer()) {
        frame_->pc = instruction.c;
        return Step::go_on;
      }
      frame_->slots[instruction.a] = Value(value);
      frame_->slots[instruction.b] = Value(value);
      return Step::go_on;
    }
    case Op::count_pass:
      return count_pass(instruction);
    case Op::call:
      return call(instruction);
    case Op::await:
      return await(instruction);
    case Op::make_response:
      return respond(instruction);
    case Op::leave:
      frame_->slots[instruction.a] = Value(static_cast<std::int64_t>(instruction.b));
      frame_->pc = instruction.c;
      return Step::go_on;
    case Op::end_finally:
      return end_finally(instruction);
    case Op::return_response: {
      state_.give_back(counted(instruction.a));
      Value response = std::exchange(frame_->slots[instruction.a], Value());
      state_.live_bytes += empty_slot_bytes;
      if (!state_.finish_function(number_, std::move(response))) return Step::gone;
      enter_frame();
      return Step::go_on;
    }
    case Op::finish:
      return finish(instruction);
    case Op::set_headers:
      return set_headers(instruction);
    case Op::log: {
      Value message;
      Value extra;
      if (auto error = evaluate(instruction.a, message)) return fail(std::move(*error));
      if (auto error = evaluate(instruction.b, extra)) return fail(std::move(*error));
      state_.add_event(StepEvent::Kind::log, instruction.step, to_text(message), std::move(extra));
      return Step::go_on;
    }
    case Op::begin_transaction:
      return begin_transaction(instruction);
    case Op::finish_transaction:
      return finish_transaction(instruction);
    case Op::fork:
      return fork(instruction);
    case Op::end_branch:
      return end_branch(instruction);
  }
  return Step::gone;
}

Executor::Stop Executor::run(std::uint64_t& budget) {
  const auto limit = static_cast<std::uint64_t>(limits_.steps);
  const Instruction* code = data_.code.data();
  bool is_first_time = !strand_.is_resuming();
  // The work at which the budget is used up; each instruction brings it one nearer.
  std::uint64_t end = budget + std::min(work(), UINT64_MAX - budget);
  for (;;) {
    if (work() >= end) {
      budget = 0;
      strand_.random_position = random_.position;
      return Stop::budget;
    }
    --end;
    const Instruction& instruction = code[frame_->pc++];
    const bool counts = instruction.begins_step && is_first_time;
    is_first_time = true;
    Step step = Step::go_on;
    if (state_.steps + scope_.steps + (counts ? 1 : 0) > limit) {
      step = fail(limit_error("steps", limits_.steps, "the run takes", "steps", true));
    } else {
      if (counts) {
        ++state_.steps;
        if (state_.observe) state_.add_event(StepEvent::Kind::step, instruction.step, {});
      }
      step = execute(instruction);
    }
    if (step == Step::go_on) continue;
    budget = end - std::min(work(), end);
    if (step == Step::gone) return Stop::gone;
    if (step == Step::blocked) {
      --frame_->pc;  // executed again
      strand_.random_position = random_.position;
      return Stop::blocked;
    }
  }
}

}  // namespace fnstack::machine
