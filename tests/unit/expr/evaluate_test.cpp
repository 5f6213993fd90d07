// Evaluation: binding, borrowing, arrows, costs, limits, random bits. Single values stand in the table
// tests/cases/expressions.csv.
#include <algorithm>
#include <string>
#include <vector>

#include <fnstack/json.hpp>

#include "expr/variables.hpp"
#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

Expression read(std::string_view text, bool slot_syntax = false) {
  Diagnostics diagnostics;
  std::optional<Expression> parsed = parse(text, 0, {}, diagnostics, {slot_syntax});
  INFO(text << ": " << diagnostics.to_text());
  REQUIRE(parsed);
  return *parsed;
}

std::string shown(const Result<Value>& result) {
  return result.ok() ? to_json(*result) : result.error().type + ": " + result.error().message;
}

std::string eval(std::string_view text, std::string_view names = "{}", bool slot_syntax = false) {
  Random random;
  Scope scope;
  scope.random = &random;
  scope.now_ms = 1'700'000'000'123;
  return shown(evaluate_text(text, parse_json(names).value(), scope, slot_syntax));
}

TEST_CASE("names bind to slots, roots and what is built in") {
  const Value slots[] = {Value(1), Value::object({{"b", 2}})};
  const Value roots[] = {Value::object({{"X", "env"}})};
  Random random;
  Scope scope;
  scope.slots = slots;
  scope.roots = roots;
  scope.now_ms = 77;
  scope.random = &random;
  const Resolver resolve = [](const NameUse& use) {
    Reference out;
    if (use.name == "a") out.kind = Reference::Kind::slot;
    if (use.name == "o") out = {Reference::Kind::slot, 1};
    if (use.name == "env") out.kind = Reference::Kind::root;
    if (use.name == "timestamp") out.kind = Reference::Kind::timestamp;
    if (use.name == "uuid") out.kind = Reference::Kind::uuid;
    return out;
  };
  const auto run = [&](std::string_view text) { return shown(evaluate(expr::bind(read(text), resolve), scope)); };
  CHECK(run("[a, o.b, env.X, timestamp, now(), nothing, nothing.x]") == R"([1,2,"env",77,77,null,null])");
  CHECK(run("uuid.length") == "36");
  CHECK(run("uuid === uuid") == "false");
  CHECK(run("Math.PI > 3 && Math.nothing === null") == "true");
  CHECK(run("Math.PI.x") == "null");
}

TEST_CASE("a resolver may take the first key with the name") {
  const Value slots[] = {Value::object({{"z", 5}})};
  Scope scope;
  scope.slots = slots;
  const Resolver resolve = [](const NameUse& use) {
    Reference out;
    out.kind = use.name == "loop" && use.first_key == "index" ? Reference::Kind::slot : Reference::Kind::null;
    out.consumed_key = true;
    return out;
  };
  CHECK(shown(evaluate(expr::bind(read("[loop.index, loop.index.z, loop['index'].z, loop.other]"), resolve), scope)) ==
        R"([{"z":5},5,5,null])");
}

TEST_CASE("the age of a cached value stands in a slot of its own, which an own field hides") {
  const Resolver resolve = [](const NameUse& use) {
    Reference out;
    out.kind = Reference::Kind::slot;
    if (use.first_key == "age") out.age_slot = 1;
    return out;
  };
  const auto run = [&](const Value& cached, std::string_view text) {
    const Value slots[] = {cached, Value(12)};
    Scope scope;
    scope.slots = slots;
    return shown(evaluate(expr::bind(read(text), resolve), scope));
  };
  CHECK(run(Value::object({{"x", 1}}), "c.age") == "12");
  CHECK(run("text", "c.age + 1") == "13");
  CHECK(run(Value(), "c.age") == "12");
  CHECK(run(Value::object({{"age", 3}}), "c.age") == "3");
  CHECK(run(Value::object({{"age", Value()}}), "c['age']") == "null");
  CHECK(run(Value::object({{"x", 1}}), "c.x") == "1");
}

TEST_CASE("a path is answered without a copy") {
  const Value slots[] = {
      Value::object({{"a", Value::array({1, Value::object({{"b", "a text beyond fourteen bytes"}})})}})};
  Scope scope;
  scope.slots = slots;
  const Resolver resolve = [](const NameUse&) { return Reference{Reference::Kind::slot}; };
  Value scratch;
  Failure error;
  CHECK(evaluate_borrowed(expr::bind(read("x.a[1].b"), resolve), scope, scratch, error) ==
        slots[0].get("a")[1].find("b"));
  CHECK(evaluate_borrowed(expr::bind(read("x"), resolve), scope, scratch, error) == &slots[0]);
  CHECK(evaluate_borrowed(expr::bind(read("x.a[1].b.length"), resolve), scope, scratch, error) == &scratch);
  CHECK(scratch == Value(28));
  CHECK(evaluate_borrowed(expr::bind(read("x.a - 1"), resolve), scope, scratch, error) == nullptr);
  CHECK(error->message == "cannot subtract: left operand \"x.a\" is a list");
  CHECK(evaluate_borrowed(expr::bind(read("x.a[0]"), resolve), scope, scratch, error) != nullptr);
  CHECK(error == nullptr);
}

