// The machine: executes instructions until it needs the world.
//
// Theory of operation. A run is a tree of strands; a strand is a stack of frames; a frame is a function's variables
// and the place it is at. next() takes the strand that has been ready longest and executes it until it asks for an
// effect (Perform), forks, awaits an asynchronous call, ends, or the budget is used up (Yielded). An effect's answer
// makes its strand ready again, as does the end of branches and calls. An instruction that has to wait is executed
// again when the strand goes on: what it remembers (Pending, Join, Awaiting) says that it is not for the first time.
// Everything that decides what happens is in the State: no clock, no pointer into the host. What a handler, a loop or
// a finally block must remember stands in hidden slots of its frame, so a copy of the State is a fork of the run.
//
// Errors, returns and ends are unwind.cpp's; how strands begin and end strands.cpp's; the fields of a step StepFields'.
#include <fnstack/machine.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <fnstack/json.hpp>

#include "machine/machine_state.hpp"
#include "machine/step_fields.hpp"

namespace fnstack {

namespace {

using machine::Asked;
using machine::Frame;
using machine::Join;
using machine::limit_error;
using Keep = machine::StepFields::Keep;
using machine::Strand;
using program::CallSite;
using program::ForkSite;
using program::Instruction;
using program::KindCall;
using program::none;
using program::Op;
using program::ProgramData;

// Executes one strand. Lives for one call of next(): it holds what must not be copied with the state.
class Executor {
 public:
  // An effect that is asked for goes into `next`.
  Executor(Machine::State& state, std::uint32_t number, Machine::Next& next)
      : state_(state),
        next_(next),
        data_(state.data()),
        limits_(*state.limits),
        number_(number),
        strand_(state.strand(number)) {
    scope_.roots = state.roots.data();
    scope_.now_ms = state.now_ms;
    scope_.random = &random_;
    scope_.limits.value_bytes = static_cast<std::uint64_t>(limits_.value_bytes);
    scope_.limits.value_depth = static_cast<std::uint32_t>(limits_.value_depth);
    scope_.limits.expression_steps = static_cast<std::uint32_t>(limits_.expression_steps);
    scope_.steps = state.expression_steps;
    surroundings_.limits = &limits_;
    std::memcpy(random_.seed, state.seed, sizeof(random_.seed));
    random_.stream = strand_.random_stream();
    random_.position = strand_.random_position;
    enter_frame();
  }
  ~Executor() { state_.expression_steps = scope_.steps; }

  enum class Stop : std::uint8_t { budget, blocked, gone };

  Stop run(std::uint64_t& budget);

 private:
  enum class Step : std::uint8_t { go_on, blocked, gone };

