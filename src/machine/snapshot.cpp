// Snapshot: a machine's state as bytes, and back. A cache, not an archive: it fits only the program it was taken
// from, by fingerprint, and this version of the format. Env, the host's roots and the seed's secret are not in it.
// Reading trusts nothing: any bytes give a machine or a fault.
#include <algorithm>
#include <cstring>
#include <utility>

#include "machine/machine_state.hpp"

namespace fnstack {

namespace {

using machine::AsyncCall;
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
  const std::size_t slots = in.ok() ? data.functions[frame.function].slots : 0;
  for (std::size_t i = 0; in.ok() && i < slots; ++i) frame.slots.push_back(in.value());
  return frame;
}

void write_pending(Writer& out, const Pending& pending) {
  out.number(pending.ordinal);
  out.integer(pending.evaluated_ms);
  out.number(pending.random_position);
  out.value(pending.conversation);
  out.flag(static_cast<bool>(pending.result));
  if (pending.result) write_result(out, *pending.result);
}

Pending read_pending(Reader& in) {
  Pending pending;
  pending.ordinal = in.number();
  pending.evaluated_ms = in.integer();
  pending.random_position = in.number();
  pending.conversation = in.value();
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
  out.number(static_cast<std::uint64_t>(strand.status));
  write_numbers(out, strand.path);
  out.number(strand.parent);
  out.number(strand.next_ordinal);
  out.number(strand.next_index);
  out.number(strand.base_depth);
  out.number(strand.random_stream);
  out.number(strand.random_position);
  out.number(strand.code.begin);
  out.number(strand.code.end);
  out.number(strand.frames.size());
  for (const Frame& frame : strand.frames) write_frame(out, frame);
  out.flag(static_cast<bool>(strand.borrowed));
  if (strand.borrowed) {
    for (const bool borrowed : *strand.borrowed) out.flag(borrowed);
  }
  out.flag(strand.pending.has_value());
  if (strand.pending) write_pending(out, *strand.pending);
  out.flag(static_cast<bool>(strand.join));
  if (strand.join) write_join(out, *strand.join);
  out.flag(static_cast<bool>(strand.awaiting));
  if (strand.awaiting) {
    out.value(strand.awaiting->ids);
    out.number(strand.awaiting->next);
    out.flag(strand.awaiting->timeout_ms.has_value());
    if (strand.awaiting->timeout_ms) out.integer(*strand.awaiting->timeout_ms);
    out.number(strand.awaiting->ordinal);
    out.flag(strand.awaiting->has_yielded);
  }
  out.flag(static_cast<bool>(strand.call));
  if (strand.call) write_call(out, *strand.call);
  write_numbers(out, strand.calls);
}

Strand read_strand(Reader& in, const program::ProgramData& data) {
  Strand strand;
  const std::uint64_t status = in.number();
  if (status > static_cast<std::uint64_t>(Strand::Status::awaiting)) in.fail();
  strand.status = static_cast<Strand::Status>(status);
  strand.path = read_numbers(in);
  strand.parent = in.small();
  strand.next_ordinal = in.number();
  strand.next_index = in.number();
  strand.base_depth = static_cast<std::size_t>(in.number());
  strand.random_stream = in.number();
  strand.random_position = in.number();
  strand.code.begin = in.small();
  strand.code.end = in.small();
  const std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) strand.frames.push_back(read_frame(in, data));
  if (in.flag()) {
    if (strand.frames.empty()) in.fail();
    const std::size_t slots = in.ok() ? strand.frames.front().slots.size() : 0;
    std::vector<bool>& borrowed = strand.borrowed.emplace();
    for (std::size_t i = 0; in.ok() && i < slots; ++i) borrowed.push_back(in.flag());
  }
  if (in.flag()) strand.pending = read_pending(in);
  if (in.flag()) strand.join = base::Box(read_join(in));
  if (in.flag()) {
    strand.awaiting.emplace().ids = in.value();
    strand.awaiting->next = static_cast<std::size_t>(in.number());
    if (in.flag()) strand.awaiting->timeout_ms = in.integer();
    strand.awaiting->ordinal = in.number();
    strand.awaiting->has_yielded = in.flag();
  }
  if (in.flag()) strand.call = base::Box(read_call(in));
  strand.calls = read_numbers(in);
  return strand;
}

