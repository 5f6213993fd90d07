#include "steps/paginate.hpp"

#include <fnstack/json.hpp>

#include "support/catch.hpp"

namespace {

using namespace fnstack;
using steps::link_target;
using steps::next_page;

// "end", "error TYPE: MESSAGE" or the URL.
std::string next(const std::string& url, const std::string& json) {
  const auto value = parse_json(json);
  REQUIRE(value.ok());
  const auto found = next_page(url, *value);
  if (!found.ok()) return "error " + found.error().type + ": " + found.error().message;
  return *found ? **found : "end";
}

}  // namespace

TEST_CASE("what ends the pages") {
  for (const char* nothing : {"null", "false", "\"\"", R"({"cursor": null})", R"({"limit": 5, "cursor": null})"}) {
    CHECK(next("https://a.example/x", nothing) == "end");
  }
}

TEST_CASE("the next URL, relative or absolute") {
  CHECK(next("https://a.example/v1/x?p=1", "\"?p=2\"") == "https://a.example/v1/x?p=2");
  CHECK(next("https://a.example/v1/x?p=1", "\"y\"") == "https://a.example/v1/y");
  CHECK(next("https://a.example/v1/x", "\"/y#part\"") == "https://a.example/y");
  CHECK(next("https://a.example/x", "\"https://A.EXAMPLE:443/y\"") == "https://a.example/y");
}

TEST_CASE("credentials stay at their origin") {
  const std::string blocked =
      "error blocked: paginate: next: the next page is at another origin than https://a.example, which would get this "
      "step's headers";
  CHECK(next("https://a.example/x", "\"https://b.example/x\"") == blocked);
  CHECK(next("https://a.example/x", "\"//b.example/x\"") == blocked);
  CHECK(next("https://a.example/x", "\"http://a.example/x\"") == blocked);
  CHECK(next("https://a.example/x", "\"https://a.example:8443/x\"") == blocked);
  CHECK(next("https://a.example/x", "\"file:///etc/passwd\"").starts_with("error blocked: paginate: next: "));
  CHECK(next("https://a.example/x", "\"https://a.example@b.example/\"").starts_with("error validation: "));
  CHECK(next("https://a.example/x", "\"/a b\"").starts_with("error validation: paginate: next: "));
  CHECK(next("https://a.example/x", "7") ==
        "error validation: paginate: next: expected a URL, query parameters or null");
}

TEST_CASE("query parameters replace those of the same name") {
  CHECK(next("https://a.example/x", R"({"page": 2})") == "https://a.example/x?page=2");
  CHECK(next("https://a.example/x?page=1&q=a%26b", R"({"page": 2})") == "https://a.example/x?q=a%26b&page=2");
  CHECK(next("https://a.example/x?a%5Bb%5D=1&c=2", R"({"a[b]": "é &"})") ==
        "https://a.example/x?c=2&a%5Bb%5D=%C3%A9%20%26");
  CHECK(next("https://a.example/x?page&page=1", R"({"page": 2})") == "https://a.example/x?page=2");
  CHECK(next("https://a.example/x", R"({"a": [[1]]})").starts_with("error validation: "));
}

TEST_CASE("a parameter is taken off a URL") {
  using steps::without_parameter;
  CHECK(without_parameter("https://a.example/x?key=1&p=2&k%65y=3", "key") == "https://a.example/x?p=2");
  CHECK(without_parameter("https://a.example/x?key=1", "key") == "https://a.example/x");
  CHECK(without_parameter("https://a.example/x?keys=1", "key") == "https://a.example/x?keys=1");
  CHECK(without_parameter("https://a.example/x", "key") == "https://a.example/x");
}

TEST_CASE("links of a header") {
  CHECK(link_target(R"(<https://a.example/?p=2>; rel="next")", "next") == "https://a.example/?p=2");
  CHECK(link_target(R"(</a,b;c>; rel=prev, </2>;rel=next)", "next") == "/2");
  CHECK(link_target(R"(</1>; title="x, </9>; rel=next"; rel="first", </2>; rel="last next")", "next") == "/2");
  CHECK(link_target(R"(</1>; rel="first"; rel="next")", "next").empty());  // only the first rel counts
  CHECK(link_target(R"(</1>; rel="nextish")", "next").empty());
  CHECK(link_target("</1", "next").empty());
  CHECK(link_target("<", "next").empty());
  CHECK(link_target(R"(</1>; rel="next)", "next").empty());
  CHECK(link_target("", "next").empty());
}
