// Branches and asynchronous calls: the same definition with answers in many orders ends the same and asks the same
// under the same ids; and what a host sees of cancelling.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"

using namespace fnstack;

namespace {

Program program_of(const std::string& text) {
  const StepKinds& kinds = builtin_step_kinds();
  Module module =
      parse(Source::make("test.json", text), [&](std::string_view name) { return kinds.find(name) != nullptr; });
  INFO(text);
  INFO(module.diagnostics.to_text());
  REQUIRE(!module.diagnostics.has_errors());
  CompileOptions options;
  options.host_functions = {"work"};
  Compiled compiled = compile(std::move(module.definitions), kinds, options);
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return compiled.program;
}

Start start_of_main() {
  Start start;
  start.flow = "main";
  start.run_id = "r";
  start.now_ms = 1000;
  return start;
}

// Definitions whose end does not depend on the order of answers, by chance: branches, parallel loops, asynchronous
// calls, errors that are settled or caught where they arise.
class Trees {
 public:
  explicit Trees(unsigned seed) : random_(seed) {}

  std::string text() {
    const std::string main = block(3);
    is_in_f_ = true;  // which does not call itself
    return R"({"main": {"function_name": "main", "steps": [)" + main + R"(]}, "f": {"function_name": "f", "steps": [)" +
           block(1) + "]}}";
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  std::string quoted(const std::string& text) { return "\"" + text + "\""; }

  std::string step(int depth, const std::string& out) {
    const std::string output = R"(, "output_variable": ")" + out + "\"}";
    const std::string work = R"({"function": "work", "id": ")" + std::to_string(++leaves_) + R"({{uuid}}")";
    const std::string leaf = work + output;
    if (depth == 0) return pick(4) == 0 ? R"({"function": "Wait", "duration_seconds": 1})" : leaf;
    switch (pick(is_in_f_ ? 4 : 7)) {
      case 0:
        return R"({"function": "Parallel", "branches": {"a": [)" + block(depth - 1) + R"(], "b": [)" +
               block(depth - 1) + R"(], "c": []}, "max_concurrency": )" + std::to_string(1 + pick(3)) + output;
      case 1:
        return R"({"function": "Parallel", "branches": [[)" + block(depth - 1) + "], [" + block(depth - 1) + "]]" +
               output;
      case 2:
        return R"({"function": "Parallel", "mode": "settled", "branches": [[)" + leaf +
               R"(, {"function": "throw", "message": "no {{)" + out + R"(}}"}], [)" + block(depth - 1) + "]]" + output;
      case 3:
        return R"({"function": "Loop", "parallel": true, "times": )" + std::to_string(pick(5)) +
               R"(, "max_concurrency": )" + std::to_string(1 + pick(4)) + R"(, "steps": [)" + block(depth - 1) + "]" +
               output;
      case 4: {
        const std::string id = out + "_id";
        return R"({"function": "Custom Function", "custom_function": "f", "execution_mode": "async", "output_variable": ")" +
               id + "\"}, " + leaf + R"(, {"function": "Async Function Await", "execution_ids": ["{{)" + id +
               R"(}}", "{{)" + id + R"(}}"]})" + R"(, {"function": "Async Function Await", "execution_ids": "{{)" + id +
               "}}\"" + (pick(2) == 0 ? R"(, "timeout": 100000)" : "") + output;
      }
      case 5:
        return R"({"function": "Try-Catch", "try_steps": [{"function": "Parallel", "branches": [[)" + work +
               R"(}, {"function": "throw", "message": "x"}]]}], "catch_steps": [)" + step(depth - 1, out) + "]}";
      default:
        return leaf;
    }
  }

  std::string block(int depth) {
    const std::size_t count = 1 + pick(2);
    std::string steps;
    std::string names;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "v" + std::to_string(++variables_);
      steps += step(depth, name) + ", ";
      names += (names.empty() ? "" : ", ") + quoted("{{" + name + "}}");
    }
    return steps + R"({"function": "Return Value", "value": [)" + names + "]}";
  }

  std::mt19937 random_;
  bool is_in_f_ = false;
  int leaves_ = 0;
  int variables_ = 0;
};

