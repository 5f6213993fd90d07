// resilient_http: what requests share, against an inner client that answers when the test says so, and against a
// server with many threads asking at once.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <fnstack/backends/curl.hpp>
#include <fnstack/http.hpp>

#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/http_ask.hpp"
#include "support/polled.hpp"

using fnstack::Call;
using fnstack::HttpClient;
using fnstack::HttpPolicy;
using fnstack::HttpRequest;
using fnstack::HttpResponse;
using fnstack::make_error;
using fnstack::Reply;
using fnstack::resilient_http;
using fnstack::Result;
using fnstack_test::ask;
using fnstack_test::Connection;
using fnstack_test::FaultServer;
using fnstack_test::get;
using fnstack_test::Pending;
using fnstack_test::summary;
using fnstack_test::with_body;
using namespace std::chrono_literals;

namespace {

// Keeps what it is asked until the test answers it.
class HeldHttp final : public HttpClient {
 public:
  struct Asked {
    HttpRequest request;
    Call call;
    Reply<HttpResponse> reply;
  };
  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back({std::move(request), call, std::move(reply)});
    ++count_;
  }
  Asked take() {
    const std::lock_guard lock(mutex_);
    REQUIRE(!asked_.empty());
    Asked out = std::move(asked_.front());
    asked_.pop_front();
    return out;
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::deque<Asked> asked_;
  int count_ = 0;
};

HttpResponse response(int status, std::string body = "",
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

std::shared_ptr<HttpPolicy> breaking(std::int64_t failures = 2) {
  auto policy = std::make_shared<HttpPolicy>();
  policy->circuit_breaker.emplace();
  policy->circuit_breaker->key = "api";
  policy->circuit_breaker->failures = failures;
  return policy;
}

std::shared_ptr<HttpPolicy> limited(std::int64_t requests, std::int64_t period_ms = 1'000) {
  auto policy = std::make_shared<HttpPolicy>();
  policy->rate_limit.emplace();
  policy->rate_limit->key = "api";
  policy->rate_limit->requests = requests;
  policy->rate_limit->period_ms = period_ms;
  return policy;
}

std::shared_ptr<HttpPolicy> authorised(const std::string& token_url = "https://auth.example/token") {
  auto policy = std::make_shared<HttpPolicy>();
  policy->oauth2.emplace();
  policy->oauth2->token_url = token_url;
  policy->oauth2->client_id = "id";
  policy->oauth2->client_secret = "topsecret";
  return policy;
}

HttpRequest with(std::shared_ptr<const HttpPolicy> policy, const std::string& url = "https://api.example/x") {
  HttpRequest request = get(url);
  request.policy = std::move(policy);
  return request;
}

Call at(std::int64_t now_ms, const std::string& effect_id = "run/:1") {
  Call call;
  call.now_ms = now_ms;
  call.effect_id = effect_id;
  return call;
}

std::string header(const HttpRequest& request, const std::string& name) {
  std::string out;
  for (const auto& [key, value] : request.headers) {
    if (key == name) out += (out.empty() ? "" : ", ") + value;
  }
  return out.empty() ? "none" : out;
}

const std::string token_answer = R"({"access_token":"one","expires_in":3600})";

}  // namespace

TEST_CASE("resilient: without a policy a request passes as it is; a policy goes no further") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  inner->push(response(200, "a"));
  inner->push(response(200, "b"));
  CHECK(summary(ask(*client, get("https://api.example/x"))) == "200 a");
  CHECK(summary(ask(*client, with(std::make_shared<HttpPolicy>()))) == "200 b");
  CHECK(inner->requests()[1].policy == nullptr);
  CHECK(resilient_http(nullptr) == nullptr);
  CHECK(resilient_http(client) == client);
}

