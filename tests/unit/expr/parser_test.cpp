// What parse accepts, and every word it says about what it doesn't.
#include <string>

#include "expr/expression.hpp"
#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

// Every diagnostic as "code begin-end: message [hint]", one a line; "ok" if there is none.
std::string complaints(std::string_view text, bool slot_syntax = false) {
  Diagnostics diagnostics;
  const std::optional<Expression> parsed = parse(text, 0, {}, diagnostics, {slot_syntax});
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics.items()) {
    if (!out.empty()) out += '\n';
    if (diagnostic.severity == Diagnostic::Severity::warning) out += "warning ";
    out += diagnostic.code + ' ' + std::to_string(diagnostic.span.begin) + '-' + std::to_string(diagnostic.span.end) +
           ": " + diagnostic.message;
    if (!diagnostic.hint.empty()) out += " [" + diagnostic.hint + ']';
  }
  CHECK(parsed.has_value() == !diagnostics.has_errors());
  return out.empty() ? "ok" : out;
}

// Of an expression that may have so many nodes; "ok" if it is read.
std::string complaint_at(std::int64_t expression_nodes, std::string_view text) {
  Diagnostics diagnostics;
  const auto parsed = parse(text, 0, {}, diagnostics, {.expression_nodes = expression_nodes});
  REQUIRE(parsed.has_value() == diagnostics.items().empty());
  return parsed ? "ok" : diagnostics.items().front().code + ": " + diagnostics.items().front().message;
}

std::string names(std::string_view text) {
  Diagnostics diagnostics;
  const std::optional<Expression> parsed = parse(text, 10, {}, diagnostics);
  REQUIRE(parsed);
  std::string out;
  for (const NameUse& use : free_names(*parsed)) {
    if (!out.empty()) out += ' ';
    out += std::string(use.name) + (use.first_key.empty() ? "" : "." + std::string(use.first_key)) + '@' +
           std::to_string(use.span.begin) + '-' + std::to_string(use.span.end);
  }
  return out;
}

TEST_CASE("parse points at what is wrong") {
  CHECK(complaints("") == "syntax 0-0: expression: empty, expected a value");
  CHECK(complaints("  ") == "syntax 2-2: expression: empty, expected a value");
  CHECK(complaints("a +") == "syntax 3-3: expression: expected a value, got the end");
  CHECK(complaints("a b") == "syntax 2-3: expression: expected an operator or the end, got \"b\"");
  CHECK(complaints("(a") == "syntax 2-2: expression: expected \")\", got the end");
  CHECK(complaints("a = 1") ==
        "syntax 2-3: expression: an expression can't assign [to compare write \"===\"; to change a variable use an "
        "Update Variable step]");
  CHECK(complaints("a and b") == "syntax 2-5: expression: expected an operator or the end, got \"and\" [write \"&&\"]");
  CHECK(complaints("items.*.subtotal") ==
        "syntax 6-7: expression: there is no wildcard \"*\" [write items|map(attribute='subtotal')]");
  CHECK(complaints("order.items.*") ==
        "syntax 12-13: expression: there is no wildcard \"*\" [write order.items|map(attribute='name')]");
  CHECK(complaints("a.0") ==
        "syntax 1-3: expression: expected an operator or the end, got \".0\" [for a list's element write x[0]]");
  CHECK(complaints("a.[0]") ==
        "syntax 2-3: expression: expected a name behind \".\", got \"[\" [leave the dot out: x[0]]");
  CHECK(complaints("/x/") ==
        "syntax 0-1: expression: there are no regex literals [give the pattern as text: x|matches('[0-9]+')]");
  CHECK(complaints("new Date()") == "syntax 0-3: expression: unexpected \"new\" [there is no \"new\"]");
  CHECK(complaints("x => 1") == "syntax 2-4: expression: an arrow function can only be the argument of a call");
  CHECK(complaints("{{a}}") ==
        "syntax 1-2: expression: expected a key, got \"{\" [templates don't nest: inside {{ }} "
        "write the name alone]");
  CHECK(complaints("a[0](1)") ==
        "syntax 4-5: expression: expected an operator or the end, got \"(\" [only names and methods can be called]");
  CHECK(complaints("'" + std::string(100, 'x') + "' 'y'") ==
        "syntax 103-106: expression: expected an operator or the end, got 'y'");
}

