#include "expr/unicode.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include <utf8proc.h>

#include "base/utf8.hpp"

namespace fnstack::expr {
namespace {

struct SpecialUpper {
  char32_t from;
  char32_t to[3];  // 0: none
};
// The code points whose unconditional upper case is more than one code point: Unicode's SpecialCasing.txt. utf8proc
// maps one to one only (U+00DF to U+1E9E). The single special lower case, U+0130, is in to_lower.
constexpr SpecialUpper special_upper[] = {
    // clang-format off
    {0x00DF, {0x0053, 0x0053, 0}},
    {0x0149, {0x02BC, 0x004E, 0}},
    {0x01F0, {0x004A, 0x030C, 0}},
    {0x0390, {0x0399, 0x0308, 0x0301}},
    {0x03B0, {0x03A5, 0x0308, 0x0301}},
    {0x0587, {0x0535, 0x0552, 0}},
    {0x1E96, {0x0048, 0x0331, 0}},
    {0x1E97, {0x0054, 0x0308, 0}},
    {0x1E98, {0x0057, 0x030A, 0}},
    {0x1E99, {0x0059, 0x030A, 0}},
    {0x1E9A, {0x0041, 0x02BE, 0}},
    {0x1F50, {0x03A5, 0x0313, 0}},
    {0x1F52, {0x03A5, 0x0313, 0x0300}},
    {0x1F54, {0x03A5, 0x0313, 0x0301}},
    {0x1F56, {0x03A5, 0x0313, 0x0342}},
    {0x1F80, {0x1F08, 0x0399, 0}},
    {0x1F81, {0x1F09, 0x0399, 0}},
    {0x1F82, {0x1F0A, 0x0399, 0}},
    {0x1F83, {0x1F0B, 0x0399, 0}},
    {0x1F84, {0x1F0C, 0x0399, 0}},
    {0x1F85, {0x1F0D, 0x0399, 0}},
    {0x1F86, {0x1F0E, 0x0399, 0}},
    {0x1F87, {0x1F0F, 0x0399, 0}},
    {0x1F88, {0x1F08, 0x0399, 0}},
    {0x1F89, {0x1F09, 0x0399, 0}},
    {0x1F8A, {0x1F0A, 0x0399, 0}},
    {0x1F8B, {0x1F0B, 0x0399, 0}},
    {0x1F8C, {0x1F0C, 0x0399, 0}},
    {0x1F8D, {0x1F0D, 0x0399, 0}},
    {0x1F8E, {0x1F0E, 0x0399, 0}},
    {0x1F8F, {0x1F0F, 0x0399, 0}},
    {0x1F90, {0x1F28, 0x0399, 0}},
    {0x1F91, {0x1F29, 0x0399, 0}},
    {0x1F92, {0x1F2A, 0x0399, 0}},
    {0x1F93, {0x1F2B, 0x0399, 0}},
    {0x1F94, {0x1F2C, 0x0399, 0}},
    {0x1F95, {0x1F2D, 0x0399, 0}},
    {0x1F96, {0x1F2E, 0x0399, 0}},
    {0x1F97, {0x1F2F, 0x0399, 0}},
    {0x1F98, {0x1F28, 0x0399, 0}},
    {0x1F99, {0x1F29, 0x0399, 0}},
    {0x1F9A, {0x1F2A, 0x0399, 0}},
    {0x1F9B, {0x1F2B, 0x0399, 0}},
    {0x1F9C, {0x1F2C, 0x0399, 0}},
    {0x1F9D, {0x1F2D, 0x0399, 0}},
    {0x1F9E, {0x1F2E, 0x0399, 0}},
    {0x1F9F, {0x1F2F, 0x0399, 0}},
    {0x1FA0, {0x1F68, 0x0399, 0}},
    {0x1FA1, {0x1F69, 0x0399, 0}},
    {0x1FA2, {0x1F6A, 0x0399, 0}},
    {0x1FA3, {0x1F6B, 0x0399, 0}},
    {0x1FA4, {0x1F6C, 0x0399, 0}},
    {0x1FA5, {0x1F6D, 0x0399, 0}},
    {0x1FA6, {0x1F6E, 0x0399, 0}},
    {0x1FA7, {0x1F6F, 0x0399, 0}},
    {0x1FA8, {0x1F68, 0x0399, 0}},
    {0x1FA9, {0x1F69, 0x0399, 0}},
    {0x1FAA, {0x1F6A, 0x0399, 0}},
    {0x1FAB, {0x1F6B, 0x0399, 0}},
    {0x1FAC, {0x1F6C, 0x0399, 0}},
    {0x1FAD, {0x1F6D, 0x0399, 0}},
    {0x1FAE, {0x1F6E, 0x0399, 0}},
    {0x1FAF, {0x1F6F, 0x0399, 0}},
    {0x1FB2, {0x1FBA, 0x0399, 0}},
    {0x1FB3, {0x0391, 0x0399, 0}},
    {0x1FB4, {0x0386, 0x0399, 0}},
    {0x1FB6, {0x0391, 0x0342, 0}},
    {0x1FB7, {0x0391, 0x0342, 0x0399}},
    {0x1FBC, {0x0391, 0x0399, 0}},
    {0x1FC2, {0x1FCA, 0x0399, 0}},
    {0x1FC3, {0x0397, 0x0399, 0}},
    {0x1FC4, {0x0389, 0x0399, 0}},
    {0x1FC6, {0x0397, 0x0342, 0}},
    {0x1FC7, {0x0397, 0x0342, 0x0399}},
    {0x1FCC, {0x0397, 0x0399, 0}},
    {0x1FD2, {0x0399, 0x0308, 0x0300}},
    {0x1FD3, {0x0399, 0x0308, 0x0301}},
    {0x1FD6, {0x0399, 0x0342, 0}},
    {0x1FD7, {0x0399, 0x0308, 0x0342}},
    {0x1FE2, {0x03A5, 0x0308, 0x0300}},
    {0x1FE3, {0x03A5, 0x0308, 0x0301}},
    {0x1FE4, {0x03A1, 0x0313, 0}},
    {0x1FE6, {0x03A5, 0x0342, 0}},
    {0x1FE7, {0x03A5, 0x0308, 0x0342}},
    {0x1FF2, {0x1FFA, 0x0399, 0}},
    {0x1FF3, {0x03A9, 0x0399, 0}},
    {0x1FF4, {0x038F, 0x0399, 0}},
    {0x1FF6, {0x03A9, 0x0342, 0}},
    {0x1FF7, {0x03A9, 0x0342, 0x0399}},
    {0x1FFC, {0x03A9, 0x0399, 0}},
    {0xFB00, {0x0046, 0x0046, 0}},
    {0xFB01, {0x0046, 0x0049, 0}},
    {0xFB02, {0x0046, 0x004C, 0}},
    {0xFB03, {0x0046, 0x0046, 0x0049}},
    {0xFB04, {0x0046, 0x0046, 0x004C}},
    {0xFB05, {0x0053, 0x0054, 0}},
    {0xFB06, {0x0053, 0x0054, 0}},
    {0xFB13, {0x0544, 0x0546, 0}},
    {0xFB14, {0x0544, 0x0535, 0}},
    {0xFB15, {0x0544, 0x053B, 0}},
    {0xFB16, {0x054E, 0x0546, 0}},
    {0xFB17, {0x0544, 0x053D, 0}}
    // clang-format on
};

const SpecialUpper* find_special(char32_t value) noexcept {
  const auto* found = std::lower_bound(std::begin(special_upper), std::end(special_upper), value,
                                       [](const SpecialUpper& row, char32_t key) { return row.from < key; });
  return found != std::end(special_upper) && found->from == value ? found : nullptr;
}

utf8proc_category_t category(char32_t value) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

// Unicode's Cased: letters with case, and the few that Other_Uppercase and Other_Lowercase add.
bool is_cased(char32_t value) noexcept {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return value != 0x295;
    case UTF8PROC_CATEGORY_LM:
      return (value >= 0x2B0 && value <= 0x2B8) || (value >= 0x2C0 && value <= 0x2C1) ||
             (value >= 0x2E0 && value <= 0x2E4) || value == 0x37A || (value >= 0x1D2C && value <= 0x1D6A) ||
             value == 0x1D78 || (value >= 0x1D9B && value <= 0x1DBF) || value == 0x2071 || value == 0x207F ||
             (value >= 0x2090 && value <= 0x209C) || value == 0x2C7C || value == 0x2C7D;
    default:
      return value == 0xAA || value == 0xBA || value == 0x345 || (value >= 0x2160 && value <= 0x217F) ||
             (value >= 0x24B6 && value <= 0x24E9);
  }
}

// Unicode's Case_Ignorable: marks, format characters, modifiers, and the punctuation that may stand within a word.
bool is_case_ignorable(char32_t value) noexcept {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      break;
  }
  static constexpr char32_t within_words[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                              0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  return std::binary_search(std::begin(within_words), std::end(within_words), value);
}

// Unicode's Final_Sigma: a cased letter before the sigma, none after it, ignorable ones left out of account.
bool is_final_sigma(std::string_view text, std::size_t offset, bool cased_before) noexcept {
  if (!cased_before) return false;
  std::size_t next = offset + 2;  // a sigma takes two bytes
  while (next < text.size()) {
    const CodePoint point = code_point_at(text, next);
    if (is_cased(point.value)) return false;
    if (!is_case_ignorable(point.value)) return true;
    next += point.size;
  }
  return true;
}

struct Spelling {
  char32_t from;
  const char* to;
};
// Letters that have no decomposition but a usual spelling without accents.
constexpr Spelling spellings[] = {{0xC6, "AE"}, {0xD0, "D"},  {0xD8, "O"},   {0xDE, "TH"}, {0xDF, "ss"},  {0xE6, "ae"},
                                  {0xF0, "d"},  {0xF8, "o"},  {0xFE, "th"},  {0x110, "D"}, {0x111, "d"},  {0x126, "H"},
                                  {0x127, "h"}, {0x131, "i"}, {0x141, "L"},  {0x142, "l"}, {0x152, "OE"}, {0x153, "oe"},
                                  {0x166, "T"}, {0x167, "t"}, {0x1E9E, "SS"}};

// Eight ASCII characters stand at this offset, which is inside the text: then they need not be looked at one by one.
bool are_eight_ascii(std::string_view text, std::size_t offset) noexcept {
  if (text.size() - offset < 8) return false;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + offset, 8);
  return (word & 0x8080'8080'8080'8080) == 0;
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t offset) noexcept {
  const std::size_t size = base::code_point_length(text, offset);
  if (size == 0) return {0xFFFD, 1};
  return {base::code_point_at(text, offset, size), size};
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const bool eight = are_eight_ascii(text, at);
    at += eight ? 8 : code_point_at(text, at).size;
    count += eight ? 8 : 1;
  }
  return count;
}

