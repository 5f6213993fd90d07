// PostgreSQL's faults: each ends in its own message within its time, and once it is over the next command works. The
// last case prints how long each took.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <future>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include <fnstack/fnstack.hpp>

#include "support/postgres_here.hpp"
#include "support/tcp_proxy.hpp"

using namespace fnstack_test;

namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Row {
  std::string name, type;
  std::int64_t ms;
};
std::vector<Row>& table() {
  static std::vector<Row> rows;
  return rows;
}

// The answer of a fault, timed; it must come within `limit`.
std::string fault(const std::string& name, milliseconds limit, const std::function<std::string()>& ask_it) {
  const auto begin = Steady::now();
  std::string answer = ask_it();
  const auto took = std::chrono::duration_cast<milliseconds>(Steady::now() - begin);
  std::string type = "none";
  if (answer.starts_with("error ")) type = answer.substr(6, answer.find(':') - 6);
  table().push_back({name, type, took.count()});
  INFO(name << " took " << took.count() << " ms");
  CHECK(took <= limit);
  return answer;
}

std::future<std::string> later(Database& database, std::string_view command, const Call& call = {}) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto answer = promise->get_future();
  database.send(database_command(command), call,
                Reply<Value>([promise](Result<Value> result) { promise->set_value(answer_text(result)); }));
  return answer;
}

PostgresOptions options_for(const std::string& url) {
  PostgresOptions options;
  options.url = url;
  return options;
}

std::string new_table(const std::string& rest = "") {
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand("CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t (a) VALUES (1), (2); " + rest,
                           name);
  return name;
}

Call within(milliseconds time) {
  Call call;
  call.deadline = Steady::now() + time;
  return call;
}

// Until another program sees so many statements that wait for a lock, or run pg_sleep.
void wait_until(const std::string& name, const std::string& condition) {
  for (int wait = 0; wait < 500; ++wait) {
    if (postgres_here()->by_hand("SELECT count(*) > 0 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                                 "datname = current_database() AND " +
                                     condition,
                                 name) == "t\n")
      return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL("nothing came to: " + condition);
}

void terminate_all(const std::string& name) {
  postgres_here()->by_hand(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> "
      "pg_backend_pid() AND datname = current_database()",
      name);
}

constexpr const char* count = R"({"kind": "count", "table": "t"})";
constexpr const char* insert = R"({"kind": "insert", "table": "t", "data": {"a": 3}})";
constexpr const char* sleep_long = R"_({"kind": "sql", "sql": "SELECT pg_sleep(60)"})_";

}  // namespace

