// What every HttpClient owes, whatever it does its work with. A test gives a way to make the client and the origin
// under which http_contract_answer() is served to it.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fnstack/http.hpp>

#include "support/catch.hpp"
#include "support/http_ask.hpp"

namespace fnstack_test {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string every_byte() {
  std::string out;
  for (int c = 0; c < 256; ++c) out += static_cast<char>(c);
  return out;
}

// The upstream of the contract.
inline fnstack::HttpResponse http_contract_answer(std::string_view method, std::string_view target,
                                                  const std::string& type, const std::string& body) {
  fnstack::HttpResponse response;
  response.status = 200;
  if (target.starts_with("/status/")) {
    response.status = std::stoi(std::string(target.substr(8)));
  } else if (target == "/fields") {
    response.headers = {{"X-Two", "a"}, {"Set-Cookie", "k=1; Path=/"}, {"x-two", "b"}, {"X-Empty", ""}};
    response.body = "fields";
  } else if (target == "/bytes") {
    response.body = every_byte();
  } else if (target == "/echo") {
    response.headers = {{"X-Method", std::string(method)}, {"X-Type", type}};
    response.body = body;
  } else {
    response.body = "hello";
  }
  return response;
}

// The fields of a response whose names begin with "x-" or are set-cookie: what the upstream above meant to say.
inline Fields meant_fields(const fnstack::HttpResponse& response) {
  Fields out;
  for (const auto& field : response.headers) {
    if (field.first.starts_with("x-") || field.first == "set-cookie") out.push_back(field);
  }
  return out;
}

inline void check_http_contract(const std::function<std::shared_ptr<fnstack::HttpClient>()>& make,
                                const std::string& origin) {
  const auto client = make();

  SECTION("an answer has a status and a body") { CHECK(summary(ask(*client, get(origin + "/hello"))) == "200 hello"); }
  SECTION("a status of 400 and more is an answer, not an error") {
    for (const int status : {400, 404, 429, 500, 503, 599}) {
      const auto result = ask(*client, get(origin + "/status/" + std::to_string(status)));
      REQUIRE(result.ok());
      CHECK(result->status == status);
    }
  }
  SECTION("header names are in lower case; order, repeats and empty values are kept") {
    const auto result = ask(*client, get(origin + "/fields"));
    REQUIRE(result.ok());
    CHECK(meant_fields(*result) ==
          Fields{{"x-two", "a"}, {"set-cookie", "k=1; Path=/"}, {"x-two", "b"}, {"x-empty", ""}});
  }
  SECTION("a body comes as its bytes are") {
    const auto result = ask(*client, get(origin + "/bytes"));
    REQUIRE(result.ok());
    CHECK(result->body == every_byte());
  }
  SECTION("a body goes as its bytes are, with its type, by every method that has one") {
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
      auto request = with_body(method, origin + "/echo", every_byte());
      request.headers = {{"Content-Type", "application/x-test"}};
      const auto result = ask(*client, std::move(request));
      REQUIRE(result.ok());
      CHECK(result->body == every_byte());
      CHECK(meant_fields(*result) == Fields{{"x-method", method}, {"x-type", "application/x-test"}});
    }
  }
  SECTION("a large body goes and comes whole") {
    std::string body;
    for (int i = 0; i < 300'000; ++i) body += std::to_string(i % 10'000);
    const auto result = ask(*client, with_body("POST", origin + "/echo", body));
    REQUIRE(result.ok());
    CHECK(result->body == body);
  }
  SECTION("a call that is stopped already is answered with an error") {
    std::stop_source stop;
    stop.request_stop();
    fnstack::Call call;
    call.stop = stop.get_token();
    const auto result = ask(*client, get(origin + "/hello"), call);
    REQUIRE(!result.ok());
    CHECK(result.error().type == "cancelled");
  }
  SECTION("each of many requests from many threads is answered exactly once") {
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          const std::string body = std::to_string(t) + "/" + std::to_string(i);
          if (summary(ask(*client, with_body("POST", origin + "/echo", body))) == "200 " + body) ++right;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(right == 100);
  }
  SECTION("a reply may send the next request") {
    std::promise<std::string> last;
    std::function<void(int)> next = [&](int left) {
      client->send(get(origin + "/hello"), {}, fnstack::Reply<fnstack::HttpResponse>([&, left](auto result) {
                     if (left == 0 || !result.ok())
                       last.set_value(summary(result));
                     else
                       next(left - 1);
                   }));
    };
    next(50);
    CHECK(last.get_future().get() == "200 hello");
  }
  SECTION("a reply may drop the client") {
    auto held = std::make_shared<std::shared_ptr<fnstack::HttpClient>>(make());
    fnstack::HttpClient& other = **held;
    std::promise<std::string> answered;
    other.send(get(origin + "/hello"), {}, fnstack::Reply<fnstack::HttpResponse>([&](auto result) {
                 held->reset();
                 answered.set_value(summary(result));
               }));
    CHECK(answered.get_future().get() == "200 hello");
  }
}

}  // namespace fnstack_test
