// safe_text: text that anyone may have written, made fit for a terminal or one line of a log. Entry point:
// append_safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace fnstack::base {

// Controls, and marks that turn the reading direction.
[[nodiscard]] inline bool is_unsafe(std::uint32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) ||                            // controls
         code == 0x061C || code == 0x200E || code == 0x200F ||                      // direction marks
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);  // direction overrides
}

// Text with what is unsafe written as an escape: \n, \u202e. What is no UTF-8 becomes U+FFFD.
inline void append_safe(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = code_point_length(text, i);
    if (length == 0) {
      out += replacement_character;
      ++i;
      continue;
    }
    const std::uint32_t code = code_point_at(text, i, length);
    if (!is_unsafe(code)) {
      out.append(text, i, length);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += hex[code >> shift & 15];
    }
    i += length;
  }
}

}  // namespace fnstack::base
