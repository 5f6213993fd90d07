// A variable that grows in place comes to what evaluation gives, costs what is added, and stays as it was on an error.
#include <fnstack/json.hpp>

#include "expr/expression.hpp"
#include "support/catch.hpp"

using namespace fnstack;
using namespace fnstack::expr;

namespace {

// `all` is slot 0, `x` slot 1, `y` slot 2.
Reference resolve(const NameUse& use) {
  Reference reference;
  if (use.name == "all" || use.name == "x" || use.name == "y") {
    reference.kind = Reference::Kind::slot;
    reference.index = use.name == "all" ? 0 : use.name == "x" ? 1 : 2;
  }
  return reference;
}

Expression bound(std::string_view text) {
  Diagnostics diagnostics;
  const auto parsed = parse(text, 0, {}, diagnostics);
  REQUIRE(parsed);
  return expr::bind(*parsed, resolve);
}

std::string shown(const Result<Value>& result) {
  return result ? to_json(*result) : result.error().type + ": " + result.error().message;
}

struct Case {
  const char* expression;
  const char* all;
  const char* x;
};

}  // namespace

TEST_CASE("what can grow in place is seen when the expression is bound") {
  for (const char* text :
       {"all + x", "all + x + y + 1", "[...all, x]", "[...all, x, ...y, 3]", "all.concat(x)", "all.concat(x, y)",
        "all|append(x)", "append(all, x, y)", "all|set(x, y)", "all|set_ifnotnull('k', x)", "{...all, [x]: y}",
        "{...all, ...x, a: 1}", "set(all, x, y)", "all|set(value=x, path='k')"}) {
    INFO(text);
    CHECK(bound(text).grown_slot() == 0);
  }
  for (const char* text : {"all",
                           "all + all.length",
                           "x + all",
                           "[x, ...all]",
                           "[...all]",
                           "[...all, all.length]",
                           "all.concat(all)",
                           "all.concat()",
                           "all.list.concat(x)",
                           "[...all.list, x]",
                           "all.slice(1)",
                           "all?.concat(x)",
                           "(all + x) * 2",
                           "all - x",
                           "append(x, all)",
                           "all|set(x, all)",
                           "all|set('n', all.n + 1)",
                           "all.list|set(x, y)",
                           "set(x, 'k', all)",
                           "set(...all)",
                           "{...all}",
                           "{a: 1, ...all}",
                           "{...all, a: all.a}",
                           "{...all.list, a: x}"}) {
    INFO(text);
    CHECK(bound(text).grown_slot() != 0);
  }
}

