// SQLite's form for event loops: commits that many commands share, readers beside the writer, and answers in time.
#include <fnstack/backends/sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "contracts/database_contract.hpp"
#include "support/temporary_directory.hpp"

using namespace fnstack_test;

namespace {

struct Opened {
  std::shared_ptr<Database> blocking, loop;
};

Opened open(SqliteOptions options) {
  auto database = sqlite_database(std::move(options));
  INFO((database ? "" : database.error().message));
  REQUIRE(database.ok());
  return {*database, (*database)->not_blocking()};
}
Opened open(const std::string& path) {
  SqliteOptions options;
  options.path = path;
  options.busy_timeout_ms = 600'000;
  return open(std::move(options));
}

std::future<std::string> send(Database& database, DatabaseCommand command, const Call& call = {}) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto answer = promise->get_future();
  database.send(std::move(command), call,
                Reply<Value>([promise](Result<Value> result) { promise->set_value(answer_text(result)); }));
  return answer;
}
std::future<std::string> send(Database& database, std::string_view command, const Call& call = {}) {
  return send(database, database_command(command), call);
}

std::string insert_of(std::string_view data) {
  return R"({"kind": "insert", "table": "t", "data": )" + std::string(data) + "}";
}

std::vector<std::string> all(std::vector<std::future<std::string>>& answers) {
  std::vector<std::string> texts;
  for (auto& answer : answers) texts.push_back(answer.get());
  return texts;
}

// Another program that has the file open. While it holds the lock, what is sent queues up.
class Other {
 public:
  explicit Other(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &connection_) == SQLITE_OK);
    sqlite3_busy_timeout(connection_, 60'000);
  }
  ~Other() { sqlite3_close(connection_); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  void run(const char* text) { REQUIRE(sqlite3_exec(connection_, text, nullptr, nullptr, nullptr) == SQLITE_OK); }

 private:
  sqlite3* connection_ = nullptr;
};

// The commits that stand in the file's log: a frame that ends one says how many pages the database has then.
std::size_t commits_of(const std::string& path) {
  std::ifstream file(path + "-wal", std::ios::binary);
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(log[at + i]);
    return value;
  };
  constexpr std::size_t head = 32, frame_head = 24;
  std::size_t commits = 0;
  for (std::size_t at = head; at + frame_head <= log.size(); at += frame_head + number(8)) {
    if (number(at + 4) != 0 && number(at + 8) == number(16)) ++commits;
  }
  return commits;
}

constexpr const char* count = R"({"kind": "count", "table": "t"})";
constexpr const char* begin_x = R"({"kind": "begin", "transaction": "x"})";
constexpr const char* commit_x = R"({"kind": "commit", "transaction": "x"})";
constexpr const char* closed = "error database: the database was closed while the command waited for its turn";

}  // namespace

TEST_CASE("sqlite not blocking keeps the contract") {
  DatabaseTraits traits;
  traits.one_connection = false;
  SECTION("in memory") {
    database_contract([] { return open(":memory:").loop; }, traits);
  }
  const TemporaryDirectory directory;
  SECTION("in a file") {
    database_contract([&] { return open(directory.file("t.db")).loop; }, traits);
  }
}

