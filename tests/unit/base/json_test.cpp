// JSON in and out: what RFC 8259 and JSON.parse accept, places of errors, limits, what strangers send.
#include <fnstack/json.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "support/catch.hpp"

using fnstack::JsonLimits;
using fnstack::parse_json;
using fnstack::Value;

namespace {

Value read(std::string_view text) {
  auto result = parse_json(text);
  if (!result) FAIL(result.error().message << " in " << text);
  return std::move(result).value();
}

std::string round(std::string_view text) { return fnstack::to_json(read(text)); }

std::string complaint(std::string_view text, const JsonLimits& limits = {}) {
  const auto result = parse_json(text, limits);
  return result ? "no complaint" : result.error().type + ": " + result.error().message;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("JSON round trip", "[json]") {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-1",
                           "1.5",
                           "\"\"",
                           "\"text\"",
                           "[]",
                           "{}",
                           "[[],{}]",
                           "[1,2,3]",
                           R"({"a":1,"b":[true,null,"x"],"c":{"d":{}}})",
                           R"("\"\\\b\f\n\r\t\u0001\u001f")",
                           "\"\u00e9\u20ac\U0001F600\"",
                           "\"\u2028\u2029\x7f\"",
                           "9223372036854775807",
                           "-9223372036854775808",
                           "1e+21",
                           "1e-7",
                           R"({"b":1,"a":2,"":3})",
                           R"([{"a":1,"b":2},{"a":3},{"a":1,"b":2,"c":3},{"b":1,"a":2},{},{"a":1}])"}) {
    CHECK(round(text) == text);
  }
  CHECK(round(" \t\r\n[ 1 , 2 ]\n") == "[1,2]");
  CHECK(round("\xEF\xBB\xBF{}") == "{}");
  CHECK(round(R"("\u00e9\u20AC\ud83d\uDE00\/")") == "\"\u00e9\u20ac\U0001F600/\"");
  CHECK(round("1.0") == "1");
  CHECK(round("-0") == "0");
  CHECK(round("1E2") == "100");
}

TEST_CASE("numbers beyond 64 bits are doubles, beyond double an error", "[json]") {
  CHECK(round("[9223372036854775808]") == "[9223372036854776000]");
  CHECK(round("[18446744073709551615,18446744073709551616]") == "[18446744073709552000,18446744073709552000]");
  CHECK(round("[-9223372036854775809]") == "[-9223372036854776000]");
  CHECK(round("{\"n\":123456789012345678901234567890}") == "{\"n\":1.2345678901234568e+29}");
  CHECK(round("[1e-400]") == "[0]");
  CHECK(complaint("[1,\n 1e400]") == "validation: JSON, line 2, column 2: the number is too big");
}

TEST_CASE("a lone surrogate becomes U+FFFD", "[json]") {
  CHECK(read(R"("a\ud800b")") == Value("a\uFFFDb"));
  CHECK(read(R"("\udc00")") == Value("\uFFFD"));
  CHECK(read(R"("\ud800\ud800\udc00")") == Value("\uFFFD\U00010000"));
  CHECK(read(R"("\ud800\n")") == Value("\uFFFD\n"));
  CHECK(read(R"({"\udfff":1})") == Value::object({{"\uFFFD", 1}}));
}

TEST_CASE("of a repeated key the last value counts, at the place of the first", "[json]") {
  CHECK(round(R"({"a":1,"b":2,"a":3})") == R"({"a":3,"b":2})");
  CHECK(round(R"([{"a":1,"b":2},{"a":1,"b":2,"a":[{"x":1}]},{"a":1,"a":2}])") ==
        R"([{"a":1,"b":2},{"a":[{"x":1}],"b":2},{"a":2}])");
  CHECK(read(R"({"a":"long enough to own memory","a":1})").byte_size() == 16 + 1 + 16);
  const std::string many = "{" + repeat("\"k\":1,", 10000) + "\"k\":2}";
  CHECK(round(many) == R"({"k":2})");
}

