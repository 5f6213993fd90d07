#include "expr/template.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/vars.hpp"

using namespace fnstack;
using fnstack_test::messages;
using fnstack_test::shown;
using fnstack_test::Vars;

namespace {

expr::Template parsed(std::string_view text) {
  Diagnostics diagnostics;
  std::optional<expr::Template> result = expr::parse_template(text, TextPlace{}, diagnostics);
  INFO(text << "\n" << messages(diagnostics));
  REQUIRE(result.has_value());
  CHECK(diagnostics.empty());
  return *result;
}

// What the template gives, as JSON; an error as "type: message".
std::string rendered(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  const expr::Template bound = expr::bind(parsed(text), variables.resolver());
  const Result<Value> value = expr::render(bound, variables.scope());
  Value again = "left as it was";
  const std::optional<Error> error = expr::render_into(bound, variables.scope(), again);
  if (!value.ok()) {
    REQUIRE(error.has_value());
    CHECK(shown(*error) == shown(value.error()));
    CHECK(again == Value("left as it was"));
    return shown(value.error());
  }
  CHECK_FALSE(error.has_value());
  CHECK(again == *value);
  return to_json(*value);
}

// The diagnostics of a text that is no template.
std::string complaints(std::string_view text) {
  Diagnostics diagnostics;
  CHECK_FALSE(expr::parse_template(text, TextPlace{}, diagnostics).has_value());
  return messages(diagnostics);
}

// Literals and holes, as they were found.
std::string pieces(std::string_view text) {
  std::string out;
  for (const expr::Piece& piece : parsed(text).pieces) {
    out += piece.is_hole() ? "(" + piece.words + ")" : "[" + piece.literal + "]";
  }
  return out;
}

}  // namespace

TEST_CASE("a template that is one hole keeps the value's type") {
  CHECK(rendered("{{n}}", R"({"n":1})") == "1");
  CHECK(rendered("{{ n }}", R"({"n":1.5})") == "1.5");
  CHECK(rendered("<<n>>", R"({"n":true})") == "true");
  CHECK(rendered("<< n >>", R"({"n":[1,{"a":null}]})") == R"([1,{"a":null}])");
  CHECK(rendered("{{n}}", R"({"n":null})") == "null");
  CHECK(rendered("{{nothing}}") == "null");
  CHECK(rendered("{{n}}", R"({"n":"text"})") == R"("text")");
  CHECK(rendered(" {{n}}", R"({"n":1})") == R"(" 1")");
  CHECK(rendered("{{n}} ", R"({"n":true})") == R"("true ")");
}

TEST_CASE("text around holes makes text") {
  CHECK(rendered("item-{{i}}-{{mode}}-{{total}}", R"({"i":1000000,"mode":"b","total":499999500000})") ==
        R"("item-1000000-b-499999500000")");
  CHECK(rendered("a{{x}}b{{y}}c", R"({"x":null,"y":false})") == R"("abfalsec")");
  CHECK(rendered("{{x}}{{y}}", R"({"x":1,"y":2})") == R"("12")");
  CHECK(rendered("={{x}}", R"({"x":100000.0})") == R"("=100000")");
  CHECK(rendered("={{x}}", R"({"x":1e21})") == R"("=1e+21")");
  CHECK(rendered("={{x}}", R"({"x":-0.0})") == R"("=0")");
  CHECK(rendered("={{x}}", R"({"x":-9223372036854775808})") == R"("=-9223372036854775808")");
  CHECK(rendered("={{x}}", R"({"x":{"a":[1,"é\"\n"]}})") == R"("={\"a\":[1,\"é\\\"\\n\"]}")");
  CHECK(rendered("={{x}}", R"({"x":[]})") == R"("=[]")");
  CHECK(rendered("") == R"("")");
  CHECK(rendered("no holes") == R"("no holes")");
  CHECK(rendered("${{price}}", R"({"price":5})") == R"("$5")");
}

TEST_CASE("what a hole gives is never read again") {
  CHECK(rendered("{{x}}", R"({"x":"{{env.SECRET}}","env":{"SECRET":"s"}})") == R"("{{env.SECRET}}")");
  CHECK(rendered("a {{x}}{{y}}", R"({"x":"{","y":"{env.SECRET}}","env":{"SECRET":"s"}})") == R"("a {{env.SECRET}}")");
  CHECK(rendered("a {{x}}", R"({"x":"<< 1 >>"})") == R"("a << 1 >>")");
}