TEST_CASE("sqlite not blocking: what queues up shares a commit, and one that fails undoes only itself") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  Other other(path);
  other.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b)");
  CHECK(send(*database.loop, insert_of(R"({"a": 0})")).get() == R"({"id":1,"a":0,"b":null})");
  const std::size_t before = commits_of(path);
  REQUIRE(before > 0);
  other.run("BEGIN IMMEDIATE");
  std::vector<std::future<std::string>> answers;
  constexpr int records = 200;
  for (int at = 1; at < records; ++at) {
    answers.push_back(send(*database.loop, insert_of(R"({"a": )" + std::to_string(at % 100) + "}")));
  }
  answers.push_back(send(*database.loop, insert_of(R"({"a": 500, "new": {"k": true}})")));
  answers.push_back(
      send(*database.loop, R"({"kind": "insert_many", "table": "t", "data": [{"a": 501, "newer": 1}, {"a": 1}]})"));
  answers.push_back(send(*database.loop, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 502}})"));
  answers.push_back(send(*database.loop, R"({"kind": "remove_many", "table": "t", "filter": ["lt", "a", 50]})"));
  other.run("COMMIT");
  const auto texts = all(answers);
  const std::string unique = "error database: unique constraint failed: t.a";
  for (int at = 1; at < records; ++at) {
    INFO(at);
    const bool is_new = at < 100;
    CHECK(texts[static_cast<std::size_t>(at - 1)].find(is_new ? R"(,"a":)" : unique) != std::string::npos);
  }
  CHECK(texts[199] == R"({"id":101,"a":500,"b":null,"new":{"k":true}})");
  CHECK(texts[200] == unique);
  CHECK(texts[201] == R"({"id":1,"a":502,"b":null,"new":null})");
  CHECK(texts[202] == "49");
  CHECK(ask(*database.blocking, count) == "52");
  CHECK(ask(*database.loop, count) == "52");
  // A slow machine makes several batches of them.
  CHECK(commits_of(path) - before < 50);
}

