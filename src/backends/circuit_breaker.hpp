// The state behind one key of a circuit breaker: closed, open, or trying one request. Pure: time is given to it, it
// locks nothing and knows nothing of HTTP. Entry points: ask(), then one of succeeded(), failed(), neither().
#pragma once

#include <cstdint>
#include <deque>

#include <fnstack/effect.hpp>

namespace fnstack::backends {

class BreakerState {
 public:
  struct Verdict {
    std::uint64_t ticket = 0;        // what the outcome is to be reported with; 0: not allowed
    bool trying = false;             // not allowed because another request tries
    std::int64_t not_before_ms = 0;  // when not allowed
    std::int64_t failures = 0;       // that opened it
  };
  // May a request be sent now? `longest_ms`: how long it may take, after which it no longer counts as under way.
  [[nodiscard]] Verdict ask(const CircuitBreaker& rule, std::int64_t now_ms, std::int64_t longest_ms);

  // The outcome of a request that was allowed. What began before the breaker last changed is out of date and ignored.
  void succeeded(std::uint64_t ticket);
  void failed(const CircuitBreaker& rule, std::uint64_t ticket, std::int64_t now_ms);
  // It says nothing about the service: a trial that ends so makes room for the next one.
  void neither(std::uint64_t ticket);

 private:
  enum class Phase : std::uint8_t { closed, open, trying };
  void enter(Phase phase);

  Phase phase_ = Phase::closed;
  std::uint64_t ticket_ = 1;  // of the current phase; each trial is one
  std::deque<std::int64_t> failures_;
  std::int64_t count_ = 0;  // of the failures that opened it
  std::int64_t opened_ms_ = 0;
  std::int64_t tried_ms_ = 0;
  std::int64_t trial_ms_ = 0;
};

}  // namespace fnstack::backends
