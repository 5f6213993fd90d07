// Log lines: their words, their level, and that nothing in them breaks a line.
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <fnstack/backends/spdlog.hpp>
#include <memory>
#include <sstream>

#include "support/catch.hpp"

namespace {

using fnstack::Event;
using fnstack::Value;

class Log {
 public:
  Log() : logger_(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_))) {
    logger_->set_pattern("%l %v");
    logger_->set_level(spdlog::level::trace);
    observer_ = fnstack::spdlog_observer(logger_);
  }
  std::string line(const Event& event) {
    out_.str("");
    observer_->on_event(event);
    return out_.str();
  }
  spdlog::logger& logger() { return *logger_; }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> logger_;
  std::shared_ptr<fnstack::Observer> observer_;
};

Event event_of(Event::Kind kind) {
  Event event;
  event.kind = kind;
  event.run = "r1";
  event.function = "orders";
  event.path = "/steps/2";
  return event;
}

}  // namespace

TEST_CASE("each kind of event has its words and its level") {
  Log log;
  Event run = event_of(Event::Kind::run_started);
  run.path.clear();
  CHECK(log.line(run) == "debug run started (orders run r1)\n");
  run.kind = Event::Kind::run_ended;
  run.outcome = "completed";
  run.duration_us = 12'345;
  CHECK(log.line(run) == "info run completed in 12.345 ms (orders run r1)\n");
  run.outcome = "failed";
  run.message = "no such luck";
  CHECK(log.line(run) == "error run failed in 12.345 ms: no such luck (orders run r1)\n");
  run.outcome = "cancelled";
  run.message.clear();
  CHECK(log.line(run) == "warning run cancelled in 12.345 ms (orders run r1)\n");

  Event step = event_of(Event::Kind::step);
  step.step = "Create Variable";
  step.label = "Charge card";
  CHECK(log.line(step) == "trace step Create Variable (orders /steps/2 \"Charge card\" run r1)\n");

  Event caught = event_of(Event::Kind::caught);
  caught.message = "card declined";
  CHECK(log.line(caught) == "warning caught: card declined (orders /steps/2 run r1)\n");

  Event logged = event_of(Event::Kind::log);
  logged.detail = "charged";
  logged.data = Value::object({{"id", Value(7)}});
  CHECK(log.line(logged) == "info charged {\"id\":7} (orders /steps/2 run r1)\n");

  Event effect = event_of(Event::Kind::effect_started);
  effect.effect_kind = "http";
  effect.detail = "GET https://api.example.com/users";
  CHECK(log.line(effect) == "debug http GET https://api.example.com/users (orders /steps/2 run r1)\n");
  effect.kind = Event::Kind::effect_ended;
  effect.outcome = "200";
  effect.duration_us = 1'500;
  CHECK(log.line(effect) ==
        "debug http GET https://api.example.com/users -> 200 in 1.500 ms (orders /steps/2 run r1)\n");
  effect.outcome = "timeout";
  effect.message = "no answer";
  CHECK(log.line(effect) ==
        "debug http GET https://api.example.com/users -> timeout in 1.500 ms: no answer (orders /steps/2 run r1)\n");
  Event abandoned = event_of(Event::Kind::effect_abandoned);
  abandoned.effect = "r1/:0";
  CHECK(log.line(abandoned) == "debug effect r1/:0 abandoned (orders /steps/2 run r1)\n");
}

TEST_CASE("text can't break a line, a format or a terminal") {
  Log log;
  Event event = event_of(Event::Kind::log);
  event.detail = "a\nb {} %v \x1b[31m \xe2\x80\xae \xff";
  CHECK(log.line(event) == "info a\\nb {} %v \\u001b[31m \\u202e \xef\xbf\xbd (orders /steps/2 run r1)\n");
}

TEST_CASE("a long line is cut and still says where") {
  Log log;
  Event event = event_of(Event::Kind::log);
  event.detail = std::string(10'000, 'x');
  const std::string line = log.line(event);
  CHECK(line.size() == std::string("info ").size() + 8192 + 1);
  CHECK_THAT(line, fnstack_test::ends_with("xxx... (orders /steps/2 run r1)\n"));
}

TEST_CASE("the logger's level decides") {
  Log log;
  log.logger().set_level(spdlog::level::info);
  CHECK(log.line(event_of(Event::Kind::step)) == "");
  CHECK(log.line(event_of(Event::Kind::effect_started)) == "");
  CHECK(log.line(event_of(Event::Kind::warning)) != "");
}

TEST_CASE("an observer without a logger does nothing") {
  fnstack::spdlog_observer(nullptr)->on_event(event_of(Event::Kind::run_started));
}
