// The URL form of PostgresOptions, read strictly: what libpq would find wrong it would quote, password and all.
#include "backends/postgres_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/ascii.hpp"
#include "base/in_quotes.hpp"
#include "base/suggest.hpp"

namespace fnstack {
namespace {

Error invalid(std::string message) { return make_error(error_type::validation, "database URL: " + std::move(message)); }

using base::in_quotes;

// libpq's options that may stand in the URL. Left out: those that name files of other settings (service, passfile) or
// would undo what the backend relies on (client_encoding, replication).
constexpr std::array<std::string_view, 29> libpq_options{"application_name",
                                                         "channel_binding",
                                                         "connect_timeout",
                                                         "dbname",
                                                         "gssencmode",
                                                         "host",
                                                         "hostaddr",
                                                         "keepalives",
                                                         "keepalives_count",
                                                         "keepalives_idle",
                                                         "keepalives_interval",
                                                         "krbsrvname",
                                                         "load_balance_hosts",
                                                         "options",
                                                         "password",
                                                         "port",
                                                         "require_auth",
                                                         "ssl_max_protocol_version",
                                                         "ssl_min_protocol_version",
                                                         "sslcert",
                                                         "sslcrl",
                                                         "sslkey",
                                                         "sslmode",
                                                         "sslnegotiation",
                                                         "sslpassword",
                                                         "sslrootcert",
                                                         "target_session_attrs",
                                                         "tcp_user_timeout",
                                                         "user"};
constexpr std::array<std::string_view, 4> own_options{"schema", "connections", "statement_timeout", "lock_timeout"};

bool is_alphanumeric(char letter) noexcept {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
}

using base::hex_digit;

// Letters, digits, %XX (but %00) and the marks given.
bool is_made_of(std::string_view text, std::string_view marks) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      if (at + 2 >= text.size() || hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0) return false;
      if (hex_digit(text[at + 1]) == 0 && hex_digit(text[at + 2]) == 0) return false;
      at += 2;
    } else if (!is_alphanumeric(text[at]) && marks.find(text[at]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      out += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

bool read_count(std::string_view text, int least, int& number) noexcept {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() && number >= least;
}

struct Parts {
  std::string_view user_info, hosts, database, query;
};

Result<Parts> split(std::string_view url) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    Parts parts;
    const std::size_t question = url.find('?');
    if (question != std::string_view::npos) parts.query = url.substr(question + 1);
    url = url.substr(0, question);
    const std::size_t slash = url.find('/');
    if (slash != std::string_view::npos) parts.database = url.substr(slash + 1);
    url = url.substr(0, slash);
    const std::size_t at = url.rfind('@');
    if (at != std::string_view::npos) parts.user_info = url.substr(0, at);
    parts.hosts = at == std::string_view::npos ? url : url.substr(at + 1);
    return parts;
  }
  return invalid("expected postgresql://USER@HOST/DATABASE");
}

Result<Done> check_host(std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || !is_made_of(host.substr(1, end - 1), ":."))
      return invalid("expected an IPv6 address between [ and ]");
    port = host.substr(end + 1);
    if (!port.empty() && port[0] != ':') return invalid("expected :PORT after an IPv6 address");
  } else {
    const std::size_t colon = host.find(':');
    if (!is_made_of(host.substr(0, colon), "-._~")) {
      return invalid("the host has characters that no host has; in a user's name or password write them as %XX");
    }
    port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
  }
  int number = 0;
  if (!port.empty() && (!read_count(port.substr(1), 1, number) || number > 65'535))
    return invalid("expected a port from 1 to 65535");
  return Done{};
}

Result<Done> check_parts(const Parts& parts) {
  if (!is_made_of(parts.user_info, ":-._~!$&'()*+,;="))
    return invalid("the user's name or password has characters that must be written as %XX");
  std::string_view hosts = parts.hosts;
  while (!hosts.empty()) {
    const std::string_view host = hosts.substr(0, hosts.find(','));
    if (auto checked = check_host(host); !checked) return checked;
    hosts.remove_prefix(std::min(hosts.size(), host.size() + 1));
  }
  if (!is_made_of(parts.database, "-._~!$&'()*+,;=:@"))
    return invalid("the database's name has characters that must be written as %XX");
  return Done{};
}

// NAME=VALUE of a query, each checked.
Result<std::vector<std::pair<std::string_view, std::string_view>>> read_query(std::string_view query) {
  std::vector<std::pair<std::string_view, std::string_view>> options;
  while (!query.empty()) {
    const std::string_view option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (!is_made_of(name, "_") || name.find('%') != std::string_view::npos)
      return invalid("expected options as NAME=VALUE, joined by &");
    if (equals == std::string_view::npos) return invalid("option " + in_quotes(name) + ": expected NAME=VALUE");
    const std::string_view value = option.substr(equals + 1);
    if (!is_made_of(value, "-._~!$'()*,;:@/"))
      return invalid("option " + in_quotes(name) + ": its value has characters that must be written as %XX");
    std::vector<std::string_view> known(libpq_options.begin(), libpq_options.end());
    known.insert(known.end(), own_options.begin(), own_options.end());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto near = suggest(name, known);
      return invalid("unknown option " + in_quotes(name) + did_you_mean(near));
    }
    options.emplace_back(name, value);
  }
  return options;
}

