// The machine driven by hand: the five answers, effects of several strands, results in any order, abandoning,
// cancelling, copies. One program is built here from instructions, which needs no step that forks.
#include <fnstack/fnstack.hpp>

#include "program/program_data.hpp"
#include "support/catch.hpp"

using namespace fnstack;
using program::Instruction;
using program::Op;

namespace {

Compiled load(const std::string& text, CompileOptions options = {}) {
  const StepKinds& kinds = builtin_step_kinds();
  Module module =
      parse(Source::make("test.json", text), [&](std::string_view name) { return kinds.find(name) != nullptr; });
  INFO(module.diagnostics.to_text());
  REQUIRE(!module.diagnostics.has_errors());
  return compile(std::move(module.definitions), kinds, options);
}

Program program_of(const std::string& text) {
  Compiled compiled = load(text, {.host_functions = {"host"}});
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return compiled.program;
}

Start start_at(std::int64_t now = 1000) {
  Start start;
  start.run_id = "r";
  start.now_ms = now;
  return start;
}

// Calls `left` and `right` of the host in two branches, then responds with both results.
Program two_branches() {
  auto data = std::make_shared<program::ProgramData>();
  data->host_functions = {"left", "right"};
  program::FunctionInfo function;
  function.names = {"main"};
  function.slots = program::slot::first_free + 2;
  const std::uint32_t result = program::slot::first_free;
  const std::uint32_t both = program::slot::first_free + 1;
  for (const char* name : {"left", "right"}) {
    program::CallSite site;
    site.name = name;
    site.host = true;
    site.result = result;
    data->call_sites.push_back(site);
  }
  program::Operand joined;
  joined.kind = program::Operand::Kind::expression;
  Diagnostics diagnostics;
  auto parsed = expr::parse("x", 0, {}, diagnostics);
  joined.expression = expr::bind(*parsed, [&](const expr::NameUse&) {
    return expr::Reference{expr::Reference::Kind::slot, both, expr::Reference::none, false};
  });
  data->operands.push_back(joined);
  data->response_sites.push_back({program::none, 0, program::none, false});
  program::ForkSite fork;
  fork.branches = {{3, 5}, {5, 7}};
  fork.on_response = 2;
  data->fork_sites.push_back(fork);
  data->code = {{Op::fork, true, 0, both, program::none, program::none},
                {Op::make_response, true, 0, program::slot::response, program::none, program::none},
                {Op::return_response, false, program::slot::response, program::none, program::none, program::none},
                {Op::call, true, 0, program::none, program::none, program::none},
                {Op::end_branch, false, result, program::none, program::none, program::none},
                {Op::call, true, 1, program::none, program::none, program::none},
                {Op::end_branch, false, result, program::none, program::none, program::none}};
  function.source = Source::make("two branches", "");
  data->functions.push_back(function);
  return Program(std::move(data));
}

template <class T>
T take(Machine::Next next) {
  REQUIRE(std::holds_alternative<T>(next));
  return std::get<T>(std::move(next));
}

}  // namespace

TEST_CASE("two strands ask side by side and take their answers in any order") {
  for (const bool reversed : {false, true}) {
    Machine machine(two_branches(), start_at());
    auto first = take<Machine::Perform>(machine.next());
    auto second = take<Machine::Perform>(machine.next());
    CHECK(std::get<HostCall>(first.effect).function == "left");
    CHECK(std::get<HostCall>(second.effect).function == "right");
    CHECK(first.id.to_string() == "r/0:0");
    CHECK(second.id.to_string() == "r/1:0");
    take<Machine::Waiting>(machine.next());
    if (reversed) {
      machine.resume(second.id, EffectReply(Value("R")), 2000);
      take<Machine::Waiting>(machine.next());
      machine.resume(first.id, EffectReply(Value("L")), 3000);
    } else {
      machine.resume(first.id, EffectReply(Value("L")), 2000);
      machine.resume(second.id, EffectReply(Value("R")), 3000);
    }
    take<Machine::Ended>(machine.next());
    REQUIRE(machine.outcome().response.has_value());
    CHECK(to_json(machine.outcome().response->body) == R"(["L","R"])");
    CHECK(machine.outcome().steps == 4);
    CHECK(machine.outcome().effects == 2);
  }
}

TEST_CASE("a branch that fails abandons its sibling's effect") {
  Machine machine(two_branches(), start_at());
  auto first = take<Machine::Perform>(machine.next());
  auto second = take<Machine::Perform>(machine.next());
  machine.resume(first.id, make_error(error_type::function, "broken"), 2000);
  auto abandoned = take<Machine::Abandon>(machine.next());
  CHECK(abandoned.id == second.id);
  take<Machine::Ended>(machine.next());
  CHECK(machine.outcome().status == Outcome::Status::failed);
  CHECK(machine.outcome().error->message == "broken");
  // Its answer may still come: it is ignored.
  machine.resume(second.id, EffectReply(Value(1)), 3000);
  CHECK(!machine.fault());
}