  void enter_frame() {
    frame_ = &strand_.frames.back();
    scope_.slots = frame_->slots.data();
    borrows_ = strand_.borrows(*frame_);
  }
  // Looks for a handler; go_on if there is one.
  [[gnu::cold, gnu::noinline]] Step fail(Error error) {
    if (!state_.raise(number_, std::move(error))) return Step::gone;
    enter_frame();
    return Step::go_on;
  }
  // What the slot's value counts in live_bytes; it is about to be replaced.
  [[gnu::always_inline]] std::uint64_t counted(std::uint32_t slot) {
    return borrows_ ? strand_.gives_up(*frame_, slot) : frame_->slots[slot].byte_size();
  }
  // False: the run's budget of live bytes is exhausted.
  bool store(std::uint32_t slot, Value value) {
    const std::uint64_t after = value.byte_size();
    const std::uint64_t before = counted(slot);
    frame_->slots[slot] = std::move(value);
    if (after == before) return true;  // numbers, mostly
    state_.live_bytes += after;
    state_.give_back(before);
    return state_.live_bytes <= static_cast<std::uint64_t>(limits_.live_bytes);
  }
  [[nodiscard]] bool is_over_live_bytes() const {
    return state_.live_bytes > static_cast<std::uint64_t>(limits_.live_bytes);
  }
  Step strands_error() {
    return fail(limit_error("strands", limits_.strands, "the run has", "branches and asynchronous calls", true));
  }
  // A value put together here: too large or too deep, it is an error.
  Step store_result(std::uint32_t slot, Value value) {
    if (auto error = value_error(value)) return fail(std::move(*error));
    return store_or_fail(slot, std::move(value));
  }
  [[nodiscard]] std::optional<Error> value_error(const Value& value) const {
    if (value.byte_size() > scope_.limits.value_bytes)
      return limit_error("value_bytes", limits_.value_bytes, "the result takes", "bytes", false);
    if (value.is_deeper_than(scope_.limits.value_depth))
      return limit_error("value_depth", limits_.value_depth, "the result is nested", "deep", false);
    return std::nullopt;
  }
  [[gnu::cold, gnu::noinline]] Step live_bytes_error() {
    return fail(limit_error("live_bytes", limits_.live_bytes, "the run's variables take", "bytes", true));
  }
  Step store_or_fail(std::uint32_t slot, Value value) {
    if (slot == none) return Step::go_on;
    return store(slot, std::move(value)) ? Step::go_on : live_bytes_error();
  }
  [[nodiscard]] std::optional<Error> evaluate(std::uint32_t operand, Value& out) {
    if (operand == none) {
      out = Value();
      return std::nullopt;
    }
    return program::evaluate(data_.operands[operand], scope_, surroundings_, out);
  }
  [[nodiscard]] machine::StepFields fields_of(const KindCall& site) {
    return {
        data_, site, scope_, limits_, frame_->slots.data(), {state_.run_id(), strand_.path(), strand_.next_ordinal}};
  }
  void ask_for(Effect&& wanted) {
    ++state_.effects;
    next_.emplace<Machine::Perform>(state_.id_of(strand_, strand_.pending.ordinal), std::move(wanted));
  }
  Step wait_for(Effect&& wanted);
  // The fields of the step that asked for its effect so, as they were then.
  [[nodiscard]] std::optional<Error> recall(machine::StepFields& fields, Asked& asked);
  std::optional<EffectResult> take_result();

  // Called in one place, the loop: a call for each instruction would cost as much as some instructions do.
  [[gnu::always_inline]] Step execute(const Instruction& instruction);
  Step assign(const Instruction& instruction);
  Step update(const Instruction& instruction);
  Step compute(const Instruction& instruction);
  Step arithmetic(const Instruction& instruction);
  Step perform(const Instruction& instruction);
  Step converse(const Instruction& instruction);
  Step finish_step(const Instruction& instruction, const machine::StepFields& fields, Value value);
  Step select(const Instruction& instruction);
  Step each_begin(const Instruction& instruction);
  Step each_next(const Instruction& instruction);
  Step count_from(const Instruction& instruction);
  Step count_pass(const Instruction& instruction);
  Step call(const Instruction& instruction);
  Step enter_function(const CallSite& site, std::uint32_t function, Value arguments);
  // Rare ones stay out of the loop of run(), which is faster for being small.
  [[gnu::noinline]] Step start_call(const CallSite& site, std::optional<Frame> frame, std::optional<HostCall> wanted);
  [[nodiscard]] std::optional<Error> begin_await(const Instruction& instruction);
  [[gnu::noinline]] Step await(const Instruction& instruction);
  Step respond(const Instruction& instruction);
  Step end_finally(const Instruction& instruction);
  Step finish(const Instruction& instruction);
  Step set_headers(const Instruction& instruction);
  Step begin_transaction(const Instruction& instruction);
  Step finish_transaction(const Instruction& instruction);
  [[nodiscard]] std::optional<Error> begin_join(const ForkSite& site);
  void start_branch(const ForkSite& site, Join& join);
  [[gnu::noinline]] Step fork(const Instruction& instruction);
  [[gnu::noinline]] Step end_branch(const Instruction& instruction);