TEST_CASE("signs, powers and ?? need parentheses where ECMAScript wants them") {
  CHECK(complaints("-2 ** 2") ==
        "syntax 3-5: expression: a sign before ** needs parentheses [write (-a) ** b or -(a ** b)]");
  CHECK(complaints("2 ** -2 ** 2") ==
        "syntax 8-10: expression: a sign before ** needs parentheses [write (-a) ** b or -(a ** b)]");
  CHECK(complaints("(-2) ** 2 + -(2 ** 2) + 2 ** -2") == "ok");
  CHECK(complaints("a || b ?? c") ==
        "syntax 7-9: expression: ?? can't be mixed with || or && without parentheses "
        "[write (a || b) ?? c or a || (b ?? c)]");
  CHECK(complaints("a ?? b && c") ==
        "syntax 7-9: expression: ?? can't be mixed with || or && without parentheses "
        "[write (a || b) ?? c or a || (b ?? c)]");
  CHECK(complaints("(a || b) ?? (c && d) ?? e") == "ok");
}

TEST_CASE("unknown functions are all reported, with the nearest name") {
  CHECK(complaints("lenght(a) + b|uper") ==
        "unknown-function 0-6: unknown function \"lenght\"; did you mean \"length\"?\n"
        "unknown-function 14-18: unknown filter \"uper\"; did you mean \"upper\"?");
  CHECK(complaints("Math.cell(1)") ==
        "unknown-function 0-9: unknown function \"Math.cell\"; did you mean \"Math.ceil\"?");
  CHECK(complaints("a.b.toUppercase()") ==
        "unknown-function 4-15: unknown method \"toUppercase\"; did you mean \"toUpperCase\"?");
  CHECK(complaints("xs.average()") ==
        "unknown-function 3-10: unknown method \"average\" [\"average\" is a filter: write x|average]");
  CHECK(
      complaints("toUpperCase(a)") ==
      "unknown-function 0-11: unknown function \"toUpperCase\" [\"toUpperCase\" is a method: write x.toUpperCase(…)]");
  CHECK(complaints("Date.now()") == "unknown-function 5-8: unknown method \"now\" [write now()]");
  CHECK(complaints("analyze_sentiment(a)") == "unknown-function 0-17: unknown function \"analyze_sentiment\"");
}

TEST_CASE("arguments are checked against the function's parameters") {
  CHECK(complaints("a|split(',')|join") == "ok");
  CHECK(complaints("a|map(attribute='f')|sum(attribute='g')") == "ok");
  CHECK(complaints("a|where(value=5, attribute='f', operator='<')") == "ok");
  CHECK(complaints("a|map(atribute='f')") ==
        "argument 6-14: map: unknown argument \"atribute\"; did you mean \"attribute\"? [it is map(list, attribute, "
        "fields…)]");
  CHECK(complaints("a|map") ==
        "argument 2-5: map: missing argument \"attribute\" [it is map(list, attribute, fields…)]");
  CHECK(complaints("a|upper(1)") == "argument 8-9: upper: expected at most 1 argument, got 2 [it is upper(text)]");
  CHECK(complaints("a|map('f', attribute='g')") ==
        "argument 11-20: map: argument \"attribute\" is given twice [it is map(list, attribute, fields…)]");
  CHECK(complaints("a|map(attribute='f', 'g')") ==
        "syntax 21-24: expression: an argument without a name can't follow a named one");
  CHECK(complaints("a.slice(start=1)") ==
        "syntax 8-13: expression: a method takes no named arguments [filters do: x|slice(start=…)]");
  CHECK(complaints("a|map(...xs)") == "ok");
  CHECK(complaints("a|map(...xs, attribute='g')") ==
        "argument 13-22: map: \"...\" and named arguments can't stand together [it is map(list, attribute, fields…)]");
}

