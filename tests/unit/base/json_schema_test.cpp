// JSON Schema, draft 7: what each keyword says, how problems are told, which schemas are refused, and that hostile
// schemas and values end.
#include "base/json_schema.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

using namespace fnstack;
using namespace fnstack::base;

namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.ok());
  return *value;
}

JsonSchema compiled(std::string_view schema) {
  auto result = JsonSchema::compile(json(schema));
  if (!result) FAIL(result.error().message);
  return *result;
}

std::string check(std::string_view schema, std::string_view value) {
  return compiled(schema).check(json(value)).value_or("ok");
}

std::string refused(std::string_view schema) {
  const auto result = JsonSchema::compile(json(schema));
  return result ? "ok" : result.error().type + ": " + result.error().message;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct Row {
  const char* schema;
  const char* value;
  const char* outcome;
};

}  // namespace

TEST_CASE("schema: every keyword") {
  const std::vector<Row> rows = {
      {"true", "1", "ok"},
      {"false", "1", "is not allowed here"},
      {"{}", "null", "ok"},
      {R"({"type":"string"})", R"("a")", "ok"},
      {R"({"type":"string"})", "1", "expected text, got number"},
      {R"({"type":["number","null"]})", "null", "ok"},
      {R"({"type":["number","null"]})", R"("a")", "expected null or number, got text"},
      {R"({"type":"integer"})", "1.0", "ok"},
      {R"({"type":"integer"})", "1e300", "ok"},
      {R"({"type":"integer"})", "1.5", "expected integer, got number"},
      {R"({"type":"number"})", "7", "ok"},
      {R"({"type":"number"})", R"("7")", "expected number, got text"},
      {R"({"type":"boolean"})", R"("true")", "expected boolean, got text"},
      {R"({"type":"array"})", "{}", "expected array, got object"},
      {R"({"type":"object"})", "[]", "expected object, got array"},
      {R"({"type":"null"})", R"("")", "expected null, got text"},
      {R"({"enum":[1,"a",{"b":[2]}]})", R"({"b":[2.0]})", "ok"},
      {R"({"enum":[1,"a"]})", R"("1")", "is none of the values that enum lists"},
      {R"({"const":0})", "false", "is not the value that const gives"},
      {R"({"const":0})", "0.0", "ok"},
      {R"({"minimum":3})", "3", "ok"},
      {R"({"minimum":3.5})", "3", "expected a number of at least 3.5"},
      {R"({"minimum":9007199254740993})", "9007199254740992", "expected a number of at least 9007199254740993"},
      {R"({"maximum":3})", "4", "expected a number of at most 3"},
      {R"({"exclusiveMinimum":3})", "3", "expected a number above 3"},
      {R"({"exclusiveMaximum":3})", "3", "expected a number below 3"},
      {R"({"minimum":3})", R"("1")", "ok"},
      {R"({"multipleOf":0.1})", "0.3", "ok"},
      {R"({"multipleOf":0.01})", "4.356", "expected a number that is a multiple of 0.01"},
      {R"({"multipleOf":3})", "-9", "ok"},
      {R"({"multipleOf":3})", "10", "expected a number that is a multiple of 3"},
      {R"({"multipleOf":2.5})", "3", "expected a number that is a multiple of 2.5"},
      {R"({"minLength":2})", R"("\u00e9")", "expected at least 2 characters, got 1"},
      {R"({"minLength":3})", R"("a\u0000b")", "ok"},
      {R"({"maxLength":1})", R"("\ud83d\ude00")", "ok"},
      {R"({"maxLength":1})", R"("ab")", "expected at most 1 character, got 2"},
      {R"({"pattern":"^a+$"})", R"("aaa")", "ok"},
      {R"({"pattern":"b"})", R"("abc")", "ok"},
      {R"({"pattern":"^a+$"})", R"("ab")", "the text does not match the pattern"},
      {R"({"pattern":"^a+$"})", "5", "ok"},
      {R"({"format":"date"})", R"("2024-02-30")", "ok"},
      {R"({"format":"date"})", R"("2024-13-01")", "the text is not of the format date"},
      {R"({"format":"date-time"})", R"("2024-02-03T04:05:06.7Z")", "ok"},
      {R"({"format":"date-time"})", R"("2024-02-03 04:05")", "the text is not of the format date-time"},
      {R"({"format":"time"})", R"("04:05:06+02:00")", "ok"},
      {R"({"format":"email"})", R"("a.b+c@example.org")", "ok"},
      {R"({"format":"email"})", R"("a b@example.org")", "the text is not of the format email"},
      {R"({"format":"uri"})", R"("https://a/b?c#d")", "ok"},
      {R"({"format":"uri"})", R"("/b")", "the text is not of the format uri"},
      {R"({"format":"uuid"})", R"("123e4567-e89b-12d3-a456-426614174000")", "ok"},
      {R"({"format":"ipv4"})", R"("255.0.10.1")", "ok"},
      {R"({"format":"ipv4"})", R"("256.0.10.1")", "the text is not of the format ipv4"},
      {R"({"format":"ipv4"})", R"("1.2.3.4.")", "the text is not of the format ipv4"},
      {R"({"format":"hostname"})", R"("a-b.example")", "ok"},
      {R"({"format":"hostname"})", R"("-a")", "the text is not of the format hostname"},
      {R"({"minItems":1})", "[]", "expected at least 1 element, got 0"},
      {R"({"maxItems":1})", "[1,2]", "expected at most 1 element, got 2"},
      {R"({"uniqueItems":true})", R"([1,"1",{"a":1},{"a":2},[1]])", "ok"},
      {R"({"uniqueItems":true})", R"([{"a":1,"b":2},3,{"b":2,"a":1.0}])", "the elements 0 and 2 are the same"},
      {R"({"items":{"type":"number"}})", R"([1,"a",2,null])",
       "/1: expected number, got text; /3: expected number, got null"},
      {R"({"items":[{"type":"number"},true],"additionalItems":false})", "[1,2]", "ok"},
      {R"({"items":[{"type":"number"}],"additionalItems":false})", "[1,2]", "/1: is not allowed here"},
      {R"({"items":[{"type":"number"}],"additionalItems":{"type":"null"}})", "[1,null,2]",
       "/2: expected null, got number"},
      {R"({"items":[],"additionalItems":false})", "[1]", "/0: is not allowed here"},
      {R"({"items":false})", "[]", "ok"},
      {R"({"items":false})", "[1]", "/0: is not allowed here"},
      {R"({"contains":{"const":1}})", "[2,1]", "ok"},
      {R"({"contains":{"const":1}})", "[2]", "no element matches the schema of contains"},
      {R"({"minProperties":1})", "{}", "expected at least 1 member, got 0"},
      {R"({"maxProperties":0})", R"({"a":1})", "expected at most 0 members, got 1"},
      {R"({"required":["a","b"]})", R"({"b":null})", R"("a" is missing)"},
      {R"({"properties":{"a":{"type":"number"}},"required":["a"]})", R"({"a":"x","c":1})",
       "/a: expected number, got text"},
      {R"({"properties":{"a":true},"additionalProperties":false})", R"({"a":1})", "ok"},
      {R"({"properties":{"a":true},"additionalProperties":false})", R"({"a":1,"b/c~":2})",
       "/b~1c~0: is not allowed here"},
      {R"({"additionalProperties":{"type":"number"}})", R"({"a":"x"})", "/a: expected number, got text"},
      {R"({"patternProperties":{"^n_":{"type":"number"},"x$":{"minimum":2}}})", R"({"n_x":1,"n_":3,"other":"a"})",
       "/n_x: expected a number of at least 2"},
      {R"({"properties":{"a":{"type":"number"}},"patternProperties":{"^b":true},"additionalProperties":false})",
       R"({"a":1,"b1":2,"c":3})", "/c: is not allowed here"},
      {R"({"patternProperties":{},"additionalProperties":false})", R"({"c":3})", "/c: is not allowed here"},
      {R"({"propertyNames":{"pattern":"^[a-z]+$"}})", R"({"abc":1})", "ok"},
      {R"({"propertyNames":{"maxLength":2}})", R"({"abc":1})", R"(the name "abc" is not as propertyNames says)"},
      {R"({"dependencies":{"a":["b"]}})", R"({"a":1})", R"("b" is missing beside "a")"},
      {R"({"dependencies":{"a":{"required":["c"]},"x":["y"]}})", R"({"a":1})", R"("c" is missing)"},
      {R"({"dependencies":{"a":{"required":["c"]}}})", R"({"b":1})", "ok"},
      {R"({"allOf":[{"type":"number"},{"minimum":3}]})", "2", "expected a number of at least 3"},
      {R"({"anyOf":[{"type":"null"},{"minimum":3}]})", "4", "ok"},
      {R"({"anyOf":[{"type":"null"},{"minimum":3}]})", "2",
       "expected null, got number; expected a number of at least 3; matches no schema of anyOf"},
      {R"({"oneOf":[{"minimum":1},{"minimum":3}]})", "2", "ok"},
      {R"({"oneOf":[{"minimum":1},{"minimum":3}]})", "4", "matches more than one schema of oneOf"},
      {R"({"oneOf":[{"minimum":3},{"minimum":5}]})", "1",
       "expected a number of at least 3; expected a number of at least 5; matches no schema of oneOf"},
      {R"({"properties":{"a":{"not":{"type":"null"}}}})", R"({"a":null})", "/a: matches the schema that not excludes"},
      {R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":1})",
       R"("b" is missing)"},
      {R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"c":1})", "ok"},
      {R"({"if":{"required":["a"]},"then":{"required":["b"]}})", R"({"c":1})", "ok"},
      {R"({"definitions":{"p/q":{"type":"number"}},"items":{"$ref":"#/definitions/p~1q"}})", R"([1,"x"])",
       "/1: expected number, got text"},
      {R"({"definitions":{"n":{"not":{"const":1}}},"properties":{"list":{"items":{"$ref":"#/definitions/n"}}}})",
       R"({"list":[0,1]})", "/list/1: matches the schema that not excludes"},
      {R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"type":"null"}},"$ref":"#/$defs/a","title":"t"})", "1",
       "expected null, got number"},
      {R"({"x-note":1,"title":"t","default":5,"$schema":"http://json-schema.org/draft-07/schema#"})", "1", "ok"},
  };
  for (const Row& row : rows) {
    INFO(row.schema << " on " << row.value);
    CHECK(check(row.schema, row.value) == row.outcome);
  }
}