  Machine::State& state_;
  Machine::Next& next_;
  const ProgramData& data_;
  const Limits& limits_;
  std::uint32_t number_;
  Strand& strand_;
  Frame* frame_ = nullptr;
  bool borrows_ = false;  // the frame is a branch's first: some of its slots are still its parent's
  expr::Random random_;
  expr::Scope scope_;
  program::Surroundings surroundings_;
};

// ---------------------------------------------------------------- effects

Executor::Step Executor::wait_for(Effect&& wanted) {
  strand_.pending.ordinal = strand_.next_ordinal++;
  strand_.status = Strand::Status::waiting;
  ask_for(std::move(wanted));
  return Step::blocked;
}

std::optional<Error> Executor::recall(machine::StepFields& fields, Asked& asked) {
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
  machine::StepFields fields = fields_of(site);
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
  machine::StepFields fields = fields_of(site);
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

Executor::Step Executor::finish_step(const Instruction& instruction, const machine::StepFields& fields, Value value) {
  const KindCall& site = data_.kind_calls[instruction.a];
  if (auto error = value_error(value)) return fail(std::move(*error));
  if (site.age_slot != none && instruction.b != none) frame_->slots[site.age_slot] = fields.age();
  return store_or_fail(instruction.b, std::move(value));
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
  auto error = machine::apply_update(site, variable, std::move(value), key);
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
  machine::StepFields fields = fields_of(site);
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

// ---------------------------------------------------------------- control

Executor::Step Executor::select(const Instruction& instruction) {
  Value scratch;
  expr::Failure error;
  const Value* subject = program::borrow(data_.operands[instruction.a], scope_, surroundings_, scratch, error);
  if (subject == nullptr) return fail(std::move(*error));
  const program::SwitchTable& table = data_.switch_tables[instruction.b];
  const std::string text = subject->is_null() ? "null" : to_text(*subject);
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
    Value pairs = Value::array();
    pairs.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      pairs.push_back(Value::object({{"key", Value(list.key_at(i))}, {"value", list[i]}}));
    list = std::move(pairs);
  } else if (!list.is_array()) {
    return fail(make_error(error_type::validation, "expected a list to loop over, got " + to_json(list).substr(0, 60)));
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
  if (!first.is_integer() || !count.is_integer() || count.as_integer() < 0) {
    return fail(make_error(error_type::validation,
                           "times: expected a whole number from 0, got " + to_json(times).substr(0, 60)));
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
        return fail(make_error(error_type::validation,
                               "max_iterations: expected a whole number from 0, got " + to_json(*limit).substr(0, 60)));
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

Executor::Step Executor::enter_function(const CallSite& site, std::uint32_t function, Value arguments) {
  if (strand_.base_depth() + strand_.frames.size() > static_cast<std::size_t>(limits_.call_depth)) {
    return fail(limit_error("call_depth", limits_.call_depth, "functions call each other", "deep", true));
  }
  Frame frame;
  frame.function = function;
  frame.pc = data_.functions[function].entry;
  frame.slots = base::Array<Value>(data_.functions[function].slots);
  auto error = machine::bind_inputs(data_, scope_, limits_, frame, std::move(arguments));
  scope_.slots = frame_->slots.data();
  if (error) return fail(std::move(*error));
  if (site.async) return start_call(site, std::move(frame), std::nullopt);
  for (const Value& slot : frame.slots) state_.live_bytes += slot.byte_size();
  strand_.frames.push_back(std::move(frame));
  enter_frame();
  return state_.live_bytes <= static_cast<std::uint64_t>(limits_.live_bytes) ? Step::go_on : live_bytes_error();
}

Executor::Step Executor::call(const Instruction& instruction) {
  const CallSite& site = data_.call_sites[instruction.a];
  if (auto result = take_result()) {
    strand_.pending.reset();
    Value value;
    if (!result->ok()) return fail(std::move(*result).error());
    if (Value* plain = std::get_if<Value>(&**result)) value = std::move(*plain);
    if (site.full) value = machine::make_response(200, Value::headers(), std::move(value));
    return store_or_fail(site.result, std::move(value));
  }
  Value arguments;
  if (auto error = evaluate(site.arguments, arguments)) return fail(std::move(*error));
  if (arguments.is_null()) arguments = Value::object();
  if (!arguments.is_object()) return fail(make_error(error_type::validation, "parameters: expected an object"));
  std::string name = site.name;
  std::uint32_t function = site.function;
  bool host = site.host;
  if (site.callee != none) {
    Value callee;
    if (auto error = evaluate(site.callee, callee)) return fail(std::move(*error));
    if (!callee.is_string())
      return fail(make_error(error_type::validation, "custom_function: expected a name as text"));
    name = std::string(callee.as_string());
    function = data_.find_function(name);
    host = function == none && data_.is_host_function(name);
  }
  if (function == none && !host) {
    return fail(make_error(error_type::unknown_function, "unknown custom function \"" + name.substr(0, 100) + "\""));
  }
  if (site.background) {
    if (function == none)
      return fail(make_error(error_type::unknown_function, "a background task must be a definition: \"" + name + "\""));
    Value delay;
    if (auto error = evaluate(site.delay_s, delay)) return fail(std::move(*error));
    const Value seconds = delay.is_null() ? Value(0) : expr::to_number(delay);
    if (!seconds.is_number() || seconds.as_number() < 0 || seconds.as_number() > static_cast<double>(limits_.wait_s)) {
      return fail(
          make_error(error_type::validation, "delay: expected seconds from 0 to " + std::to_string(limits_.wait_s)));
    }
    return wait_for(StartRun{name, std::move(arguments), static_cast<std::int64_t>(seconds.as_number() * 1000)});
  }
  if (host && site.async) return start_call(site, std::nullopt, HostCall{std::move(name), std::move(arguments)});
  if (host) return wait_for(HostCall{std::move(name), std::move(arguments)});
  return enter_function(site, function, std::move(arguments));
}

// A strand of its own, whose id is the call's result; the caller goes on at once.
Executor::Step Executor::start_call(const CallSite& site, std::optional<Frame> frame, std::optional<HostCall> wanted) {
  if (state_.strand_count() >= static_cast<std::size_t>(limits_.strands)) return strands_error();
  const std::uint32_t number = state_.add_strand(number_, strand_.offspring.get_or_make().next_index++);
  Strand& strand = state_.strand(number);
  strand.descent->base_depth = strand_.base_depth() + strand_.frames.size();
  machine::AsyncCall& call = strand.descent->call.emplace();
  call.id = state_.id_of(strand, 0).to_string();
  call.id.resize(call.id.rfind(':'));
  call.full = site.full;
  call.origin = frame_->pc - 1;
  call.wanted = std::move(wanted);
  if (frame) {
    for (const Value& slot : frame->slots) state_.live_bytes += slot.byte_size();
    strand.frames.push_back(std::move(*frame));
  }
  strand_.offspring->calls.push_back(number);
  state_.more().executions[call.id].strand = number;
  return store_or_fail(site.result, Value(call.id));
}

std::optional<Error> Executor::begin_await(const Instruction& instruction) {
  machine::Awaiting awaiting;
  Value& ids = awaiting.ids;
  if (auto error = evaluate(instruction.a, ids)) return error;
  if (ids.is_string()) ids = Value::array({ids});
  if (!ids.is_array()) return make_error(error_type::validation, "execution_ids: expected an id or a list of them");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].is_string() || state_.find_execution(ids[i].as_string()) == nullptr) {
      return make_error(error_type::not_found,
                        "execution_ids: no asynchronous call has the id " + to_json(ids[i]).substr(0, 60));
    }
  }
  Value timeout;
  if (auto error = evaluate(instruction.c, timeout)) return error;
  if (!timeout.is_null()) {
    const Value seconds = timeout.is_boolean() ? Value() : expr::to_number(timeout);
    if (!seconds.is_number() || !(seconds.as_number() >= 0) ||
        seconds.as_number() > static_cast<double>(limits_.wait_s)) {
      return make_error(error_type::validation, "timeout: expected seconds from 0 to " +
                                                    std::to_string(limits_.wait_s) + ", got " +
                                                    to_json(timeout).substr(0, 60));
    }
    awaiting.timeout_ms = static_cast<std::int64_t>(seconds.as_number() * 1000);
    awaiting.ordinal = strand_.next_ordinal++;
  }
  strand_.offspring.get_or_make().awaiting = base::Box(std::move(awaiting));
  return std::nullopt;
}

Executor::Step Executor::await(const Instruction& instruction) {
  if (strand_.awaiting() == nullptr) {
    if (auto error = begin_await(instruction)) return fail(std::move(*error));
  }
  machine::Awaiting& awaiting = *strand_.offspring->awaiting;
  const auto execution_of = [&](std::size_t i) -> machine::Execution& {
    return *state_.find_execution(awaiting.ids[i].as_string());
  };
  while (awaiting.next < awaiting.ids.size() && execution_of(awaiting.next).strand == none) ++awaiting.next;
  const bool all_ended = awaiting.next == awaiting.ids.size();
  if (!all_ended && !std::exchange(awaiting.has_yielded, true) && state_.ready_count() > 1) {
    strand_.status = Strand::Status::awaiting;
    state_.wake(number_);  // at the end of the queue
    return Step::blocked;
  }
  const bool is_over = (strand_.pending && strand_.pending.result) || awaiting.timeout_ms == 0;
  if (!all_ended && !is_over) {
    execution_of(awaiting.next).waiters.push_back(number_);
    strand_.status = Strand::Status::awaiting;
    if (awaiting.timeout_ms && !strand_.pending) {
      strand_.pending.ordinal = awaiting.ordinal;
      ask_for(Sleep{*awaiting.timeout_ms});
    }
    return Step::blocked;
  }
  std::optional<Error> broken;
  if (is_over && !all_ended) {
    std::erase(execution_of(awaiting.next).waiters, number_);
    if (strand_.pending && !strand_.pending.result->ok()) broken = std::move(*strand_.pending.result).error();
  }
  state_.abandon(strand_);
  strand_.pending.reset();
  Value results = Value::array();
  for (std::size_t i = 0; i < awaiting.ids.size(); ++i) {
    const machine::Execution& execution = execution_of(i);
    results.push_back(
        execution.strand == none
            ? execution.result
            : Value::object({{"execution_id", awaiting.ids[i]}, {"status", "running"}, {"output", Value()}}));
  }
  strand_.offspring->awaiting.reset();
  if (broken) return fail(std::move(*broken));
  return store_result(instruction.b, std::move(results));
}

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
  return store_or_fail(instruction.b, machine::make_response(status, std::move(headers), std::move(body)));
}

Executor::Step Executor::end_finally(const Instruction& instruction) {
  const std::int64_t code = frame_->slots[instruction.a].as_integer();
  if (code == program::completion::normal) return Step::go_on;
  if (code == program::completion::error || code == program::completion::restart) {
    Error error = machine::error_from_value(std::exchange(frame_->slots[instruction.a + 1], Value()));
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
    response = machine::make_response(200, std::move(headers), std::move(body));
  }
  if (!state_.finish_function(number_, std::move(response))) return Step::gone;
  enter_frame();
  return Step::go_on;
}

// ---------------------------------------------------------------- branches

std::optional<Error> Executor::begin_join(const ForkSite& site) {
  Join join;
  join.most = site.usual_concurrency == 0 ? UINT64_MAX : site.usual_concurrency;
  Value most;
  if (auto error = evaluate(site.max_concurrency, most)) return error;
  if (!most.is_null()) {
    const Value number = most.is_boolean() ? Value() : expr::to_number(most);
    if (!number.is_integer() || number.as_integer() < 1) {
      return make_error(error_type::validation,
                        "max_concurrency: expected a whole number from 1, got " + to_json(most).substr(0, 60));
    }
    join.most = static_cast<std::uint64_t>(number.as_integer());
  }
  switch (site.source) {
    case ForkSite::Source::written:
      join.total = site.branches.size();
      break;
    case ForkSite::Source::list:
      join.total = frame_->slots[site.from].size();
      break;
    case ForkSite::Source::count:
      join.total = static_cast<std::uint64_t>(frame_->slots[site.from + 1].as_integer()) -
                   static_cast<std::uint64_t>(frame_->slots[site.from].as_integer()) - 1;
      break;
  }
  std::uint64_t& next_index = strand_.offspring.get_or_make().next_index;
  join.first_index = next_index;
  if (join.total > UINT32_MAX - join.first_index) {
    return make_error(error_type::limit, "times: a strand has at most " + std::to_string(UINT32_MAX) + " branches");
  }
  next_index += join.total;
  strand_.offspring->join = base::Box(std::move(join));
  return std::nullopt;
}

void Executor::start_branch(const ForkSite& site, Join& join) {
  const std::uint64_t i = join.next++;
  const std::uint32_t number = state_.add_strand(number_, join.first_index + i);
  Strand& branch = state_.strand(number);
  machine::Descent& descent = *branch.descent;
  descent.base_depth = strand_.base_depth() + strand_.frames.size() - 1;
  descent.code = site.branches[site.source == ForkSite::Source::written ? static_cast<std::size_t>(i) : 0];
  branch.frames.push_back({});
  Frame& frame = branch.frames.front();
  frame.function = frame_->function;
  frame.pc = descent.code.begin;
  frame.slots = frame_->slots;
  descent.borrowed = base::Array<bool>(frame.slots.size());
  std::fill(descent.borrowed.begin(), descent.borrowed.end(), true);
  state_.live_bytes += frame.slots.size() * machine::empty_slot_bytes;
  join.live.push_back(number);
  if (site.source == ForkSite::Source::written) return;
  Value item;
  if (site.source == ForkSite::Source::list) {
    const Value& list = frame_->slots[site.from];
    if (i < list.size()) item = list[static_cast<std::size_t>(i)];
    frame.slots[site.from] = Value();
    frame.slots[site.index] = Value(static_cast<std::int64_t>(i));
  } else {
    item = Value(frame_->slots[site.from].as_integer() + 1 + static_cast<std::int64_t>(i));
    frame.slots[site.index] = item;
  }
  frame.slots[site.item] = std::move(item);  // still part of the list, which is counted once
}

Executor::Step Executor::fork(const Instruction& instruction) {
  const ForkSite& site = data_.fork_sites[instruction.a];
  if (strand_.join() == nullptr) {
    if (auto error = begin_join(site)) return fail(std::move(*error));
  }
  Join& join = *strand_.join();
  while (join.next < join.total && join.live.size() < join.most) {
    if (state_.strand_count() >= static_cast<std::size_t>(limits_.strands)) return strands_error();
    start_branch(site, join);
    if (is_over_live_bytes()) return live_bytes_error();
  }
  if (!join.live.empty()) {
    strand_.status = Strand::Status::joining;
    return Step::blocked;
  }
  Join ended = strand_.offspring->join.take();
  state_.give_back(ended.result_bytes);
  if (site.mode == ForkSite::Mode::first) {
    if (!ended.won && ended.last_error) return fail(std::move(*ended.last_error));
    return store_result(instruction.b, ended.results.empty() ? Value() : std::move(ended.results[0]));
  }
  if (instruction.b == none) return Step::go_on;
  ended.results.resize(static_cast<std::size_t>(ended.total));
  if (!site.is_named) return store_result(instruction.b, Value::array(std::move(ended.results)));
  Value named = Value::object();
  for (std::size_t i = 0; i < site.names.size(); ++i) named.set(site.names[i], std::move(ended.results[i]));
  return store_result(instruction.b, std::move(named));
}

Executor::Step Executor::end_branch(const Instruction& instruction) {
  Value result = instruction.a == none ? Value() : frame_->slots[instruction.a];
  if (state_.fork_of(state_.strand(strand_.parent())).mode == ForkSite::Mode::settled) {
    result = Value::object({{"status", "completed"}, {"value", std::move(result)}});
  }
  state_.end_branch(number_, std::move(result));
  // The results of many branches are no variable yet, but they are kept.
  if (is_over_live_bytes()) {
    Error error = limit_error("live_bytes", limits_.live_bytes, "the run's variables take", "bytes", true);
    error.status_code = status_of(error.type);
    if (instruction.step != none) error.step = data_.steps[instruction.step].describe();
    state_.finish_run(Outcome::Status::failed, std::move(error));
  }
  return Step::gone;
}

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
      state_.live_bytes += machine::empty_slot_bytes;
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
  for (;;) {
    if (budget == 0) {
      strand_.random_position = random_.position;
      return Stop::budget;
    }
    --budget;
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
    if (step == Step::gone) return Stop::gone;
    if (step == Step::blocked) {
      --frame_->pc;  // executed again
      strand_.random_position = random_.position;
      return Stop::blocked;
    }
  }
}

}  // namespace

