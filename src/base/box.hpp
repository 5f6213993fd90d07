// Box: an object on the heap that is copied and goes with its owner, or none. For large members that are seldom there.
#pragma once

#include <memory>
#include <utility>

namespace fnstack::base {

template <class T>
class Box {
 public:
  Box() = default;
  explicit Box(T value) : object_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : object_(other.object_ ? std::make_unique<T>(*other.object_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    Box copy(other);
    object_.swap(copy.object_);
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const noexcept { return object_ != nullptr; }
  [[nodiscard]] T& operator*() noexcept { return *object_; }
  [[nodiscard]] const T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() noexcept { return object_.get(); }
  [[nodiscard]] const T* operator->() const noexcept { return object_.get(); }

  [[nodiscard]] T* get() noexcept { return object_.get(); }
  [[nodiscard]] const T* get() const noexcept { return object_.get(); }

  // A new one in place of what is there.
  T& emplace() { return *(object_ = std::make_unique<T>()); }
  // The one that is there, or a new one.
  T& get_or_make() { return object_ ? *object_ : emplace(); }
  // Moves it out; there must be one.
  [[nodiscard]] T take() {
    const std::unique_ptr<T> taken = std::move(object_);
    return std::move(*taken);
  }
  void reset() noexcept { object_.reset(); }

 private:
  std::unique_ptr<T> object_;
};

}  // namespace fnstack::base