TEST_CASE("the closing delimiter respects quotes and braces") {
  CHECK(rendered("{{ '{{' }}") == R"("{{")");
  CHECK(rendered("{{ '}}' }}") == R"("}}")");
  CHECK(rendered("{{ \"}}\" }}!") == R"("}}!")");
  CHECK(rendered("a {{ '\\'}}' }} b") == R"("a '}} b")");
  CHECK(rendered("{{ {a:{b:1}}}}") == R"({"a":{"b":1}})");
  CHECK(rendered("{{{a:1}}}") == R"({"a":1})");
  CHECK(rendered("{{ {'notifications': {'email': true}}}}") == R"({"notifications":{"email":true}})");
  CHECK(rendered("{{ {a: '}'} }}") == R"({"a":"}"})");
  CHECK(rendered("<< 1 > 0 >>") == "true");
  CHECK(rendered("<< '>>' >>") == R"(">>")");
  CHECK(pieces("{\"a\":{{x}}}") == "[{\"a\":]({{x}})[}]");
  CHECK(pieces("{\"a\":{\"b\":{{x}}}}") == "[{\"a\":{\"b\":]({{x}})[}}]");
  CHECK(pieces("}} {{x}} }}") == "[}} ]({{x}})[ }}]");
  CHECK(pieces("{{a}}{{b}}") == "({{a}})({{b}})");
  CHECK(pieces("{ {a}} { <") == "[{ {a}} { <]");
}

TEST_CASE("an opening << without >> is text") {
  CHECK(pieces("1 << 2") == "[1 << 2]");
  CHECK(pieces("<<") == "[<<]");
  CHECK(pieces("<<<<") == "[<<<<]");
  CHECK(pieces("cat <<EOF {{x}}") == "[cat <<EOF ]({{x}})");
  CHECK(pieces("it's << here") == "[it's << here]");
  CHECK(pieces("a << it's") == "[a << it's]");
  CHECK(pieces("a << {{ '>>' }}") == "[a << ]({{'>>'}})");
  CHECK(pieces(">> <<x>> >>") == "[>> ](<<x>>)[ >>]");
  CHECK(expr::may_hold_template("a << b"));
  CHECK(expr::may_hold_template("a {{b"));
  CHECK_FALSE(expr::may_hold_template("a < b { c } > d >> }}"));
}

TEST_CASE("words of a hole for messages") {
  CHECK(pieces("{{  inputs.id\n}}") == "({{inputs.id}})");
  CHECK(pieces("<< a +\n b >>") == "(<<a +  b>>)");
  const std::string sixty(60, 'a');
  CHECK(pieces("{{" + sixty + "}}") == "({{" + sixty + "}})");
  CHECK(pieces("{{" + sixty + "b}}") == "({{" + sixty + "…}})");
  std::string accents;
  for (int i = 0; i < 61; ++i) accents += "é";
  CHECK(pieces("{{'" + accents + "'}}") == "({{'" + accents.substr(0, 59 * 2) + "…}})");
}

TEST_CASE("places of the pieces") {
  const expr::Template result = parsed("é{{ x }}-<<y>>");
  REQUIRE(result.pieces.size() == 4);
  CHECK(result.pieces[0].span == Span{0, 2});
  CHECK(result.pieces[1].span == Span{2, 9});
  CHECK(result.pieces[2].span == Span{9, 10});
  CHECK(result.pieces[3].span == Span{10, 15});
  CHECK_FALSE(result.is_constant());
  CHECK_FALSE(result.is_single_hole());
  CHECK(parsed("").is_constant());
  CHECK(parsed("a").is_constant());
  CHECK(parsed("{{a}}").is_single_hole());
  CHECK_FALSE(parsed("{{a}}").is_constant());
}

TEST_CASE("bad templates") {
  CHECK(complaints("{{") == "unterminated {{, expected }}");
  CHECK(complaints("a {{ x }") == "unterminated {{, expected }}");
  CHECK(complaints("{{ {a: 1}") == "unterminated {{, expected }}");
  CHECK(complaints("{{ {a: 1}}") == "unterminated {{, expected }}");
  CHECK(complaints("{{ it's }}") == "unterminated {{, expected }}; the quote ' is never closed");
  CHECK(complaints("{{ \"a\\\" }}") == "unterminated {{, expected }}; the quote \" is never closed");
  CHECK(complaints("<< it's >>") == "unterminated <<, expected >>; the quote ' is never closed");
  CHECK(complaints("{{}}") == "empty template, expected an expression between {{ and }}");
  CHECK(complaints("a {{ \n }} b {{}}") ==
        "empty template, expected an expression between {{ and }}\n"
        "empty template, expected an expression between {{ and }}");
  CHECK(complaints("<< >>") == "empty template, expected an expression between << and >>");
  CHECK_FALSE(complaints("{{ a b }}").empty());
  CHECK_FALSE(complaints("{{ f(a }} and {{ b) }}").empty());
  CHECK_FALSE(complaints("{{ ) }}").empty());
}