// ---------------------------------------------------------------- State

void Machine::State::prepare(Start& start) {
  static const auto usual_limits = std::make_shared<const Limits>();
  limits = start.limits ? std::move(start.limits) : usual_limits;
  if (limits->value_depth > machine::max_value_depth) {
    auto clamped = std::make_shared<Limits>(*limits);
    clamped->value_depth = machine::max_value_depth;
    limits = std::move(clamped);
  }
  observe = start.observe;
  now_ms = start.now_ms;
  std::memcpy(seed, start.seed, sizeof(seed));
  if (program.empty() || !data().reads_roots) return;
  roots = base::Array<Value>(program::root::first_free + data().roots.size());
  roots[program::root::env] = start.env.is_object() ? std::move(start.env) : Value::object();
  for (std::size_t i = 0; i + program::root::first_free < roots.size(); ++i) {
    roots[program::root::first_free + i] = start.roots.get(data().roots[i]);
  }
}

void Machine::State::set_run_id(std::string_view id) {
  if (id.size() <= sizeof(id_text)) {
    std::copy(id.begin(), id.end(), id_text);
    id_length = static_cast<std::uint8_t>(id.size());
  } else {
    more().long_run_id = id;
    id_length = UINT8_MAX;
  }
  if (program.empty() || !data().reads_run) return;
  static const Value model = Value::object({{"id", Value()}});  // one list of keys for all runs
  Value of_run(id);
  roots[program::root::run] = Value::object_like(model, {&of_run, 1});
}

