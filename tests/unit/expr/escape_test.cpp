#include "expr/escape.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <fnstack/json.hpp>

#include "support/catch.hpp"
#include "unit/expr/vars.hpp"

using namespace fnstack;
using fnstack_test::messages;
using fnstack_test::shown;
using fnstack_test::Vars;

namespace {

constexpr std::size_t url_bytes = 8192;
constexpr std::string_view json_type = "application/json";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// Every helper gives the text that results or "<type>: <message>"; what is refused when compiling is
// "check: <messages>".
std::string check_failed(const Diagnostics& diagnostics) { return "check: " + messages(diagnostics); }

std::optional<expr::Template> parsed(std::string_view text, Diagnostics& diagnostics) {
  return expr::parse_template(text, TextPlace{}, diagnostics);
}

std::string url_of(std::string_view text, Vars& vars, std::string_view query = {}, std::size_t limit = url_bytes,
                   bool for_messages = false) {
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const std::optional<expr::UrlTemplate> compiled = expr::compile_url(*pieces, TextPlace{}, diagnostics);
  if (!compiled) return check_failed(diagnostics);
  const expr::UrlTemplate bound = expr::bind(*compiled, vars.resolver());
  const Result<expr::RenderedUrl> url = expr::render_url(bound, vars.scope(), query, limit);
  if (!url.ok()) return shown(url.error());
  return for_messages ? url->shown : url->url;
}
std::string url(std::string_view text, std::string_view vars = "{}", std::string_view query = {}) {
  Vars variables(vars);
  return url_of(text, variables, query);
}
std::string shown_url(std::string_view text, std::string_view vars = "{}", std::string_view query = {}) {
  Vars variables(vars);
  return url_of(text, variables, query, url_bytes, true);
}

std::string body_of(std::string_view text, Vars& vars, std::string_view content_type, bool literal_type) {
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const auto compiled = expr::compile_body(*pieces, literal_type ? content_type : "", TextPlace{}, diagnostics);
  if (!compiled) return check_failed(diagnostics);
  const expr::BodyTemplate bound = expr::bind(*compiled, vars.resolver());
  const Result<Value> body = expr::render_body(bound, vars.scope(), content_type);
  if (!body.ok()) return shown(body.error());
  return body->is_string() ? std::string(body->as_string()) : "value " + to_json(*body);
}
std::string json_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, json_type, false);
}
std::string form_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, form_type, false);
}
std::string text_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, "text/plain", false);
}

std::string header_of(std::string_view name, std::string_view text, Vars& vars, std::size_t limit = 8192) {
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const expr::Template bound = expr::bind(*pieces, vars.resolver());
  const Result<std::optional<std::string>> value = expr::render_header(bound, vars.scope(), name, limit);
  if (!value.ok()) return shown(value.error());
  return value->has_value() ? **value : "left out";
}
std::string header(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return header_of("X-A", text, variables);
}

std::string headers(std::string_view json, bool from_data, std::size_t limit = 8192) {
  const auto list = expr::check_headers(Vars::read(json), from_data, limit);
  if (!list.ok()) return shown(list.error());
  std::string out;
  for (const auto& [name, value] : *list) out += name + ": " + value + "\n";
  return out;
}

std::string cache_key(std::string_view text, std::string_view vars = "{}", std::size_t limit = 1024) {
  Vars variables(vars);
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const expr::Template bound = expr::bind(*pieces, variables.resolver());
  const Result<std::string> key = expr::render_cache_key(bound, variables.scope(), limit);
  return key.ok() ? *key : shown(key.error());
}

template <class T>
std::string outcome(const Result<T>& result) {
  if (!result.ok()) return shown(result.error());
  std::ostringstream out;
  out << *result;
  return out.str();
}
std::string outcome(const std::optional<Error>& error) { return error ? shown(*error) : "fine"; }

// An object whose strings are templates, evaluated.
std::optional<Value> evaluated(const Value& tree, Vars& vars, std::string& failure) {
  if (tree.is_object()) {
    Value out = Value::object();
    for (std::size_t i = 0; i < tree.size(); ++i) {
      std::optional<Value> member = evaluated(tree[i], vars, failure);
      if (!member) return std::nullopt;
      out.set(tree.key_at(i), *member);
    }
    return out;
  }
  if (!tree.is_string()) return tree;
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(tree.as_string(), diagnostics);
  if (!pieces) {
    failure = check_failed(diagnostics);
    return std::nullopt;
  }
  const expr::Template bound = expr::bind(*pieces, vars.resolver());
  const Result<Value> value = expr::render(bound, vars.scope());
  if (value.ok()) return *value;
  failure = shown(value.error());
  return std::nullopt;
}

// Valid as text: only the network guard, which sees addresses, refuses them.
const std::set<std::string_view> refused_by_the_guard = {"url_whole-024", "url_whole-027", "url_whole-030",
                                                         "url_whole-031", "url_host-058"};