TEST_CASE("growing gives what evaluating gives") {
  const Case cases[] = {
      {"all + x", R"("ab")", R"("c")"},
      {"all + x", R"("ab")", "1.5"},
      {"all + x", R"("ab")", "null"},
      {"all + x", R"("ab")", R"([1,{"a":null}])"},
      {"all + x", "1", "2"},
      {"all + x", "1", R"("2")"},
      {"all + x", "[1]", R"("2")"},
      {"all + x", "null", "2"},
      {"all + x + 1 + null + 'c'", R"("ab")", "2"},
      {"all + (x + 1)", R"("ab")", "2"},
      {"all + x + 1", "3", "2"},
      {"all + x + 'a'", "3", "2"},
      {"all + x + 'a'", "null", R"("b")"},
      {"all + x", "{}", "2"},
      {"all + x * 2", R"("ab")", R"("no number")"},
      {"[...all, x]", "[1]", "2"},
      {"[...all, x]", "[]", "[2]"},
      {"[...all, x]", R"("añ")", "2"},
      {"[...all, x]", "null", "2"},
      {"[...all, ...x, 7]", "[1]", "[2,3]"},
      {"[...all, ...x]", "[1]", R"("ab")"},
      {"[...all, ...x]", "[1]", "5"},
      {"all.concat(x)", "[1]", "[2,[3]]"},
      {"all.concat(x)", "[1]", "2"},
      {"all.concat(x, 3)", "[1]", "null"},
      {"all.concat(...x)", "[1]", "[[2],3]"},
      {"all.concat(x)", R"("ab")", R"("c")"},
      {"all.concat(x, 3)", R"("ab")", "null"},
      {"all.concat(x)", "null", "[1]"},
      {"all.concat(x)", "{}", "[1]"},
      {"all|append(x)", "[1]", "[2]"},
      {"all|append(x)", R"("ab")", R"("c")"},
      {"all|append(x)", "null", "1"},
      {"all|append(x)", "3", "1"},
      {"all|set('a', x)", R"({"a":1,"b":2})", R"({"c":3})"},
      {"all|set(x, 1)", R"({"a":1})", R"("new")"},
      {"all|set('a.b', x)", R"({"a":{"b":1,"c":2}})", "3"},
      {"all|set('a.b', x)", R"({"a":{"b":1},"a.b":2})", "3"},
      {"all|set('a.b.c', x)", R"({"a":{}})", "[1]"},
      {"all|set('a[1].b', x)", R"({"a":[{"b":1},{"b":2},{"b":3}]})", "4"},
      {"all|set('a[1]', x)", R"({"a":[1]})", "2"},
      {"all|set('a[2]', x)", R"({"a":[1]})", "2"},
      {"all|set('a.b', x)", R"({"a":5})", "2"},
      {"all|set('a.b', x)", R"({"n":{"m":1},"a":{"b":5}})", "null"},
      {"all|set('[0]', x)", "[1,2]", "3"},
      {"all|set('a', x)", "[1,2]", "3"},
      {"all|set('a.b', x)", "null", "3"},
      {"all|set('a', x)", R"("text")", "3"},
      {"all|set('', x)", R"({"a":1})", "3"},
      {"all|set(x, 1)", R"({"a":1})", "[2]"},
      {"all|set('a', x * 2)", R"({"a":1})", R"("no number")"},
      {"all|set_conditional('a', 2, x)", R"({"a":1})", "true"},
      {"all|set_conditional('a', 2, x)", R"({"a":1})", "false"},
      {"all|set_conditional('a', 2, x)", "5", "false"},
      {"all|set_ifnotnull('a', x)", R"({"a":1})", "null"},
      {"all|set_ifnotnull('a', x)", R"({"a":1})", "2"},
      {"all|set_ifnotempty('a', x)", R"({"a":1})", R"("")"},
      {"all|set_ifnotempty('a', x)", R"({"a":1})", "[2]"},
      {"all|set(value=x, path='b')", R"({"a":1})", "2"},
      {"{...all, [x]: 1}", R"({"a":1})", R"("b")"},
      {"{...all, [x]: 1}", R"({"a":1})", "2"},
      {"{...all, ...x, c: 3}", R"({"a":1,"b":2})", R"({"d":4,"a":{"e":[]}})"},
      {"{...all, b: x, a: x, b: 7}", R"({"a":1})", "2"},
      {"{...all, ...x}", R"({"a":1})", "null"},
      {"{...all, ...x}", R"({"a":1})", "5"},
      {"{...all, a: x * 2}", R"({"a":1})", R"("no number")"},
      {"{...all, a: x}", "null", "1"},
      {"{...all, a: x}", "[1]", "1"},
  };
  for (const Case& each : cases) {
    INFO(each.expression << " of " << each.all << " and " << each.x);
    Value slots[] = {parse_json(each.all).value(), parse_json(each.x).value(), Value()};
    Scope scope;
    scope.slots = slots;
    const Expression expression = bound(each.expression);
    REQUIRE(expression.grown_slot() == 0);
    const std::string wanted = shown(evaluate(expression, scope));
    const Value before = slots[0];
    Failure error;
    if (grow(expression, scope, slots[0], error)) {
      CHECK(to_json(slots[0]) == wanted);
      if (slots[0].is_container()) CHECK(to_json(before) == each.all);  // who shared the value still has it
    } else {
      CHECK(error->type + ": " + error->message == wanted);
      CHECK(slots[0] == before);
    }
  }
}

