// Snapshot: a machine's state as bytes, and back. A cache, not an archive: it fits only the program it was taken
// from, by fingerprint, and this version of the format. Env, the host's roots and the seed's secret are not in it.
// Reading trusts nothing: any bytes give a machine or a fault.
#include <utility>

#include "machine/machine_state.hpp"
#include "machine/snapshot_bytes.hpp"
#include "machine/snapshot_fits.hpp"

namespace fnstack {

namespace {

using machine::Asked;
using machine::AsyncCall;
using machine::Awaiting;
using machine::Descent;
using machine::Frame;
using machine::Join;
using machine::Pending;
using machine::SnapshotReader;
using machine::SnapshotWriter;
using machine::Strand;

constexpr std::string_view magic = "fnstack snapshot 3\n";

void write_id(SnapshotWriter& out, const EffectId& id) {
  out.text(id.run);
  out.number(id.strand.size());
  for (std::uint32_t branch : id.strand) out.number(branch);
  out.number(id.ordinal);
}

EffectId read_id(SnapshotReader& in) {
  EffectId id;
  id.run = std::string(in.text());
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) id.strand.push_back(in.small());
  id.ordinal = in.number();
  return id;
}

void write_result(SnapshotWriter& out, const EffectResult& result) {
  out.flag(result.ok());
  if (!result.ok()) return out.error(result.error());
  const auto* response = std::get_if<HttpResponse>(&result.value());
  out.flag(response != nullptr);
  if (response == nullptr) return out.value(std::get<Value>(result.value()));
  out.integer(response->status);
  out.number(response->headers.size());
  for (const auto& [name, value] : response->headers) {
    out.text(name);
    out.text(value);
  }
  out.text(response->body);
}

EffectResult read_result(SnapshotReader& in) {
  if (!in.flag()) return in.error();
  if (!in.flag()) return EffectReply(in.value());
  HttpResponse response;
  response.status = static_cast<int>(in.integer());
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    std::string name(in.text());
    response.headers.emplace_back(std::move(name), std::string(in.text()));
  }
  response.body = std::string(in.text());
  return EffectReply(std::move(response));
}

void write_numbers(SnapshotWriter& out, const std::vector<std::uint32_t>& numbers) {
  out.number(numbers.size());
  for (std::uint32_t number : numbers) out.number(number);
}

std::vector<std::uint32_t> read_numbers(SnapshotReader& in) {
  std::vector<std::uint32_t> numbers;
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) numbers.push_back(in.small());
  return numbers;
}

void write_frame(SnapshotWriter& out, const Frame& frame) {
  out.number(frame.function);
  out.number(frame.pc);
  for (const Value& slot : frame.slots) out.value(slot);
}

Frame read_frame(SnapshotReader& in, const program::ProgramData& data) {
  Frame frame;
  frame.function = in.small();
  frame.pc = in.small();
  if (frame.function >= data.functions.size() || frame.pc >= data.code.size()) in.fail();
  if (in.ok()) frame.slots = base::Array<Value>(data.functions[frame.function].slots);
  for (Value& slot : frame.slots) {
    if (in.ok()) slot = in.value();
  }
  return frame;
}

void write_pending(SnapshotWriter& out, const Pending& pending) {
  static const Asked nothing;
  const Asked& asked = pending.asked ? *pending.asked : nothing;
  out.number(pending.ordinal);
  out.integer(asked.evaluated_ms);
  out.number(asked.random_position);
  out.value(asked.conversation);
  out.flag(static_cast<bool>(pending.result));
  if (pending.result) write_result(out, *pending.result);
}

Pending read_pending(SnapshotReader& in) {
  Pending pending;
  pending.ordinal = in.number();
  if (!pending) in.fail();
  Asked& asked = pending.asked.emplace();
  asked.evaluated_ms = in.integer();
  asked.random_position = in.number();
  asked.conversation = in.value();
  if (in.flag()) pending.result = base::Box(read_result(in));
  return pending;
}

void write_join(SnapshotWriter& out, const Join& join) {
  for (std::uint64_t number : {join.total, join.next, join.most, join.first_index}) out.number(number);
  write_numbers(out, join.live);
  out.number(join.results.size());
  for (const Value& result : join.results) out.value(result);
  out.number(join.result_bytes);
  out.flag(join.won);
  out.flag(join.last_error.has_value());
  if (join.last_error) out.error(*join.last_error);
}

Join read_join(SnapshotReader& in) {
  Join join;
  join.total = in.number();
  join.next = in.number();
  join.most = in.number();
  join.first_index = in.number();
  join.live = read_numbers(in);
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) join.results.push_back(in.value());
  join.result_bytes = in.number();
  join.won = in.flag();
  if (in.flag()) join.last_error = in.error();
  return join;
}

