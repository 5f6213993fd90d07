#include "backends/token_bucket.hpp"

#include <algorithm>
#include <vector>

namespace fnstack::backends {
namespace {

// Bounds that keep products in range.
constexpr std::int64_t most_requests = 1'000'000;
constexpr std::int64_t longest_period_ms = std::int64_t{366} * 86'400'000;
constexpr std::int64_t longest_step_ms = 1'000'000'000'000;
// Nobody waits longer; beyond it a place would only be in the way.
constexpr std::int64_t farthest_place_ms = 2 * BucketState::longest_hold_ms;
constexpr std::size_t most_places = 10'000;
// Threads stamp their calls before they get here: so much may they be out of order. More is a clock put back.
constexpr std::int64_t disorder_ms = 10'000;

std::int64_t divide_up(std::int64_t amount, std::int64_t by) { return (amount + by - 1) / by; }

}  // namespace

std::int64_t BucketState::advance(const RateLimit& rule, std::int64_t now_ms) {
  const std::int64_t requests = std::clamp<std::int64_t>(rule.requests, 1, most_requests);
  const std::int64_t token = std::clamp<std::int64_t>(rule.period_ms, 1, longest_period_ms);
  const std::int64_t burst = rule.burst > 0 ? std::min(rule.burst, most_requests) : requests;
  if (token_ == 0) {
    last_ms_ = now_ms;
    level_ = burst * token;
  } else if (token != token_) {
    level_ = static_cast<std::int64_t>(static_cast<double>(level_) * static_cast<double>(token) /
                                       static_cast<double>(token_));
  }
  requests_ = requests;
  token_ = token;
  most_ = burst * token;
  if (now_ms < last_ms_ - disorder_ms) {
    move_places(now_ms - last_ms_);
    last_ms_ = now_ms;
  }
  now_ms = std::max(now_ms, last_ms_);
  // What is missing is paid within this; the product of the rest may be out of range.
  const std::int64_t step = std::min({now_ms - last_ms_, longest_step_ms, (most_ - level_) / requests_ + 1});
  level_ = std::min(most_, level_ + std::max<std::int64_t>(step, 0) * requests_);
  last_ms_ = now_ms;
  while (!by_time_.empty() && by_time_.begin()->first + grace_ms < now_ms) {
    const auto& [at, name] = *by_time_.begin();
    const auto [begin, end] = by_name_.equal_range(name);
    by_name_.erase(std::find_if(begin, end, [at = at](const auto& place) { return place.second == at; }));
    by_time_.erase(by_time_.begin());
    level_ = std::min(most_, level_ + token_);
  }
  return now_ms;
}

void BucketState::move_places(std::int64_t by_ms) {
  std::set<std::pair<std::int64_t, std::string>> moved;
  while (!by_time_.empty()) {
    auto node = by_time_.extract(by_time_.begin());
    node.value().first += by_ms;
    moved.insert(moved.end(), std::move(node));
  }
  by_time_ = std::move(moved);
  for (auto& [name, at] : by_name_) at += by_ms;
}

std::int64_t BucketState::next_free(std::int64_t now_ms) const {
  return level_ >= token_ ? now_ms : now_ms + divide_up(token_ - level_, requests_);
}

BucketState::Verdict BucketState::take(const RateLimit& rule, std::string_view name, std::int64_t now_ms) {
  now_ms = advance(rule, now_ms);
  const auto [begin, end] = by_name_.equal_range(name);
  const auto first = std::min_element(begin, end, [](const auto& a, const auto& b) { return a.second < b.second; });
  if (first != end) {
    const std::int64_t at = first->second;
    if (at <= now_ms) {
      by_time_.erase({at, first->first});
      by_name_.erase(first);
      return {true, 0};
    }
    if (!name.empty()) return {false, at};
  }
  const std::int64_t at = next_free(now_ms);
  if (at <= now_ms) {
    level_ -= token_;
    return {true, 0};
  }
  if (at - now_ms <= farthest_place_ms && by_name_.size() < most_places) {
    const std::string owner(name);
    // Two of the same nameless place would be one: a millisecond apart they are two.
    std::int64_t place = at;
    while (!by_time_.emplace(place, owner).second) ++place;
    by_name_.emplace(owner, place);
    level_ -= token_;
    return {false, place};
  }
  return {false, at};
}

void BucketState::spend(const RateLimit& rule, std::int64_t now_ms) {
  advance(rule, now_ms);
  // Bounded, or what is sent all the same could build up a debt without end.
  level_ = std::max(level_ - token_, -most_ - token_);
}

void BucketState::hold_until(const RateLimit& rule, std::int64_t until_ms, std::int64_t now_ms) {
  now_ms = advance(rule, now_ms);
  until_ms = std::min(until_ms, now_ms + longest_hold_ms);
  if (until_ms <= now_ms) return;
  level_ = std::min(level_, token_);
  std::int64_t first = next_free(now_ms);
  if (!by_time_.empty()) first = std::min(first, by_time_.begin()->first);
  const std::int64_t by_ms = until_ms - first;
  if (by_ms <= 0) return;
  move_places(by_ms);
  level_ -= by_ms * requests_;
}

}  // namespace fnstack::backends