TEST_CASE("postgres faults: refused, and back again") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  TcpProxy proxy(postgres_here()->port());
  const int dead = [] {
    TcpProxy gone(1);
    return gone.port();
  }();
  const auto nowhere = open_postgres(options_for(postgres_here()->url(name, dead)));
  const std::string refused = fault("refused", milliseconds(2'000), [&] { return ask(*nowhere, count); });
  CHECK_THAT(refused, starts_with("error database: can't connect to the database: "));
  CHECK_THAT(refused, contains("Connection refused"));
  const auto database = open_postgres(options_for(postgres_here()->url(name, proxy.port())));
  proxy.refuse(true);
  CHECK_THAT(fault("closed while connecting", milliseconds(2'000), [&] { return ask(*database, count); }),
             starts_with("error database: can't connect to the database: "));
  proxy.refuse(false);
  std::this_thread::sleep_for(milliseconds(120));  // the backoff after one failure is 50 ms
  CHECK(ask(*database, count) == "2");
  const auto wrong = open_postgres(
      options_for("postgresql://nobody:hushhush@127.0.0.1:" + std::to_string(postgres_here()->port()) + "/" + name));
  const std::string unknown = fault("unknown user", milliseconds(2'000), [&] { return ask(*wrong, count); });
  CHECK_THAT(unknown, contains("role \"nobody\" does not exist"));
  CHECK_THAT(unknown, !contains("hushhush"));
}

TEST_CASE("postgres faults: a server that accepts and says nothing") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  TcpProxy proxy(postgres_here()->port());
  proxy.stall(true);
  PostgresOptions options = options_for(postgres_here()->url(name, proxy.port()));
  options.connect_timeout_ms = 2'000;
  const auto database = open_postgres(options);
  CHECK(fault("silent while connecting, deadline", milliseconds(1'000), [&] {
          return ask(*database, database_command(count), within(milliseconds(200)));
        }) == "error timeout: database: the time was up while the database worked");
  CHECK_THAT(fault("silent while connecting", milliseconds(6'000), [&] { return ask(*database, count); }),
             starts_with("error database: can't connect to the database: "));
  proxy.stall(false);
  std::this_thread::sleep_for(milliseconds(300));
  CHECK(ask(*database, count) == "2");
}

TEST_CASE("postgres faults: too many connections") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table("ALTER ROLE fnstack CONNECTION LIMIT -1");
  postgres_here()->by_hand(
      "CREATE ROLE few LOGIN CONNECTION LIMIT 1; GRANT ALL ON SCHEMA public TO few; GRANT ALL ON "
      "ALL TABLES IN SCHEMA public TO few",
      name);
  const std::string url = "postgresql://few@127.0.0.1:" + std::to_string(postgres_here()->port()) + "/" + name;
  {
    PostgresClient taken(url);
    const auto database = open_postgres(options_for(url));
    CHECK_THAT(fault("too many connections", milliseconds(2'000), [&] { return ask(*database, count); }),
               contains("too many connections for role \"few\""));
  }
  // A pool that gets one connection of four goes on with that one.
  const auto database = open_postgres(options_for(url));
  for (int wait = 0; wait < 100 && ask(*database, count) != "2"; ++wait) std::this_thread::sleep_for(milliseconds(20));
  std::vector<std::future<std::string>> answers;
  for (int at = 0; at < 20; ++at) answers.push_back(later(*database, count));
  for (auto& answer : answers) CHECK(answer.get() == "2");
}

TEST_CASE("postgres faults: a terminated backend") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  const auto database = open_postgres(name);
  CHECK(ask(*database, count) == "2");
  terminate_all(name);
  CHECK(fault("terminated while idle", milliseconds(1'000), [&] { return ask(*database, insert); }) ==
        R"({"id":3,"a":3})");

  auto sleeping = later(*database, sleep_long);
  wait_until(name, "state = 'active' AND query LIKE 'FETCH%'");
  CHECK(fault("terminated while it works", milliseconds(2'000),
              [&] {
                terminate_all(name);
                return sleeping.get();
              }) ==
        "error database: the connection to the database was lost; it is not known whether the command was "
        "performed");
  CHECK(ask(*database, count) == "3");

  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 9}, "transaction": "x"})") ==
        R"({"id":4,"a":9})");
  terminate_all(name);
  CHECK(fault("terminated inside a transaction", milliseconds(1'000), [&] {
          return ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 9}, "transaction": "x"})");
        }) == "error database: the connection to the database was lost, and the transaction with it");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "transaction": "x"})").starts_with("error database: the "));
  CHECK(ask(*database, R"({"kind": "rollback", "transaction": "x"})") == "null");
  CHECK(ask(*database, count) == "3");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "y"})") == "null");
  terminate_all(name);
  CHECK_THAT(ask(*database, R"({"kind": "commit", "transaction": "y"})"),
             starts_with("error database: the connection was lost while the transaction was committed"));
  CHECK(ask(*database, count) == "3");
}

