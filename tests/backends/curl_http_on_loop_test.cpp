// curl_http's work on an event loop's thread, turned by hand: when it calls whom, and what wakes it.
#include <fnstack/backends/curl.hpp>

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/http_ask.hpp"
#include "support/polled.hpp"

using fnstack::HttpResponse;
using fnstack::Reply;
using fnstack::Result;
using fnstack_test::Connection;
using fnstack_test::FaultServer;
using fnstack_test::get;
using fnstack_test::is_readable;
using fnstack_test::summary;
using fnstack_test::turn_until;
using namespace std::chrono_literals;

namespace {

fnstack::OnLoop<fnstack::HttpClient> local_loop() {
  fnstack::CurlOptions options;
  options.allow_private = true;
  return fnstack::curl_http(options)->on_loop();  // it needs the client no longer
}

Reply<HttpResponse> into(std::vector<std::string>& answers) {
  return Reply<HttpResponse>([&answers](const Result<HttpResponse>& result) { answers.push_back(summary(result)); });
}

void serve_ok(Connection& connection) {
  while (connection.read_request()) {
    if (!connection.answer(200, "ok")) return;
  }
}

void stay_silent(Connection& connection) {
  while (connection.read_request()) {
  }
}

}  // namespace

TEST_CASE("curl_http on a loop: answers come from within a turn, on its thread") {
  FaultServer server(serve_ok);
  const auto loop = local_loop();
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i) loop.backend->send(get(server.origin() + "/"), {}, into(answers));
  loop.backend->send(get("file:///etc/passwd"), {}, into(answers));
  CHECK(answers.empty());
  CHECK(loop.work->turn() <= std::chrono::steady_clock::now() + 31s);
  CHECK(answers.size() == 1);  // what is wrong is known at once
  REQUIRE(turn_until(*loop.work, [&] { return answers.size() == 4; }));
  CHECK(answers == std::vector<std::string>{answers[0], "200 ok", "200 ok", "200 ok"});
  CHECK(!is_readable(*loop.work));
}

TEST_CASE("curl_http on a loop: a stop from another thread makes the descriptor readable") {
  FaultServer server(stay_silent);
  const auto loop = local_loop();
  std::vector<std::string> answers;
  std::stop_source stop;
  fnstack::Call call;
  call.stop = stop.get_token();
  loop.backend->send(get(server.origin() + "/"), call, into(answers));
  REQUIRE(turn_until(
      *loop.work, [&] { return server.requests().size() == 1; }, true));
  (void)loop.work->turn();
  REQUIRE(!is_readable(*loop.work));
  std::thread([&] { stop.request_stop(); }).join();
  CHECK(is_readable(*loop.work));
  CHECK(answers.empty());
  (void)loop.work->turn();
  CHECK(answers == std::vector<std::string>{"cancelled: GET " + server.origin() + "/: cancelled"});
  (void)loop.work->turn();
  CHECK(!is_readable(*loop.work));
}

TEST_CASE("curl_http on a loop: stopped before its first turn") {
  const auto loop = local_loop();
  std::vector<std::string> answers;
  std::stop_source stop;
  fnstack::Call call;
  call.stop = stop.get_token();
  loop.backend->send(get("http://127.0.0.1:1/"), call, into(answers));
  stop.request_stop();
  CHECK(answers.empty());
  (void)loop.work->turn();
  CHECK(answers == std::vector<std::string>{"cancelled: GET http://127.0.0.1:1/: cancelled"});
}

TEST_CASE("curl_http on a loop: a deadline passes while nothing else happens") {
  FaultServer server(stay_silent);
  const auto loop = local_loop();
  std::vector<std::string> answers;
  auto request = get(server.origin() + "/");
  request.timeout_ms = 80;
  const auto began = std::chrono::steady_clock::now();
  loop.backend->send(std::move(request), {}, into(answers));
  REQUIRE(turn_until(*loop.work, [&] { return !answers.empty(); }));
  CHECK(answers == std::vector<std::string>{"timeout: GET " + server.origin() + "/: timed out after 80 ms"});
  CHECK(std::chrono::steady_clock::now() - began >= 80ms);
  CHECK(std::chrono::steady_clock::now() - began < 20s);
}