Result<Done> set_option(PostgresOptions& options, std::string_view name, std::string_view value) {
  if (name == "schema") {
    if (value != "strict" && value != "auto")
      return invalid("schema: expected strict or auto, got " + in_quotes(value));
    options.auto_schema = value == "auto";
    return Done{};
  }
  int number = 0;
  if (!read_count(value, name == "connections" ? 1 : 0, number)) {
    return invalid(std::string(name) + ": expected a number" +
                   (name == "connections" ? " from 1" : " of milliseconds") + ", got " + in_quotes(value));
  }
  if (name == "connections") options.connections = static_cast<std::size_t>(number);
  if (name == "statement_timeout") options.statement_timeout_ms = number;
  if (name == "lock_timeout") options.lock_timeout_ms = number;
  return Done{};
}

}  // namespace

Result<Done> check(const PostgresOptions& options) {
  auto parts = split(options.url);
  if (!parts) return std::move(parts).error();
  if (auto checked = check_parts(*parts); !checked) return checked;
  auto query = read_query(parts->query);
  if (!query) return std::move(query).error();
  for (const auto& [name, value] : *query) {
    if (std::find(own_options.begin(), own_options.end(), name) != own_options.end())
      return invalid("option " + in_quotes(name) + " is read by parse_postgres_url");
  }
  const auto wrong = [](std::string message) { return make_error(error_type::validation, "postgres: " + message); };
  if (options.connections < 1 || options.connections > 1'000) return wrong("connections: expected 1 to 1000");
  if (options.queue < 1) return wrong("queue: expected 1 or more");
  if (options.connect_timeout_ms < 1) return wrong("connect_timeout_ms: expected 1 or more");
  if (options.statement_timeout_ms < 0) return wrong("statement_timeout_ms: expected 0 or more");
  if (options.lock_timeout_ms < 0) return wrong("lock_timeout_ms: expected 0 or more");
  if (options.transaction_idle_ms < 1) return wrong("transaction_idle_ms: expected 1 or more");
  return Done{};
}

Result<PostgresOptions> parse_postgres_url(std::string_view url) {
  PostgresOptions options;
  auto parts = split(url);
  if (!parts) return std::move(parts).error();
  auto query = read_query(parts->query);
  if (!query) return std::move(query).error();
  options.url = url.substr(0, url.find('?'));
  char joint = '?';
  for (const auto& [name, value] : *query) {
    if (std::find(own_options.begin(), own_options.end(), name) != own_options.end()) {
      if (auto set = set_option(options, name, value); !set) return std::move(set).error();
      continue;
    }
    options.url += joint + std::string(name) + "=" + std::string(value);
    joint = '&';
  }
  if (auto checked = check(options); !checked) return std::move(checked).error();
  return options;
}

namespace backends {

std::string connection_string(const PostgresOptions& options) {
  std::string url = options.url;
  const auto parts = split(url);
  const auto given = parts ? read_query(parts->query)
                           : Result<std::vector<std::pair<std::string_view, std::string_view>>>(parts.error());
  std::string more;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!given) return;
    for (const auto& option : *given) {
      if (option.first == name) return;
    }
    more += "&" + std::string(name) + "=" + value;
  };
  // libpq counts whole seconds, from 2.
  add("connect_timeout", std::to_string(std::max(2, (options.connect_timeout_ms + 999) / 1'000)));
  add("application_name", "fnstack");
  add("keepalives_idle", "30");
  add("keepalives_interval", "5");
  add("keepalives_count", "3");
  add("tcp_user_timeout", "30000");
  if (more.empty()) return url;
  if (url.find('?') == std::string::npos) more[0] = '?';
  return url + more;
}

std::string without_password(const std::string& url, std::string text) {
  const auto parts = split(url);
  if (!parts) return text;
  std::vector<std::string> secrets;
  if (const std::size_t colon = parts->user_info.find(':'); colon != std::string_view::npos) {
    secrets.emplace_back(parts->user_info.substr(colon + 1));
  }
  if (const auto query = read_query(parts->query)) {
    for (const auto& [name, value] : *query) {
      if (name == "password" || name == "sslpassword") secrets.emplace_back(value);
    }
  }
  for (std::size_t at = 0, count = secrets.size(); at < count; ++at) secrets.push_back(decoded(secrets[at]));
  for (const std::string& secret : secrets) {
    if (secret.size() < 3) continue;  // a word of any message
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "…");
  }
  return text;
}

}  // namespace backends
}  // namespace fnstack