TEST_CASE("sizes of what is read are those of what is built", "[json]") {
  const char* text = R"([{"a":1,"b":"longer than fourteen"},{"a":2,"b":""},{"c":[[]]}])";
  Value built = Value::array();
  built.push_back(Value::object({{"a", 1}, {"b", "longer than fourteen"}}));
  built.push_back(Value::object({{"a", 2}, {"b", ""}}));
  built.push_back(Value::object({{"c", Value::array({Value::array()})}}));
  const Value value = read(text);
  CHECK(value == built);
  CHECK(value.byte_size() == built.byte_size());
  CHECK(value.depth() == 4);
}

TEST_CASE("records read may be changed one by one", "[json]") {
  Value records = read(R"([{"a":1,"b":2},{"a":3,"b":4}])");
  Value first = records.take_at(0);
  first.set("c", 5);
  first.erase("a");
  records.set_at(0, std::move(first));
  records.push_back(6);
  CHECK(to_json(records) == R"([{"b":2,"c":5},{"a":3,"b":4},6])");
}

TEST_CASE("what is no JSON is refused with its place", "[json]") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1, column 1: expected a value, got nothing"},
      {"  \n ", "line 2, column 2: expected a value, got nothing"},
      {"nul", "line 1, column 1: expected a value"},
      {"[1,]", "line 1, column 4: expected a value"},
      {"[1 2]", "line 1, column 4: expected \",\" or \"]\""},
      {"[1", "line 1, column 3: expected \",\" or \"]\""},
      {"{\"a\":1", "line 1, column 7: expected \",\" or \"}\""},
      {"{\"a\" 1}", "line 1, column 6: expected \":\" after the key"},
      {"{a:1}", "line 1, column 2: expected a key in double quotes"},
      {"{\"a\":1,}", "line 1, column 8: expected a key in double quotes"},
      {"{\"a\":}", "line 1, column 6: expected a value"},
      {"[1]]", "line 1, column 4: expected the end after the value"},
      {"{}{}", "line 1, column 3: expected the end after the value"},
      {"'a'", "line 1, column 1: expected a value"},
      {"NaN", "line 1, column 1: expected a value"},
      {"Infinity", "line 1, column 1: expected a value"},
      {"-", "line 1, column 1: expected a digit after the minus sign"},
      {"+1", "line 1, column 1: expected a value"},
      {"01", "line 1, column 2: the number is malformed"},
      {"1.", "line 1, column 2: the number is malformed"},
      {"1e", "line 1, column 2: the number is malformed"},
      {"\"a", "line 1, column 3: the string has no end"},
      {"\"\u00e9\\x\"", "line 1, column 4: unknown escape in a string"},
      {"\"\\u12g4\"", "line 1, column 6: expected four hexadecimal digits after \\u"},
      {"\"a\nb\"", "line 1, column 3: a control character in a string must be escaped"},
      {"\"\xFF\"", "line 1, column 2: the text is not UTF-8"},
      {"\"\xC0\x80\"", "line 1, column 2: the text is not UTF-8"},
      {"\"\xED\xA0\x80\"", "line 1, column 2: the text is not UTF-8"},
      {"[1, // no\n2]", "line 1, column 5: expected a value"},
      {"{\"a\":[1,2}", "line 1, column 10: expected \",\" or \"]\""},
      {"]", "line 1, column 1: expected a value"},
      {"trues", "line 1, column 5: expected the end after the value"},
  };
  for (const auto& [text, message] : cases) CHECK(complaint(text) == std::string("validation: JSON, ") + message);
  CHECK(complaint(std::string_view("[1]\0", 4)) ==
        "validation: JSON, line 1, column 4: expected the end after the value");
  CHECK(complaint("\xEF\xBB\xBF[") == "validation: JSON, line 1, column 2: expected a value");
}

