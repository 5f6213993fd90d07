// Snapshot: a machine's state as bytes, and back. A cache, not an archive: it fits only the program it was taken
// from, by fingerprint, and this version of the format. Env, the host's roots and the seed's secret are not in it.
// Reading trusts nothing: any bytes give a machine or a fault.
#include <algorithm>
#include <cstring>
#include <utility>

#include "machine/machine_state.hpp"

namespace fnstack {

namespace {

using machine::Asked;
using machine::AsyncCall;
using machine::Awaiting;
using machine::Descent;
using machine::Frame;
using machine::Join;
using machine::Pending;
using machine::Strand;

constexpr std::string_view magic = "fnstack snapshot 3\n";
// No value of a run is nested deeper: limits beyond it are clamped when the run begins.
constexpr int max_depth = machine::max_value_depth;

class Writer {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>((value & 0x7f) | 0x80);
    out_ += static_cast<char>(value);
  }
  void integer(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void flag(bool value) { out_ += value ? '\1' : '\0'; }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void value(const Value& value);
  void error(const Error& error);
  std::string out_;
};

void Writer::value(const Value& given) {
  out_ += static_cast<char>(given.kind());
  switch (given.kind()) {
    case Value::Kind::null:
      return;
    case Value::Kind::boolean:
      return flag(given.as_boolean());
    case Value::Kind::integer:
      return integer(given.as_integer());
    case Value::Kind::number: {
      const double real = given.as_number();
      char raw[sizeof(real)];
      std::memcpy(raw, &real, sizeof(real));
      out_.append(raw, sizeof(raw));
      return;
    }
    case Value::Kind::string:
    case Value::Kind::bytes:
      return text(given.as_string());
    case Value::Kind::array:
      number(given.size());
      for (std::size_t i = 0; i < given.size(); ++i) value(given[i]);
      return;
    case Value::Kind::object:
      flag(given.keys_ignore_case());
      number(given.size());
      for (std::size_t i = 0; i < given.size(); ++i) {
        text(given.key_at(i));
        value(given[i]);
      }
      return;
  }
}

void Writer::error(const Error& given) {
  text(given.type);
  text(given.message);
  integer(given.status_code);
  value(given.headers);
  value(given.response);
  text(given.step);
  flag(given.fatal);
  flag(given.restart_transaction);
  integer(given.not_before_ms);
}

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  void fail() noexcept { ok_ = false; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_[0]);
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  // A count of things that take at least one byte each: more than there are bytes is a lie.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::uint32_t small() {
    const std::uint64_t value = number();
    if (value > UINT32_MAX) ok_ = false;
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }
  std::int64_t integer() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  bool flag() {
    const std::string_view byte = bytes(1);
    return !byte.empty() && byte[0] != '\0';
  }
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view text() { return bytes(count()); }
  Value value(int depth = 0);
  Error error();

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Value Reader::value(int depth) {
  const std::string_view tag = bytes(1);
  if (!ok_ || depth > max_depth) {
    ok_ = false;
    return {};
  }
  switch (static_cast<Value::Kind>(tag[0])) {
    case Value::Kind::null:
      return {};
    case Value::Kind::boolean:
      return Value(flag());
    case Value::Kind::integer:
      return Value(integer());
    case Value::Kind::number: {
      double real = 0;
      const std::string_view raw = bytes(sizeof(real));
      if (ok_) std::memcpy(&real, raw.data(), sizeof(real));
      return Value(real);
    }
    case Value::Kind::string:
      return Value(text());
    case Value::Kind::bytes:
      return Value::bytes(text());
    case Value::Kind::array: {
      const std::size_t size = count();
      Value array = Value::array();
      for (std::size_t i = 0; ok_ && i < size; ++i) array.push_back(value(depth + 1));
      return array;
    }
    case Value::Kind::object: {
      Value object = flag() ? Value::headers() : Value::object();
      const std::size_t size = count();
      for (std::size_t i = 0; ok_ && i < size; ++i) {
        const std::string_view key = text();
        object.set(key, value(depth + 1));
      }
      return object;
    }
  }
  ok_ = false;
  return {};
}

Error Reader::error() {
  Error error;
  error.type = std::string(text());
  error.message = std::string(text());
  error.status_code = static_cast<int>(integer());
  error.headers = value();
  error.response = value();
  error.step = std::string(text());
  error.fatal = flag();
  error.restart_transaction = flag();
  error.not_before_ms = integer();
  return error;
}

void write_id(Writer& out, const EffectId& id) {
  out.text(id.run);
  out.number(id.strand.size());
  for (std::uint32_t branch : id.strand) out.number(branch);
  out.number(id.ordinal);
}

EffectId read_id(Reader& in) {
  EffectId id;
  id.run = std::string(in.text());
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) id.strand.push_back(in.small());
  id.ordinal = in.number();
  return id;
}

