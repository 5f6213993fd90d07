// PostgreSQL keeps the contract of databases; and what it has beyond it: tables made by hand, their types, strict
// schema, SQL text.
#include <atomic>
#include <future>
#include <thread>

#include "contracts/database_contract.hpp"
#include "support/postgres_here.hpp"

using namespace fnstack_test;

namespace {

// As the blocking driver asks: the caller's thread may do the work.
class Blocking final : public Database {
 public:
  explicit Blocking(std::shared_ptr<Database> database) : database_(std::move(database)) {}
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    Call patient = call;
    patient.may_block = true;
    database_->send(std::move(command), patient, std::move(reply));
  }

 private:
  std::shared_ptr<Database> database_;
};

Call may_block() {
  Call call;
  call.may_block = true;
  return call;
}

}  // namespace

TEST_CASE("postgres keeps the contract") {
  if (postgres_here() == nullptr) return;
  DatabaseTraits traits;
  traits.ids_come_again = false;
  traits.one_connection = false;
  traits.bytes_beside_others = false;
  database_contract([] { return open_postgres(postgres_here()->create_database(), true); }, traits);
}

TEST_CASE("postgres keeps the contract on threads of its callers") {
  if (postgres_here() == nullptr) return;
  DatabaseTraits traits;
  traits.ids_come_again = false;
  traits.one_connection = false;
  traits.bytes_beside_others = false;
  database_contract([] { return std::make_shared<Blocking>(open_postgres(postgres_here()->create_database(), true)); },
                    traits);
}

TEST_CASE("postgres: a caller that may block does the work itself, once a connection is free") {
  if (postgres_here() == nullptr) return;
  PostgresOptions options;
  options.url = postgres_here()->url(postgres_here()->create_database());
  options.auto_schema = true;
  options.connections = 2;
  auto database = open_postgres(options);
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 1}})") == R"({"id":1,"a":1})");
  // The thread that answered is about to be idle: asked until it is.
  bool inline_answer = false;
  for (int turn = 0; turn < 1'000 && !inline_answer; ++turn) {
    inline_answer = true;
    std::promise<std::thread::id> answered;
    database->send(database_command(R"({"kind": "count", "table": "t"})"), may_block(),
                   Reply<Value>([&](Result<Value>) { answered.set_value(std::this_thread::get_id()); }));
    inline_answer = answered.get_future().get() == std::this_thread::get_id();
  }
  CHECK(inline_answer);
  // Its deadline ends it all the same, and the next has another connection.
  Call hasty = may_block();
  hasty.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  CHECK(ask(*database, database_command(R"_({"kind": "sql", "sql": "SELECT pg_sleep(60)"})_"), hasty) ==
        "error timeout: database: the time was up while the database worked");
  CHECK(ask(*database, database_command(R"({"kind": "count", "table": "t"})"), may_block()) == "1");
  // Others that wait are served when it is given back.
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int n = 0; n < 50; ++n) {
        const Call call = thread % 2 == 0 ? may_block() : Call();
        stored += ask(*database, database_command(R"({"kind": "insert", "table": "t", "data": {"a": 2}})"), call)
                      .starts_with("{");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(stored == 400);
  CHECK(ask(*database, database_command(R"({"kind": "count", "table": "t"})"), may_block()) == "401");
  // The reply may drop the last handle.
  std::promise<std::string> last;
  Database& asked = *database;
  asked.send(database_command(R"({"kind": "count", "table": "t"})"), may_block(),
             Reply<Value>([&last, held = std::move(database)](Result<Value> result) mutable {
               held.reset();
               last.set_value(answer_text(result));
             }));
  CHECK(last.get_future().get() == "401");
}

