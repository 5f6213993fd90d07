#include <fnstack/backends/sqlite.hpp>

#include <sqlite3.h>

#include <map>
#include <utility>
#include <vector>

#include "contracts/database_contract.hpp"
#include "support/temporary_directory.hpp"

using namespace fnstack_test;

namespace {

std::shared_ptr<Database> open(const std::string& path, bool strict = false) {
  SqliteOptions options;
  options.path = path;
  options.strict_schema = strict;
  auto database = sqlite_database(options);
  INFO((database ? "" : database.error().message));
  REQUIRE(database.ok());
  return *database;
}

// What another program sees: the first column of each row, joined by line ends.
std::string by_hand(const std::string& path, const std::string& text) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK);
  std::string rows;
  char* problem = nullptr;
  const int code = sqlite3_exec(
      connection, text.c_str(),
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += (values[0] != nullptr ? values[0] : "NULL") + std::string("\n");
        return 0;
      },
      &rows, &problem);
  INFO((problem != nullptr ? problem : ""));
  CHECK(code == SQLITE_OK);
  sqlite3_free(problem);
  sqlite3_close(connection);
  return rows;
}

// Gives records with the same keys one key list, as the records of one step have it.
class SharesKeys final : public Database {
 public:
  explicit SharesKeys(std::shared_ptr<Database> inner) : inner_(std::move(inner)) {}
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    if (command.data.is_object()) command.data = shared(command.data);
    inner_->send(std::move(command), call, std::move(reply));
  }

 private:
  Value shared(const Value& data) {
    std::string keys;
    std::vector<Value> values;
    for (std::size_t at = 0; at < data.size(); ++at) {
      keys += std::string(data.key_at(at)) + '\n';
      values.push_back(data[at]);
    }
    return Value::object_like(models_.emplace(keys, data).first->second, values);
  }

  const std::shared_ptr<Database> inner_;
  std::map<std::string, Value> models_;
};

}  // namespace

TEST_CASE("sqlite in memory keeps the contract") {
  database_contract([] { return open(":memory:"); });
}

TEST_CASE("sqlite keeps the contract with records that share their keys") {
  database_contract([] { return std::make_shared<SharesKeys>(open(":memory:")); });
}

TEST_CASE("sqlite in a file keeps the contract") {
  const TemporaryDirectory directory;
  database_contract([&] { return open(directory.file("t.db")); });
}

TEST_CASE("sqlite: other programs read ordinary tables") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  ask(*database,
      R"({"kind": "insert", "table": "t", "data": {"i": 1, "d": 0.5, "s": "x", "b": true, "o": {"k": [1]}, "later": null}})");
  CHECK(by_hand(path, "SELECT sql FROM sqlite_schema") ==
        "CREATE TABLE \"t\" (\"id\" INTEGER PRIMARY KEY, \"i\", \"d\", \"s\", \"b\" BOOLEAN, \"o\" JSON, \"later\")\n");
  CHECK(by_hand(path, "SELECT i || ' ' || d || ' ' || s || ' ' || b || ' ' || o FROM t") == "1 0.5 x 1 {\"k\":[1]}\n");
  CHECK(by_hand(path, "PRAGMA journal_mode") == "wal\n");
  // A column that a null made gets its type with its first value.
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"later": {"error": "x"}}})");
  CHECK(by_hand(path, "SELECT json_extract(later, '$.error') FROM t") == "NULL\nx\n");
  CHECK(by_hand(path, "SELECT type FROM pragma_table_info('t') WHERE name = 'later'") == "JSON\n");
  // One that has content keeps it, and holds the object beside it.
  ask(*database, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"s": {"error": "y"}}})");
  CHECK(by_hand(path, "SELECT CAST(s AS TEXT) FROM t") == "{\"error\":\"y\"}\nNULL\n");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") ==
        R"([{"id":1,"i":1,"d":0.5,"s":{"error":"y"},"b":true,"o":{"k":[1]},"later":null},)"
        R"({"id":2,"i":null,"d":null,"s":null,"b":null,"o":null,"later":{"error":"x"}}])");
}

