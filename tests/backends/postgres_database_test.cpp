// PostgreSQL keeps the contract of databases, and what it has beyond it.
#include <fnstack/backends/postgres.hpp>

#include "contracts/database_contract.hpp"
#include "support/postgres_server.hpp"

using namespace fnstack_test;

namespace {

// One for the whole program; null: none is installed.
PostgresServer* server() {
  static const std::unique_ptr<PostgresServer> started = PostgresServer::start();
  return started.get();
}

std::shared_ptr<Database> open(const std::string& database, bool auto_schema = false) {
  PostgresOptions options;
  options.url = server()->url(database);
  options.auto_schema = auto_schema;
  auto opened = postgres_database(std::move(options));
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened.ok());
  return *opened;
}

}  // namespace

TEST_CASE("postgres keeps the contract") {
  if (server() == nullptr) return;
  DatabaseTraits traits;
  traits.ids_come_again = false;
  traits.one_connection = false;
  traits.bytes_beside_others = false;
  database_contract([] { return open(server()->create_database(), true); }, traits);
}
