#include "backends/circuit_breaker.hpp"

#include <algorithm>

namespace fnstack::backends {
namespace {

// Bounds that keep sums in range and a key's memory small, far beyond what anybody asks for.
constexpr std::int64_t longest_s = 366 * 86'400;
constexpr std::int64_t most_failures = 10'000;
// When a trial ends is not known: who comes meanwhile looks again after this.
constexpr std::int64_t trial_wait_ms = 1'000;

std::int64_t in_ms(std::int64_t seconds) { return std::clamp<std::int64_t>(seconds, 0, longest_s) * 1'000; }

}  // namespace

void BreakerState::enter(Phase phase) {
  phase_ = phase;
  ++ticket_;
  failures_.clear();
}

BreakerState::Verdict BreakerState::ask(const CircuitBreaker& rule, std::int64_t now_ms, std::int64_t longest_ms) {
  const std::int64_t open_ms = in_ms(rule.open_s);
  Verdict verdict;
  verdict.failures = count_;
  if (phase_ == Phase::closed) {
    verdict.ticket = ticket_;
    return verdict;
  }
  if (phase_ == Phase::trying) {
    // A clock that was put back must not make a trial last.
    tried_ms_ = std::min(tried_ms_, now_ms);
    if (now_ms - tried_ms_ <= trial_ms_) {
      verdict.trying = true;
      verdict.not_before_ms = now_ms + std::clamp<std::int64_t>(open_ms, 1, trial_wait_ms);
      return verdict;
    }
  } else {
    opened_ms_ = std::min(opened_ms_, now_ms);
    if (now_ms - opened_ms_ < open_ms) {
      verdict.not_before_ms = opened_ms_ + open_ms;
      return verdict;
    }
  }
  enter(Phase::trying);
  tried_ms_ = now_ms;
  trial_ms_ = std::clamp<std::int64_t>(longest_ms, 0, longest_s * 1'000);
  verdict.ticket = ticket_;
  return verdict;
}

void BreakerState::succeeded(std::uint64_t ticket) {
  if (ticket != ticket_) return;
  if (phase_ == Phase::trying)
    enter(Phase::closed);
  else
    failures_.clear();
}

void BreakerState::failed(const CircuitBreaker& rule, std::uint64_t ticket, std::int64_t now_ms) {
  if (ticket != ticket_) return;
  if (phase_ == Phase::trying) {
    ++count_;
  } else {
    const std::int64_t window_ms = in_ms(rule.window_s);
    std::erase_if(failures_, [&](std::int64_t at) { return at < now_ms - window_ms || at > now_ms + window_ms; });
    failures_.push_back(now_ms);
    count_ = static_cast<std::int64_t>(failures_.size());
    if (count_ < std::clamp<std::int64_t>(rule.failures, 1, most_failures)) return;
  }
  enter(Phase::open);
  opened_ms_ = now_ms;
}

void BreakerState::neither(std::uint64_t ticket) {
  // Open, and its time is over: the next request tries.
  if (ticket == ticket_ && phase_ == Phase::trying) enter(Phase::open);
}

}  // namespace fnstack::backends
