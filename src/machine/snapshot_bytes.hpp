// The bytes of a snapshot: numbers, texts, values and errors one after the other, written and read back. Knows nothing
// of machines. Reading trusts nothing: whatever the bytes are it gives values within limits, and says by ok() that it
// was deceived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::machine {

class SnapshotWriter {
 public:
  // `begin`: what stands before everything else.
  explicit SnapshotWriter(std::string_view begin) : out_(begin) {}

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>((value & 0x7f) | 0x80);
    out_ += static_cast<char>(value);
  }
  void integer(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void flag(bool value) { out_ += value ? '\1' : '\0'; }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void value(const Value& value);
  void error(const Error& error);
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class SnapshotReader {
 public:
  // `deepest`: a value nested deeper is no value of a run.
  SnapshotReader(std::string_view rest, int deepest) : rest_(rest), deepest_(deepest) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  void fail() noexcept { ok_ = false; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_[0]);
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  // A count of things that take at least one byte each: more than there are bytes is a lie.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::uint32_t small() {
    const std::uint64_t value = number();
    if (value > UINT32_MAX) ok_ = false;
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }
  std::int64_t integer() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  bool flag() {
    const std::string_view byte = bytes(1);
    return !byte.empty() && byte[0] != '\0';
  }
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view text() { return bytes(count()); }
  Value value() { return value_at(0); }
  Error error();

 private:
  Value value_at(int depth);

  std::string_view rest_;
  int deepest_;
  bool ok_ = true;
};

}  // namespace fnstack::machine