TEST_CASE("postgres: auto schema makes ordinary tables") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  const auto database = open_postgres(name, true);
  ask(*database,
      R"({"kind": "insert", "table": "t", "data": {"i": 1, "d": 0.5, "s": "x", "b": true, "o": {"k": [1]}, "later": null}})");
  CHECK(postgres_here()->by_hand("SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE "
                                 "table_name = 't' ORDER BY ordinal_position",
                                 name) ==
        "id bigint\ni bigint\nd double precision\ns text\nb boolean\no json\nlater text\n");
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"i": 2.5, "later": 7}})");
  CHECK(postgres_here()->by_hand("SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND "
                                 "column_name IN ('i', 'later') ORDER BY column_name",
                                 name) == "numeric\nbigint\n");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") ==
        R"([{"id":1,"i":1,"d":0.5,"s":"x","b":true,"o":{"k":[1]},"later":null},)"
        R"({"id":2,"i":2.5,"d":null,"s":null,"b":null,"o":null,"later":7}])");
  // A table made by hand gets new columns, but its own stay as they are.
  postgres_here()->by_hand("CREATE TABLE hand (id bigint PRIMARY KEY, n integer)", name);
  CHECK(ask(*database, R"({"kind": "insert", "table": "hand", "data": {"id": 1, "n": 5, "extra": "x"}})") ==
        R"({"id":1,"n":5,"extra":"x"})");
  CHECK(ask(*database, R"({"kind": "insert", "table": "hand", "data": {"id": 2, "n": "word"}})") ==
        R"(error validation: column "n": expected an integer, got text that is none)");
}

TEST_CASE("postgres: two processes that make and widen the same table agree") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  const auto one = open_postgres(name, true), other = open_postgres(name, true);
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") == "[]");
  CHECK(ask(*other, R"({"kind": "insert", "table": "t", "data": {"a": 1}})") == R"({"id":1,"a":1})");
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
  CHECK(ask(*other, R"({"kind": "insert", "table": "t", "data": {"a": "text", "b": 2}})") ==
        R"({"id":2,"a":"text","b":2})");
  // Still believed to be bigint: never stored as anything else than what it is.
  CHECK(ask(*one, R"({"kind": "insert", "table": "t", "data": {"a": 5}})") == R"({"id":3,"a":5,"b":null})");
  CHECK(ask(*one, R"({"kind": "insert", "table": "t", "data": {"a": "5"}})") == R"({"id":4,"a":"5","b":null})");
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") ==
        R"([{"id":1,"a":1,"b":null},{"id":2,"a":"text","b":2},{"id":3,"a":5,"b":null},{"id":4,"a":"5","b":null}])");
  std::vector<std::thread> threads;
  std::vector<std::string> answers(8);
  for (std::size_t at = 0; at < answers.size(); ++at) {
    threads.emplace_back([&, at] {
      answers[at] = ask(at % 2 == 0 ? *one : *other, R"({"kind": "insert", "table": "new", "data": {"c)" +
                                                         std::to_string(at % 3) + R"(": 1, "shared": )" +
                                                         (at % 2 == 0 ? "1" : "\"x\"") + "}}");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::erase_if(answers, [](const std::string& answer) { return answer.starts_with(R"({"id":)"); });
  CHECK(answers == std::vector<std::string>());
  CHECK(ask(*one, R"({"kind": "count", "table": "new", "filter": ["eq", "shared", "x"]})") == "4");
}

TEST_CASE("postgres: a table that others change again and again") {
  if (postgres_here() == nullptr) return;
  // What a statement meets that was prepared before each change; a sequence is not rolled back.
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand(
      "CREATE TABLE t (id bigint PRIMARY KEY, a bigint); CREATE SEQUENCE tries;"
      "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') <= NEW.a THEN "
      "RAISE EXCEPTION 'cached plan must not change result type' USING ERRCODE = '0A000'; END IF; RETURN NEW; END $$;"
      "CREATE TRIGGER change BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION change()",
      name);
  const auto database = open_postgres(name);
  const auto tries = [&] {
    const std::string count = postgres_here()->by_hand("SELECT last_value FROM tries", name);
    postgres_here()->by_hand("ALTER SEQUENCE tries RESTART", name);
    return count;
  };
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 1, "a": 5}})") == R"({"id":1,"a":5})");
  CHECK(tries() == "6\n");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 2, "a": 100}})") ==
        "error database: cached plan must not change result type");
  CHECK(tries() == "10\n");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 3, "a": 4}, "transaction": "x"})") ==
        R"({"id":3,"a":4})");
  CHECK(ask(*database, R"({"kind": "commit", "transaction": "x"})") == "null");
  CHECK(tries() == "5\n");
  CHECK(ask(*database, R"({"kind": "count", "table": "t"})") == "2");
}