TEST_CASE("cancelling abandons what is under way") {
  Machine machine(two_branches(), start_at());
  auto first = take<Machine::Perform>(machine.next());
  auto second = take<Machine::Perform>(machine.next());
  machine.cancel(make_error(error_type::cancelled, "enough"));
  auto one = take<Machine::Abandon>(machine.next());
  auto two = take<Machine::Abandon>(machine.next());
  CHECK(one.id == first.id);
  CHECK(two.id == second.id);
  take<Machine::Ended>(machine.next());
  CHECK(machine.outcome().status == Outcome::Status::cancelled);
}

TEST_CASE("a machine yields when its budget is used up, and goes on") {
  Machine machine(
      program_of(
          R"([{"function": "Loop", "times": 100, "steps": [{"function": "Math", "operation": "add", "value1": "{{n || 0}}", "value2": 1, "output_variable": "n"}]}])"),
      start_at());
  int yields = 0;
  for (;;) {
    Machine::Next next = machine.next(10);
    if (std::holds_alternative<Machine::Ended>(next)) break;
    take<Machine::Yielded>(std::move(next));
    ++yields;
  }
  CHECK(yields >= 20);
  CHECK(machine.outcome().variables.get("n").as_integer() == 100);
}

TEST_CASE("steps that handle much use up the budget sooner") {
  // The text, and the list, of a mebibyte: each pass is worth 1,024 instructions or more.
  for (const std::string step :
       {R"({"function": "Create Variable", "variable_name": "b", "value": "{{inputs.text}}!"})",
        R"({"function": "Text", "operation": "uppercase", "text": "{{inputs.text}}", "output_variable": "b"})",
        R"({"function": "Create Variable", "variable_name": "b", "value": "{{inputs.list.slice(1)}}"})",
        R"({"function": "Arrays", "operation": "reverse", "array": "{{inputs.list}}", "output_variable": "b"})",
        R"({"function": "Switch", "variable": "{{inputs.text}}", "cases": {"a": [{"function": "Break"}]}})"}) {
    INFO(step);
    Start start = start_at();
    start.inputs = Value::object({{"text", std::string(std::size_t{1} << 20, 'a')},
                                  {"list", Value::array(std::vector<Value>(std::size_t{1} << 16, Value(1)))}});
    Machine machine(program_of(R"([{"function": "Loop", "times": 20, "steps": [)" + step + "]}]"), std::move(start));
    int yields = 0;
    for (;;) {
      Machine::Next next = machine.next(1000);
      if (std::holds_alternative<Machine::Ended>(next)) break;
      take<Machine::Yielded>(std::move(next));
      ++yields;
    }
    CHECK(yields >= 20);
    CHECK(machine.outcome().status == Outcome::Status::completed);
  }
}

TEST_CASE("the text of templates counts towards the run's steps") {
  Start start = start_at();
  start.inputs = Value::object({{"text", std::string(std::size_t{1} << 20, 'a')}});
  Machine machine(
      program_of(
          R"([{"function": "Loop", "times": 2000, "steps": [{"function": "Create Variable", "variable_name": "b", "value": "{{inputs.text}}!"}]}])"),
      std::move(start));
  take<Machine::Ended>(machine.next());
  REQUIRE(machine.outcome().error.has_value());
  CHECK(machine.outcome().error->message == "steps: the run takes more than 1000000 steps");
}

TEST_CASE("a run's id may have any length, and goes with copies and snapshots") {
  const Program program = program_of(R"([{"function": "host"}, {"function": "Response", "body": "{{run.id}}"}])");
  const std::string uuid = "01234567-89ab-4cde-8f01-23456789abcd";
  for (const std::string& id : {std::string("r"), uuid, uuid + "0", std::string(1000, 'x')}) {
    Start start = start_at();
    start.run_id = "another one, and a longer one than a UUID";
    Machine machine(program, start);
    machine.rename(id);
    CHECK(machine.run_id() == id);
    auto asked = take<Machine::Perform>(machine.next());
    CHECK(asked.id.run == id);
    Machine fork = machine;
    machine.rename("short");
    CHECK(machine.run_id() == "short");
    CHECK(fork.run_id() == id);
    Machine again = std::get<Machine>(Machine::restore(program, fork.snapshot(), start_at()));
    CHECK(again.run_id() == id);
    CHECK(again.place_of(asked.id).step == "host");
    again.resume(asked.id, EffectReply(Value()), 2000);
    take<Machine::Ended>(again.next());
    CHECK(again.outcome().response->body == Value(id));
  }
}

