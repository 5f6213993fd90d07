#include "cli/env.hpp"

#include <cstdlib>
#include <optional>
#include <utility>

#include "base/utf8.hpp"
#include "cli/input.hpp"

namespace fnstack::cli {
namespace {

constexpr std::uint64_t longest_file = std::uint64_t{16} << 20;

Error usage(std::string message) { return make_error(error_type::validation, std::move(message)); }

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A name that a template can spell after `env.`, or in brackets: anything without blanks and controls.
bool is_name(std::string_view name) noexcept {
  if (name.empty() || !base::is_utf8(name)) return false;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '\'') return false;
  }
  return true;
}

// What is wrong with a value, if anything.
std::optional<std::string> wrong_with(std::string_view value) {
  if (!base::is_utf8(value)) return "the value is not UTF-8";
  if (value.find('\0') != std::string_view::npos) return "the value holds a NUL";
  return std::nullopt;
}

// A line's value without its quotes and comment, or what is wrong with it.
Result<std::string_view> value_of(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const std::size_t end = text.find(text[0], 1);
    if (end == std::string_view::npos) return usage("the quote is not closed");
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (!is_blank(rest[0]) || (trimmed(rest)[0] != '#'))) {
      return usage("expected the end of the line or a comment after the closing quote");
    }
    return text.substr(1, end - 1);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || is_blank(text[i - 1]))) return trimmed(text.substr(0, i));
  }
  return text;
}

}  // namespace

Result<Done> read_env_text(std::string_view name, std::string_view text, Value& env) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#') continue;
    const std::string place = std::string(name) + ":" + std::to_string(number) + ": ";
    const std::size_t equals = line.find('=');
    // The line is not quoted: it may be a secret.
    if (equals == std::string_view::npos) return usage(place + "expected NAME=VALUE");
    const std::string_view key = trimmed(line.substr(0, equals));
    if (!is_name(key)) return usage(place + "expected a name without blanks and quotes before \"=\"");
    const Result<std::string_view> value = value_of(line.substr(equals + 1));
    if (!value) return usage(place + std::string(key) + ": " + value.error().message);
    if (const auto wrong = wrong_with(*value)) return usage(place + std::string(key) + ": " + *wrong);
    env.set(key, Value(*value));
  }
  return Done{};
}

Result<Value> read_env(const std::vector<std::string>& files, const std::vector<std::string>& typed) {
  Value env = Value::object();
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, longest_file);
    if (!text) return usage("--env-file: " + text.error().message);
    if (text->size() > longest_file) return usage("--env-file: " + file + ": more than 16 MiB of text");
    if (Result<Done> read = read_env_text(file, *text, env); !read) return usage("--env-file: " + read.error().message);
  }
  for (const std::string& item : typed) {
    const std::size_t equals = item.find('=');
    const std::string key = item.substr(0, equals);
    if (!is_name(key)) return usage("--env: expected NAME=VALUE, or NAME alone for the process environment's");
    std::string_view value;
    if (equals != std::string::npos) {
      value = std::string_view(item).substr(equals + 1);
    } else if (const char* inherited = std::getenv(key.c_str())) {
      value = inherited;
    } else {
      return usage("--env " + key + ": the process environment has no such variable; give --env " + key + "=VALUE");
    }
    if (const auto wrong = wrong_with(value)) return usage("--env " + key + ": " + *wrong);
    env.set(key, Value(value));
  }
  return env;
}

}  // namespace fnstack::cli
