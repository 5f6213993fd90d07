// `fnstack run --cache redis://…`: the seed's cached request against a real Redis.
#include <httplib.h>

#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cli/command.hpp"
#include "cli/upstreams.hpp"
#include "support/catch.hpp"
#include "support/redis_server.hpp"
#include "support/temporary_directory.hpp"

namespace {

using Json = nlohmann::json;
using namespace fnstack_test;

const std::string cached_request = std::string(FNSTACK_TEST_DATA) + "/../examples/flows/12_request_caching.jsonc";

#ifdef FNSTACK_HAS_CURL
// One answer, counted.
class Upstream {
 public:
  Upstream() {
    server_.set_tcp_nodelay(true);
    server_.Get("/rates", [this](const httplib::Request&, httplib::Response& response) {
      ++asked;
      response.set_content(R"({"rate": 1.25, "age": null})", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~Upstream() {
    while (!server_.is_running()) std::this_thread::yield();
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> asked = 0;

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};
#endif

}  // namespace

#ifdef FNSTACK_HAS_CURL
TEST_CASE("the seed's cached request keeps what it got in Redis, for the next process") {
  const auto redis = RedisServer::start();
  if (!redis) return;
  Upstream upstream;
  const std::string inputs =
      R"({"cache_key": "rates", "cache_ttl": 300, "api_url": "http://)" + upstream.address() + R"(/rates"})";
  const auto run = [&](const std::string& cache) {
    const Said said =
        fnstack({"run", cached_request, "--inputs", inputs, "--cache", cache, "--allow-host", upstream.address()});
    CHECK(said.status == 0);
    CHECK(said.err == "");
    return Json::parse(said.out).at("response");
  };
  const Json miss = run(redis->url());
  CHECK(miss ==
        Json::parse(R"({"status_code": 200, "headers": {"X-Cache": "MISS"}, "body": {"rate": 1.25, "age": null}})"));
  CHECK(redis->command({"GET", "rates"}) == "$24\r\n{\"rate\":1.25,\"age\":null}\r\n");
  CHECK(redis->command({"TTL", "rates"}) != ":-1\r\n");
  // Over the unix socket it is the same Redis. The value has no age of its own worth showing: null leaves the header
  // out.
  const Json hit = run("unix://" + redis->socket());
  CHECK(hit ==
        Json::parse(R"({"status_code": 200, "headers": {"X-Cache": "HIT"}, "body": {"rate": 1.25, "age": null}})"));
  CHECK(upstream.asked == 1);
  CHECK(redis->command({"SET", "rates", R"({"rate":2})"}) == "+OK\r\n");
  CHECK(run(redis->url() + "/0").at("body") == Json::parse(R"({"rate": 2})"));
  run(redis->url() + "/1");
  CHECK(upstream.asked == 2);
}
#endif

#ifdef FNSTACK_HAS_CURL
TEST_CASE("Redis killed and restarted in the middle of a thousand runs: nothing that was stored is lost") {
  const auto redis = RedisServer::start({"--appendonly", "yes", "--appendfsync", "always"});
  if (!redis) return;
  Upstream upstream;
  Reports reports;
  const TemporaryDirectory directory;
  const std::string file = directory.file("ask.json");
  // The seed's cached request as it stands, each run with a key of its own: a miss, that is stored.
  write_file(file, telling_definition("cached_external_request",
                                      R"({"cache_key": "{{run.id}}", "cache_ttl": 300, "api_url": "http://)" +
                                          upstream.address() + R"(/rates"})",
                                      reports));
  const Said said =
      fnstack_meanwhile({"run", file, "--functions", cached_request, "--cache", redis->url(), "--repeat", "1000",
                         "--concurrency", "8", "--allow-host", reports.address(), "--allow-host", upstream.address()},
                        [&](pid_t) {
                          CHECK(reports.wait_for_stored(250));
                          reports.hold_caught(true);
                          redis->kill();
                          CHECK(reports.wait_for_caught(8));  // all that run at once
                          redis->begin_restart();
                          CHECK(redis->wait_until_ready());
                          reports.hold_caught(false);
                        });
  INFO(said.out << said.err);
  CHECK(said.status == 0);
  const Json stats = Json::parse(said.out).at("stats");
  CHECK(stats.at("runs") == 1'000);
  CHECK(stats.at("failed") == 0);
  const auto stored = reports.stored();
  const auto caught = reports.caught();
  CHECK(stored.size() + caught.size() == 1'000);
  for (const Reports::Caught& error : caught) {
    INFO(error.message);
    CHECK(error.type == "cache");
    CHECK(error.status_code == 500);
  }
  CHECK(reports.stored_at_the_end() >= 100);
  std::size_t lost = 0;
  for (const std::string& run : stored) lost += redis->command({"EXISTS", run}) != ":1\r\n";
  CHECK(lost == 0);
  // Each value has its time beside it. Those of which it is not known whether they were stored are no more than were
  // under way.
  const long keys = std::stol(redis->command({"DBSIZE"}).substr(1));
  const long unknown = keys / 2 - static_cast<long>(stored.size());
  CHECK(unknown >= 0);
  CHECK(unknown <= 8);
  std::printf(
      "Redis killed in the middle of 1000 runs: %zu stored, %zu ended in a caught error, %zu stored values lost, "
      "%ld values of runs that were told of an error\n",
      stored.size(), caught.size(), lost, unknown);
}
#endif

TEST_CASE("the age of a value in Redis, and one that is no JSON") {
  const auto redis = RedisServer::start();
  if (!redis) return;
  const TemporaryDirectory directory;
  const std::string file = directory.file("age.json");
  write_file(file, R"({"steps": [
    {"function": "Data Caching", "operation": "get", "key": "k", "output_variable": "found"},
    {"function": "Response", "body": "{{found}}", "headers": {"X-Age": "{{found.age}}"}}]})");
  const auto run = [&] { return fnstack({"run", file, "--cache", redis->url()}); };
  CHECK(redis->command({"SET", "k", "[1]"}) == "+OK\r\n");
  CHECK(Json::parse(run().out).at("response") == Json::parse(R"({"status_code": 200, "headers": {}, "body": [1]})"));
  // Whenever it is: far more than a second ago.
  CHECK(redis->command({"SET", "{k}:stored_at", "1000 =[1]"}) == "+OK\r\n");
  const Json old = Json::parse(run().out).at("response").at("headers");
  CHECK(std::stoll(old.at("X-Age").get<std::string>()) > 1'000'000'000);
  CHECK(redis->command({"SET", "k", "{not json"}) == "+OK\r\n");
  const Said bad = run();
  CHECK(bad.status == 1);
  const Json error = Json::parse(bad.out).at("error");
  CHECK(error.at("type") == "cache");
  CHECK(error.at("message").get<std::string>().find("the cached value is no JSON: ") != std::string::npos);
  CHECK(error.at("status_code") == 500);
}

TEST_CASE("a Redis that is not there is an error that can be caught") {
  const auto redis = RedisServer::start();
  if (!redis) return;
  const TemporaryDirectory directory;
  const std::string file = directory.file("caught.json");
  write_file(file, R"({"steps": [
    {"function": "Try-Catch",
     "try_steps": [{"function": "Data Caching", "operation": "set", "key": "k", "value": 1}],
     "catch_steps": [{"function": "Response", "status_code": 503, "body": "{{error.type}}"}]},
    {"function": "Response", "body": "fine"}]})");
  const auto body = [&] {
    return Json::parse(fnstack({"run", file, "--cache", redis->url()}).out).at("response").at("body");
  };
  CHECK(body() == "fine");
  redis->kill();
  CHECK(body() == "cache");
  const std::string plain = directory.file("plain.json");
  write_file(plain, R"({"steps": [{"function": "Data Caching", "operation": "get", "key": "k"}]})");
  const Said failed = fnstack({"run", plain, "--cache", redis->url()});
  CHECK(failed.status == 1);
  CHECK(Json::parse(failed.out).at("error").at("type") == "cache");
}