TEST_CASE("curl_http on a loop: those that wait for their turn have deadlines too") {
  FaultServer server(stay_silent);
  fnstack::CurlOptions options;
  options.allow_private = true;
  options.max_connections = 1;
  std::vector<std::string> first, second;  // the first is answered when the loop goes
  const auto loop = fnstack::curl_http(options)->on_loop();
  loop.backend->send(get(server.origin() + "/"), {}, into(first));
  auto request = get(server.origin() + "/");
  request.timeout_ms = 50;
  loop.backend->send(std::move(request), {}, into(second));
  REQUIRE(turn_until(*loop.work, [&] { return !second.empty(); }));
  CHECK(second == std::vector<std::string>{"timeout: GET " + server.origin() + "/: timed out after 50 ms"});
  CHECK(first.empty());
}

TEST_CASE("curl_http on a loop: destroying it answers what is outstanding") {
  FaultServer server(stay_silent);
  std::vector<std::string> answers;
  {
    const auto loop = local_loop();
    loop.backend->send(get(server.origin() + "/"), {}, into(answers));
    REQUIRE(turn_until(
        *loop.work, [&] { return server.requests().size() == 1; }, true));
    loop.backend->send(get(server.origin() + "/never"), {}, into(answers));
    CHECK(answers.empty());
  }
  CHECK(answers == std::vector<std::string>{"cancelled: GET " + server.origin() + "/: cancelled",
                                            "cancelled: the HTTP client was shut down"});
}

TEST_CASE("curl_http on a loop: a reply may let go of all, within its turn") {
  FaultServer server(serve_ok);
  auto loop = local_loop();
  fnstack::LoopWork& work = *loop.work;
  std::vector<std::string> answers;
  loop.backend->send(get(server.origin() + "/"), {}, Reply<HttpResponse>([&](const Result<HttpResponse>& result) {
                       answers.push_back(summary(result));
                       loop = {};
                     }));
  while (loop.work) {
    const auto next = work.turn();
    if (loop.work) fnstack_test::wait_for_work(work, next);
  }
  CHECK(answers == std::vector<std::string>{"200 ok"});
}

TEST_CASE("curl_http on a loop: a reply that sends is heard without a wait") {
  FaultServer server(serve_ok);
  const auto loop = local_loop();
  std::vector<std::string> answers;
  loop.backend->send(get(server.origin() + "/"), {}, Reply<HttpResponse>([&](const Result<HttpResponse>& result) {
                       answers.push_back(summary(result));
                       loop.backend->send(get(server.origin() + "/"), {}, into(answers));
                     }));
  auto next = loop.work->turn();
  while (answers.empty()) {
    fnstack_test::wait_for_work(*loop.work, next);
    next = loop.work->turn();
  }
  CHECK(next <= std::chrono::steady_clock::now());
  REQUIRE(turn_until(*loop.work, [&] { return answers.size() == 2; }));
  CHECK(answers == std::vector<std::string>{"200 ok", "200 ok"});
  CHECK(server.connections() == 1);
}

TEST_CASE("curl_http on a loop: each loop keeps connections of its own") {
  FaultServer server(serve_ok);
  fnstack::CurlOptions options;
  options.allow_private = true;
  const auto client = fnstack::curl_http(options);
  std::vector<std::string> answers;
  for (int i = 0; i < 2; ++i) {
    const auto loop = client->on_loop();
    for (int turn = 0; turn < 3; ++turn) {
      const std::size_t before = answers.size();
      loop.backend->send(get(server.origin() + "/"), {}, into(answers));
      REQUIRE(turn_until(*loop.work, [&] { return answers.size() > before; }));
    }
  }
  CHECK(answers == std::vector<std::string>(6, "200 ok"));
  CHECK(server.connections() == 2);
}