TEST_CASE("postgres faults: serialisation failure and deadlock restart a Database Transaction") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  const auto database = open_postgres(name);
  // Two that read and write the same rows.
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x", "isolation": "repeatable_read"})") == "null");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "transaction": "x"})") == "2");
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 5}})") == R"({"id":1,"a":5})");
  bool restart = false;
  const std::string failed = fault("serialisation failure", milliseconds(1'000), [&] {
    auto answer = perform(
        *database,
        database_command(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 6}, "transaction": "x"})"));
    restart = !*answer && answer->error().restart_transaction;
    return answer_text(*answer);
  });
  CHECK(failed == "error database: the transaction could not be serialised with others");
  CHECK(restart);
  CHECK(ask(*database, R"({"kind": "rollback", "transaction": "x"})") == "null");

  for (const char* which : {"x", "y"})
    CHECK(ask(*database, R"({"kind": "begin", "transaction": ")" + std::string(which) + "\"}") == "null");
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 6}, "transaction": "x"})") ==
        R"({"id":1,"a":6})");
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 2, "data": {"a": 6}, "transaction": "y"})") ==
        R"({"id":2,"a":6})");
  const std::string dead = fault("deadlock", milliseconds(4'000), [&] {
    auto one =
        later(*database, R"({"kind": "update", "table": "t", "record_id": 2, "data": {"a": 7}, "transaction": "x"})");
    auto other =
        later(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 7}, "transaction": "y"})");
    // The victim's rollback lets the other go on.
    while (one.wait_for(milliseconds(1)) != std::future_status::ready &&
           other.wait_for(milliseconds(1)) != std::future_status::ready) {
    }
    const bool first = one.wait_for(milliseconds(0)) == std::future_status::ready;
    const std::string answer = (first ? one : other).get();
    CHECK(ask(*database, first ? R"({"kind": "rollback", "transaction": "x"})"
                               : R"({"kind": "rollback", "transaction": "y"})") == "null");
    CHECK_THAT((first ? other : one).get(), starts_with("{"));
    CHECK(ask(*database, first ? R"({"kind": "commit", "transaction": "y"})"
                               : R"({"kind": "commit", "transaction": "x"})") == "null");
    return answer;
  });
  CHECK(dead == "error database: deadlock: the transaction waited for another that waited for it");

  // Through the machine: four runs at once each add 1 to the same cell, serialisably; each is run again as often as
  // it takes, at most three times, and then fails as a whole.
  EngineOptions engine_options;
  engine_options.database = database;
  const Engine engine(std::move(engine_options));
  Compiled compiled =
      engine.load("add.json", R"({"steps": [{"function": "Database Transaction", "isolation": "serializable",
    "steps": [
      {"function": "Query All Records", "table": "t", "filter": {"id": 1}, "output_variable": "rows"},
      {"function": "Edit Record", "table": "t", "record_id": 1, "data": {"a": "{{rows[0].a + 1}}"}}]}]})");
  REQUIRE(!compiled.program.empty());
  CHECK_THAT(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 0}})"), starts_with("{"));
  std::atomic<int> completed{0}, other_errors{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int at = 0; at < 20; ++at) {
        const Outcome outcome = engine.run(compiled.program);
        completed += outcome.status == Outcome::Status::completed;
        other_errors += outcome.error && outcome.error->message.find("serialised") == std::string::npos;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(other_errors == 0);
  CHECK(completed > 20);
  CHECK(ask(*database, R"({"kind": "get", "table": "t", "record_id": 1})") ==
        R"({"id":1,"a":)" + std::to_string(completed) + "}");
}

TEST_CASE("postgres faults: timeouts, read only, stop") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  PostgresOptions options = options_for(postgres_here()->url(name));
  options.statement_timeout_ms = 300;
  options.lock_timeout_ms = 100;
  const auto database = open_postgres(options);
  CHECK(fault("statement timeout", milliseconds(1'500), [&] { return ask(*database, sleep_long); }) ==
        "error timeout: the statement took longer than 300 ms");
  CHECK(ask(*database, count) == "2");
  {
    PostgresClient other(postgres_here()->url(name));
    other.run("BEGIN; UPDATE t SET a = 8 WHERE id = 1");
    CHECK(fault("lock timeout", milliseconds(1'000), [&] {
            return ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 9}})");
          }) == "error timeout: another transaction held a lock for longer than 100 ms; try again");
    other.run("ROLLBACK");
  }
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 9}})") == R"({"id":1,"a":9})");

  const auto patient = open_postgres(name);
  CHECK(fault("deadline of the call", milliseconds(1'000), [&] {
          return ask(*patient, database_command(sleep_long), within(milliseconds(150)));
        }) == "error timeout: database: the time was up while the database worked");
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  auto sleeping = later(*patient, sleep_long, call);
  wait_until(name, "state = 'active' AND query LIKE 'FETCH%'");
  CHECK(fault("stop", milliseconds(1'000), [&] {
          stop.request_stop();
          return sleeping.get();
        }) == "error cancelled: cancelled");
  // The server has given up the statements too.
  for (int wait = 0; wait < 300; ++wait) {
    if (postgres_here()->by_hand("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state = 'active'",
                                 name) == "0\n")
      break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  CHECK(postgres_here()->by_hand("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state = 'active'",
                                 name) == "0\n");
  CHECK(ask(*patient, count) == "2");

  const auto read_only =
      open_postgres(options_for(postgres_here()->url(name) + "?options=-c%20default_transaction_read_only%3Don"));
  CHECK(ask(*read_only, count) == "2");
  for (const char* command : {insert, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 2}})",
                              R"({"kind": "remove_many", "table": "t"})"}) {
    CHECK(fault("read only", milliseconds(1'000), [&] { return ask(*read_only, command); }) ==
          "error database: the database is read-only");
  }
}

TEST_CASE("postgres faults: more commands than may wait, and closing with some under way") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  PostgresOptions options = options_for(postgres_here()->url(name));
  options.connections = 1;
  options.queue = 2;
  auto database = open_postgres(options);
  auto running = later(*database, sleep_long);
  wait_until(name, "state = 'active' AND query LIKE 'FETCH%'");
  auto first = later(*database, count), second = later(*database, count);
  CHECK(fault("queue full", milliseconds(500), [&] { return ask(*database, count); }) ==
        "error limit: more than 2 commands wait for the database; try again later");
  CHECK(fault("deadline in the queue", milliseconds(1'000), [&] {
          Call call = within(milliseconds(50));
          options.queue = 3;
          auto other = open_postgres(options);
          auto busy = later(*other, sleep_long);
          wait_until(name, "(SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH%') > 1");
          std::string answer = ask(*other, database_command(count), call);
          other.reset();
          CHECK(busy.get() == "error database: the database was closed");
          return answer;
        }) == "error timeout: database: the time was up while all connections were busy");
  CHECK(fault("closed while it works", milliseconds(1'000), [&] {
          database.reset();
          return running.get();
        }) == "error database: the database was closed");
  CHECK(first.get() == "error database: the database was closed");
  CHECK(second.get() == "error database: the database was closed");
}

