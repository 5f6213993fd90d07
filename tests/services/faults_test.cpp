// What the fault of a service is to a definition: within Try-Catch an `error` of the documented type and status_code,
// outside it the end of the run with that error; after both the next step on the same engine works. One case at least
// for each kind of fault; what the backends make of each in detail is tested beside them. The program's last words are
// a table of how long each took.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <fnstack/fnstack.hpp>

#ifdef FNSTACK_HAS_CURL
#include <fnstack/backends/curl.hpp>
#endif
#ifdef FNSTACK_HAS_REDIS
#include <fnstack/backends/redis.hpp>

#include "support/redis_server.hpp"
#endif
#ifdef FNSTACK_HAS_POSTGRES
#include "support/postgres_here.hpp"
#include "support/tcp_proxy.hpp"
#endif
#ifdef FNSTACK_HAS_SQLITE
#include <sqlite3.h>
#include <fnstack/backends/sqlite.hpp>
#endif

#include "support/catch.hpp"
#include "support/fault_scripts.hpp"
#include "support/fault_table.hpp"
#include "support/loopback.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_certificate.hpp"

using namespace fnstack;
using namespace fnstack_test;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
using Action = std::function<void()>;

struct ServiceFault {
  std::string name;
  std::string step;  // its fields
  std::string type;
  int status_code = 500;
  std::string message = {};  // a part of it
  Action begin = {}, end = {};
  std::string good = {};  // the step that works before, where `begin` is given, and afterwards
};

Outcome run(const Engine& engine, const std::string& steps) {
  const Compiled compiled = engine.load("flow.json", "{\"steps\": [" + steps + "]}");
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return engine.run(compiled.program);
}

// What was unreachable may be asked again only after a pause; other faults are over at once.
bool works(const Engine& engine, const std::string& step, bool at_once) {
  const auto until = Steady::now() + 10s;
  for (;;) {
    const Outcome outcome = run(engine, "{" + step + "}");
    INFO((outcome.error ? outcome.error->message : ""));
    if (outcome.status == Outcome::Status::completed) return true;
    if (at_once || Steady::now() > until) return false;
    std::this_thread::sleep_for(10ms);
  }
}

void check_fault(const Engine& engine, const ServiceFault& fault, bool inside, bool at_once = true) {
  INFO(fault.name << (inside ? ", inside Try-Catch" : ", outside"));
  if (fault.begin) {
    if (!fault.good.empty()) CHECK(works(engine, fault.good, at_once));
    fault.begin();
  }
  const auto began = Steady::now();
  Value error;
  if (inside) {
    const Outcome outcome = run(engine, R"({"function": "Try-Catch", "try_steps": [{)" + fault.step +
                                            R"(}], "catch_steps": [{"function": "Create Variable",
                                                "variable_name": "caught", "value": "{{error}}"}]})");
    CHECK(outcome.status == Outcome::Status::completed);
    error = outcome.variables.get("caught");
  } else {
    const Outcome outcome = run(engine, "{" + fault.step + "}");
    CHECK(outcome.status == Outcome::Status::failed);
    if (outcome.error) error = to_value(*outcome.error);
  }
  const auto took = Steady::now() - began;
  if (fault.end) fault.end();
  INFO(to_json(error));
  REQUIRE(error.is_object());
  CHECK(error.get("type").as_string() == fault.type);
  CHECK(error.get("status_code").as_integer() == fault.status_code);
  CHECK_THAT(std::string(error.get("message").as_string()), contains(fault.message));
  CHECK(took < 10s);
  note_fault(fault.name + (inside ? ", caught" : ", not caught"),
             std::string(error.get("type").as_string()) + " " + to_text(error.get("status_code")), took);
  if (!fault.good.empty()) CHECK(works(engine, fault.good, at_once));
}

void check_fault(const Engine& engine, const ServiceFault& fault) {
  for (const bool inside : {true, false}) check_fault(engine, fault, inside);
}

}  // namespace

// ---- HTTP

#ifdef FNSTACK_HAS_CURL

namespace {

std::string get(const std::string& url, const std::string& more = "") {
  return R"("function": "External API Request", "url": ")" + url + "\"" + more;
}

EngineOptions with_http(CurlOptions options) {
  EngineOptions engine;
  engine.http = curl_http(std::move(options));
  return engine;
}

const std::string head = "HTTP/1.1 200 OK\r\n";
const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";

