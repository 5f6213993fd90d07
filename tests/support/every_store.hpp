// Every database and cache that this build and this machine have, each of them empty.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <fnstack/cache.hpp>
#include <fnstack/database.hpp>

namespace fnstack_test {

struct NamedDatabase {
  std::string name;  // "memory", "SQLite", "PostgreSQL"
  std::shared_ptr<fnstack::Database> database;
};
struct NamedCache {
  std::string name;  // "memory", "Redis"
  std::shared_ptr<fnstack::Cache> cache;
};

// The memory one comes first. They make missing tables and columns.
[[nodiscard]] std::vector<NamedDatabase> every_database();
// One server serves all callers of a program, and is emptied each time.
[[nodiscard]] std::vector<NamedCache> every_cache();

}  // namespace fnstack_test