void write_call(SnapshotWriter& out, const AsyncCall& call) {
  out.text(call.id);
  out.flag(call.full);
  out.number(call.origin);
  out.flag(call.wanted.has_value());
  if (!call.wanted) return;
  out.text(call.wanted->function);
  out.value(call.wanted->arguments);
}

AsyncCall read_call(SnapshotReader& in) {
  AsyncCall call;
  call.id = std::string(in.text());
  call.full = in.flag();
  call.origin = in.small();
  if (!in.flag()) return call;
  call.wanted.emplace().function = std::string(in.text());
  call.wanted->arguments = in.value();
  return call;
}

void write_strand(SnapshotWriter& out, const Strand& strand) {
  static const Descent of_root;
  const Descent& descent = strand.descent ? *strand.descent : of_root;
  out.number(static_cast<std::uint64_t>(strand.status));
  write_numbers(out, descent.path);
  out.number(descent.parent);
  out.number(strand.next_ordinal);
  out.number(strand.offspring ? strand.offspring->next_index : 0);
  out.number(descent.base_depth);
  out.number(descent.random_stream);
  out.number(strand.random_position);
  out.number(descent.code.begin);
  out.number(descent.code.end);
  out.number(strand.frames.size());
  for (std::size_t i = 0; i < strand.frames.size(); ++i) write_frame(out, strand.frames[i]);
  out.flag(descent.borrowed.size() != 0);
  for (const bool borrowed : descent.borrowed) out.flag(borrowed);
  out.flag(static_cast<bool>(strand.pending));
  if (strand.pending) write_pending(out, strand.pending);
  const Join* const join = strand.join();
  out.flag(join != nullptr);
  if (join != nullptr) write_join(out, *join);
  const Awaiting* const awaiting = strand.awaiting();
  out.flag(awaiting != nullptr);
  if (awaiting != nullptr) {
    out.value(awaiting->ids);
    out.number(awaiting->next);
    out.flag(awaiting->timeout_ms.has_value());
    if (awaiting->timeout_ms) out.integer(*awaiting->timeout_ms);
    out.number(awaiting->ordinal);
    out.flag(awaiting->has_yielded);
  }
  out.flag(static_cast<bool>(descent.call));
  if (descent.call) write_call(out, *descent.call);
  write_numbers(out, strand.calls());
}

Strand read_strand(SnapshotReader& in, const program::ProgramData& data) {
  Strand strand;
  Descent descent;
  const std::uint64_t status = in.number();
  if (status > static_cast<std::uint64_t>(Strand::Status::awaiting)) in.fail();
  strand.status = static_cast<Strand::Status>(status);
  descent.path = read_numbers(in);
  descent.parent = in.small();
  strand.next_ordinal = in.number();
  const std::uint64_t next_index = in.number();
  descent.base_depth = static_cast<std::size_t>(in.number());
  descent.random_stream = in.number();
  strand.random_position = in.number();
  descent.code.begin = in.small();
  descent.code.end = in.small();
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) strand.frames.push_back(read_frame(in, data));
  if (in.flag()) {
    if (strand.frames.empty()) in.fail();
    if (in.ok()) descent.borrowed = base::Array<bool>(strand.frames.front().slots.size());
    for (bool& borrowed : descent.borrowed) borrowed = in.flag();
  }
  if (in.flag()) strand.pending = read_pending(in);
  machine::Offspring offspring;
  offspring.next_index = next_index;
  if (in.flag()) offspring.join = base::Box(read_join(in));
  if (in.flag()) {
    Awaiting& awaiting = offspring.awaiting.emplace();
    awaiting.ids = in.value();
    awaiting.next = static_cast<std::size_t>(in.number());
    if (in.flag()) awaiting.timeout_ms = in.integer();
    awaiting.ordinal = in.number();
    awaiting.has_yielded = in.flag();
  }
  if (in.flag()) descent.call = base::Box(read_call(in));
  offspring.calls = read_numbers(in);
  if (next_index != 0 || offspring.join || offspring.awaiting || !offspring.calls.empty()) {
    strand.offspring = base::Box(std::move(offspring));
  }
  if (descent.parent != program::none) {
    strand.descent = base::Box(std::move(descent));
  } else if (!descent.path.empty() || descent.borrowed.size() != 0 || descent.call) {
    in.fail();
  }
  return strand;
}

}  // namespace

