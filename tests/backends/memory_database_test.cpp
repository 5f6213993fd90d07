#include <stdexcept>

#include "contracts/database_contract.hpp"

using namespace fnstack_test;

TEST_CASE("memory database keeps the contract") {
  database_contract([] { return memory_database(); });
}

TEST_CASE("memory database takes no SQL") {
  CHECK(ask(*memory_database(), R"({"kind": "sql", "sql": "SELECT 1"})") ==
        "error database: the memory database takes no SQL; run with SQLite or PostgreSQL");
}

TEST_CASE("memory database: the greatest id has no next") {
  const auto database = memory_database();
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 9223372036854775807}})");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 1}})") ==
        R"(error database: table "t" has no id left)");
}

TEST_CASE("callback database asks its function and catches what it throws") {
  const auto database = callback_database([](const DatabaseCommand& command) -> Result<Value> {
    if (command.table == "bad") throw std::runtime_error("no luck");
    if (command.table == "worse") throw 7;
    return Value(command.table);
  });
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"("t")");
  CHECK(ask(*database, R"({"kind": "query", "table": "bad"})") ==
        "error database: the database callback threw: no luck");
  CHECK(ask(*database, R"({"kind": "query", "table": "worse"})") ==
        "error database: the database callback threw something that is no std::exception");
}