TEST_CASE("sqlite: tables made by hand are used as they are") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  by_hand(path,
          "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, age INTEGER, score REAL, active "
          "BOOLEAN DEFAULT 1,"
          " data TEXT, tags JSON, made AS (upper(email)));"
          "INSERT INTO users VALUES (1, 'a@x', 30, 1.5, 0, 'plain', '[1,2]'), (2, '12', NULL, 2, 1, NULL, 'no json');");
  for (const bool strict : {false, true}) {
    const auto database = open(path, strict);
    CHECK(ask(*database, R"({"kind": "query", "table": "users"})") ==
          R"([{"id":1,"email":"a@x","age":30,"score":1.5,"active":false,"data":"plain","tags":[1,2],"made":"A@X"},)"
          R"({"id":2,"email":"12","age":null,"score":2,"active":true,"data":null,"tags":"no json","made":"12"}])");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["eq", "email", 12]})") == "1");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["eq", "age", "30"]})") == "1");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["eq", "age", "030"]})") == "0");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["gt", "age", 4]})") == "1");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["gt", "age", "4"]})") == "0");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["gt", "email", 4]})") == "0");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["gte", "email", "12"]})") == "2");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["eq", "active", true]})") == "1");
    CHECK(ask(*database, R"({"kind": "count", "table": "users", "filter": ["contains", "tags", 2]})") == "1");
    CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"email": "a@x"}})") ==
          "error database: unique constraint failed: users.email");
    CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"age": 1}})") ==
          "error database: not null constraint failed: users.email");
    CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"email": 5, "data": {"k": 1}}})") ==
          R"({"id":3,"email":"5","age":null,"score":null,"active":true,"data":"{\"k\":1}","tags":null,"made":"5"})");
    CHECK(ask(*database, R"({"kind": "remove", "table": "users", "record_id": 3})") == "1");
  }
}

TEST_CASE("sqlite: under a strict schema what is unknown is an error that names near ones") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  by_hand(path, "CREATE TABLE users (id INTEGER PRIMARY KEY, email); CREATE TABLE orders (id INTEGER PRIMARY KEY)");
  const auto database = open(path, true);
  const std::string no_table = R"(error database: no table "usres"; did you mean "users"?)";
  for (const char* command :
       {R"({"kind": "query", "table": "usres"})", R"({"kind": "count", "table": "usres"})",
        R"({"kind": "get", "table": "usres", "record_id": 1})",
        R"({"kind": "insert", "table": "usres", "data": {"a": 1}})",
        R"({"kind": "insert_many", "table": "usres", "data": [{"a": 1}]})",
        R"({"kind": "update", "table": "usres", "record_id": 1, "data": {"a": 1}})",
        R"({"kind": "upsert", "table": "usres", "key_column": "a", "data": {"a": 1}})",
        R"({"kind": "remove", "table": "usres", "record_id": 1})", R"({"kind": "remove_many", "table": "usres"})"}) {
    INFO(command);
    CHECK(ask(*database, command) == no_table);
  }
  const std::string no_column = R"(error database: table "users" has no column "emial"; did you mean "email"?)";
  for (const char* command : {R"({"kind": "query", "table": "users", "filter": ["eq", "emial", null]})",
                              R"({"kind": "query", "table": "users", "sort": {"emial": "asc"}})",
                              R"({"kind": "count", "table": "users", "filter": ["not", ["eq", "emial", 1]]})",
                              R"({"kind": "insert", "table": "users", "data": {"emial": 1}})",
                              R"({"kind": "update", "table": "users", "record_id": 1, "data": {"emial": 1}})",
                              R"({"kind": "upsert", "table": "users", "key_column": "emial", "data": {"emial": 1}})",
                              R"({"kind": "remove_many", "table": "users", "filter": ["eq", "emial", 1]})"}) {
    INFO(command);
    CHECK(ask(*database, command) == no_column);
  }
  CHECK(ask(*database, R"({"kind": "insert", "table": "users", "data": {"email": {"a": 1}}})") ==
        R"({"id":1,"email":{"a":1}})");
  CHECK(ask(*database, R"({"kind": "query", "table": "sqlite_schema"})") ==
        R"(error database: no table "sqlite_schema")");
}