TEST_CASE("resilient on loops: without a policy on the loop, with one shared with all loops and threads") {
  CHECK(resilient_http(fnstack::scripted_http())->on_loop().backend == nullptr);
  CHECK(resilient_http(fnstack::scripted_http())->on_loop().work == nullptr);

  FaultServer server([](Connection& connection) {
    while (const auto request = connection.read_request()) {
      if (!connection.answer(request->target == "/bad" ? 500 : 200, "ok")) return;
    }
  });
  fnstack::CurlOptions options;
  options.allow_private = true;
  auto client = resilient_http(fnstack::curl_http(options));
  auto loop = client->on_loop();
  const auto other = client->on_loop();
  REQUIRE(loop.work != nullptr);
  REQUIRE(other.work != nullptr);

  std::string answer;
  const auto here = std::this_thread::get_id();
  const auto into_answer = [&] {
    return Reply<HttpResponse>([&](const Result<HttpResponse>& result) {
      CHECK(std::this_thread::get_id() == here);
      answer = summary(result);
    });
  };
  loop.backend->send(get(server.origin() + "/"), {}, into_answer());
  CHECK(answer.empty());
  REQUIRE(fnstack_test::turn_until(*loop.work, [&] { return !answer.empty(); }));
  CHECK(answer == "200 ok");

  CHECK(summary(ask(*loop.backend, with(breaking(), server.origin() + "/bad"))) == "500 ok");
  CHECK(summary(ask(*client, with(breaking(), server.origin() + "/bad"))) == "500 ok");
  const std::string open =
      "network: GET " + server.origin() + "/: circuit breaker \"api\" is open for another 30 s after 2 failures";
  CHECK(summary(ask(*other.backend, with(breaking(), server.origin() + "/"))) == open);
  CHECK(server.requests().size() == 3);

  // The loop keeps what it needs of the client.
  client.reset();
  CHECK(summary(ask(*loop.backend, with(limited(5), server.origin() + "/"))) == "200 ok");
}

