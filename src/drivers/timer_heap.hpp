// TimerHeap: what is due when, the earliest first; of equal times the one asked for first. A timer that nobody wants
// any more stays until it is met or until too many such are there: whoever gives one up says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drivers/slab.hpp"

namespace fnstack::drivers {

class TimerHeap {
 public:
  struct Timer {
    std::int64_t due;  // in whatever unit all of them have
    Ticket what;
  };

  [[nodiscard]] std::size_t size() const noexcept { return timers_.size(); }  // those given up among them
  void add(std::int64_t due, Ticket what) {
    timers_.push_back({due, what});
    std::push_heap(timers_.begin(), timers_.end(), later);
  }
  // Null: none is left. is_wanted(ticket) says whether somebody still waits for it.
  template <class F>
  [[nodiscard]] const Timer* earliest(F is_wanted) {
    while (!timers_.empty() && !is_wanted(timers_.front().what)) {
      if (given_up_ > 0) --given_up_;
      pop();
    }
    return timers_.empty() ? nullptr : &timers_.front();
  }
  void pop() {
    std::pop_heap(timers_.begin(), timers_.end(), later);
    timers_.pop_back();
  }
  // One of them is not wanted any more.
  template <class F>
  void give_up_one(F is_wanted) {
    ++given_up_;
    if (timers_.size() < 64 || given_up_ <= timers_.size() / 2) return;
    std::erase_if(timers_, [&](const Timer& timer) { return !is_wanted(timer.what); });
    if (timers_.capacity() > 4 * timers_.size()) timers_.shrink_to_fit();
    std::make_heap(timers_.begin(), timers_.end(), later);
    given_up_ = 0;
  }

 private:
  static bool later(const Timer& left, const Timer& right) noexcept {
    return left.due != right.due ? left.due > right.due : left.what.serial > right.what.serial;
  }
  std::vector<Timer> timers_;
  std::size_t given_up_ = 0;
};

}  // namespace fnstack::drivers