struct Seen {
  std::map<std::string, std::string> effects;  // by id; timeouts of awaits are asked for or not
  std::string end;
  friend bool operator==(const Seen&, const Seen&) = default;
};

// Answers what is under way in the order that `random` gives, a copy or a restored machine now and then.
Seen run(const Program& program, std::mt19937& random) {
  Machine machine(program, start_of_main());
  Seen seen;
  std::vector<Machine::Perform> under_way;
  std::int64_t now = 1000;
  for (;;) {
    Machine::Next next = machine.next(1 + random() % 40);
    switch (random() % 8) {
      case 0: {
        Machine copy = machine;
        machine = std::move(copy);
        break;
      }
      case 1: {
        auto restored = Machine::restore(program, machine.snapshot(), start_of_main());
        REQUIRE(std::holds_alternative<Machine>(restored));
        REQUIRE(std::get<Machine>(restored).snapshot() == machine.snapshot());
        machine = std::move(std::get<Machine>(restored));
        break;
      }
      default:
        break;
    }
    if (auto* asked = std::get_if<Machine::Perform>(&next)) {
      const auto* call = std::get_if<HostCall>(&asked->effect);
      const auto* sleep = std::get_if<Sleep>(&asked->effect);
      if (call != nullptr) {
        CHECK(seen.effects.emplace(asked->id.to_string(), to_json(call->arguments)).second);
      } else if (sleep->duration_ms == 1000) {
        CHECK(seen.effects.emplace(asked->id.to_string(), "sleep").second);
      } else {
        continue;  // a timeout that is never reached
      }
      under_way.push_back(std::move(*asked));
      if (random() % 2 == 0) continue;
    } else if (std::holds_alternative<Machine::Ended>(next)) {
      break;
    } else if (std::holds_alternative<Machine::Waiting>(next)) {
      REQUIRE(!under_way.empty());
    } else {
      continue;
    }
    if (under_way.empty()) continue;
    const std::size_t chosen = random() % under_way.size();
    const auto* call = std::get_if<HostCall>(&under_way[chosen].effect);
    machine.resume(under_way[chosen].id, EffectReply(call == nullptr ? Value() : call->arguments.get("id")), ++now);
    under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  REQUIRE(!machine.fault());
  const Outcome& outcome = machine.outcome();
  seen.end = std::string(name_of(outcome.status)) + " " +
             (outcome.response ? to_json(outcome.response->body)
              : outcome.error  ? outcome.error->message
                               : "") +
             " " + std::to_string(outcome.steps);
  return seen;
}

}  // namespace

TEST_CASE("the order of answers changes neither the end nor what is asked") {
  std::size_t effects = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    const std::string text = Trees(seed).text();
    INFO(seed << ": " << text);
    const Program program = program_of(text);
    std::mt19937 random(seed);
    const Seen first = run(program, random);
    CHECK(first.end.starts_with("completed "));
    effects += first.effects.size();
    for (int i = 0; i < 6; ++i) REQUIRE(run(program, random) == first);
  }
  CHECK(effects > 500);
}

