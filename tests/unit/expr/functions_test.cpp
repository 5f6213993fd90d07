// What tables of rows can't say of the functions: that each has a row, that they are bounded, that bytes which are no
// UTF-8 do no harm, that results don't touch their arguments.
#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include <fnstack/json.hpp>

#include "expr/functions.hpp"
#include "expr/variables.hpp"
#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

// The names that stand before "(" or behind "|" in a table's expressions; behind "." with the dot.
std::set<std::string> names_used(const std::string& table) {
  std::set<std::string> names;
  std::ifstream file(FNSTACK_TEST_DATA "/cases/" + table);
  REQUIRE(file.is_open());
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    for (std::size_t i = 0; i < line.size();) {
      if (!is_word(line[i])) {
        ++i;
        continue;
      }
      std::size_t end = i;
      while (end < line.size() && is_word(line[end])) ++end;
      const std::string word = line.substr(i, end - i);
      const char before = i > 0 ? line[i - 1] : ' ';
      if (before == '|') names.insert(word);
      if (end < line.size() && line[end] == '(') {
        names.insert(before == '.' ? "." + word : word);
        // A namespaced function: the word before the dot belongs to it.
        std::size_t start = i;
        while (start > 0 && (is_word(line[start - 1]) || line[start - 1] == '.')) --start;
        names.insert(line.substr(start, end - start));
      }
      i = end;
    }
  }
  return names;
}

bool any_used(const Function& function, const std::set<std::string>& names, const std::string& prefix) {
  const std::size_t dot = prefix.empty() ? std::string_view::npos : function.name.find('.');
  if (names.contains(prefix + std::string(function.name.substr(dot == std::string_view::npos ? 0 : dot + 1))))
    return true;
  std::string_view rest = function.aliases;
  while (!rest.empty()) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    if (names.contains(prefix + std::string(rest.substr(0, blank)))) return true;
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return false;
}

Result<Value> run(std::string_view expression, const Value& variables, Scope& scope) {
  return evaluate_text(expression, variables, scope);
}

std::string outcome(const Result<Value>& result) {
  return result.ok() ? to_json(*result) : result.error().type + ": " + result.error().message;
}

TEST_CASE("every function and every method has a row") {
  const std::set<std::string> names = names_used("functions.csv");
  for (const Function& function : all_functions()) {
    INFO(function.name);
    CHECK(any_used(function, names, ""));
  }
  for (const Function& method : all_methods()) {
    INFO(method.name);
    CHECK(any_used(method, names, "."));
  }
}

TEST_CASE("the table is whole") {
  std::set<std::string> names;
  const auto check = [&](const Function& function) {
    INFO(function.name);
    CHECK(function.implementation != nullptr);
    CHECK_FALSE(function.doc.empty());
    // Optional parameters come last, and any number of them at the very end.
    bool optional = false;
    std::string_view rest = function.parameters;
    while (!rest.empty()) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      const std::string_view parameter = rest.substr(0, blank);
      rest.remove_prefix(std::min(blank + 1, rest.size()));
      CHECK((!optional || parameter.ends_with('?') || parameter.ends_with('*')));
      optional = optional || parameter.ends_with('?') || parameter.ends_with('*');
      CHECK((!parameter.ends_with('*') || rest.empty()));
    }
  };
  for (const Function& function : all_functions()) {
    check(function);
    CHECK(names.insert(std::string(function.name)).second);
    CHECK(find_function(function.name) == &function);
    std::string_view rest = function.aliases;
    while (!rest.empty()) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      INFO(rest.substr(0, blank));
      CHECK(names.insert(std::string(rest.substr(0, blank))).second);
      CHECK(find_function(rest.substr(0, blank)) == &function);
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  for (const Function& method : all_methods()) {
    check(method);
    CHECK(is_method_name(method.name.substr(method.name.find('.') + 1)));
  }
  CHECK(find_function("nosuch") == nullptr);
  CHECK(find_method(Value::Kind::null, "toString") == nullptr);
  CHECK(find_method(Value::Kind::string, "flat") == nullptr);
  CHECK(find_method(Value::Kind::array, "slice") != find_method(Value::Kind::string, "slice"));
  CHECK(find_method(Value::Kind::integer, "toFixed") == find_method(Value::Kind::number, "toFixed"));
  CHECK_FALSE(is_method_name("string.slice"));
}

