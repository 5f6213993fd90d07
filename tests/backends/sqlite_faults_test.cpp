// SQLite's faults: each ends in its own message, and once it is over the next command works.
#include <fnstack/backends/sqlite.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/store_commands.hpp"
#include "support/temporary_directory.hpp"

using namespace fnstack_test;

namespace {

Result<std::shared_ptr<Database>> try_open(const std::string& path, bool read_only = false, int busy_timeout_ms = 30) {
  SqliteOptions options;
  options.path = path;
  options.read_only = read_only;
  options.busy_timeout_ms = busy_timeout_ms;
  return sqlite_database(options);
}

std::shared_ptr<Database> open(const std::string& path, bool read_only = false, int busy_timeout_ms = 30) {
  auto database = try_open(path, read_only, busy_timeout_ms);
  INFO((database ? "" : database.error().message));
  REQUIRE(database.ok());
  return *database;
}

std::string open_error(const std::string& path, bool read_only = false) {
  auto database = try_open(path, read_only);
  return database ? "opened" : database.error().type + ": " + database.error().message;
}

// Another program's connection.
struct Other {
  explicit Other(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK); }
  ~Other() { sqlite3_close(connection); }
  void run(const char* text) { REQUIRE(sqlite3_exec(connection, text, nullptr, nullptr, nullptr) == SQLITE_OK); }
  sqlite3* connection = nullptr;
};

constexpr const char* insert = R"({"kind": "insert", "table": "t", "data": {"a": 1}})";
constexpr const char* count = R"({"kind": "count", "table": "t"})";

}  // namespace

TEST_CASE("busy: another program holds the lock") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
  Other other(path);
  other.run("BEGIN IMMEDIATE");
  const std::string busy =
      "error database: the database is busy: another connection held its lock for 30 ms; try again";
  CHECK(ask(*database, insert) == busy);
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == busy);
  CHECK(ask(*database, R"({"kind": "upsert", "table": "t", "key_column": "a", "data": {"a": 1, "new": 2}})") == busy);
  CHECK(ask(*database, count) == "1");
  other.run("COMMIT");
  CHECK(ask(*database, insert) == R"({"id":2,"a":1})");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "commit", "transaction": "x"})") == "null");
}

TEST_CASE("busy: a lock that is given back in time is waited for; a deadline and a stop end the wait") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path, false, 600'000);
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
  Other other(path);
  other.run("BEGIN IMMEDIATE");
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  CHECK(ask(*database, database_command(insert), call) ==
        "error timeout: the time was up while another process held the database's lock");
  std::stop_source stop;
  Call stopped;
  stopped.stop = stop.get_token();
  std::thread stopper([&] { stop.request_stop(); });
  CHECK(ask(*database, database_command(insert), stopped) == "error cancelled: cancelled");
  stopper.join();
  std::thread giver([&] { other.run("COMMIT"); });
  CHECK(ask(*database, insert) == R"({"id":2,"a":1})");
  giver.join();
}

TEST_CASE("a statement without end is ended by its deadline") {
  const auto database = open(":memory:");
  const char* endless =
      R"({"kind": "sql", "sql": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"})";
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  CHECK(ask(*database, database_command(endless), call) == "error timeout: the time was up while the database worked");
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
}

