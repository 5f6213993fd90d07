#include "base/in_quotes.hpp"

#include <cstddef>

#include <fnstack/json.hpp>

#include "base/utf8.hpp"

namespace fnstack::base {
namespace {

// Long enough for any name worth reading, short enough for one line.
constexpr std::size_t longest_quote = 60;

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string shortened;
  if (text.size() > longest_quote) {
    shortened.append(whole_code_points(text, longest_quote)).append("…");
    text = shortened;
  }
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string json_beginning(const Value& value, std::size_t most) {
  return std::string(whole_code_points(to_json(value), most));
}

}  // namespace fnstack::base