void Machine::State::begin(Start start) {
  prepare(start);
  expr::Random random;
  std::memcpy(random.seed, seed, sizeof(seed));
  set_run_id(start.run_id.empty() ? random.uuid() : start.run_id);
  const auto refuse = [this](std::string message) { fail(Fault::Kind::usage, std::move(message)); };
  if (program.empty()) return refuse("the program is empty");
  std::uint32_t chosen = none;
  std::size_t flows = 0;
  for (std::uint32_t i = 0; i < data().functions.size(); ++i) {
    const program::FunctionInfo& function = data().functions[i];
    // Named, a library's function can be run too: a background task is.
    if (!function.main && start.flow.empty()) continue;
    ++flows;
    if (start.flow.empty()) {
      chosen = i;
    } else if (std::find(function.names.begin(), function.names.end(), start.flow) != function.names.end() &&
               chosen == none) {
      chosen = i;
    }
  }
  if (chosen == none)
    return refuse(start.flow.empty() ? "the program has no flow" : "the program has no flow \"" + start.flow + "\"");
  if (start.flow.empty() && flows > 1) return refuse("the program has several flows; name one");

  Frame frame;
  frame.function = chosen;
  frame.pc = data().functions[chosen].entry;
  frame.slots = base::Array<Value>(data().functions[chosen].slots);
  expr::Scope scope;
  scope.roots = roots.data();
  scope.now_ms = now_ms;
  scope.random = &random;
  auto error = machine::bind_inputs(data(), scope, *limits, frame, std::move(start.inputs));
  for (const Value& slot : frame.slots) live_bytes += slot.byte_size();
  root.frames.push_back(std::move(frame));
  root.random_position = random.position;
  if (error) {
    error->status_code = status_of(error->type);
    finish_run(Outcome::Status::failed, std::move(error));
    return;
  }
  add_ready(0);
}