TEST_CASE("postgres: every type of a table made by hand, both ways") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand(
      "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS integer CHECK (VALUE < 100);"
      "CREATE TABLE t (id serial PRIMARY KEY, si smallint, bi bigint, r real, n numeric, n2 numeric(10,2), b boolean,"
      " v varchar(5), c char(3), u uuid, m mood, ts timestamp, tz timestamptz, d date, j json, jb jsonb, by bytea,"
      " ai integer[], at text[], am mood[], ats timestamptz[], iv interval, dom small)",
      name);
  const auto database = open_postgres(name);
  const auto store = [&](std::string_view data) {
    return ask(*database, R"({"kind": "insert", "table": "t", "data": {)" + std::string(data) + "}}");
  };
  // The members that are not null.
  const auto stored = [&](std::string_view data) {
    DatabaseCommand command =
        database_command(R"({"kind": "insert", "table": "t", "data": {)" + std::string(data) + "}}");
    auto row = perform(*database, command);
    if (!*row) return answer_text(*row);
    Value kept = Value::object();
    for (std::size_t at = 1; at < (*row)->size(); ++at) {
      if (!(**row)[at].is_null()) kept.set((*row)->key_at(at), (**row)[at]);
    }
    return to_json(kept);
  };
  CHECK(stored(R"("si": -32768, "bi": 9223372036854775807, "r": 0.1, "b": true)") ==
        R"({"si":-32768,"bi":9223372036854775807,"r":0.1,"b":true})");
  CHECK(stored(R"("si": "12", "bi": 5.0, "r": "2.5", "b": 0)") == R"({"si":12,"bi":5,"r":2.5,"b":false})");
  CHECK(stored(R"("n": 12.5, "n2": 12.5)") == R"({"n":12.5,"n2":12.5})");
  CHECK(stored(R"("n": "12345678901234567890.123456789", "n2": "7")") ==
        R"({"n":"12345678901234567890.123456789","n2":7})");
  CHECK(stored(R"("n": "NaN", "r": "-Infinity")") == R"({"r":"-Infinity","n":"NaN"})");
  CHECK(stored(R"("n": 1e21)") == R"({"n":1e+21})");
  CHECK(stored(R"("v": 5, "c": "a", "u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "m": "ok")") ==
        R"({"v":"5","c":"a  ","u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","m":"ok"})");
  CHECK(stored(R"("ts": 1709209800250, "tz": 1709209800250, "d": 1709209800250)") ==
        R"({"ts":1709209800250,"tz":1709209800250,"d":1709164800000})");
  CHECK(stored(R"("ts": "2024-02-29T12:30:00.25Z", "tz": "2024-02-29T14:30:00.25+02:00", "d": "2024-02-29")") ==
        R"({"ts":1709209800250,"tz":1709209800250,"d":1709164800000})");
  CHECK(stored(R"("ts": -1, "tz": "infinity", "d": -86400000)") == R"({"ts":-1,"tz":"infinity","d":-86400000})");
  CHECK(stored(R"("j": {"b": 1, "a": [null, "x"]}, "jb": {"b": 1, "a": [null, "x"]})") ==
        R"({"j":{"b":1,"a":[null,"x"]},"jb":{"a":[null,"x"],"b":1}})");
  CHECK(stored(R"("j": "text", "jb": 5)") == R"({"j":"text","jb":5})");
  CHECK(stored(R"("ai": [1, null, 3], "at": ["a,b", "\"q\"", "NULL", null, "\\", ""], "am": ["sad"])") ==
        R"({"ai":[1,null,3],"at":["a,b","\"q\"","NULL",null,"\\",""],"am":["sad"]})");
  CHECK(stored(R"("ai": [[1, 2], [3, 4]], "ats": [0])") == R"({"ai":[[1,2],[3,4]],"ats":[0]})");
  CHECK(stored(R"("iv": "1 day 02:00:00", "dom": 7)") == R"({"iv":"1 day 02:00:00","dom":7})");
  DatabaseCommand bytes = database_command(R"({"kind": "insert", "table": "t", "data": {}})");
  bytes.data = Value::object({{"by", Value::bytes(std::string_view("\0\xff\\x", 4))}});
  auto row = perform(*database, bytes);
  REQUIRE(row->ok());
  CHECK((**row).get("by").is_bytes());
  CHECK((**row).get("by").as_string() == std::string_view("\0\xff\\x", 4));

  // What does not fit says so, without repeating the value.
  CHECK(store(R"("si": 70000)") == R"(error validation: column "si": expected a smallint, from -32768 to 32767)");
  CHECK(store(R"("bi": 1e19)") ==
        R"(error validation: column "bi": expected an integer of 64 bits, got a greater one)");
  CHECK(store(R"("bi": 1.5)") == R"(error validation: column "bi": expected an integer, got a number with a fraction)");
  CHECK(store(R"("bi": "secret")") == R"(error validation: column "bi": expected an integer, got text that is none)");
  CHECK(store(R"("b": "secret")") == R"(error validation: column "b": expected a boolean, got text)");
  CHECK(store(R"("u": "secret")") == R"(error validation: column "u": expected a UUID)");
  CHECK(store(R"("v": "secret")") == "error validation: a text is longer than its column allows");
  CHECK(store(R"("m": "secret")") == "error validation: a value does not fit the type of its column or place");
  CHECK(store(R"("ai": ["secret"])") ==
        R"(error validation: column "ai": element 0: expected an integer, got text that is none)");
  CHECK(store(R"("ai": 5)") == R"(error validation: column "ai": expected a list, got a number)");
  CHECK(store(R"("ai": [[1], [2, 3]])") == "error validation: a value does not fit the type of its column or place");
  CHECK(
      store(R"("ts": "secret")") ==
      R"(error validation: column "ts": expected a time (milliseconds since 1970, or ISO text such as 2024-02-29T12:30:00Z))");
  CHECK(
      store(R"("ts": 1e18)") ==
      R"(error validation: column "ts": expected a time in milliseconds since 1970 that PostgreSQL has, got one outside)");
  CHECK(store(R"("n2": 123456789)") == "error validation: a number is outside the range of its column");

  // Filters by type.
  const auto count = [&](std::string_view filter) {
    return ask(*database, R"({"kind": "count", "table": "t", "filter": )" + std::string(filter) + "}");
  };
  CHECK(count(R"(["eq", "r", 0.1])") == "1");
  CHECK(count(R"(["eq", "n", "12345678901234567890.123456789"])") == "1");
  CHECK(count(R"(["gt", "n", 12])") == "2");
  CHECK(count(R"(["eq", "n", "NaN"])") == "1");
  CHECK(count(R"(["eq", "n2", "12.50"])") == "0");
  CHECK(count(R"(["eq", "n2", "12.5"])") == "1");
  CHECK(count(R"(["eq", "c", "a  "])") == "1");
  CHECK(count(R"(["eq", "c", "a"])") == "0");
  CHECK(count(R"(["eq", "u", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"])") == "1");
  CHECK(count(R"(["eq", "m", "ok"])") == "1");
  CHECK(count(R"(["eq", "m", "no such"])") == "0");
  CHECK(count(R"(["eq", "ts", 1709209800250])") == "2");
  CHECK(count(R"(["gte", "ts", "2024-02-29T12:30:00.250Z"])") == "2");
  CHECK(count(R"(["lt", "ts", "1970-01-01"])") == "1");
  CHECK(count(R"(["gt", "tz", 0])") == "2");
  CHECK(count(R"(["in", "d", ["2024-02-29", null, -86400000]])") == "16");
  CHECK(count(R"(["eq", "jb", 5])") == "1");
  CHECK(count(R"(["eq", "jb", "5"])") == "1");
  CHECK(count(R"(["eq", "j", {"b": 1, "a": [null, "x"]}])") == "1");
  CHECK(count(R"(["contains", "ai", 3])") == "1");
  CHECK(count(R"(["contains", "at", "a,b"])") == "1");
  CHECK(count(R"(["eq", "dom", 7])") == "1");
  CHECK(count(R"(["like", "iv", "1 DAY%"])") == "1");
}

