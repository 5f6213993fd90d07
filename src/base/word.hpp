// The first bytes of a text as one word, for comparing and storing short texts without a loop.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fnstack::base {

// The first eight bytes, or all there are, as they stand in memory, with zeros behind them. Put together in registers:
// bytes written one by one would have to be waited for where they are read back as a word.
[[nodiscard]] inline std::uint64_t first_word(const char* bytes, std::size_t size) noexcept {
  std::uint64_t word = 0;
  if (size >= 8) {
    std::memcpy(&word, bytes, 8);
  } else if (std::endian::native != std::endian::little) {
    std::memcpy(&word, bytes, size);
  } else if (size >= 4) {  // the halves overlap, and are the same where they do
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, bytes, 4);
    std::memcpy(&last, bytes + size - 4, 4);
    word = first | std::uint64_t{last} << 8 * (size - 4);
  } else if (size > 0) {
    const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i; };
    word = byte(0) | byte(size / 2) | byte(size - 1);
  }
  return word;
}

}  // namespace fnstack::base