TEST_CASE("sqlite: what is looked up often in a big table of its own gets an index") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  by_hand(path, "CREATE TABLE theirs (id INTEGER PRIMARY KEY, sku TEXT)");
  const auto database = open(path);
  Value rows = Value::array();
  for (int at = 0; at < 1'500; ++at) rows.push_back(Value::object({{"sku", Value("s" + std::to_string(at))}}));
  for (const char* table : {"ours", "theirs"}) {
    DatabaseCommand command = database_command(R"({"kind": "insert_many", "declared": ["sku"], "data": []})");
    command.table = table;
    command.data = rows;
    REQUIRE(perform(*database, command)->ok());
    const std::string one = R"({"kind": "query", "table": ")" + std::string(table) +
                            R"(", "filter": ["and", ["ne", "sku", "s8"], ["eq", "sku", "s7"]]})";
    CHECK(ask(*database, one) == R"([{"id":8,"sku":"s7"}])");
    CHECK(ask(*database, one) == R"([{"id":8,"sku":"s7"}])");
  }
  CHECK(by_hand(path, "SELECT name FROM sqlite_schema WHERE type = 'index'") == "fnstack_ours_sku\n");
  by_hand(path, "DROP INDEX fnstack_ours_sku");
  for (int time = 0; time < 2; ++time) {
    CHECK(ask(*database, R"({"kind": "query", "table": "ours", "filter": ["eq", "sku", "s7"]})") ==
          R"([{"id":8,"sku":"s7"}])");
  }
  CHECK(by_hand(path, "SELECT name FROM sqlite_schema WHERE type = 'index'") == "fnstack_ours_sku\n");
}

TEST_CASE("sqlite: a row that nobody reads is not read") {
  const auto database = open(":memory:");
  DatabaseCommand command = database_command(R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
  command.want_rows = false;
  CHECK(ask(*database, command) == "null");
  command = database_command(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 2}})");
  command.want_rows = false;
  CHECK(ask(*database, command) == "null");
  command.record_id = Value(2);
  CHECK(ask(*database, command) == R"(error not_found: table "t" has no record 2)");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":2}])");
}

TEST_CASE("sqlite: the changes of another connection to the schema are seen") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto one = open(path), other = open(path);
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") == "[]");
  CHECK(ask(*other, R"({"kind": "insert", "table": "t", "data": {"a": 1}})") == R"({"id":1,"a":1})");
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
  CHECK(ask(*other, R"({"kind": "insert", "table": "t", "data": {"b": 2}})") == R"({"id":2,"a":null,"b":2})");
  CHECK(ask(*one, R"({"kind": "query", "table": "t", "filter": ["eq", "b", 2]})") == R"([{"id":2,"a":null,"b":2}])");
  CHECK(ask(*other, R"({"kind": "update", "table": "t", "record_id": 1, "data": {"c": true}})") ==
        R"({"id":1,"a":1,"b":null,"c":true})");
  CHECK(ask(*one, R"({"kind": "insert", "table": "t", "data": {"c": false}})") ==
        R"({"id":3,"a":null,"b":null,"c":false})");
  CHECK(ask(*other, R"({"kind": "sql", "sql": "DROP TABLE t"})") == "[]");
  CHECK(ask(*one, R"({"kind": "query", "table": "t"})") == "[]");
  CHECK(ask(*one, R"({"kind": "insert", "table": "t", "data": {"d": 1}})") == R"({"id":1,"d":1})");
  CHECK(ask(*other, R"({"kind": "sql", "sql": "DROP TABLE t"})") == "[]");
  CHECK(ask(*one, R"({"kind": "insert", "table": "t", "data": {"d": 2}})") == R"({"id":1,"d":2})");
}

