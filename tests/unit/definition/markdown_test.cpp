#include "definition/markdown.hpp"

#include "reading.hpp"
#include "support/catch.hpp"

using fnstack::definition::find_fences;
using fnstack::definition::is_markdown;
using fnstack_test::problems;
using fnstack_test::summary;

namespace {

// tag(content) of every fence
std::string fences(std::string_view text) {
  std::string out;
  for (const auto& fence : find_fences(text)) {
    out +=
        fence.tag + "(" + std::string(text.substr(fence.content.begin, fence.content.end - fence.content.begin)) + ")";
  }
  return out;
}

}  // namespace

TEST_CASE("fences are found with their tags") {
  CHECK(fences("# T\n\n```json\n{}\n```\ntext\n```\n[]\n```\n~~~ JavaScript title=x\n1\n~~~\n") ==
        "json({}\n)([]\n)javascript(1\n)");
  CHECK(fences("````md\n```json\n{}\n```\n````\n") == "md(```json\n{}\n```\n)");
  CHECK(fences("- item\n    ```json\n    {}\n    ```\n") == "json(    {}\n)");
  CHECK(fences("```json\r\n{}\r\n```\r\n") == "json({}\r\n)");
  CHECK(fences("```json\n{}") == "json({})");
  CHECK(fences("```") == "()");
  CHECK(fences("``` a `code` in a line\n{}\n") == "");
  CHECK(fences("```json\n~~~\n```\n") == "json(~~~\n)");
}

TEST_CASE("what is Markdown") {
  CHECK(is_markdown("a.md", "{}"));
  CHECK(is_markdown("A.MD", ""));
  CHECK(is_markdown("a.markdown", ""));
  CHECK(is_markdown("a", "# Title"));
  CHECK(is_markdown("a", "\n---\ntitle: x\n---\n"));
  CHECK(is_markdown("a", "Some prose.\n\n```json\n{}\n```\n"));
  CHECK_FALSE(is_markdown("a", "{\"a\": 1}"));
  CHECK_FALSE(is_markdown("a", "// comment\n[1]\n```json\n{}\n```\n"));
  CHECK_FALSE(is_markdown("a", "/* \n```json\n{}\n```\n*/ {}"));
  CHECK_FALSE(is_markdown("a", "prose without a fence"));
}

TEST_CASE("definitions in fences keep the places of the whole file") {
  const std::string text =
      "# Flows\n\n```javascript\n// first\n{\"function\": \"Wait\"}\n```\n\n```yaml\na: 1\n```\n\n"
      "```\n[{\"function\": \"Wait\"}, {\"function\": \"Loop\"}]\n```\n\n```sh\nls\n```\n";
  const fnstack::Module module = fnstack_test::parse(text, "flows.md");
  CHECK(problems(module) == "");
  CHECK(summary(module) ==
        "1 anonymous @: .\n"
        "2 anonymous @: /0 /1\n");
  const fnstack::Span span = module.definitions.at(1).span;
  CHECK(text.substr(span.begin, span.end - span.begin) == "[{\"function\": \"Wait\"}, {\"function\": \"Loop\"}]");
  CHECK(module.definitions.at(0).source->position(module.definitions.at(0).span.begin).line == 5);
}

TEST_CASE("each fence reports its own syntax error") {
  CHECK(problems("```json\n{\"a\": x}\n```\n```js\n[1 2]\n```\n```jsonc\n{\"function\": \"Wait\"\n```\n", "f.md") ==
        "2:7 error syntax: expected a value, got \"x\" [text stands in double quotes] (/a)\n"
        "5:4 error syntax: expected \",\" or \"]\", got \"2\" [a comma is missing before it] (/0)\n"
        "9:1 error syntax: expected \",\" or \"}\", got the end of the fence [the \"{\" in line 8, column 1 is never "
        "closed] (/function)\n");
}

TEST_CASE("code and prose in fences") {
  // Beside a definition code is a note, prose in an untagged fence is nothing.
  CHECK(problems("```json\n{\"function\": \"Wait\"}\n```\n```js\nconst x = 1;\n```\n```\nfnstack run a.json\n```\n"
                 "```\n{{ inputs.name }}\n```\n",
                 "f.md") == "4:1 note not-a-definition: not a definition: this fence holds code, not JSON\n");
  // Alone it is an error.
  CHECK(problems("```js\nconst x = 1;\n```\n", "f.md") ==
        "1:1 error not-a-definition: not a definition: this fence holds code, not JSON\n");
  // What is tagged as JSON must be JSON.
  CHECK(problems("```json\nhello\n```\n", "f.md") ==
        "2:1 error syntax: expected a JSON document, got \"hello\" [text stands in double quotes]\n");
  CHECK(
      problems("# Nothing here\n\n```json\n\n```\n", "f.md") ==
      "1:1 error not-a-definition: no definition in this Markdown [a definition stands in a fence tagged json, jsonc, "
      "javascript or js, or in one without a tag]\n");
}
