#include "expr/escape.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/escape_places.hpp"

using namespace fnstack;
using namespace fnstack_test;

TEST_CASE("a header's value") {
  CHECK(header("Bearer {{t}}", R"({"t":"abc.def-_~+/="})") == "Bearer abc.def-_~+/=");
  CHECK(header("{{t}}", R"({"t":5})") == "5");
  CHECK(header("{{t}}", R"({"t":true})") == "true");
  CHECK(header("{{t}}", R"({"t":""})") == "");
  CHECK(header("{{t}}", R"({"t":null})") == "left out");
  CHECK(header("{{t.x.y}}") == "left out");
  CHECK(header("fixed") == "fixed");
  CHECK(header("") == "");
  CHECK(header("Bearer {{t}}", R"({"t":null})") ==
        "validation: header X-A: hole {{t}} is null within text; give the header by one hole to leave it out then");
  CHECK(header("Bearer {{t}}", R"({"t":""})") ==
        "validation: header X-A: hole {{t}} leaves a blank at the edge of the value, which would be lost");
  CHECK(header("{{t}}", R"({"t":" a"})").starts_with("validation: header X-A: hole {{t}} leaves a blank"));
  CHECK(header("{{t}}", R"({"t":"a "})").starts_with("validation: header X-A: hole {{t}} leaves a blank"));
  CHECK(header(" a") == "validation: header X-A: its value begins or ends with a blank, which would be lost");
  CHECK(header("{{t}}", R"({"t":[1]})") ==
        "validation: header X-A: hole {{t}} is a list, expected text, a number or a boolean");
  CHECK(header("x{{t}}", R"({"t":{}})").starts_with("validation: header X-A: hole {{t}} is an object"));
  const std::string line_break =
      "validation: header X-A: hole {{t}} has a line break, which would begin another header";
  CHECK(header("{{t}}", R"({"t":"a\r\nX-B: c"})") == line_break);
  CHECK(header("{{t}}", R"({"t":"a\n"})") == line_break);
  CHECK(header("{{t}}", R"({"t":"\ra"})") == line_break);
  for (const char* value : {R"("a\u0000b")", R"("a\tb")", R"("\u001b[0m")", R"("\u007f")"}) {
    INFO(value);
    CHECK(header("{{t}}", "{\"t\":" + std::string(value) + "}") ==
          "validation: header X-A: hole {{t}} has a control character");
  }
  CHECK(header("{{t}}", R"({"t":"José"})") == "validation: header X-A: hole {{t}} has a character that is not ASCII");
  CHECK(header("a\r\nb") == "validation: header X-A: its value has a line break, which would begin another header");
  CHECK(header("{{raw(t)}}", R"({"t":"a\r\nb"})")
            .starts_with("validation: header X-A: hole {{raw(t)}} has a line break"));
  // The value is in no message.
  CHECK(header("{{t}}", R"({"t":"s3cret\n"})").find("s3cret") == std::string::npos);

  Vars vars(R"({"t":"abcde"})");
  CHECK(header_of("X-A", "{{t}}", vars, 5) == "abcde");
  CHECK(header_of("X-A", "{{t}}", vars, 6) == "abcde");
  CHECK(header_of("X-A", "{{t}}", vars, 4) == "limit: header X-A is longer than header_bytes, 4 bytes");
  CHECK(header_of("X-A", "ab{{t}}", vars, 6) == "limit: header X-A is longer than header_bytes, 6 bytes");
  CHECK(header_of("X-A", "abcde", vars, 4) == "limit: header X-A is longer than header_bytes, 4 bytes");
}

TEST_CASE("a map of headers") {
  CHECK(headers(R"({"Authorization":"Bearer x","X-N":5,"X-B":true,"X-Null":null,"x-e":""})", true) ==
        "Authorization: Bearer x\nX-N: 5\nX-B: true\nx-e: \n");
  CHECK(headers("null", true) == "");
  CHECK(headers("{}", true) == "");
  CHECK(headers("[]", true) == "validation: headers: expected an object of texts, got a list");
  CHECK(headers("\"X: y\"", true) == "validation: headers: expected an object of texts, got text");
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "te", "Trailer", "Upgrade",
                           "Expect", "Proxy-Authorization", "proxy-", "Proxy-Connection"}) {
    INFO(name);
    const std::string json = "{\"" + std::string(name) + "\":\"x\"}";
    CHECK(headers(json, true) ==
          "validation: header " + std::string(name) + ": it frames the request and may not come from data");
    CHECK(headers(json, false) == std::string(name) + ": x\n");
    CHECK(expr::is_framing_header(name));
  }
  CHECK(headers(R"({"Host":null})", true).starts_with("validation: header Host"));
  for (const char* name : {"Hosts", "TEE", "X-Host", "Prox", "Proxy", "Content-Lengt"}) {
    CHECK_FALSE(expr::is_framing_header(name));
  }
  CHECK(headers(R"({"X-A":"1","x-a":"2"})", true) == "validation: header x-a: it is given twice");
  CHECK(headers(R"({"X-A":null,"x-a":"2"})", false) == "validation: header x-a: it is given twice");
  CHECK(headers(R"({"":"1"})", true) == "validation: headers: a name is empty");
  for (const char* json : {R"({"X-A\r\nX-B":"1"})", R"({"X A":"1"})", R"({"X:":"1"})", R"({"é":"1"})",
                           R"({"X\u0000":"1"})", R"({"X;":"1"})", R"({"(":"1"})"}) {
    INFO(json);
    CHECK(headers(json, false) ==
          "validation: headers: a name has a character other than letters, digits and !#$%&'*+-.^_`|~");
  }
  CHECK(headers(R"({"X-A":"a\nb"})", false) ==
        "validation: header X-A: its value has a line break, which would begin another header");
  CHECK(headers(R"({"X-A":["a"]})", false) ==
        "validation: header X-A: is a list, expected text, a number or a boolean");
  CHECK(headers(R"({"X-A":" a"})", false) ==
        "validation: header X-A: its value begins or ends with a blank, which would be lost");
  CHECK(headers(R"({"X-A":"abc"})", false, 3) == "X-A: abc\n");
  CHECK(headers(R"({"X-A":"abcd"})", false, 3) == "limit: header X-A is longer than header_bytes, 3 bytes");
  CHECK(outcome(expr::check_header_name("X-Ok_1")) == "fine");
  CHECK(outcome(expr::check_header_name("Host")) == "fine");
  CHECK(outcome(expr::check_header_name("Host", true)) ==
        "validation: header Host: it frames the request and may not come from data");
}

TEST_CASE("methods") {
  const auto method = [](const Value& value) { return outcome(expr::check_method(value)); };
  for (const char* name : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) CHECK(method(name) == name);
  CHECK(method("get") == "GET");
  CHECK(method("Patch") == "PATCH");
  const std::string expected = "validation: method: expected one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
  for (const char* name :
       {"", "CONNECT", "TRACE", "GET ", "GET / HTTP/1.1\r\nX: y", "GETT", "OPTIONSS", "g\xc3\xa9t"}) {
    CHECK(method(name) == expected);
  }
  CHECK(method(std::string_view("GET\0", 4)) == expected);
  CHECK(method(Value()) == expected + ", got null");
  CHECK(method(5) == expected + ", got a number");
}
