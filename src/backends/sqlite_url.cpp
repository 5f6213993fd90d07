// The URL form of SqliteOptions. Touches no file.
#include <charconv>
#include <string>
#include <string_view>

#include <fnstack/backends/sqlite.hpp>

#include "base/in_quotes.hpp"
#include "base/suggest.hpp"

namespace fnstack {
namespace {

Error invalid(std::string message) { return make_error(error_type::validation, "database URL: " + std::move(message)); }

using base::in_quotes;

Result<Done> set_option(SqliteOptions& options, std::string_view name, std::string_view value) {
  if (name == "schema") {
    if (value != "strict" && value != "auto")
      return invalid("schema: expected strict or auto, got " + in_quotes(value));
    options.strict_schema = value == "strict";
    return Done{};
  }
  if (name == "mode") {
    if (value != "ro" && value != "rw") return invalid("mode: expected ro or rw, got " + in_quotes(value));
    options.read_only = value == "ro";
    return Done{};
  }
  if (name == "busy_timeout") {
    int milliseconds = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (problem != std::errc() || end != value.data() + value.size() || milliseconds < 0) {
      return invalid("busy_timeout: expected milliseconds, got " + in_quotes(value));
    }
    options.busy_timeout_ms = milliseconds;
    return Done{};
  }
  static constexpr std::string_view names[] = {"schema", "mode", "busy_timeout"};
  const auto near = suggest(name, names);
  return invalid("unknown option " + in_quotes(name) +
                 (near ? "; did you mean " + in_quotes(*near) + "?" : "; known are schema, mode and busy_timeout"));
}

}  // namespace

Result<SqliteOptions> parse_sqlite_url(std::string_view url) {
  constexpr std::string_view scheme = "sqlite:";
  if (!url.starts_with(scheme)) return invalid("expected sqlite:PATH or sqlite::memory:");
  url.remove_prefix(scheme.size());
  const std::size_t question = url.find('?');
  SqliteOptions options;
  options.path = url.substr(0, question);
  if (options.path.empty())
    return invalid("expected a path after \"sqlite:\"; sqlite::memory: is a database in memory");
  if (options.path.find('\0') != std::string::npos) return invalid("the path has a NUL character in it");
  if (options.path.starts_with("//") && !options.path.starts_with("///")) {
    return invalid(
        "\"sqlite://\" names a host, and SQLite has none; write sqlite:file.db or sqlite:/directory/file.db");
  }
  std::string_view rest = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view option = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos) return invalid("option " + in_quotes(option) + ": expected NAME=VALUE");
    if (auto set = set_option(options, option.substr(0, equals), option.substr(equals + 1)); !set)
      return std::move(set).error();
  }
  return options;
}

}  // namespace fnstack