std::size_t offset_of(std::string_view text, std::size_t index) noexcept {
  std::size_t at = 0;
  while (index > 0 && at < text.size()) {
    const bool eight = index >= 8 && are_eight_ascii(text, at);
    at += eight ? 8 : code_point_at(text, at).size;
    index -= eight ? 8 : 1;
  }
  return at;
}

std::string_view code_points(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  if (begin >= end) return {};
  text.remove_prefix(offset_of(text, begin));
  return text.substr(0, offset_of(text, end - begin));
}

bool is_space(char32_t value) noexcept {
  if (value < 0x80) return value == ' ' || (value >= 9 && value <= 13);
  return value == 0xA0 || value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 ||
         value == 0x2029 || value == 0x202F || value == 0x205F || value == 0x3000 || value == 0xFEFF;
}

std::string_view trim_start(std::string_view text) noexcept {
  while (!text.empty()) {
    const CodePoint point = code_point_at(text, 0);
    if (!is_space(point.value)) break;
    text.remove_prefix(point.size);
  }
  return text;
}

std::string_view trim_end(std::string_view text) noexcept {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && base::continues_code_point(text[start])) --start;
    const CodePoint point = code_point_at(text, start);
    if (point.size != text.size() - start || !is_space(point.value)) break;
    text.remove_suffix(point.size);
  }
  return text;
}

