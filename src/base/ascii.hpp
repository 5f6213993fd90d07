// The letters and digits of ASCII, whatever the locale: for names and words that protocols and formats have. All other
// bytes stay what they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fnstack::base {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] constexpr char ascii_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

[[nodiscard]] inline std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}
[[nodiscard]] inline std::string ascii_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_upper(c);
  return out;
}

// Alike but for the case of letters.
[[nodiscard]] inline bool same_word(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) return false;
  for (std::size_t at = 0; at < left.size(); ++at) {
    if (left[at] != right[at] && ascii_lower(left[at]) != ascii_lower(right[at])) return false;
  }
  return true;
}

// What a digit in a radix of up to 36 stands for; -1 for another character.
[[nodiscard]] constexpr int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = ascii_lower(c);
  return letter >= 'a' && letter <= 'z' ? letter - 'a' + 10 : -1;
}
// The same for hexadecimal ones.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  const int value = digit_value(c);
  return value < 16 ? value : -1;
}

}  // namespace fnstack::base
