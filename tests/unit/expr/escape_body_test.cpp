#include "expr/escape.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/escape_places.hpp"

using namespace fnstack;
using namespace fnstack_test;

TEST_CASE("a text body of a form") {
  CHECK(form_body("email={{e}}&name={{n}}&metadata[user_id]={{i}}", R"({"e":"a+b@x.com","n":"J & K=%","i":7})") ==
        "email=a%2Bb%40x.com&name=J+%26+K%3D%25&metadata[user_id]=7");
  CHECK(form_body("a={{n}}&b=", R"({"n":100000.0})") == "a=100000&b=");
  CHECK(form_body("a={{n}}", R"({"n":1e21})") == "a=1e%2B21");
  CHECK(form_body("a={{n}}", R"({"n":null})") == "a=");
  CHECK(form_body("a={{n}}", R"({"n":false})") == "a=false");
  CHECK(form_body("{{k}}=1", R"({"k":"a&b"})") == "a%26b=1");
  CHECK(form_body("a={{n}}", R"({"n":"\r\n\u0000é*-._~"})") == "a=%0D%0A%00%C3%A9*-._%7E");
  CHECK(form_body("a={{n}}", R"({"n":[1]})") ==
        "validation: form body: hole {{n}} is a list, expected text, a number or a boolean; write it as json(…) to "
        "send its JSON text");
  CHECK(form_body("a={{json(n)}}", R"({"n":[1,"x"]})") == "a=%5B1%2C%22x%22%5D");
  CHECK(form_body("a={{n|json}}&b={{n|raw}}", R"({"n":"x&y=z"})") == "a=%22x%26y%3Dz%22&b=x&y=z");
  CHECK(form_body("a={{raw(n)}}", R"({"n":{}})").starts_with("validation: form body: hole {{raw(n)}} is an object"));
  // One hole is the whole body, whatever it is.
  CHECK(form_body("{{b}}", R"({"b":"a=1&b=%20"})") == "a=1&b=%20");
  CHECK(form_body("{{b}}", R"({"b":{"a":1}})") == "value {\"a\":1}");
  CHECK(form_body("{{raw(b)}}", R"({"b":{"a":1}})") == "value {\"a\":1}");
  CHECK(form_body("{{json(b)}}", R"({"b":{"a":1}})") == "{\"a\":1}");
}

TEST_CASE("a text body of JSON") {
  CHECK(json_body(R"({"a":"{{v}}","b":{{n}}})", R"({"v":"x\"y\\\n\u0001é","n":[1,null]})") ==
        R"({"a":"x\"y\\\n\u0001é","b":[1,null]})");
  CHECK(json_body(R"([{{a}}, {{b}},{{c}}])", R"({"a":"\",1","b":null,"c":1.5})") == R"(["\",1", null,1.5])");
  CHECK(json_body(R"({"{{k}}": 1})", R"({"k":"a\":2,\"b"})") == R"({"a\":2,\"b": 1})");
  CHECK(json_body(R"({"a":"x {{v}} y"})", R"({"v":null})") == R"({"a":"x  y"})");
  CHECK(json_body(R"({"a":"x {{v}} y"})", R"({"v":{"q":"\""}})") == R"({"a":"x {\"q\":\"\\\"\"} y"})");
  CHECK(json_body(" {{v}} ", R"({"v":"a"})") == " \"a\" ");
  CHECK(json_body(R"({"a":"\\{{v}}"})", R"({"v":"\""})") == R"({"a":"\\\""})");
  CHECK(json_body(R"({"a":"\u00e9{{v}}"})", R"({"v":1})") == R"({"a":"\u00e91"})");
  CHECK(json_body(R"({"a":{},"b":[],"c":[1,2],"d":{"e":true},"f":{{v}}})", R"({"v":1})") ==
        R"({"a":{},"b":[],"c":[1,2],"d":{"e":true},"f":1})");
  CHECK(json_body(R"({"a":-1.5e+3,"b":{{v}}})", R"({"v":1})") == R"({"a":-1.5e+3,"b":1})");
  CHECK(json_body("{\"a\" :\n\t{{v}} , \"b\":{{v}}}", R"({"v":1})") == "{\"a\" :\n\t1 , \"b\":1}");
  CHECK(json_body("{{v}}", R"({"v":"x\"y"})") == "x\"y");

  const std::string elsewhere =
      " stands where JSON has no value; put it in quotes or in the place of a value, or write it as raw(…)";
  for (const char* text :
       {R"({"a":1{{v}}})", R"({"a":{{v}}1})",   R"({"a":-{{v}}})",  R"([1 {{v}}])",      R"([{{v}} 1])",
        R"({ {{v}}:1})",   R"({ {{v}} })",      R"({"a" {{v}} 1})", R"({"a":"\{{v}}"})", R"({"a":"\u00{{v}}"})",
        R"(hello {{v}})",  R"({'a':{{v}}})",    R"({a:{{v}}})",     R"({"a":1}{{v}})",   R"({"a":1} {{v}})",
        R"({{v}}x)",       R"({"a":tru{{v}}})", R"(a={{v}}&b=1)",   R"([1,]{{v}})",      R"({"a":1,}{{v}})",
        R"(["a\x{{v}}"])", R"(]{{v}})",         R"([}{{v}})"}) {
    INFO(text);
    CHECK(json_body(text, R"({"v":1})") == "validation: JSON body: hole {{v}}" + elsewhere);
    Vars vars(R"({"v":1})");
    CHECK(body_of(text, vars, "application/problem+json; charset=utf-8", true) ==
          "check: JSON body: hole {{v}}" + elsewhere);
    CHECK_FALSE(failed(body_of(text, vars, "text/plain", true)));
  }
  CHECK(json_body("[{{v}}{{w}}]", R"({"v":1,"w":2})") == "validation: JSON body: hole {{w}}" + elsewhere);

  CHECK(json_body(R"({"a":1{{raw(more)}},"b":"{{v}}"})", R"({"more":",\"x\":2","v":"\""})") ==
        R"({"a":1,"x":2,"b":"\""})");
  CHECK(json_body(R"({ {{raw(members)}},"b":{{v}}})", R"({"members":"\"x\":2","v":"\""})") == R"({ "x":2,"b":"\""})");
  CHECK(json_body(R"({"a":{{raw(v)}}})", R"({"v":"[1,2]"})") == R"({"a":[1,2]})");
  CHECK(json_body(R"({"a":{{raw(v)}}})", R"({"v":[1,"x"]})") == R"({"a":[1,"x"]})");
  CHECK(json_body(R"({"a":"{{raw(v)}}"})", R"({"v":"\\n"})") == R"({"a":"\n"})");
  CHECK(json_body(R"({"a":{{json(v)}}})", R"({"v":{"x":"y"}})") == R"({"a":{"x":"y"}})");
  CHECK(json_body(R"({"a":"{{json(v)}}"})", R"({"v":{"x":"y"}})") == R"({"a":"{\"x\":\"y\"}"})");
}

