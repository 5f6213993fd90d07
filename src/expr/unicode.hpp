// Text as code points: iteration over UTF-8 that is safe on any bytes, case mapping as ECMAScript's toUpperCase
// and toLowerCase, trimming by ECMAScript's white space, order by UTF-16 code units. Knows nothing of values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fnstack::expr {

struct CodePoint {
  char32_t value = 0;    // U+FFFD for a byte that belongs to no valid sequence
  std::size_t size = 1;  // bytes it takes; at least 1
};

// The code point at a byte offset below text.size().
[[nodiscard]] CodePoint code_point_at(std::string_view text, std::size_t offset) noexcept;

[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;
// The byte offset of the code point with this index; text.size() if there are fewer.
[[nodiscard]] std::size_t offset_of(std::string_view text, std::size_t index) noexcept;
// Code points from `begin` on, up to but without `end`.
[[nodiscard]] std::string_view code_points(std::string_view text, std::size_t begin, std::size_t end) noexcept;

// ECMAScript's WhiteSpace and LineTerminator.
[[nodiscard]] bool is_space(char32_t value) noexcept;
[[nodiscard]] std::string_view trim_start(std::string_view text) noexcept;
[[nodiscard]] std::string_view trim_end(std::string_view text) noexcept;
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// With SpecialCasing (ß becomes SS) and the final sigma, without locales.
[[nodiscard]] std::string to_upper(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
// Letters and digits (categories L, M, N).
[[nodiscard]] bool is_word(char32_t value) noexcept;
// Without combining marks: "é" becomes "e"; ß, æ, ø, ł and their like are spelled out.
[[nodiscard]] std::string without_accents(std::string_view text);
// "NFC", "NFD", "NFKC" or "NFKD"; false for another form.
[[nodiscard]] bool normalize(std::string_view text, std::string_view form, std::string& out);

// As ECMAScript compares strings: by UTF-16 code units. Negative, 0 or positive.
[[nodiscard]] int compare_text(std::string_view left, std::string_view right) noexcept;

}  // namespace fnstack::expr