TEST_CASE("sqlite: a table that another connection made anew is written by its new types") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  const auto database = open(path);
  const char* insert = R"({"kind": "insert", "table": "t", "data": {"a": {"k": 1}}})";
  const char* update = R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": {"k": 2}}})";
  by_hand(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, a BOOLEAN)");
  for (const char* command : {insert, insert, update, update}) ask(*database, command);
  CHECK(by_hand(path, "SELECT typeof(a) FROM t") == "blob\nblob\n");
  by_hand(path, "DROP TABLE t; CREATE TABLE t (b, a JSON, id INTEGER PRIMARY KEY)");
  for (const char* command : {insert, insert, update, update}) ask(*database, command);
  CHECK(by_hand(path, "SELECT typeof(a) || ' ' || a FROM t") == "text {\"k\":2}\ntext {\"k\":1}\n");
  CHECK(ask(*database, R"({"kind": "query", "table": "t"})") ==
        R"([{"b":null,"a":{"k":2},"id":1},{"b":null,"a":{"k":1},"id":2}])");
}

TEST_CASE("sqlite: records that share their keys go to their own tables, as these are at the time") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  SharesKeys database(open(path));
  by_hand(path, "CREATE TABLE typed (id INTEGER PRIMARY KEY, a TEXT, b BOOLEAN)");
  for (const char* table : {"typed", "plain", "typed", "plain"}) {
    DatabaseCommand command = database_command(R"({"kind": "insert", "data": {"a": 1, "b": true}})");
    command.table = table;
    REQUIRE(perform(database, command)->ok());
  }
  CHECK(by_hand(path, "SELECT typeof(a) || typeof(b) FROM typed") == "textinteger\ntextinteger\n");
  CHECK(by_hand(path, "SELECT typeof(a) || typeof(b) FROM plain") == "integerinteger\nintegerinteger\n");
  by_hand(path, "DROP TABLE typed; CREATE TABLE typed (b BOOLEAN, a BLOB, id INTEGER PRIMARY KEY)");
  CHECK(ask(database, R"({"kind": "insert", "table": "typed", "data": {"a": 2, "b": false}})") ==
        R"({"b":false,"a":2,"id":1})");
  // Values are looked at each time, whatever is known of the names.
  CHECK(ask(database, R"({"kind": "insert", "table": "typed", "data": {"a": "\u0000", "b": 1}})") ==
        R"(error validation: column "a": a database takes no text with a NUL character in it)");
  for (int time = 0; time < 2; ++time) {
    CHECK(ask(database, R"({"kind": "insert", "table": "plain", "data": {"a": 1, "A": 2}})") ==
          R"(error validation: data: "a" and "A" are the same column)");
    CHECK(ask(database, R"({"kind": "update", "table": "plain", "record_id": 1, "data": {"a": 5, "id": 1}})") ==
          R"({"id":1,"a":5,"b":true})");
    CHECK(ask(database, R"({"kind": "update", "table": "plain", "record_id": 1, "data": {"a": 5, "id": 2}})") ==
          "error validation: data: the id of a record can't be changed");
  }
  CHECK(ask(database, R"({"kind": "insert", "table": "plain", "data": {"id": 9, "a": 1}})") ==
        R"({"id":9,"a":1,"b":null})");
  CHECK(ask(database, R"({"kind": "insert", "table": "plain", "data": {"id": "x", "a": 1}})") ==
        "error validation: data: id: expected an integer");
}

