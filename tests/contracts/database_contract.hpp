// What every Database promises about records, with the same answers whatever is behind it. `make` gives an empty
// database under auto schema.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "support/store_commands.hpp"

namespace fnstack_test {

// Where databases differ by nature. Everything else is the same point by point.
struct DatabaseTraits {
  // The next id is one more than the greatest that is there. PostgreSQL's sequences never give an id again.
  bool ids_come_again = true;
  // Other commands wait while a transaction is open. PostgreSQL has other connections for them.
  bool one_connection = true;
  // A column that had bytes first can hold other kinds later. PostgreSQL's bytea can't.
  bool bytes_beside_others = true;
};

inline void database_contract(const std::function<std::shared_ptr<Database>()>& make,
                              const DatabaseTraits& traits = {}) {
  const auto database = make();
  const auto ask_it = [&](std::string_view command) { return ask(*database, command); };
  // The ids of the records that a filter finds, as JSON.
  const auto ids = [&](std::string_view filter) {
    auto answer = perform(
        *database, database_command(R"({"kind": "query", "table": "t", "filter": )" + std::string(filter) + "}"));
    REQUIRE(answer.has_value());
    if (!*answer) return answer_text(*answer);
    Value found = Value::array();
    for (std::size_t at = 0; at < (*answer)->size(); ++at) found.push_back((**answer)[at].get("id"));
    return to_json(found);
  };

  SECTION("a table that is not there has no rows") {
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == "[]");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "filter": ["eq", "a", 1], "sort": {"a": "asc"}})") == "[]");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "0");
    CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": 1})") == "null");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 1}})") ==
          R"(error not_found: table "t" has no record 1)");
    CHECK(ask_it(R"({"kind": "remove", "table": "t", "record_id": 1})") == "0");
    CHECK(ask_it(R"({"kind": "remove_many", "table": "t"})") == "0");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": []})") == "[]");
  }

  SECTION("insert answers the stored row with its id; every kind comes back as it went") {
    CHECK(
        ask_it(
            R"({"kind": "insert", "table": "t", "data": {"i": 1, "d": 0.5, "s": "x", "b": true, "n": null, "a": [1, null], "o": {"k": {}}}})") ==
        R"({"id":1,"i":1,"d":0.5,"s":"x","b":true,"n":null,"a":[1,null],"o":{"k":{}}})");
    CHECK(
        ask_it(
            R"({"kind": "insert", "table": "t", "data": {"i": 9223372036854775807, "d": 1e300, "s": "", "b": false, "a": [], "o": null}})") ==
        R"({"id":2,"i":9223372036854775807,"d":1e+300,"s":"","b":false,"n":null,"a":[],"o":null})");
    CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": 1})") ==
          R"({"id":1,"i":1,"d":0.5,"s":"x","b":true,"n":null,"a":[1,null],"o":{"k":{}}})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {}})") ==
          R"({"id":3,"i":null,"d":null,"s":null,"b":null,"n":null,"a":null,"o":null})");
  }

  SECTION("a later value of another kind comes back as it was stored") {
    const std::vector<const char*> values{
        "1",       "0",        "1.5",       "true",     "false", R"("text")", R"("12")",      R"("007")",
        R"(" 5")", R"("1.0")", R"("true")", R"("[1]")", "[1,2]", "[]",        R"({"a":"b"})", "-9223372036854775808",
        "1e+21",   "null"};
    for (const char* first : {"1", "1.5", "\"x\"", "true", "[1]", "null"}) {
      const std::string table = "t" + std::to_string(first[0]) + std::to_string(std::string_view(first).size());
      ask_it(R"({"kind": "insert", "table": ")" + table + R"(", "data": {"v": )" + first + "}}");
      for (const char* value : values) {
        INFO(first << " then " << value);
        CHECK(ask_it(R"({"kind": "insert", "table": ")" + table + R"(", "data": {"id": 100, "v": )" + value + "}}") ==
              R"({"id":100,"v":)" + std::string(value) + "}");
        CHECK(ask_it(R"({"kind": "get", "table": ")" + table + R"(", "record_id": 100})") ==
              R"({"id":100,"v":)" + std::string(value) + "}");
        // … and is found again by itself, and by nothing else.
        for (const char* other : values) {
          const Value left = json(value), right = json(other);
          const bool number_and_text = left.is_number() != right.is_number() &&
                                       (left.is_number() || left.is_string()) &&
                                       (right.is_number() || right.is_string()) && to_text(left) == to_text(right);
          const bool same = std::string_view(value) == other || number_and_text;
          INFO("asked for " << other);
          CHECK(ask_it(R"({"kind": "count", "table": ")" + table +
                       R"(", "filter": ["and", ["eq", "id", 100], ["eq", "v", )" + other + "]]}") ==
                (same ? "1" : "0"));
          const bool different = !same && !left.is_null();
          CHECK(ask_it(R"({"kind": "count", "table": ")" + table +
                       R"(", "filter": ["and", ["eq", "id", 100], ["ne", "v", )" + other + "]]}") ==
                ((right.is_null() ? !left.is_null() : different) ? "1" : "0"));
        }
        CHECK(ask_it(R"({"kind": "remove", "table": ")" + table + R"(", "record_id": 100})") == "1");
      }
    }
  }

  SECTION("bytes come back as bytes") {
    for (const std::string& content :
         {std::string("\xff\x00z", 3), std::string("{}"), std::string("bytes:1"), std::string()}) {
      DatabaseCommand command = database_command(R"({"kind": "insert", "table": "t", "declared": ["v"], "data": {}})");
      command.data = Value::object({{"v", Value::bytes(content)}});
      auto row = perform(*database, command);
      REQUIRE(row->ok());
      CHECK((**row).get("v").is_bytes());
      CHECK((**row).get("v").as_string() == content);
    }
  }

  SECTION("text with NUL and numbers that are not finite are refused, everywhere") {
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"v": "a\u0000b"}})") ==
          R"(error validation: column "v": a database takes no text with a NUL character in it)");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "filter": ["eq", "v", "a\u0000b"]})") ==
          R"(error validation: filter: eq on column "v": a database takes no text with a NUL character in it)");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "filter": ["in", "v", [1, "\u0000"]]})") ==
          R"(error validation: filter: in on column "v": a database takes no text with a NUL character in it)");
    CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": "\u0000"})") ==
          "error validation: record_id: a database takes no text with a NUL character in it");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "0");
  }

  SECTION("ids: given, taken, next") {
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"id": 7, "a": 1}})") == R"({"id":7,"a":1})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 2}})") == R"({"id":8,"a":2})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"id": "20", "a": 3}})") == R"({"id":20,"a":3})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"id": null, "a": 4}})") == R"({"id":21,"a":4})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"id": 7, "a": 5}})") ==
          R"(error database: table "t" has a record with this id already)");
    for (const char* id : {"\"x\"", "1.5", "true", "[]", "\"\""}) {
      CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"id": )" + std::string(id) + R"(, "a": 6}})") ==
            "error validation: data: id: expected an integer");
    }
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "4");
  }

  SECTION("record_id is a number or its text; anything else is refused") {
    ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
    CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": "1"})") == R"({"id":1,"a":1})");
    CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": 1.0})") == R"({"id":1,"a":1})");
    for (const char* id : {"1.5", "\"01\"", "\"1 OR 1=1\"", "\"x\"", "2", "1e30", "\"1.5\""}) {
      CHECK(ask_it(R"({"kind": "get", "table": "t", "record_id": )" + std::string(id) + "}") == "null");
      CHECK(ask_it(R"({"kind": "remove", "table": "t", "record_id": )" + std::string(id) + "}") == "0");
    }
    for (const char* id : {"null", "\"\"", "true", "[]", "{}"}) {
      for (const char* kind : {"get", "remove", "update"}) {
        CHECK(ask_it(R"({"kind": ")" + std::string(kind) + R"(", "table": "t", "data": {"a": 2}, "record_id": )" + id +
                     "}") == "error validation: record_id: expected a number or a text that is not empty");
      }
    }
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": "1 OR 1=1", "data": {"a": 2}})") ==
          R"(error not_found: table "t" has no record "1 OR 1=1")");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
  }

  SECTION("update changes the fields given, nulls included, and adds columns") {
    ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1, "b": "x"}})");
    ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 2, "b": "y"}})");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": null, "c": {"k": 1}}})") ==
          R"({"id":1,"a":null,"b":"x","c":{"k":1}})");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"id": "1", "a": 5}})") ==
          R"({"id":1,"a":5,"b":"x","c":{"k":1}})");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {}})") ==
          R"({"id":1,"a":5,"b":"x","c":{"k":1}})");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"id": 2}})") ==
          "error validation: data: the id of a record can't be changed");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 9, "data": {"new": 1}})") ==
          R"(error not_found: table "t" has no record 9)");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") ==
          R"([{"id":1,"a":5,"b":"x","c":{"k":1}},{"id":2,"a":2,"b":"y","c":null}])");
  }

  SECTION("only what the definition spells is created") {
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1, "evil": 2}, "declared": ["a"]})") ==
          R"(error database: table "t" has no column "evil"; only columns that the definition spells are created)");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1}, "declared_table": false})") ==
          R"(error database: no table "t")");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == "[]");
    ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 2}, "declared": [], "declared_table": false})") ==
          R"({"id":2,"a":2})");
    CHECK(
        ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 1, "evil": 2}, "declared": ["a"]})") ==
        R"(error database: table "t" has no column "evil"; only columns that the definition spells are created)");
    CHECK(
        ask_it(R"({"kind": "insert", "table": "t", "data": {"a b": 1}})") ==
        R"(error validation: column "a b": expected a name of up to 63 letters, digits and underscores that does not begin with a digit)");
    CHECK(ask_it(R"({"kind": "insert", "table": "sqlite_x", "data": {"a": 1}})") ==
          R"(error database: table "sqlite_x": names beginning with sqlite_ are the database's own)");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1},{"id":2,"a":2}])");
  }

  SECTION("names are the same without ASCII case; the first spelling stays") {
    CHECK(ask_it(R"({"kind": "insert", "table": "Users", "data": {"Email": "a"}})") == R"({"id":1,"Email":"a"})");
    CHECK(ask_it(R"({"kind": "insert", "table": "users", "data": {"email": "b", "ID": 5}})") ==
          R"({"id":5,"Email":"b"})");
    CHECK(ask_it(R"({"kind": "query", "table": "USERS", "filter": ["eq", "EMAIL", "b"]})") ==
          R"([{"id":5,"Email":"b"}])");
    CHECK(ask_it(R"({"kind": "insert", "table": "users", "data": {"email": "b", "Email": "c"}})") ==
          R"(error validation: data: "email" and "Email" are the same column)");
  }

  SECTION("words of SQL are names like any other") {
    CHECK(ask_it(R"({"kind": "insert", "table": "order", "data": {"select": 1, "from": "x", "values": true}})") ==
          R"({"id":1,"select":1,"from":"x","values":true})");
    CHECK(ask_it(R"({"kind": "query", "table": "order", "filter": ["eq", "from", "x"], "sort": {"select": "desc"}})") ==
          R"([{"id":1,"select":1,"from":"x","values":true}])");
    CHECK(ask_it(R"({"kind": "insert", "table": "order", "data": {"from": "'); DROP TABLE \"order\";--"}})") ==
          R"({"id":2,"select":null,"from":"'); DROP TABLE \"order\";--","values":null})");
  }

  SECTION("filters") {
    ask_it(R"({"kind": "insert_many", "table": "t", "data": [
      {"n": 1, "s": "Apple", "b": true, "l": ["x", 2]},
      {"n": 2.5, "s": "banana", "b": false, "l": []},
      {"n": "2.5", "s": "apple pie", "b": true, "l": ["2"]},
      {"n": null, "s": null, "b": null, "l": null},
      {"n": 10, "s": "Äpfel_%", "b": false, "l": [[1], {"a": 1}, null, true]}]})");
    CHECK(ids("null") == "[1,2,3,4,5]");
    CHECK(ids(R"(["and"])") == "[1,2,3,4,5]");
    CHECK(ids(R"(["or"])") == "[]");
    CHECK(ids(R"(["eq", "n", 2.5])") == "[2,3]");
    CHECK(ids(R"(["eq", "n", "2.5"])") == "[2,3]");
    CHECK(ids(R"(["eq", "n", "2.50"])") == "[]");
    CHECK(ids(R"(["ne", "n", 2.5])") == "[1,5]");
    CHECK(ids(R"(["eq", "n", null])") == "[4]");
    CHECK(ids(R"(["ne", "n", null])") == "[1,2,3,5]");
    CHECK(ids(R"(["eq", "n", true])") == "[]");
    CHECK(ids(R"(["ne", "n", true])") == "[1,2,3,5]");
    CHECK(ids(R"(["gt", "n", 1])") == "[2,5]");
    CHECK(ids(R"(["gte", "n", 1])") == "[1,2,5]");
    CHECK(ids(R"(["lt", "n", 10])") == "[1,2]");
    CHECK(ids(R"(["lte", "n", 10])") == "[1,2,5]");
    CHECK(ids(R"(["gt", "n", "1"])") == "[3]");
    CHECK(ids(R"(["lt", "n", "3"])") == "[3]");
    CHECK(ids(R"(["gt", "n", null])") == "[]");
    CHECK(ids(R"(["lte", "n", []])") == "[]");
    CHECK(ids(R"(["gte", "s", "apple"])") == "[2,3,5]");
    CHECK(ids(R"(["lt", "s", "apple"])") == "[1]");
    CHECK(ids(R"(["eq", "b", true])") == "[1,3]");
    CHECK(ids(R"(["ne", "b", true])") == "[2,5]");
    CHECK(ids(R"(["eq", "b", 1])") == "[]");
    CHECK(ids(R"(["gt", "b", false])") == "[1,3]");
    CHECK(ids(R"(["lte", "b", true])") == "[1,2,3,5]");
    CHECK(ids(R"(["like", "s", "APPLE%"])") == "[1,3]");
    CHECK(ids(R"(["like", "s", "_pfel\\_%"])") == "[]");
    CHECK(ids(R"(["like", "s", "_pfel__"])") == "[5]");
    CHECK(ids(R"(["like", "s", "%an%a"])") == "[2]");
    CHECK(ids(R"(["not_like", "s", "a%"])") == "[2,5]");
    CHECK(ids(R"(["like", "n", "2%"])") == "[3]");
    CHECK(ids(R"(["regex", "s", "^[Aa]pple"])") == "[1,3]");
    CHECK(ids(R"(["not_regex", "s", "pp"])") == "[2,5]");
    CHECK(ids(R"(["regex", "s", "."])") == "[1,2,3,5]");
    CHECK(ids(R"(["contains", "s", "an"])") == "[2]");
    CHECK(ids(R"(["contains", "s", "apple"])") == "[3]");
    CHECK(ids(R"(["not_contains", "s", "pp"])") == "[2,5]");
    CHECK(ids(R"(["contains", "l", "2"])") == "[1,3]");
    CHECK(ids(R"(["contains", "l", [1]])") == "[5]");
    CHECK(ids(R"(["contains", "l", true])") == "[5]");
    CHECK(ids(R"(["not_contains", "l", 2])") == "[2,5]");
    CHECK(ids(R"(["eq", "l", ["x", 2]])") == "[1]");
    CHECK(ids(R"(["in", "n", [1, 2.5, "x"]])") == "[1,2,3]");
    CHECK(ids(R"(["in", "n", [null, 1]])") == "[1,4]");
    CHECK(ids(R"(["in", "n", [null]])") == "[4]");
    CHECK(ids(R"(["in", "n", []])") == "[]");
    CHECK(ids(R"(["in", "b", [true]])") == "[1,3]");
    CHECK(ids(R"(["not_in", "n", [1, 10]])") == "[2,3]");
    CHECK(ids(R"(["not_in", "n", [null, 1]])") == "[2,3,5]");
    CHECK(ids(R"(["not_in", "n", []])") == "[1,2,3,5]");
    CHECK(ids(R"(["not", ["eq", "n", 1]])") == "[2,3,4,5]");
    CHECK(ids(R"(["not", ["like", "s", "a%"]])") == "[2,4,5]");
    CHECK(ids(R"(["not", ["not", ["gt", "n", 1]]])") == "[2,5]");
    CHECK(ids(R"(["or", ["eq", "n", 1], ["and", ["eq", "b", false], ["gt", "n", 5]]])") == "[1,5]");
    CHECK(
        ids(R"(["and", ["or", ["eq", "b", true], ["eq", "b", null]], ["not", ["or", ["eq", "id", 1], ["eq", "id", "3"]]]])") ==
        "[4]");
    CHECK(ids(R"(["eq", "id", "2"])") == "[2]");
    CHECK(ids(R"(["in", "id", [1, "3", "x", null]])") == "[1,3]");
    CHECK(ids(R"(["gt", "id", 3])") == "[4,5]");
    // A column that is not there reads as null.
    CHECK(ids(R"(["eq", "missing", null])") == "[1,2,3,4,5]");
    CHECK(ids(R"(["eq", "missing", 1])") == "[]");
    CHECK(ids(R"(["ne", "missing", 1])") == "[]");
    CHECK(ids(R"(["ne", "missing", null])") == "[]");
    CHECK(ids(R"(["not", ["eq", "missing", 1]])") == "[1,2,3,4,5]");
    CHECK(ids(R"(["in", "missing", [null]])") == "[1,2,3,4,5]");
    CHECK(ids(R"(["not_contains", "missing", "x"])") == "[]");
  }

  SECTION("filters that are none are refused") {
    CHECK(ids(R"({"n": 1})") == "error validation: filter: expected [operator, …], got an object");
    CHECK(ids(R"(["is", "n", 1])") == R"(error validation: filter: unknown operator "is")");
    CHECK(ids(R"(["eq", "n"])") == "error validation: filter: expected [operator, column, value]");
    CHECK(ids(R"(["in", "n", 1])") == R"(error validation: filter: in on column "n": expected a list, got a number)");
    CHECK(ids(R"(["like", "n", 1])") == R"(error validation: filter: like on column "n": expected text, got a number)");
    CHECK(ids(R"(["regex", "n", "("])") ==
          R"(error validation: filter: regex on column "n": invalid regular expression: missing ): ()");
    CHECK(ids(R"(["not", ["eq", "n", 1], ["eq", "n", 2]])") == R"(error validation: filter: "not" takes one filter)");
    std::string deep = R"(["eq","n",1])";
    for (int at = 0; at < 19; ++at) deep = R"(["not",)" + deep + "]";
    auto read = parse_json(deep, JsonLimits{1'000, std::uint64_t{1} << 20});
    REQUIRE(read.ok());
    DatabaseCommand command = database_command(R"({"kind": "insert", "table": "t", "data": {"n": 1}})");
    CHECK(ask(*database, command) == R"({"id":1,"n":1})");
    command = database_command(R"({"kind": "count", "table": "t"})");
    command.filter = *read;
    CHECK(ask(*database, command) == "0");
    command.filter = Value::array({Value("not"), *read});
    CHECK(ask(*database, command) == "error limit: filter: nested deeper than 20");
  }

  SECTION("long lists of conditions are no deep ones") {
    ask_it(R"({"kind": "insert", "table": "t", "data": {"n": 4999}})");
    Value any = Value::array({Value("or")});
    for (int at = 0; at < 5'000; ++at) any.push_back(Value::array({Value("eq"), Value("n"), Value(at)}));
    for (int at = 0; at < 18; ++at)
      any = Value::array({Value("and"), Value::array({Value("eq"), Value("id"), Value(1)}), any});
    DatabaseCommand command = database_command(R"({"kind": "count", "table": "t"})");
    command.filter = any;
    CHECK(ask(*database, command) == "1");
  }

  SECTION("order, limit, offset") {
    ask_it(R"({"kind": "insert_many", "table": "t", "data": [
      {"a": 2, "b": "x"}, {"a": "1"}, {"a": 1, "b": "y"}, {"b": "x"}, {"a": 2, "b": "a"}, {"a": -0.5}]})");
    const auto sorted = [&](std::string_view rest) {
      auto answer =
          perform(*database, database_command(R"({"kind": "query", "table": "t", )" + std::string(rest) + "}"));
      REQUIRE(answer->ok());
      Value found = Value::array();
      for (std::size_t at = 0; at < (*answer)->size(); ++at) found.push_back((**answer)[at].get("id"));
      return to_json(found);
    };
    CHECK(sorted(R"("sort": {"a": "asc"})") == "[4,6,3,1,5,2]");
    CHECK(sorted(R"("sort": {"a": "desc"})") == "[2,1,5,3,6,4]");
    CHECK(sorted(R"("sort": {"a": "asc", "b": "asc"})") == "[4,6,3,5,1,2]");
    CHECK(sorted(R"("sort": {"id": "desc"})") == "[6,5,4,3,2,1]");
    CHECK(sorted(R"("sort": {"missing": "desc"})") == "[1,2,3,4,5,6]");
    CHECK(sorted(R"("limit": 2)") == "[1,2]");
    CHECK(sorted(R"("limit": 2, "offset": 3)") == "[4,5]");
    CHECK(sorted(R"("offset": 4)") == "[5,6]");
    CHECK(sorted(R"("offset": 100)") == "[]");
    CHECK(sorted(R"("limit": 0)") == "[]");
    CHECK(sorted(R"("sort": {"a": "desc"}, "limit": 2, "offset": 1)") == "[1,5]");
    CHECK(sorted(R"("filter": ["eq", "b", "x"], "limit": 1, "offset": 1)") == "[4]");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "limit": -2})") ==
          "error validation: limit: expected 0 or more, got -2");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "offset": -1})") ==
          "error validation: offset: expected 0 or more, got -1");
  }

  SECTION("a query without a limit is bounded") {
    ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"a": 1}, {"a": 2}, {"a": 3}]})");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "max_rows": 3})") ==
          R"([{"id":1,"a":1},{"id":2,"a":2},{"id":3,"a":3}])");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "max_rows": 2})") ==
          R"(error limit: the query on table "t" gives more than 2 rows; give it a limit, or raise the limit "rows")");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "max_rows": 2, "sort": {"a": "desc"}})") ==
          R"(error limit: the query on table "t" gives more than 2 rows; give it a limit, or raise the limit "rows")");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "max_rows": 2, "limit": 3})") ==
          R"([{"id":1,"a":1},{"id":2,"a":2},{"id":3,"a":3}])");
    CHECK(
        ask_it(R"({"kind": "query", "table": "t", "max_bytes": 100})") ==
        R"(error limit: the query on table "t" gives more than 100 bytes; give it a limit, or raise the limit "value_bytes")");
    CHECK(ask_it(R"({"kind": "count", "table": "t", "max_rows": 1})") == "3");
  }

  SECTION("insert_many is all or none") {
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"id": 1, "a": 1}, {"id": 1, "a": 2}]})") ==
          R"(error database: table "t" has a record with this id already)");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == "[]");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"a": 1}, 5]})") ==
          "error validation: data: expected an object");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"a": 1}, {"a": 2}]})") ==
          R"([{"id":1,"a":1},{"id":2,"a":2}])");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"a": 3}, {"a": "\u0000"}]})") ==
          R"(error validation: column "a": a database takes no text with a NUL character in it)");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "2");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "u", "data": [{"a": 1}, {"b": 2}]})") ==
          R"([{"id":1,"a":1,"b":null},{"id":2,"a":null,"b":2}])");
  }

  SECTION("upsert updates the first record with the key's value, or inserts") {
    const auto upsert = [&](std::string_view data) {
      return ask_it(R"({"kind": "upsert", "table": "t", "key_column": "sku", "data": )" + std::string(data) + "}");
    };
    CHECK(upsert(R"({"sku": 5, "n": 1})") == R"({"id":1,"sku":5,"n":1})");
    CHECK(upsert(R"({"sku": "5", "n": 2})") == R"({"id":1,"sku":"5","n":2})");
    CHECK(upsert(R"({"sku": "x", "n": 3, "m": true})") == R"({"id":2,"sku":"x","n":3,"m":true})");
    CHECK(upsert(R"({"sku": "x", "id": 9})") == "error validation: data: the id of a record can't be changed");
    CHECK(upsert(R"({"n": 3})") == R"(error validation: upsert: the data has no value for the key column "sku")");
    CHECK(upsert(R"({"sku": null, "n": 3})") ==
          R"(error validation: upsert: the data has no value for the key column "sku")");
    CHECK(ask_it(R"({"kind": "upsert", "table": "t", "key_column": "id", "data": {"id": 2, "n": 4}})") ==
          R"({"id":2,"sku":"x","n":4,"m":true})");
    CHECK(ask_it(R"({"kind": "upsert", "table": "t", "key_column": "id", "data": {"id": 7, "n": 5}})") ==
          R"({"id":7,"sku":null,"n":5,"m":null})");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "3");
  }

  SECTION("removing") {
    ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"a": 1}, {"a": 2}, {"a": "2"}, {"a": null}]})");
    CHECK(ask_it(R"({"kind": "remove", "table": "t", "record_id": 1})") == "1");
    CHECK(ask_it(R"({"kind": "remove", "table": "t", "record_id": 1})") == "0");
    CHECK(ask_it(R"({"kind": "remove_many", "table": "t", "filter": ["eq", "missing", 1]})") == "0");
    CHECK(ask_it(R"({"kind": "remove_many", "table": "t", "filter": ["eq", "a", 2]})") == "2");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == R"([{"id":4,"a":null}])");
    CHECK(ask_it(R"({"kind": "remove_many", "table": "t"})") == "1");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "0");
  }

  SECTION("a transaction is kept as a whole or not at all, new tables and columns included") {
    ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
    CHECK(ask_it(R"({"kind": "begin", "transaction": "x", "isolation": "serializable"})") == "null");
    CHECK(ask_it(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 2, "b": 3}, "transaction": "x"})") ==
          R"({"id":1,"a":2,"b":3})");
    CHECK(ask_it(R"({"kind": "insert", "table": "u", "data": {"c": 1}, "transaction": "x"})") == R"({"id":1,"c":1})");
    CHECK(ask_it(R"({"kind": "insert_many", "table": "t", "data": [{"id": 5}, {"id": 5}], "transaction": "x"})") ==
          R"(error database: table "t" has a record with this id already)");
    CHECK(ask_it(R"({"kind": "query", "table": "t", "transaction": "x"})") == R"([{"id":1,"a":2,"b":3}])");
    CHECK(ask_it(R"({"kind": "rollback", "transaction": "x"})") == "null");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":1}])");
    CHECK(ask_it(R"({"kind": "query", "table": "u"})") == "[]");
    CHECK(ask_it(R"({"kind": "insert", "table": "u", "data": {"d": 1}})") == R"({"id":1,"d":1})");

    CHECK(ask_it(R"({"kind": "begin", "transaction": "y"})") == "null");
    CHECK(ask_it(R"({"kind": "remove", "table": "t", "record_id": 1, "transaction": "y"})") == "1");
    const std::string next = traits.ids_come_again ? R"({"id":1,"a":7})" : R"({"id":2,"a":7})";
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 7}, "transaction": "y"})") == next);
    CHECK(ask_it(R"({"kind": "commit", "transaction": "y"})") == "null");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == "[" + next + "]");
  }

  SECTION("a transaction that is not open can't be used or ended") {
    CHECK(ask_it(R"({"kind": "rollback", "transaction": "x"})") == R"(error database: no transaction "x" is open)");
    CHECK(ask_it(R"({"kind": "commit", "transaction": "x"})") == R"(error database: no transaction "x" is open)");
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"a": 7}, "transaction": "x"})") ==
          R"(error database: no transaction "x" is open)");
    CHECK(ask_it(R"({"kind": "begin"})") == "error database: begin: the transaction has no name");
    CHECK(ask_it(R"({"kind": "begin", "transaction": "x"})") == "null");
    CHECK(ask_it(R"({"kind": "begin", "transaction": "x"})") ==
          R"(error database: begin: the transaction "x" is open already)");
    CHECK(ask_it(R"({"kind": "commit", "transaction": "x"})") == "null");
    CHECK(ask_it(R"({"kind": "commit", "transaction": "x"})") == R"(error database: no transaction "x" is open)");
  }

  SECTION("bytes and other kinds in one column") {
    DatabaseCommand bytes = database_command(R"({"kind": "insert", "table": "t", "declared": ["v"], "data": {}})");
    bytes.data = Value::object({{"v", Value::bytes("x")}});
    REQUIRE(perform(*database, bytes)->ok());
    CHECK(ask_it(R"({"kind": "insert", "table": "t", "data": {"v": 5}})") ==
          (traits.bytes_beside_others
               ? R"({"id":2,"v":5})"
               : R"(error validation: column "v": bytes and other values can't stand in the same column)"));
  }

  SECTION("a row that nobody reads is not read") {
    DatabaseCommand command = database_command(R"({"kind": "insert", "table": "t", "data": {"a": 1}})");
    command.want_rows = false;
    REQUIRE(perform(*database, command)->ok());
    command = database_command(R"({"kind": "update", "table": "t", "record_id": 1, "data": {"a": 2}})");
    command.want_rows = false;
    REQUIRE(perform(*database, command)->ok());
    command.record_id = Value(2);
    CHECK(ask(*database, command) == R"(error not_found: table "t" has no record 2)");
    CHECK(ask_it(R"({"kind": "query", "table": "t"})") == R"([{"id":1,"a":2}])");
  }

  SECTION("numbers and texts at the edges of their kinds") {
    ask_it(R"({"kind": "insert_many", "table": "t", "data": [
      {"n": 9007199254740993}, {"n": 9007199254740992}, {"n": -0.1}, {"n": 1e300}, {"n": 0}]})");
    CHECK(ids(R"(["eq", "n", 9007199254740993])") == "[1]");
    CHECK(ids(R"(["eq", "n", "9007199254740993"])") == "[1]");
    CHECK(ids(R"(["gt", "n", 9007199254740992])") == "[1,4]");
    CHECK(ids(R"(["gte", "n", 9007199254740992])") == "[1,2,4]");
    CHECK(ids(R"(["lt", "n", 0])") == "[3]");
    CHECK(ids(R"(["eq", "n", -0.1])") == "[3]");
    CHECK(ids(R"(["eq", "n", 1e300])") == "[4]");
    CHECK(ids(R"(["lte", "n", 0.5])") == "[3,5]");
    CHECK(ids(R"(["in", "n", ["0", 1e300]])") == "[4,5]");
    CHECK(ids(R"(["not_in", "n", [0, 1e300, "x"]])") == "[1,2,3]");
    ask_it(R"({"kind": "insert_many", "table": "u", "data": [
      {"s": "a\\b"}, {"s": "{\"x\"}"}, {"s": ""}, {"s": "ÄÖ"}, {"s": "äö"}, {"s": "50%"}]})");
    const auto found = [&](std::string_view filter) {
      return ask_it(R"({"kind": "count", "table": "u", "filter": )" + std::string(filter) + "}");
    };
    CHECK(found(R"(["eq", "s", "a\\b"])") == "1");
    CHECK(found(R"(["in", "s", ["a\\b", "{\"x\"}", ""]])") == "3");
    CHECK(found(R"(["eq", "s", "äö"])") == "1");
    CHECK(found(R"(["like", "s", "ä_"])") == "1");
    CHECK(found(R"(["like", "s", "A\\B"])") == "1");
    CHECK(found(R"(["like", "s", "%\\%"])") == "1");
    CHECK(found(R"(["contains", "s", "%"])") == "1");
    CHECK(found(R"(["contains", "s", ""])") == "6");
    CHECK(found(R"(["contains", "s", 50])") == "1");
    CHECK(found(R"(["gt", "s", "a"])") == "4");
  }

  SECTION("many rows: all of them, in order, and the bound still holds") {
    Value records = Value::array();
    for (int at = 0; at < 1'000; ++at) {
      records.push_back(Value::object({{"n", Value(at % 10)}, {"s", Value("s" + std::to_string(at))}}));
    }
    DatabaseCommand command =
        database_command(R"({"kind": "insert_many", "table": "t", "declared": ["n", "s"], "data": []})");
    command.data = records;
    auto inserted = perform(*database, command);
    REQUIRE(inserted->ok());
    CHECK((*inserted)->size() == 1'000);
    CHECK((**inserted)[999].get("id") == Value(1'000));
    auto all = perform(*database, database_command(R"({"kind": "query", "table": "t"})"));
    REQUIRE(all->ok());
    REQUIRE((*all)->size() == 1'000);
    for (std::size_t at = 0; at < 1'000; at += 333) CHECK((**all)[at].get("id") == Value(at + 1));
    auto some = perform(*database, database_command(R"({"kind": "query", "table": "t", "sort": {"n": "desc"},
      "filter": ["regex", "s", "^s[0-9]*$"], "offset": 1, "limit": 600})"));
    REQUIRE(some->ok());
    REQUIRE((*some)->size() == 600);
    CHECK((**some)[0].get("id") == Value(20));
    CHECK((**some)[599].get("id") == Value(4));
    CHECK(
        ask_it(R"({"kind": "query", "table": "t", "max_rows": 999})") ==
        R"(error limit: the query on table "t" gives more than 999 rows; give it a limit, or raise the limit "rows")");
    CHECK(ask_it(R"({"kind": "count", "table": "t", "filter": ["regex", "s", "7$"]})") == "100");
    CHECK(ask_it(R"({"kind": "remove_many", "table": "t", "filter": ["regex", "s", "7$"]})") == "100");
    CHECK(ask_it(R"({"kind": "count", "table": "t"})") == "900");
  }

  if (!traits.one_connection) return;
  SECTION("other commands wait for the end of a transaction and are answered in order") {
    std::vector<std::string> answers;
    const auto send = [&](std::string_view command) {
      database->send(database_command(command), Call{},
                     Reply<Value>([&answers](Result<Value> result) { answers.push_back(answer_text(result)); }));
    };
    send(R"({"kind": "begin", "transaction": "x"})");
    send(R"({"kind": "insert", "table": "t", "data": {"a": 1}, "transaction": "x"})");
    send(R"({"kind": "count", "table": "t"})");
    send(R"({"kind": "begin", "transaction": "y"})");
    send(R"({"kind": "insert", "table": "t", "data": {"a": 3}})");
    CHECK(answers == std::vector<std::string>{"null", R"({"id":1,"a":1})"});
    answers.clear();
    send(R"({"kind": "rollback", "transaction": "x"})");
    CHECK(answers == std::vector<std::string>{"null", "0", "null"});
    answers.clear();
    send(R"({"kind": "insert", "table": "t", "data": {"a": 2}, "transaction": "y"})");
    send(R"({"kind": "commit", "transaction": "y"})");
    CHECK(answers == std::vector<std::string>{R"({"id":1,"a":2})", "null", R"({"id":2,"a":3})"});
  }
}

}  // namespace fnstack_test
