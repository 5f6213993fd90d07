// Observer: EXTENSION. Told what just happened, for logs and traces. No observer, no cost.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/effect.hpp>
#include <fnstack/machine.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

// One thing that happened. Texts are masked: no value of env of 6 bytes or more stands in them.
struct Event {
  enum class Kind : std::uint8_t {
    run_started,
    run_ended,
    step,
    caught,
    log,
    warning,
    effect_started,
    effect_ended,
    effect_abandoned
  };
  Kind kind = Kind::step;
  std::string run;
  std::int64_t time_ms = 0;                 // epoch, by the driver's clock
  std::string function, step, label, path;  // where; run events: only function
  std::string effect;                       // effect events: its id
  std::string effect_kind;                  // "http" …
  std::string detail;   // what was asked, without secrets: "POST https://api.stripe.com/v1/customers"; log: its text
  std::string outcome;  // *_ended: "200", "ok", "completed", an error's type
  std::string message;  // the error's message
  std::int64_t duration_us = 0;  // *_ended
  Value data;                    // log: what was given along
};
[[nodiscard]] std::string_view name_of(Event::Kind kind) noexcept;
// One line of the JSON Lines trace, without its line break.
[[nodiscard]] std::string to_json_line(const Event& event, std::size_t max_bytes);

class Observer {
 public:
  virtual ~Observer() = default;
  // From the thread that drives the run; runs on several threads call at the same time. Must not throw.
  virtual void on_event(const Event& event) noexcept = 0;
};

// Writes JSON Lines to a stream that outlives it; safe for many threads.
[[nodiscard]] std::shared_ptr<Observer> trace_observer(std::ostream& out, std::size_t max_line_bytes = 8192);

// Replaces values of env that are 6 bytes or longer, also percent-, form- or JSON-escaped or in base64 at any
// of the three alignments, by [env.NAME] (DESIGN 6).
class SecretMask {
 public:
  explicit SecretMask(const Value& env);
  [[nodiscard]] std::string apply_to_text(std::string_view text) const;
  [[nodiscard]] Value apply(const Value& value) const;  // texts and keys at any depth
  [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }

 private:
  std::vector<std::pair<std::string, std::string>> patterns_;  // what, instead; longest first
};

}  // namespace fnstack