TEST_CASE("sqlite: a lookup by one value finds what is equal to it, whatever was looked up before") {
  const auto database = open(":memory:");
  ask(*database,
      R"_({"kind": "sql", "sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC, s TEXT, o, b BOOLEAN)"})_");
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"n": 5, "s": "5", "o": 5, "b": true}})");
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"n": "05", "s": "05", "o": "5", "b": false}})");
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"n": null, "s": null, "o": {"k": 1}}})");
  // Asked alone, and as a part of something longer.
  const auto ids = [&](const std::string& column, const std::string& wanted, const std::string& more = "") {
    const std::string equal = R"(["eq", ")" + column + "\", " + wanted + "]";
    std::vector<std::string> found;
    for (const std::string& filter : {equal, R"(["and", )" + equal + "]"}) {
      const auto rows =
          perform(*database, database_command(R"({"kind": "query", "table": "t", "filter": )" + filter + more + "}"));
      REQUIRE(rows->ok());
      std::string& text = found.emplace_back();
      for (std::size_t at = 0; at < (**rows).size(); ++at) text += to_text((**rows)[at].get("id"));
    }
    CHECK(found[0] == found[1]);
    return found[0];
  };
  for (int time = 0; time < 2; ++time) {
    CHECK(ids("n", "5") == "12");  // of "05" the column's affinity has made a 5
    CHECK(ids("n", "\"5\"") == "12");
    CHECK(ids("n", "\"05\"").empty());
    CHECK(ids("n", "\"x\"").empty());
    CHECK(ids("n", "null") == "3");
    CHECK(ids("s", "5") == "1");
    CHECK(ids("s", "\"05\"") == "2");
    CHECK(ids("S", "\"5\"") == "1");
    CHECK(ids("o", "5") == "12");
    CHECK(ids("o", "\"5\"") == "12");
    CHECK(ids("o", "5.0", R"(, "limit": 1)") == "1");
    CHECK(ids("o", "5", R"(, "limit": 1, "offset": 1)") == "2");
    CHECK(ids("o", "5", R"(, "limit": 0)").empty());
    CHECK(ids("o", "5", R"(, "sort": {"id": "desc"})") == "21");
    CHECK(ids("o", R"({"k": 1})") == "3");
    CHECK(ids("b", "true") == "1");
    CHECK(ids("id", "2") == "2");
    CHECK(ids("id", "\"2\"") == "2");
    CHECK(ids("id", "\"x\"").empty());
    CHECK(ids("none", "5").empty());
  }
  // Another table by that name, with the columns in other places and of other types.
  ask(*database, R"({"kind": "sql", "sql": "DROP TABLE t"})");
  ask(*database, R"_({"kind": "sql", "sql": "CREATE TABLE t (o TEXT, id INTEGER PRIMARY KEY)"})_");
  ask(*database, R"({"kind": "insert", "table": "t", "data": {"id": 4, "o": 5}})");
  CHECK(ids("o", "5") == "4");
  CHECK(ids("n", "5").empty());
}