std::string Machine::snapshot() const {
  const State& state = *state_;
  SnapshotWriter out(magic);
  out.text(state.program.fingerprint());
  out.text(state.run_id());
  out.integer(state.now_ms);
  for (std::uint64_t counter : {state.steps, state.expression_steps, state.effects, state.live_bytes})
    out.number(counter);
  static const machine::Rare nothing;
  const machine::Rare& rare = state.rare ? *state.rare : nothing;
  out.number(rare.next_strand);
  std::vector<std::uint32_t> numbers;  // in order: the same state is the same text
  state.any_strand([&numbers](std::uint32_t number, const Strand&) {
    numbers.push_back(number);
    return false;
  });
  std::sort(numbers.begin(), numbers.end());
  out.number(numbers.size());
  for (const std::uint32_t number : numbers) {
    out.number(number);
    write_strand(out, *state.find_strand(number));
  }
  out.number(state.ready_count());
  if (state.first_ready != program::none) out.number(state.first_ready);
  for (const std::uint32_t number : rare.ready) out.number(number);
  out.number(rare.abandoned.size());
  for (const EffectId& id : rare.abandoned) write_id(out, id);
  out.number(rare.ignored.size());
  for (const EffectId& id : rare.ignored) write_id(out, id);
  out.number(rare.executions.size());
  for (const auto& [id, execution] : rare.executions) {
    out.text(id);
    out.number(execution.strand);
    out.value(execution.result);
    write_numbers(out, execution.waiters);
  }
  out.flag(state.ending);
  out.flag(state.ended);
  out.number(rare.rollbacks.size());
  for (const machine::Rollback& rollback : rare.rollbacks) {
    write_id(out, rollback.id);
    out.text(rollback.transaction);
  }
  out.number(rare.rollbacks_under_way.size());
  for (const EffectId& id : rare.rollbacks_under_way) write_id(out, id);
  const Outcome& outcome = this->outcome();
  out.number(static_cast<std::uint64_t>(outcome.status));
  out.flag(outcome.response.has_value());
  if (outcome.response) {
    out.integer(outcome.response->status_code);
    out.value(outcome.response->headers);
    out.value(outcome.response->body);
  }
  out.value(outcome.variables);
  out.flag(outcome.error.has_value());
  if (outcome.error) out.error(*outcome.error);
  out.number(outcome.steps);
  out.number(outcome.effects);
  return out.take();
}

std::variant<Machine, Fault> Machine::restore(Program program, std::string_view snapshot, Start start) {
  if (!snapshot.starts_with(magic)) return Fault{Fault::Kind::storage, "this is no snapshot of this version"};
  SnapshotReader in(snapshot.substr(magic.size()), machine::max_value_depth);
  const std::string_view fingerprint = in.text();
  if (!in.ok() || program.empty() || fingerprint != program.fingerprint()) {
    return Fault{Fault::Kind::storage, "the snapshot is of another program: its fingerprint is \"" +
                                           std::string(fingerprint.substr(0, 64)) + "\""};
  }
  auto state = std::make_unique<State>();
  state->program = std::move(program);
  state->prepare(start);
  state->set_run_id(in.text());
  state->now_ms = in.integer();
  state->steps = in.number();
  state->expression_steps = in.number();
  state->effects = in.number();
  state->live_bytes = in.number();
  machine::Rare& rare = state->more();
  rare.next_strand = in.small();
  std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    const std::uint32_t number = in.small();
    Strand strand = read_strand(in, state->data());
    if (number == 0) {
      state->root = std::move(strand);
    } else {
      if (!rare.numbers.emplace(strand.path(), number).second) in.fail();
      rare.strands.emplace(number, std::move(strand));
    }
  }
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    state->add_ready(in.small());
  }
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) rare.abandoned.push_back(read_id(in));
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) rare.ignored.push_back(read_id(in));
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    machine::Execution& execution = rare.executions[std::string(in.text())];
    execution.strand = in.small();
    execution.result = in.value();
    execution.waiters = read_numbers(in);
  }
  state->ending = in.flag();
  state->ended = in.flag();
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    EffectId id = read_id(in);
    rare.rollbacks.push_back({std::move(id), std::string(in.text())});
  }
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) rare.rollbacks_under_way.push_back(read_id(in));
  const std::uint64_t status = in.number();
  if (status > static_cast<std::uint64_t>(Outcome::Status::cancelled)) in.fail();
  Outcome& outcome = state->outcome();
  outcome.status = static_cast<Outcome::Status>(status);
  if (in.flag()) {
    Outcome::Response response;
    response.status_code = static_cast<int>(in.integer());
    response.headers = in.value();
    response.body = in.value();
    outcome.response = std::move(response);
  }
  outcome.variables = in.value();
  if (in.flag()) outcome.error = in.error();
  outcome.steps = in.number();
  outcome.effects = in.number();
  if (!in.ok() || !in.at_end() || !machine::fits(*state)) return Fault{Fault::Kind::storage, "the snapshot is damaged"};
  return Machine(std::move(state));
}

}  // namespace fnstack