Machine::Next Machine::State::next(std::uint64_t budget) {
  Next next = Waiting{};
  go_on(budget, next);
  return next;
}

void Machine::State::go_on(std::uint64_t budget, Next& next) {
  for (;;) {
    if (rare && !rare->abandoned.empty()) {
      EffectId id = rare->abandoned.take_front();
      rare->ignored.push_back(id);
      next = Abandon{std::move(id)};
      return;
    }
    if (rare && !rare->rollbacks.empty()) {
      machine::Rollback rollback = rare->rollbacks.take_front();
      DatabaseCommand command;
      command.kind = DatabaseCommand::Kind::rollback;
      command.transaction = std::move(rollback.transaction);
      rare->rollbacks_under_way.push_back(rollback.id);
      next.emplace<Perform>(std::move(rollback.id), std::move(command));
      return;
    }
    const bool rolls_back = rare && !rare->rollbacks_under_way.empty();
    if (ending && !ended) {
      if (rolls_back) return;
      ended = true;
    }
    if (ended) {
      next = Ended{};
      return;
    }
    if (first_ready == none) {
      if (!rolls_back && break_deadlock()) continue;
      return;
    }
    const std::uint32_t number = first_ready;
    if (Strand& asking = strand(number); asking.frames.empty()) {
      take_first_ready();
      EffectId id = ask_host(asking);
      next.emplace<Perform>(std::move(id), std::move(*std::exchange(asking.descent->call->wanted, std::nullopt)));
      return;
    }
    switch (Executor(*this, number, next).run(budget)) {
      case Executor::Stop::budget:
        next = Yielded{};
        return;
      case Executor::Stop::blocked:
        take_first_ready();
        if (std::holds_alternative<Perform>(next)) return;
        break;
      case Executor::Stop::gone:
        if (first_ready == number) take_first_ready();
        break;
    }
  }
}