TEST_CASE("sqlite not blocking: a full disk in a batch is told to whom it concerns") {
  const TemporaryDirectory directory;
  SqliteOptions options;
  options.path = directory.file("t.db");
  options.busy_timeout_ms = 600'000;
  options.max_bytes = 64 << 10;
  const auto database = open(options);
  CHECK(send(*database.loop, insert_of(R"({"a": 0})")).get() == R"({"id":1,"a":0})");
  Other other(options.path);
  other.run("BEGIN IMMEDIATE");
  std::vector<std::future<std::string>> answers;
  DatabaseCommand big = database_command(insert_of(R"({"a": 0})"));
  big.data = Value::object({{"a", Value(std::string(100'000, 'x'))}});
  for (int at = 1; at <= 12; ++at) {
    answers.push_back(at % 4 == 0 ? send(*database.loop, big)
                                  : send(*database.loop, insert_of(R"({"a": )" + std::to_string(at) + "}")));
  }
  other.run("COMMIT");
  const auto texts = all(answers);
  for (std::size_t at = 1; at <= 12; ++at) {
    INFO(at);
    if (at % 4 == 0) {
      CHECK(texts[at - 1] == "error database: the database, or the disk it is on, is full");
    } else {
      CHECK(texts[at - 1].ends_with(R"(,"a":)" + std::to_string(at) + "}"));
    }
  }
  CHECK(ask(*database.blocking, count) == "10");
}

TEST_CASE("sqlite not blocking: what only the commit finds out is told to whom it concerns") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  Other other(path);
  other.run(
      "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);"
      "CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED); BEGIN IMMEDIATE");
  std::vector<std::future<std::string>> answers;
  for (const char* data : {R"({"p": 1})", R"({"p": 1})", R"({"p": 2})", R"({"p": null})"}) {
    answers.push_back(send(*database.loop, insert_of(data)));
  }
  other.run("COMMIT");
  CHECK(all(answers) == std::vector<std::string>{R"({"id":1,"p":1})", R"({"id":2,"p":1})",
                                                 "error database: foreign key constraint failed",
                                                 R"({"id":3,"p":null})"});
}

TEST_CASE("sqlite not blocking: a write whose time is up undoes nothing of the others'") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  Other other(path);
  other.run(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a);"
      "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;"
      "CREATE TRIGGER slow AFTER INSERT ON t WHEN new.a = 3 BEGIN SELECT max(x) FROM endless; END; BEGIN IMMEDIATE");
  Call call;
  std::vector<std::future<std::string>> answers;
  for (int at = 0; at < 5; ++at) {
    if (at == 3) call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    answers.push_back(send(*database.loop, insert_of(R"({"a": )" + std::to_string(at) + "}"), at == 3 ? call : Call{}));
  }
  other.run("COMMIT");
  CHECK(all(answers) == std::vector<std::string>{R"({"id":1,"a":0})", R"({"id":2,"a":1})", R"({"id":3,"a":2})",
                                                 "error timeout: the time was up while the database worked",
                                                 R"({"id":4,"a":4})"});
}

TEST_CASE("sqlite not blocking: many senders at once, each sees what it has written") {
  const TemporaryDirectory directory;
  for (const std::string& path : {directory.file("t.db"), std::string(":memory:")}) {
    const auto database = open(path);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int sender = 0; sender < 64; ++sender) {
      threads.emplace_back([&, sender] {
        for (int at = 0; at < 10; ++at) {
          // A few of them the blocking way.
          Database& how = sender % 8 == 0 ? *database.blocking : *database.loop;
          const std::string n = std::to_string(sender * 100 + at);
          const Value row = json(send(how, insert_of(R"({"n": )" + n + "}")).get());
          const std::string id = to_json(row.get("id"));
          const auto found = send(*database.loop, R"({"kind": "get", "table": "t", "record_id": )" + id + "}").get();
          const auto listed =
              send(*database.loop, R"({"kind": "query", "table": "t", "filter": ["eq", "n", )" + n + "]}").get();
          if (found != to_json(row) || listed != "[" + found + "]") ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(ask(*database.loop, count) == "640");
  }
}

TEST_CASE("sqlite not blocking: readers go on while a transaction is open, writers wait for its end") {
  const TemporaryDirectory directory;
  const auto database = open(directory.file("t.db"));
  CHECK(ask(*database.loop, insert_of(R"({"a": 1})")) == R"({"id":1,"a":1})");
  CHECK(ask(*database.loop, begin_x) == "null");
  CHECK(ask(*database.loop, R"({"kind": "insert", "table": "t", "data": {"a": 2}, "transaction": "x"})") ==
        R"({"id":2,"a":2})");
  auto waiting = send(*database.loop, insert_of(R"({"a": 3})"));
  auto also_waiting = send(*database.loop, R"({"kind": "begin", "transaction": "y"})");
  auto blocking = send(*database.blocking, R"({"kind": "query", "table": "t"})");
  CHECK(ask(*database.loop, count) == "1");
  CHECK(ask(*database.loop, R"({"kind": "sql", "sql": "SELECT a FROM t"})") == R"([{"a":1}])");
  CHECK(ask(*database.loop, R"({"kind": "get", "table": "t", "record_id": 2, "transaction": "x"})") ==
        R"({"id":2,"a":2})");
  CHECK(waiting.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  CHECK(ask(*database.loop, commit_x) == "null");
  CHECK(waiting.get() == R"({"id":3,"a":3})");
  CHECK(also_waiting.get() == "null");
  CHECK(ask(*database.loop, R"({"kind": "rollback", "transaction": "y"})") == "null");
  CHECK(blocking.get() == R"([{"id":1,"a":1},{"id":2,"a":2},{"id":3,"a":3}])");
}

TEST_CASE("sqlite not blocking: SQL text that writes goes to the writer, wrong text says so") {
  const TemporaryDirectory directory;
  const auto database = open(directory.file("t.db"));
  CHECK(ask(*database.loop, R"({"kind": "sql", "sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, a) "})") == "[]");
  CHECK(
      ask(*database.loop, R"({"kind": "sql", "sql": "INSERT INTO t (a) VALUES (?) RETURNING id", "bindings": [5]})") ==
      R"([{"id":1}])");
  CHECK(ask(*database.loop, R"({"kind": "sql", "sql": "SELEC"})") ==
        "error database: sql: near \"SELEC\": syntax error");
  CHECK(ask(*database.loop, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":5}])");
}

TEST_CASE("sqlite not blocking: deadlines and stops of what waits are kept, whatever the writer does") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  CHECK(ask(*database.loop, insert_of(R"({"a": 1})")) == R"({"id":1,"a":1})");
  const auto check = [&] {
    Call late;
    late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    auto first = send(*database.loop, insert_of(R"({"a": 2})"), late);
    std::stop_source stop;
    Call stopped;
    stopped.stop = stop.get_token();
    auto second = send(*database.loop, insert_of(R"({"a": 2})"), stopped);
    CHECK(first.get() == "error timeout: database: the time was up while the command waited for its turn");
    stop.request_stop();
    CHECK(second.get() == "error cancelled: cancelled");
  };
  SECTION("a transaction is open") {
    CHECK(ask(*database.loop, begin_x) == "null");
    check();
    CHECK(ask(*database.loop, commit_x) == "null");
  }
  SECTION("the writer waits for another process") {
    Other other(path);
    other.run("BEGIN IMMEDIATE");
    auto held = send(*database.loop, R"({"kind": "remove", "table": "t", "record_id": 7})");
    check();
    other.run("COMMIT");
    CHECK(held.get() == "0");
  }
  CHECK(ask(*database.loop, count) == "1");
}

TEST_CASE("sqlite not blocking: the queue is bounded, but not for who is in a transaction") {
  const TemporaryDirectory directory;
  SqliteOptions options;
  options.path = directory.file("t.db");
  options.queue = 2;
  const auto database = open(options);
  CHECK(ask(*database.loop, begin_x) == "null");
  std::vector<std::future<std::string>> answers;
  for (int at = 0; at < 3; ++at) answers.push_back(send(*database.loop, insert_of(R"({"a": 1})")));
  CHECK(answers[2].get() == "error limit: more than 2 commands wait for the database; try again later");
  answers.pop_back();
  CHECK(ask(*database.loop, R"({"kind": "insert", "table": "t", "data": {"a": 0}, "transaction": "x"})") ==
        R"({"id":1,"a":0})");
  CHECK(ask(*database.loop, commit_x) == "null");
  CHECK(all(answers) == std::vector<std::string>{R"({"id":2,"a":1})", R"({"id":3,"a":1})"});
}

TEST_CASE("sqlite not blocking: closing answers what waits and ends what is being performed") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  auto database = open(path);
  CHECK(ask(*database.loop, insert_of(R"({"a": 1})")) == R"({"id":1,"a":1})");
  SECTION("a transaction is open") {
    CHECK(ask(*database.loop, begin_x) == "null");
    auto write = send(*database.loop, insert_of(R"({"a": 2})"));
    database = {};
    CHECK(write.get() == closed);
  }
  SECTION("another process has the lock") {
    Other other(path);
    other.run("BEGIN IMMEDIATE");
    auto first = send(*database.loop, insert_of(R"({"a": 2})"));
    auto second = send(*database.loop, insert_of(R"({"a": 2})"));
    database = {};
    const std::string performed =
        "error database: the database was closed while the command waited for another process";
    const auto told = first.get();
    CHECK((told == performed || told == closed));
    CHECK(second.get() == closed);
    other.run("COMMIT");
  }
  SECTION("a reader is at work") {
    auto endless = send(
        *database.loop,
        R"({"kind": "sql", "sql": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"})");
    database = {};
    const auto told = endless.get();
    CHECK((told == "error database: the database was closed while the command was performed" || told == closed));
  }
  SECTION("the last form goes in a reply") {
    std::promise<std::string> answer;
    std::promise<void> sent;
    auto text = answer.get_future();
    database.blocking.reset();
    Database& loop = *database.loop;
    loop.send(database_command(insert_of(R"({"a": 3})")), Call{},
              Reply<Value>([last = std::move(database.loop), &answer, &sent](Result<Value> result) mutable {
                sent.get_future().wait();
                last.reset();
                answer.set_value(answer_text(result));
              }));
    sent.set_value();
    CHECK(text.get() == R"({"id":2,"a":3})");
  }
  CHECK(ask(*open(path).blocking, R"({"kind": "get", "table": "t", "record_id": 1})") == R"({"id":1,"a":1})");
}

TEST_CASE("sqlite not blocking: read only") {
  const TemporaryDirectory directory;
  SqliteOptions options;
  options.path = directory.file("t.db");
  CHECK(ask(*open(options).loop, insert_of(R"({"a": 1})")) == R"({"id":1,"a":1})");
  options.read_only = true;
  const auto database = open(options);
  std::vector<std::future<std::string>> answers;
  for (int at = 0; at < 4; ++at) answers.push_back(send(*database.loop, insert_of(R"({"a": 1})")));
  for (const std::string& text : all(answers)) CHECK(text == "error database: the database is read-only");
  CHECK(ask(*database.loop, count) == "1");
}
