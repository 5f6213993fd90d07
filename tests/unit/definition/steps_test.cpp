#include "definition/steps.hpp"

#include "reading.hpp"
#include "support/catch.hpp"

using fnstack_test::parse;
using fnstack_test::problems;

TEST_CASE("what is no step in a stack is reported, never skipped") {
  CHECK(
      problems(R"({"function_name":"f","steps":[{"function":"Wait"},{"func":"Wait"},"note",{"function":1},{}]})") ==
      "1:51 error missing-function: steps[1]: step without \"function\" [write \"function\" for \"func\"] (/steps/1) "
      "{f}\n"
      "1:67 error wrong-type: steps[2]: expected a step, got text [a step is an object with \"function\"] (/steps/2) "
      "{f}\n"
      "1:86 error wrong-type: steps[3]: \"function\": expected text, got a number (/steps/3/function) {f}\n"
      "1:89 error missing-function: steps[4]: step without \"function\" [give its \"function\", or move what is a note "
      "into \"description\"] (/steps/4) {f}\n");
  CHECK(problems(R"([{"function":"Wait"},null])") ==
        "1:22 error wrong-type: steps[1]: expected a step, got null [a step is an object with \"function\"] (/1)\n");
  CHECK(problems(R"({"function_name":"f","steps":["do this"]})") ==
        "1:31 error wrong-type: steps[0]: expected a step, got text [a step is an object with \"function\"] (/steps/0) "
        "{f}\n");
}

TEST_CASE("of very many bad elements the first are reported one by one") {
  std::string text = R"({"function_name":"f","steps":[)";
  for (int i = 0; i < 25; ++i) text += "0,";
  const fnstack::Module module = parse(text + "]}");
  REQUIRE(module.diagnostics.items().size() == 21);
  CHECK(module.diagnostics.items()[0].message == "steps: 5 more elements that are no steps");
  CHECK(module.diagnostics.items()[20].message == "steps[19]: expected a step, got a number");
}

TEST_CASE("blocks within steps") {
  // A step of no kind known here, which holds the blocks.
  const fnstack::Module holder = parse(R"([{"function": "Try-Catch", "blocks":
    {"a": [{"function": "Wait"}], "b": {"function": "Wait"}, "c": null,
    "d": "text", "e": {"x": 1}}}])");
  const fnstack::Definition& definition = holder.definitions.at(0);
  const fnstack::Node& blocks = *definition.steps.at(0).node->find("blocks");
  fnstack::Module found;
  const auto steps = [&](const char* key) {
    std::string out;
    for (const fnstack::Step& step : fnstack::definition::read_steps(*blocks.find(key), std::string("/0/") + key,
                                                                     definition.source, found.diagnostics, "here")) {
      out += step.path;
    }
    return out;
  };
  CHECK(steps("a") == "/0/a/0");
  CHECK(steps("b") == "/0/b");
  CHECK(steps("c") == "");
  CHECK(problems(found) == "");
  CHECK(steps("d") == "");
  CHECK(steps("e") == "");
  CHECK(problems(found) ==
        "3:10 error wrong-type: d: expected a list of steps, got text [a step is an object with \"function\"] (/0/d) "
        "{here}\n"
        "3:23 error missing-function: e: step without \"function\" [give its \"function\", or move what is a note into "
        "\"description\"] (/0/e) {here}\n");
}

TEST_CASE("where a step stands, in words") {
  const fnstack::Module module =
      parse(R"({"w":{"steps":[{"function":"Wait","step":"Charge card"},{"function":"Wait"}]}})");
  const fnstack::Definition& definition = module.definitions.at(0);
  CHECK(fnstack::definition::step_context(definition, definition.steps.at(0)) == "w, steps[0] \"Charge card\"");
  fnstack::Step inner = definition.steps.at(1);
  inner.path += "/cases/a~1b/3";
  CHECK(fnstack::definition::step_context(definition, inner) == "w, steps[1].cases.a/b[3]");
  const fnstack::Module bare = parse(R"([{"function":"Wait"}])");
  CHECK(fnstack::definition::step_context(bare.definitions.at(0), bare.definitions[0].steps.at(0)) ==
        "definition 1, steps[0]");
}