TEST_CASE("postgres faults: a transaction that nobody goes on with gives its connection back") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  PostgresOptions options = options_for(postgres_here()->url(name));
  options.connections = 1;
  options.transaction_idle_ms = 100;
  const auto database = open_postgres(options);
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 5}, "transaction": "x"})") ==
        R"({"id":1,"a":5})");
  CHECK(fault("transaction left alone", milliseconds(1'500), [&] {
          CHECK(ask(*database, R"({"kind": "get", "table": "t", "record_id": 1})") == R"({"id":1,"a":1})");
          return ask(*database, R"({"kind": "commit", "transaction": "x"})");
        }) == R"(error database: no transaction "x" is open)");
}

TEST_CASE("postgres faults: connection lost inside COMMIT") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  std::atomic<bool> armed{false};
  std::atomic<bool> before{false};
  TcpProxy proxy(postgres_here()->port(), [&](bool from_client, std::string_view bytes) {
    if (!from_client || !armed || bytes.find("COMMIT") == std::string_view::npos) return TcpProxy::Verdict::pass;
    armed = false;
    return before ? TcpProxy::Verdict::cut : TcpProxy::Verdict::pass_then_cut;
  });
  const auto database = open_postgres(options_for(postgres_here()->url(name, proxy.port())));
  const std::string in_doubt =
      "error database: the connection was lost while the transaction was committed: it is not known whether it took "
      "place";
  int expected = 2;
  for (const bool cut_before : {false, true}) {
    CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
    CHECK_THAT(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 5}, "transaction": "x"})"),
               starts_with("{"));
    before = cut_before;
    armed = true;
    bool restart = true;
    CHECK(fault(cut_before ? "COMMIT lost on its way" : "answer to COMMIT lost", milliseconds(1'000), [&] {
            auto answer = perform(*database, database_command(R"({"kind": "commit", "transaction": "x"})"));
            restart = !*answer && answer->error().restart_transaction;
            return answer_text(*answer);
          }) == in_doubt);
    CHECK_FALSE(restart);
    expected += cut_before ? 0 : 1;
    CHECK(ask(*database, count) == std::to_string(expected));
  }
  // Commands that are more than one statement commit too.
  armed = true;
  before = false;
  CHECK(ask(*database, R"({"kind": "insert_many", "table": "t", "data": [{"a": 1}, {"a": 2}]})") ==
        "error database: the connection to the database was lost; it is not known whether the command was performed");
  CHECK(ask(*database, count) == "5");
}

