// The URL form of RedisOptions, and what is wrong with options. Opens nothing. Messages never repeat the URL: it may
// hold a password.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/backends/redis.hpp>

#include "base/ascii.hpp"
#include "base/in_quotes.hpp"
#include "base/suggest.hpp"

namespace fnstack {
namespace {

using base::in_quotes;

// Redis itself allows as many databases as its configuration says; SELECT tells.
constexpr int highest_database = 1'000'000;
// sockaddr_un has 108 bytes with the NUL.
constexpr std::size_t longest_socket_path = 107;

Error invalid(std::string message) { return make_error(error_type::validation, "cache URL: " + std::move(message)); }
Error wrong_option(std::string message) {
  return make_error(error_type::validation, "Redis options: " + std::move(message));
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 1 < text.size() ? base::hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? base::hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

std::optional<int> whole_number(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return std::nullopt;
  }
  return number;
}

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

Result<Done> set_database(RedisOptions& options, std::string_view text) {
  const auto number = whole_number(text, 0, highest_database);
  if (!number) return invalid("the database: expected a number from 0, got " + in_quotes(text));
  options.database = *number;
  return Done{};
}

Result<Done> set_credentials(RedisOptions& options, std::string_view text) {
  const std::size_t colon = text.find(':');
  auto user = percent_decoded(text.substr(0, colon));
  auto password = colon == std::string_view::npos ? std::string() : percent_decoded(text.substr(colon + 1));
  if (!user || !password) return invalid("user or password: % is not followed by two hexadecimal digits");
  if (colon == std::string_view::npos) {
    return invalid("expected USER:PASSWORD or :PASSWORD before the \"@\", got no \":\"");
  }
  options.user = std::move(*user);
  options.password = std::move(*password);
  if (options.password.empty()) return invalid("the password before the \"@\" is empty");
  return Done{};
}

Result<Done> set_host(RedisOptions& options, std::string_view text) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return invalid("the host: \"[\" without \"]\"");
    options.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    has_port = text.starts_with(':');
    if (!text.empty() && !has_port) return invalid("expected \":PORT\" or nothing after \"]\"");
    if (has_port) port = text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    has_port = colon != std::string_view::npos;
    options.host = text.substr(0, colon);
    if (has_port) port = text.substr(colon + 1);
  }
  if (options.host.empty()) return invalid("there is no host; expected redis://HOST[:PORT][/DATABASE]");
  if (!has_port) return Done{};
  const auto number = whole_number(port, 1, 65535);
  // What stands there may be the rest of a password with a "/" or "@" in it.
  if (!number) return invalid("the port: expected a number from 1 to 65535");
  options.port = *number;
  return Done{};
}

Result<Done> set_query(RedisOptions& options, std::string_view query) {
  while (!query.empty()) {
    const std::string_view option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    if (name == "db") {
      if (auto set = set_database(options, value); !set) return set;
    } else if (name == "ca_file") {
      auto path = percent_decoded(value);
      if (!path || path->empty()) return invalid("ca_file: expected a path");
      options.ca_file = std::move(*path);
    } else {
      static constexpr std::string_view names[] = {"db", "ca_file"};
      const auto near = suggest(name, names);
      return invalid("unknown option " + in_quotes(name) + (near ? did_you_mean(near) : "; known are db and ca_file"));
    }
  }
  return Done{};
}

}  // namespace

Result<Done> check(const RedisOptions& options) {
  if (options.unix_socket.empty()) {
    if (options.host.empty()) return wrong_option("host: expected a name or an address, got nothing");
    if (has_control(options.host)) return wrong_option("host: has a blank or a control character in it");
    if (options.port < 1 || options.port > 65535) {
      return wrong_option("port: expected 1 to 65535, got " + std::to_string(options.port));
    }
  } else {
    if (options.unix_socket.find('\0') != std::string::npos) {
      return wrong_option("unix_socket: the path has a NUL character in it");
    }
    if (options.unix_socket.size() > longest_socket_path) {
      return wrong_option("unix_socket: a path of a socket has at most " + std::to_string(longest_socket_path) +
                          " bytes, got " + std::to_string(options.unix_socket.size()));
    }
    if (options.tls) return wrong_option("tls: a unix socket has none");
  }
  if (!options.user.empty() && options.password.empty()) return wrong_option("user: there is no password with it");
  if (options.database < 0 || options.database > highest_database) {
    return wrong_option("database: expected a number from 0, got " + std::to_string(options.database));
  }
  if (!options.ca_file.empty() && !options.tls)
    return wrong_option("ca_file: means something with TLS only (rediss://)");
#ifndef FNSTACK_REDIS_TLS
  if (options.tls) {
    return wrong_option(
        "tls: this build has no TLS for Redis; build it with hiredis 1.0 or later and its library hiredis_ssl");
  }
#endif
  if (options.connections < 1 || options.connections > 64) {
    return wrong_option("connections: expected 1 to 64, got " + std::to_string(options.connections));
  }
  const auto milliseconds = [](const char* name, std::int64_t value) -> Result<Done> {
    if (value >= 1 && value <= 3'600'000) return Done{};
    return wrong_option(std::string(name) + ": expected 1 to 3600000 milliseconds, got " + std::to_string(value));
  };
  if (auto fine = milliseconds("connect_timeout_ms", options.connect_timeout_ms); !fine) return fine;
  if (auto fine = milliseconds("command_timeout_ms", options.command_timeout_ms); !fine) return fine;
  if (options.max_queue < 1) return wrong_option("max_queue: expected at least 1");
  if (options.max_reply_bytes < 1) {
    return wrong_option("max_reply_bytes: expected at least 1, got " + std::to_string(options.max_reply_bytes));
  }
  return Done{};
}

Result<RedisOptions> parse_redis_url(std::string_view url) {
  RedisOptions options;
  const bool unix_socket = url.starts_with("unix://");
  options.tls = url.starts_with("rediss://");
  if (!unix_socket && !options.tls && !url.starts_with("redis://")) {
    return invalid("expected redis://HOST[:PORT][/DATABASE], rediss:// or unix:///PATH[?db=N]");
  }
  url.remove_prefix(url.find("://") + 3);
  if (url.find('#') != std::string_view::npos) return invalid("\"#\" in it; write %23 in a password or path");
  const std::size_t question = url.find('?');
  const std::string_view query = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  url = url.substr(0, question);
  const std::size_t slash = std::min(url.find('/'), url.size());
  std::string_view authority = url.substr(0, slash);
  const std::string_view path = url.substr(slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto set = set_credentials(options, authority.substr(0, at)); !set) return std::move(set).error();
    authority.remove_prefix(at + 1);
  }
  if (unix_socket) {
    if (!authority.empty()) return invalid("a unix socket has no host; write three slashes: unix:///PATH");
    auto decoded = percent_decoded(path);
    if (!decoded || decoded->size() < 2) return invalid("expected the path of a socket: unix:///PATH");
    options.unix_socket = std::move(*decoded);
  } else {
    if (auto set = set_host(options, authority); !set) return std::move(set).error();
    if (path.size() > 1) {
      if (auto set = set_database(options, path.substr(1)); !set) return std::move(set).error();
    }
  }
  if (auto set = set_query(options, query); !set) return std::move(set).error();
  if (auto fine = check(options); !fine) {
    // In words of the URL, where check() speaks of options.
    return invalid(fine.error().message.substr(std::string_view("Redis options: ").size()));
  }
  return options;
}

}  // namespace fnstack
