// TextBuilder: text put together piece by piece, bounded by the size a value may have. Short texts stay on the
// stack until they are done, so that a template in a loop costs no allocation. Knows nothing of templates.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::expr {

// The first is 0 and not 1: the number 0 has one digit as well.
inline constexpr auto powers_of_ten = [] {
  std::array<std::uint64_t, 20> powers{};
  std::uint64_t power = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = power *= 10;
  return powers;
}();

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
    const std::uint64_t magnitude =
        number < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    const std::size_t size = digits_of(magnitude) + (number < 0 ? 1 : 0);
    if (size > room_) return false;
    room_ -= size;
    if (size > buffer_.size() - used_) spill("");  // empties the buffer
    char* begin = buffer_.data() + used_;
    if (number < 0) *begin = '-';
    used_ += size;
    write_digits(buffer_.data() + used_, magnitude);
    return true;
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

  // The text is to be appended to one of so many bytes, which counts too. False: that alone is too long.
  [[nodiscard]] bool begin_after(std::size_t bytes) noexcept {
    if (bytes > room_) return false;
    room_ -= bytes;
    return true;
  }

  // How many bytes were appended.
  [[nodiscard]] std::size_t size() const noexcept {
    return used_ + (spilled_.is_string() ? spilled_.as_string().size() : 0);
  }

  // The text as a value, or at the end of a string. The builder is used up.
  void move_into(Value& out);
  void append_to(Value& out);

  [[nodiscard]] Error over_limit() const;

 private:
  [[nodiscard]] bool append_other(const Value& value);
  void spill(std::string_view text);

  static std::size_t digits_of(std::uint64_t number) noexcept {
    // log10 by way of log2: 1233/4096 is a little more than log10(2).
    const auto guess = static_cast<std::size_t>(std::bit_width(number | 1) * 1233 >> 12);
    return guess + (number >= powers_of_ten[guess] ? 1 : 0);
  }
  // Two digits at a time, backwards from `end`: quicker than to_chars, which counts by dividing.
  static void write_digits(char* end, std::uint64_t number) noexcept {
    static constexpr char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
        "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    while (number >= 100) {
      const std::uint64_t rest = number / 100;
      std::memcpy(end -= 2, pairs + 2 * (number - rest * 100), 2);
      number = rest;
    }
    if (number >= 10) {
      std::memcpy(end - 2, pairs + 2 * number, 2);
    } else {
      end[-1] = static_cast<char>('0' + number);
    }
  }

  std::uint64_t value_bytes_;
  std::uint64_t room_;  // bytes that may still come
  std::size_t used_ = 0;
  Value spilled_;  // a string as soon as the buffer was full once; what the buffer holds comes after it
  std::array<char, 512> buffer_;
};

// The exact length of to_json(value), or something above `cap` if it is longer than that.
[[nodiscard]] std::uint64_t json_size(const Value& value, std::uint64_t cap);

}  // namespace fnstack::expr
