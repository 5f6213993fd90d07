// `fnstack check`: text for people, JSON for tools, the exit status for scripts.
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

struct Files {
  TemporaryDirectory directory;
  std::string add(const std::string& name, const std::string& text) const {
    write_file(directory.file(name), text);
    return directory.file(name);
  }
};

const char* const good = R"({"function_name": "good", "steps": [
  {"function": "Create Variable", "variable_name": "x", "value": 1}]})";
// The mistake stands behind two letters of two and four bytes.
const char* const bad = R"({"function_name": "bad", "steps": [
  {"step": "éx😀", "function": "Create Variable", "variable_nam": "x", "value": 1}]})";

}  // namespace

TEST_CASE("a good file says nothing") {
  const Files files;
  const Said said = fnstack({"check", files.add("good.json", good)});
  CHECK(said.status == 0);
  CHECK(said.out == "");
  CHECK(said.err == "");
}

TEST_CASE("the examples of resilience are good files") {
  const Said said = fnstack({"check", FNSTACK_TEST_DATA "/../examples/resilience.jsonc"});
  CHECK(said.status == 0);
  CHECK(said.out == "");
  CHECK(said.err == "");
}

TEST_CASE("as JSON a good file is an empty list, and what was found goes to stderr") {
  const Files files;
  const std::string file = files.add("good.json", good);
  const Said said = fnstack({"check", file, "--format", "json"});
  CHECK(said.status == 0);
  CHECK(Json::parse(said.out) == Json::array());
  CHECK(said.err == file + ": 1 definition: good\n");
}

TEST_CASE("errors have place, words and cure") {
  const Files files;
  const std::string file = files.add("bad.json", bad);
  const Said text = fnstack({"check", file});
  CHECK(text.status == 1);
  CHECK_THAT(text.out, starts_with(file + ":2:"));
  CHECK_THAT(text.out, contains("did you mean \"variable_name\"?"));
  const Said json = fnstack({"check", "--format", "json", file});
  CHECK(json.status == 1);
  const Json list = Json::parse(json.out);
  Json found;
  for (const Json& item : list) {
    std::vector<std::string> names;
    for (const auto& member : item.items()) names.push_back(member.key());
    CHECK(names == std::vector<std::string>{"file", "line", "column", "severity", "code", "message", "hint", "path"});
    if (item.at("code") == "unknown-field") found = item;
  }
  CHECK(found.at("file") == file);
  CHECK(found.at("line") == 2);
  CHECK(found.at("column") == 50);  // counted in code points
  CHECK(found.at("severity") == "error");
  CHECK(found.at("path") == "/steps/0/variable_nam");
}

TEST_CASE("warnings alone leave the status 0") {
  const Files files;
  const std::string file = files.add("warns.json", R"({"steps": [
    {"function": "Custom Function", "custom_function": "notify_admin"}]})");
  const Said said = fnstack({"check", file});
  CHECK(said.status == 0);
  CHECK_THAT(said.out, contains("warning: "));
  CHECK(said.err == "1 warning\n");
}

TEST_CASE("a syntax error is an error, not bad usage") {
  const Files files;
  CHECK(fnstack({"check", files.add("cut.json", "{\"steps\": [")}).status == 1);
  CHECK(fnstack({"check", files.add("empty.json", "")}).status == 1);
}

TEST_CASE("files may call one another's functions, in either direction and without saying anything twice") {
  const Files files;
  const std::string caller = files.add("caller.json", R"({"function_name": "caller", "steps": [
    {"function": "Custom Function", "custom_function": "callee"}]})");
  const std::string callee = files.add("callee.json", R"({"function_name": "callee", "steps": [
    {"function": "Custom Function", "custom_function": "other"}]})");
  for (const auto& order : {std::vector<std::string>{caller, callee}, {callee, caller}, {caller, callee, caller}}) {
    std::vector<std::string> arguments{"check", "--format", "json"};
    arguments.insert(arguments.end(), order.begin(), order.end());
    const Said said = fnstack(arguments);
    CHECK(said.status == 0);
    const Json list = Json::parse(said.out);
    REQUIRE(list.size() == 1);
    CHECK(list[0].at("file") == callee);
    CHECK(list[0].at("code") == "unknown-function");
  }
  CHECK(Json::parse(fnstack({"check", caller, "--format", "json"}).out).size() == 1);
}

TEST_CASE("a name twice is an error within a file and a warning between files") {
  const Files files;
  const std::string twice = files.add("twice.json", std::string(good) + "\n" + good);
  const Said within = fnstack({"check", twice, "--format", "json"});
  CHECK(within.status == 1);
  CHECK(Json::parse(within.out).at(0).at("code") == "duplicate-name");
  const std::string first = files.add("a.json", good);
  const std::string second = files.add("b.json", good);
  const Said between = fnstack({"check", first, second, "--format", "json"});
  CHECK(between.status == 0);
  CHECK(Json::parse(between.out).size() == 1);
  CHECK(Json::parse(between.out).at(0).at("severity") == "warning");
  CHECK(Json::parse(between.out).at(0).at("file") == second);
  CHECK(Json::parse(between.out).at(0).at("message") == "\"good\" is defined twice; the first is at " + first + ":1:1");
}

TEST_CASE("Markdown is checked too") {
  const Files files;
  const std::string file =
      files.add("guide.md", "# Guide\n\n```json\n" + std::string(good) + "\n```\n\n```json\n" + bad + "\n```\n");
  const Said said = fnstack({"check", file, "--format", "json"});
  CHECK(said.status == 1);
  CHECK_THAT(said.err, starts_with(file + ": 2 definitions: good, bad\n"));
  CHECK(Json::parse(said.out).at(0).at("line") == 10);
}

TEST_CASE("bad usage of check") {
  const Files files;
  const std::string file = files.add("good.json", good);
  const Said missing = fnstack({"check", file, files.directory.file("none.json")});
  CHECK(missing.status == 2);
  CHECK(missing.out == "");
  CHECK(missing.err ==
        "fnstack: can't read \"" + files.directory.file("none.json") + "\": no such file or directory\n");
  const Said format = fnstack({"check", file, "--format", "xml"});
  CHECK(format.status == 2);
  CHECK(format.err == "fnstack: --format: expected text or json, got \"xml\"\n");
}
