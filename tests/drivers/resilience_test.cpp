// What requests ask for beyond being made, through the engine: on a virtual clock, with a scripted upstream.
#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"

using namespace fnstack;

namespace {

HttpResponse answer(int status, std::string body = "{}") {
  HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "application/json"}};
  response.body = std::move(body);
  return response;
}

struct Setup {
  std::shared_ptr<ScriptedHttp> http = scripted_http();
  std::shared_ptr<Clock> clock = virtual_clock();
  Engine engine;
  explicit Setup(std::string step_defaults = {})
      : engine(EngineOptions{.http = http, .clock = clock, .step_defaults = std::move(step_defaults)}) {}

  Outcome run(const std::string& text) {
    const Compiled compiled = engine.load("test.json", text);
    INFO(compiled.diagnostics.to_text());
    REQUIRE(!compiled.program.empty());
    return engine.run(compiled.program);
  }
};

}  // namespace

TEST_CASE("a retry waits on the run's clock and not in real time") {
  Setup setup;
  for (const int status : {503, 503, 200}) setup.http->push(answer(status, "{\"n\":1}"));
  const std::int64_t begin = setup.clock->now_ms();
  const Outcome outcome = setup.run(R"([{"function": "External API Request", "url": "https://a.example/",
      "retry": {"initial_ms": 3600000, "max_ms": 3600000, "jitter": false}, "output_variable": "r"}])");
  CHECK(outcome.status == Outcome::Status::completed);
  CHECK(to_json(outcome.variables) == R"({"r":{"n":1}})");
  CHECK(setup.clock->now_ms() - begin >= 7'200'000);
  CHECK(setup.http->requests().size() == 3);
}

TEST_CASE("a circuit breaker is shared by all runs of an engine") {
  Setup setup;
  for (int i = 0; i < 2; ++i) setup.http->push(answer(500));
  const std::string flow = R"([{"function": "External API Request", "url": "https://a.example/",
      "circuit_breaker": {"failures": 2, "open_s": 30}}])";
  CHECK(setup.run(flow).error->status_code == 500);
  CHECK(setup.run(flow).error->status_code == 500);
  const Outcome third = setup.run(flow);
  REQUIRE(third.error.has_value());
  CHECK(third.error->type == "network");
  CHECK(third.error->message ==
        "GET https://a.example/: circuit breaker \"https://a.example\" is open for another 30 s after 2 failures");
  CHECK(setup.http->requests().size() == 2);
}

TEST_CASE("a rate limit makes runs wait for their turn") {
  Setup setup;
  for (int i = 0; i < 5; ++i) setup.http->push(answer(200));
  const std::int64_t begin = setup.clock->now_ms();
  const Outcome outcome = setup.run(R"([{"function": "Loop", "items": [1, 2, 3, 4, 5],
      "steps": [{"function": "External API Request", "url": "https://a.example/",
                 "rate_limit": {"requests": 1, "per_seconds": 60}}]}])");
  INFO((outcome.error ? outcome.error->message : ""));
  CHECK(outcome.status == Outcome::Status::completed);
  CHECK(setup.http->requests().size() == 5);
  CHECK(setup.clock->now_ms() - begin >= 240'000);
}

TEST_CASE("the host's defaults hold for every step that says nothing else") {
  Setup setup(R"({"external_api_request": {"timeout": 1000, "retry": {"attempts": 2, "jitter": false}}})");
  setup.http->push(answer(503));
  setup.http->push(answer(200));
  CHECK(setup.run(R"([{"function": "External API Request", "url": "https://a.example/"}])").status ==
        Outcome::Status::completed);
  REQUIRE(setup.http->requests().size() == 2);
  CHECK(setup.http->requests()[1].timeout_ms == 1'000);
}

TEST_CASE("defaults that are wrong are told with every load") {
  const Setup setup(R"({"External API Request": {"retry": {"atempts": 2}, "auth": {"bearer": "{{ token }}"}},
 "Loop": {"items": []}, "Wiat": {}})");
  const Compiled compiled = setup.engine.load("test.json", R"([{"function": "Response", "body": 1}])");
  CHECK(compiled.program.empty());
  const std::string text = compiled.diagnostics.to_text();
  CHECK_THAT(text, fnstack_test::contains(
                       "External API Request: \"retry\": unknown field \"atempts\"; did you mean \"attempts\"?"));
  CHECK_THAT(text, fnstack_test::contains("no variable can be read here: \"token\""));
  CHECK_THAT(text, fnstack_test::contains("step defaults: \"Loop\" steers the run: its fields have no defaults"));
  CHECK_THAT(text, fnstack_test::contains("step defaults: unknown step \"Wiat\"; did you mean \"Wait\"?"));
}