void write_result(Writer& out, const EffectResult& result) {
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

EffectResult read_result(Reader& in) {
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

void write_numbers(Writer& out, const std::vector<std::uint32_t>& numbers) {
  out.number(numbers.size());
  for (std::uint32_t number : numbers) out.number(number);
}

std::vector<std::uint32_t> read_numbers(Reader& in) {
  std::vector<std::uint32_t> numbers;
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) numbers.push_back(in.small());
  return numbers;
}

void write_frame(Writer& out, const Frame& frame) {
  out.number(frame.function);
  out.number(frame.pc);
  for (const Value& slot : frame.slots) out.value(slot);
}

Frame read_frame(Reader& in, const program::ProgramData& data) {
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

void write_pending(Writer& out, const Pending& pending) {
  static const Asked nothing;
  const Asked& asked = pending.asked ? *pending.asked : nothing;
  out.number(pending.ordinal);
  out.integer(asked.evaluated_ms);
  out.number(asked.random_position);
  out.value(asked.conversation);
  out.flag(static_cast<bool>(pending.result));
  if (pending.result) write_result(out, *pending.result);
}

Pending read_pending(Reader& in) {
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

void write_join(Writer& out, const Join& join) {
  for (std::uint64_t number : {join.total, join.next, join.most, join.first_index}) out.number(number);
  write_numbers(out, join.live);
  out.number(join.results.size());
  for (const Value& result : join.results) out.value(result);
  out.number(join.result_bytes);
  out.flag(join.won);
  out.flag(join.last_error.has_value());
  if (join.last_error) out.error(*join.last_error);
}

Join read_join(Reader& in) {
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

void write_call(Writer& out, const AsyncCall& call) {
  out.text(call.id);
  out.flag(call.full);
  out.number(call.origin);
  out.flag(call.wanted.has_value());
  if (!call.wanted) return;
  out.text(call.wanted->function);
  out.value(call.wanted->arguments);
}

AsyncCall read_call(Reader& in) {
  AsyncCall call;
  call.id = std::string(in.text());
  call.full = in.flag();
  call.origin = in.small();
  if (!in.flag()) return call;
  call.wanted.emplace().function = std::string(in.text());
  call.wanted->arguments = in.value();
  return call;
}

void write_strand(Writer& out, const Strand& strand) {
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

Strand read_strand(Reader& in, const program::ProgramData& data) {
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

// Do the strands fit each other and the program? What is executed later relies on it.
bool fits(const Machine::State& state, std::uint32_t number, const Strand& strand) {
  const program::ProgramData& data = state.data();
  const auto& executions = state.rare->executions;
  const AsyncCall* const call = strand.is_call() ? &*strand.descent->call : nullptr;
  if (strand.frames.empty() && (call == nullptr || (!call->wanted && !strand.pending))) return false;
  if (number != 0) {
    if (number >= state.rare->next_strand) return false;
    // A parent is older, so there is no circle.
    const Strand* const parent = strand.descent ? state.find_strand(strand.parent()) : nullptr;
    if (parent == nullptr || strand.parent() >= number || strand.path().empty() || parent->frames.empty()) return false;
    const std::vector<std::uint32_t>* siblings = &parent->calls();
    if (call == nullptr) {
      if (parent->join() == nullptr) return false;
      siblings = &parent->join()->live;
      const std::uint64_t index = strand.path().back();
      if (index < parent->join()->first_index || index - parent->join()->first_index >= parent->join()->total)
        return false;
    }
    if (std::find(siblings->begin(), siblings->end(), number) == siblings->end()) return false;
  } else if (strand.descent) {
    return false;
  }
  if (call != nullptr) {
    const auto execution = executions.find(call->id);
    if (execution == executions.end() || execution->second.strand != number) return false;
    if (call->origin >= data.code.size()) return false;
  }
  for (const std::uint32_t each : strand.calls()) {
    const Strand* const child = state.find_strand(each);
    if (child == nullptr || !child->is_call() || child->parent() != number) return false;
  }
  const Join* const joined = strand.join();
  const Awaiting* const awaiting = strand.awaiting();
  if ((joined != nullptr || awaiting != nullptr) && strand.frames.empty()) return false;
  if (joined != nullptr) {
    const program::Instruction& at = data.code[strand.frames.back().pc];
    if (at.op != program::Op::fork) return false;
    const program::ForkSite& site = data.fork_sites[at.a];
    const Join& join = *joined;
    if (join.next > join.total || join.results.size() > join.total || join.total > UINT32_MAX) return false;
    if (!std::is_sorted(join.live.begin(), join.live.end())) return false;
    if (site.source == program::ForkSite::Source::written && join.total != site.branches.size()) return false;
    for (const std::uint32_t branch : join.live) {
      const Strand* const child = state.find_strand(branch);
      if (child == nullptr || child->is_call() || child->parent() != number) return false;
    }
  }
  if (awaiting != nullptr) {
    if (data.code[strand.frames.back().pc].op != program::Op::await) return false;
    const Value& ids = awaiting->ids;
    if (!ids.is_array() || awaiting->next > ids.size()) return false;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i].is_string() || executions.find(ids[i].as_string()) == executions.end()) return false;
    }
  }
  return true;
}

bool fit(const Machine::State& state) {
  if (state.find_strand(0) == nullptr) return false;
  if (state.any_strand([&state](std::uint32_t number, const Strand& strand) { return !fits(state, number, strand); }))
    return false;
  for (const auto& [id, execution] : state.rare->executions) {
    if (execution.strand == program::none) continue;
    const Strand* const strand = state.find_strand(execution.strand);
    if (strand == nullptr || !strand->is_call() || strand->descent->call->id != id) return false;
  }
  const auto is_there = [&state](std::uint32_t number) { return state.find_strand(number) != nullptr; };
  if (state.first_ready != program::none && !is_there(state.first_ready)) return false;
  return std::all_of(state.rare->ready.begin(), state.rare->ready.end(), is_there);
}

}  // namespace

std::string Machine::snapshot() const {
  const State& state = *state_;
  Writer out;
  out.out_ = magic;
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
  return std::move(out.out_);
}

std::variant<Machine, Fault> Machine::restore(Program program, std::string_view snapshot, Start start) {
  if (!snapshot.starts_with(magic)) return Fault{Fault::Kind::storage, "this is no snapshot of this version"};
  Reader in(snapshot.substr(magic.size()));
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
  if (!in.ok() || !in.at_end() || !fit(*state)) return Fault{Fault::Kind::storage, "the snapshot is damaged"};
  return Machine(std::move(state));
}

}  // namespace fnstack