TEST_CASE("postgres: ids of integers, bigints, UUIDs and texts") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand(
      "CREATE TABLE u (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), a int);"
      "CREATE TABLE w (id text PRIMARY KEY, a int); CREATE TABLE i (id integer PRIMARY KEY, a int);"
      "CREATE TABLE none (a int)",
      name);
  const auto database = open_postgres(name);
  const std::string id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  CHECK(ask(*database, R"({"kind": "insert", "table": "u", "data": {"id": ")" + id + R"(", "a": 1}})") ==
        R"({"id":")" + id + R"(","a":1})");
  CHECK(ask(*database, R"({"kind": "get", "table": "u", "record_id": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"})") ==
        R"({"id":")" + id + R"(","a":1})");
  CHECK(ask(*database, R"({"kind": "get", "table": "u", "record_id": 5})") == "null");
  CHECK(ask(*database, R"({"kind": "update", "table": "u", "record_id": "x' OR 1=1", "data": {"a": 2}})") ==
        R"(error not_found: table "u" has no record "x' OR 1=1")");
  auto made = perform(*database, database_command(R"({"kind": "insert", "table": "u", "data": {"a": 2}})"));
  REQUIRE(made->ok());
  CHECK((**made).get("id").as_string().size() == 36);
  CHECK(ask(*database, R"({"kind": "insert", "table": "w", "data": {"id": "k", "a": 1}})") == R"({"id":"k","a":1})");
  CHECK(ask(*database, R"({"kind": "remove", "table": "w", "record_id": "k"})") == "1");
  CHECK(ask(*database, R"({"kind": "insert", "table": "i", "data": {"id": "7", "a": 1}})") == R"({"id":7,"a":1})");
  CHECK(ask(*database, R"({"kind": "get", "table": "i", "record_id": 5000000000})") == "null");
  CHECK(ask(*database, R"({"kind": "get", "table": "none", "record_id": 1})") ==
        R"(error database: table "none" has no column "id")");
}

TEST_CASE("postgres: under a strict schema what is unknown is an error that names near ones") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand("CREATE TABLE users (id serial PRIMARY KEY, email text); CREATE TABLE orders (id serial)",
                           name);
  const auto database = open_postgres(name);
  for (const char* command :
       {R"({"kind": "query", "table": "usres"})", R"({"kind": "count", "table": "usres"})",
        R"({"kind": "get", "table": "usres", "record_id": 1})",
        R"({"kind": "insert", "table": "usres", "data": {"a": 1}})",
        R"({"kind": "insert_many", "table": "usres", "data": [{"a": 1}]})",
        R"({"kind": "update", "table": "usres", "record_id": 1, "data": {"a": 1}})",
        R"({"kind": "upsert", "table": "usres", "key_column": "a", "data": {"a": 1}})",
        R"({"kind": "remove", "table": "usres", "record_id": 1})", R"({"kind": "remove_many", "table": "usres"})"}) {
    INFO(command);
    CHECK(ask(*database, command) == R"(error database: no table "usres"; did you mean "users"?)");
  }
  for (const char* command : {R"({"kind": "query", "table": "users", "filter": ["eq", "emial", null]})",
                              R"({"kind": "query", "table": "users", "sort": {"emial": "asc"}})",
                              R"({"kind": "count", "table": "users", "filter": ["not", ["eq", "emial", 1]]})",
                              R"({"kind": "insert", "table": "users", "data": {"emial": 1}})",
                              R"({"kind": "update", "table": "users", "record_id": 1, "data": {"emial": 1}})",
                              R"({"kind": "upsert", "table": "users", "key_column": "emial", "data": {"emial": 1}})",
                              R"({"kind": "remove_many", "table": "users", "filter": ["eq", "emial", 1]})"}) {
    INFO(command);
    CHECK(ask(*database, command) == R"(error database: table "users" has no column "emial"; did you mean "email"?)");
  }
  for (const char* table : {"pg_class", "pg_authid", "tables"}) {
    CHECK(ask(*database, R"({"kind": "query", "table": ")" + std::string(table) + "\"}")
              .starts_with("error database: no table \"" + std::string(table) + "\""));
  }
  const std::string longest(63, 'x'), longer(64, 'x');
  CHECK(ask(*database, R"({"kind": "query", "table": ")" + longer + "\"}") ==
        "error database: no table \"" + longer + "\"");
  postgres_here()->by_hand("CREATE TABLE " + longest + " (id serial)", name);
  CHECK(ask(*database, R"({"kind": "query", "table": ")" + longest + "\"}") == "[]");
  CHECK(ask(*database, R"({"kind": "query", "table": ")" + longer + "\"}").starts_with("error database: no table"));
}