TEST_CASE("growing costs what is added, in place") {
  Value list = Value::array();
  for (int i = 0; i < 1'000'000; ++i) list.push_back(i);
  Value slots[] = {std::move(list), parse_json("[1,2,3]").value(), Value()};
  Scope scope;
  scope.slots = slots;
  Failure error;
  const Expression expression = bound("all.concat(x)");
  CHECK(shown(evaluate(expression, scope)).starts_with("["));
  const std::uint64_t evaluated = scope.steps;
  CHECK(evaluated > 10'000);
  REQUIRE(grow(expression, scope, slots[0], error));
  CHECK(scope.steps == evaluated);
  CHECK(slots[0].size() == 1'000'003);
  const Value* const first = &slots[0][0];
  for (int i = 0; i < 100; ++i) REQUIRE(grow(expression, scope, slots[0], error));
  CHECK(&slots[0][0] == first);
}

TEST_CASE("setting a member costs the member, in place at every level") {
  Value inner = Value::object();
  for (int i = 0; i < 100'000; ++i) inner.set("key" + std::to_string(i), i);
  Value slots[] = {Value::object({{"inner", std::move(inner)}}), Value("inner.key7"), Value()};
  Scope scope;
  scope.slots = slots;
  Failure error;
  const Expression expression = bound("all|set(x, 'new')");
  const Value* const there = &slots[0].get("inner")[7];
  for (int i = 0; i < 1'000; ++i) REQUIRE(grow(expression, scope, slots[0], error));
  CHECK(&slots[0].get("inner")[7] == there);
  CHECK(there->as_string() == "new");
  CHECK(scope.steps < 10'000);

  // Another variable that holds the same object keeps what it had.
  slots[2] = slots[0];
  slots[1] = Value("inner.key8");
  REQUIRE(grow(expression, scope, slots[0], error));
  CHECK(to_json(slots[0].get("inner").get("key8")) == R"("new")");
  CHECK(to_json(slots[2].get("inner").get("key8")) == "8");
}

TEST_CASE("members are added to an object in place") {
  Value slots[] = {parse_json(R"({"a":0})").value(), Value(), Value()};
  Scope scope;
  scope.slots = slots;
  Failure error;
  const Expression expression = bound("{...all, ['key' + x]: x, a: x}");
  for (int i = 0; i < 10'000; ++i) {
    slots[1] = Value(i);
    REQUIRE(grow(expression, scope, slots[0], error));
  }
  CHECK(slots[0].size() == 10'001);
  CHECK(slots[0].get("a") == Value(9'999));
  CHECK(scope.steps < 100'000);
  // What doesn't fit beside what it replaces may fit instead of it.
  slots[0] = Value::object({{"a", std::string(100, 'a')}});
  slots[1] = Value(std::string(100, 'x'));
  scope.limits.value_bytes = 200;
  REQUIRE(grow(bound("{...all, a: x}"), scope, slots[0], error));
  CHECK(slots[0].get("a") == slots[1]);
  CHECK_FALSE(grow(bound("{...all, b: x}"), scope, slots[0], error));
  CHECK(error->message == "value is larger than 200 bytes (limit value_bytes)");
  CHECK(slots[0].size() == 1);
}

TEST_CASE("a limit stops setting a member before anything is set") {
  Value slots[] = {parse_json(R"({"a":{"b":1}})").value(), parse_json("[[1]]").value(), Value()};
  const Value before = slots[0];
  for (const char* text : {"all|set('a.b', x)", "{...all, a: [x]}"}) {
    const Expression expression = bound(text);
    for (const bool in_place : {false, true}) {
      INFO(text << ", in place: " << in_place);
      Failure error;
      Scope flat;
      flat.slots = slots;
      flat.limits.value_depth = 3;
      if (in_place) {
        CHECK_FALSE(grow(expression, flat, slots[0], error));
      } else {
        CHECK(evaluate_borrowed(expression, flat, slots[2], error) == nullptr);
      }
      REQUIRE(error != nullptr);
      CHECK(error->message == "value is nested deeper than 3 (limit value_depth)");
      CHECK(slots[0] == before);
    }
  }
  Failure error;
  Scope small;
  small.slots = slots;
  small.limits.value_bytes = 60;
  CHECK_FALSE(grow(bound("all|set('a.b', x)"), small, slots[0], error));
  CHECK(error->message == "value is larger than 60 bytes (limit value_bytes)");
  CHECK(slots[0] == before);
}

TEST_CASE("a limit stops growing before anything has grown") {
  Value slots[] = {parse_json(R"(["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])").value(), parse_json("[[[1]]]").value(), Value()};
  const Value before = slots[0];
  Failure error;
  Scope small;
  small.slots = slots;
  small.limits.value_bytes = 100;
  CHECK_FALSE(grow(bound("[...all, x]"), small, slots[0], error));
  CHECK(error->type == error_type::limit);
  CHECK(error->message == "value is larger than 100 bytes (limit value_bytes)");
  CHECK(slots[0] == before);
  Scope flat;
  flat.slots = slots;
  flat.limits.value_depth = 3;
  CHECK(grow(bound("all.concat(x)"), flat, slots[0], error));
  CHECK_FALSE(grow(bound("[...all, x]"), flat, slots[0], error));
  CHECK(error->message == "value is nested deeper than 3 (limit value_depth)");
  CHECK(slots[0].size() == 2);
}
