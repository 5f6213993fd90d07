// Source: a text with a name, and places in it. Offsets are bytes; lines and columns are for people.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fnstack {

// Bytes [begin, end) of a source.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// Both count from 1; columns count code points.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// Immutable; shared by the definitions read from it, so that errors can show the line long after.
class Source {
 public:
  // `name` is what messages call it: a path, "<inline>". `text` is taken as it is, byte order mark and all.
  static std::shared_ptr<const Source> make(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  // An offset beyond the end is taken as the end.
  [[nodiscard]] Position position(std::uint32_t offset) const noexcept;
  // The line's text without its line break. `line` counts from 1.
  [[nodiscard]] std::string_view line(std::uint32_t line) const noexcept;

  Source(std::string name, std::string text);

 private:
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
};

using SourcePtr = std::shared_ptr<const Source>;

}  // namespace fnstack
