// A cache in Redis (component fnstack::redis).
//
//   auto options = fnstack::parse_redis_url("redis://:secret@127.0.0.1:6379/2");
//   auto cache = fnstack::redis_cache(*options);
//
// Values are plain JSON text under the key itself, so any other client can read them. Beside a value that was set or
// counted stands `{key}:stored_at` (`key:stored_at` if the key has braces): when that was, read for `.age` only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <fnstack/cache.hpp>
#include <fnstack/error.hpp>

namespace fnstack {

struct RedisOptions {
  std::string host = "127.0.0.1";  // a name or an address
  int port = 6379;
  std::string unix_socket = {};  // a path; takes the place of host and port
  std::string user = {};         // with password: AUTH; empty: the default user
  std::string password = {};
  int database = 0;          // SELECT
  bool tls = false;          // needs a build with hiredis 1.0 or later and its library for TLS
  std::string ca_file = {};  // PEM; empty: the system's certificates

  std::size_t connections = 2;  // the second serves when the first is slow or has much to do
  std::int64_t connect_timeout_ms = 3'000;
  std::int64_t command_timeout_ms = 5'000;  // the call's own deadline may come sooner
  std::size_t max_queue = 10'000;           // commands that wait for an answer; one more is an error at once
  std::int64_t max_reply_bytes = std::int64_t{64} << 20;
};

// What is wrong with the options, if anything: `validation`, with the option's name in the message.
[[nodiscard]] Result<Done> check(const RedisOptions& options);

// "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]", "rediss://" for TLS, "unix://[USER:PASSWORD@]/PATH[?db=N]"; all
// take ?ca_file=PATH where it means something. User, password and paths are percent-decoded. Errors: `validation`,
// which never repeat the URL.
[[nodiscard]] Result<RedisOptions> parse_redis_url(std::string_view url);

// Thread-safe. The thread starts with the first command and ends with the cache, which answers what is outstanding
// with `cancelled`. It connects when there is something to do, and again after a loss: at once, then with growing
// pauses of at most a second. Commands of many callers leave in one write. A command that may have been performed is
// sent again only if it reads or sets. Commands sent without waiting for each other are performed in any order. With
// wrong options every command is answered with what check() says. on_loop(): no thread but one for each attempt to
// connect; connections and max_queue are each loop's. The loop does not need the cache any more; when it is let go of,
// on its thread, it answers what is outstanding with `cancelled`.
//
// Errors: `cache`; `timeout` where Redis was too slow; `limit` for a reply beyond max_reply_bytes; `cancelled`;
// `validation` for a command that no cache performs. Keys that are no UTF-8 are left out of what `keys` answers.
[[nodiscard]] std::shared_ptr<Cache> redis_cache(RedisOptions options = {});

}  // namespace fnstack
