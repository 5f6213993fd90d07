#include "base/in_quotes.hpp"

#include <cstddef>

#include <fnstack/json.hpp>

namespace fnstack::base {
namespace {

// Long enough for any name worth reading, short enough for one line.
constexpr std::size_t longest_quote = 60;

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string shortened;
  if (text.size() > longest_quote) {
    std::size_t end = longest_quote;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // never within a character
    shortened.append(text.substr(0, end)).append("…");
    text = shortened;
  }
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace fnstack::base
