#include "expr/arithmetic.hpp"

#include <cstdint>
#include <string>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

std::string shown(const Result<Value>& result) {
  return result.ok() ? to_json(*result) : result.error().type + ": " + result.error().message;
}

TEST_CASE("arithmetic of integers is exact, and a double beyond 64 bits") {
  CHECK(shown(arithmetic('+', 2, 3)) == "5");
  CHECK(shown(arithmetic('+', INT64_MAX, 1)) == "9223372036854776000");
  CHECK(shown(arithmetic('-', INT64_MIN, 1)) == "-9223372036854776000");
  CHECK(shown(arithmetic('*', std::int64_t{1} << 62, 4)) == "18446744073709552000");
  CHECK(shown(arithmetic('*', 3037000499, 3037000499)) == "9223372030926249001");
  CHECK(shown(arithmetic('%', INT64_MIN, -1)) == "0");
  CHECK(shown(arithmetic('%', -7, 3)) == "-1");
  CHECK(shown(arithmetic('/', 6, 3)) == "2");
  CHECK(shown(arithmetic('/', 1, 3)) == "0.3333333333333333");
  CHECK(shown(arithmetic('^', 2, 0.5)) == "1.4142135623730951");
  CHECK(arithmetic('+', 2, 3)->is_integer());
  CHECK_FALSE(arithmetic('/', 6, 3)->is_integer());
}

TEST_CASE("arithmetic reads numeric text and booleans, nothing else") {
  CHECK(shown(arithmetic('+', "1", 1)) == "2");
  CHECK(shown(arithmetic('+', " 0x10 ", true)) == "17");
  CHECK(shown(arithmetic('+', nullptr, 1)) == "expression: cannot add: left operand is null");
  CHECK(shown(arithmetic('-', 1, nullptr)) == "expression: cannot subtract: right operand is null");
  CHECK(shown(arithmetic('*', "x", 1)) == "expression: cannot multiply: left operand is text that is no number");
  CHECK(shown(arithmetic('*', 1, Value::array())) == "expression: cannot multiply: right operand is a list");
  CHECK(shown(arithmetic('/', 1, 0)) == "expression: cannot divide: right operand is 0");
  CHECK(shown(arithmetic('%', 1.5, 0.0)) == "expression: cannot take the remainder: right operand is 0");
  CHECK(shown(arithmetic('^', -1, 0.5)) ==
        "expression: cannot raise to a power: the result of left operand and right operand is not a number");
  CHECK(shown(arithmetic('*', 1e300, 1e300)) ==
        "expression: cannot multiply: the result of left operand and right operand is beyond the range of numbers");
}

TEST_CASE("add joins where a text, list, object or bytes stand") {
  CHECK(shown(add("a", 1)) == "\"a1\"");
  CHECK(shown(add(1, "a")) == "\"1a\"");
  CHECK(shown(add("a", nullptr)) == "\"a\"");
  CHECK(shown(add(Value::array({1}), Value::object({{"b", 2}}))) == R"("[1]{\"b\":2}")");
  CHECK(shown(add(Value::bytes("ab"), "!")) == "\"YWI=!\"");
  CHECK(shown(add(1, true)) == "2");
  CHECK(shown(add(nullptr, true)) == "expression: cannot add: left operand is null");
}

TEST_CASE("to_number reads what ECMAScript's Number reads, infinities aside") {
  const auto read = [](const Value& value) { return to_json(to_number(value)); };
  CHECK(read("12") == "12");
  CHECK(read(" 1.5\xC2\xA0") == "1.5");
  CHECK(read("1e3") == "1000");
  CHECK(read("+.5") == "0.5");
  CHECK(read("-9223372036854775808") == "-9223372036854775808");
  CHECK(read("9223372036854775808") == "9223372036854776000");
  CHECK(read("0b11") == "3");
  CHECK(read("") == "0");
  CHECK(read(" ") == "0");
  CHECK(read(true) == "1");
  CHECK(read(2.5) == "2.5");
  for (const char* text :
       {"x", "1x", "-0x10", "1 2", ".", "e5", "1e", "Infinity", "-Infinity", "1e999", "NaN", "inf", "1_000", "--1"}) {
    INFO(text);
    CHECK(read(text) == "null");
  }
  CHECK(read(nullptr) == "null");
  CHECK(read(Value::array()) == "null");
  CHECK(read("1e-999") == "0");
  CHECK(read("0." + std::string(400, '0') + "1") == "0");
  CHECK(read("1" + std::string(400, '0')) == "null");
  CHECK(read("1" + std::string(400, '0') + "e-400") == "1");
}

TEST_CASE("equality: null equals only null, the kinds meet as numbers or text") {
  CHECK(loosely_equal(nullptr, nullptr));
  CHECK_FALSE(loosely_equal(nullptr, 0));
  CHECK_FALSE(loosely_equal("", nullptr));
  CHECK(loosely_equal(1, "1"));
  CHECK(loosely_equal(9007199254740993, "9007199254740993"));
  CHECK_FALSE(loosely_equal(9007199254740993, "9007199254740992"));
  CHECK(loosely_equal(true, "1"));
  CHECK_FALSE(loosely_equal(true, "true"));
  CHECK(loosely_equal(0, ""));
  CHECK_FALSE(loosely_equal(0, "x"));
  CHECK(loosely_equal(Value::array({1, Value::object({{"a", 1}})}), Value::array({1.0, Value::object({{"a", 1}})})));
  CHECK_FALSE(loosely_equal(Value::array(), Value::object()));
  CHECK(loosely_equal(Value::array({1}), "[1]"));
  CHECK_FALSE(loosely_equal(Value::array({1}), 1));
}

TEST_CASE("order: null and what is no number are in none") {
  CHECK(order(1, 2) == Order::less);
  CHECK(order(2.5, 2) == Order::greater);
  CHECK(order(INT64_MAX, 9223372036854775808.0) == Order::less);
  CHECK(order(INT64_MIN, -9223372036854775808.0) == Order::equal);
  CHECK(order(9007199254740993, 9007199254740992.0) == Order::greater);
  CHECK(order(-2.5, -2) == Order::less);
  CHECK(order(3, "Infinity") == Order::less);
  CHECK(order("-Infinity", INT64_MIN) == Order::less);
  CHECK(order("10", 9) == Order::greater);
  CHECK(order("10", "9") == Order::less);
  CHECK(order("x", 9) == Order::none);
  CHECK(order(nullptr, nullptr) == Order::none);
  CHECK(order(false, true) == Order::less);
  CHECK(order("a", "a") == Order::equal);
  // UTF-16 puts what it writes with surrogates before U+E000.
  CHECK(order("\xEF\xBF\xBD", "\xF0\x9F\x98\x80") == Order::greater);
  CHECK(order("\xF0\x9F\x98\x80", "\xED\x95\x9C") == Order::greater);
  CHECK(order("x\xEE\x80\x80", "x\xF0\x9F\x98\x80") == Order::greater);
}

TEST_CASE("truthiness is ECMAScript's") {
  for (const Value& value :
       {Value(true), Value(1), Value(-0.5), Value("0"), Value::array(), Value::object(), Value::bytes("")}) {
    CHECK(is_truthy(value));
  }
  for (const Value& value : {Value(), Value(false), Value(0), Value(0.0), Value(-0.0), Value("")}) {
    CHECK_FALSE(is_truthy(value));
  }
}

}  // namespace
}  // namespace fnstack::expr