TEST_CASE("full: nothing is half written, and the next command works") {
  const TemporaryDirectory directory;
  SqliteOptions options;
  options.path = directory.file("t.db");
  options.max_bytes = 64 << 10;
  auto opened = sqlite_database(options);
  REQUIRE(opened.ok());
  const auto database = *opened;
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
  DatabaseCommand big = database_command(R"({"kind": "insert", "table": "t", "data": {"a": ""}})");
  big.data = Value::object({{"a", Value(std::string(100'000, 'x'))}});
  const std::string full = "error database: the database, or the disk it is on, is full";
  CHECK(ask(*database, big) == full);
  CHECK(ask(*database, insert) == R"({"id":2,"a":1})");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "remove_many", "table": "t", "transaction": "x"})") == "2");
  big.transaction = "x";
  CHECK(ask(*database, big) == full);
  CHECK(ask(*database, R"({"kind": "rollback", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1},{"id":2,"a":1}])");
}

TEST_CASE("a transaction that an error ended is not silently gone on with") {
  const auto database = open(":memory:");
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
  CHECK(
      ask(*database,
          R"({"kind": "sql", "sql": "CREATE TRIGGER no BEFORE DELETE ON t BEGIN SELECT RAISE(ROLLBACK, 'rows stay'); END"})") ==
      "[]");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 2}, "transaction": "x"})") ==
        R"({"id":2,"a":2})");
  CHECK(ask(*database, R"({"kind": "remove", "table": "t", "record_id": 1, "transaction": "x"})") ==
        "error database: rows stay");
  const std::string over = "error database: the transaction was rolled back by an earlier error in it";
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 3}, "transaction": "x"})") == over);
  CHECK(ask(*database, R"({"kind": "commit", "transaction": "x"})") == over);
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
}

TEST_CASE("read only: reading works, writing says why not") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  { CHECK(ask(*open(path), insert) == R"({"id":1,"a":1})"); }
  const auto database = open(path, true);
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
  const std::string read_only = "error database: the database is read-only";
  CHECK(ask(*database, insert) == read_only);
  CHECK(ask(*database, R"({"kind": "insert", "table": "u", "data": {"b": 1}})") == read_only);
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 2}})") == read_only);
  CHECK(ask(*database, R"({"kind": "remove_many", "table": "t"})") == read_only);
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "transaction": "x"})") == "1");
  CHECK(ask(*database, R"({"kind": "commit", "transaction": "x"})") == "null");
}

TEST_CASE("what can't be opened") {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("no/such/t.db"), text = directory.file("text.db"),
                    none = directory.file("none.db");
  CHECK(open_error(missing) == "database: sqlite: " + missing +
                                   ": the database file can't be opened; its directory must exist and be writable");
  CHECK(open_error(none, true) ==
        "database: sqlite: " + none + ": the database file can't be opened; its directory must exist and be writable");
  CHECK_FALSE(std::filesystem::exists(none));
  std::ofstream(text) << std::string(5'000, 'x');
  CHECK(open_error(text) == "database: sqlite: " + text + ": the file is not a SQLite database");
  CHECK(std::filesystem::file_size(text) == 5'000);
  CHECK(open_error("") == "validation: sqlite: the path is empty; \":memory:\" is a database in memory");
}

TEST_CASE("damaged: an error, and the other tables can still be read") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  {
    Other other(path);
    other.run(
        "PRAGMA page_size = 512; CREATE TABLE good (id INTEGER PRIMARY KEY, a); INSERT INTO good VALUES (1, 1);"
        "CREATE TABLE bad (id INTEGER PRIMARY KEY, a);"
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) INSERT INTO bad SELECT x, "
        "hex(randomblob(20)) FROM n");
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(512 * 2);
    file << std::string(512 * 40, '\xff');
  }
  const auto database = open(path);
  CHECK(ask(*database, R"({"kind": "count", "table": "bad", "filter": ["ne", "a", null]})") ==
        "error database: the database file is damaged");
  CHECK(ask(*database, R"({"kind": "query", "table": "good"})") == R"([{"id":1,"a":1}])");
}

TEST_CASE("deleted under us: nothing is written into a file that nobody can find") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  CHECK(ask(*database, insert) == R"({"id":1,"a":1})");
  std::filesystem::rename(path, path + ".away");
  const std::string moved = "error database: the database file was moved, replaced or deleted while it was open";
  CHECK(ask(*database, insert) == moved);
  CHECK(ask(*database, count) == moved);
  std::ofstream(path) << "";
  CHECK(ask(*database, insert) == moved);
  std::filesystem::remove(path);
  std::filesystem::rename(path + ".away", path);
  CHECK(ask(*database, insert) == R"({"id":2,"a":1})");
  std::filesystem::remove(path);
  CHECK(ask(*database, count) == moved);
}
