// Cases: a definition, the effects it is expected to ask for with the answers to give, and how the run ends. A case
// is a JSON file; nothing is mocked, because the machine performs nothing itself:
//
//   {"definition": …, "inputs": {}, "env": {}, "now": 1700000000000, "limits": {"steps": 10},
//    "dialogue": [{"expect": {"http": {"method": "GET", "url": "https://…"}}, "reply": {"status": 200, "body": {}}},
//                 {"expect": {"sleep_ms": 30000}, "reply": {"value": null}}],
//    "result": {"status": "completed", "response": {…}, "variables": {…}, "error": {…}}}
//
// Effects of several strands can be under way together. Then the dialogue says what is asked before anything is
// answered, and which of the effects (counted from 0, all of the run) are answered in which order:
//
//    "dialogue": [{"pending": [{"call": "left"}, {"call": "right", "id": "run/1:0"}]},
//                 {"answer": 1, "reply": {"value": "R"}},
//                 {"abandoned": [0]}]
//
// "pending" is all that the machine asks for until it waits; "id" is the effect's. "abandoned" are effects that the
// machine has given up by then. A run that has to wait for nothing that is under way is a fault of the case.
//
// Objects under "expect" and "result" say what must be there, not all that is; null says a member is null or absent.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <fnstack/fnstack.hpp>

namespace fnstack::testing {

struct Case {
  std::string name;  // "external_api_request/raises_on_404.json"
  Value content;
};

// All cases below a folder of tests/cases, sorted by name. An unreadable one is a case whose content is null.
[[nodiscard]] std::vector<Case> read_cases(const std::string& folder);

// What a case does at each effect, beside answering it: a test of snapshots swaps the machine here.
using AtEffect = std::function<void(Machine& machine, const Program& program, const Start& start)>;

// Empty, or what differed.
[[nodiscard]] std::string run_case(const Case& test, const AtEffect& at_effect = {});

// The parts of it, for tests that let a driver perform the effects.
struct Prepared {
  Program program;
  Start start;
};
[[nodiscard]] std::string prepare(const Case& test, Prepared& prepared);  // empty, or what is wrong with the case
[[nodiscard]] EffectResult reply_from(const Value& reply, const Effect& effect, std::int64_t now_ms);
[[nodiscard]] std::string compare_result(const Case& test, const Outcome& outcome);  // empty, or what differed

// An effect as "expect" writes it.
[[nodiscard]] Value effect_to_value(const Effect& effect);
// Is `expected` contained in `actual`? Empty, or the first difference with its place.
[[nodiscard]] std::string difference(const Value& expected, const Value& actual, const std::string& place);

}  // namespace fnstack::testing