TEST_CASE("an expression without names to bind, and an empty one") {
  Scope scope;
  CHECK(shown(evaluate(read("1 + 1"), scope)) == "2");
  CHECK(shown(evaluate(read("a.b"), scope)) == "null");
  CHECK(shown(evaluate(Expression(), scope)) == "null");
}

TEST_CASE("slot syntax") {
  CHECK(eval("{{a}} === 'users'", R"({"a":"users"})", true) == "true");
  CHECK(eval("{{a + 1}} * 2", R"({"a":1})", true) == "4");
  CHECK(eval("<<a>> + {{b}}", R"({"a":1,"b":2})", true) == "3");
}

TEST_CASE("filters bind tighter than every operator") {
  CHECK(eval("!x|length", R"({"x":""})") == "true");
  CHECK(eval("a + b|upper", R"({"a":"a","b":"b"})") == "\"aB\"");
  CHECK(eval("-x|abs", R"({"x":-3})") == "-3");
  CHECK(eval("x|length == 0", R"({"x":[]})") == "true");
  CHECK(eval("2 ** x|length", R"({"x":[1,2,3]})") == "8");
  CHECK(eval("env[item|upper + '_KEY']", R"({"env":{"A_KEY":1},"item":"a"})") == "1");
  CHECK(eval("s|replace:'a':'b'|upper", R"({"s":"xax"})") == "\"XBX\"");
}

TEST_CASE("arrows see their parameters, the outer ones and the names around") {
  CHECK(eval("xs.map(x => x * k)", R"({"xs":[1,2],"k":10})") == "[10,20]");
  CHECK(eval("xs.map((x, i) => x + i)", R"({"xs":[1,2]})") == "[1,3]");
  CHECK(eval("xs.map(x => ys.map(y => x * y))", R"({"xs":[1,2],"ys":[3,4]})") == "[[3,4],[6,8]]");
  CHECK(eval("xs.map(x => xs.map(x => x + 1).length + x)", R"({"xs":[1,2]})") == "[3,4]");
  CHECK(eval("xs.map((x, i, all) => all.length)", R"({"xs":[1,2]})") == "[2,2]");
  CHECK(eval("xs.map(() => 1)", R"({"xs":[1,2]})") == "[1,1]");
  CHECK(eval("xs.reduce((a, x) => a + x, 0)", R"({"xs":[1,2,3]})") == "6");
  CHECK(eval("xs.map(x => x.a - 1)", R"({"xs":[{"a":1},{}]})") ==
        "expression: cannot subtract: left operand \"x.a\" is null");
  CHECK(eval("a.map(x1 => a.map(x2 => a.map(x3 => a.map(x4 => a.map(x5 => a.map(x6 => a.map(x7 => "
             "x1 + x2 + x3 + x4 + x5 + x6 + x7)))))))|flatten(9)",
             R"({"a":[1]})") == "[7]");
}

TEST_CASE("methods: the receiver decides, null is an error unless ?. stops before it") {
  CHECK(eval("a.toUpperCase()", R"({"a":"x"})") == "\"X\"");
  CHECK(eval("a.b.trim()") == "expression: cannot call trim(): \"a.b\" is null");
  CHECK(eval("a.trim()", R"({"a":5})") ==
        "expression: cannot call trim(): \"a\" is a number, which has no such method");
  CHECK(eval("a?.trim()") == "null");
  CHECK(eval("a?.b.c.trim().length") == "null");
  CHECK(eval("a?.b.trim()", R"({"a":{}})") == "expression: cannot call trim(): \"a?.b\" is null");
  CHECK(eval("(a?.b).trim()") == "expression: cannot call trim(): \"(a?.b)\" is null");
  CHECK(eval("a?.concat(b - 1)") == "null");
  CHECK(eval("a?.concat(...b)") == "null");
  CHECK(eval("a?.[b.trim()].trim()") == "null");
  CHECK(eval("x.concat(a?.trim()).length", R"({"x":[1]})") == "2");
  CHECK(eval("[a?.trim(), 'x'.trim()]") == R"([null,"x"])");
}

TEST_CASE("spread arguments") {
  CHECK(eval("Math.max(...xs, 2)", R"({"xs":[1,7,3]})") == "7");
  CHECK(eval("[0].concat(...xs)", R"({"xs":[[1],[2,3]]})") == "[0,1,2,3]");
  CHECK(eval("xs.map(...[], x => x + 1)", R"({"xs":[1,2]})") == "[2,3]");
}

