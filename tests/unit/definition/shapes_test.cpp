#include "definition/shapes.hpp"

#include "reading.hpp"
#include "support/catch.hpp"

using fnstack_test::parse;
using fnstack_test::problems;
using fnstack_test::summary;

namespace {

// A text that has no problems, as its summary.
std::string shape(std::string text) {
  const fnstack::Module module = parse(std::move(text));
  CHECK(problems(module) == "");
  return summary(module);
}

// name:type, ! required, =default
std::string inputs(const fnstack::Module& module) {
  std::string out;
  for (const fnstack::Parameter& parameter : module.definitions.at(0).parameters) {
    out += parameter.name + ":" + parameter.type + (parameter.required ? "!" : "");
    if (parameter.default_value != nullptr) {
      const fnstack::Span span = parameter.default_value->span;
      out += "=" + std::string(module.definitions[0].source->text().substr(span.begin, span.end - span.begin));
    }
    out += " ";
  }
  return out;
}

}  // namespace

TEST_CASE("stacks, single steps and definitions") {
  CHECK(shape(R"([{"function":"Wait"},{"function":"Loop"}])") == "1 anonymous @: /0 /1\n");
  CHECK(shape(R"({"function":"Wait","step":"pause"})") == "1 anonymous @: pause=.\n");
  CHECK(shape(R"({"function_name":"f","steps":[{"function":"Wait","step":3}]})") == "f @: 3=/steps/0\n");
  CHECK(shape(R"({"function_stack":[{"function":"Wait"}]})") == "1 anonymous @: /function_stack/0\n");
  CHECK(shape(R"({"trigger_name":"t","workflow":[{"function":"Wait"}]})") == "t @: /workflow/0\n");
  CHECK(shape(R"({"stack":[{"function":"Wait"}]})") == "1 anonymous @: /stack/0\n");
  CHECK(shape(R"({"function_name":"f","steps":[],"response":{"a":1}})") == "f @:\n");
}

TEST_CASE("a step kind with a stack is a step, any other name with one is defined by it") {
  CHECK(shape(R"({"function":"For Each","array":[],"function_stack":[{"function":"Wait"}]})") == "1 anonymous @: .\n");
  const fnstack::Module module = parse(
      R"({"function":"send","to":"{{x}}","inputs":{"a":"text"},"x-note":1,"function_stack":[{"function":"Wait"}]})");
  CHECK(problems(module) == "");
  CHECK(summary(module) == "send headed @: /function_stack/0\n");
  REQUIRE(module.definitions[0].default_inputs.size() == 1);
  CHECK(module.definitions[0].default_inputs[0]->key == "to");
  CHECK(inputs(module) == "a:text ");
  CHECK(shape(R"({"outer":{"function":"send","function_stack":[{"function":"Wait"}]}})") ==
        "send = outer headed @/outer: /outer/function_stack/0\n");
}

TEST_CASE("named steps run in their order") {
  CHECK(shape(R"({"b":{"function":"Wait"},"a":{"function":"Loop","step":"own"}})") == "1 anonymous @: b=/b own=/a\n");
  CHECK(shape(R"({"w":{"b":{"function":"Wait"},"a":{"function":"Loop"}}})") == "w @/w: b=/w/b a=/w/a\n");
  CHECK(shape(R"({"only":{"function":"Wait"}})") == "only @: only=/only\n");
}

TEST_CASE("named stacks: one is a definition, several are a module") {
  CHECK(shape(R"({"main":[{"function":"Wait"}]})") == "main @/main: /main/0\n");
  CHECK(shape(R"({"chat":{"join":[{"function":"Wait"}],"leave":[{"function":"Wait"}],"idle":[]}})") ==
        "join @/chat/join: /chat/join/0\nleave @/chat/leave: /chat/leave/0\nidle @/chat/idle:\n");
}

TEST_CASE("wrappers give names") {
  CHECK(shape(R"({"w":{"function_name":"f","steps":[{"function":"Wait"}]}})") == "f = w @/w: /w/steps/0\n");
  CHECK(shape(R"({"o":{"w":{"endpoint":"/x","method":"post","steps":[{"function":"Wait"}]}}})") ==
        "w = o = /x @/o/w: /o/w/steps/0\n");
  CHECK(shape(R"({"steps":{"steps":[{"function":"Wait"}]}})") == "steps @/steps: /steps/steps/0\n");
  CHECK(shape(R"({"a/b":{"steps":[{"function":"Wait"}]}})") == "a/b @/a~1b: /a~1b/steps/0\n");
}