bool failed(std::string_view outcome) {
  for (const char* type : {"check: ", "validation: ", "blocked: ", "limit: "}) {
    if (outcome.starts_with(type)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the escaping vectors") {
  std::ifstream file(FNSTACK_TEST_DATA "/cases/escaping_vectors.json");
  std::stringstream content;
  content << file.rdbuf();
  const Value vectors = Vars::read(content.str());
  REQUIRE(vectors.size() > 80);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const Value& vector = vectors[i];
    const std::string id(vector.get("id").as_string());
    const std::string_view context = vector.get("context").as_string();
    const Value& text = vector.get("template");
    Vars vars(vector.get("vars"));
    INFO(id << ": " << vector.get("why").as_string());
    std::string result;
    if (context.starts_with("sql_")) {
      // Statements are made elsewhere; what is judged here is the record's id.
      if (context != "sql_edit") continue;
      const std::optional<Value> fields = evaluated(text, vars, result);
      REQUIRE(fields.has_value());
      CHECK(outcome(expr::check_record_id(fields->get("record_id"))).starts_with("validation: ") ==
            vector.get("error").as_boolean());
      continue;
    }
    if (context.starts_with("url_")) {
      result = url_of(text.as_string(), vars);
    } else if (context == "query_parameters") {
      const std::optional<Value> parameters = evaluated(text, vars, result);
      if (parameters) result = outcome(expr::encode_query(*parameters));
    } else if (context == "header_value") {
      const std::string_view name = text.key_at(0);
      result = header_of(name, text[0].as_string(), vars);
      if (!failed(result)) result = std::string(name) + ": " + result + "\r\n";
    } else if (context == "header_map") {
      const std::optional<Value> map = evaluated(text, vars, result);
      REQUIRE(map.has_value());
      result = headers(to_json(*map), true);
    } else if (context == "method") {
      const std::optional<Value> method = evaluated(text, vars, result);
      REQUIRE(method.has_value());
      result = outcome(expr::check_method(*method));
    } else if (context == "form_body") {
      result = body_of(text.as_string(), vars, form_type, true);
    } else if (context == "json_text_body") {
      result = body_of(text.as_string(), vars, json_type, true);
    } else if (context == "json_body") {
      const std::optional<Value> tree = evaluated(text, vars, result);
      if (tree) result = to_json(*tree);
    } else if (context == "response_status") {
      const std::optional<Value> status = evaluated(text, vars, result);
      REQUIRE(status.has_value());
      result = outcome(expr::check_status(*status));
    } else {
      FAIL("unknown context " << context);
    }
    if (refused_by_the_guard.contains(id)) {
      CHECK_FALSE(failed(result));
    } else if (vector.get("error").as_boolean()) {
      INFO(result);
      CHECK(failed(result));
    } else {
      CHECK(result == vector.get("expect").as_string());
    }
  }
}

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
  CHECK(url("{{u}}", R"({"u":["https://h/"]})") == "validation: the URL: hole {{u}} is an array, expected text");
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
  CHECK(host(R"(["a"])").starts_with("validation: the URL's host: hole {{s}} is an array"));
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
  CHECK(path("[1]") == "validation: the URL's path: hole {{id}} is an array, expected text, a number or a boolean");
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
  CHECK(
      url("https://h/s?q={{q}}", R"({"q":[1]})") ==
      "validation: the URL's query: hole {{q}} is an array, expected text, a number or a boolean; write it as json(…) "
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

TEST_CASE("query parameters") {
  const auto query = [](std::string_view json) { return outcome(expr::encode_query(Vars::read(json))); };
  CHECK(query("{}") == "");
  CHECK(query("null") == "");
  CHECK(query(R"({"a":null,"b":"","c":false,"d":0.5,"é":"ü *~"})") == "b=&c=false&d=0.5&%C3%A9=%C3%BC%20%2A~");
  CHECK(query(R"({"a":[1,null,"x y"],"b":[],"c":{}})") == "a=1&a=x%20y");
  CHECK(query(R"({"f":{"a":1,"b&":{"c":"d="},"n":null},"g":{"l":[1,2]}})") ==
        "f%5Ba%5D=1&f%5Bb%26%5D%5Bc%5D=d%3D&g%5Bl%5D=1&g%5Bl%5D=2");
  CHECK(query(R"({"a":"\r\n#&=+%"})") == "a=%0D%0A%23%26%3D%2B%25");
  CHECK(query("[1]") == "validation: query parameters: expected an object, got an array");
  CHECK(query("\"a=1\"") == "validation: query parameters: expected an object, got text");
  CHECK(query(R"({"a":[[1]]})") ==
        "validation: query parameters: in the list \"a\" stands an array, which has no form in a query; write the list "
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
        "validation: header X-A: hole {{t}} is an array, expected text, a number or a boolean");
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
  CHECK(headers("[]", true) == "validation: headers: expected an object of texts, got an array");
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
        "validation: header X-A: is an array, expected text, a number or a boolean");
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
        "validation: form body: hole {{n}} is an array, expected text, a number or a boolean; write it as json(…) to "
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
        "validation: cache key: hole {{id}} is an array, expected text, a number or a boolean");
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
  CHECK(check("[1]") == "validation: record_id: expected a number or text, got an array");
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
  CHECK(status("[404]") == expected + "an array");
}
