// KeyList: the list of keys that an object has, held on to. Objects of one form share it, and it never changes while
// held: who sees it again knows the keys without looking at them.
#pragma once

#include <utility>

#include "base/value_node.hpp"

namespace fnstack::base {

class KeyList {
 public:
  KeyList() = default;
  explicit KeyList(const Value& object) : shape_(shape_of(object)) {
    if (shape_ != nullptr) shape_->retain();
  }
  KeyList(KeyList&& other) noexcept : shape_(std::exchange(other.shape_, nullptr)) {}
  KeyList& operator=(KeyList&& other) noexcept {
    std::swap(shape_, other.shape_);
    return *this;
  }
  ~KeyList() {
    if (shape_ != nullptr) shape_->release();
  }

  // The object has this very list. Another one may hold the same keys.
  [[nodiscard]] bool is_of(const Value& object) const noexcept {
    return shape_ != nullptr && shape_of(object) == shape_;
  }

 private:
  static Shape* shape_of(const Value& object) noexcept {
    return object.is_object() ? Value::Access::object(object)->shape : nullptr;
  }
  Shape* shape_ = nullptr;
};

}  // namespace fnstack::base
