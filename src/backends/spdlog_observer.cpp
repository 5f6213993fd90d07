// Log lines by spdlog: what happened first, then where, then in which run, so that lines of many runs can be told
// apart and one run's be picked out. Knows events only. Entry point: spdlog_observer.
#include <spdlog/logger.h>

#include <cstdio>
#include <utility>

#include <fnstack/backends/spdlog.hpp>
#include <fnstack/json.hpp>

#include "base/safe_text.hpp"
#include "base/utf8.hpp"

namespace fnstack {
namespace {

constexpr std::size_t widest_line = 8192;  // bytes: the default of the limit log_bytes

spdlog::level::level_enum level_of(const Event& event) noexcept {
  switch (event.kind) {
    case Event::Kind::run_ended:
      if (event.outcome == "completed") return spdlog::level::info;
      return event.outcome == "cancelled" ? spdlog::level::warn : spdlog::level::err;
    case Event::Kind::log:
      return spdlog::level::info;
    case Event::Kind::caught:
    case Event::Kind::warning:
      return spdlog::level::warn;
    case Event::Kind::step:
      return spdlog::level::trace;
    case Event::Kind::run_started:
    case Event::Kind::effect_started:
    case Event::Kind::effect_ended:
    case Event::Kind::effect_abandoned:
      break;
  }
  return spdlog::level::debug;
}

void append_duration(std::string& line, std::int64_t duration_us) {
  char text[40];
  std::snprintf(text, sizeof(text), " in %.3f ms", static_cast<double>(duration_us) / 1000.0);
  line += text;
}

// "http GET https://api.example.com/users -> 200 in 12.345 ms", "charge declined", "run failed: ..."
void append_what(std::string& line, const Event& event) {
  using Kind = Event::Kind;
  const bool is_run = event.kind == Kind::run_started || event.kind == Kind::run_ended;
  if (is_run) line += "run ";
  if (event.kind == Kind::run_started) line += "started";
  if (event.kind == Kind::caught) line += "caught: ";
  if (event.kind == Kind::step) {
    line += "step ";
    base::append_safe(line, event.step);
  }
  if (event.kind == Kind::effect_started || event.kind == Kind::effect_ended || event.kind == Kind::effect_abandoned) {
    base::append_safe(line, event.effect_kind.empty() ? "effect " + event.effect : event.effect_kind);
    if (!event.detail.empty()) line += ' ';
  }
  base::append_safe(line, event.detail);
  if (event.kind == Kind::effect_abandoned) line += " abandoned";
  if (event.kind == Kind::effect_ended) line += " -> ";
  base::append_safe(line, event.outcome);
  if (event.kind == Kind::effect_ended || event.kind == Kind::run_ended) append_duration(line, event.duration_us);
  if (!event.message.empty()) {
    if (event.kind != Kind::caught && event.kind != Kind::warning) line += ": ";
    base::append_safe(line, event.message);
  }
  if (!event.data.is_null()) {
    line += ' ';
    base::append_safe(line, to_json(event.data));
  }
}

// " (get_orders /steps/2 \"Charge card\", run 0b3c...)"
void append_where(std::string& line, const Event& event) {
  line += " (";
  for (const std::string* part : {&event.function, &event.path}) {
    if (part->empty()) continue;
    base::append_safe(line, *part);
    line += ' ';
  }
  if (!event.label.empty()) {
    line += '"';
    base::append_safe(line, event.label);
    line += "\" ";
  }
  line += "run ";
  base::append_safe(line, event.run);
  line += ')';
}

// The whole line in no more than widest_line bytes; where it happened is kept, what happened is cut.
std::string line_of(const Event& event) {
  std::string what, where;
  append_what(what, event);
  append_where(where, event);
  constexpr std::string_view cut_mark = "...";
  constexpr std::size_t least = 1024;  // names can be long too
  const auto cut = [&](std::string& text, std::size_t size) {
    if (text.size() <= size) return;
    text.resize(base::whole_code_points(text, size - cut_mark.size()).size());
    text += cut_mark;
  };
  cut(where, widest_line - least);
  cut(what, widest_line - where.size());
  return what + where;
}

class SpdlogObserver final : public Observer {
 public:
  explicit SpdlogObserver(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

  void on_event(const Event& event) noexcept override {
    const spdlog::level::level_enum level = level_of(event);
    if (logger_ == nullptr || !logger_->should_log(level)) return;
    try {
      logger_->log(level, spdlog::string_view_t(line_of(event)));
    } catch (...) {
      // A log that can't be written is no reason to end a run; spdlog's own error handler has been told.
    }
  }

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace

std::shared_ptr<Observer> spdlog_observer(std::shared_ptr<spdlog::logger> logger) {
  return std::make_shared<SpdlogObserver>(std::move(logger));
}

}  // namespace fnstack