TEST_CASE("sqlite: records of many forms: what is kept for each list of columns stays right") {
  const auto database = open(":memory:");
  for (int round = 0; round < 3; ++round) {
    for (int at = 0; at < 200; ++at) {
      const std::string column = "c" + std::to_string(at % 50), other = "d" + std::to_string(at / 50);
      const std::string n = std::to_string(round * 1'000 + at);
      DatabaseCommand command =
          database_command(R"({"kind": "upsert", "table": "t", "key_column": "k", "data": {"k": )" +
                           std::to_string(at) + ", \"" + column + "\": " + n + ", \"" + other + "\": [" + n + "]}}");
      auto row = perform(*database, command);
      REQUIRE(row->ok());
      CHECK((**row).get(column) == Value(round * 1'000 + at));
      CHECK((**row).get(other) == Value::array({round * 1'000 + at}));
    }
  }
  CHECK(ask(*database, R"({"kind": "count", "table": "t"})") == "200");
}

TEST_CASE("sqlite: what was committed is there after reopening") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.db");
  {
    const auto database = open(path);
    ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
    ask(*database, R"({"kind": "begin", "transaction": "x"})");
    ask(*database, R"({"kind": "insert", "table": "t", "data": {"a": 2}, "transaction": "x"})");
  }
  CHECK(ask(*open(path), R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
}

TEST_CASE("sqlite: SQL text") {
  const auto database = open(":memory:");
  const auto sql = [&](std::string_view text, std::string_view rest = "") {
    DatabaseCommand command = database_command(R"({"kind": "sql")" + std::string(rest) + "}");
    command.sql = text;
    return ask(*database, command);
  };
  CHECK(sql("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b BOOLEAN, c JSON)") == "[]");
  CHECK(sql("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", R"(, "bindings": ["x'); DROP TABLE t;--", true, {"k": 1}])") ==
        "[]");
  CHECK(sql("SELECT a, b, c, id AS n, id FROM t") ==
        R"([{"a":"x'); DROP TABLE t;--","b":true,"c":{"k":1},"n":1,"id":1}])");
  CHECK(sql("SELECT ?2 - ?1 AS d", R"(, "bindings": [1, 5])") == R"([{"d":4}])");
  CHECK(sql("SELECT $2 - $1 AS d", R"(, "bindings": [1, 5])") == R"([{"d":4}])");
  CHECK(sql("SELECT 1 AS a, 2 AS b, 3 AS a") == R"([{"a":3,"b":2}])");
  CHECK(sql("SELECT 'aXb' REGEXP '[A-Z]' AS r, NULL REGEXP 'x' AS n") == R"([{"r":1,"n":null}])");
  CHECK(sql("UPDATE t SET a = 5 RETURNING a") == R"([{"a":5}])");
  CHECK(sql(" ; SELECT 1 AS a ; -- done\n") == R"([{"a":1}])");

  CHECK(sql("") == "error validation: sql: expected a statement, got an empty text");
  CHECK(sql(" -- nothing\n;") == "error validation: sql: expected a statement, got an empty text");
  CHECK(sql("SELECT 1; SELECT 2") == "error validation: sql: expected one statement, got several");
  CHECK(sql("DELETE FROM t; nonsense") == "error validation: sql: expected one statement, got several");
  CHECK(sql("SELEC 1") == "error database: sql: near \"SELEC\": syntax error");
  CHECK(sql("SELECT ?", R"(, "bindings": [])") == "error validation: sql: expected 1 bindings, got 0");
  CHECK(sql("SELECT ?", R"(, "bindings": [1, 2])") == "error validation: sql: expected 1 bindings, got 2");
  CHECK(sql("SELECT $x", R"(, "bindings": [1])") ==
        "error validation: sql: expected ? or $1, $2 … as places for bindings, got $x");
  CHECK(sql("SELECT ?", R"(, "bindings": ["\u0000"])") ==
        "error validation: sql: binding 1: a database takes no text with a NUL character in it");
  CHECK(sql("SELECT 'x' REGEXP '('") == "error database: invalid regular expression: missing ): (");
  // Two kinds of quotes: a name in double ones is never a text.
  // SQLite 3.46 quotes the name and adds a hint.
  const std::string no_column = sql("UPDATE t SET b = 0 WHERE \"nosuch\" = 'nosuch'");
  CHECK((no_column.starts_with("error database: sql: no such column: nosuch") ||
         no_column.starts_with("error database: sql: no such column: \"nosuch\"")));

  const std::string refused =
      "this kind of statement is refused: transactions belong in a Database Transaction step, and ATTACH, DETACH, "
      "PRAGMA and VACUUM are not for "
      "definitions";
  for (const char* text : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "ATTACH DATABASE '/tmp/x' AS y",
                           "PRAGMA journal_mode = DELETE"}) {
    INFO(text);
    CHECK(sql(text) == "error database: sql: " + refused);
  }
  CHECK(sql("VACUUM INTO '/tmp/fnstack-must-not-exist.db'") ==
        "error database: cannot VACUUM from within a transaction");

  CHECK(sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n", R"(, "max_rows": 5)") ==
        "error limit: the statement gives more than 5 rows; give it a limit, or raise the limit \"rows\"");
  // What it makes and does not give is bounded, too.
  CHECK(sql("SELECT length(hex(zeroblob(200000000))) AS n") ==
        "error limit: a value or the statement is too big for the database");
  CHECK(sql("SELECT length(hex(zeroblob(500))) AS n", R"(, "max_bytes": 999)") ==
        "error limit: a value or the statement is too big for the database");
  CHECK(sql("SELECT length(hex(zeroblob(500))) AS n", R"(, "max_bytes": 2000)") == R"([{"n":1000}])");
  // Refused for its rows, it has changed nothing.
  for (int at = 0; at < 3; ++at) CHECK(sql("INSERT INTO t (a) VALUES (1)") == "[]");
  CHECK(sql("UPDATE t SET a = 9 RETURNING a", R"(, "max_rows": 3)") ==
        "error limit: the statement gives more than 3 rows; give it a limit, or raise the limit \"rows\"");
  CHECK(sql("SELECT count(*) AS n FROM t WHERE a = 9") == R"([{"n":0}])");
  // A change of schema is seen by the record commands, rolled back ones too.
  CHECK(ask(*database, R"({"kind": "begin", "transaction": "x"})") == "null");
  CHECK(sql("ALTER TABLE t ADD COLUMN z DEFAULT 7", R"(, "transaction": "x")") == "[]");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "filter": ["eq", "z", 7], "transaction": "x"})") == "4");
  CHECK(ask(*database, R"({"kind": "rollback", "transaction": "x"})") == "null");
  CHECK(ask(*database, R"({"kind": "count", "table": "t", "filter": ["eq", "z", 7]})") == "0");
}

TEST_CASE("sqlite: URLs") {
  const auto parse = [](std::string_view url) -> std::string {
    auto options = parse_sqlite_url(url);
    if (!options) return options.error().type + ": " + options.error().message;
    return options->path + (options->strict_schema ? " strict" : " auto") + (options->read_only ? " ro " : " rw ") +
           std::to_string(options->busy_timeout_ms);
  };
  CHECK(parse("sqlite:a.db") == "a.db auto rw 5000");
  CHECK(parse("sqlite:/x/a b%20.db?schema=strict") == "/x/a b%20.db strict rw 5000");
  CHECK(parse("sqlite:///x/a.db?mode=ro&busy_timeout=20") == "///x/a.db auto ro 20");
  CHECK(parse("sqlite::memory:") == ":memory: auto rw 5000");
  CHECK(parse("sqlite::memory:?schema=auto") == ":memory: auto rw 5000");
  CHECK(parse("sqlite:") ==
        "validation: database URL: expected a path after \"sqlite:\"; sqlite::memory: is a database in memory");
  CHECK(parse("postgresql://x") == "validation: database URL: expected sqlite:PATH or sqlite::memory:");
  CHECK(parse("sqlite://a.db") ==
        "validation: database URL: \"sqlite://\" names a host, and SQLite has none; write sqlite:file.db or "
        "sqlite:/directory/file.db");
  CHECK(parse("sqlite:a?schema=loose") == "validation: database URL: schema: expected strict or auto, got \"loose\"");
  CHECK(parse("sqlite:a?shema=strict") ==
        "validation: database URL: unknown option \"shema\"; did you mean \"schema\"?");
  CHECK(parse("sqlite:a?zzzzzzz=1") ==
        "validation: database URL: unknown option \"zzzzzzz\"; known are schema, mode and busy_timeout");
  CHECK(parse("sqlite:a?schema") == "validation: database URL: option \"schema\": expected NAME=VALUE");
  CHECK(parse("sqlite:a?busy_timeout=-1") ==
        "validation: database URL: busy_timeout: expected milliseconds, got \"-1\"");
}
