// Records in PostgreSQL. Component fnstack::postgres.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <fnstack/database.hpp>

namespace fnstack {

struct PostgresOptions {
  // "postgresql://[USER[:PASSWORD]@][HOST[:PORT]][,…][/DATABASE][?OPTION=VALUE&…]" with libpq's options; what is left
  // out comes from libpq's environment (PGHOST …), as for every PostgreSQL client.
  std::string url = {};
  // True: tables and columns that the definition spells are created when they are first written, and one that is not
  // there yet has no rows and reads as null. False: an unknown one is an error that names near ones.
  bool auto_schema = false;
  std::size_t connections = 4;  // at most; each is opened when it is first needed, and has a thread
  std::size_t queue = 10'000;   // commands that wait for a connection; one more is an error `limit`
  int connect_timeout_ms = 5'000;
  int statement_timeout_ms = 30'000;  // of one statement, kept by the server; 0: no bound
  int lock_timeout_ms = 10'000;       // of one wait for a lock; 0: no bound
  // How long a transaction may wait for its next command before it is rolled back and its connection taken back.
  int transaction_idle_ms = 60'000;
};

// Errors: `validation`. Messages never repeat the URL, which may hold a password.
[[nodiscard]] Result<Done> check(const PostgresOptions& options);

// Connects with the first command. Commands are answered on the connections' threads, those outside a transaction in
// any order; a transaction keeps one connection from its begin to its end, and its commands come one after another.
// An unreachable server is an error `database`; when it is back, so are the commands. Closing it answers what still
// waits with an error and ends what runs.
[[nodiscard]] Result<std::shared_ptr<Database>> postgres_database(PostgresOptions options);

// The URL with options of our own beside libpq's: schema=auto|strict, connections=N, statement_timeout=MS,
// lock_timeout=MS. Errors: `validation`.
[[nodiscard]] Result<PostgresOptions> parse_postgres_url(std::string_view url);

}  // namespace fnstack