TEST_CASE("diagnostics point into the source, past escapes") {
  //                                          1         2
  //                                 123456789012345678901234567
  const auto source = Source::make("a.json", R"({"url": "\u00e9\"{{ x")");
  TextPlace place{source, Span{8, 22}};
  Diagnostics diagnostics;
  CHECK_FALSE(expr::parse_template("é\"{{ x", place, diagnostics).has_value());
  REQUIRE(diagnostics.items().size() == 1);
  const Diagnostic& found = diagnostics.items()[0];
  CHECK(found.span == Span{17, 19});
  CHECK(found.code == "template");
  CHECK(found.hint == "for the braces themselves write {{ '{{' }}");
  CHECK(found.source == source);
}

TEST_CASE("a text larger than value_bytes is refused before it is built") {
  Vars vars(R"({"x":"","n":12345,"c":["aaaa",{"k":1}]})");
  const auto size_of = [&](std::string_view text, std::uint64_t limit) -> std::string {
    vars.scope().limits.value_bytes = limit;
    const expr::Template bound = expr::bind(parsed(text), vars.resolver());
    const Result<Value> value = expr::render(bound, vars.scope());
    return value.ok() ? std::to_string(value->as_string().size()) : shown(value.error());
  };
  const auto refusal = [](std::uint64_t limit) {
    return "limit: the text of a template would be larger than value_bytes, " + std::to_string(limit) + " bytes";
  };
  vars.slot(0) = std::string(100, 'a');
  // A value is 16 bytes and its content.
  CHECK(size_of("-{{x}}-{{x}}", 218) == "202");
  CHECK(size_of("-{{x}}-{{x}}", 219) == "202");
  CHECK(size_of("-{{x}}-{{x}}", 217) == refusal(217));
  CHECK(size_of("-{{n}}", 22) == "6");
  CHECK(size_of("-{{n}}", 21) == refusal(21));
  CHECK(size_of("-{{c}}", 33) == "17");
  CHECK(size_of("-{{c}}", 32) == refusal(32));
  CHECK(size_of("-{{n > 1}}", 21) == "5");
  CHECK(size_of("-{{n > 1}}", 20) == refusal(20));
  CHECK(size_of("ab{{nothing}}", 18) == "2");
  CHECK(size_of("ab{{nothing}}", 17) == refusal(17));
  CHECK(size_of("ab{{nothing}}", 0) == refusal(0));

  // Lists of shared lists are small in memory and huge as text.
  Value list = Value::array({Value(std::string(20, 'b'))});
  for (int i = 0; i < 20; ++i) {
    Value twice = Value::array();
    twice.push_back(list);
    twice.push_back(list);
    list = twice;
  }
  vars.slot(0) = list;
  CHECK(size_of("-{{x}}", 1 << 20) == refusal(1 << 20));
}

TEST_CASE("bytes can't be joined with text") {
  Vars vars(R"({"b":null})");
  vars.slot(0) = Value::bytes("\xff");
  const expr::Template text = expr::bind(parsed("-{{b}}"), vars.resolver());
  const Result<Value> joined = expr::render(text, vars.scope());
  REQUIRE_FALSE(joined.ok());
  CHECK(shown(joined.error()) ==
        "expression: template: hole {{b}} holds bytes, which can't be joined with text; expected text");
  const expr::Template whole = expr::bind(parsed("{{b}}"), vars.resolver());
  const Result<Value> kept = expr::render(whole, vars.scope());
  REQUIRE(kept.ok());
  CHECK(kept->is_bytes());
}

TEST_CASE("render_into may write to a slot that the template reads") {
  Vars vars(R"({"s":"","n":0})");
  const expr::Template grow = expr::bind(parsed("{{s}}x{{n}}"), vars.resolver());
  std::string expected;
  for (int i = 0; i < 2'000; ++i) {
    vars.slot(1) = i;
    REQUIRE_FALSE(expr::render_into(grow, vars.scope(), vars.slot(0)).has_value());
    expected += "x" + std::to_string(i);
    if (i % 97 == 0) REQUIRE(vars.slot(0).as_string() == expected);
  }
  CHECK(vars.slot(0).as_string() == expected);
  const expr::Template same = expr::bind(parsed("{{s}}"), vars.resolver());
  REQUIRE_FALSE(expr::render_into(same, vars.scope(), vars.slot(0)).has_value());
  CHECK(vars.slot(0).as_string() == expected);
  // Another handle on the same text doesn't see the change.
  const Value before = vars.slot(0);
  REQUIRE_FALSE(expr::render_into(grow, vars.scope(), vars.slot(0)).has_value());
  CHECK(before.as_string() == expected);
}

