#include "expr/lexer.hpp"

#include <string>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

// All words as "kind:text", blank-separated; numbers and texts by their values.
std::string words(std::string_view text, bool slot_syntax = false) {
  Lexer lexer(text, slot_syntax);
  std::string out;
  for (;;) {
    const Token token = lexer.next();
    if (!out.empty()) out += ' ';
    switch (token.kind) {
      case Token::Kind::end:
        return out + "end";
      case Token::Kind::error:
        return out + "error:" + token.message + (token.hint.empty() ? "" : " [" + token.hint + "]");
      case Token::Kind::number:
      case Token::Kind::text:
        out += to_json(token.literal);
        break;
      case Token::Kind::name:
        out += "name:";
        [[fallthrough]];
      case Token::Kind::punctuator:
        out += text.substr(token.span.begin, token.span.end - token.span.begin);
    }
  }
}

TEST_CASE("the lexer splits words") {
  CHECK(words("") == "end");
  CHECK(words("a.b_1[$x] ?? 'q' !== \"r\"") == "name:a . name:b_1 [ name:$x ] ?? \"q\" !== \"r\" end");
  CHECK(words("a?.b a?.5:1") == "name:a ?. name:b name:a ? 0.5 : 1 end");
  CHECK(words("x=>y x>=y x==y x===y ...z") ==
        "name:x => name:y name:x >= name:y name:x == name:y name:x === name:y ... name:z end");
  CHECK(words("a||b|c**d*e") == "name:a || name:b | name:c ** name:d * name:e end");
  CHECK(words("f(a=-1)") == "name:f ( name:a = - 1 ) end");
}

TEST_CASE("the lexer skips what ECMAScript calls white space") {
  CHECK(words(" \t\r\n\v\f1\xC2\xA0+\xE2\x80\xA8"
              "2\xEF\xBB\xBF\xE3\x80\x80") == "1 + 2 end");
}

TEST_CASE("the lexer reads numbers as ECMAScript does") {
  CHECK(words("0 12 1.5 .5 5. 1e3 1E-2 0x1f 0b101 0o17 1_000.5") == "0 12 1.5 0.5 5 1000 0.01 31 5 15 1000.5 end");
  CHECK(words("9223372036854775807 9223372036854775808") == "9223372036854775807 9223372036854776000 end");
  CHECK(words("0xffffffffffffffff 1e-400") == "18446744073709552000 0 end");
  CHECK(words("1e400") == "error:\"1e400\" is beyond the range of numbers");
  CHECK(words("010") == "error:\"010\" is no number");
  CHECK(words("1px") == "error:\"1px\" is no number");
  CHECK(words("0x") == "error:\"0x\" is no number");
  CHECK(words("1__0") == "error:\"1__0\" is no number");
  CHECK(words("1e+") == "error:\"1e\" is no number");
}

TEST_CASE("the lexer reads texts as ECMAScript does") {
  CHECK(words(R"('it\'s' "a\"b" 'é\n\t\r\b\f\v\0\x41\u0042\u{1F600}\z')") ==
        R"("it's" "a\"b" "é\n\t\r\b\f\u000b\u0000AB😀z" end)");
  CHECK(words("'a\\\nb'") == "\"ab\" end");
  CHECK(words(R"('\ud83d\ude00 \ud83d \ude00')") == "\"😀 \xEF\xBF\xBD \xEF\xBF\xBD\" end");
  CHECK(words("'abc") == "error:text has no closing '");
  CHECK(words("\"abc\\") == "error:text has no closing \"");
  CHECK(words("'a\nb'") == "error:line break inside quoted text [write \\n (in a JSON string: \\\\n)]");
  const std::string known =
      " [\\n \\t \\r \\b \\f \\v \\0 \\xHH \\uHHHH \\u{H} are known; any other character stands for itself]";
  CHECK(words(R"('\x4')") == "error:bad escape \"\\x4\" in text" + known);
  CHECK(words(R"('\u{110000}')") == "error:bad escape \"\\u{11000\" in text" + known);
  CHECK(words(R"('\01')") == "error:bad escape \"\\0\" in text" + known);
  CHECK(words("'\xFF'") == "error:text is not valid UTF-8");
  CHECK(words("\xC3") == "error:text is not valid UTF-8");
}

TEST_CASE("the lexer says what the language leaves out") {
  CHECK(words("a += 1") ==
        "name:a error:unexpected \"+=\": an expression can't assign [to compare write \"===\"; to change a variable "
        "use an Update Variable step]");
  CHECK(words("a & b") == "name:a error:unexpected \"&\": there are no bitwise operators [for \"and\" write \"&&\"]");
  CHECK(words("`a`") ==
        "error:unexpected \"`\": there are no template literals [join with \"+\", or write text with {{ }} around each "
        "value]");
  CHECK(words("a // b") == "name:a error:unexpected \"//\": an expression can't hold a comment");
  CHECK(words("a; b") == "name:a error:unexpected \";\": an expression is one value, without \";\"");
  CHECK(words("é") == "error:unexpected \"é\" [names are of A-Z, a-z, 0-9, _ and $; other keys are read as x['key']]");
  CHECK(words("\x01") == "error:unexpected control character");
}

TEST_CASE("in slot syntax the lexer sees holes") {
  CHECK(words("{{a}} === 'x'", true) == "{{ name:a }} === \"x\" end");
  CHECK(words("<<a>> > 1", true) == "<< name:a >> > 1 end");
  CHECK(words("{{ {a: {b: 1}} }}", true) == "{{ { name:a : { name:b : 1 } } }} end");
  CHECK(words("{a: {b: 1}}", true) == "{ name:a : { name:b : 1 } } end");
  CHECK(words("{{a}}") == "{ { name:a } } end");
}

}  // namespace
}  // namespace fnstack::expr