TEST_CASE("depth is limited exactly, and a million levels do no harm", "[json]") {
  JsonLimits limits;
  for (const std::uint32_t depth : {1U, 2U, 127U, 128U, 255U, 256U, 257U, 1023U, 1024U, 1025U, 5000U}) {
    limits.depth = depth;
    const std::string fits = repeat("[", depth) + repeat("]", depth);
    const auto result = parse_json(fits, limits);
    REQUIRE(result.ok());
    CHECK(result->depth() == depth);
    CHECK(complaint(repeat("[", depth + 1) + repeat("]", depth + 1), limits) ==
          "limit: JSON: nested deeper than " + std::to_string(depth) + " levels");
    CHECK(complaint(repeat("{\"a\":", depth + 1) + "1" + repeat("}", depth + 1), limits) ==
          "limit: JSON: nested deeper than " + std::to_string(depth) + " levels");
  }
  CHECK(complaint(repeat("[", 1'000'000)) == "limit: JSON: nested deeper than 128 levels");
  CHECK(complaint(repeat("{\"a\":", 1'000'000)) == "limit: JSON: nested deeper than 128 levels");
  limits.depth = 2'000'000;
  const auto deep = parse_json(repeat("[", 1'000'000) + repeat("]", 1'000'000), limits);
  REQUIRE(deep.ok());
  CHECK(deep->depth() == 1'000'000);
  CHECK(fnstack::to_json(*deep).size() == 2'000'000);
  limits.depth = 0;
  CHECK(complaint("1", limits) == "no complaint");
  CHECK(complaint("[]", limits) == "limit: JSON: nested deeper than 0 levels");
}