std::string_view trim(std::string_view text) noexcept { return trim_end(trim_start(text)); }

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (point.value < 0x80) {
      out += static_cast<char>(point.value >= 'a' && point.value <= 'z' ? point.value - 32 : point.value);
    } else if (point.size == 1) {
      out += text[at];  // no code point: left as it is
    } else if (const SpecialUpper* special = find_special(point.value)) {
      for (const char32_t mapped : special->to) {
        if (mapped != 0) base::append_code_point(out, mapped);
      }
    } else {
      base::append_code_point(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(point.value))));
    }
    at += point.size;
  }
  return out;
}

std::string to_lower(std::string_view text) {
  constexpr char32_t capital_sigma = 0x3A3;
  constexpr char32_t dotted_capital_i = 0x130;
  std::string out;
  out.reserve(text.size());
  bool cased_before = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (point.value < 0x80) {
      out += static_cast<char>(point.value >= 'A' && point.value <= 'Z' ? point.value + 32 : point.value);
    } else if (point.size == 1) {
      out += text[at];
    } else if (point.value == capital_sigma) {
      base::append_code_point(out, is_final_sigma(text, at, cased_before) ? 0x3C2 : 0x3C3);
    } else if (point.value == dotted_capital_i) {
      out += "i\xCC\x87";
    } else {
      base::append_code_point(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point.value))));
    }
    if (is_cased(point.value)) {
      cased_before = true;
    } else if (!is_case_ignorable(point.value)) {
      cased_before = false;
    }
    at += point.size;
  }
  return out;
}