TEST_CASE("schema: how problems are told") {
  const std::string orders = R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":
      {"type":"object","required":["id"],"properties":{"price":{"type":"number"}}}}}})";
  CHECK(check(orders, R"({"items":[{"id":1},{"id":2},{"id":3},{"id":4,"price":"secret"}]})") ==
        "/items/3/price: expected number, got text");
  CHECK(check(orders, R"({"items":[{},{"price":null}]})") ==
        R"(/items/0: "id" is missing; /items/1/price: expected number, got null; /items/1: "id" is missing)");
  CHECK(check(R"({"items":{"type":"null"}})", "[1,2,3,4,5,6,7]") ==
        "/0: expected null, got number; /1: expected null, got number; /2: expected null, got number; "
        "/3: expected null, got number; /4: expected null, got number; and 2 more");
  CHECK(check(R"({"additionalProperties":{"type":"null"}})", R"({"a\nb\u0001c":1})") ==
        "/a\\nb\\u0001c: expected null, got number");
  CHECK(check(R"({"additionalProperties":{"type":"null"}})", R"({")" + std::string(300, 'n') + R"(":1})") ==
        "/" + std::string(199, 'n') + "…: expected null, got number");
  CHECK(compiled(R"({"type":"string"})").check(Value::bytes("x")) == "expected text, got bytes");
  // A hundred thousand failures, each told of by every schema around it: bounded.
  CHECK(check(R"({"items":{"items":{"type":"null"}}})", "[" + repeated("[1],", 100'000) + "[]]") ==
        "/0/0: expected null, got number; /1/0: expected null, got number; /2/0: expected null, got number; "
        "/3/0: expected null, got number; /4/0: expected null, got number; and more");
}

TEST_CASE("schema: what is refused when it is compiled") {
  CHECK(refused("5") == "validation: schema: expected a schema: an object, true or false");
  CHECK(refused(R"({"properties":{"a":7}})") ==
        "validation: schema: /properties/a: expected a schema: an object, true or false");
  CHECK(refused(R"({"properties":{"a":{"type":"text"}}})") ==
        "validation: schema: /properties/a: type: unknown type \"text\"; expected null, boolean, integer, number, "
        "string, array or object");
  CHECK(refused(R"({"type":"strng"})") == "validation: schema: type: unknown type \"strng\"; did you mean \"string\"?");
  CHECK(refused(R"({"minLength":"3"})") == "validation: schema: minLength: expected a whole number from 0, got text");
  CHECK(refused(R"({"minimum":null})") == "validation: schema: minimum: expected a number, got null");
  CHECK(refused(R"({"exclusiveMinimum":true})") ==
        "validation: schema: exclusiveMinimum: expected a number, got boolean");
  CHECK(refused(R"({"multipleOf":0})") == "validation: schema: multipleOf: expected a number above 0, got number");
  CHECK(refused(R"({"required":true})") == "validation: schema: required: expected a list of names, got boolean");
  CHECK(refused(R"({"enum":[]})") == "validation: schema: enum: expected a list of at least one value, got array");
  CHECK(refused(R"({"anyOf":[]})") == "validation: schema: /anyOf: expected a list of at least one schema");
  CHECK(refused(R"({"requird":["a"]})") ==
        "validation: schema: unknown keyword \"requird\"; did you mean \"required\"?");
  CHECK(refused(R"({"unevaluatedItems":false})") ==
        "validation: schema: unknown keyword \"unevaluatedItems\"; JSON Schema's draft 7 has none of this name");
  CHECK(refused(R"j({"pattern":"(?=a)"})j") ==
        "validation: schema: pattern: the pattern is invalid: invalid perl operator: (?= (there is no look-around)");
  CHECK(refused(R"({"pattern":"(a)\\1"})") ==
        "validation: schema: pattern: the pattern is invalid: invalid escape sequence: \\1 (there are no "
        "back-references and no \\u)");
  CHECK(refused(R"({"patternProperties":{"(":true}})") ==
        "validation: schema: /patternProperties: the pattern is invalid: missing ): (");
  CHECK(refused(R"({"format":"iri"})") ==
        "validation: schema: format: the format \"iri\" is not known; expected date-time, date, time, email, uri, "
        "uuid, ipv4 or hostname, or use pattern");
  CHECK(refused(R"({"items":{"$ref":"https://example.com/a.json"}})") ==
        "validation: schema: /items: $ref: expected a place in this document such as \"#/definitions/name\"; nothing "
        "is fetched");
  CHECK(refused(R"({"$ref":"#/definitions/none"})") ==
        "validation: schema: $ref: there is no \"#/definitions/none\" in this schema");
  CHECK(refused(R"({"$ref":"#"})") == "validation: schema: $ref leads in a circle without going into the value");
  CHECK(refused(R"({"definitions":{"a":{"anyOf":[{"$ref":"#/definitions/b"}]},"b":{"not":{"$ref":"#/definitions/a"}}},
                    "properties":{"x":{"$ref":"#/definitions/a"}}})") ==
        "validation: schema: /definitions/a: $ref leads in a circle without going into the value");
  CHECK(refused(R"({"$ref":"#/definitions/a","minimum":1,"definitions":{"a":true}})") ==
        "validation: schema: \"minimum\" has no effect beside $ref; put both into allOf");
  CHECK(refused(repeated(R"({"items":)", 63) + "{}" + std::string(63, '}')) == "ok");
  CHECK(refused(repeated(R"({"items":)", 64) + "{}" + std::string(64, '}')) ==
        "validation: schema: " + repeated("/items", 33) + "/i: it is nested deeper than 64 schemas");
}

TEST_CASE("schema: recursive schemas and hostile sizes end") {
  const auto started = std::chrono::steady_clock::now();
  const std::string tree = R"({"definitions":{"node":{"type":"object","required":["v"],
      "properties":{"children":{"type":"array","items":{"$ref":"#/definitions/node"}}}}},"$ref":"#/definitions/node"})";
  const std::string open = R"({"v":1,"children":[)";
  // 64 objects and 64 lists: as deep as a value may be.
  CHECK(check(tree, repeated(open, 63) + R"({"v":1,"children":[]})" + repeated("]}", 63)) == "ok");
  CHECK(check(tree, repeated(open, 63) + R"({"children":[]})" + repeated("]}", 63)) ==
        repeated("/children/0", 18) + "/c…: \"v\" is missing");
  CHECK(check(R"({"items":{"$ref":"#"}})", std::string(128, '[') + std::string(128, ']')) == "ok");
  CHECK(check(R"({"items":{"$ref":"#"},"allOf":[{"allOf":[{"allOf":[{"allOf":[{"allOf":[{"allOf":[{"allOf":[{"type":
              "array"}]}]}]}]}]}]}]})",
              std::string(128, '[') + std::string(128, ']')) == "is nested too deep for this schema");
  // Two ways at each level: 2^100 looks.
  const std::string twice = R"({"anyOf":[{"items":{"$ref":"#"},"maxItems":0},{"items":{"$ref":"#"},"minItems":9}]})";
  CHECK(check(twice, std::string(100, '[') + std::string(100, ']')) == "is too large to be checked by this schema");
  // Containers of one size can't be told apart but by comparing each with each.
  std::string pairs = "[";
  for (int i = 10'000; i < 50'000; ++i) pairs += "[" + std::to_string(i) + "],";
  CHECK(check(R"({"uniqueItems":true})", pairs + "0]") == "is too large to be checked by this schema");
  CHECK(check(R"({"pattern":"^(a|b)*c$"})", "\"" + std::string(1'000'000, 'a') + "\"") ==
        "the text does not match the pattern");
  CHECK(check(R"({"items":{"type":"number"}})", "[" + repeated("1,", 200'000) + "1]") == "ok");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  CHECK(took.count() < 200);
}

TEST_CASE("schema: one schema, many threads") {
  const JsonSchema schema = compiled(R"({"properties":{"a":{"pattern":"^x+$"},"b":{"$ref":"#"}}})");
  const Value good = json(R"({"a":"xx","b":{"a":"x"}})");
  const Value bad = json(R"({"a":"xx","b":{"a":"y"}})");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, schema] {
      for (int i = 0; i < 500; ++i) {
        if (schema.check(good)) ++wrong;
        if (schema.check(bad) != "/b/a: the text does not match the pattern") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
