// Shape: the list of keys that objects of one form share. An object's values stand in its own node, in the order
// of the shape's keys. Looked up by scanning, and by a hash index beyond `scan_limit` keys. Knows no values.
//
// A shape with more than one owner never changes: `Shape::own` copies it first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/word.hpp"

namespace fnstack::base {

// A key that is looked up again and again: what finding it needs to know of its bytes, once for all.
struct PreparedKey {
  PreparedKey() = default;
  explicit PreparedKey(std::string key);
  std::string text;
  std::uint64_t start = 0, hash = 0;
};

class Shape {
 public:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  // Below this many keys comparing lengths and bytes one by one is as fast as any index.
  static constexpr std::size_t scan_limit = 8;

  // With one owner, the caller.
  static Shape* make(bool ignore_case = false);
  // The first `count` keys of `model`, with one owner.
  static Shape* make_prefix(const Shape& model, std::size_t count);
  // The same keys with the caller as the one owner: itself or a copy. Takes the caller's reference.
  static Shape* own(Shape* shape);

  // Several references at once cost as much as one.
  void retain(std::uint32_t count = 1) noexcept { references_.fetch_add(count, std::memory_order_relaxed); }
  void release(std::uint32_t count = 1) noexcept {
    if (references_.load(std::memory_order_acquire) == count ||
        references_.fetch_sub(count, std::memory_order_acq_rel) == count) {
      delete this;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] bool ignore_case() const noexcept { return ignore_case_; }
  // The length of all keys together.
  [[nodiscard]] std::uint64_t key_bytes() const noexcept { return text_.size(); }
  [[nodiscard]] std::string_view key(std::size_t position) const noexcept {
    return {text_.data() + keys_[position].offset, keys_[position].length};
  }
  [[nodiscard]] bool is_key(std::size_t position, std::string_view name) const noexcept {
    return matches(keys_[position], start_of(name), name);
  }
  // npos if there is none.
  [[nodiscard]] std::size_t find(std::string_view key) const noexcept;
  [[nodiscard]] std::size_t find(const PreparedKey& key) const noexcept {
    if (ignore_case_) return find(std::string_view(key.text));
    if (!slots_.empty()) return find_indexed(key.text, key.start, key.hash);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (matches(keys_[i], key.start, key.text)) return i;
    }
    return npos;
  }

  // For the one owner. `add` wants a key that find() does not; if it throws (bad_alloc) nothing has changed.
  void add(std::string_view key);
  void remove(std::size_t position);

 private:
  struct Key {
    std::uint64_t start;  // its first_word: with the length all there is of a key of up to 8
    std::uint32_t offset, length;
  };

  explicit Shape(bool ignore_case) : ignore_case_(ignore_case) {}
  friend struct PreparedKey;
  static std::uint64_t hash(std::string_view key, bool ignore_case) noexcept;
  static std::uint64_t start(std::string_view key, bool ignore_case) noexcept {
    return ignore_case ? start_of_folded(key) : first_word(key.data(), key.size());
  }
  static std::uint64_t start_of_folded(std::string_view key) noexcept;
  [[nodiscard]] std::size_t find_indexed(std::string_view key, std::uint64_t start, std::uint64_t hash) const noexcept;
  [[nodiscard]] std::uint64_t start_of(std::string_view key) const noexcept { return start(key, ignore_case_); }
  [[nodiscard]] bool same_rest(std::string_view left, std::string_view right) const noexcept;
  [[nodiscard]] bool matches(const Key& entry, std::uint64_t start, std::string_view name) const noexcept {
    return entry.start == start && entry.length == name.size() &&
           (name.size() <= 8 || same_rest({text_.data() + entry.offset, entry.length}, name));
  }
  void reindex(std::size_t slots);
  void index(std::size_t position) noexcept;

  std::atomic<std::uint32_t> references_{1};
  bool ignore_case_;
  std::vector<Key> keys_;
  std::string text_;                  // all keys, one after the other
  std::vector<std::uint32_t> slots_;  // open addressing: 0 or a position + 1; empty up to scan_limit keys
};

}  // namespace fnstack::base