TEST_CASE("a colon is a filter's argument only where it is directly attached on both sides") {
  CHECK(complaints("a|starts_with:'x'") == "ok");
  CHECK(complaints("a|replace:'x':'y'|upper") == "ok");
  CHECK(complaints("a ? b|upper : c") == "ok");
  CHECK(complaints("a ? b|upper: c") == "ok");
  CHECK(complaints("a ? b|starts_with:c : d") == "ok");
  CHECK(complaints("a ? b|join:c") ==
        "syntax 12-12: expression: expected \":\" of \"?\", got the end [a colon that directly follows a filter begins "
        "its argument: write a blank before it]");
  CHECK(complaints("a|first.name") ==
        "syntax 7-8: expression: expected an operator or the end, got \".\" [put the filter in parentheses: "
        "(x|first).name]");
  CHECK(complaints("(a|first).name + (b|last)[0]") == "ok");
  CHECK(
      complaints("a|limit :1") ==
      "argument 2-7: limit: missing argument \"count\" [it is limit(list, count)]\n"
      "syntax 8-9: expression: expected an operator or the end, got \":\" [a filter's argument stands directly behind "
      "its colon: x|name:'a'; or write x|name('a')]");
}

TEST_CASE("arrow functions") {
  CHECK(complaints("xs.map(x => x.a)") == "ok");
  CHECK(complaints("xs.map((x, i) => x.a + i).filter(() => true)") == "ok");
  CHECK(complaints("xs.map(x => ys.map(y => x + y))") == "ok");
  CHECK(complaints("xs.map(x => ({a: x}))") == "ok");
  CHECK(complaints("xs.map(x => {a: x})") ==
        "syntax 12-13: expression: an arrow function's body is one expression [for an object write x => ({ … })]");
  CHECK(complaints("xs.map((x, x) => x)") == "syntax 11-12: expression: parameter \"x\" stands twice");
  CHECK(complaints("xs.map(x => y => y)") == "syntax 12-13: expression: an arrow function can't give a function");
  CHECK(complaints("xs.map(null => 1)") == "syntax 7-11: expression: \"null\" can't be a parameter");
}

TEST_CASE("in slot syntax {{x}} and <<x>> mean (x)") {
  CHECK(complaints("{{a}} === 'x' && <<b>> > 1", true) == "ok");
  CHECK(complaints("{{ {a: {b: 1}} }}.a", true) == "ok");
  CHECK(complaints("true", true) == "ok");
  CHECK(complaints("{{a}} {{b}}", true) ==
        "syntax 6-8: expression: expected an operator or the end, got \"{{\" [put an operator between the two values]");
  CHECK(complaints("{{a", true) == "syntax 3-3: expression: expected }}, got the end");
  CHECK(complaints("has more pages", true) == "syntax 4-8: expression: expected an operator or the end, got \"more\"");
  CHECK(complaints("'{{a}}' === 'x'", true) ==
        "warning template-in-quotes 0-7: expression: braces inside quotes are plain text here [take the quotes away: "
        "{{x}} means (x)]");
}