TEST_CASE("postgres: constraints are named, values are not") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand(
      "CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE NOT NULL, age int CONSTRAINT adult CHECK (age > "
      "17));"
      "CREATE TABLE orders (id serial PRIMARY KEY, user_id int REFERENCES users, a int, b int, UNIQUE (a, b));"
      "INSERT INTO users (email) VALUES ('secret@x'); INSERT INTO orders (a, b) VALUES (1, 2)",
      name);
  const auto database = open_postgres(name);
  CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"email": "secret@x"}})") ==
        R"(error database: unique constraint "users_email_key" failed: users.email)");
  CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"age": 18}})") ==
        "error database: not null constraint failed: users.email");
  CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"email": "b", "age": 4}})") ==
        R"(error database: check constraint "adult" failed: users.age)");
  CHECK(ask(*database, R"({"kind": "insert", "table": "orders", "data": {"user_id": 99}})") ==
        R"(error database: foreign key constraint "orders_user_id_fkey" failed: orders.user_id)");
  CHECK(ask(*database, R"({"kind": "insert", "table": "orders", "data": {"a": 1, "b": 2}})") ==
        R"(error database: unique constraint "orders_a_b_key" failed: orders (a, b))");
  CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"id": 1, "email": "c"}})") ==
        R"(error database: table "users" has a record with this id already)");
}