TEST_CASE("the size of the value is limited exactly", "[json]") {
  const char* const texts[] = {"\"some text that is long\"",           "[1,2,3]",
                               R"({"a":"b","c":[1,{"d":null}]})",      R"([{"a":1},{"a":2},{"a":3}])",
                               R"({"a":"replaced text, long","a":1})", "[123456789012345678901234567890,[]]"};
  for (const char* text : texts) {
    JsonLimits limits;
    limits.bytes = read(text).byte_size();
    if (std::string_view(text).find("replaced") == std::string_view::npos) {
      CHECK(complaint(text, limits) == "no complaint");
    }
    --limits.bytes;
    CHECK(complaint(text, limits) == "limit: JSON: a value of more than " + std::to_string(limits.bytes) + " bytes");
  }
  JsonLimits limits;
  limits.bytes = 1000;
  CHECK(complaint("[" + repeat("0,", 100'000) + "0]", limits) == "limit: JSON: a value of more than 1000 bytes");
}

TEST_CASE("objects of very many keys are read in time", "[json]") {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"end\":[]}";
  const Value value = read(text);
  CHECK(value.size() == 100'001);
  CHECK(value.get("key77777") == Value(77777));
  CHECK(fnstack::to_json(value) == text);
}

TEST_CASE("writing: strings that are no UTF-8, bytes, NaN", "[json]") {
  CHECK(to_json(Value("a\xFF\xC3")) == "\"a\uFFFD\uFFFD\"");
  CHECK(to_json(Value(std::string_view("\0\x1f", 2))) == R"("\u0000\u001f")");
  CHECK(to_json(Value("0123456\"89\\bcdef\n0123456789")) == R"("0123456\"89\\bcdef\n0123456789")");
  // Wherever it stands in a text of whatever length.
  for (std::size_t length = 1; length <= 20; ++length) {
    for (std::size_t place = 0; place < length; ++place) {
      std::string text(length, 'x');
      text[place] = '"';
      CHECK(to_json(Value(text)) == '"' + text.substr(0, place) + "\\" + text.substr(place) + '"');
      text[place] = '\x1f';
      CHECK(to_json(Value(text)) == '"' + text.substr(0, place) + "\\u001f" + text.substr(place + 1) + '"');
    }
  }
  CHECK(to_json(Value::array({Value::bytes(""), Value::bytes("f"), Value::bytes("fo"), Value::bytes("foo")})) ==
        R"(["","Zg==","Zm8=","Zm9v"])");
  CHECK(to_json(Value::array({std::nan(""), std::numeric_limits<double>::infinity()})) == "[null,null]");
}

TEST_CASE("writing: every length, and what needs care at every place", "[json]") {
  for (std::size_t length = 0; length <= 40; ++length) {
    const std::string plain(length, 'a');
    CHECK(fnstack::to_json(Value(plain)) == '"' + plain + '"');
    for (std::size_t at = 0; at < length; ++at) {
      for (const auto& [character, written] : {std::pair<char, const char*>{'"', "\\\""}, {'\0', "\\u0000"}}) {
        std::string text = plain;
        text[at] = character;
        std::string expected = plain;
        expected.replace(at, 1, written);
        CHECK(fnstack::to_json(Value(text)) == '"' + expected + '"');
      }
    }
  }
  for (std::size_t length = 230; length < 1'100; length += 7) {
    // Each at another place of what is gathered.
    const std::string key(length / 2, 'k');
    const std::string text(length, 'v');
    CHECK(fnstack::to_json(Value::object({{key, text}, {"n", -1.5}})) ==
          "{\"" + key + "\":\"" + text + "\",\"n\":-1.5}");
  }
}

TEST_CASE("pretty writing", "[json]") {
  const Value value = read(R"({"a":1,"b":[],"c":{},"d":[1,{"e":"x"}]})");
  CHECK(to_pretty_json(value) ==
        "{\n  \"a\": 1,\n  \"b\": [],\n  \"c\": {},\n  \"d\": [\n    1,\n    {\n      \"e\": \"x\"\n    }\n  ]\n}");
  CHECK(to_pretty_json(Value::array({1}), 4) == "[\n    1\n]");
  CHECK(to_pretty_json(value, 0) == to_json(value));
  CHECK(to_pretty_json(Value("x")) == "\"x\"");
}

TEST_CASE("values as text", "[json]") {
  CHECK(to_text(Value()).empty());
  CHECK(to_text(Value(true)) == "true");
  CHECK(to_text(Value(false)) == "false");
  CHECK(to_text(Value(-5)) == "-5");
  CHECK(to_text(Value(2.0)) == "2");
  CHECK(to_text(Value(1e21)) == "1e+21");
  CHECK(to_text(Value("as \"it\" is")) == "as \"it\" is");
  CHECK(to_text(Value::array({nullptr, "x"})) == "[null,\"x\"]");
  CHECK(to_text(Value::object({{"a", 1}})) == "{\"a\":1}");
  CHECK(to_text(Value::bytes("foo")) == "Zm9v");
}

TEST_CASE("documents read one after another keep their own keys, however much they are alike") {
  const char* texts[] = {R"({"a":1,"b":{"x":1}})",
                         R"({"a":1,"c":{"x":1}})",
                         R"({"a":1,"b":{"y":[{"k":1},{"k":2,"l":3},{"l":4,"k":5},{}]}})",
                         R"({"b":2,"a":{"x":"1"}})",
                         R"({"a":1})",
                         R"({"A":1,"b":{"x":2}})",
                         R"([{"a":1,"b":{"x":1}},{"a":2,"b":{"x":3}}])"};
  for (int round = 0; round < 3; ++round) {
    for (const char* text : texts) {
      auto value = parse_json(text);
      REQUIRE(value.ok());
      CHECK(to_json(*value) == text);
      // What becomes of one has no part in the next.
      value->set("new", Value(1));
      CHECK(to_json(*parse_json(text)) == text);
    }
  }
  // A name that comes twice is no guess for the next, and counts once.
  CHECK(to_json(*parse_json(R"({"a":1,"b":2,"a":[[3]]})")) == R"({"a":[[3]],"b":2})");
  CHECK(parse_json(R"({"a":[[1]],"a":2})")->depth() == 1);
  CHECK(parse_json(R"({"a":"xyz","a":2})")->byte_size() == 16 + 1 + 16);
  CHECK(to_json(*parse_json(R"({"a":1,"b":2,"c":3})")) == R"({"a":1,"b":2,"c":3})");
}

TEST_CASE("a document with many keys is read like others, again and again") {
  std::string object = "{";
  for (int i = 0; i < 300; ++i) object += (i == 0 ? "\"key" : ",\"key") + std::to_string(i) + "\":" + std::to_string(i);
  object += "}";
  const std::string text = "[" + object + "," + object + "]";
  for (int round = 0; round < 2; ++round) {
    CHECK(to_json(*parse_json(text)) == text);
    CHECK(to_json(*parse_json(object)) == object);
  }
}