TEST_CASE("bytes in bodies") {
  Vars vars(R"({"b":null})");
  vars.slot(0) = Value::bytes("\xff\x00");
  CHECK(body_of(R"({"a":{{b}}})", vars, json_type, true) == R"({"a":"/w=="})");
  CHECK(body_of(R"({"a":"{{b}}"})", vars, json_type, true) ==
        "validation: JSON body: hole {{b}} is bytes, which can't be joined with text");
  CHECK(body_of("a={{b}}", vars, form_type, true) ==
        "validation: form body: hole {{b}} is bytes, which can't be joined with text");
  CHECK(body_of("a {{b}}", vars, "text/plain", true) ==
        "validation: text body: hole {{b}} is bytes, which can't be joined with text");
  CHECK(url_of("https://h/{{b}}", vars) ==
        "validation: the URL's path: hole {{b}} is bytes, expected text, a number or a boolean");
  CHECK(header_of("X-A", "{{b}}", vars).starts_with("validation: header X-A: hole {{b}} is bytes"));
}

TEST_CASE("a text body of no special type") {
  CHECK(text_body("Hello {{n}}, {{x}} {{o}}", R"({"n":"A&\"","x":null,"o":{"a":1}})") == "Hello A&\",  {\"a\":1}");
  CHECK(text_body("Hello {{n|json}} {{n|raw}}", R"({"n":"A\""})") == "Hello \"A\\\"\" A\"");
  Vars vars(R"({"x":"abc"})");
  vars.scope().limits.value_bytes = 20;
  CHECK(body_of("-{{x}}", vars, "", false) == "-abc");
  vars.scope().limits.value_bytes = 19;
  CHECK(body_of("-{{x}}", vars, "", false) ==
        "limit: the text of a template would be larger than value_bytes, 19 bytes");
  vars.scope().limits.value_bytes = 21;
  vars.slot(0) = "&&";
  CHECK(body_of("-{{x}}", vars, form_type, false) ==
        "limit: the text of a template would be larger than value_bytes, 21 bytes");
  vars.slot(0) = "\"\"";
  CHECK(body_of("\"{{x}}\"", vars, json_type, false) ==
        "limit: the text of a template would be larger than value_bytes, 21 bytes");
}

TEST_CASE("a body that joins text is a warning") {
  const auto warnings = [](std::string_view text, std::string_view media_type) {
    Diagnostics diagnostics;
    const auto pieces = parsed(text, diagnostics);
    REQUIRE(pieces.has_value());
    REQUIRE(expr::compile_body(*pieces, media_type, TextPlace{}, diagnostics).has_value());
    return messages(diagnostics);
  };
  const std::string glued = "warning: the body is one template that joins text with +: its parts are not escaped";
  CHECK(warnings("{{ 'a=' + x }}", form_type) == glued);
  CHECK(warnings("{{ 'a=' + x }}", json_type) == glued);
  CHECK(warnings("{{ 'a=' + x }}", "") == glued);
  CHECK(warnings("{{ 'a=' + x }}", "text/plain") == "");
  CHECK(warnings("{{ x }}", form_type) == "");
  CHECK(warnings("a={{ 'b' + x }}", form_type) == "");
}

TEST_CASE("media types") {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", " application/json ", "a/b+json",
                           "application/vnd.api+JSON;x=y", "application/json;"}) {
    INFO(type);
    CHECK(expr::is_json_type(type));
    CHECK_FALSE(expr::is_form_type(type));
  }
  for (const char* type : {"", "text/plain", "application/jsonp", "application/json5", "+json", "json",
                           "application/x-ndjson", "text/plain; a=application/json"}) {
    INFO(type);
    CHECK_FALSE(expr::is_json_type(type));
  }
  CHECK(expr::is_form_type("application/x-www-form-urlencoded"));
  CHECK(expr::is_form_type("Application/X-WWW-Form-URLEncoded;charset=UTF-8"));
  CHECK_FALSE(expr::is_form_type("multipart/form-data"));
}