bool is_word(char32_t value) noexcept {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

std::string without_accents(std::string_view text) {
  std::string decomposed;
  if (!normalize(text, "NFD", decomposed)) return std::string(text);
  std::string kept;
  kept.reserve(decomposed.size());
  for (std::size_t at = 0; at < decomposed.size();) {
    const CodePoint point = code_point_at(decomposed, at);
    const auto* spelling = std::find_if(std::begin(spellings), std::end(spellings),
                                        [&](const Spelling& row) { return row.from == point.value; });
    if (spelling != std::end(spellings)) {
      kept += spelling->to;
    } else if (category(point.value) != UTF8PROC_CATEGORY_MN) {
      kept.append(decomposed, at, point.size);
    }
    at += point.size;
  }
  std::string out;
  return normalize(kept, "NFC", out) ? out : kept;
}

bool normalize(std::string_view text, std::string_view form, std::string& out) {
  int options = UTF8PROC_STABLE;
  if (form == "NFC") {
    options |= UTF8PROC_COMPOSE;
  } else if (form == "NFD") {
    options |= UTF8PROC_DECOMPOSE;
  } else if (form == "NFKC") {
    options |= UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
  } else if (form == "NFKD") {
    options |= UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
  } else {
    return false;
  }
  out.assign(text);
  if (is_ascii(text)) return true;
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &result, static_cast<utf8proc_option_t>(options));
  if (size >= 0) out.assign(reinterpret_cast<const char*>(result), static_cast<std::size_t>(size));
  std::free(result);  // utf8proc allocates with malloc; bytes that are no UTF-8 stay as they are
  return true;
}

int compare_text(std::string_view left, std::string_view right) noexcept {
  const std::size_t common = std::min(left.size(), right.size());
  std::size_t at = 0;
  while (at < common && left[at] == right[at]) ++at;
  if (at == common) return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
  auto a = static_cast<unsigned char>(left[at]);
  auto b = static_cast<unsigned char>(right[at]);
  // In UTF-16, code points from U+10000 on (lead F0 and up) begin with a surrogate, below U+E000 (lead EE and EF).
  if (a >= 0xEE && b >= 0xEE && (a >= 0xF0) != (b >= 0xF0)) std::swap(a, b);
  return a < b ? -1 : 1;
}

}  // namespace fnstack::expr