TEST_CASE("postgres faults: attempts at injection are data or errors") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  for (const bool auto_schema : {false, true}) {
    const auto database = open_postgres(name, auto_schema);
    for (const std::string evil : {"t'; DROP TABLE t; --", "t\"; DROP TABLE t; --", "a\" = 1; DROP TABLE t; --",
                                   "x) OR 1=1 --", "$1", "\\", "{,}", "%_"}) {
      DatabaseCommand command = database_command(R"({"kind": "query"})");
      command.table = evil;
      CHECK_THAT(ask(*database, command), auto_schema ? starts_with("[]") : starts_with("error database: no table"));
      command = database_command(R"({"kind": "insert", "data": {"a": 1}})");
      command.table = evil;
      CHECK_THAT(ask(*database, command), starts_with("error "));
      command = database_command(R"({"kind": "insert", "table": "t", "data": {}})");
      command.data = Value::object({{evil, Value(1)}});
      CHECK_THAT(ask(*database, command), starts_with("error "));
      command = database_command(R"({"kind": "query", "table": "t"})");
      command.filter = Value::array({Value("eq"), Value(evil), Value(1)});
      CHECK_THAT(ask(*database, command), auto_schema ? starts_with("[]") : starts_with("error database: table"));
      command.filter = Value();
      command.sort = {{evil, false}};
      CHECK_THAT(ask(*database, command), auto_schema ? starts_with("[{") : starts_with("error database: table"));
      command.sort.clear();
      for (const char* op : {"eq", "ne", "gt", "like", "contains"}) {
        command.filter = Value::array({Value(op), Value("a"), Value(evil)});
        CHECK_THAT(ask(*database, command), starts_with("["));
        command.filter = Value::array({Value("in"), Value("a"), Value::array({Value(evil)})});
        CHECK(ask(*database, command) == "[]");
      }
      command = database_command(R"({"kind": "remove", "table": "t"})");
      command.record_id = Value(evil);
      CHECK(ask(*database, command) == "0");
      command = database_command(R"({"kind": "begin"})");
      command.transaction = evil;
      CHECK(ask(*database, command) == "null");
      command.kind = DatabaseCommand::Kind::rollback;
      CHECK(ask(*database, command) == "null");
    }
    CHECK(ask(*database, count) == "2");
  }
}

