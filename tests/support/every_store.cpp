#include "support/every_store.hpp"

#ifdef FNSTACK_HAS_SQLITE
#include <fnstack/backends/sqlite.hpp>
#endif
#ifdef FNSTACK_HAS_REDIS
#include <fnstack/backends/redis.hpp>

#include "support/redis_server.hpp"
#endif
#ifdef FNSTACK_HAS_POSTGRES
#include "support/postgres_here.hpp"
#endif

namespace fnstack_test {

std::vector<NamedDatabase> every_database() {
  std::vector<NamedDatabase> all{{"memory", fnstack::memory_database()}};
#ifdef FNSTACK_HAS_SQLITE
  fnstack::SqliteOptions options;
  options.path = ":memory:";
  all.push_back({"SQLite", *fnstack::sqlite_database(options)});
#endif
#ifdef FNSTACK_HAS_POSTGRES
  if (postgres_here() != nullptr)
    all.push_back({"PostgreSQL", open_postgres(postgres_here()->create_database(), true)});
#endif
  return all;
}

std::vector<NamedCache> every_cache() {
  std::vector<NamedCache> all{{"memory", fnstack::memory_cache()}};
#ifdef FNSTACK_HAS_REDIS
  static const std::unique_ptr<RedisServer> server = RedisServer::start();
  if (server != nullptr) {
    (void)server->command({"FLUSHALL"});
    fnstack::RedisOptions options;
    options.port = server->port();
    all.push_back({"Redis", fnstack::redis_cache(options)});
  }
#endif
  return all;
}

}  // namespace fnstack_test
