// Array: so many objects on the heap as it was made with, in one block; the handle is a pointer. For what there are
// a great many of: a vector's handle is three times as large.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace fnstack::base {

template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(std::size_t size) : block_(size == 0 ? nullptr : allocate(size)) {
    std::uninitialized_value_construct_n(data(), size);
  }
  Array(const Array& other) : block_(other.block_ == nullptr ? nullptr : allocate(other.size())) {
    std::uninitialized_copy_n(other.data(), other.size(), data());
  }
  Array(Array&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Array& operator=(Array other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Array() {
    if (block_ == nullptr) return;
    std::destroy_n(data(), size());
    ::operator delete(block_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : *static_cast<std::size_t*>(block_); }
  [[nodiscard]] T* data() noexcept { return block_ == nullptr ? nullptr : first(); }
  [[nodiscard]] const T* data() const noexcept { return block_ == nullptr ? nullptr : first(); }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return first()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return first()[i]; }
  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + size(); }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + size(); }

 private:
  // The size comes first, the objects behind it.
  static_assert(alignof(T) <= alignof(std::size_t) && std::is_nothrow_default_constructible_v<T> &&
                std::is_nothrow_copy_constructible_v<T>);
  static void* allocate(std::size_t size) {
    void* const block = ::operator new(sizeof(std::size_t) + size * sizeof(T));
    ::new (block) std::size_t(size);
    return block;
  }
  [[nodiscard]] T* first() const noexcept { return reinterpret_cast<T*>(static_cast<std::size_t*>(block_) + 1); }

  void* block_ = nullptr;
};

}  // namespace fnstack::base