TEST_CASE("a text that begins with itself grows in place") {
  Vars vars(R"({"s":"","n":0})");
  const expr::Template grow = expr::bind(parsed("{{s}}{{n}}, {{s.length}};"), vars.resolver());
  std::string expected;
  int moved = 0;
  for (int i = 0; i < 20'000; ++i) {
    vars.slot(1) = i;
    const char* const before = vars.slot(0).as_string().data();
    const std::size_t length = expected.size();
    REQUIRE_FALSE(expr::render_into(grow, vars.scope(), vars.slot(0)).has_value());
    expected += std::to_string(i) + ", " + std::to_string(length) + ";";
    moved += vars.slot(0).as_string().data() != before ? 1 : 0;
  }
  CHECK(vars.slot(0).as_string() == expected);
  CHECK(moved < 60);  // a text that is copied each time moves 20,000 times

  // Itself twice, and the limit: what fails leaves the text as it was.
  const expr::Template twice = expr::bind(parsed("{{s}}|{{s}}"), vars.resolver());
  vars.slot(0) = "abc";
  REQUIRE_FALSE(expr::render_into(twice, vars.scope(), vars.slot(0)).has_value());
  CHECK(vars.slot(0).as_string() == "abc|abc");
  vars.scope().limits.value_bytes = 16 + 15;
  REQUIRE_FALSE(expr::render_into(twice, vars.scope(), vars.slot(0)).has_value());
  CHECK(vars.slot(0).as_string() == "abc|abc|abc|abc");
  vars.scope().limits.value_bytes = 16 + 30;
  const std::optional<Error> error = expr::render_into(twice, vars.scope(), vars.slot(0));
  REQUIRE(error.has_value());
  CHECK(error->type == error_type::limit);
  CHECK(vars.slot(0).as_string() == "abc|abc|abc|abc");
}

TEST_CASE("of a text full of mistakes the first hundred or so are told") {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "{{a + *}} ";
  Diagnostics diagnostics;
  CHECK_FALSE(expr::parse_template(text, TextPlace{}, diagnostics).has_value());
  CHECK(diagnostics.items().size() == 101);
}

TEST_CASE("texts around the size of the buffer") {
  for (std::size_t size : {500u, 510u, 511u, 512u, 513u, 1023u, 1024u, 1025u, 5000u}) {
    Vars vars(R"({"s":null})");
    const std::string part(size, 'q');
    vars.slot(0) = part;
    const expr::Template bound = expr::bind(parsed("<{{s}}|{{s}}>"), vars.resolver());
    const Result<Value> value = expr::render(bound, vars.scope());
    REQUIRE(value.ok());
    CHECK(value->as_string() == "<" + part + "|" + part + ">");
  }
}

TEST_CASE("hostile templates end in time") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "<< '>>' ";
  CHECK(pieces(text).size() == text.size() + 2);
  text.clear();
  for (int i = 0; i < 200'000; ++i) text += "{{ '{";
  CHECK(complaints(text).starts_with("unterminated {{, expected }}"));
  CHECK_FALSE(complaints("{{" + std::string(300'000, '(') + "}}").empty());
  CHECK_FALSE(complaints("{{" + std::string(300'000, '{') + std::string(300'000, '}') + "}}").empty());
}

TEST_CASE("integers of every length") {
  std::string digits;
  for (int length = 1; length <= 19; ++length) {
    const std::int64_t least =
        length == 1 ? 0 : std::stoll("1" + std::string(static_cast<std::size_t>(length) - 1, '0'));
    const std::int64_t most = length == 19 ? INT64_MAX : std::stoll(std::string(static_cast<std::size_t>(length), '9'));
    for (const std::int64_t number : {least, least + 1, most / 2, most - 1, most}) {
      Vars vars("{\"x\":" + std::to_string(number) + ",\"y\":" + std::to_string(-number) + "}");
      const expr::Template bound = expr::bind(parsed("{{x}} {{y}}"), vars.resolver());
      const Result<Value> value = expr::render(bound, vars.scope());
      REQUIRE(value.ok());
      CHECK(value->as_string() == std::to_string(number) + " " + std::to_string(-number));
    }
  }
  CHECK(rendered("{{x}}{{x}}", R"({"x":-9223372036854775808})") == R"("-9223372036854775808-9223372036854775808")");
}

TEST_CASE("an integer at the end of the buffer") {
  for (std::size_t size = 485; size <= 530; ++size) {
    Vars vars(R"({"n":-9223372036854775808})");
    const expr::Template bound = expr::bind(parsed(std::string(size, 'a') + "{{n}}{{n}}"), vars.resolver());
    const Result<Value> value = expr::render(bound, vars.scope());
    REQUIRE(value.ok());
    CHECK(value->as_string() == std::string(size, 'a') + "-9223372036854775808-9223372036854775808");
  }
}
