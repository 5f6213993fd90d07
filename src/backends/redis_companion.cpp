#include "backends/redis_companion.hpp"

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <utility>

namespace fnstack::backends {
namespace {

constexpr std::string_view suffix = ":stored_at";
// Longer than any counter.
constexpr std::size_t longest_own_tag = 32;

bool has_brace(std::string_view text) noexcept { return text.find_first_of("{}") != std::string_view::npos; }

// Eight bytes at a time, the lowest first whatever the machine, so that all machines agree.
std::uint64_t word_at(std::string_view text, std::size_t at) noexcept {
  std::uint64_t word = 0;
  if (std::endian::native == std::endian::little && at + 8 <= text.size()) {
    std::memcpy(&word, text.data() + at, 8);
    return word;
  }
  for (std::size_t i = 0; i < 8 && at + i < text.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
  }
  return word;
}

// Not against an adversary: it tells a value from the one that stood there before. Mixing is that of MurmurHash3's
// finaliser.
std::uint64_t hash_of(std::string_view text) noexcept {
  const auto mixed = [](std::uint64_t word) {
    word ^= word >> 33;
    word *= 0xFF51AFD7ED558CCDULL;
    word ^= word >> 33;
    word *= 0xC4CEB9FE1A85EC53ULL;
    return word ^ word >> 33;
  };
  std::uint64_t hash = text.size();
  for (std::size_t at = 0; at < text.size(); at += 8) hash = mixed(hash ^ word_at(text, at)) + 0x9E3779B97F4A7C15ULL;
  return mixed(hash);
}

void append_tag(std::string& out, std::string_view value) {
  if (value.size() <= longest_own_tag) {
    out += '=';
    out += value;
    return;
  }
  const std::uint64_t hash = hash_of(value);
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[hash >> shift & 15];
}

}  // namespace

std::string companion_of(std::string_view key) {
  std::string name;
  name.reserve(key.size() + suffix.size() + 2);
  const bool braces = !has_brace(key);
  if (braces) name += '{';
  name += key;
  if (braces) name += '}';
  return name += suffix;
}

bool is_companion(std::string_view key) noexcept {
  if (!key.ends_with(suffix)) return false;
  key.remove_suffix(suffix.size());
  return has_brace(key);
}

std::string companion_text(std::int64_t now_ms, std::string_view value) {
  std::string out = std::to_string(now_ms);
  out += ' ';
  append_tag(out, value);
  return out;
}

std::optional<std::int64_t> stored_at(std::string_view companion_text, std::string_view value) {
  std::int64_t time_ms = 0;
  const auto [end, problem] =
      std::from_chars(companion_text.data(), companion_text.data() + companion_text.size(), time_ms);
  if (problem != std::errc()) return std::nullopt;
  std::string expected(" ");
  append_tag(expected, value);
  companion_text.remove_prefix(static_cast<std::size_t>(end - companion_text.data()));
  if (companion_text != expected) return std::nullopt;
  return time_ms;
}

}  // namespace fnstack::backends
