// Diagnostics as text for people: the place, the words, the line with a caret below it. What the text quotes may
// come from anyone, so nothing in it reaches a terminal as a control sequence or turns the reading direction.
#include <utf8proc.h>

#include <algorithm>
#include <tuple>

#include <fnstack/error.hpp>

#include "base/safe_text.hpp"
#include "base/severity_name.hpp"
#include "base/utf8.hpp"

namespace fnstack {
namespace {

// Longer lines are shown in part, around the place.
constexpr std::size_t widest_line = 160;

using base::append_safe;
using base::is_unsafe;
using base::severity_name;

// One code point of a source line as it is shown.
struct Cell {
  std::string text;
  std::size_t width;   // columns of a terminal
  std::size_t offset;  // in the line
};

std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = base::code_point_length(line, i);
    const std::size_t taken = std::max<std::size_t>(length, 1);
    Cell cell{std::string(base::replacement_character), 1, i};
    if (length > 0) {
      const std::uint32_t code = base::code_point_at(line, i, length);
      if (code == '\t') {
        cell.text = "\t";
      } else if (code < 0x20) {
        cell.text.clear();
        base::append_code_point(cell.text, 0x2400 + code);  // the control's picture
      } else if (code == 0xFEFF && i == 0) {
        cell.text.clear();  // a byte order mark
        cell.width = 0;
      } else if (!is_unsafe(code)) {
        cell.text.assign(line, i, length);
        const int width = utf8proc_charwidth(static_cast<utf8proc_int32_t>(code));
        cell.width = width < 0 ? 1 : static_cast<std::size_t>(width);
      }
    }
    cells.push_back(std::move(cell));
    i += taken;
  }
  return cells;
}

// The part of a long line to look at, so that decoding it costs no more than showing it. In whole code points.
std::string_view window(std::string_view line, std::size_t& begin, std::size_t& end, bool& cut_left, bool& cut_right) {
  constexpr std::size_t before = widest_line / 2;
  const auto is_inside = [&](std::size_t at) { return at < line.size() && base::continues_code_point(line[at]); };
  cut_left = cut_right = false;
  if (line.size() <= widest_line) return line;
  // Columns are no more than bytes: a line of few columns and many bytes is counted first.
  std::size_t columns = 0;
  for (std::size_t i = 0; i < line.size() && columns <= widest_line; ++i) columns += is_inside(i) ? 0 : 1;
  if (columns <= widest_line) return line;
  std::size_t from = begin;
  for (std::size_t steps = 0; from > 0 && steps < before; ++steps) {
    --from;
    while (from > 0 && is_inside(from)) --from;
  }
  std::size_t to = from;
  for (std::size_t steps = 0; to < line.size() && steps < widest_line; ++steps) {
    ++to;
    while (is_inside(to)) ++to;
  }
  cut_left = from > 0;
  cut_right = to < line.size();
  begin -= from;
  end = std::min(end, to) - from;
  return line.substr(from, to - from);
}

void append_excerpt(std::string& out, const Source& source, Span span, Position position) {
  const std::string number = std::to_string(position.line);
  const std::string_view all = source.text();
  const std::string_view whole = source.line(position.line);
  const std::size_t start = static_cast<std::size_t>(whole.data() - all.data());
  std::size_t begin = std::min<std::size_t>(span.begin, all.size());
  begin = begin < start ? 0 : std::min(begin - start, whole.size());
  std::size_t end = std::min<std::size_t>(span.end, all.size());
  end = end < start ? 0 : std::min(end - start, whole.size());
  bool cut_left = false;
  bool cut_right = false;
  const std::string_view line = window(whole, begin, end, cut_left, cut_right);

  std::string text;
  std::string marks;
  if (cut_left) {
    text += "...";
    marks += "   ";
  }
  bool marked = false;
  for (const Cell& cell : cells_of(line)) {
    text += cell.text;
    const std::size_t next = cell.offset + std::max<std::size_t>(base::code_point_length(line, cell.offset), 1);
    if (!marked && next <= begin) {
      marks += cell.text == "\t" ? "\t" : std::string(cell.width, ' ');
    } else if (!marked) {
      marks += '^';
      if (cell.width > 1 && cell.offset < end) marks.append(cell.width - 1, '~');
      marked = true;
    } else if (cell.offset < end) {
      marks.append(cell.width, '~');
    }
  }
  if (!marked) marks += '^';
  if (cut_right) text += "...";
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();

  out += "  " + number + " |";
  if (!text.empty()) out += " " + text;
  out += "\n  " + std::string(number.size(), ' ') + " | " + marks + "\n";
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic) {
  std::string out;
  const Source* source = diagnostic.source.get();
  Position position;
  if (source != nullptr) {
    position = source->position(diagnostic.span.begin);
    append_safe(out, source->name());
    out += ':' + std::to_string(position.line) + ':' + std::to_string(position.column) + ": ";
  }
  out += severity_name(diagnostic.severity);
  out += ": ";
  append_safe(out, diagnostic.message);
  out += '\n';
  if (source != nullptr) append_excerpt(out, *source, diagnostic.span, position);
  if (!diagnostic.context.empty() || !diagnostic.path.empty()) {
    out += diagnostic.context.empty() ? "  at " : "  in ";
    append_safe(out, diagnostic.context);
    if (!diagnostic.context.empty() && !diagnostic.path.empty()) out += " (";
    append_safe(out, diagnostic.path);
    if (!diagnostic.context.empty() && !diagnostic.path.empty()) out += ')';
    out += '\n';
  }
  if (!diagnostic.hint.empty()) {
    out += "  hint: ";
    append_safe(out, diagnostic.hint);
    out += '\n';
  }
  return out;
}

bool Diagnostics::has_errors() const noexcept {
  return std::any_of(items_.begin(), items_.end(),
                     [](const Diagnostic& item) { return item.severity == Diagnostic::Severity::error; });
}

void Diagnostics::sort() {
  const auto name = [](const Diagnostic& item) {
    return item.source == nullptr ? std::string_view() : std::string_view(item.source->name());
  };
  std::stable_sort(items_.begin(), items_.end(), [&](const Diagnostic& left, const Diagnostic& right) {
    return std::forward_as_tuple(name(left), left.span.begin) < std::forward_as_tuple(name(right), right.span.begin);
  });
}

std::string Diagnostics::to_text() const {
  std::string out;
  for (const Diagnostic& item : items_) out += fnstack::to_text(item);
  return out;
}

}  // namespace fnstack