TEST_CASE("work is bounded by steps") {
  Scope scope;
  const Value big = Value::object({{"text", std::string(std::size_t{1} << 20, 'a')}});
  // A mebibyte costs 1,024 steps each time.
  const auto result = run("range(1000)|map(i => text.includes('b'))", big, scope);
  CHECK(outcome(result) == "limit: expression takes more than 100000 steps (limit expression_steps)");
  CHECK(scope.steps > 100'000);
  CHECK(scope.steps < 102'000);
  // So does a field's name of that length, looked up in each element.
  Scope fields;
  CHECK(outcome(run("range(1000)|sum(text)", big, fields)) ==
        "limit: expression takes more than 100000 steps (limit expression_steps)");
  CHECK(fields.steps < 102'000);
}

TEST_CASE("sizes are checked before anything is built") {
  Scope scope;
  scope.limits.value_bytes = 10'000;
  const std::string error = "limit: value is larger than 10000 bytes (limit value_bytes)";
  const Value variables = Value::object({{"t", std::string(4000, 'x')}});
  for (const char* expression :
       {"t.repeat(3)", "t.padEnd(20000)", "t|pad_start(9000000000000000)", "range(10000)", "[t, t]|join(t)",
        "t + t + t", "t|replace('x', 'yyy')", "t.replaceAll('x', '$&$&$&')", "t.split('')",
        "t|escape_html|replace('x', '&')|escape_html", "[t, t].fill(t + t)", "Array.from({length: 1000})",
        "Array.from({length: 1e300})", "t|regex_replace('x', 'yyy')", "t|json_encode|json_encode|append(t)|append(t)",
        "t|append(t, t)", "[1]|batch(9007199254740991, 0)",
        "'%1000d%1000d%1000d%1000d%1000d%1000d%1000d%1000d%1000d%1000d%1000d'|sprintf(1,2,3,4,5,6,7,8,9,10,11)"}) {
    INFO(expression);
    CHECK(outcome(run(expression, variables, scope)) == error);
  }
}

TEST_CASE("a bad comparator sorts somehow") {
  Scope scope;
  std::vector<Value> numbers;
  for (int i = 0; i < 2000; ++i) numbers.emplace_back((i * 7919) % 2003);
  const Value variables = Value::object({{"xs", Value::array(numbers)}});
  for (const char* comparator : {"(a, b) => 1", "(a, b) => -1", "(a, b) => 0", "(a, b) => a % 3 - b % 5", "() => 'x'",
                                 "(a, b) => a < b", "() => null", "() => [1]"}) {
    INFO(comparator);
    const auto result = run("xs.sort(" + std::string(comparator) + ").sort((a, b) => a - b)", variables, scope);
    const auto expected = run("xs.sort((a, b) => a - b)", variables, scope);
    CHECK(outcome(result) == outcome(expected));
  }
}

TEST_CASE("sorting is stable") {
  Scope scope;
  std::vector<Value> rows;
  for (int i = 0; i < 500; ++i) rows.push_back(Value::object({{"key", i % 7}, {"at", i}}));
  const Value variables = Value::object({{"rows", Value::array(rows)}});
  for (const char* expression :
       {"rows.sort((a, b) => a.key - b.key)", "rows|sort_by('key')", "rows|sort('key', 'asc')"}) {
    INFO(expression);
    const auto result = run(expression, variables, scope);
    REQUIRE(result.ok());
    for (std::size_t i = 1; i < result->size(); ++i) {
      const Value& earlier = (*result)[i - 1];
      const Value& later = (*result)[i];
      CHECK(
          (earlier.get("key").as_integer() < later.get("key").as_integer() ||
           (earlier.get("key") == later.get("key") && earlier.get("at").as_integer() < later.get("at").as_integer())));
    }
  }
}

TEST_CASE("expressions in field names are bounded and see only the element") {
  Scope scope;
  CHECK(outcome(run("[{a: 1}]|map('env|json')", Value::object({{"env", "secret"}}), scope)) == "[\"null\"]");
  const Value deep = Value::object({{"f", "[{f: f}]|map(f)"}});
  CHECK(outcome(run("[{f: f}]|map(f)", deep, scope)) ==
        "expression: map: expressions for fields are nested too deeply");
  CHECK(outcome(run("[1]|map(f)", Value::object({{"f", std::string(2000, 'a') + "|upper"}}), scope)) ==
        "expression: map: the expression for a field is longer than 1000 bytes");
}

TEST_CASE("random functions follow the seed, and need one") {
  const auto with_seed = [](std::uint8_t seed, std::string_view expression) {
    Random random;
    random.seed[0] = seed;
    Scope scope;
    scope.random = &random;
    return outcome(run(expression, Value::object(), scope));
  };
  for (const char* expression : {"random_number(1, 1000000000)", "random_decimal()", "range(20)|shuffle",
                                 "generate_uuid()", "generate_token()", "range(1000)|random_item", "Math.random()"}) {
    INFO(expression);
    CHECK(with_seed(1, expression) == with_seed(1, expression));
    CHECK(with_seed(1, expression) != with_seed(2, expression));
    Scope scope;
    const std::string name = std::string(expression).substr(0, std::string(expression).find('('));
    const auto result = run(expression, Value::object(), scope);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message.ends_with(": there is no source of random numbers here"));
  }
  // Both bounds occur, nothing beyond does.
  CHECK(with_seed(3, "range(300)|map(i => random_number(1, 3))|unique|sort") == "[1,2,3]");
  CHECK(with_seed(3, "range(300)|map(i => random_number(-9223372036854775807, 9223372036854775807))|unique|length") ==
        "300");
}

TEST_CASE("bytes that are no UTF-8 do no harm") {
  Scope scope;
  std::size_t ran = 0, answered = 0;
  const auto try_it = [&](const std::string& expression, const Value& variables) {
    const auto result = run(expression, variables, scope);
    ++ran;
    answered += result.ok();
    if (result.ok()) return;
    INFO(expression << ": " << result.error().message);
    CHECK((result.error().type == error_type::expression || result.error().type == error_type::limit));
  };
  std::size_t names = 0;
  const std::string texts[] = {std::string("\xFF"),         std::string("a\xC3"),         std::string("\xE2\x82"),
                               std::string("\xF0\x9F\x98"), std::string("\xED\xA0\x80z"), std::string("\x80\x80"),
                               std::string("\xC0\xAF"),     std::string("a\0b", 3)};
  for (const std::string& text : texts) {
    const Value variables = Value::object({{"t", Value(text)}});
    for (const Function& function : all_functions()) {
      if (function.name.starts_with("random") || function.name.find('.') != std::string_view::npos) continue;
      ++names;
      try_it("t|" + std::string(function.name) + "(t, t)", variables);
      try_it("t|" + std::string(function.name) + "(t)", variables);
      try_it("t|" + std::string(function.name), variables);
    }
    for (const Function& method : all_methods()) {
      const std::string name(method.name.substr(method.name.find('.') + 1));
      ++names;
      try_it("t." + name + "()", variables);
      try_it("t." + name + "(t)", variables);
      try_it("t." + name + "(1, 2)", variables);
    }
  }
  CHECK(ran == 3 * names);
  CHECK(names >= std::size(texts) * 200);  // all of them, not a table that has become empty
  CHECK(answered > ran / 5);
}

// Every function with values of every kind at every place: an answer or an error of type expression or limit.
TEST_CASE("any arguments give a value or an error") {
  const Value odd = Value::object({{"n", Value()},
                                   {"b", true},
                                   {"i", INT64_MIN},
                                   {"m", INT64_MAX},
                                   {"d", 1e308},
                                   {"f", -0.5},
                                   {"e", ""},
                                   {"t", "a[b].c|"},
                                   {"y", Value::bytes("\xFF\0")},
                                   {"a", Value::array({Value(), "x", -1, Value::array()})},
                                   {"o", Value::object({{"a", 1}, {"", Value::object()}})}});
  const std::string names[] = {"n", "b", "i", "m", "d", "f", "e", "t", "y", "a", "o", "(x => x)"};
  Random random;
  Scope scope;
  scope.random = &random;
  scope.limits.value_bytes = 100'000;
  scope.limits.expression_steps = 2000;
  const auto check = [&](const std::string& expression) {
    INFO(expression);
    const auto result = run(expression, odd, scope);
    if (!result.ok()) CHECK((result.error().type == "expression" || result.error().type == "limit"));
    if (result.ok() && result->kind() == Value::Kind::number) CHECK(result->as_number() - result->as_number() == 0);
  };
  for (const Function& function : all_functions()) {
    for (const std::string& first : names) {
      const std::string call = std::string(function.name) + "(" + (first[0] == '(' ? "x => x" : first);
      check(call + ")");
      for (const std::string& second : names) {
        const std::string more = call + ", " + (second[0] == '(' ? "x => x" : second);
        check(more + ")");
        check(more + ", a, t)");
      }
    }
  }
  for (const Function& method : all_methods()) {
    const std::string name(method.name.substr(method.name.find('.') + 1));
    for (const std::string& receiver : names) {
      if (receiver[0] == '(') continue;
      check(receiver + "." + name + "()");
      for (const std::string& first : names) {
        const std::string call = receiver + "." + name + "(" + (first[0] == '(' ? "x => x" : first);
        check(call + ")");
        check(call + ", m, a)");
      }
    }
  }
}

TEST_CASE("arguments are left as they were") {
  Scope scope;
  const Value variables = Value::object({{"xs", Value::array({3, 1, 2})},
                                         {"o", Value::object({{"a", 1}})},
                                         {"t", "a rather long text that is not stored inline"}});
  const std::string before = to_json(variables);
  for (const char* expression :
       {"xs.sort()", "xs.reverse()", "xs.concat([4])", "xs.fill(0)", "xs.with(0, 9)", "xs|append(4)", "xs|concat(xs)",
        "xs|merge(xs)", "o|set('a', 2)", "o|merge({a: 3})", "o|unset('a')", "o|unpick('a')", "Object.assign(o, {b: 1})",
        "t|append('x')", "t.concat(t)", "o|merge_recursive({a: {b: 1}})", "xs|append(xs)|append(xs)"}) {
    INFO(expression);
    const auto result = run(expression, variables, scope);
    CHECK(result.ok());
    CHECK(to_json(variables) == before);
  }
}

}  // namespace
}  // namespace fnstack::expr
