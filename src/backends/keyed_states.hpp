// States by key, a bounded number of them: beyond it those that were asked for longest ago, and that nobody uses just
// now, are forgotten. Not thread-safe. Entry point: get().
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace fnstack::backends {

template <class T>
class KeyedStates {
 public:
  explicit KeyedStates(std::size_t most = 10'000) : most_(most) {}

  // The state of this key, a new one if there is none.
  [[nodiscard]] std::shared_ptr<T> get(const std::string& key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    order_.emplace_front(key, std::make_shared<T>());
    const std::shared_ptr<T> state = order_.front().second;
    by_key_.emplace(key, order_.begin());
    forget_some();
    return state;
  }

  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }

 private:
  // So many in use at the old end are looked over; with more the map grows a little until they are done.
  static constexpr int most_looks = 64;

  void forget_some() {
    int looks = 0;
    auto oldest = order_.end();
    while (by_key_.size() > most_ && oldest != order_.begin() && looks++ < most_looks) {
      --oldest;
      if (oldest->second.use_count() > 1) continue;
      by_key_.erase(oldest->first);
      oldest = order_.erase(oldest);
    }
  }

  using Entry = std::pair<std::string, std::shared_ptr<T>>;
  std::size_t most_;
  std::list<Entry> order_;  // the one asked for last comes first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> by_key_;
};

}  // namespace fnstack::backends
