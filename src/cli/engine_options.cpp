#include "cli/engine_options.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <utility>

#ifdef FNSTACK_HAS_CURL
#include <fnstack/backends/curl.hpp>
#endif
#ifdef FNSTACK_HAS_POSTGRES
#include <fnstack/backends/postgres.hpp>
#endif
#ifdef FNSTACK_HAS_REDIS
#include <fnstack/backends/redis.hpp>
#endif
#ifdef FNSTACK_HAS_SQLITE
#include <fnstack/backends/sqlite.hpp>
#endif

#include "base/suggest.hpp"
#include "cli/env.hpp"
#include "cli/input.hpp"

namespace fnstack::cli {
namespace {

Error usage(std::string message) { return make_error(error_type::validation, std::move(message)); }

bool begins(std::string_view text, std::string_view with) noexcept { return text.substr(0, with.size()) == with; }

// ---- limits

struct Bounds {
  std::string_view name;
  std::int64_t least, most;
};
// Where 0 says something ("none": no redirects, no bound of wall time) it is allowed. Times stay far from what
// nanoseconds in 64 bits can hold; depths from what recursion over them can bear.
constexpr std::array special_bounds{Bounds{"call_depth", 0, 1'000'000},
                                    Bounds{"redirects", 0, 1'000},
                                    Bounds{"retry_after_s", 0, 1'000'000'000},
                                    Bounds{"wait_s", 0, 1'000'000'000},
                                    Bounds{"wall_s", 0, 1'000'000'000},
                                    Bounds{"definition_nesting", 1, 512},
                                    Bounds{"value_depth", 1, 512},
                                    Bounds{"strands", 1, 1'000'000},
                                    Bounds{"expression_nodes", 1, 65'535},
                                    Bounds{"expression_steps", 1, 1'000'000'000},
                                    Bounds{"definition_bytes", 1, 1'000'000'000}};
constexpr Bounds other_bounds{"", 1, 1'000'000'000'000'000};

Bounds bounds_of(std::string_view name) noexcept {
  for (const Bounds& bounds : special_bounds) {
    if (bounds.name == name) return bounds;
  }
  return other_bounds;
}

// ---- backends

#ifdef FNSTACK_HAS_SQLITE
// Opens its database with the first command: most runs need none, and opening one is a good part of a short run's
// time. One that can't be opened answers every command with the reason.
class LazySqlite final : public Database {
 public:
  explicit LazySqlite(SqliteOptions options) : options_(std::move(options)) {}

  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    std::call_once(opened_, [this] { database_.emplace(sqlite_database(options_)); });
    if (!*database_) {
      reply(database_->error());
      return;
    }
    (**database_)->send(std::move(command), call, std::move(reply));
  }

 private:
  SqliteOptions options_;
  std::once_flag opened_;
  std::optional<Result<std::shared_ptr<Database>>> database_;
};
#endif

// Not called where everything is built in.
[[maybe_unused]] Error lacking(std::string_view option, std::string_view what, std::string_view cmake_option) {
  return usage(std::string(option) + ": this build has no " + std::string(what) + "; build it with -D" +
               std::string(cmake_option) + "=ON");
}

Result<std::shared_ptr<Cache>> cache_of(const std::optional<std::string>& url) {
  if (!url || *url == "memory") return memory_cache();
  if (begins(*url, "redis://") || begins(*url, "rediss://") || begins(*url, "unix://")) {
#ifdef FNSTACK_HAS_REDIS
    Result<RedisOptions> options = parse_redis_url(*url);
    if (!options) return usage("--cache: " + options.error().message);
    return redis_cache(std::move(*options));
#else
    return lacking("--cache", "Redis cache", "FNSTACK_WITH_REDIS");
#endif
  }
  // An address may hold a password: it is not repeated.
  if (url->find("://") != std::string::npos) {
    return usage("--cache: expected memory, redis://HOST[:PORT][/DATABASE], rediss:// or unix:///PATH");
  }
  return usage("--cache: expected memory or redis://HOST[:PORT][/DATABASE], got \"" + *url + "\"");
}

Result<std::shared_ptr<Database>> database_of(const std::optional<std::string>& url) {
#ifdef FNSTACK_HAS_SQLITE
  if (!url) return std::shared_ptr<Database>(std::make_shared<LazySqlite>(SqliteOptions{.path = ":memory:"}));
  if (begins(*url, "sqlite:")) {
    Result<SqliteOptions> options = parse_sqlite_url(*url);
    if (!options) return usage("--database: " + options.error().message);
    return std::shared_ptr<Database>(std::make_shared<LazySqlite>(std::move(*options)));
  }
#else
  if (!url) return memory_database();
  if (begins(*url, "sqlite:")) return lacking("--database", "SQLite", "FNSTACK_WITH_SQLITE");
#endif
  if (begins(*url, "postgresql://") || begins(*url, "postgres://")) {
#ifdef FNSTACK_HAS_POSTGRES
    Result<PostgresOptions> options = parse_postgres_url(*url);
    if (!options) return usage("--database: " + options.error().message);
    Result<std::shared_ptr<Database>> database = postgres_database(std::move(*options));
    if (!database) return usage("--database: " + database.error().message);
    return database;
#else
    return lacking("--database", "PostgreSQL", "FNSTACK_WITH_POSTGRES");
#endif
  }
  // What was typed is not repeated: an address of a database may hold a password.
  return usage("--database: expected sqlite:PATH, sqlite::memory: or postgresql://USER@HOST/DATABASE");
}

#ifdef FNSTACK_HAS_CURL
std::string without(std::string_view prefix, const std::string& text) {
  return begins(text, prefix) ? text.substr(prefix.size()) : text;
}
#endif

Result<std::shared_ptr<HttpClient>> http_of(const RunCommand& command) {
#ifdef FNSTACK_HAS_CURL
  CurlOptions options;
  options.allow_private = command.allow_private;
  options.allow_hosts = command.allow_hosts;
  for (const std::string& typed : command.rewrites) {
    const std::size_t equals = typed.find('=');
    if (equals == std::string::npos) {
      return usage("--rewrite: expected ORIGIN=ORIGIN, such as https://api.example.com=http://127.0.0.1:4010, got \"" +
                   typed + "\"");
    }
    options.rewrites.emplace_back(typed.substr(0, equals), typed.substr(equals + 1));
  }
  // Each of its own, so that the message can name what was typed.
  if (Result<Done> checked = fnstack::check({.allow_hosts = options.allow_hosts}); !checked) {
    return usage("--allow-host: " + without("allowed host: ", checked.error().message));
  }
  if (Result<Done> checked = fnstack::check({.rewrites = options.rewrites}); !checked) {
    return usage("--rewrite: " + without("rewrite: ", checked.error().message));
  }
  return curl_http(std::move(options));
#else
  const std::pair<std::string_view, bool> options[] = {{"--rewrite", !command.rewrites.empty()},
                                                       {"--allow-host", !command.allow_hosts.empty()},
                                                       {"--allow-private", command.allow_private}};
  for (const auto& [option, given] : options) {
    if (given) return lacking(option, "HTTP", "FNSTACK_WITH_CURL");
  }
  return std::shared_ptr<HttpClient>();
#endif
}

}  // namespace

Result<Limits> read_limits(const std::vector<std::string>& typed) {
  Limits limits;
  for (const std::string& item : typed) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) return usage("--limit: expected NAME=VALUE, got \"" + item + "\"");
    const std::string name = item.substr(0, equals);
    const auto names = Limits::names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string message = "--limit: there is no limit \"" + name + "\"";
      if (const auto near = suggest(name, names)) {
        message += did_you_mean(near);
      } else {
        message += "; expected one of";
        for (const std::string_view known : names)
          message += (known == names.front() ? " " : ", ") + std::string(known);
      }
      return usage(std::move(message));
    }
    const Bounds bounds = bounds_of(name);
    const Result<std::int64_t> value =
        read_integer("--limit " + name, std::string_view(item).substr(equals + 1), bounds.least, bounds.most);
    if (!value) return value.error();
    limits.set(name, *value);
  }
  return limits;
}

Result<EngineOptions> engine_options(const RunCommand& command) {
  EngineOptions options;
  Result<Limits> limits = read_limits(command.limits);
  if (!limits) return std::move(limits).error();
  options.limits = *limits;
  Result<Value> env = read_env(command.env_files, command.env);
  if (!env) return std::move(env).error();
  options.env = std::move(*env);
  Result<std::shared_ptr<Cache>> cache = cache_of(command.cache);
  if (!cache) return std::move(cache).error();
  options.cache = std::move(*cache);
  Result<std::shared_ptr<Database>> database = database_of(command.database);
  if (!database) return std::move(database).error();
  options.database = std::move(*database);
  Result<std::shared_ptr<HttpClient>> http = http_of(command);
  if (!http) return std::move(http).error();
  options.http = std::move(*http);
  options.clock = command.skip_waits ? virtual_clock() : system_clock();
  return options;
}

}  // namespace fnstack::cli