TEST_CASE("operands of messages are cut, and shown on one line") {
  CHECK(eval("1 - ('x'\n+ a)") == "expression: cannot subtract: right operand \"('x' + a)\" is text that is no number");
  const std::string name(70, 'n');
  CHECK(eval(name + " - 1") == "expression: cannot subtract: left operand \"" + std::string(60, 'n') + "…\" is null");
}

TEST_CASE("one expression costs at most its steps") {
  const Value names = Value::object({{"xs", Value::array(std::vector<Value>(1000, Value(1)))}});
  Scope scope;
  CHECK(shown(evaluate_text("xs.map(x => xs.map(y => y).length).length", names, scope)) ==
        "limit: expression takes more than 100000 steps (limit expression_steps)");
  Scope small;
  small.limits.expression_steps = 10;
  CHECK(shown(evaluate_text("xs.map(x => x)", names, small)) ==
        "limit: expression takes more than 10 steps (limit expression_steps)");
  Scope counted;
  REQUIRE(evaluate_text("xs.map(x => x)", names, counted).ok());
  CHECK(counted.steps >= 1000);
  CHECK(counted.steps <= 1100);
  // The next evaluation has its own allowance, the count goes on.
  REQUIRE(evaluate_text("xs.map(x => x)", names, counted).ok());
  CHECK(counted.steps >= 2000);
}

TEST_CASE("values are bounded before they are built") {
  Scope scope;
  scope.limits.value_bytes = 1000;
  const Value names = Value::object({{"t", std::string(600, 'x')}});
  CHECK(shown(evaluate_text("t + t", names, scope)) == "limit: value is larger than 1000 bytes (limit value_bytes)");
  CHECK(shown(evaluate_text("[t, t]", names, scope)) == "limit: value is larger than 1000 bytes (limit value_bytes)");
  CHECK(shown(evaluate_text("{a: t, b: t}", names, scope)) ==
        "limit: value is larger than 1000 bytes (limit value_bytes)");
  scope.limits.value_depth = 3;
  CHECK(shown(evaluate_text("[[[n]]]", names, scope)) == "[[[null]]]");
  CHECK(shown(evaluate_text("[[[[n]]]]", names, scope)) == "limit: value is nested deeper than 3 (limit value_depth)");
}

TEST_CASE("comparing large values is counted too") {
  const Value big(std::string(1 << 20, 'x'));
  std::string other(1 << 20, 'x');
  other.back() = 'y';
  const Value names =
      Value::object({{"a", big}, {"b", other}, {"xs", Value::array(std::vector<Value>(1000, Value(1)))}});
  for (const char* text : {"xs.map(x => a === b)", "xs.map(x => a < b)", "xs.map(x => a in [b])", "xs.map(x => a == b)",
                           "xs.map(x => a.length)", "xs.map(x => a[1000000])", "xs.map(x => ({a: 1})[a])"}) {
    Scope scope;
    INFO(text);
    CHECK(shown(evaluate_text(text, names, scope)) ==
          "limit: expression takes more than 100000 steps (limit expression_steps)");
  }
}

TEST_CASE("random bits follow from seed and position alone") {
  Random random;
  // AES-256 in counter mode of the zero key: FIPS 197's and SP 800-38A's cipher of the zero block comes first.
  std::uint8_t first[32] = {};
  random.fill(first, sizeof first);
  CHECK(random.position == 32);
  const std::uint8_t zero_block[] = {0xdc, 0x95, 0xc0, 0x78, 0xa2, 0x40, 0x89, 0x89,
                                     0xad, 0x48, 0xa2, 0x14, 0x92, 0x84, 0x20, 0x87};
  CHECK(std::equal(std::begin(zero_block), std::end(zero_block), first));
  Random pieces;
  std::uint8_t second[32] = {};
  pieces.fill(second, 5);
  pieces.fill(second + 5, 0);
  pieces.fill(second + 5, 20);
  pieces.fill(second + 25, 7);
  CHECK(std::equal(std::begin(first), std::end(first), second));
  Random other;
  other.seed[0] = 1;
  std::uint8_t third[32] = {};
  other.fill(third, sizeof third);
  CHECK_FALSE(std::equal(std::begin(first), std::end(first), third));
}

TEST_CASE("uuid is of version 4") {
  Random random;
  CHECK(random.uuid() == "dc95c078-a240-4989-ad48-a21492842087");
  const std::string next = random.uuid();
  CHECK(next.size() == 36);
  CHECK(next[14] == '4');
  CHECK(std::string("89ab").find(next[19]) != std::string::npos);
  CHECK(next != "dc95c078-a240-4989-ad48-a21492842087");
  Scope scope;
  CHECK(shown(evaluate_text("uuid", Value::object(), scope)) ==
        "expression: uuid: there is no source of random bits here");
}

}  // namespace
}  // namespace fnstack::expr
