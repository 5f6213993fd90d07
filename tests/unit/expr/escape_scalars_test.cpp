#include "expr/escape.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/escape_places.hpp"

using namespace fnstack;
using namespace fnstack_test;

TEST_CASE("query parameters") {
  const auto query = [](std::string_view json) { return outcome(expr::encode_query(Vars::read(json))); };
  CHECK(query("{}") == "");
  CHECK(query("null") == "");
  CHECK(query(R"({"a":null,"b":"","c":false,"d":0.5,"é":"ü *~"})") == "b=&c=false&d=0.5&%C3%A9=%C3%BC%20%2A~");
  CHECK(query(R"({"a":[1,null,"x y"],"b":[],"c":{}})") == "a=1&a=x%20y");
  CHECK(query(R"({"f":{"a":1,"b&":{"c":"d="},"n":null},"g":{"l":[1,2]}})") ==
        "f%5Ba%5D=1&f%5Bb%26%5D%5Bc%5D=d%3D&g%5Bl%5D=1&g%5Bl%5D=2");
  CHECK(query(R"({"a":"\r\n#&=+%"})") == "a=%0D%0A%23%26%3D%2B%25");
  CHECK(query("[1]") == "validation: query parameters: expected an object, got a list");
  CHECK(query("\"a=1\"") == "validation: query parameters: expected an object, got text");
  CHECK(query(R"({"a":[[1]]})") ==
        "validation: query parameters: in the list \"a\" stands a list, which has no form in a query; write the list "
        "as json(…) to send its JSON text");
  CHECK(query(R"({"a":[{"b":1}]})").starts_with("validation: query parameters: in the list \"a\" stands an object"));
  CHECK(outcome(expr::encode_query(Value::object({{"b", Value::bytes("x")}}))) ==
        "validation: query parameters: \"b\" is bytes, expected text, a number or a boolean");
}

TEST_CASE("a body object as a form") {
  const auto form = [](std::string_view json) { return outcome(expr::encode_form(Vars::read(json))); };
  CHECK(form(R"({"email":"a+b@x.com","n":1,"t":true,"z":null,"e":""})") == "email=a%2Bb%40x.com&n=1&t=true&e=");
  CHECK(form(R"({"a b":"c d*~"})") == "a+b=c+d*%7E");
  CHECK(form(R"({"metadata":{"user_id":7,"tags":["x","y",{"k":"v"},[1]]}})") ==
        "metadata%5Buser_id%5D=7&metadata%5Btags%5D%5B0%5D=x&metadata%5Btags%5D%5B1%5D=y&"
        "metadata%5Btags%5D%5B2%5D%5Bk%5D=v&metadata%5Btags%5D%5B3%5D%5B0%5D=1");
  CHECK(form("null") == "");
  CHECK(form("3") == "validation: form fields: expected an object, got a number");
  Value deep = 1;
  for (int i = 0; i < 200'000; ++i) {
    Value outer = Value::object();
    outer.set("a", std::move(deep));
    deep = std::move(outer);
  }
  CHECK(outcome(expr::encode_form(deep)) == "limit: form fields are nested deeper than value_depth, 128");
}

TEST_CASE("cache keys") {
  CHECK(cache_key("user:{{id}}:{{on}}", R"({"id":7,"on":true})") == "user:7:true");
  CHECK(cache_key("{{k}}", R"({"k":"a b\r\n*é"})") == "a b\r\n*é");
  CHECK(cache_key("{{k}}", R"({"k":1.5})") == "1.5");
  CHECK(cache_key("fixed") == "fixed");
  CHECK(cache_key("") == "validation: cache key: it is empty");
  CHECK(cache_key("user:{{id}}") ==
        "validation: cache key: hole {{id}} is null; other keys would fall together with this one");
  CHECK(cache_key("user:{{id}}", R"({"id":""})") ==
        "validation: cache key: hole {{id}} is empty; other keys would fall together with this one");
  CHECK(cache_key("user:{{id}}", R"({"id":[1]})") ==
        "validation: cache key: hole {{id}} is a list, expected text, a number or a boolean");
  CHECK(cache_key("{{k}}", R"({"k":"abc"})", 3) == "abc");
  CHECK(cache_key("{{k}}", R"({"k":"abc"})", 4) == "abc");
  CHECK(cache_key("{{k}}", R"({"k":"abc"})", 2) == "limit: cache key is longer than cache_key_bytes, 2 bytes");
  CHECK(cache_key("a{{k}}", R"({"k":"abc"})", 3) == "limit: cache key is longer than cache_key_bytes, 3 bytes");
  CHECK(cache_key("abcd", "{}", 3) == "limit: cache key is longer than cache_key_bytes, 3 bytes");
}

TEST_CASE("SQL identifiers") {
  const auto check = [](std::string_view name) { return outcome(expr::check_identifier(name, "table")); };
  const std::string expected = "expected a name of a letter or _, then letters, digits and _, 63 at most";
  CHECK(check("a") == "fine");
  CHECK(check("_Orders_2024") == "fine");
  CHECK(check(std::string(63, 'x')) == "fine");
  CHECK(check(std::string(64, 'x')) == "validation: table \"" + std::string(60, 'x') + "…\": " + expected);
  CHECK(check("") == "validation: table \"\": " + expected);
  CHECK(check("1a") == "validation: table \"1a\": " + expected);
  CHECK(check("a\"; DROP TABLE x;--") == "validation: table \"a?; DROP TABLE x;--\": " + expected);
  CHECK(check("a.b") == "validation: table \"a.b\": " + expected);
  CHECK(check("é") == "validation: table \"??\": " + expected);
  CHECK(check(std::string_view("a\0", 2)) == "validation: table \"a?\": " + expected);
  CHECK(outcome(expr::check_identifier("a b", "column")) == "validation: column \"a b\": " + expected);
}

TEST_CASE("record ids") {
  const auto check = [](std::string_view json) { return outcome(expr::check_record_id(Vars::read(json))); };
  CHECK(check("7") == "fine");
  CHECK(check("1.5") == "fine");
  CHECK(check("0") == "fine");
  CHECK(check(R"("1 OR 1=1")") == "fine");
  CHECK(check("null") == "validation: record_id: expected a number or text, got null");
  CHECK(check(R"("")") == "validation: record_id: expected a number or text, got empty text");
  CHECK(check("true") == "validation: record_id: expected a number or text, got a boolean");
  CHECK(check("[1]") == "validation: record_id: expected a number or text, got a list");
  CHECK(check("{}") == "validation: record_id: expected a number or text, got an object");
}

TEST_CASE("response statuses") {
  const auto status = [](std::string_view json) { return outcome(expr::check_status(Vars::read(json))); };
  const std::string expected = "validation: status_code: expected an integer from 200 to 599, got ";
  CHECK(status("200") == "200");
  CHECK(status("599") == "599");
  CHECK(status("200.0") == "200");
  CHECK(status("\"429\"") == "429");
  CHECK(status("199") == expected + "199");
  CHECK(status("600") == expected + "600");
  CHECK(status("200.5") == expected + "200.5");
  CHECK(status("-404") == expected + "-404");
  CHECK(status("1e300") == expected + "1e+300");
  CHECK(status("\"199\"") == expected + "199");
  for (const char* text : {"\"\"", "\"20\"", "\"4040\"", "\" 404\"", "\"4e2\"", "\"+44\"", "\"ok\"", "\"0x1\""}) {
    CHECK(status(text) == expected + "other text");
  }
  CHECK(status("null") == expected + "null");
  CHECK(status("true") == expected + "a boolean");
  CHECK(status("[404]") == expected + "a list");
}
