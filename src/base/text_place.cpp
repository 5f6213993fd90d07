#include "base/text_place.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace fnstack {
namespace {

// How much one unit of a literal, a plain byte or an escape, takes in the source and gives when decoded.
struct Unit {
  std::size_t source;
  std::size_t decoded;
};

bool read_hex(std::string_view text, unsigned& code) noexcept {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return false;
  code = 0;
  for (const char c : text.substr(2, 4)) {
    const int digit = base::hex_digit(c);
    if (digit < 0) return false;
    code = code << 4 | static_cast<unsigned>(digit);
  }
  return true;
}

Unit unit_at(std::string_view text) noexcept {
  if (text[0] != '\\' || text.size() < 2) return {1, 1};
  unsigned code = 0;
  if (!read_hex(text, code)) return {2, 1};
  if (code < 0x80) return {6, 1};
  if (code < 0x800) return {6, 2};
  unsigned low = 0;
  if (code >= 0xD800 && code < 0xDC00 && read_hex(text.substr(6), low) && low >= 0xDC00 && low < 0xE000) {
    return {12, 4};
  }
  return {6, 3};
}

}  // namespace

Span TextPlace::span(std::size_t begin, std::size_t end) const {
  const auto narrow = [](std::size_t offset) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(offset, UINT32_MAX));
  };
  end = std::max(begin, end);
  if (source == nullptr) return {narrow(begin), narrow(end)};
  const std::string_view all = source->text();
  const std::size_t stop = std::min<std::size_t>(literal.end, all.size());
  std::size_t at = std::min<std::size_t>(literal.begin, stop);
  std::string_view text = all.substr(at, stop - at);
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (quoted) {
    text = text.substr(1, text.size() - 2);
    ++at;
  }
  // Walk to the unit that holds `begin`, then on to the end of the one that holds the byte before `end`.
  std::size_t decoded = 0;
  std::size_t from = at + text.size();
  std::size_t to = from;
  bool started = false;
  for (std::size_t i = 0; i < text.size();) {
    const Unit unit = quoted ? unit_at(text.substr(i)) : Unit{1, 1};
    if (!started && decoded + unit.decoded > begin) {
      from = at + i;
      started = true;
    }
    if (decoded >= end && started) {
      to = at + i;
      break;
    }
    decoded += unit.decoded;
    i += unit.source;
  }
  return {narrow(from), narrow(std::max(from, to))};
}

}  // namespace fnstack