TEST_CASE("cancelling a run gives up everything that is under way, however deep") {
  const Program program = program_of(R"({"main": {"function_name": "main", "steps": [
    {"function": "Custom Function", "custom_function": "f", "execution_mode": "async", "output_variable": "x"},
    {"function": "Parallel", "branches": [
      [{"function": "Try-Catch", "try_steps": [{"function": "Wait", "duration_seconds": 9}], "finally_steps": [{"function": "work"}]}],
      [{"function": "Parallel", "branches": [[{"function": "work"}], [{"function": "f"}]]}]]}]},
    "f": {"function_name": "f", "steps": [{"function": "work"}, {"function": "Response", "body": "{{x}}"}]}})");
  Machine machine(program, start_of_main());
  std::set<std::string> asked;
  std::set<std::string> abandoned;
  for (;;) {
    Machine::Next next = machine.next();
    if (auto* perform = std::get_if<Machine::Perform>(&next)) asked.insert(perform->id.to_string());
    if (auto* abandon = std::get_if<Machine::Abandon>(&next)) abandoned.insert(abandon->id.to_string());
    if (std::holds_alternative<Machine::Waiting>(next)) machine.cancel(make_error(error_type::cancelled, "enough"));
    if (std::holds_alternative<Machine::Ended>(next)) break;
  }
  CHECK(asked == std::set<std::string>{"r/0:0", "r/1:0", "r/2.0:0", "r/2.1:0"});
  CHECK(abandoned == asked);
  CHECK(machine.outcome().status == Outcome::Status::cancelled);
}

TEST_CASE("a damaged snapshot of branches is refused or goes on, never worse") {
  const Program program = program_of(R"({"main": {"function_name": "main", "steps": [
    {"function": "Custom Function", "custom_function": "work", "execution_mode": "async", "output_variable": "x"},
    {"function": "Parallel", "mode": "settled", "max_concurrency": 2, "branches": [
      [{"function": "Async Function Await", "execution_ids": "{{x}}", "timeout": 5}],
      [{"function": "Loop", "parallel": true, "times": 3, "steps": [{"function": "work", "id": "{{item}}"}]}],
      [{"function": "work"}]], "output_variable": "r"}]}})");
  Machine machine(program, start_of_main());
  while (!std::holds_alternative<Machine::Waiting>(machine.next())) {
  }
  const std::string snapshot = machine.snapshot();
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < snapshot.size(); ++at) {
    for (const int change : {0x01, 0x02, 0x10, 0x55, 0x80}) {
      std::string changed = snapshot;
      changed[at] = static_cast<char>(changed[at] ^ change);
      auto restored = Machine::restore(program, changed, start_of_main());
      if (std::holds_alternative<Fault>(restored)) continue;
      ++accepted;
      Machine& other = std::get<Machine>(restored);
      for (int i = 0; i < 50 && !std::holds_alternative<Machine::Ended>(other.next(1000)); ++i) {
        for (const char* id : {"0", "1", "2.0", "2.1", "2.2", "3"}) {
          EffectId effect{"r", {}, 0};
          for (const char* part = id; *part != '\0'; part += part[1] == '\0' ? 1 : 2)
            effect.strand.push_back(static_cast<std::uint32_t>(*part - '0'));
          other.resume(effect, EffectReply(Value(1)), 2000);
        }
      }
      other.cancel(make_error(error_type::cancelled, "enough"));
    }
  }
  CHECK(accepted > 0);
}

TEST_CASE("finished branches leave nothing behind") {
  const Program program = program_of(R"({"main": {"function_name": "main", "steps": [
    {"function": "Loop", "times": 200, "steps": [
      {"function": "Parallel", "branches": [[{"function": "Math", "operation": "add", "value1": 1, "value2": 2}], [{"function": "Create Variable", "name": "t", "value": "{{'x'|repeat(1000)}}"}]]},
      {"function": "Loop", "parallel": true, "times": 5, "steps": [{"function": "Try-Catch", "try_steps": [{"function": "throw", "message": "{{'y'|repeat(1000)}}"}], "catch_steps": []}], "output_variable": "r"}]}]}})");
  Start start = start_of_main();
  Limits limits;
  limits.live_bytes = 40'000;
  start.limits = std::make_shared<const Limits>(limits);
  Machine machine(program, std::move(start));
  while (!std::holds_alternative<Machine::Ended>(machine.next())) {
  }
  INFO((machine.outcome().error ? machine.outcome().error->message : ""));
  CHECK(machine.outcome().status == Outcome::Status::completed);
}
