#include "backends/http_redirect.hpp"

#include "support/catch.hpp"

using fnstack::parse_url;
using fnstack::backends::follow_redirect;
using fnstack::backends::Hop;
using fnstack::backends::is_redirect;

namespace {

Hop hop(const char* method, const char* url, bool has_body = false) {
  return Hop{method,
             parse_url(url).value(),
             {{"Authorization", "Bearer t"},
              {"X-API-Key", "k"},
              {"ACCEPT", "a/b"},
              {"Content-Type", "application/json"},
              {"Cookie", "c=1"},
              {"User-Agent", "ua"},
              {"Accept-Language", "de"}},
             has_body};
}

// "METHOD url body|no body: header names", or "type: message".
std::string after(Hop from, int status, const char* location) {
  const auto result = follow_redirect(from, status, location);
  if (!result) return result.error().type + ": " + result.error().message;
  std::string out = from.method + " " + from.url.text() + (from.has_body ? " body:" : " no body:");
  for (const auto& header : from.headers) out += " " + header.first;
  return out;
}

constexpr const char* all = " Authorization X-API-Key ACCEPT Content-Type Cookie User-Agent Accept-Language";
constexpr const char* all_but_type = " Authorization X-API-Key ACCEPT Cookie User-Agent Accept-Language";
const std::string http = "http://a.test/x/y?q=1";

}  // namespace

TEST_CASE("which statuses redirect") {
  for (const int status : {301, 302, 303, 307, 308}) CHECK(is_redirect(status));
  for (const int status : {200, 201, 300, 304, 305, 306, 309, 400}) CHECK_FALSE(is_redirect(status));
}

TEST_CASE("method and body on the same origin") {
  const struct {
    const char* method;
    int status;
    std::string expected;
  } rows[] = {
      {"GET", 301, "GET http://a.test/n no body:" + std::string(all)},
      {"POST", 301, "GET http://a.test/n no body:" + std::string(all_but_type)},
      {"POST", 302, "GET http://a.test/n no body:" + std::string(all_but_type)},
      {"POST", 303, "GET http://a.test/n no body:" + std::string(all_but_type)},
      {"POST", 307, "POST http://a.test/n body:" + std::string(all)},
      {"POST", 308, "POST http://a.test/n body:" + std::string(all)},
      {"PUT", 301, "PUT http://a.test/n body:" + std::string(all)},
      {"PUT", 302, "PUT http://a.test/n body:" + std::string(all)},
      {"PUT", 303, "GET http://a.test/n no body:" + std::string(all_but_type)},
      {"DELETE", 303, "GET http://a.test/n no body:" + std::string(all_but_type)},
      {"PATCH", 307, "PATCH http://a.test/n body:" + std::string(all)},
      {"HEAD", 303, "HEAD http://a.test/n no body:" + std::string(all)},
  };
  for (const auto& row : rows) {
    INFO(row.method << " " << row.status);
    const bool body = std::string_view(row.method) != "GET" && std::string_view(row.method) != "HEAD";
    CHECK(after(hop(row.method, http.c_str(), body), row.status, "/n") == row.expected);
  }
}

TEST_CASE("where a Location leads") {
  const auto url_after = [](const char* base, const char* location) {
    Hop h{"GET", parse_url(base).value(), {}, false};
    return follow_redirect(h, 302, location) ? h.url.text() : std::string("refused");
  };
  CHECK(url_after("http://a.test/x/y?q=1", "z") == "http://a.test/x/z");
  CHECK(url_after("http://a.test/x/y?q=1", "?r=2") == "http://a.test/x/y?r=2");
  CHECK(url_after("http://a.test/x/y?q=1", "../z#f") == "http://a.test/z");
  CHECK(url_after("http://a.test/x/y?q=1", "//B.test:80/z") == "http://b.test/z");
  CHECK(url_after("http://a.test/", "/caf\xc3\xa9?q=\xc3\xa9") == "http://a.test/caf%C3%A9?q=%C3%A9");
  CHECK(url_after("http://a.test/", "https://a.test/") == "https://a.test/");
}

TEST_CASE("to another origin only four headers go along, and no body") {
  CHECK(after(hop("GET", "http://a.test/"), 302, "http://b.test/") ==
        "GET http://b.test/ no body: ACCEPT Content-Type User-Agent Accept-Language");
  CHECK(after(hop("GET", "http://a.test/"), 302, "http://a.test:81/") ==
        "GET http://a.test:81/ no body: ACCEPT Content-Type User-Agent Accept-Language");
  CHECK(after(hop("GET", "http://a.test/"), 302, "https://a.test/") ==
        "GET https://a.test/ no body: ACCEPT Content-Type User-Agent Accept-Language");
  CHECK(after(hop("GET", "http://a.test/"), 302, "http://A.test:80/b") ==
        "GET http://a.test/b no body:" + std::string(all));
  CHECK(after(hop("POST", "http://a.test/", true), 302, "http://b.test/") ==
        "GET http://b.test/ no body: ACCEPT User-Agent Accept-Language");
  CHECK(after(hop("POST", "http://a.test/", true), 307, "http://b.test/x?t=s") ==
        "blocked: redirected to another origin (http://b.test) with status 307, which would take the request's body "
        "there");
  CHECK(after(hop("PUT", "http://a.test/", true), 301, "http://b.test/") ==
        "blocked: redirected to another origin (http://b.test) with status 301, which would take the request's body "
        "there");
  CHECK(after(hop("DELETE", "http://a.test/"), 307, "http://b.test/") ==
        "DELETE http://b.test/ no body: ACCEPT Content-Type User-Agent Accept-Language");
}

TEST_CASE("redirects that are refused; the address is not shown, but for its origin") {
  CHECK(after(hop("GET", "https://a.test/"), 302, "http://a.test/?token=t") ==
        "blocked: redirected from https to http (http://a.test), which is refused");
  for (const char* location :
       {"file:///etc/passwd", "gopher://a.test/", "javascript:alert(1)", "http://u:p@b.test/", "http:///x",
        "http://a.test/%zz", "http://2130706433/", "http://b.test/a b", "\\\\b.test\\", "http://b\xc3\xa9.test/"}) {
    INFO(location);
    CHECK(after(hop("GET", "http://a.test/"), 302, location) ==
          "blocked: redirected to an address that is not a valid http or https URL");
  }
}
