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
  for (const char* text : {"all + x", "all + x + y + 1", "[...all, x]", "[...all, x, ...y, 3]", "all.concat(x)",
                           "all.concat(x, y)", "all|append(x)", "append(all, x, y)", "all|set(x, y)",
                           "all|set_ifnotnull('k', x)", "{...all, [x]: y}", "{...all, ...x, a: 1}", "set(all, x, y)",
                           "all|set(value=x, path='k')", "x ? [...all, y] : all", "all.includes(x) ? all : [...all, x]",
                           "x ? all|append(1) : y ? all + 2 : null", "x ? all.length : {...all, x}"}) {
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
                           "{...all.list, a: x}",
                           "x ? all : y",
                           "x ? [...all, all.length] : all",
                           "[...all, x] ? 1 : 2",
                           "x ? y : 1 + (y ? [...all, 1] : 2)"}) {
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
      {"x ? [...all, x] : all", "[1]", "2"},
      {"x ? [...all, x] : all", "[1]", "0"},
      {"x ? [...all, x] : all", "{}", "1"},
      {"x * 2 ? [...all, x] : all", "[1]", R"("no number")"},
      {"all.includes(x) ? all : [...all, x]", "[1]", "1"},
      {"all.includes(x) ? all : [...all, x]", "[1]", "2"},
      {"x == 1 ? all + x : x == 2 ? all.concat(x) : all.length", R"("ab")", "1"},
      {"x == 1 ? all + x : x == 2 ? all.concat(x) : all.length", R"("ab")", "2"},
      {"x == 1 ? all + x : x == 2 ? all.concat(x) : all.length", R"("ab")", "3"},
      {"x ? all[0] : [...all, x]", "[[1]]", "1"},
      {"x ? [all, all] : [...all, x]", "[1]", "1"},
      {"(x ? [...all, x] : all)", "[1]", "2"},
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

TEST_CASE("what a fold adds to grows in place, and gives what copying gives") {
  const auto fold = [](std::string_view text, const char* all, const char* x) {
    Value slots[] = {parse_json(all).value(), parse_json(x).value(), Value()};
    Scope scope;
    scope.slots = slots;
    const std::string told = shown(evaluate(bound(text), scope));
    CHECK(to_json(slots[0]) == all);  // where it began
    return told;
  };
  CHECK(fold("x.reduce((t, v) => [...t, v * 2], all)", "[0]", "[1,2,3]") == "[0,2,4,6]");
  CHECK(fold("x.reduce((t, v) => t.concat(v), all)", "[]", "[[1,2],3,[[4]]]") == "[1,2,3,[4]]");
  CHECK(fold("x.reduceRight((t, v, i) => [...t, i, v], all)", "[]", R"(["a","b"])") == R"([1,"b",0,"a"])");
  CHECK(fold("x.reduce((t, v) => ({...t, [v]: v.length}), all)", R"({"a":9})", R"(["a","bc"])") == R"({"a":1,"bc":2})");
  CHECK(fold("x.reduce((t, v) => v > 1 ? [...t, v] : t, all)", "[]", "[1,2,1,3]") == "[2,3]");
  CHECK(fold("x.reduce((t, v) => t.includes(v) ? t : t|append(v), all)", "[]", "[1,2,1,3,2]") == "[1,2,3]");
  CHECK(fold("x.reduce((t, v) => t + v, all)", R"("<")", R"(["a",1,true])") == R"("<a1true")");
  CHECK(fold("x.reduce((t, v) => t|set(v, t.length), all)", "{}", R"(["a"])") == R"({"a":null})");
  CHECK(fold("x.reduce((t, v) => t + v)", "0", "[1,2,3]") == "6");
  CHECK(fold("x.reduce((t, v, i, l) => [...t, l.length - i], all)", "[]", "[7,7,7]") == "[3,2,1]");
  // The list itself is what is added to, and each pass sees it as it was.
  CHECK(fold("x.reduce((t, v, i, l) => [...t, l.length], x)", "0", "[1,2]") == "[1,2,2,2]");
  // What a pass gives away is not changed by the next.
  CHECK(fold("x.reduce((t, v) => [...t, [...t, v]], all)", "[]", "[1,2]") == "[[1],[[1],2]]");
  CHECK(fold("x.reduce((t, v) => [...t, v.reduce((u, w) => [...u, w], [])], all)", "[]", "[[1,2],[3]]") ==
        "[[1,2],[3]]");
  CHECK(fold("x.reduce((t, v) => [...t, v.reduce((u, w) => [...u, t.length, w], [])], all)", "[]", "[[1],[3]]") ==
        "[[0,1],[1,3]]");
  CHECK(fold("x.reduce((t, v) => [...t, v], all)", "5", "[1]") ==
        R"(expression: cannot spread: "t" is a number, expected a list or text)");
  CHECK(fold("x.reduce(() => 1, all)", "[]", "[1,2]") == "1");

  Value list = Value::array();
  for (int i = 0; i < 20'000; ++i) list.push_back(i);
  for (const char* text : {"x.reduce((t, v) => [...t, v], [])", "x.reduce((t, v) => v < 0 ? t : t.concat([v]), [])",
                           "x.reduce((t, v) => ({...t, ['k' + v]: v}), {})"}) {
    INFO(text);
    Value slots[] = {Value(), list, Value()};
    Scope scope;
    scope.slots = slots;
    const auto folded = evaluate(bound(text), scope);
    REQUIRE(folded);
    CHECK(folded->size() == 20'000);
    CHECK(scope.steps < 100'000);
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
