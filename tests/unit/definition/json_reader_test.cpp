#include "definition/json_reader.hpp"

#include <fnstack/json.hpp>

#include "reading.hpp"
#include "support/catch.hpp"

using fnstack::Node;
using fnstack::Source;
using fnstack::SourcePtr;
using fnstack::Span;
using fnstack_test::problems;

namespace {

struct Read {
  SourcePtr source;
  std::vector<fnstack::definition::Document> documents;
  fnstack::Module module;  // for its diagnostics

  std::string_view at(Span span) const { return source->text().substr(span.begin, span.end - span.begin); }
  const Node& root() const { return *documents.at(0).root; }
};

Read read(std::string text, std::int64_t nodes = 50'000, std::int64_t nesting = 512) {
  Read out;
  out.source = Source::make("t.json", std::move(text));
  fnstack::definition::ReadBudget budget;
  budget.nodes = nodes;
  budget.nesting = nesting;
  const Span all{0, static_cast<std::uint32_t>(out.source->text().size())};
  out.documents =
      fnstack::definition::read_documents(out.source, all, "the end of the text", budget, out.module.diagnostics);
  return out;
}

std::string errors(std::string text) { return problems(read(std::move(text)).module); }

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

// The only string of the text ["…"].
std::string decoded(const std::string& literal) {
  const Read one = read("[" + literal + "]");
  REQUIRE(problems(one.module) == "");
  return std::string(one.root().items.at(0).scalar.as_string());
}

}  // namespace

TEST_CASE("values keep their places, kinds and order") {
  const Read one = read(R"( { "b" : [1, 2.5, true, null], "a": {"x": "y"} } )");
  REQUIRE(problems(one.module) == "");
  REQUIRE(one.documents.size() == 1);
  const Node& root = one.root();
  CHECK(root.kind == Node::Kind::object);
  CHECK(one.at(root.span) == R"({ "b" : [1, 2.5, true, null], "a": {"x": "y"} })");
  REQUIRE(root.members.size() == 2);
  CHECK(root.members[0].key == "b");
  CHECK(one.at(root.members[0].key_span) == R"("b")");
  CHECK(one.at(root.members[0].value.span) == "[1, 2.5, true, null]");
  const std::vector<Node>& items = root.members[0].value.items;
  REQUIRE(items.size() == 4);
  CHECK(items[0].scalar.is_integer());
  CHECK(items[0].scalar.as_integer() == 1);
  CHECK(one.at(items[1].span) == "2.5");
  CHECK(items[1].scalar.as_number() == 2.5);
  CHECK(items[2].kind == Node::Kind::boolean);
  CHECK(items[2].scalar.as_boolean());
  CHECK(items[3].kind == Node::Kind::null);
  REQUIRE(root.find("a") != nullptr);
  CHECK(one.at(root.find("a")->find("x")->span) == R"("y")");
  CHECK(root.find("c") == nullptr);
}

TEST_CASE("comments and trailing commas are read over") {
  const Read one =
      read("// first\n/* a\n * b */ { // {\n \"url\": \"http://x/*y*/\", /**/ \"l\": [1, 2, /* 3 */ ], }\n// end");
  REQUIRE(problems(one.module) == "");
  CHECK(one.root().find("url")->scalar.as_string() == "http://x/*y*/");
  CHECK(one.root().find("l")->items.size() == 2);
}

TEST_CASE("several documents follow one another") {
  const Read one = read("{\"a\": 1}\n// next\n[2]\n\"three\" 4");
  REQUIRE(problems(one.module) == "");
  REQUIRE(one.documents.size() == 4);
  CHECK(one.at(one.documents[1].root->span) == "[2]");
  CHECK(one.documents[3].root->scalar.as_integer() == 4);
}

