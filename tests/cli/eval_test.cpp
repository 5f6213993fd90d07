// `fnstack eval`: one template, or one a line.
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

std::string evaluated(const std::string& text, const std::string& vars = "{}") {
  const Said said = fnstack({"eval", text, "--vars", vars});
  CHECK(said.err == "");
  CHECK(said.status == 0);
  return said.out;
}

}  // namespace

TEST_CASE("a template's value is printed as JSON") {
  CHECK(evaluated("{{1 + 2}}") == "3\n");
  CHECK(evaluated("{{a.b[1]}} and {{name}}", R"({"a":{"b":[1,2]},"name":"Ada"})") == "\"2 and Ada\"\n");
  CHECK(evaluated("plain") == "\"plain\"\n");
  CHECK(evaluated("") == "\"\"\n");
  CHECK(evaluated("{{x}}", R"({"x":[1,"é",null]})") == "[1,\"é\",null]\n");
  CHECK(evaluated("{{nothing}}") == "null\n");
  CHECK(evaluated("{{inputs.a}}{{env.B}}{{error.type}}",
                  R"({"inputs":{"a":1},"env":{"B":"b"},"error":{"type":"http"}})") == "\"1bhttp\"\n");
  CHECK(evaluated("{{timestamp > 1500000000000 && now === timestamp}}") == "true\n");
  CHECK(evaluated("{{uuid.length}}") == "36\n");
  CHECK(evaluated("{{uuid === uuid}}") == "false\n");
}

TEST_CASE("vars can stand in a file") {
  const TemporaryDirectory directory;
  write_file(directory.file("vars.json"), R"({"a": 5})");
  CHECK(evaluated("{{a * 2}}", "@" + directory.file("vars.json")) == "10\n");
}

TEST_CASE("a mistake is told with its column and has status 1") {
  const Said said = fnstack({"eval", "é {{1 +}}"});
  CHECK(said.status == 1);
  CHECK(said.out == "");
  CHECK_THAT(said.err, starts_with("fnstack: column "));
  CHECK(fnstack({"eval", "{{1 / 0}}"}).status == 1);
  CHECK(fnstack({"eval", "\xff"}).err == "fnstack: template: not UTF-8\n");
}

TEST_CASE("bad usage of eval") {
  CHECK(fnstack({"eval"}).err == "fnstack: eval: expected a template, or --batch\n");
  CHECK(fnstack({"eval"}).status == 2);
  CHECK(fnstack({"eval", "x", "--batch"}).status == 2);
  CHECK(fnstack({"eval", "x", "--vars", "[]"}).err == "fnstack: --vars: expected a JSON object, got a list\n");
  CHECK(fnstack({"eval", "x", "--vars", "[]"}).status == 2);
}

TEST_CASE("a batch has an answer for each line, whatever is wrong with one") {
  const Said said = fnstack({"eval", "--batch"},
                            "{\"template\":\"{{a}}\",\"vars\":{\"a\":{\"k\":1}}}\n"
                            "{\"template\":\"é{{ 3 }}{{ 1 - null }}\"}\r\n"
                            "\n"
                            "{\"template\":\"é {{ x\",\"vars\":null}\n"
                            "nonsense\n"
                            "{\"template\":3}\n"
                            "{\"vars\":{}}\n"
                            "{\"template\":\"x\",\"vars\":[]}\n"
                            "[]\n"
                            "{\"template\":\"last\"}");
  CHECK(said.status == 0);
  CHECK(said.err == "");
  std::vector<Json> answers;
  std::istringstream lines(said.out);
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  REQUIRE(answers.size() == 9);
  CHECK(answers[0] == Json::parse(R"({"value":{"k":1}})"));
  CHECK(answers[1].at("error").at("type") == "expression");
  CHECK(answers[1].at("error").at("column") == 12);
  CHECK(answers[2].at("error").at("type") == "expression");
  CHECK(answers[2].at("error").at("column") == 3);
  CHECK(answers[3].at("error").at("type") == "validation");
  CHECK(answers[3].at("error").at("column") == nullptr);
  CHECK(answers[4].at("error").at("message") == "\"template\": expected text");
  CHECK(answers[5].at("error").at("message") == "missing \"template\"");
  CHECK(answers[6].at("error").at("message") == "\"vars\": expected an object");
  CHECK(answers[7].at("error").at("message") == "expected an object {\"template\", \"vars\"}");
  CHECK(answers[8] == Json::parse(R"({"value":"last"})"));
}

TEST_CASE("a batch answers each line before the next is there") {
  const std::vector<std::string> answers =
      fnstack_dialogue({"eval", "--batch"}, {R"({"template":"{{1}}"})", R"({"template":"{{2}}"})"});
  CHECK(answers == std::vector<std::string>{R"({"value":1})", R"({"value":2})"});
}