TEST_CASE("postgres: SQL text") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  const auto database = open_postgres(name);
  const auto sql = [&](std::string_view text, std::string_view rest = "") {
    DatabaseCommand command = database_command(R"({"kind": "sql")" + std::string(rest) + "}");
    command.sql = text;
    return ask(*database, command);
  };
  CHECK(sql("CREATE TABLE t (id serial PRIMARY KEY, a text, b boolean, c jsonb)") == "[]");
  CHECK(sql("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", R"(, "bindings": ["x'); DROP TABLE t;--", true, {"k": 1}])") ==
        "[]");
  CHECK(sql("SELECT a, b, c, id AS n, id FROM t") ==
        R"([{"a":"x'); DROP TABLE t;--","b":true,"c":{"k":1},"n":1,"id":1}])");
  CHECK(sql("SELECT $2::int - $1::int AS d", R"(, "bindings": [1, 5])") == R"([{"d":4}])");
  CHECK(sql("SELECT c ? 'k' AS has FROM t") == R"([{"has":true}])");
  CHECK(sql("SELECT c ? $1 AS has FROM t", R"(, "bindings": ["k"])") == R"([{"has":true}])");
  CHECK(sql("SELECT '?' AS q, ?::int AS n -- ?", R"(, "bindings": [3])") == R"([{"q":"?","n":3}])");
  CHECK(sql("SELECT $$ ; ? $$ AS q, E'\\';' AS e /* ; /* ? */ */") == R"([{"q":" ; ? ","e":"';"}])");
  CHECK(sql("SELECT 1 AS a, 2 AS b, 3 AS a") == R"([{"a":3,"b":2}])");
  CHECK(sql("UPDATE t SET a = '5' RETURNING a") == R"([{"a":"5"}])");
  CHECK(sql("WITH n AS (UPDATE t SET a = '6' RETURNING a) SELECT * FROM n") == R"([{"a":"6"}])");
  CHECK(sql(" ; SELECT 1 AS a ; -- done\n") == R"([{"a":1}])");

  CHECK(sql("") == "error validation: sql: expected a statement, got an empty text");
  CHECK(sql(" -- nothing\n;") == "error validation: sql: expected a statement, got an empty text");
  CHECK(sql("SELECT 1; SELECT 2") == "error validation: sql: expected one statement, got several");
  CHECK(sql("DELETE FROM t; nonsense") == "error validation: sql: expected one statement, got several");
  CHECK(sql("SELEC 1") == "error database: sql: syntax error at or near \"SELEC\"");
  CHECK(sql("SELECT ?", R"(, "bindings": [1, 2])") == "error validation: sql: expected 1 bindings, got 2");
  CHECK(sql("SELECT $2", R"(, "bindings": [1])") == "error validation: sql: expected 2 bindings, got 1");
  for (const char* text : {"BEGIN", "commit", "ROLLBACK", "SAVEPOINT x", "SET work_mem = 1", "COPY t TO '/tmp/x'",
                           "/* x */ DISCARD ALL"}) {
    INFO(text);
    CHECK(sql(text) ==
          "error database: sql: this kind of statement is refused: transactions belong in a Database Transaction step, "
          "and what changes the session is not for definitions");
  }
  CHECK(sql("SELECT * FROM generate_series(1, 100000000)", R"(, "max_rows": 5)") ==
        "error limit: the statement gives more than 5 rows; give it a limit, or raise the limit \"rows\"");
  CHECK(sql("SELECT count(*) AS n FROM t") == R"([{"n":1}])");
  for (int at = 0; at < 3; ++at) CHECK(sql("INSERT INTO t (a) VALUES ('1')") == "[]");
  CHECK(sql("UPDATE t SET a = '9' RETURNING a", R"(, "max_rows": 3)") ==
        "error limit: the statement gives more than 3 rows; give it a limit, or raise the limit \"rows\"");
  CHECK(sql("SELECT count(*) AS n FROM t WHERE a = '9'") == R"([{"n":0}])");
  // A change of schema is seen by the record commands, rolled back ones too.
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(sql("ALTER TABLE t ADD COLUMN z int DEFAULT 7", R"(, "transaction": "x")") == "[]");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "filter": ["eq", "z", 7], "transaction": "x"})") == "4");
  CHECK(ask(*database, R"({"kind": "rollback", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "filter": ["eq", "z", 7]})") ==
        "error database: table \"t\" has no column \"z\"");
}

