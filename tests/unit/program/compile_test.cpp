// What compile makes of definitions: which functions there are, what its instructions are, how much it says.
#include <algorithm>
#include <string>
#include <vector>

#include <fnstack/fnstack.hpp>

#include "program/program_data.hpp"
#include "support/catch.hpp"

using namespace fnstack;

namespace {

bool is_builtin(std::string_view name) { return builtin_step_kinds().find(name) != nullptr; }

std::vector<Definition> read(std::string name, std::string text) {
  Module module = parse(Source::make(std::move(name), std::move(text)), is_builtin);
  REQUIRE_FALSE(module.diagnostics.has_errors());
  return std::move(module.definitions);
}

Compiled compile_text(std::string text) { return compile(read("a.json", std::move(text)), builtin_step_kinds()); }

// The disassembly without places and operands' numbers: one name of an instruction a line.
std::vector<std::string> op_names(const Program& program) {
  std::vector<std::string> names;
  const std::string text = program.disassemble();
  for (const auto& instruction : program.data().code) names.emplace_back(program::name_of(instruction.op));
  CHECK(std::count(text.begin(), text.end(), '\n') >= static_cast<std::ptrdiff_t>(names.size()));
  return names;
}

}  // namespace

TEST_CASE("documentation beside a definition is left out, with a note") {
  const Compiled compiled = compile_text(R"(
    {"function_name": "main", "steps": [{"function": "Response", "body": 1}]}
    {"function_name": "timings", "steps": [{"function": "database_query", "time": "12ms"}]})");
  CHECK(compiled.program.flows() == std::vector<std::string>{"main"});
  CHECK_FALSE(compiled.program.has("timings"));
  REQUIRE(compiled.diagnostics.items().size() == 1);
  CHECK(compiled.diagnostics.items()[0].code == "not-a-definition");
  CHECK(compiled.diagnostics.items()[0].severity == Diagnostic::Severity::note);
}

TEST_CASE("a misspelt step is no documentation") {
  const Compiled compiled = compile_text(R"(
    {"function_name": "main", "steps": [{"function": "Response", "body": 1}]}
    {"function_name": "helper", "steps": [{"function": "Respnse", "body": 1}]})");
  REQUIRE(compiled.diagnostics.items().size() == 1);
  CHECK(compiled.diagnostics.items()[0].message == "unknown step \"Respnse\"; did you mean \"Response\"?");
  CHECK(compiled.program.empty());
}

TEST_CASE("a name that two texts define is told with both places") {
  const Compiled compiled = compile(read("a.json", R"({"function_name": "f", "steps": []})"), builtin_step_kinds(), {},
                                    read("b.json", R"({"function_name": "f", "steps": []})"));
  REQUIRE(compiled.diagnostics.items().size() == 1);
  CHECK(to_text(compiled.diagnostics.items()[0]) ==
        "b.json:1:1: error: \"f\" is defined twice; the first is at a.json:1:1\n"
        "  1 | {\"function_name\": \"f\", \"steps\": []}\n"
        "    | ^\n");
}

TEST_CASE("the first hundred problems are told, and how many there are") {
  std::string text = "[";
  for (int i = 0; i < 130; ++i) {
    text +=
        (i == 0 ? "" : ",") + std::string(R"({"function": "Create Variable", "name": "a", "value": 1, "zzzzz": 1})");
  }
  const Compiled compiled = compile_text(text + "]");
  REQUIRE(compiled.diagnostics.items().size() == 101);
  CHECK(compiled.diagnostics.items().back().message == "30 more problems are not listed");
  CHECK(compiled.diagnostics.items().back().severity == Diagnostic::Severity::note);
}

TEST_CASE("an implicit result is stored only where some template reads it") {
  const auto result_of_first = [](const char* second) {
    const Compiled compiled = compile_text(
        std::string(R"([{"function": "Math", "operation": "add", "value1": 1, "value2": 1},)") + second + "]");
    REQUIRE_FALSE(compiled.program.empty());
    return compiled.program.data().code[0].b;
  };
  CHECK(result_of_first(R"({"function": "Response", "body": "{{math}}"})") != program::none);
  CHECK(result_of_first(R"({"function": "Response", "body": "{{sum}}"})") == program::none);
}

TEST_CASE("a Conditional is a test and two jumps, a Response two instructions") {
  const Compiled compiled = compile_text(R"([
    {"function": "Conditional", "condition": "{{inputs.a > 1}}",
     "true_steps": [{"function": "Create Variable", "name": "x", "value": 1}],
     "false_steps": [{"function": "Create Variable", "name": "x", "value": 2}]},
    {"function": "Response", "body": "{{x}}"}])");
  CHECK(op_names(compiled.program) == std::vector<std::string>{"jump_unless", "assign", "jump", "assign",
                                                               "make_response", "return_response", "finish"});
}

TEST_CASE("a name that some step sets is that variable everywhere, whatever else is called so") {
  const Compiled compiled = compile_text(R"([
    {"function": "Create Variable", "name": "before", "value": "{{timestamp}}"},
    {"function": "Create Variable", "name": "timestamp", "value": 1}])");
  REQUIRE(compiled.program.data().functions[0].inputs.empty());
  CHECK(compiled.program.data().functions[0].variables.size() == 2);
  CHECK(compiled.diagnostics.empty());
}

TEST_CASE("the fingerprint is the texts'") {
  const auto fingerprint = [](const char* text) { return compile_text(text).program.fingerprint(); };
  CHECK(fingerprint(R"([{"function": "Response", "body": 1}])") ==
        fingerprint(R"([{"function": "Response", "body": 1}])"));
  CHECK(fingerprint(R"([{"function": "Response", "body": 1}])") !=
        fingerprint(R"([{"function": "Response", "body": 2}])"));
}