TEST_CASE("a copy goes its own way") {
  Machine machine(
      program_of(R"([{"function": "host", "output_variable": "x"}, {"function": "Response", "body": "{{x}}"}])"),
      start_at());
  auto asked = take<Machine::Perform>(machine.next());
  Machine fork = machine;
  machine.resume(asked.id, EffectReply(Value(1)), 2000);
  fork.resume(asked.id, EffectReply(Value(2)), 2000);
  take<Machine::Ended>(machine.next());
  take<Machine::Ended>(fork.next());
  CHECK(machine.outcome().response->body == Value(1));
  CHECK(fork.outcome().response->body == Value(2));
}

TEST_CASE("misuse is a fault, not an error of the run") {
  Machine machine(two_branches(), start_at());
  machine.resume(EffectId{"r", {7}, 3}, EffectReply(Value()), 2000);
  take<Machine::Ended>(machine.next());
  REQUIRE(machine.fault());
  CHECK(machine.fault()->kind == Fault::Kind::usage);
  CHECK(machine.fault()->message == "resume: effect r/7:3 was never asked for");

  Start start = start_at();
  start.flow = "nowhere";
  Machine unknown(two_branches(), std::move(start));
  take<Machine::Ended>(unknown.next());
  REQUIRE(unknown.fault());
  CHECK(unknown.fault()->message == "the program has no flow \"nowhere\"");
}

TEST_CASE("the same start gives the same run, byte for byte") {
  const Program program =
      program_of(R"([{"function": "host", "id": "{{uuid}}", "at": "{{timestamp}}", "output_variable": "x"}])");
  const auto ask = [&] {
    Machine machine(program, start_at(42));
    return to_json(std::get<HostCall>(take<Machine::Perform>(machine.next()).effect).arguments);
  };
  const std::string once = ask();
  CHECK(once == ask());
  CHECK(once.find(R"("at":42)") != std::string::npos);
}

TEST_CASE("a snapshot fits its own program only, and damage is found") {
  const Program program = program_of(
      R"([{"function": "host", "output_variable": "x"}, {"function": "Response", "body": "{{x}}{{env.E}}"}])");
  Start start = start_at();
  start.env = Value::object({{"E", "secret"}});
  Machine machine(program, start);
  auto asked = take<Machine::Perform>(machine.next());
  const std::string snapshot = machine.snapshot();
  CHECK(snapshot.find("secret") == std::string::npos);

  auto restored = Machine::restore(program, snapshot, start);
  REQUIRE(std::holds_alternative<Machine>(restored));
  Machine& again = std::get<Machine>(restored);
  again.resume(asked.id, EffectReply(Value("v-")), 2000);
  take<Machine::Ended>(again.next());
  CHECK(again.outcome().response->body == Value("v-secret"));

  auto other = Machine::restore(two_branches(), snapshot, start);
  REQUIRE(std::holds_alternative<Fault>(other));
  CHECK(std::get<Fault>(other).message.find("the snapshot is of another program") == 0);
  auto nothing = Machine::restore(program, "hello", start);
  CHECK(std::get<Fault>(nothing).message == "this is no snapshot of this version");
  // Cut or changed at any byte it is refused or read, never worse.
  for (std::size_t size = 0; size < snapshot.size(); ++size) {
    CHECK(std::holds_alternative<Fault>(Machine::restore(program, std::string_view(snapshot).substr(0, size), start)));
    std::string changed = snapshot;
    changed[size] = static_cast<char>(changed[size] ^ 0x55);
    static_cast<void>(Machine::restore(program, changed, start));
  }
}

TEST_CASE("two strands survive being written out at any moment") {
  const Program program = two_branches();
  Machine machine(program, start_at());
  const auto through_text = [&](const Machine& from) {
    auto restored = Machine::restore(program, from.snapshot(), start_at());
    REQUIRE(std::holds_alternative<Machine>(restored));
    return std::move(std::get<Machine>(restored));
  };
  auto first = take<Machine::Perform>(machine.next());
  machine = through_text(machine);
  auto second = take<Machine::Perform>(machine.next());
  machine = through_text(machine);
  machine.resume(second.id, EffectReply(Value("R")), 2000);
  machine = through_text(machine);
  take<Machine::Waiting>(machine.next());
  machine = through_text(machine);
  machine.resume(first.id, EffectReply(Value("L")), 3000);
  machine = through_text(machine);
  take<Machine::Ended>(machine.next());
  CHECK(to_json(machine.outcome().response->body) == R"(["L","R"])");
}