TEST_CASE("postgres: an error inside a transaction undoes its own step alone") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand("CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE)", name);
  const auto database = open_postgres(name);
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x", "isolation": "read_committed"})") == "null");
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 1, "a": 1}, "transaction": "x"})") ==
        R"({"id":1,"a":1})");
  CHECK(
      ask(*database,
          R"({"kind": "insert_many", "table": "t", "data": [{"id": 2, "a": 2}, {"id": 3, "a": 1}], "transaction": "x"})") ==
      R"(error database: unique constraint "t_a_key" failed: t.a)");
  CHECK(ask(*database, R"({"kind": "query", "table": "t", "transaction": "x"})") == R"([{"id":1,"a":1}])");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == "[]");  // another connection
  CHECK(ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 4, "a": 4}, "transaction": "x"})") ==
        R"({"id":4,"a":4})");
  CHECK(ask(*database, R"({"kind": "commit", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1},{"id":4,"a":4}])");
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "y", "isolation": "chaos"})") ==
        "error validation: isolation: expected read_committed, repeatable_read or serializable, got \"chaos\"");
}

TEST_CASE("postgres: upserts of one key at the same time make one record") {
  if (postgres_here() == nullptr) return;
  const std::string name = postgres_here()->create_database();
  postgres_here()->by_hand("CREATE TABLE t (id serial PRIMARY KEY, sku text, n int)", name);
  const auto database = open_postgres(name);
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int at = 0; at < 25; ++at) {
        const std::string sku = std::to_string(at);
        failed += ask(*database, R"({"kind": "upsert", "table": "t", "key_column": "sku", "data": {"sku": "k)" + sku +
                                     R"(", "n": 1}})")
                      .starts_with("error");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(ask(*database, R"({"kind": "count", "table": "t"})") == "25");
}