TEST_CASE("numbers are exact in 64 bits and doubles beyond") {
  const Read one = read("[9223372036854775807, -9223372036854775808, 9223372036854775808, 1e2, -1.5E-3, 0, 1e-400]");
  REQUIRE(problems(one.module) == "");
  const std::vector<Node>& items = one.root().items;
  CHECK(items[0].scalar.is_integer());
  CHECK(items[0].scalar.as_integer() == INT64_MAX);
  CHECK(items[1].scalar.as_integer() == INT64_MIN);
  CHECK_FALSE(items[2].scalar.is_integer());
  CHECK(items[2].scalar.as_number() == 9223372036854775808.0);
  CHECK(items[3].scalar.as_number() == 100);
  CHECK(items[4].scalar.as_number() == -0.0015);
  CHECK(items[5].scalar.is_integer());
  CHECK(items[6].scalar.as_number() == 0);
}

TEST_CASE("numbers that JSON does not have") {
  CHECK(errors("[1e400]") == "1:2 error syntax: number out of range: \"1e400\" (/0)\n");
  CHECK(errors("[01]") ==
        "1:2 error syntax: expected a number, got \"01\" [a number does not begin with 0; if the zeros matter it is "
        "text: \"01\"] (/0)\n");
  CHECK(errors("[0x1F]") == "1:2 error syntax: expected a number, got \"0x1F\" [numbers are decimal] (/0)\n");
  CHECK(errors("[1_000]") == "1:2 error syntax: expected a number, got \"1_000\" [digits are not grouped] (/0)\n");
  CHECK(errors("[10px]") ==
        "1:2 error syntax: expected a number, got \"10px\" [if this is text, put it in double quotes] (/0)\n");
  CHECK(errors("[1.]") == "1:4 error syntax: expected a digit after the decimal point, got \"]\" (/0)\n");
  CHECK(errors("[1e]") == "1:4 error syntax: expected a digit in the exponent, got \"]\" (/0)\n");
  CHECK(errors("[.5]") == "1:2 error syntax: expected a value, got \".\" [a number begins with a digit: 0.5] (/0)\n");
  CHECK(errors("[+1]") == "1:2 error syntax: expected a value, got \"+\" [a number has no plus sign] (/0)\n");
  CHECK(errors("[-x]") == "1:3 error syntax: expected a digit after \"-\", got \"x\" (/0)\n");
  CHECK(errors("{\"a\": NaN}") ==
        "1:7 error syntax: expected a value, got \"NaN\" [JSON has no NaN; write null] (/a)\n");
  CHECK(errors("{\"a\": -Infinity}") ==
        "1:8 error syntax: expected a digit after \"-\", got \"Infinity\" [JSON has no Infinity; write null] (/a)\n");
  CHECK(errors("[undefined]") ==
        "1:2 error syntax: expected a value, got \"undefined\" [JSON has no undefined; write null] (/0)\n");
}

TEST_CASE("strings are decoded") {
  CHECK(decoded(R"("a\"b\\c\/d\b\f\n\r\te")") == "a\"b\\c/d\b\f\n\r\te");
  CHECK(decoded(R"("\u00e9\u20AC\ud83d\ude00")") == "é€😀");
  CHECK(decoded("\"é€😀\"") == "é€😀");
  CHECK(decoded(R"("\u0000x")") == std::string("\0x", 2));
  CHECK(decoded(R"("")") == "");
}

