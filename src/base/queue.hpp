// Queue: first in, first out, in one block that is only there while it holds something (an empty std::deque takes
// half a kilobyte).
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace fnstack::base {

template <class T>
class Queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == items_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size() - first_; }
  [[nodiscard]] T& front() noexcept { return items_[first_]; }
  [[nodiscard]] auto begin() const noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  [[nodiscard]] auto end() const noexcept { return items_.end(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  // The first one, out of the queue.
  T take_front() {
    T item = std::move(items_[first_++]);
    if (empty()) {
      clear();
    } else if (first_ > items_.size() / 2) {  // so that each is moved once on average
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return item;
  }
  void erase(const T& item) {
    items_.erase(std::remove(items_.begin() + static_cast<std::ptrdiff_t>(first_), items_.end(), item), items_.end());
    if (empty()) clear();
  }
  void clear() noexcept {
    items_.clear();
    first_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace fnstack::base