void Machine::State::resume(const EffectId& id, EffectResult result, std::int64_t now) {
  if (now > now_ms || !ended) now_ms = now;
  if (rare && std::erase(rare->rollbacks_under_way, id) != 0) return;
  if (const std::uint32_t number = who_waits_for(id); number != none) {
    Strand& waiting = strand(number);
    if (waiting.frames.empty()) return end_host_call(number, std::move(result));
    waiting.pending.result = base::Box(std::move(result));
    return wake(number);
  }
  if (rare && std::erase(rare->ignored, id) != 0) return;
  if (ended || (rare && std::find(rare->abandoned.begin(), rare->abandoned.end(), id) != rare->abandoned.end())) return;
  fail(Fault::Kind::usage, "resume: effect " + id.to_string() + " was never asked for");
}

// ---------------------------------------------------------------- Machine

Machine::Machine(Program program, Start start) : state_(std::make_unique<State>()) {
  state_->program = std::move(program);
  state_->begin(std::move(start));
}

Machine::Machine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Machine::Machine(const Machine& other) : state_(std::make_unique<State>(*other.state_)) {}
Machine& Machine::operator=(const Machine& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;
Machine::~Machine() = default;

Machine::Next Machine::next(std::uint64_t budget) { return state_->next(budget); }
void Machine::resume(const EffectId& id, EffectResult result, std::int64_t now_ms) {
  state_->resume(id, std::move(result), now_ms);
}
void Machine::cancel(Error reason) { state_->cancel(std::move(reason)); }
void Machine::rename(std::string_view run_id) { state_->set_run_id(run_id); }
const Outcome& Machine::outcome() const noexcept {
  static const Outcome none_yet;
  return state_->end ? state_->end->outcome : none_yet;
}
const std::optional<Fault>& Machine::fault() const noexcept {
  static const std::optional<Fault> no_fault;
  return state_->end ? state_->end->fault : no_fault;
}
const Program& Machine::program() const noexcept { return state_->program; }
std::string_view Machine::run_id() const& noexcept { return state_->run_id(); }
std::string Machine::run_id() && { return std::string(state_->run_id()); }
std::vector<StepEvent> Machine::take_events() {
  return state_->rare ? std::exchange(state_->rare->events, {}) : std::vector<StepEvent>();
}

StepEvent Machine::place_of(const EffectId& id) const {
  StepEvent place;
  const std::uint32_t number = state_->who_waits_for(id);
  if (number == none) return place;
  const Strand& strand = state_->strand(number);
  const std::uint32_t at = strand.frames.empty() ? strand.descent->call->origin : strand.frames.back().pc;
  const std::uint32_t step = state_->data().code[at].step;
  if (step == none) return place;
  const program::StepInfo& info = state_->data().steps[step];
  const program::FunctionInfo& function = state_->data().functions[info.function];
  place.function = function.names.empty() ? "" : function.names[0];
  place.step = info.name;
  place.label = info.label;
  place.path = info.path;
  return place;
}

std::string_view name_of(Outcome::Status status) noexcept {
  switch (status) {
    case Outcome::Status::completed:
      return "completed";
    case Outcome::Status::failed:
      return "failed";
    case Outcome::Status::cancelled:
      return "cancelled";
  }
  return "";
}

}  // namespace fnstack
