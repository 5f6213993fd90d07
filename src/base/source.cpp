#include <fnstack/source.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.hpp"

namespace fnstack {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

std::shared_ptr<const Source> Source::make(std::string name, std::string text) {
  return std::make_shared<const Source>(std::move(name), std::move(text));
}

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  // Offsets have 32 bits; what lies beyond them has no lines.
  const std::size_t end = std::min<std::size_t>(text_.size(), std::numeric_limits<std::uint32_t>::max());
  for (std::size_t i = 0; i < end; ++i) {
    const bool breaks = text_[i] == '\n' || (text_[i] == '\r' && !(i + 1 < end && text_[i + 1] == '\n'));
    if (breaks) line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

Position Source::position(std::uint32_t offset) const noexcept {
  const std::size_t place = std::min<std::size_t>(offset, text_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), place);
  std::size_t start = *(after - 1);
  Position position;
  position.line = static_cast<std::uint32_t>(after - line_starts_.begin());
  if (start == 0 && place >= byte_order_mark.size() && text_.compare(0, 3, byte_order_mark) == 0) {
    start = byte_order_mark.size();  // no editor shows it
  }
  position.column +=
      static_cast<std::uint32_t>(base::code_points_in(std::string_view(text_).substr(start, place - start)));
  // An offset inside a code point is that code point's place.
  if (place < text_.size() && base::continues_code_point(text_[place]) && position.column > 1) {
    --position.column;
  }
  return position;
}

std::string_view Source::line(std::uint32_t line) const noexcept {
  if (line == 0 || line > line_starts_.size()) return {};
  const std::size_t begin = line_starts_[line - 1];
  std::size_t end = line < line_starts_.size() ? line_starts_[line] : text_.size();
  while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
  return std::string_view(text_).substr(begin, end - begin);
}

}  // namespace fnstack