TEST_CASE("resilient: the breaker opens on network errors, timeouts and statuses from 500, and on nothing else") {
  const Result<HttpResponse> failures[] = {make_error("network", "n"), make_error("timeout", "t"), response(500),
                                           response(503)};
  for (const auto& failure : failures) {
    const auto inner = fnstack::scripted_http();
    const auto client = resilient_http(inner);
    for (int i = 0; i < 2; ++i) {
      inner->push(failure);
      (void)ask(*client, with(breaking()), at(1'000));
    }
    const auto refused = ask(*client, with(breaking()), at(2'000));
    CHECK(summary(refused) ==
          "network: GET https://api.example/x: circuit breaker \"api\" is open for another 29 s after 2 failures");
    CHECK(refused.error().not_before_ms == 31'000);
    CHECK(inner->requests().size() == 2);
    // Another key is another breaker.
    auto other = breaking();
    other->circuit_breaker->key = "other";
    inner->push(response(200));
    CHECK(ask(*client, with(other), at(2'000)).ok());
  }
  const Result<HttpResponse> others[] = {make_error("blocked", "b"),
                                         make_error("validation", "v"),
                                         make_error("limit", "l"),
                                         make_error("cancelled", "c"),
                                         response(404),
                                         response(429)};
  for (const auto& other : others) {
    const auto inner = fnstack::scripted_http();
    const auto client = resilient_http(inner);
    for (int i = 0; i < 20; ++i) {
      inner->push(other);
      (void)ask(*client, with(breaking()), at(1'000));
    }
    CHECK(inner->requests().size() == 20);
  }
}

TEST_CASE("resilient: one tries while the others wait; a trial that is cancelled or dropped makes room") {
  const auto inner = std::make_shared<HeldHttp>();
  const auto client = resilient_http(inner);
  Pending first;
  client->send(with(breaking(1)), at(0), first.reply());
  inner->take().reply(response(500));
  CHECK(first.get()->status == 500);

  std::stop_source stop;
  Call stoppable = at(30'000);
  stoppable.stop = stop.get_token();
  Pending trial;
  client->send(with(breaking(1)), stoppable, trial.reply());
  CHECK(inner->count() == 2);
  const auto waiting = ask(*client, with(breaking(1)), at(30'010));
  CHECK(summary(waiting) ==
        "network: GET https://api.example/x: circuit breaker \"api\" is open after 1 failure while another request "
        "tries");
  CHECK(waiting.error().not_before_ms == 31'010);
  stop.request_stop();
  inner->take().reply(make_error("cancelled", "cancelled"));
  CHECK(summary(trial.get()) == "cancelled: cancelled");

  Pending dropped;
  client->send(with(breaking(1)), at(31'010), dropped.reply());
  CHECK(inner->count() == 3);
  inner->take();  // the reply is dropped unanswered: an error `network`, so the breaker opens anew
  CHECK(dropped.get().error().type == "network");
  CHECK(ask(*client, with(breaking(1)), at(31'020)).error().not_before_ms == 61'010);
  Pending good;
  client->send(with(breaking(1)), at(61'010), good.reply());
  inner->take().reply(response(204));
  CHECK(good.get()->status == 204);
  Pending a;
  Pending b;
  client->send(with(breaking(1)), at(61'020), a.reply());
  client->send(with(breaking(1)), at(61'020), b.reply());
  CHECK(inner->count() == 6);
  inner->take().reply(response(200));
  inner->take().reply(response(200));
  CHECK(a.get().ok());
  CHECK(b.get().ok());
}

TEST_CASE("resilient: a trial that the rate limit turns away makes room") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  auto both = breaking(1);
  both->rate_limit = limited(1, 60'000)->rate_limit;
  inner->push(response(500));
  CHECK(ask(*client, with(both), at(0, "a/:1"))->status == 500);
  CHECK(ask(*client, with(both), at(30'000, "b/:1")).error().not_before_ms == 60'000);  // the rate limit's
  inner->push(response(200));
  CHECK(ask(*client, with(breaking(1)), at(30'001, "c/:1")).ok());
}

TEST_CASE("resilient: the rate limit gives each who waits a time of its own, at which it gets through") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  const auto policy = limited(10);
  for (int i = 0; i < 30; ++i) inner->push(response(200));
  for (int i = 0; i < 10; ++i) CHECK(ask(*client, with(policy), at(0, "run" + std::to_string(i) + "/:1")).ok());
  for (int i = 10; i < 20; ++i) {
    const auto refused = ask(*client, with(policy), at(0, "run" + std::to_string(i) + "/0.2:1"));
    REQUIRE(!refused.ok());
    CHECK(refused.error().type == "limit");
    CHECK(refused.error().not_before_ms == (i - 9) * 100);
    if (i == 12) {
      CHECK(refused.error().message ==
            "GET https://api.example/x: rate limit \"api\": 10 requests in 1 s; try again in 0.3 s");
    }
  }
  // They come back, the last one first, as later effects of the same strands; somebody else gets nothing of theirs.
  for (int i = 19; i >= 10; --i) {
    CHECK(ask(*client, with(policy), at(1'000, "run" + std::to_string(i) + "/0.2:3")).ok());
  }
  CHECK(ask(*client, with(policy), at(1'000, "other/:1")).error().not_before_ms == 1'100);
  CHECK(inner->requests().size() == 20);
}

TEST_CASE("resilient: what an answer says about rates holds the next ones back") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  const auto policy = limited(100);
  inner->push(response(429, "", {{"retry-after", "7"}}));
  CHECK(ask(*client, with(policy), at(1'000, "a/:1"))->status == 429);
  const auto refused = ask(*client, with(policy), at(1'000, "b/:1"));
  CHECK(refused.error().not_before_ms == 8'000);
  inner->push(response(200, "", {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "3"}}));
  CHECK(ask(*client, with(policy), at(8'000, "b/:3")).ok());
  CHECK(ask(*client, with(policy), at(8'000, "c/:1")).error().not_before_ms == 11'000);
}

TEST_CASE("resilient: a token is fetched once, kept, and goes out as Bearer") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  inner->push(response(200, token_answer));
  inner->push(response(200, "a"));
  inner->push(response(200, "b"));
  HttpRequest request = with(authorised());
  request.headers = {{"authorization", "mine"}, {"X-A", "y"}};
  request.connection = "corporate";
  CHECK(summary(ask(*client, request, at(0))) == "200 a");
  CHECK(summary(ask(*client, request, at(3'539'999))) == "200 b");
  const auto sent = inner->requests();
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].method == "POST");
  CHECK(sent[0].url == "https://auth.example/token");
  CHECK(sent[0].connection == "corporate");
  CHECK(sent[0].policy == nullptr);
  for (const int i : {1, 2}) {
    CHECK(header(sent[static_cast<std::size_t>(i)], "Authorization") == "Bearer one");
    CHECK(header(sent[static_cast<std::size_t>(i)], "authorization") == "none");
    CHECK(header(sent[static_cast<std::size_t>(i)], "X-A") == "y");
  }
  // A minute before it expires a new one is fetched; over another connection it is another token.
  inner->push(response(200, R"({"access_token":"two","expires_in":3600})"));
  inner->push(response(200, "c"));
  CHECK(summary(ask(*client, request, at(3'540'000))) == "200 c");
  CHECK(header(inner->requests().back(), "Authorization") == "Bearer two");
  inner->push(response(200, R"({"access_token":"three"})"));
  inner->push(response(200, "d"));
  CHECK(summary(ask(*client, with(authorised()), at(0))) == "200 d");
  CHECK(header(inner->requests().back(), "Authorization") == "Bearer three");
  // That one names no end: it is good until a 401.
  inner->push(response(200, "e"));
  CHECK(summary(ask(*client, with(authorised()), at(1'000'000'000'000))) == "200 e");
}

TEST_CASE("resilient: after a 401 a kept token is replaced, and the request sent once more") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  inner->push(response(200, token_answer));
  inner->push(response(401, "fresh"));
  // A token that was fetched for this request: its 401 is the answer.
  CHECK(summary(ask(*client, with(authorised()))) == "401 fresh");
  inner->push(response(401));
  inner->push(response(200, R"({"access_token":"two"})"));
  inner->push(response(200, "again"));
  HttpRequest post = with_body("POST", "https://api.example/x", "body");
  post.policy = authorised();
  CHECK(summary(ask(*client, post)) == "200 again");
  const auto sent = inner->requests();
  REQUIRE(sent.size() == 5);
  CHECK(header(sent[2], "Authorization") == "Bearer one");
  CHECK(header(sent[4], "Authorization") == "Bearer two");
  CHECK(sent[4].body == "body");
  inner->push(response(401));
  inner->push(response(200, R"({"access_token":"three"})"));
  inner->push(response(401, "second"));
  CHECK(summary(ask(*client, post)) == "401 second");
}

TEST_CASE("resilient: a refresh token that was replaced is used from then on") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  const auto policy = authorised();
  policy->oauth2->refresh_token = "r1";
  inner->push(response(200, R"({"access_token":"one","expires_in":10,"refresh_token":"r2"})"));
  inner->push(response(200));
  CHECK(ask(*client, with(policy), at(0)).ok());
  inner->push(response(200, R"({"access_token":"two","expires_in":10})"));
  inner->push(response(200));
  CHECK(ask(*client, with(policy), at(9'000)).ok());
  inner->push(response(400, R"({"error":"invalid_grant"})"));
  CHECK(summary(ask(*client, with(policy), at(20'000))) ==
        "http: GET https://api.example/x: no access token: POST https://auth.example/token: answered 400, error "
        "invalid_grant");
  inner->push(response(200, R"({"access_token":"three","expires_in":10})"));
  inner->push(response(200));
  CHECK(ask(*client, with(policy), at(20'000)).ok());
  const auto sent = inner->requests();
  REQUIRE(sent.size() == 7);
  CHECK(sent[0].body == "grant_type=refresh_token&refresh_token=r1");
  CHECK(sent[2].body == "grant_type=refresh_token&refresh_token=r2");
  CHECK(sent[4].body == "grant_type=refresh_token&refresh_token=r2");
  CHECK(sent[5].body == "grant_type=refresh_token&refresh_token=r1");
}

TEST_CASE("resilient: a token endpoint that fails") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  const std::string said = "GET https://api.example/x: no access token: ";
  inner->push(response(401, R"({"error":"invalid_client","error_description":"topsecret is wrong"})"));
  const auto refused = ask(*client, with(authorised()));
  CHECK(summary(refused) == "http: " + said + "POST https://auth.example/token: answered 401, error invalid_client");
  CHECK(refused.error().status_code == 401);
  auto error = make_error("network", "POST https://auth.example/token: could not connect");
  error.response = fnstack::Value("topsecret");
  inner->push(error);
  const auto unreachable = ask(*client, with(authorised()));
  CHECK(summary(unreachable) == "network: " + said + "POST https://auth.example/token: could not connect");
  CHECK(unreachable.error().response.is_null());
  CHECK_THAT(summary(ask(*client, with(authorised("ftp://auth.example/topsecret")))),
             fnstack_test::starts_with("blocked: " + said + "token_url: "));
  CHECK(inner->requests().size() == 2);
  // It says nothing about the service: the breaker stays closed.
  auto both = authorised();
  both->circuit_breaker = breaking(1)->circuit_breaker;
  inner->push(error);
  CHECK(!ask(*client, with(both)).ok());
  inner->push(response(200, token_answer));
  inner->push(response(200, "ok"));
  CHECK(summary(ask(*client, with(both))) == "200 ok");
}

TEST_CASE("resilient: who waits for a token is answered when its call stops or its time is over, the others later") {
  const auto inner = std::make_shared<HeldHttp>();
  const auto client = resilient_http(inner);
  std::stop_source stop;
  Call stoppable = at(0);
  stoppable.stop = stop.get_token();
  Pending first;
  client->send(with(authorised()), stoppable, first.reply());  // it asked for the token
  HttpRequest hasty = with(authorised());
  hasty.timeout_ms = 50;
  Pending second;
  client->send(hasty, at(0), second.reply());
  Pending third;
  client->send(with(authorised()), at(0), third.reply());
  CHECK(inner->count() == 1);
  stop.request_stop();
  CHECK(summary(first.get()) == "cancelled: GET https://api.example/x: cancelled");
  CHECK(summary(second.get()) == "timeout: GET https://api.example/x: timed out after 50 ms");
  auto token = inner->take();
  CHECK_FALSE(token.call.stop.stop_requested());
  token.reply(response(200, token_answer));
  inner->take().reply(response(200, "third"));
  CHECK(summary(third.get()) == "200 third");

  // When nobody waits any more the endpoint is not waited for either, and the next one asks anew.
  std::stop_source last;
  Call alone = at(0);
  alone.stop = last.get_token();
  const auto other = authorised("https://auth.example/other");
  Pending fourth;
  client->send(with(other), alone, fourth.reply());
  auto unwanted = inner->take();
  last.request_stop();
  CHECK(fourth.get().error().type == "cancelled");
  CHECK(unwanted.call.stop.stop_requested());
  Pending fifth;
  client->send(with(other), at(0), fifth.reply());
  auto wanted = inner->take();
  unwanted.reply(make_error("cancelled", "cancelled"));
  wanted.reply(response(200, token_answer));
  inner->take().reply(response(200, "fifth"));
  CHECK(summary(fifth.get()) == "200 fifth");

  Call stopped = at(0);
  stopped.stop = last.get_token();
  CHECK(ask(*client, with(authorised("https://auth.example/third")), stopped).error().type == "cancelled");
}

TEST_CASE("resilient: requests under way with the same key are one") {
  const auto inner = std::make_shared<HeldHttp>();
  const auto client = resilient_http(inner);
  auto policy = std::make_shared<HttpPolicy>();
  policy->share_key = "k";
  auto other = std::make_shared<HttpPolicy>();
  other->share_key = "other";
  std::stop_source stop;
  Call stoppable = at(0);
  stoppable.stop = stop.get_token();
  Pending first;
  Pending second;
  Pending third;
  Pending different;
  client->send(with(policy), stoppable, first.reply());
  client->send(with(policy), at(0), second.reply());
  client->send(with(policy), at(0), third.reply());
  client->send(with(other), at(0), different.reply());
  CHECK(inner->count() == 2);
  stop.request_stop();
  CHECK(summary(first.get()) == "cancelled: GET https://api.example/x: cancelled");
  auto shared = inner->take();
  CHECK_FALSE(shared.call.stop.stop_requested());  // others still wait for it
  shared.reply(response(200, "for all"));
  inner->take().reply(response(200, "its own"));
  CHECK(summary(second.get()) == "200 for all");
  CHECK(summary(third.get()) == "200 for all");
  CHECK(summary(different.get()) == "200 its own");

  // All gone: it is stopped, and the next one sends its own.
  std::stop_source both;
  Call ending = at(0);
  ending.stop = both.get_token();
  Pending a;
  Pending b;
  client->send(with(policy), ending, a.reply());
  client->send(with(policy), ending, b.reply());
  CHECK(inner->count() == 3);
  both.request_stop();
  CHECK(a.get().error().type == "cancelled");
  CHECK(b.get().error().type == "cancelled");
  Pending next;
  client->send(with(policy), at(0), next.reply());
  CHECK(inner->count() == 4);
  auto old = inner->take();
  CHECK(old.call.stop.stop_requested());
  old.reply(response(200, "too late"));
  inner->take().reply(make_error("network", "broken"));
  CHECK(summary(next.get()) == "network: broken");
  Pending later;
  client->send(with(policy), at(0), later.reply());
  CHECK(inner->count() == 5);
  inner->take();
  CHECK(later.get().error().type == "network");
}

TEST_CASE("resilient: those who share are held back by one place, which whoever comes first takes") {
  const auto inner = fnstack::scripted_http();
  const auto client = resilient_http(inner);
  auto policy = limited(1);
  policy->share_key = "k";
  inner->push(response(200, "a"));
  inner->push(response(200, "b"));
  CHECK(summary(ask(*client, with(policy), at(0, "a/:1"))) == "200 a");
  for (const char* id : {"b/:1", "c/:1", "d/:1"}) {
    CHECK(ask(*client, with(policy), at(0, id)).error().not_before_ms == 1'000);
  }
  CHECK(summary(ask(*client, with(policy), at(1'000, "d/:3"))) == "200 b");
}

TEST_CASE("resilient: a client that goes while a token is fetched answers what waits") {
  auto inner = std::make_shared<HeldHttp>();
  auto client = resilient_http(inner);
  Pending pending;
  client->send(with(authorised()), at(0), pending.reply());
  client.reset();
  inner->take().reply(response(200, token_answer));
  CHECK(summary(pending.get()) == "cancelled: GET https://api.example/x: the HTTP client was shut down");

  Pending dropped;
  client = resilient_http(inner);
  client->send(with(authorised()), at(0), dropped.reply());
  client.reset();
  inner.reset();  // and with it the reply
  CHECK(dropped.get().error().type == "network");
}

TEST_CASE("resilient: 16 threads with one token, which the server gives out once") {
  std::atomic<int> tokens = 0;
  FaultServer server([&](Connection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target == "/token") {
        connection.answer(200, R"({"access_token":"t)" + std::to_string(++tokens) + R"(","expires_in":3600})");
      } else {
        const bool good = request->header("authorization") == "Bearer t" + std::to_string(tokens.load());
        connection.answer(good ? 200 : 401, good ? "ok" : "no");
      }
    }
  });
  fnstack::CurlOptions options;
  options.allow_private = true;
  const auto client = resilient_http(fnstack::curl_http(options));
  const auto policy = authorised(server.origin() + "/token");
  policy->circuit_breaker = breaking(5)->circuit_breaker;
  policy->rate_limit = limited(1'000'000)->rate_limit;
  constexpr int threads = 16;
  constexpr int each = 25;
  std::vector<std::string> answers(threads * each);
  const auto run = [&] {
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          answers[static_cast<std::size_t>(t * each + i)] =
              summary(ask(*client, with(policy, server.origin() + "/api"), at(0, "run" + std::to_string(t) + "/:1")));
        }
      });
    }
    for (auto& thread : running) thread.join();
    return std::count(answers.begin(), answers.end(), "200 ok");
  };
  CHECK(run() == threads * each);
  CHECK(tokens == 1);
  // The server forgets it, again and again: one new one for all each time, and no request fails.
  for (int before = 100; before <= 3'000; before += 100) {
    tokens = before;
    CHECK(run() == threads * each);
    CHECK(tokens == before + 1);
  }
}

TEST_CASE("resilient: threads that share, stop and time out at once") {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  FaultServer server([&](Connection& connection) {
    while (auto request = connection.read_request()) {
      {
        std::unique_lock lock(mutex);
        ++waiting;
        changed.wait_for(lock, 5ms);  // long enough for others to join, now and then
      }
      connection.answer(200, "shared");
    }
  });
  fnstack::CurlOptions options;
  options.allow_private = true;
  const auto client = resilient_http(fnstack::curl_http(options));
  auto policy = std::make_shared<HttpPolicy>();
  policy->share_key = "k";
  constexpr int threads = 16;
  constexpr int each = 40;
  std::vector<std::string> wrong(threads);
  std::atomic<int> shared = 0;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        HttpRequest request = with(policy, server.origin() + "/x");
        if (t % 4 == 1) request.timeout_ms = 1 + i % 7;
        std::stop_source stop;
        Call call = at(0);
        call.stop = stop.get_token();
        Pending pending;
        client->send(request, call, pending.reply());
        if (t % 4 == 2) stop.request_stop();
        const auto result = pending.get();
        const std::string type = result.ok() ? "ok" : result.error().type;
        if (result.ok()) ++shared;
        // A timeout of whoever sent is everybody's.
        const bool fine =
            (result.ok() && result->body == "shared") || type == "timeout" || (t % 4 == 2 && type == "cancelled");
        if (!fine) wrong[static_cast<std::size_t>(t)] = summary(result);
      }
    });
  }
  for (auto& thread : running) thread.join();
  CHECK(wrong == std::vector<std::string>(threads));
  CHECK(shared > 0);
  CHECK(static_cast<int>(server.count("GET")) < threads * each);
}

TEST_CASE("resilient: ten thousand requests, one after another from replies, don't deepen the stack") {
  // Each reply comes inline, and the driver asks again only when it has returned.
  const auto inner = fnstack::callback_http([](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.ends_with("token")) return response(200, R"({"access_token":"t","expires_in":0})");
    return response(200);
  });
  const auto client = resilient_http(inner);
  auto policy = authorised();
  policy->circuit_breaker = breaking()->circuit_breaker;
  int answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    client->send(with(policy), at(0),
                 Reply<HttpResponse>([&](Result<HttpResponse> result) { answered += result.ok() ? 1 : 0; }));
  }
  CHECK(answered == 10'000);
}
