// The small things: names of limits and of effects, a reply that is owed.
#include <fnstack/effect.hpp>

#include <string>
#include <utility>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/limits.hpp>

#include "support/catch.hpp"

using namespace fnstack;

TEST_CASE("effects have names and ids", "[effect]") {
  CHECK(kind_name(HttpRequest{}) == "http");
  CHECK(kind_name(CacheCommand{}) == "cache");
  CHECK(kind_name(DatabaseCommand{}) == "database");
  CHECK(kind_name(Sleep{}) == "sleep");
  CHECK(kind_name(HostCall{}) == "host_call");
  CHECK(kind_name(AwaitEvent{}) == "await_event");
  CHECK(kind_name(StartRun{}) == "start_run");
  CHECK(EffectId{"r", {}, 7}.to_string() == "r/:7");
  CHECK(EffectId{"r", {0, 2}, 7}.to_string() == "r/0.2:7");
}

TEST_CASE("limits are set by name", "[limits]") {
  const std::vector<std::string_view> names(Limits::names().begin(), Limits::names().end());
  CHECK(names == std::vector<std::string_view>{"definition_bytes",
                                               "definition_nodes",
                                               "definition_nesting",
                                               "steps",
                                               "passes",
                                               "call_depth",
                                               "strands",
                                               "value_depth",
                                               "value_bytes",
                                               "live_bytes",
                                               "response_headers",
                                               "response_header_bytes",
                                               "response_bytes",
                                               "url_bytes",
                                               "header_bytes",
                                               "redirects",
                                               "cache_key_bytes",
                                               "rows",
                                               "retry_after_s",
                                               "wait_s",
                                               "wall_s",
                                               "expression_nodes",
                                               "expression_steps",
                                               "log_bytes"});
  Limits limits;
  CHECK(limits.set("steps", 5));
  CHECK(limits.steps == 5);
  CHECK(limits.set("log_bytes", 6));
  CHECK(limits.log_bytes == 6);
  CHECK_FALSE(limits.set("step", 5));
  CHECK_FALSE(limits.set("", 5));
}

TEST_CASE("a reply is answered exactly once", "[backend]") {
  std::vector<std::string> answers;
  const auto note = [&](Result<Value> result) {
    answers.push_back(result ? "value" : result.error().type + ": " + result.error().message);
  };
  {
    Reply<Value> reply(note);
    CHECK(static_cast<bool>(reply));
    reply(Value(1));
    reply(Value(2));
    CHECK_FALSE(static_cast<bool>(reply));
  }
  CHECK(answers == std::vector<std::string>{"value"});
  {
    Reply<Value> reply(note);
    Reply<Value> moved(std::move(reply));
    reply = Reply<Value>(note);
    moved(Value(1));
  }
  CHECK(answers ==
        std::vector<std::string>{"value", "value", "network: the backend dropped the request without an answer"});
}
