// TextBuilder: text put together piece by piece, bounded by the size a value may have. Short texts stay on the
// stack until they are done, so that a template in a loop costs no allocation. Knows nothing of templates.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::expr {

class TextBuilder {
 public:
  // `value_bytes`: the largest Value::byte_size the text may have as a value.
  explicit TextBuilder(std::uint64_t value_bytes) noexcept
      : value_bytes_(value_bytes), room_(value_bytes > sizeof(Value) ? value_bytes - sizeof(Value) : 0) {}
  TextBuilder(const TextBuilder&) = delete;
  TextBuilder& operator=(const TextBuilder&) = delete;

  // All of these answer false, and add nothing, if the text would become too long; see over_limit.
  [[nodiscard]] bool append(std::string_view text) {
    if (text.size() > room_) return false;
    room_ -= text.size();
    if (text.size() <= buffer_.size() - used_) {
      std::memcpy(buffer_.data() + used_, text.data(), text.size());
      used_ += text.size();
    } else {
      spill(text);
    }
    return true;
  }
  [[nodiscard]] bool append(std::int64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  // As to_text writes it: null is nothing, containers are compact JSON.
  [[nodiscard]] bool append_text(const Value& value) {
    if (value.is_string()) return append(value.as_string());
    if (value.is_integer()) return append(value.as_integer());
    return append_other(value);
  }
  // As JSON.
  [[nodiscard]] bool append_json(const Value& value);
  // As the inside of a JSON string literal.
  [[nodiscard]] bool append_json_escaped(std::string_view text);
  // As application/x-www-form-urlencoded.
  [[nodiscard]] bool append_form_encoded(std::string_view text);

  // Would the value's JSON text fit? Asked before building a text that is then encoded.
  [[nodiscard]] bool has_room_for_json(const Value& value) const;

  // The text as a value. The builder is used up.
  void move_into(Value& out);

  [[nodiscard]] Error over_limit() const;

 private:
  [[nodiscard]] bool append_other(const Value& value);
  void spill(std::string_view text);

  std::uint64_t value_bytes_;
  std::uint64_t room_;  // bytes that may still come
  std::size_t used_ = 0;
  Value spilled_;  // a string as soon as the buffer was full once; what the buffer holds comes after it
  std::array<char, 512> buffer_;
};

// The exact length of to_json(value), or something above `cap` if it is longer than that.
[[nodiscard]] std::uint64_t json_size(const Value& value, std::uint64_t cap);

}  // namespace fnstack::expr