TEST_CASE("modules") {
  CHECK(shape(R"({"main":{"endpoint":"/o","function_stack":[{"function":"Wait"}]},
                  "job":{"function_name":"work","function_stack":[{"function":"Wait"}]},
                  "cleanup":[{"function":"Wait"}], "version":"1.0"})") ==
        "main = /o @/main: /main/function_stack/0\nwork = job @/job: /job/function_stack/0\n"
        "cleanup @/cleanup: /cleanup/0\n");
}

TEST_CASE("annotations never count for a shape") {
  CHECK(shape(R"({"$schema":"s","fnstack":1,"x-a":{"b":[]},"w":[{"function":"Wait"}]})") == "w @/w: /w/0\n");
  CHECK(shape(R"({"x-a":1,"b":{"function":"Wait"},"a":{"function":"Wait"}})") == "1 anonymous @: b=/b a=/a\n");
  CHECK(problems(R"({"fnstack":2,"steps":[{"function":"Wait"}]})") ==
        "1:12 error version: fnstack: expected language version 1, got 2 (/fnstack)\n");
  CHECK(problems(R"({"w":{"fnstack":"1","steps":[{"function":"Wait"}]}})") ==
        "1:17 error version: fnstack: expected language version 1, got text (/w/fnstack)\n");
}

TEST_CASE("two stacks or two signatures in one definition") {
  CHECK(
      problems(R"({"function_name":"f","steps":[{"function":"Wait"}],"workflow":[{"function":"Wait"}]})") ==
      "1:52 error duplicate-field: \"steps\" and \"workflow\": a definition has one stack, this one has two [keep one, "
      "or make two definitions of them] (/workflow) {f}\n");
  CHECK(problems(R"({"function_name":"f","inputs":{},"parameters":{},"steps":[]})") ==
        "1:34 error duplicate-field: \"inputs\" and \"parameters\" both declare the inputs [keep one of them] "
        "(/parameters) {f}\n");
}

TEST_CASE("names must be names") {
  CHECK(problems(R"({"function_name":5,"steps":[]})") ==
        "1:18 error wrong-type: function_name: expected a name, got a number (/function_name)\n");
  CHECK(problems(R"({"function_name":"","steps":[]})") ==
        "1:18 error wrong-type: function_name: expected a name, got empty text (/function_name)\n");
  CHECK(problems("{\"function_name\":\"" + std::string(256, 'a') + "\",\"steps\":[]}") == "");
  CHECK(problems("{\"function_name\":\"" + std::string(257, 'a') + "\",\"steps\":[]}") ==
        "1:18 error limit: a definition's name has at most 256 bytes, this one has 257 (/function_name)\n");
}

TEST_CASE("inputs in every notation") {
  CHECK(inputs(parse(R"({"parameters":{"url":"string","n":"number","data":"object"},"steps":[]})")) ==
        "url:text n:number data:object ");
  CHECK(inputs(parse(R"({"parameters":{"a":"text","b":"decimal","c":"int","d":"integer","e":"bool","f":"boolean",
                         "g":"list","h":"array","i":"any","j":"json","k":"datetime","l":"timestamp","m":"Text"},
                         "steps":[]})")) ==
        "a:text b:number c:integer d:integer e:boolean f:boolean g:array h:array i:any j:any k:timestamp l:timestamp "
        "m:text ");
  CHECK(inputs(parse(R"({"inputs":[{"name":"a","type":"text","required":true,"default":"x","max":3},
                         {"name":"b","optional":false},{"name":"c","optional":true}, "d"],"steps":[]})")) ==
        "a:text!=\"x\" b:any! c:any d:any ");
  CHECK(inputs(parse(R"({"inputs":{"a":"{{auth.id}}","b":10,"c":null,"d":{"type":"int","default":1}},"steps":[]})")) ==
        "a:any=\"{{auth.id}}\" b:any=10 c:any=null d:integer=1 ");
}