TEST_CASE("strings that JSON does not have") {
  CHECK(errors(R"(["a\ud800b"])") ==
        "1:4 error syntax: lone surrogate \\ud800 [a character beyond \\uffff is two such escapes, or simply itself] "
        "(/0)\n");
  CHECK(errors(R"(["\udc00"])") ==
        "1:3 error syntax: lone surrogate \\udc00 [a character beyond \\uffff is two such escapes, or simply itself] "
        "(/0)\n");
  CHECK(errors(R"(["\ud800\u0041"])") ==
        "1:3 error syntax: lone surrogate \\ud800 [a character beyond \\uffff is two such escapes, or simply itself] "
        "(/0)\n");
  CHECK(errors(R"(["\u12"])") == "1:3 error syntax: \\u without four hexadecimal digits (/0)\n");
  CHECK(errors(R"(["\u+123"])") == "1:3 error syntax: \\u without four hexadecimal digits (/0)\n");
  CHECK(errors(R"(["\x41"])") ==
        "1:3 error syntax: unknown escape \\x [JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u0041; a backslash "
        "itself is \\\\] (/0)\n");
  CHECK(errors(R"(["it\'s"])") == "1:5 error syntax: unknown escape \\' [an apostrophe needs no backslash] (/0)\n");
  CHECK(errors("[\"a\nb\"]") ==
        "1:2 error syntax: string without a closing quote [a string ends on its line; a line break in it is written "
        "\\n] (/0)\n");
  CHECK(errors("[\"ab") == "1:2 error syntax: string without a closing quote (/0)\n");
  CHECK(errors("[\"ab\\") == "1:5 error syntax: string without a closing quote (/0)\n");
  CHECK(errors("[\"a\tb\"]") == "1:4 error syntax: control character U+0009 in a string [write it as \\t] (/0)\n");
  CHECK(errors("[\"a\x1f\"]") == "1:4 error syntax: control character U+001F in a string [write it as \\u001F] (/0)\n");
  CHECK(errors("[\"a\xff\"]") == "1:4 error syntax: invalid UTF-8 in a string [save the file as UTF-8] (/0)\n");
  CHECK(errors("[\"\xed\xa0\x80\"]") == "1:3 error syntax: invalid UTF-8 in a string [save the file as UTF-8] (/0)\n");
}

TEST_CASE("what is nearly JSON gets a cure") {
  CHECK(errors("{'a': 1}") ==
        "1:2 error syntax: expected a key in double quotes, got \"'\" [strings stand in double quotes]\n");
  CHECK(errors("{\"a\": 'b'}") ==
        "1:7 error syntax: expected a value, got \"'\" [strings stand in double quotes] (/a)\n");
  CHECK(errors("{a: 1}") ==
        "1:2 error syntax: expected a key in double quotes, got \"a\" [write \"a\", with the quotes]\n");
  CHECK(errors("const x = {\"a\": 1};") ==
        "1:1 error syntax: expected a JSON document, got JavaScript code (\"const\") [a definition is JSON: keep the "
        "object or array alone, without code around it]\n");
  CHECK(errors("{\"a\": `b`}") ==
        "1:7 error syntax: expected a value, got \"`\" [a template literal is JavaScript; strings stand in double "
        "quotes, a line break in them is \\n] (/a)\n");
  CHECK(
      errors("{\"a\": \"b\" + \"c\"}") ==
      "1:11 error syntax: expected \",\" or \"}\", got \"+\" [JSON does not compute; a value that does stands in \"{{ "
      "}}\"] (/a)\n");
  CHECK(errors("{\"a\": “b”}") ==
        "1:7 error syntax: expected a value, got \"“\" [strings stand in straight double quotes] (/a)\n");
  CHECK(errors("[True]") ==
        "1:2 error syntax: expected a value, got \"True\" [JSON writes true and false in small letters] (/0)\n");
  CHECK(errors("[1, ...]") ==
        "1:5 error syntax: expected a value, got \".\" [nothing can be left out of a definition] (/1)\n");
  CHECK(errors("{} # done") == "1:4 error syntax: expected a JSON document, got \"#\" [comments are // or /* */]\n");
  CHECK(errors("{};") == "1:3 error syntax: expected a JSON document, got \";\" [JSON has no semicolons]\n");
  CHECK(errors("{} /* x") == "1:4 error syntax: comment without an end [close it with */]\n");
  CHECK(errors("hello") ==
        "1:1 error syntax: expected a JSON document, got \"hello\" [text stands in double quotes]\n");
}

TEST_CASE("brackets and commas") {
  CHECK(errors("{\"a\": 1\n \"b\": 2}") ==
        "2:2 error syntax: expected \",\" or \"}\", got a string [a comma is missing before it] (/a)\n");
  CHECK(errors("{\"a\": [1, 2}") ==
        "1:12 error syntax: expected \",\" or \"]\", got \"}\" [the \"[\" in line 1, column 7 is still open] (/a/1)\n");
  CHECK(errors("{\n \"a\": 1\n") ==
        "3:1 error syntax: expected \",\" or \"}\", got the end of the text [the \"{\" in line 1, column 1 is never "
        "closed] (/a)\n");
  CHECK(errors("[") ==
        "1:2 error syntax: expected a value or \"]\", got the end of the text [the \"[\" in line 1, column 1 is never "
        "closed]\n");
  CHECK(errors("{\"a\" 1}") == "1:6 error syntax: expected \":\" after the key \"a\", got \"1\" (/a)\n");
  CHECK(errors("[1,,2]") ==
        "1:4 error syntax: expected a value, got \",\" [a value is missing before the comma, or there is one comma too "
        "many] (/1)\n");
  CHECK(errors("]") == "1:1 error syntax: expected a JSON document, got \"]\"\n");
}

TEST_CASE("a path in a message has its keys escaped") {
  CHECK(errors("{\"a/b\": [{\"c~d\": x}]}") ==
        "1:18 error syntax: expected a value, got \"x\" [text stands in double quotes] (/a~1b/0/c~0d)\n");
}

TEST_CASE("a repeated key is an error that shows both places") {
  CHECK(
      errors("{\"a\": 1,\n \"b\": {\"x\": 1, \"x\": 2},\n \"a\": 3}") ==
      "2:16 error duplicate-key: duplicate key \"x\"; the first is in line 2, column 8 [rename or remove one of them] "
      "(/b/x)\n"
      "3:2 error duplicate-key: duplicate key \"a\"; the first is in line 1, column 2 [rename or remove one of them] "
      "(/a)\n");
  CHECK(
      errors("{\"a\": 1, \"\\u0061\": 2}") ==
      "1:10 error duplicate-key: duplicate key \"a\"; the first is in line 1, column 2 [rename or remove one of them] "
      "(/a)\n");
}

TEST_CASE("reading goes on with the next document after a syntax error") {
  const Read one = read("{\n \"a\": x\n}\n\n// second\n{\n \"b\": 1\n}\n[\n y\n]\n[\n 2\n]\n");
  CHECK(problems(one.module) ==
        "2:7 error syntax: expected a value, got \"x\" [text stands in double quotes] (/a)\n"
        "10:2 error syntax: expected a value, got \"y\" [text stands in double quotes] (/0)\n");
  REQUIRE(one.documents.size() == 4);
  CHECK(one.documents[0].root == nullptr);
  CHECK(one.at(one.documents[1].root->span) == "{\n \"b\": 1\n}");
  CHECK(one.documents[2].root == nullptr);
  CHECK(one.at(one.documents[3].root->span) == "[\n 2\n]");
}

TEST_CASE("nesting up to the limit and no deeper") {
  CHECK(errors(nested(511)) == "");
  CHECK(errors(nested(512)) == "");
  const Read deep = read(nested(513));
  REQUIRE(deep.module.diagnostics.items().size() == 1);
  CHECK(deep.module.diagnostics.items()[0].code == "limit");
  CHECK(deep.module.diagnostics.items()[0].message == "nesting deeper than 512 levels");
  CHECK(deep.module.diagnostics.items()[0].span == Span{512, 513});
  CHECK(read(std::string(100'000, '[')).module.diagnostics.items().size() == 1);
}

TEST_CASE("values up to the limit and no more, in all documents together") {
  CHECK(problems(read("[1, 2]", 4).module) == "");
  CHECK(problems(read("[1, 2]", 3).module) == "");
  CHECK(problems(read("[1, 2]", 2).module) ==
        "1:5 error limit: more values than the limit definition_nodes allows in one text [split the file, or raise the "
        "limit] (/1)\n");
  CHECK(problems(read("[1] [2] [3]", 4).module) ==
        "1:9 error limit: more values than the limit definition_nodes allows in one text [split the file, or raise the "
        "limit]\n");
}

TEST_CASE("many errors and wide objects stay bounded") {
  std::string broken;
  for (int i = 0; i < 1'000; ++i) broken += "[\nx\n]\n";
  CHECK(read(broken).module.diagnostics.items().size() == 50);
  std::string wide = "{";
  for (int i = 0; i < 40'000; ++i) wide += "\"k\": 1,";
  CHECK(read(wide + "}").module.diagnostics.items().size() == 50);
}
