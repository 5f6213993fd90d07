#include "cli/input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "base/ascii.hpp"
#include "base/kind_in_words.hpp"

namespace fnstack::cli {
namespace {

constexpr std::uint64_t longest_input = std::uint64_t{1} << 30;

Error usage(std::string message) { return make_error(error_type::validation, std::move(message)); }

Result<std::string> read_all(int file, const std::string& name, std::uint64_t max_bytes) {
  std::string text;
  for (;;) {
    const std::size_t step = 64 << 10;
    const std::size_t before = text.size();
    text.resize(before + step);
    const ssize_t count = ::read(file, text.data() + before, step);
    if (count < 0 && errno == EINTR) {
      text.resize(before);
      continue;
    }
    if (count < 0) return usage("can't read " + name + ": " + system_reason(errno));
    text.resize(before + static_cast<std::size_t>(count));
    if (count == 0) return text;
    if (text.size() > max_bytes) {
      text.resize(max_bytes + 1);
      return text;
    }
  }
}

}  // namespace

std::string system_reason(int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text[0] = base::ascii_lower(text[0]);
  return text;
}

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
  const std::string name = "\"" + path + "\"";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return usage("can't read " + name + ": " + system_reason(errno));
  Result<std::string> text = read_all(file, name, max_bytes);
  ::close(file);
  return text;
}

Result<SourcePtr> read_source(const std::string& path, std::int64_t definition_bytes) {
  // A Span counts in 32 bits.
  const std::int64_t most = std::min<std::int64_t>(definition_bytes, std::int64_t{1} << 31);
  Result<std::string> text = read_file(path, static_cast<std::uint64_t>(most));
  if (!text) return std::move(text).error();
  return Source::make(path, std::move(*text));
}

Result<Value> read_object(std::string_view option, const std::string& text, bool allow_stdin,
                          const JsonLimits& limits) {
  const std::string name(option);
  Result<std::string> json = text;
  std::string where;
  if (allow_stdin && text == "-") {
    where = "stdin: ";
    json = read_all(STDIN_FILENO, "stdin", longest_input);
  } else if (!text.empty() && text[0] == '@') {
    where = text.substr(1) + ": ";
    json = read_file(text.substr(1), longest_input);
  }
  if (!json) return usage(name + ": " + json.error().message);
  if (json->size() > longest_input) return usage(name + ": " + where + "more than 1 GiB of text");
  Result<Value> value = parse_json(*json, limits);
  if (!value) return usage(name + ": " + where + value.error().message);
  if (!value->is_object()) {
    return usage(name + ": " + where + "expected a JSON object, got " + std::string(base::kind_in_words(*value)));
  }
  return value;
}

Result<std::int64_t> read_integer(std::string_view option, std::string_view text, std::int64_t least,
                                  std::int64_t most) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = !text.empty() && end == text.data() + text.size() && error != std::errc::invalid_argument;
  if (!is_number || error == std::errc::result_out_of_range || number < least || number > most) {
    return usage(std::string(option) + ": expected a whole number from " + std::to_string(least) + " to " +
                 std::to_string(most) + ", got \"" + std::string(text) + "\"");
  }
  return number;
}

Result<std::int64_t> read_seconds(std::string_view option, std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool is_number = !text.empty() && end == text.data() + text.size() && error == std::errc();
  if (!is_number || !(seconds >= 0.001) || seconds > 1e9) {
    return usage(std::string(option) + ": expected seconds from 0.001 to 1000000000, got \"" + std::string(text) +
                 "\"");
  }
  return static_cast<std::int64_t>(std::llround(seconds * 1000.0));
}

bool LineReader::next(std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (;;) {
    const std::size_t end = buffer_.find('\n', at_);
    const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
    if (!too_long) line.append(buffer_, at_, stop - at_);
    if (line.size() > longest_line) {
      too_long = true;
      line.clear();
    }
    if (end != std::string::npos) {
      at_ = end + 1;
      return true;
    }
    if (ended_) {
      buffer_.clear();
      at_ = 0;
      return !line.empty() || too_long;
    }
    buffer_.resize(64 << 10);
    at_ = 0;
    const ssize_t count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    const bool again = count < 0 && errno == EINTR;
    if (count < 0 && !again) error_ = errno;
    buffer_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count <= 0 && !again) ended_ = true;
  }
}

}  // namespace fnstack::cli