TEST_CASE("inputs that are declared wrongly") {
  CHECK(
      problems(R"({"parameters":{"a":"strng","b":"file"},"steps":[]})") ==
      "1:20 warning unknown-type: input \"a\": unknown type \"strng\"; did you mean \"string\"? [it is not checked; "
      "types are any, text, number, integer, boolean, object, array and timestamp] (/parameters/a)\n"
      "1:32 warning unknown-type: input \"b\": unknown type \"file\" [it is not checked; types are any, text, number, "
      "integer, boolean, object, array and timestamp] (/parameters/b)\n");
  CHECK(problems(R"({"function_name":"f","inputs":"text","steps":[]})") ==
        "1:31 error wrong-type: inputs: expected an object or array that declares inputs, got text (/inputs) {f}\n");
  CHECK(problems(R"({"inputs":[{"type":"text"},7,{"name":true},{"name":""},{"name":"{{x}}"}],"steps":[]})") ==
        "1:12 error missing-field: inputs[0]: missing field \"name\" (/inputs/0)\n"
        "1:28 error wrong-type: inputs[1]: expected an object that declares an input, got a number [write {\"name\": "
        "\"email\", \"type\": \"text\", \"required\": true}] (/inputs/1)\n"
        "1:38 error wrong-type: inputs[2]: \"name\": expected text, got true (/inputs/2/name)\n"
        "1:52 error bad-name: expected an input's name, got \"\" (/inputs/3)\n"
        "1:64 error bad-name: expected an input's name, got \"{{x}}\" [a name can't hold a template] (/inputs/4)\n");
  CHECK(
      problems(R"({"inputs":[{"name":"a"},{"name":"a"}],"steps":[]})") ==
      "1:33 error duplicate-parameter: input \"a\" is declared twice; the first is in line 1, column 20 (/inputs/1)\n");
  CHECK(
      problems(
          R"({"inputs":{"a":{"required":"yes"},"b":{"required":true,"optional":true},"c":{"type":[]}},"steps":[]})") ==
      "1:28 error wrong-type: input \"a\": \"required\": expected true or false, got text (/inputs/a/required)\n"
      "1:67 error contradiction: input \"b\": \"required\" and \"optional\" contradict each other [leave one of them "
      "out] (/inputs/b/optional)\n"
      "1:85 error wrong-type: input \"c\": \"type\": expected a type's name, got a list (/inputs/c/type)\n");
}

TEST_CASE("what is no definition is said to be so, with the places of steps in it") {
  CHECK(problems(R"({"principles":{"timeouts":"short"}})") ==
        "1:1 error not-a-definition: not a definition: no steps in it [a definition is a step (an object with "
        "\"function\"), a list of steps, or an object with \"steps\"]\n");
  CHECK(problems(R"({"report":{"title":"x","try":[{"function":"Wait"}]}})") ==
        "1:1 error not-a-definition: not a definition, though it holds steps at /report/try [give these steps on their "
        "own to run them]\n");
  CHECK(
      problems(R"({"a":{"function_name":"f","steps":[{"function":"Wait"}]},"b":{"limits":{"max":5}}})") ==
      "1:1 error not-a-definition: not a definition, though it holds steps at /a/steps [every object of a module is a "
      "definition; /b is none]\n");
  CHECK(problems(
            R"({"e":{"need":{"x":1},"todo":[{"step":"ask"},{"function":"Wait"}],"more":[[{"function":"Wait"}]]}})") ==
        "1:1 error not-a-definition: not a definition, though it holds steps at /e/todo (its element 0 has no "
        "\"function\"), /e/more/0 [give one of them on its own to run it]\n");
  CHECK(problems("[]") == "1:1 error not-a-definition: nothing to run: the array of steps is empty\n");
  CHECK(problems("{}") ==
        "1:1 error not-a-definition: not a definition: no steps in it [a definition is a step (an object with "
        "\"function\"), a list of steps, or an object with \"steps\"]\n");
  CHECK(problems("\"text\"") ==
        "1:1 error not-a-definition: not a definition: expected an object or array, got text\n");
  CHECK(problems(R"({"function":5})") ==
        "1:1 error not-a-definition: not a definition: \"function\": expected text, got a number\n");
  // Cases of a Switch are no named stacks of a definition.
  CHECK(
      problems(R"({"subject":"{{x}}","cases":{"a":[{"function":"Wait"}],"n":1}})") ==
      "1:1 error not-a-definition: not a definition, though it holds steps at /cases/a [give these steps on their own "
      "to run them]\n");
}

TEST_CASE("places are listed up to five, and shortened") {
  CHECK(
      problems(R"({"t":1,"a":[{"function":"W"}],"b":[{"function":"W"}],"c":[{"function":"W"}],"d":[{"function":"W"}],
                     "e":[{"function":"W"}],"f":[{"function":"W"}],"g":[{"function":"W"}]})") ==
      "1:1 error not-a-definition: not a definition, though it holds steps at /a, /b, /c, /d, /e and 2 more [give one "
      "of them on its own to run it]\n");
  CHECK(problems("{\"" + std::string(300, 'k') + "\":[{\"function\":\"W\"}]}") ==
        "1:1 error not-a-definition: not a definition, though it holds steps at /" + std::string(119, 'k') +
            "… [a definition's name has at most 256 bytes]\n");
}

TEST_CASE("wrappers are opened up to eight deep") {
  const auto wrapped = [](int depth) {
    std::string text = R"([{"function":"Wait"}])";
    for (int i = 0; i < depth; ++i) text = "{\"w\":" + text + "}";
    return text;
  };
  CHECK(problems(wrapped(9)) == "");
  CHECK(parse(wrapped(200)).definitions.empty());
  CHECK(parse(wrapped(200)).diagnostics.has_errors());
}
