// What the command reads: files, stdin, and arguments that are JSON, a file's name or numbers. Errors are of type
// `validation` and name what was typed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/json.hpp>
#include <fnstack/source.hpp>

namespace fnstack::cli {

// What the system says of an errno, in lower case.
[[nodiscard]] std::string system_reason(int error);

// A regular file, a pipe or a device; reading stops one byte after max_bytes, so that what is longer can be told.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes);
// A definition's text, no further than its limit and a byte.
[[nodiscard]] Result<SourcePtr> read_source(const std::string& path, std::int64_t definition_bytes);

// JSON, @FILE, or - for stdin if that is allowed: an object. `option` is for messages: "--inputs".
[[nodiscard]] Result<Value> read_object(std::string_view option, const std::string& text, bool allow_stdin,
                                        const JsonLimits& limits);

// A whole decimal number within these bounds.
[[nodiscard]] Result<std::int64_t> read_integer(std::string_view option, std::string_view text, std::int64_t least,
                                                std::int64_t most);
// Seconds, decimals allowed, more than 0, as milliseconds.
[[nodiscard]] Result<std::int64_t> read_seconds(std::string_view option, std::string_view text);

// Stdin line by line, as soon as a line is there: for a caller that waits for each answer.
class LineReader {
 public:
  // False at the end. A line longer than this class allows is skipped and answered as `too_long`.
  [[nodiscard]] bool next(std::string& line, bool& too_long);
  // After the end: why there was no more to read, 0 if that was all.
  [[nodiscard]] int error() const noexcept { return error_; }
  static constexpr std::size_t longest_line = std::size_t{64} << 20;

 private:
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  int error_ = 0;
};

}  // namespace fnstack::cli
