// The PostgreSQL server that the tests of one program share, and databases of fnstack on it.
#pragma once

#include <fnstack/backends/postgres.hpp>

#include "support/postgres_server.hpp"
#include "support/store_commands.hpp"

namespace fnstack_test {

// Null: none is installed.
inline PostgresServer* postgres_here() {
  static const std::unique_ptr<PostgresServer> started = PostgresServer::start({"max_connections=30"});
  return started.get();
}

inline std::shared_ptr<Database> open_postgres(PostgresOptions options) {
  auto opened = postgres_database(std::move(options));
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened.ok());
  return *opened;
}

inline std::shared_ptr<Database> open_postgres(const std::string& database, bool auto_schema = false) {
  PostgresOptions options;
  options.url = postgres_here()->url(database);
  options.auto_schema = auto_schema;
  return open_postgres(std::move(options));
}

}  // namespace fnstack_test