TEST_CASE("postgres faults: a frozen server") {
  if (postgres_here() == nullptr) return;
  const auto own = PostgresServer::start();
  own->by_hand("CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t (a) VALUES (1), (2)");
  PostgresOptions options = options_for(own->url());
  options.connect_timeout_ms = 2'000;
  const auto database = open_postgres(options);
  CHECK(ask(*database, count) == "2");
  own->freeze();
  CHECK(fault("frozen, deadline", milliseconds(1'500), [&] {
          return ask(*database, database_command(count), within(milliseconds(300)));
        }) == "error timeout: database: the time was up while the database worked");
  CHECK_THAT(fault("frozen, deadline while connecting", milliseconds(1'500),
                   [&] { return ask(*database, database_command(count), within(milliseconds(300))); }),
             starts_with("error "));
  own->thaw();
  std::string answer;
  for (int wait = 0; wait < 500 && answer != "2"; ++wait) {
    answer = ask(*database, count);
    std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK(answer == "2");
  // Without a deadline the statement's own bound and a grace of five seconds end the wait.
  options.statement_timeout_ms = 500;
  const auto impatient = open_postgres(options);
  CHECK(ask(*impatient, count) == "2");
  own->freeze();
  CHECK(fault("frozen, no deadline", milliseconds(8'000), [&] { return ask(*impatient, count); }) ==
        "error timeout: database: no answer within 5500 ms");
  own->thaw();
}

TEST_CASE("postgres faults: a server that falls silent with the first command of a new connection") {
  if (postgres_here() == nullptr) return;
  const std::string name = new_table();
  TcpProxy proxy(postgres_here()->port(), [](bool from_client, std::string_view bytes) {
    const bool is_the_count = from_client && bytes.find("count(*) FROM \"t\"") != std::string_view::npos;
    return is_the_count ? TcpProxy::Verdict::drop : TcpProxy::Verdict::pass;
  });
  PostgresOptions options = options_for(postgres_here()->url(name, proxy.port()));
  options.statement_timeout_ms = 100;
  const auto database = open_postgres(options);
  CHECK(fault("silent at the first command", milliseconds(8'000), [&] { return ask(*database, count); }) ==
        "error timeout: database: no answer within 5100 ms");
  CHECK_THAT(ask(*database, insert), starts_with("{"));
}

TEST_CASE("postgres faults: killed and restarted in the middle of a thousand runs") {
  if (postgres_here() == nullptr) return;
  const auto own = PostgresServer::start();
  own->by_hand(
      "CREATE TABLE t (id bigserial PRIMARY KEY, a int); CREATE TABLE pairs (id bigserial PRIMARY KEY, a int)");
  EngineOptions engine_options;
  engine_options.database = open_postgres(options_for(own->url()));
  const Engine engine(std::move(engine_options));
  // Each run stores one record, and two others together; what fails is caught.
  Compiled compiled = engine.load("store.json", R"({"steps": [
    {"function": "Try-Catch", "try_steps": [
      {"function": "Add Record", "table": "t", "data": {"a": "{{inputs.n}}"}, "output_variable": "stored"},
      {"function": "Database Transaction", "steps": [
        {"function": "Add Record", "table": "pairs", "data": {"a": "{{inputs.n}}"}},
        {"function": "Add Record", "table": "pairs", "data": {"a": "{{inputs.n}}"}}]},
      {"function": "Create Variable", "variable_name": "done", "value": true}],
     "catch_steps": [{"function": "Create Variable", "variable_name": "caught", "value": "{{error.type}}: {{error.message}}"}]}]})");
  REQUIRE(!compiled.program.empty());
  constexpr int runs = 1'000;
  std::vector<char> stored(runs), done(runs);
  std::vector<std::string> caught(runs);
  std::atomic<int> next{0}, uncaught{0};
  std::atomic<bool> down{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int n = next++; n < runs; n = next++) {
        const Outcome outcome = engine.run(compiled.program, Value::object({{"n", Value(n)}}));
        const auto at = static_cast<std::size_t>(n);
        uncaught += outcome.status != Outcome::Status::completed;
        stored[at] = !outcome.variables.get("stored").is_null();
        done[at] = outcome.variables.get("done").as_boolean();
        caught[at] = std::string(outcome.variables.get("caught").as_string());
        // Down, each fails at once, and for a moment after the restart: the rest is for later.
        if (!caught[at].empty()) {
          down.wait(true);
          std::this_thread::sleep_for(milliseconds(10));
        }
      }
    });
  }
  while (next < runs / 4) std::this_thread::sleep_for(milliseconds(1));
  const auto killed = Steady::now();
  down = true;
  own->kill();
  own->restart();
  down = false;
  down.notify_all();
  const auto took = std::chrono::duration_cast<milliseconds>(Steady::now() - killed);
  for (std::thread& thread : threads) thread.join();
  table().push_back({"killed -9 and restarted: time it was down", "database", took.count()});
  CHECK(uncaught == 0);
  PostgresClient looking(own->url());
  int failures = 0, after = 0, lost = 0;
  for (int n = 0; n < runs; ++n) {
    const auto at = static_cast<std::size_t>(n);
    const std::string number = std::to_string(n);
    const bool is_there = looking.run("SELECT count(*) FROM t WHERE a = " + number) != "0\n";
    const std::string two = looking.run("SELECT count(*) FROM pairs WHERE a = " + number);
    lost += stored[at] && !is_there;
    lost += done[at] && two != "2\n";
    CHECK((two == "0\n" || two == "2\n"));
    CHECK((done[at] || caught[at].starts_with("database: ")));
    failures += !caught[at].empty();
    after += n >= runs - 50 && done[at];
  }
  CHECK(lost == 0);
  CHECK(failures > 0);
  CHECK(after == 50);
  std::cout << "killed in the middle of " << runs << " runs: " << failures << " ended in a caught error, " << lost
            << " committed rows lost\n";
}

TEST_CASE("postgres faults: how long each took") {
  if (postgres_here() == nullptr) return;
  std::ostringstream out;
  out << "\nPostgreSQL faults" << std::setw(46) << "error" << std::setw(9) << "ms"
      << "\n";
  for (const Row& row : table())
    out << "  " << std::left << std::setw(50) << row.name << std::right << std::setw(11) << row.type << std::setw(9)
        << row.ms << "\n";
  std::cout << out.str() << std::flush;
  CHECK(!table().empty());
}