std::string as_json(const std::string& body) { return sized(body, "Content-Type: application/json\r\n"); }
std::string with_status(const std::string& status, const std::string& fields) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("HTTP faults, to a definition") {
  struct Row {
    const char* name;
    Misdeed misdeed;
    const char* type;
    int status_code;
    const char* more = "";  // fields of the step
  };
  const std::string elsewhere = "http://127.0.0.1:" + std::to_string(unused_port());
  const auto to = [](const std::string& location) {
    return bytes(with_status("302 Found", "Location: " + location + "\r\n"));
  };
  const char* hasty = R"(, "timeout": 200)";
  const char* post = R"(, "method": "POST", "body": {"secret": 1})";
  const Row rows[] = {
      {"closed before the status", bytes(""), "network", 502},
      {"reset before the status", bytes_then_reset(""), "network", 502},
      {"closed within the headers", bytes(head + "X-A: b\r\nX-"), "network", 502},
      {"reset within the body", bytes_then_reset(head + "Content-Length: 5\r\n\r\nhel"), "network", 502},
      {"silent", bytes_then_stall(""), "timeout", 504, hasty},
      {"slow: half a body", bytes_then_stall(head + "Content-Length: 5\r\n\r\nhel"), "timeout", 504, hasty},
      {"cut chunks", bytes(chunked + "5\r\nhel"), "network", 502},
      {"malformed chunks", bytes(chunked + "xyz\r\nhello\r\n0\r\n\r\n"), "network", 502},
      {"a Content-Length too long", bytes(head + "Content-Length: 9\r\n\r\nhello"), "network", 502},
      {"two Content-Lengths that differ", bytes(head + "Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello"),
       "network", 502},
      {"a negative Content-Length", bytes(head + "Content-Length: -5\r\n\r\nhello"), "network", 502},
      {"100,000 headers", bytes(head + repeated("X: y\r\n", 100'000) + "\r\nhello"), "limit", 500},
      {"a header of 1 MB", bytes(head + "X: " + std::string(1'000'000, 'y') + "\r\n\r\n"), "limit", 500},
      {"status 99", bytes(with_status("99 Low", "")), "network", 502},
      {"status 101", bytes(with_status("101 Switching Protocols", "Upgrade: x\r\nConnection: Upgrade\r\n")), "network",
       502},
      {"status 103 and no other", bytes("HTTP/1.1 103 Early Hints\r\n\r\n"), "network", 502},
      {"status 1000", bytes(with_status("1000 High", "")), "network", 502},
      {"no HTTP", bytes("SSH-2.0-OpenSSH_9.2\r\n"), "network", 502},
      {"a gzip bomb", bytes(sized(gzipped(std::string(8 << 20, '\0')), "Content-Encoding: gzip\r\n")), "limit", 500},
      {"gzip that is cut", bytes(sized(gzipped("hello, hello").substr(0, 20), "Content-Encoding: gzip\r\n")), "network",
       502},
      {"gzip that is none", bytes(sized("hello", "Content-Encoding: gzip\r\n")), "network", 502},
      {"a body without end", endless(head + "\r\n", std::string(10'000, 'y')), "limit", 500},
      {"a redirect to itself", to("/bad"), "limit", 500},
      {"a redirect to file:", to("file:///etc/passwd"), "blocked", 403},
      {"a redirect to another port of loopback", to(elsewhere + "/"), "blocked", 403},
      {"a redirect to the metadata service", to("http://169.254.169.254/latest"), "blocked", 403},
      {"a redirect that would take a body along",
       bytes(with_status("307 Temporary Redirect", "Location: https://other.example/\r\n")), "blocked", 403, post},
      {"JSON that is no UTF-8", bytes(as_json("{\"a\": \"\xff\"}")), "http", 502},
      {"JSON nested a million deep", bytes(as_json(std::string(1'000'000, '['))), "limit", 500},
      {"JSON with 1e400", bytes(as_json("[1e400]")), "http", 502},
      {"two JSON documents", bytes(as_json("{} {}")), "http", 502},
      {"JSON with NaN", bytes(as_json("[NaN]")), "http", 502},
      {"HTML that says it is JSON", bytes(as_json("<html></html>")), "http", 502},
      {"404", bytes(with_status("404 Not Found", "")), "http", 404},
      {"429, Retry-After in seconds", bytes(with_status("429 Slow", "Retry-After: 7\r\n")), "http", 429},
      {"429, Retry-After as a date", bytes(with_status("429 Slow", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n")),
       "http", 429},
      {"503, Retry-After negative", bytes(with_status("503 Down", "Retry-After: -1\r\n")), "http", 503},
      {"503, Retry-After of 10^18", bytes(with_status("503 Down", "Retry-After: 1000000000000000000\r\n")), "http", 503,
       R"(, "retry": {"attempts": 2})"},
      {"503, Retry-After garbage", bytes(with_status("503 Down", "Retry-After: soon\r\n")), "http", 503,
       R"(, "retry": {"attempts": 2, "initial_ms": 1})"},
  };
  for (const Row& row : rows) {
    const FaultServer server(good_but(row.misdeed));
    const Engine engine(with_http({.allow_hosts = {server.address()}}));
    check_fault(engine, {.name = std::string("HTTP: ") + row.name,
                         .step = get(server.origin() + "/bad", row.more),
                         .type = row.type,
                         .status_code = row.status_code,
                         .good = get(server.origin() + "/good")});
  }
}

TEST_CASE("HTTP faults, to a definition: no connection") {
  const FaultServer server(good_but(bytes("")));
  CurlOptions options{.allow_private = true, .connect_timeout_ms = 200};
  options.rewrites = {{"https://secure.example", server.origin()}};
  const Engine engine(with_http(options));
  const std::string good = get(server.origin() + "/good");
  check_fault(engine, {.name = "HTTP: refused",
                       .step = get("http://127.0.0.1:" + std::to_string(unused_port()) + "/"),
                       .type = "network",
                       .status_code = 502,
                       .message = "connection refused",
                       .good = good});
  check_fault(engine, {.name = "HTTP: a name that can't be resolved",
                       .step = get("http://no-such-host.invalid/"),
                       .type = "network",
                       .status_code = 502,
                       .message = "can't be resolved",
                       .good = good});
  {
    const FullQueue full;
    check_fault(engine, {.name = "HTTP: nobody takes the connection",
                         .step = get("http://127.0.0.1:" + std::to_string(full.port()) + "/"),
                         .type = "timeout",
                         .status_code = 504,
                         .message = "no connection within 200 ms",
                         .good = good});
  }
  FaultServer down([](Connection& connection) {
    while (connection.read_request()) connection.answer(302, "", "Location: http://secure.example/\r\n");
  });
  options.rewrites = {{"https://secure.example", down.origin()}};
  const Engine rewritten(with_http(options));
  check_fault(rewritten, {.name = "HTTP: a redirect from https to http",
                          .step = get("https://secure.example/"),
                          .type = "blocked",
                          .status_code = 403,
                          .message = "https to http",
                          .good = good});
}

TEST_CASE("HTTP faults, to a definition: TLS") {
  TestAuthority authority;
  const auto serve = [](Connection& connection) {
    while (connection.read_request()) connection.answer(200, "ok");
  };
  const auto fine = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  const FaultServer good(serve, fine.certificate_file, fine.key_file);
  const Engine engine(with_http({.allow_private = true, .ca_file = authority.ca_file()}));
  const struct {
    const char* name;
    TestAuthority::Kind kind;
    const char* subject;
  } rows[] = {{"HTTP: an expired certificate", TestAuthority::Kind::expired, "IP:127.0.0.1"},
              {"HTTP: a self-signed certificate", TestAuthority::Kind::self_signed, "IP:127.0.0.1"},
              {"HTTP: a certificate of another name", TestAuthority::Kind::good, "DNS:other.example"}};
  for (const auto& row : rows) {
    const auto identity = authority.issue(row.kind, row.subject);
    const FaultServer server(serve, identity.certificate_file, identity.key_file);
    check_fault(engine, {.name = row.name,
                         .step = get(server.origin() + "/"),
                         .type = "network",
                         .status_code = 502,
                         .message = "TLS: ",
                         .good = get(good.origin() + "/")});
  }
}

// A broken connection must not end the process of the host, whatever it does with SIGPIPE.
TEST_CASE("process faults: SIGPIPE while a large body is sent") {
  struct sigaction now {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &now) == 0);
  CHECK(now.sa_handler == SIG_DFL);
  TestAuthority authority;
  const auto identity = authority.issue(TestAuthority::Kind::good, "IP:127.0.0.1");
  const auto close_early = [](Connection& connection) {
    const auto request = connection.read_head();
    if (request && request->target == "/good") {
      connection.answer(200, "good");
    } else {
      connection.reset();
    }
  };
  for (const bool tls : {false, true}) {
    const auto server = tls ? std::make_unique<FaultServer>(close_early, identity.certificate_file, identity.key_file)
                            : std::make_unique<FaultServer>(close_early);
    const Engine engine(with_http({.allow_private = true, .ca_file = authority.ca_file()}));
    check_fault(engine, {.name = tls ? "process: SIGPIPE, a body over TLS" : "process: SIGPIPE, a body",
                         .step = get(server->origin() + "/bad",
                                     R"(, "method": "POST", "headers": {"Content-Type": "text/plain"},
                                        "body": "{{'x'.repeat(8000000)}}")"),
                         .type = "network",
                         .status_code = 502,
                         .good = get(server->origin() + "/good")});
  }
}

TEST_CASE("process faults: no descriptor left") {
  const FaultServer server(good_but(bytes(""))), other(good_but(bytes("")));
  const Engine engine(with_http({.allow_private = true}));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const ServiceFault fault{.name = "process: EMFILE",
                           .step = get(other.origin() + "/good"),
                           .type = "network",
                           .status_code = 502,
                           .message = "too many open files",
                           .begin =
                               [&] {
                                 const int next = ::dup(0);
                                 ::close(next);
                                 rlimit full = before;
                                 full.rlim_cur = static_cast<rlim_t>(next);
                                 REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
                               },
                           .end = [&] { REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0); },
                           .good = get(server.origin() + "/good")};
  check_fault(engine, fault);
}

#endif

// ---- Redis

#ifdef FNSTACK_HAS_REDIS

namespace {

const std::string get_k = R"("function": "Cache Get", "key": "k")";
const std::string set_k = R"("function": "Cache Set", "key": "k", "value": 1)";

EngineOptions with_redis(std::uint16_t port) {
  RedisOptions options;
  options.port = port;
  options.connect_timeout_ms = 400;
  options.command_timeout_ms = 300;
  EngineOptions engine;
  engine.cache = redis_cache(options);
  return engine;
}

}  // namespace

TEST_CASE("Redis faults, to a definition") {
  const auto server =
      RedisServer::start({"--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"});
  if (!server) return;
  const Engine engine(with_redis(server->port()));
  const auto command = [&](std::initializer_list<std::string_view> words) {
    CHECK(server->command(words).substr(0, 1) != "-");
  };
  const auto restart = [&] {
    server->begin_restart();
    CHECK(server->wait_until_ready());
  };
  const ServiceFault faults[] = {
      {.name = "Redis: refused",
       .step = set_k,
       .type = "cache",
       .message = "can't connect to Redis",
       .begin = [&] { server->kill(); },
       .end = restart},
      {.name = "Redis: LOADING",
       .step = get_k,
       .type = "cache",
       .message = "still loading its data",
       .begin =
           [&] {
             // Half a second of loading.
             command({"EVAL", "for i = 1, 500 do redis.call('SET', 'key' .. i, string.rep('x', 100)) end", "0"});
             command({"SAVE"});
             server->kill();
             server->begin_restart();
             while (server->command({"PING"}).substr(0, 8) != "-LOADING") std::this_thread::yield();
           },
       .end =
           [&] {
             CHECK(server->wait_until_ready());
             command({"FLUSHALL"});
             command({"SAVE"});
           }},
      {.name = "Redis: READONLY",
       .step = set_k,
       .type = "cache",
       .message = "read-only replica",
       .begin =
           [&] {
             command({"REPLICAOF", "127.0.0.1", std::to_string(unused_port())});
           },
       .end =
           [&] {
             command({"REPLICAOF", "NO", "ONE"});
           }},
      {.name = "Redis: OOM",
       .step = set_k,
       .type = "cache",
       .message = "no memory left",
       .begin =
           [&] {
             command({"CONFIG", "SET", "maxmemory", "1"});
           },
       .end =
           [&] {
             command({"CONFIG", "SET", "maxmemory", "0"});
           }},
      {.name = "Redis: NOAUTH",
       .step = get_k,
       .type = "cache",
       .message = "asks for a password",
       .begin = [&] { server->demand_password("secret"); },
       .end = [&] { server->demand_password(""); }},
      {.name = "Redis: WRONGTYPE",
       .step = R"("function": "Cache Get", "key": "list")",
       .type = "cache",
       .message = "holds a list",
       .begin =
           [&] {
             command({"RPUSH", "list", "1"});
           }},
      {.name = "Redis: a value that is no JSON",
       .step = R"("function": "Cache Get", "key": "text")",
       .type = "cache",
       .message = "no JSON",
       .begin =
           [&] {
             command({"SET", "text", "{not json"});
           }},
      {.name = "Redis: frozen",
       .step = get_k,
       .type = "timeout",
       .status_code = 504,
       .message = "did not answer within 300 ms",
       .begin = [&] { server->freeze(); },
       .end = [&] { server->thaw(); }},
  };
  for (ServiceFault fault : faults) {
    fault.good = set_k;
    check_fault(engine, fault);
  }
}

TEST_CASE("Redis faults, to a definition: replies that are none") {
  struct Row {
    const char* name;
    FaultServer::Script script;
    const char* type;
    int status_code = 500;
  };
  const auto cut = [](Connection& connection) {
    if (connection.read_bytes()) connection.write("$5\r\nab");
  };
  const auto without_end = [](Connection& connection) {
    if (!connection.read_bytes()) return;
    connection.write("$100000000000\r\n");
    const std::string part(65'536, 'x');
    while (connection.write(part)) {
    }
  };
  const Row rows[] = {{"Redis: half a reply, then silence", redis_saying("$5\r\nab"), "timeout", 504},
                      {"Redis: cut in the middle of a reply", cut, "cache"},
                      {"Redis: a bulk without end", without_end, "limit"},
                      {"Redis: garbage", redis_saying("HTTP/1.1 400 Bad Request\r\n\r\n"), "cache"}};
  for (const Row& row : rows) {
    for (const bool inside : {true, false}) {
      // What only reads is asked a second time when its connection is lost.
      const FaultServer server(
          redis_misbehaving(std::string_view(row.name).find("cut") != std::string_view::npos ? 2 : 1, row.script));
      EngineOptions options = with_redis(server.port());
      if (std::string_view(row.type) == "limit") {
        RedisOptions patient;
        patient.port = server.port();
        options.cache = redis_cache(patient);
      }
      const Engine engine(std::move(options));
      check_fault(engine,
                  {.name = row.name, .step = get_k, .type = row.type, .status_code = row.status_code, .good = get_k},
                  inside);
    }
  }
}

#endif

// ---- PostgreSQL

#ifdef FNSTACK_HAS_POSTGRES

namespace {

EngineOptions with_postgres(PostgresOptions options) {
  EngineOptions engine;
  engine.database = open_postgres(std::move(options));
  return engine;
}

const std::string count_rows = R"("function": "Count Records", "table": "t")";
const std::string add_row = R"("function": "Add Record", "table": "t", "data": {"a": 3})";
const std::string edit_first = R"("function": "Edit Record", "table": "t", "record_id": 1, "data": {"a": 9})";
const std::string sleep_long = R"_("function": "Direct Database Query", "sql": "SELECT pg_sleep(60)")_";

std::string in_transaction(const std::string& step) {
  return R"("function": "Database Transaction", "steps": [{)" + step + "}]";
}

// Where one connection is all that is allowed: the one before may take its time to be gone.
std::unique_ptr<PostgresClient> only_client(const std::string& url) {
  for (const auto until = Steady::now() + 10s;;) {
    try {
      return std::make_unique<PostgresClient>(url);
    } catch (const std::exception&) {
      if (Steady::now() > until) throw;
    }
    std::this_thread::sleep_for(5ms);
  }
}

// Does something to the server once it runs a statement of this database.
class Meanwhile {
 public:
  void begin(const PostgresServer& server, const std::string& database, Action action) {
    thread_ = std::thread([&server, database, action = std::move(action)] {
      PostgresClient looking(server.url("postgres"));
      while (looking.run("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'FETCH%' AND "
                         "datname = '" +
                         database + "'") == "0\n")
        std::this_thread::sleep_for(2ms);
      action();
    });
  }
  void end() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

TEST_CASE("PostgreSQL faults, to a definition") {
  if (postgres_here() == nullptr) return;
  PostgresServer& server = *postgres_here();
  const std::string name = server.create_database();
  server.by_hand(
      "CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t (a) VALUES (1), (2);"
      "CREATE TABLE u (id serial PRIMARY KEY, email text UNIQUE); INSERT INTO u (email) VALUES ('ada@example.com');"
      // As the server says it to who must begin again; it counts how often that was done.
      "CREATE SEQUENCE attempts; CREATE TABLE torn (id serial PRIMARY KEY, state text);"
      "CREATE FUNCTION tear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('attempts'); "
      "RAISE EXCEPTION 'torn' USING ERRCODE = NEW.state; END $$;"
      "CREATE TRIGGER tear BEFORE INSERT ON torn FOR EACH ROW EXECUTE FUNCTION tear()",
      name);
  PostgresOptions options;
  options.url = server.url(name);
  options.statement_timeout_ms = 300;
  options.lock_timeout_ms = 100;
  const Engine engine(with_postgres(options));
  options.statement_timeout_ms = 30'000;
  const Engine patient(with_postgres(options));
  const auto anew = [&](const std::string& setting) {
    server.by_hand("ALTER DATABASE " + name + " " + setting);
    server.by_hand("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + name + "'");
  };
  std::unique_ptr<PostgresClient> other;
  Meanwhile meanwhile;
  const auto torn = [](const std::string& state) {
    return in_transaction(R"("function": "Add Record", "table": "torn", "data": {"state": ")" + state + "\"}");
  };

  for (ServiceFault fault : {
           ServiceFault{.name = "PostgreSQL: statement timeout",
          .step = sleep_long,
          .type = "timeout",
          .status_code = 504,
          .message = "longer than 300 ms"},
           ServiceFault{.name = "PostgreSQL: lock timeout",
           .step = edit_first,
           .type = "timeout",
           .status_code = 504,
           .message = "held a lock",
           .begin =
                            [&] {
                              other = std::make_unique<PostgresClient>(server.url(name));
                              other->run("BEGIN; UPDATE t SET a = 8 WHERE id = 1");
                            },
           .end = [&] { other.reset(); }},
           ServiceFault{.name = "PostgreSQL: read only",
           .step = add_row,
           .type = "database",
           .message = "read-only",
           .begin = [&] { anew("SET default_transaction_read_only = on"); },
           .end = [&] { anew("RESET default_transaction_read_only"); }},
           ServiceFault{.name = "PostgreSQL: an unknown table",
           .step = R"("function": "Count Records", "table": "tt")",
           .type = "database",
           .message = "no table \"tt\""},
           ServiceFault{.name = "PostgreSQL: an unknown column",
           .step = R"("function": "Add Record", "table": "t", "data": {"aa": 1})",
           .type = "database",
           .message = "aa"},
           ServiceFault{.name = "PostgreSQL: unique violation",
           .step = R"("function": "Add Record", "table": "u", "data": {"email": "ada@example.com"})",
           .type = "database",
           .message = "unique constraint \"u_email_key\" failed"},
           ServiceFault{.name = "PostgreSQL: serialisation failure, each time",
           .step = torn("40001"),
           .type = "database",
           .message = "could not be serialised"},
           ServiceFault{.name = "PostgreSQL: deadlock, each time",
           .step = torn("40P01"),
           .type = "database",
           .message = "deadlock"},
       }) {
    fault.good = add_row;
    check_fault(engine, fault);
  }
  // Each of the four transactions was tried three times.
  CHECK(server.by_hand("SELECT last_value FROM attempts", name) == "12\n");

  ServiceFault terminated{.name = "PostgreSQL: a terminated backend",
                          .step = sleep_long,
                          .type = "database",
                          .message = "the connection to the database was lost",
                          .begin =
                              [&] {
                                meanwhile.begin(server, name, [&] {
                                  server.by_hand(
                                      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = "
                                      "'active' AND query LIKE 'FETCH%' AND datname = '" +
                                      name + "'");
                                });
                              },
                          .end = [&] { meanwhile.end(); },
                          .good = add_row};
  check_fault(patient, terminated);

  std::atomic<bool> armed{false};
  TcpProxy proxy(server.port(), [&](bool from_client, std::string_view bytes) {
    if (!from_client || !armed || bytes.find("COMMIT") == std::string_view::npos) return TcpProxy::Verdict::pass;
    armed = false;
    return TcpProxy::Verdict::pass_then_cut;
  });
  PostgresOptions through;
  through.url = server.url(name, proxy.port());
  const Engine behind(with_postgres(through));
  const std::string before = server.by_hand("SELECT count(*) FROM u", name);
  check_fault(behind, {.name = "PostgreSQL: connection lost inside COMMIT",
                       .step = in_transaction(R"("function": "Add Record", "table": "u", "data": {})"),
                       .type = "database",
                       .message = "not known whether it took place",
                       .begin = [&] { armed = true; },
                       .good = add_row});
  // Both were stored, and nothing was stored twice.
  CHECK(std::stoi(server.by_hand("SELECT count(*) FROM u", name)) == std::stoi(before) + 2);

  server.by_hand("CREATE ROLE one LOGIN CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO one", name);
  PostgresOptions few;
  few.url = "postgresql://one@127.0.0.1:" + std::to_string(server.port()) + "/" + name;
  for (const bool inside : {true, false}) {
    const Engine crowded(with_postgres(few));
    other = only_client(few.url);
    check_fault(crowded,
                {.name = "PostgreSQL: too many connections",
                 .step = count_rows,
                 .type = "database",
                 .message = "too many connections",
                 .end = [&] { other.reset(); },
                 .good = count_rows},
                inside, false);
  }
}

TEST_CASE("PostgreSQL faults, to a definition: a server that is down, crashes, or is frozen") {
  const auto server = PostgresServer::start();
  if (server == nullptr) return;
  server->by_hand("CREATE TABLE t (id serial PRIMARY KEY, a int)");
  PostgresOptions options;
  options.url = server->url();
  const Engine engine(with_postgres(options));
  options.statement_timeout_ms = 100;
  const Engine hasty(with_postgres(options));
  Meanwhile meanwhile;
  const std::string lost = "the connection to the database was lost";
  for (const bool inside : {true, false}) {
    check_fault(engine,
                {.name = "PostgreSQL: refused",
                 .step = add_row,
                 .type = "database",
                 .message = "can't connect to the database",
                 .begin = [&] { server->kill(); },
                 .end = [&] { server->restart(); },
                 .good = add_row},
                inside, false);
    check_fault(engine,
                {.name = "PostgreSQL: killed while it works, and restarted",
                 .step = sleep_long,
                 .type = "database",
                 .message = lost,
                 .begin = [&] { meanwhile.begin(*server, "postgres", [&] { server->kill(); }); },
                 .end =
                     [&] {
                       meanwhile.end();
                       server->restart();
                     },
                 .good = add_row},
                inside, false);
    check_fault(hasty,
                {.name = "PostgreSQL: frozen",
                 .step = add_row,
                 .type = "timeout",
                 .status_code = 504,
                 .message = "no answer within 5100 ms",
                 .begin = [&] { server->freeze(); },
                 .end = [&] { server->thaw(); },
                 .good = add_row},
                inside, false);
  }
}

#endif

// ---- SQLite

#ifdef FNSTACK_HAS_SQLITE

namespace {

// Another program's connection.
struct OtherProgram {
  explicit OtherProgram(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK); }
  ~OtherProgram() { sqlite3_close(connection); }
  void run(const char* text) { REQUIRE(sqlite3_exec(connection, text, nullptr, nullptr, nullptr) == SQLITE_OK); }
  sqlite3* connection = nullptr;
};

EngineOptions with_sqlite(SqliteOptions options) {
  options.busy_timeout_ms = 30;
  auto opened = sqlite_database(std::move(options));
  REQUIRE(opened.ok());
  EngineOptions engine;
  engine.database = *opened;
  return engine;
}

}  // namespace

TEST_CASE("SQLite faults, to a definition") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db"), damaged = directory.file("damaged.db");
  SqliteOptions options;
  options.path = path;
  const std::string add = R"("function": "Add Record", "table": "t", "data": {"a": 1})";
  const std::string query = R"("function": "Query All Records", "table": "t")";
  const Engine engine(with_sqlite(options));
  OtherProgram other(path);
  check_fault(engine, {.name = "SQLite: busy",
                       .step = add,
                       .type = "database",
                       .message = "the database is busy",
                       .begin = [&] { other.run("BEGIN IMMEDIATE"); },
                       .end = [&] { other.run("COMMIT"); },
                       .good = add});
  options.read_only = true;
  check_fault(Engine(with_sqlite(options)),
              {.name = "SQLite: read only", .step = add, .type = "database", .message = "read-only", .good = query});
  options.read_only = false;
  check_fault(engine, {.name = "SQLite: the file was moved away",
                       .step = add,
                       .type = "database",
                       .message = "moved, replaced or deleted",
                       .begin = [&] { std::filesystem::rename(path, path + ".away"); },
                       .end =
                           [&] {
                             std::filesystem::remove(path);
                             std::filesystem::rename(path + ".away", path);
                           },
                       .good = add});
  SqliteOptions small;
  small.path = directory.file("small.db");
  small.max_bytes = 64 << 10;
  check_fault(Engine(with_sqlite(small)),
              {.name = "SQLite: full",
               .step = R"("function": "Add Record", "table": "t", "data": {"a": "{{'x'.repeat(100000)}}"})",
               .type = "database",
               .message = "is full",
               .good = add});
  {
    OtherProgram maker(damaged);
    maker.run(
        "PRAGMA page_size = 512; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 1);"
        "CREATE TABLE bad (id INTEGER PRIMARY KEY, a);"
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) INSERT INTO bad SELECT x, "
        "hex(randomblob(20)) FROM n");
  }
  {
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(512 * 2);
    file << std::string(512 * 40, '\xff');
  }
  SqliteOptions broken;
  broken.path = damaged;
  check_fault(Engine(with_sqlite(broken)),
              {.name = "SQLite: a damaged file",
               .step = R"("function": "Query All Records", "table": "bad", "filter": {"a": {"$ne": null}})",
               .type = "database",
               .message = "damaged",
               .good = query});
}

#endif

// ---- the clock

namespace {

// The system's clock as an administrator may set it: jumps during each sleep, and while nobody looks.
class JumpingClock final : public Clock {
 public:
  explicit JumpingClock(std::int64_t jump_ms) : jump_ms_(jump_ms) {}
  std::int64_t now_ms() const override { return now_ms_.load(); }
  void sleep(std::int64_t duration_ms, std::stop_token) override {
    slept_ms_ += duration_ms;
    now_ms_ += duration_ms + jump_ms_;
  }
  [[nodiscard]] std::int64_t slept_ms() const { return slept_ms_; }

 private:
  const std::int64_t jump_ms_;
  std::atomic<std::int64_t> now_ms_{1'767'000'000'000}, slept_ms_{0};
};

}  // namespace

TEST_CASE("process faults: the clock jumps by an hour back and a year ahead") {
  for (const std::int64_t jump : {std::int64_t{-3'600'000}, std::int64_t{31'536'000'000}}) {
    INFO(jump);
    for (const bool inside : {true, false}) {
      auto clock = std::make_shared<JumpingClock>(jump);
      auto http = scripted_http();
      const Engine engine({.http = http, .clock = clock});
      HttpResponse slow;
      slow.status = 503;
      slow.headers = {{"retry-after", "2"}};
      http->push(slow);
      http->push(slow);
      const auto began = Steady::now();
      const std::string steps = R"(
        {"function": "Cache Set", "key": "k", "value": {"n": 1}},
        {"function": "Wait", "duration": 1},
        {"function": "Cache Get", "key": "k", "output_variable": "cached"},
        {"function": "Create Variable", "variable_name": "age", "value": "{{cached.age}}"},
        {"function": "External API Request", "url": "https://a.example/", "retry": {"attempts": 2}})";
      const Outcome outcome =
          run(engine, inside ? R"({"function": "Try-Catch", "try_steps": [)" + steps + R"(], "catch_steps": [
            {"function": "Create Variable", "variable_name": "caught", "value": "{{error.type}} {{error.status_code}}"}]})"
                             : steps);
      // One second, and two that the upstream asked for: however the clock was set meanwhile.
      CHECK(clock->slept_ms() == 3'000);
      CHECK(outcome.variables.get("age").as_integer() == (jump < 0 ? 0 : 31'536'001));
      if (inside) {
        CHECK(outcome.status == Outcome::Status::completed);
        CHECK(outcome.variables.get("caught").as_string() == "http 503");
      } else {
        CHECK(outcome.status == Outcome::Status::failed);
        REQUIRE(outcome.error.has_value());
        CHECK(outcome.error->status_code == 503);
      }
      note_fault(std::string("process: the clock jumps ") + (jump < 0 ? "an hour back" : "a year ahead") +
                     (inside ? ", caught" : ", not caught"),
                 "http 503", Steady::now() - began);
      CHECK(works(engine, R"("function": "Cache Set", "key": "k", "value": 2)", true));
    }
  }
}