// Do the strands fit each other and the program? What is executed later relies on it.
bool fits(const Machine::State& state) {
  const program::ProgramData& data = state.data();
  const auto& executions = state.rare->executions;
  const auto find = [&](std::uint32_t number) -> const Strand* {
    const auto found = state.strands.find(number);
    return found == state.strands.end() ? nullptr : &found->second;
  };
  if (find(0) == nullptr) return false;
  for (const auto& [number, strand] : state.strands) {
    if (strand.frames.empty() && (!strand.call || (!strand.call->wanted && !strand.pending))) return false;
    if ((number == 0) != (strand.parent == program::none)) return false;
    if (number == 0 && (strand.call || !strand.path.empty())) return false;
    if (number != 0) {
      // A parent is older, so there is no circle.
      const Strand* const parent = find(strand.parent);
      if (parent == nullptr || strand.parent >= number || strand.path.empty() || parent->frames.empty()) return false;
      const std::vector<std::uint32_t>* siblings = &parent->calls;
      if (!strand.call) {
        if (!parent->join) return false;
        siblings = &parent->join->live;
        const std::uint64_t index = strand.path.back();
        if (index < parent->join->first_index || index - parent->join->first_index >= parent->join->total) return false;
      }
      if (std::find(siblings->begin(), siblings->end(), number) == siblings->end()) return false;
    }
    if (strand.call) {
      const auto execution = executions.find(strand.call->id);
      if (execution == executions.end() || execution->second.strand != number) return false;
      if (strand.call->origin >= data.code.size()) return false;
    }
    for (const std::uint32_t call : strand.calls) {
      const Strand* const child = find(call);
      if (child == nullptr || !child->call || child->parent != number) return false;
    }
    if ((strand.join || strand.awaiting) && strand.frames.empty()) return false;
    if (strand.join) {
      const program::Instruction& at = data.code[strand.frames.back().pc];
      if (at.op != program::Op::fork) return false;
      const program::ForkSite& site = data.fork_sites[at.a];
      const Join& join = *strand.join;
      if (join.next > join.total || join.results.size() > join.total || join.total > UINT32_MAX) return false;
      if (site.source == program::ForkSite::Source::written && join.total != site.branches.size()) return false;
      for (const std::uint32_t branch : join.live) {
        const Strand* const child = find(branch);
        if (child == nullptr || child->call || child->parent != number) return false;
      }
    }
    if (strand.awaiting) {
      if (data.code[strand.frames.back().pc].op != program::Op::await) return false;
      const Value& ids = strand.awaiting->ids;
      if (!ids.is_array() || strand.awaiting->next > ids.size()) return false;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!ids[i].is_string() || executions.find(ids[i].as_string()) == executions.end()) return false;
      }
    }
  }
  for (const auto& [id, execution] : executions) {
    if (execution.strand == program::none) continue;
    const Strand* const strand = find(execution.strand);
    if (strand == nullptr || !strand->call || strand->call->id != id) return false;
  }
  return std::all_of(state.ready.begin(), state.ready.end(),
                     [&](std::uint32_t number) { return find(number) != nullptr; });
}

}  // namespace

std::string Machine::snapshot() const {
  const State& state = *state_;
  Writer out;
  out.out_ = magic;
  out.text(state.program.fingerprint());
  out.text(state.run_id);
  out.integer(state.now_ms);
  for (std::uint64_t counter : {state.steps, state.expression_steps, state.effects, state.live_bytes})
    out.number(counter);
  out.number(state.next_strand);
  out.number(state.strands.size());
  for (const auto& [number, strand] : state.strands) {
    out.number(number);
    write_strand(out, strand);
  }
  out.number(state.ready.size());
  for (std::uint32_t number : state.ready) out.number(number);
  static const machine::Rare nothing;
  const machine::Rare& rare = state.rare ? *state.rare : nothing;
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
  state->set_run_id(std::string(in.text()));
  state->now_ms = in.integer();
  state->steps = in.number();
  state->expression_steps = in.number();
  state->effects = in.number();
  state->live_bytes = in.number();
  state->next_strand = in.small();
  machine::Rare& rare = state->more();
  std::size_t size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    const std::uint32_t number = in.small();
    Strand strand = read_strand(in, state->data());
    if (number != 0 && !rare.numbers.emplace(strand.path, number).second) in.fail();
    state->strands.emplace(number, std::move(strand));
  }
  size = in.count();
  for (std::size_t i = 0; in.ok() && i < size; ++i) {
    state->ready.push_back(in.small());
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
  if (!in.ok() || !in.at_end() || !fits(*state)) return Fault{Fault::Kind::storage, "the snapshot is damaged"};
  return Machine(std::move(state));
}

}  // namespace fnstack
