#include "definition/markdown.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/ascii.hpp"
#include "definition/json_reader.hpp"

namespace fnstack::definition {
namespace {

struct Marks {
  char character = '`';
  std::size_t count = 0;  // 0: this line neither opens nor closes a fence
  std::size_t end = 0;    // offset in the line behind them
};

// Deeper indentation than Markdown's three blanks is taken too: fences stand in lists.
Marks marks_of(std::string_view line) noexcept {
  Marks marks;
  std::size_t at = 0;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  if (at >= line.size() || (line[at] != '`' && line[at] != '~')) return marks;
  marks.character = line[at];
  const std::size_t begin = at;
  while (at < line.size() && line[at] == marks.character) ++at;
  if (at - begin >= 3) marks.count = at - begin;
  marks.end = at;
  return marks;
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string tag_of(std::string_view info) {
  info = trimmed(info);
  return base::ascii_lower(info.substr(0, info.find_first_of(" \t,{")));
}

bool ends_with(std::string_view name, std::string_view ending) noexcept {
  if (name.size() < ending.size()) return false;
  return base::same_word(name.substr(name.size() - ending.size()), ending);
}

}  // namespace

std::vector<Fence> find_fences(std::string_view text) {
  std::vector<Fence> fences;
  Marks open;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const Marks marks = marks_of(line);
    const std::string_view behind = trimmed(line.substr(std::min(marks.end, line.size())));
    if (open.count == 0) {
      // Backticks behind backticks are a piece of code within a paragraph.
      if (marks.count > 0 && (marks.character == '~' || behind.find('`') == std::string_view::npos)) {
        open = marks;
        const std::size_t content = std::min(end + 1, text.size());
        fences.push_back(Fence{tag_of(behind), Span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)},
                               Span{static_cast<std::uint32_t>(content), static_cast<std::uint32_t>(text.size())}});
      }
    } else if (marks.count >= open.count && marks.character == open.character && behind.empty()) {
      fences.back().content.end = static_cast<std::uint32_t>(begin);
      open = Marks();
    }
    begin = end + 1;
  }
  return fences;
}

bool is_markdown(std::string_view name, std::string_view text) {
  if (ends_with(name, ".md") || ends_with(name, ".markdown")) return true;
  const std::size_t begin = skip_blank(text, 0);
  const std::string_view rest = text.substr(begin);
  if (rest.substr(0, 1) == "#" || rest.substr(0, 3) == "---") return true;
  if (rest.substr(0, 1) == "{" || rest.substr(0, 1) == "[" || rest.substr(0, 2) == "/*") return false;
  return !find_fences(text).empty();
}

}  // namespace fnstack::definition
