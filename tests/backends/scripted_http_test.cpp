#include <fnstack/http.hpp>

#include "support/catch.hpp"
#include "support/http_ask.hpp"

using fnstack_test::ask;
using fnstack_test::get;
using fnstack_test::summary;

TEST_CASE("scripted_http answers in order, remembers what was asked, and says when its script is at its end") {
  const auto http = fnstack::scripted_http();
  http->push(fnstack::HttpResponse{200, {{"x", "1"}}, "first"});
  http->push(fnstack::make_error("timeout", "too slow"));
  CHECK(summary(ask(*http, get("http://a.test/1"))) == "200 first");
  CHECK(summary(ask(*http, get("http://a.test/2"))) == "timeout: too slow");
  CHECK(summary(ask(*http, get("http://a.test/3?token=secret"))) ==
        "network: GET http://a.test/3: the script has no answer left; this is request number 3");
  const auto requests = http->requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].url == "http://a.test/1");
  CHECK(requests[2].url == "http://a.test/3?token=secret");
}

TEST_CASE("scripted_http: a stopped call uses up no answer") {
  const auto http = fnstack::scripted_http();
  http->push(fnstack::HttpResponse{200, {}, "first"});
  std::stop_source stop;
  stop.request_stop();
  fnstack::Call call;
  call.stop = stop.get_token();
  CHECK(summary(ask(*http, get("http://a.test/1"), call)) == "cancelled: cancelled");
  CHECK(http->requests().empty());
  CHECK(summary(ask(*http, get("http://a.test/1"))) == "200 first");
}