TEST_CASE("an expression has a bounded size and depth") {
  std::string sum = "1";
  for (int i = 0; i < 400; ++i) sum += " + a";
  CHECK(complaints(sum) == "ok");
  for (int i = 0; i < 200; ++i) sum += " + a";
  CHECK(
      complaints(sum).find("limit 2004-2005: expression: more than 1000 nodes (limit expression_nodes) [compute parts "
                           "of it in variables of their own]") == 0);
  const std::string deep_limit =
      ": expression: nested more than 200 deep [compute parts of it in variables of their own]";
  CHECK(complaints(std::string(150, '(') + "a" + std::string(150, ')')) == "ok");
  CHECK(complaints(std::string(100'000, '(')) == "limit 200-201" + deep_limit);
  CHECK(complaints(std::string(100'000, '[')) == "limit 200-201" + deep_limit);
  CHECK(complaints(std::string(100'000, '!') + "a") == "limit 199-200" + deep_limit);
  std::string keys = "a";
  for (int i = 0; i < 5000; ++i) keys += ".b";
  CHECK(complaints(keys).find("expression: more than 1000 nodes (limit expression_nodes)") != std::string::npos);
}

TEST_CASE("an expression has as many nodes as its limit says") {
  const std::string too_many = "limit: expression: more than 4 nodes (limit expression_nodes)";
  CHECK(complaint_at(5, "a + b.c") == "ok");
  CHECK(complaint_at(4, "a + b.c") == "ok");
  CHECK(complaint_at(4, "a + b.c.d") == too_many);
  CHECK(complaint_at(4, "[null, null, null]") == "ok");
  CHECK(complaint_at(4, "[null, null, null, null]") == too_many);
  CHECK(complaint_at(4, "a.b.c.d") == "ok");
  CHECK(complaint_at(4, "a.b.c.d.e") == too_many);
  CHECK(complaint_at(1, "null") == "ok");
  CHECK(complaint_at(0, "null") == "ok");  // one is the least

  std::string many = "[0";
  for (int i = 0; i < 70'000; ++i) many += ",0";
  CHECK(complaint_at(1'000'000, many + "]") == "limit: expression: more than 65535 nodes (limit expression_nodes)");
}

TEST_CASE("operations stand one within the other only so deep, however many nodes there may be") {
  const auto sum = [](int operations) {
    std::string text = "a";
    for (int i = 0; i < operations; ++i) text += "+a";
    return text;
  };
  CHECK(complaint_at(60'000, sum(999)) == "ok");
  CHECK(complaint_at(60'000, sum(1'000)) == "limit: expression: more than 1000 operations one within the other");
  std::string keys = "a";
  for (int i = 0; i < 1'000; ++i) keys += "[b]";
  CHECK(complaint_at(60'000, keys) == "limit: expression: more than 1000 operations one within the other");
  std::string calls = "a";
  for (int i = 0; i < 1'000; ++i) calls += ".trim()";
  CHECK(complaint_at(60'000, calls) == "limit: expression: more than 1000 operations one within the other");
}

TEST_CASE("free_names gives each use with its first key and place") {
  CHECK(names("a.b.c + d[0] + e['x y'] + f[g]") == "a.b@10-11 d@18-19 e.x y@25-26 f@36-37 g@38-39");
  CHECK(names("now() + split(a, ',') + Math.ceil(b) + Math.PI") == "a@24-25 b@44-45");
  CHECK(names("xs.map(x => x.a + y)") == "xs@10-12 y@28-29");
  CHECK(names("{a, b: c}") == "a@11-12 c@17-18");
  CHECK(names("loop.index + loop.index.x") == "loop.index@10-14 loop.index@23-27");
  CHECK(names("1 + 2").empty());
}

TEST_CASE("what a template asks of an expression") {
  const auto read = [](std::string_view text) {
    Diagnostics diagnostics;
    return parse(text, 3, {}, diagnostics).value_or(Expression());
  };
  CHECK(read(" a + b ").span() == Span{4, 9});
  REQUIRE(read("1 + 2 * 3").constant() != nullptr);
  CHECK(*read("1 + 2 * 3").constant() == Value(7));
  CHECK(*read("{a: [1, 'x' + 1]}").constant() == Value::object({{"a", Value::array({1, "x1"})}}));
  CHECK(read("1 / 0").constant() == nullptr);
  CHECK(read("a").constant() == nullptr);
  CHECK(read("a + b").is_concatenation());
  CHECK_FALSE(read("a * b").is_concatenation());
  CHECK_FALSE(read("'a' + 'b'").is_concatenation());
  CHECK(read("a.b|raw").outermost_opt_out() == "raw");
  CHECK(read("json(a)").outermost_opt_out() == "json");
  CHECK(read("(a|path)").outermost_opt_out() == "path");
  CHECK(read("a|raw|upper").outermost_opt_out().empty());
  CHECK(read("a|upper").outermost_opt_out().empty());
  const Expression inner = read("(a + b)|raw").without_opt_out();
  CHECK(inner.is_concatenation());
  CHECK(inner.outermost_opt_out().empty());
}

}  // namespace
}  // namespace fnstack::expr
