#include "expr/escape.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/escape_places.hpp"

using namespace fnstack;
using namespace fnstack_test;

TEST_CASE("a whole URL is taken verbatim after validation") {
  const auto whole = [](std::string_view value) { return url("{{u}}", "{\"u\":" + to_json(Value(value)) + "}"); };
  CHECK(whole("HTTPS://H.example:443/a//b?x=%2F#y") == "https://h.example/a//b?x=%2F");
  CHECK(url("<< u >>", R"({"u":"https://h.example/a"})") == "https://h.example/a");
  CHECK(url("{{raw(u)}}", R"({"u":"https://h.example/a"})") == "https://h.example/a");
  CHECK(whole("ftp://h/x") ==
        "blocked: the URL: hole {{u}}: the scheme of the URL (ftp) is refused; only http and https are allowed");
  CHECK(whole("javascript:alert(1)").starts_with("blocked: the URL: hole {{u}}: "));
  CHECK(whole("") == "validation: the URL: hole {{u}}: invalid URL: it is empty");
  CHECK(whole("h.example/x") ==
        "validation: the URL: hole {{u}}: invalid URL: it is not absolute; expected http:// or https:// at its start");
  CHECK(whole("https://u:p@h/").starts_with("validation: the URL: hole {{u}}: invalid URL: it has user info"));
  CHECK(whole("https://h/%2e%2E/x") ==
        "validation: the URL: hole {{u}}: invalid URL: its path has a segment . or .. (%2e counts as a dot)");
  CHECK(url("{{u}}", R"({"u":null})") == "validation: the URL: hole {{u}} is null, expected text");
  CHECK(url("{{u}}", R"({"u":["https://h/"]})") == "validation: the URL: hole {{u}} is a list, expected text");
  CHECK(url("{{u}}", R"({"u":7})") == "validation: the URL: hole {{u}} is a number, expected text");
  CHECK(url(" {{u}}", R"({"u":"https://h/"})") ==
        "check: the URL: it is not absolute; expected http:// or https:// at its start");
  // A secret in the URL is in no message.
  CHECK(whole("https://hooks.example/s3cret value").find("s3cret") == std::string::npos);
}

TEST_CASE("a whole URL that joins text is a warning") {
  Diagnostics diagnostics;
  const auto pieces = parsed("{{ 'https://h/' + x }}", diagnostics);
  REQUIRE(pieces.has_value());
  REQUIRE(expr::compile_url(*pieces, TextPlace{}, diagnostics).has_value());
  CHECK(messages(diagnostics) == "warning: the URL is one template that joins text with +: its parts are not escaped");
  REQUIRE(diagnostics.items().size() == 1);
  CHECK(diagnostics.items()[0].code == "glued-url");
  CHECK(diagnostics.items()[0].hint == "write the parts as text with holes: https://host/{{a}}?q={{b}}");
}

TEST_CASE("a literal URL") {
  CHECK(url("https://H.example/a b") == "check: the URL: it has a blank; write %20");
  CHECK(url("https://h.example") == "https://h.example/");
  CHECK(url("https://h.example/#x") == "https://h.example/");
  CHECK(url("") == "check: the URL is empty, expected http:// or https:// at its start");
  CHECK(url("/relative") == "check: the URL: it is not absolute; expected http:// or https:// at its start");
  CHECK(url("ftp://h/{{x}}") ==
        "check: the URL: the scheme of the URL (ftp) is refused; only http and https are allowed");
  CHECK(url("https{{x}}") == "check: the URL: it is not absolute; expected http:// or https:// at its start");
  CHECK(url("https:/{{x}}/a") == "check: the URL: expected // after the scheme");
  CHECK(url("https:///{{x}}") == "check: the URL: it has no host");
  CHECK(url("https://user:{{x}}@h/").starts_with("check: the URL's port: hole {{x}} must be the whole port"));
  CHECK(url("https://user@{{x}}/").starts_with("check: the URL: it has user info"));
  CHECK(url("https://h/../{{x}}") == "check: the URL: its path has a segment . or .. (%2e counts as a dot)");
  CHECK(url("https://h\\{{x}}/") == "check: the URL: it has a backslash; write / or %5C");
  CHECK(url("https://h/é/{{x}}").starts_with("check: the URL: it has a character that is not ASCII"));
  CHECK(url("HTTP://h/{{x}}", R"({"x":1})") == "http://h/1");
}

TEST_CASE("places that no one can know are refused when compiling") {
  CHECK(url("{{a}}{{b}}") ==
        "check: the URL: hole {{b}} follows hole {{a}} at the start, so that no one knows what it stands for");
  CHECK(url("{{a}}{{b}}/x").starts_with("check: "));
  CHECK(
      url("{{a}}.example/x") ==
      "check: the URL: text after the base hole {{a}} must begin with / or ?, as anything else could change the host");
  CHECK(url("{{a}}@h/x").starts_with("check: the URL: text after the base hole"));
  CHECK(url("{{a}}:80/x").starts_with("check: the URL: text after the base hole"));
  CHECK(url("{{a}}#x").starts_with("check: the URL: text after the base hole"));
  CHECK(url("{{a}}:/x").starts_with("check: the URL: text after the base hole"));
  CHECK(url("https://h/x#{{a}}") == "check: the URL: hole {{a}} stands in the fragment, which is never sent");
  CHECK(url("https://h#{{a}}").starts_with("check: the URL: hole {{a}} stands in the fragment"));
  CHECK(url("https://h?x#{{a}}").starts_with("check: the URL: hole {{a}} stands in the fragment"));
  CHECK(url("https://[{{a}}]/") == "check: the URL's host: hole {{a}} stands within [ ]; give an IPv6 address as text");
  CHECK(url("https://[::{{a}}]:80/").starts_with("check: the URL's host: hole {{a}} stands within [ ]"));
  CHECK(url("https://h:8{{a}}/") == "check: the URL's port: hole {{a}} must be the whole port");
  CHECK(url("https://h:{{a}}0/").starts_with("check: the URL's port: "));
  CHECK(url("https://h:{{a}}{{b}}/").starts_with("check: the URL's port: "));
  CHECK(url("https://h/%{{a}}") == "check: the URL's path: hole {{a}} stands within a percent escape");
  CHECK(url("https://h/%2{{a}}").starts_with("check: the URL's path: hole {{a}} stands within a percent escape"));
  CHECK(url("https://h/?q=%2{{a}}").starts_with("check: the URL's query: hole {{a}} stands within a percent escape"));
  CHECK(url("https://{{raw(a)}}/") == "check: the URL's host: raw does not apply here");
  CHECK(url("https://h/{{host(a)}}") == "check: the URL's path: host does not apply here");
  CHECK(url("https://h/?{{a|path}}") == "check: the URL's query: path does not apply here");
  CHECK(url("https://h:{{raw(a)}}/") == "check: the URL's port: raw does not apply here");
  CHECK(url("{{raw(a)}}://h/") == "check: the URL's scheme: raw does not apply here");
}

TEST_CASE("a hole for the scheme") {
  CHECK(url("{{s}}://h.example/{{x}}", R"({"s":"http","x":"a/b"})") == "http://h.example/a%2Fb");
  CHECK(url("{{s}}://{{h}}.example", R"({"s":"HTTPS","h":"A"})") == "https://a.example/");
  const std::string refusal = "blocked: the URL's scheme: hole {{s}} is refused; only http and https are allowed";
  CHECK(url("{{s}}://h/", R"({"s":"ftp"})") == refusal);
  CHECK(url("{{s}}://h/", R"({"s":"file"})") == refusal);
  CHECK(url("{{s}}://h/", R"({"s":"https://evil.example/?"})") == refusal);
  CHECK(url("{{s}}://h/", R"({"s":"https://e"})") == refusal);
  CHECK(url("{{s}}://h/", R"({"s":"http\r\n"})") == refusal);
  CHECK(url("{{s}}://h/", R"({"s":null})") == "validation: the URL's scheme: hole {{s}} is null, expected text");
  CHECK(url("{{s}}://h/", R"({"s":""})") == "validation: the URL's scheme: hole {{s}} is empty");
}

TEST_CASE("a hole for the base URL") {
  CHECK(url("{{b}}/users", R"({"b":"https://h.example"})") == "https://h.example/users");
  CHECK(url("{{b}}/users", R"({"b":"https://h.example/"})") == "https://h.example/users");
  CHECK(url("{{b}}/users", R"({"b":"HTTPS://H.example:443/v1/"})") == "https://h.example/v1/users");
  CHECK(url("{{b}}/users", R"({"b":"https://h.example/v1//"})") == "https://h.example/v1//users");
  CHECK(url("{{b}}?q={{q}}", R"({"b":"https://h.example","q":"a b"})") == "https://h.example/?q=a%20b");
  CHECK(url("{{b}}?q=1", R"({"b":"https://h.example/v1"})") == "https://h.example/v1?q=1");
  CHECK(url("{{b}}/", R"({"b":"https://h.example/v1"})") == "https://h.example/v1/");
  CHECK(url("{{b}}//x", R"({"b":"https://h.example"})") == "https://h.example//x");
  CHECK(url("{{b|raw}}/x", R"({"b":"https://h.example"})") == "https://h.example/x");
  CHECK(url("{{b}}/{{i}}/_search", R"({"b":"http://es.example:9200","i":"a b"})") ==
        "http://es.example:9200/a%20b/_search");
  const std::string no_query =
      "validation: the URL's base: hole {{b}} has a query or a fragment; expected scheme, host and path only";
  CHECK(url("{{b}}/x", R"({"b":"https://h.example?a=b"})") == no_query);
  CHECK(url("{{b}}/x", R"({"b":"https://h.example/#"})") == no_query);
  CHECK(url("{{b}}/x", R"({"b":null})") == "validation: the URL's base: hole {{b}} is null, expected text");
  CHECK(url("{{b}}/x", R"({"b":"h.example"})") ==
        "validation: the URL's base: hole {{b}}: invalid URL: it is not absolute; expected http:// or https:// at its "
        "start");
  CHECK(url("{{b}}/x", R"({"b":"gopher://h"})").starts_with("blocked: the URL's base: hole {{b}}: "));
  CHECK(url("{{b}}/x", R"({"b":"https://a@h.example"})").starts_with("validation: the URL's base: hole {{b}}: "));
  CHECK(url("{{b}}/x", R"({"b":"https://h.example/a/.."})").starts_with("validation: the URL's base: hole {{b}}: "));
}

TEST_CASE("a hole in the host") {
  CHECK(url("https://{{a}}-dsn.algolia.net/1", R"({"a":"APP1"})") == "https://app1-dsn.algolia.net/1");
  CHECK(url("https://{{a}}{{b}}.example/", R"({"a":"x","b":7})") == "https://x7.example/");
  CHECK(url("https://{{a}}", R"({"a":"localhost"})") == "https://localhost/");
  CHECK(url("https://{{a}}:8443/x", R"({"a":"h"})") == "https://h:8443/x");
  CHECK(url("https://{{a}}?q", R"({"a":"h"})") == "https://h/?q");
  CHECK(url("http://{{a}}.0.0.1/", R"({"a":10})") == "http://10.0.0.1/");
  const auto host = [](std::string_view value) {
    return url("https://{{s}}.example/x", "{\"s\":" + std::string(value) + "}");
  };
  const std::string character =
      "validation: the URL's host: hole {{s}} has a character other than letters, digits and inner hyphens";
  const std::string dot =
      "validation: the URL's host: hole {{s}} has a dot; expected one label, or write it as host(…) to let several "
      "labels through";
  const std::string hyphen = "validation: the URL's host: hole {{s}} begins or ends with a hyphen";
  for (const char* value :
       {R"("evil#")", R"("evil/")", R"("evil?")", R"("x@evil")", R"("evil:80")", R"("a\\b")", R"("a b")", R"("a\r\nb")",
        R"("a\u0000b")", R"("a%2eb")", R"("é")", R"("a_b")", R"("[")", R"("①")", R"("a。b")"}) {
    INFO(value);
    CHECK(host(value) == character);
  }
  CHECK(host(R"("evil.example#")") == dot);
  CHECK(host(R"("a.b")") == dot);
  CHECK(host(R"(".")") == dot);
  CHECK(host(R"("-a")") == hyphen);
  CHECK(host(R"("a-")") == hyphen);
  CHECK(host("-5") == hyphen);
  CHECK(host(R"("")") == "validation: the URL's host: hole {{s}} is empty; it would address another host");
  CHECK(host("null") ==
        "validation: the URL's host: hole {{s}} is null, expected text, a number or a boolean; it would address "
        "another host");
  CHECK(host(R"(["a"])").starts_with("validation: the URL's host: hole {{s}} is a list"));
  CHECK(host("\"" + std::string(63, 'a') + "\"") == "https://" + std::string(63, 'a') + ".example/x");
  CHECK(host("\"" + std::string(64, 'a') + "\"") ==
        "validation: the URL's host: hole {{s}} has a label longer than 63 characters");
  const std::string ambiguous =
      "validation: the URL's host: hole {{a}}: invalid URL: its host is an ambiguous number; write an IPv4 address as "
      "four decimal numbers from 0 to 255";
  CHECK(url("http://{{a}}/", R"({"a":2130706433})") == ambiguous);
  CHECK(url("http://{{a}}/", R"({"a":"0x7f000001"})") == ambiguous);
  CHECK(url("http://127.{{a}}/", R"({"a":1})") == ambiguous);

  const auto dotted = [](std::string_view value) {
    return url("https://{{host(s)}}/x", "{\"s\":\"" + std::string(value) + "\"}");
  };
  CHECK(dotted("Api.Example.com") == "https://api.example.com/x");
  CHECK(url("https://{{s|host}}:{{p}}/", R"({"s":"a.b","p":8080})") == "https://a.b:8080/");
  CHECK(dotted("a..b") == "validation: the URL's host: hole {{host(s)}} has a dot too many");
  CHECK(dotted("a.b.").starts_with("validation: "));
  CHECK(dotted("a/b").starts_with("validation: "));
  CHECK(dotted("a@b").starts_with("validation: "));
  CHECK(dotted("a:80").starts_with("validation: "));
  CHECK(dotted("[::1]").starts_with("validation: "));
  CHECK(dotted("0177.0.0.1").starts_with("validation: "));
  CHECK(dotted("").starts_with("validation: "));
}

TEST_CASE("a hole for the port") {
  const auto port = [](std::string_view value) {
    return url("http://h.example:{{p}}/x", "{\"p\":" + std::string(value) + "}");
  };
  CHECK(port("1") == "http://h.example:1/x");
  CHECK(port("8080.0") == "http://h.example:8080/x");
  CHECK(port("\"65535\"") == "http://h.example:65535/x");
  CHECK(port("80") == "http://h.example/x");
  CHECK(url("http://h:{{p}}", R"({"p":81})") == "http://h:81/");
  CHECK(url("http://h:{{p}}?q", R"({"p":81})") == "http://h:81/?q");
  for (const char* value : {"0", "65536", "-1", "80.5", "\"\"", "\"080\"", "\"80@evil.example\"", "\"80/\"", "\" 80\"",
                            "\"+80\"", "true", "[80]", "1e9"}) {
    INFO(value);
    CHECK(port(value) == "validation: the URL's port: hole {{p}} is no integer from 1 to 65535");
  }
  CHECK(port("null") == "validation: the URL's port: hole {{p}} is null, expected an integer from 1 to 65535");
}

TEST_CASE("a hole in the path is one segment") {
  const auto path = [](std::string_view value) {
    return url("https://h.example/users/{{id}}/keys", "{\"id\":" + std::string(value) + "}");
  };
  CHECK(path(R"("a b+c&d=e?f#g/h%2F\\i;j@k:l")") ==
        "https://h.example/users/a%20b%2Bc%26d%3De%3Ff%23g%2Fh%252F%5Ci%3Bj%40k%3Al/keys");
  CHECK(path(R"("\r\n\u0000")") == "https://h.example/users/%0D%0A%00/keys");
  CHECK(path("true") == "https://h.example/users/true/keys");
  CHECK(path("-1.5") == "https://h.example/users/-1.5/keys");
  CHECK(path(R"("...")") == "https://h.example/users/.../keys");
  CHECK(path(R"("%2e%2e")") == "https://h.example/users/%252e%252e/keys");
  const std::string dots =
      "validation: the URL's path: hole {{id}} makes a segment of dots, which would address another resource";
  CHECK(path(R"(".")") == dots);
  CHECK(path(R"("..")") == dots);
  CHECK(path(R"("")") ==
        "validation: the URL's path: hole {{id}} is empty; an empty segment would address another resource");
  CHECK(path("null") ==
        "validation: the URL's path: hole {{id}} is null; an empty segment would address another resource");
  CHECK(path("[1]") == "validation: the URL's path: hole {{id}} is a list, expected text, a number or a boolean");
  CHECK(path("{}") == "validation: the URL's path: hole {{id}} is an object, expected text, a number or a boolean");

  // The finished segment counts, not the hole.
  CHECK(url("https://h/{{a}}{{b}}", R"({"a":".","b":"."})").starts_with("validation: the URL's path: hole {{b}}"));
  CHECK(url("https://h/.{{a}}", R"({"a":"."})").starts_with("validation: "));
  CHECK(url("https://h/.{{a}}", R"({"a":""})").starts_with("validation: ") == true);  // "/." is a dot segment
  CHECK(url("https://h/%2e{{a}}", R"({"a":"."})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}%2E", R"({"a":"."})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}{{b}}", R"({"a":"","b":"x"})") == "https://h/x");
  CHECK(url("https://h/{{a}}{{b}}", R"({"a":"","b":""})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}{{b}}", R"({"a":null,"b":"x"})").starts_with("validation: "));
  CHECK(url("https://h/v{{a}}", R"({"a":""})") == "https://h/v");
  CHECK(url("https://h/{{a}}?q=1", R"({"a":""})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}?q=1", R"({"a":".."})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}#f", R"({"a":".."})").starts_with("validation: "));
  CHECK(url("https://h/{{a}}#f", R"({"a":"x"})") == "https://h/x");
  CHECK(url("https://h//{{a}}", R"({"a":"x"})") == "https://h//x");
  CHECK(url("{{b}}/{{a}}", R"({"b":"https://h/v1","a":".."})").starts_with("validation: the URL's path: hole {{a}}"));
  // The name of a long hole is cut.
  CHECK(
      url("https://h/{{ a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }}") ==
      "validation: the URL's path: hole {{a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…}} is null; an "
      "empty segment would address another resource");
}

TEST_CASE("path() keeps slashes, raw() everything that is fit for a path") {
  const auto path = [](std::string_view value) {
    return url("https://h/f/{{path(p)}}", "{\"p\":\"" + std::string(value) + "\"}");
  };
  CHECK(path("a b/c?d/é") == "https://h/f/a%20b/c%3Fd/%C3%A9");
  CHECK(url("https://h/{{p|path}}.json", R"({"p":"a/b"})") == "https://h/a/b.json");
  for (const char* value : {"../x", "a/../b", "a/..", ".", "a//b", "/a", "a/", "", "/"}) {
    INFO(value);
    CHECK(path(value).starts_with("validation: the URL's path: hole {{path(p)}} "));
  }
  CHECK(url("https://h/{{path(p)}}").starts_with("validation: the URL's path: hole {{path(p)}} is null"));

  const auto raw = [](std::string_view value) {
    return url("https://h/f/{{raw(p)}}", "{\"p\":" + to_json(Value(value)) + "}");
  };
  CHECK(raw("a%20b/c;d@e") == "https://h/f/a%20b/c;d@e");
  CHECK(raw("a/") == "https://h/f/a/");
  CHECK(raw("a?x=1") == "https://h/f/a?x=1");
  CHECK(raw("") ==
        "validation: the URL's path: hole {{raw(p)}} is empty; an empty segment would address another resource");
  CHECK(raw("?x").starts_with("validation: the URL's path: hole {{raw(p)}} is empty"));
  CHECK(raw("a b") == "validation: the URL's path: hole {{raw(p)}} is not fit to be raw: it has a blank; write %20");
  CHECK(raw("a\r\nX: y")
            .starts_with("validation: the URL's path: hole {{raw(p)}} is not fit to be raw: it has a control"));
  CHECK(raw("a\\b").starts_with("validation: the URL's path: hole {{raw(p)}} is not fit"));
  CHECK(raw("a%").starts_with("validation: the URL's path: hole {{raw(p)}} is not fit"));
  CHECK(raw("é").starts_with("validation: the URL's path: hole {{raw(p)}} is not fit"));
  CHECK(raw("../x").starts_with("validation: the URL's path: hole {{raw(p)}} is not fit"));
  CHECK(raw("..").starts_with("validation: the URL's path: hole {{raw(p)}} is not fit"));
  CHECK(raw("a#b") ==
        "validation: the URL's path: hole {{raw(p)}} has a #, behind which nothing would be sent; write %23");
  CHECK(url("https://h/.{{raw(p)}}", R"({"p":"./x"})").starts_with("validation: "));
  CHECK(url("https://h/{{raw(p)}}", R"({"p":null})").starts_with("validation: "));
}

TEST_CASE("a hole in the query is a component") {
  CHECK(url("https://h/s?q={{q}}&{{k}}={{n}}", R"({"q":"a&b=c d+e#f/?é","k":"x=y","n":1.5})") ==
        "https://h/s?q=a%26b%3Dc%20d%2Be%23f%2F%3F%C3%A9&x%3Dy=1.5");
  CHECK(url("https://h/s?q={{q}}", R"({"q":null})") == "https://h/s?q=");
  CHECK(url("https://h/s?q={{q}}", R"({"q":""})") == "https://h/s?q=");
  CHECK(url("https://h/s?q={{q}}/../{{q}}", R"({"q":".."})") == "https://h/s?q=../../..");
  CHECK(url("https://h/s?q={{q}}", R"({"q":"\r\nHost: x"})") == "https://h/s?q=%0D%0AHost%3A%20x");
  CHECK(url("https://h/s?q={{q}}", R"({"q":[1]})") ==
        "validation: the URL's query: hole {{q}} is a list, expected text, a number or a boolean; write it as json(…) "
        "to send its JSON text");
  CHECK(url("https://h/s?q={{json(q)}}", R"({"q":"a b"})") == "https://h/s?q=%22a%20b%22");
  CHECK(url("https://h/s?q={{q|json}}", R"({"q":[]})") == "https://h/s?q=%5B%5D");
  CHECK(url("https://h/s?{{raw(q)}}", R"({"q":"a=1&b=%20"})") == "https://h/s?a=1&b=%20");
  CHECK(url("https://h/s?{{raw(q)}}", R"({"q":"a#"})")
            .starts_with("validation: the URL's query: hole {{raw(q)}} has a #"));
  CHECK(url("https://h/s?{{raw(q)}}", R"({"q":"a\nb"})")
            .starts_with("validation: the URL's query: hole {{raw(q)}} is not fit"));
  CHECK(url("https://h/s?{{raw(q)}}", R"({"q":{"a":1}})")
            .starts_with("validation: the URL's query: hole {{raw(q)}} is an object"));
}

TEST_CASE("rawness is no property of a value") {
  CHECK(url("https://h/{{ raw(a) + '' }}", R"({"a":"x/y"})") == "https://h/x%2Fy");
  CHECK(url("https://h/{{ (a|raw) || b }}", R"({"a":"x/y"})") == "https://h/x%2Fy");
  CHECK(form_body("a={{ raw(a) + '' }}", R"({"a":"1&b=2"})") == "a=1%26b%3D2");
}

TEST_CASE("further query parameters") {
  CHECK(url("https://h/", "{}", "a=1") == "https://h/?a=1");
  CHECK(url("https://h", "{}", "a=1") == "https://h/?a=1");
  CHECK(url("https://h/?x=1", "{}", "a=1") == "https://h/?x=1&a=1");
  CHECK(url("https://h/?", "{}", "a=1") == "https://h/?a=1");
  CHECK(url("https://h/?x&", "{}", "a=1") == "https://h/?x&a=1");
  CHECK(url("https://h/x#f", "{}", "a=1") == "https://h/x?a=1");
  CHECK(url("{{u}}", R"({"u":"https://h/x?y#f"})", "a=1") == "https://h/x?y&a=1");
  CHECK(url("{{u}}/x", R"({"u":"https://h"})", "a=1") == "https://h/x?a=1");
}

TEST_CASE("what messages show of a URL") {
  CHECK(shown_url("https://h.example:8443/users/{{id}}/x?key={{k}}", R"({"id":"s3cret","k":"s3cret"})") ==
        "https://h.example:8443/users/{…}/x");
  CHECK(shown_url("{{u}}", R"({"u":"https://hooks.example/s3cret?x"})") == "https://hooks.example/{…}");
  CHECK(shown_url("{{u}}", R"({"u":"https://h.example"})") == "https://h.example/");
  CHECK(shown_url("{{b}}/users/{{id}}", R"({"b":"https://h.example/s3cret/","id":1})") ==
        "https://h.example/{…}/users/{…}");
  CHECK(shown_url("{{b}}/users", R"({"b":"https://h.example"})") == "https://h.example/users");
  CHECK(shown_url("{{b}}?a=b", R"({"b":"https://h.example"})") == "https://h.example/");
  CHECK(shown_url("https://h.example?a", "{}", "k=s3cret") == "https://h.example/");
  CHECK(shown_url("https://h.example/a-{{x}}.json#f", R"({"x":1})") == "https://h.example/a-{…}.json");
  CHECK(shown_url("https://h.example/{{path(x)}}", R"({"x":"a/b"})") == "https://h.example/{…}");
}

TEST_CASE("a URL that is too long is a limit, and nothing else") {
  const auto sized = [](std::string_view text, std::string_view value, std::size_t limit, std::string_view query = {}) {
    Vars vars("{\"x\":\"" + std::string(value) + "\"}");
    return url_of(text, vars, query, limit);
  };
  const auto too_long = [](int limit) {
    return "limit: the URL is longer than url_bytes, " + std::to_string(limit) + " bytes";
  };
  CHECK(sized("https://h/{{x}}", "abc", 13) == "https://h/abc");
  CHECK(sized("https://h/{{x}}", "abc", 14) == "https://h/abc");
  CHECK(sized("https://h/{{x}}", "abc", 12) == too_long(12));
  CHECK(sized("https://h/{{x}}", "/", 13) == "https://h/%2F");
  CHECK(sized("https://h/{{x}}", "/", 12) == too_long(12));
  CHECK(sized("https://h/{{path(x)}}", "a/b", 12) == too_long(12));
  CHECK(sized("https://h/{{raw(x)}}", "a/b", 12) == too_long(12));
  CHECK(sized("https://h/?{{x}}", "abc", 13) == too_long(13));
  CHECK(sized("https://{{x}}/", "abc", 11) == too_long(11));
  CHECK(sized("{{x}}", "https://h/abc", 13) == "https://h/abc");
  CHECK(sized("{{x}}", "https://h/abc#fragment", 13) == "https://h/abc");
  CHECK(sized("{{x}}", "https://h/abc", 12) == too_long(12));
  CHECK(sized("{{x}}", "https://h", 9) == too_long(9));  // the path / is added
  CHECK(sized("{{x}}", std::string(10'000, ' '), 8192) == too_long(8192));
  CHECK(sized("{{x}}/a", "https://h", 11) == "https://h/a");
  CHECK(sized("{{x}}/a", "https://h", 10) == too_long(10));
  CHECK(sized("https://h/{{x}}", "a", 15, "q=1") == "https://h/a?q=1");
  CHECK(sized("https://h/{{x}}", "a", 14, "q=1") == too_long(14));
  CHECK(sized("https://h/a", "", 10) == too_long(10));
}

TEST_CASE("a URL without holes is limited like any other") {
  Vars vars("{}");
  CHECK(url_of("HTTPS://H.example/a#f", vars, "", 19) == "https://h.example/a");
  CHECK(url_of("https://h.example/a", vars, "", 18) == "limit: the URL is longer than url_bytes, 18 bytes");
  CHECK(url_of("https://h.example/a", vars, "q=1", 23) == "https://h.example/a?q=1");
  CHECK(url_of("https://h.example/a", vars, "q=1", 22) == "limit: the URL is longer than url_bytes, 22 bytes");
  CHECK(shown_url("https://h.example/a?key=x") == "https://h.example/a");
}
