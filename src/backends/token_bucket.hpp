// The state behind one key of a rate limit: a token bucket that hands out places. Pure: time is given to it, it locks
// nothing and knows nothing of HTTP. Entry points: take(), hold_until().
//
// Why nobody starves. Who comes when the bucket is empty takes a token all the same: the level goes below nothing,
// and the place is the moment at which that debt is paid. The next one's debt is larger, so n who wait have n places,
// one token apart, in the order in which they came. Who comes back under the same name at its place, or up to a grace
// later, is let through whatever others did meanwhile, for its token was taken long ago. Places move in one case
// only: the service itself said to hold back; then all move together.
// A place that nobody claims lapses and gives its token back, so those who never return cost the others one grace,
// not the rate: what is let through never exceeds burst + time x rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/effect.hpp>

namespace fnstack::backends {

class BucketState {
 public:
  // How late a place may be claimed.
  static constexpr std::int64_t grace_ms = 5'000;
  // What the service says about holding back is believed so far and no farther.
  static constexpr std::int64_t longest_hold_ms = 3'600'000;

  struct Verdict {
    bool allowed = false;
    std::int64_t not_before_ms = 0;  // when not allowed
  };
  // `name` is the same when the same one comes back; without one the place belongs to whoever comes first.
  [[nodiscard]] Verdict take(const RateLimit& rule, std::string_view name, std::int64_t now_ms);
  // A token for what is sent all the same.
  void spend(const RateLimit& rule, std::int64_t now_ms);
  // The service says that nothing more will be answered until then: the bucket has one token at that moment.
  void hold_until(const RateLimit& rule, std::int64_t until_ms, std::int64_t now_ms);

  [[nodiscard]] std::size_t places() const noexcept { return by_name_.size(); }

 private:
  // `now_ms`, or a little later if calls of other threads were ahead.
  std::int64_t advance(const RateLimit& rule, std::int64_t now_ms);
  void move_places(std::int64_t by_ms);
  [[nodiscard]] std::int64_t next_free(std::int64_t now_ms) const;

  // The level counts parts of a token: one millisecond brings `requests_` of them, one token is `token_`.
  std::int64_t requests_ = 0;
  std::int64_t token_ = 0;  // = period_ms
  std::int64_t most_ = 0;
  std::int64_t level_ = 0;
  std::int64_t last_ms_ = 0;
  std::multimap<std::string, std::int64_t, std::less<>> by_name_;
  std::set<std::pair<std::int64_t, std::string>> by_time_;
};

}  // namespace fnstack::backends
