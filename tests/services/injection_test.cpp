// Text of a stranger at every place of a step that reaches a store, through definitions: it is data there, or a clear
// error, and what the store holds beside it stays. The same on every database, and on every cache.
#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"
#include "support/every_store.hpp"

using namespace fnstack;
using namespace fnstack_test;

namespace {

const std::string pasted[] = {"'; DROP TABLE notes; --",
                              "\"; DROP TABLE notes; --",
                              "notes\"; DELETE FROM notes; --",
                              "x' OR '1'='1",
                              "1) OR 1=1; DROP TABLE notes; --",
                              "\\'; DROP TABLE notes; --",
                              "$1; DROP TABLE notes",
                              "n\" = 1; DROP TABLE notes; --"};

struct Place {
  const char* what;
  const char* step;        // its fields; the table notes has the one record {"id": 1, "text": "kept", "n": 1}
  const char* seen;        // an expression that looks at its result
  const char* answer;      // what the expression is, as JSON, or "TYPE: " and a part of the error's message
  bool needs_sql = false;  // the memory database takes none
};

constexpr const char* a_name = "validation: expected a name of a letter or _, then letters, digits and _, 63 at most";
constexpr const char* a_direction = "validation: sort: expected asc or desc, got ";
constexpr const char* no_operator = "validation: filter: operator \"$ne\" comes from data";

const Place places[] = {
    // Values.
    {"a value of a record", R"("function": "Add Record", "table": "notes", "data": {"text": "{{inputs.evil}}"})",
     "result.text === inputs.evil", "true"},
    {"a part of a value", R"("function": "Add Record", "table": "notes", "data": {"text": "<{{inputs.evil}}>"})",
     "result.text === '<' + inputs.evil + '>'", "true"},
    {"a value where a number belongs",
     R"("function": "Add Record", "table": "notes", "data": {"n": "{{inputs.evil}}"})", "result.n === inputs.evil",
     "true"},
    {"a value of one record of many",
     R"("function": "Bulk Add Records", "table": "notes", "data": [{"n": 2}, {"text": "{{inputs.evil}}"}])",
     "result[1].text === inputs.evil", "true"},
    {"the value that tells records apart",
     R"("function": "Add or Edit Record", "table": "notes", "identifier": "text", "identifier_value": "{{inputs.evil}}",
        "data": {"n": 2})",
     "result.text === inputs.evil && result.id !== 1", "true"},
    {"a value of a filter",
     R"("function": "Query All Records", "table": "notes", "filter": {"text": "{{inputs.evil}}"})", "result", "[]"},
    {"a value of a filter on numbers",
     R"("function": "Query All Records", "table": "notes", "filter": {"n": "{{inputs.evil}}"})", "result", "[]"},
    {"a value behind $like",
     R"("function": "Query All Records", "table": "notes", "filter": {"text": {"$like": "{{inputs.evil}}"}})", "result",
     "[]"},
    {"a value behind $contains",
     R"("function": "Query All Records", "table": "notes", "filter": {"text": {"$contains": "{{inputs.evil}}"}})",
     "result", "[]"},
    {"a value behind $in",
     R"("function": "Query All Records", "table": "notes", "filter": {"text": {"$in": ["{{inputs.evil}}"]}})", "result",
     "[]"},
    {"a value behind $ne",
     R"("function": "Count Records", "table": "notes", "filter": {"text": {"$ne": "{{inputs.evil}}"}})", "result", "1"},
    {"the value of Get Record",
     R"("function": "Get Record", "table": "notes", "field_name": "text", "field_value": "{{inputs.evil}}")", "result",
     "null"},
    {"a value of a filter of deletes",
     R"("function": "Delete Record", "table": "notes", "filter": {"text": "{{inputs.evil}}"})", "result", "0"},
    {"the id of a record to get", R"("function": "Get Record", "table": "notes", "record_id": "{{inputs.evil}}")",
     "result", "null"},
    {"the id of a record to edit",
     R"("function": "Edit Record", "table": "notes", "record_id": "{{inputs.evil}}", "data": {"n": 9})", "result",
     "not_found: table \"notes\" has no record"},
    {"the id of a record to delete", R"("function": "Delete Record", "table": "notes", "record_id": "{{inputs.evil}}")",
     "result", "0"},
    {"a binding of SQL",
     R"("function": "Direct Database Query", "sql": "SELECT n FROM notes WHERE text = ? OR text = 'kept'",
        "parameters": ["{{inputs.evil}}"])",
     "result", R"([{"n":1}])", true},
    {"a value within a transaction",
     R"("function": "Database Transaction", "steps": [{"function": "Add Record", "table": "notes",
        "data": {"text": "{{inputs.evil}}"}, "output_variable": "result"}])",
     "result.text === inputs.evil", "true"},
    // Names.
    {"the table to add to", R"("function": "Add Record", "table": "{{inputs.evil}}", "data": {"n": 1})", "1", a_name},
    {"the table to query", R"("function": "Query All Records", "table": "{{inputs.evil}}")", "1", a_name},
    {"the table to count", R"("function": "Count Records", "table": "{{inputs.evil}}")", "1", a_name},
    {"the table to edit", R"("function": "Edit Record", "table": "{{inputs.evil}}", "record_id": 1, "data": {"n": 9})",
     "1", a_name},
    {"the table to delete from", R"("function": "Delete Record", "table": "{{inputs.evil}}", "record_id": 1)", "1",
     a_name},
    {"a part of a table's name", R"("function": "Query All Records", "table": "notes{{inputs.evil}}")", "1", a_name},
    {"a column to add", R"("function": "Add Record", "table": "notes", "data": {"{{inputs.evil}}": 1})", "1", a_name},
    {"a column of a whole record", R"("function": "Add Record", "table": "notes", "data": "{{inputs.record}}")", "1",
     a_name},
    {"a column of one record of many",
     R"("function": "Bulk Add Records", "table": "notes", "data": ["{{inputs.record}}"])", "1", a_name},
    {"a column to edit",
     R"("function": "Edit Record", "table": "notes", "record_id": 1, "data": {"{{inputs.evil}}": 9})", "1", a_name},
    {"the column that tells records apart",
     R"("function": "Add or Edit Record", "table": "notes", "identifier": "{{inputs.evil}}", "identifier_value": 1,
        "data": {"n": 9})",
     "1", a_name},
    {"a column of a filter", R"("function": "Query All Records", "table": "notes", "filter": {"{{inputs.evil}}": 1})",
     "1", a_name},
    // A name that begins with $ is an operator here.
    {"a column of a whole filter",
     R"("function": "Query All Records", "table": "notes", "filter": "{{inputs.record}}")", "1", "validation: "},
    {"a column of a filter of deletes",
     R"("function": "Delete Record", "table": "notes", "filter": {"{{inputs.evil}}": 1})", "1", a_name},
    {"the column of Get Record",
     R"("function": "Get Record", "table": "notes", "field_name": "{{inputs.evil}}", "field_value": 1)", "1", a_name},
    {"a sort", R"("function": "Query All Records", "table": "notes", "sort": "{{inputs.evil}}")", "1", a_name},
    {"a column to sort by",
     R"("function": "Query All Records", "table": "notes", "sort": [{"{{inputs.evil}}": "desc"}])", "1", a_name},
    {"a field to sort by",
     R"("function": "Query All Records", "table": "notes", "sort": {"field": "{{inputs.evil}}", "direction": "asc"})",
     "1", a_name},
    // What is neither.
    {"the direction of a sort",
     R"("function": "Query All Records", "table": "notes", "sort": [{"n": "{{inputs.evil}}"}])", "1", a_direction},
    {"the direction within a sort's text",
     R"("function": "Query All Records", "table": "notes", "sort": "n {{inputs.evil}}")", "1", a_direction},
    {"a filter that is text", R"("function": "Query All Records", "table": "notes", "filter": "{{inputs.evil}}")", "1",
     "validation: filter: expected an object of conditions"},
    {"a filter that is text, of deletes",
     R"("function": "Delete Record", "table": "notes", "filter": "{{inputs.evil}}")", "1",
     "validation: filter: expected an object of conditions"},
    {"an operator from data",
     R"("function": "Query All Records", "table": "notes", "filter": {"text": "{{inputs.any}}"})", "1", no_operator},
    {"an operator from data, of deletes",
     R"("function": "Delete Record", "table": "notes", "filter": "{{ {'text': inputs.any} }}")", "1", no_operator},
    {"a limit", R"("function": "Query All Records", "table": "notes", "limit": "{{inputs.evil}}")", "1",
     "validation: limit: expected a whole number"},
    {"an offset", R"("function": "Query All Records", "table": "notes", "offset": "{{inputs.evil}}")", "1",
     "validation: offset: expected a whole number"},
};

Program load(const Engine& engine, const std::string& steps) {
  Compiled compiled = engine.load("flow.json", "[" + steps + "]");
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return std::move(compiled.program);
}

std::string answer(const Outcome& outcome) {
  if (outcome.error) return outcome.error->type + ": " + outcome.error->message;
  REQUIRE(outcome.response.has_value());
  return to_json(outcome.response->body);
}

std::string respond(const std::string& expression) {
  return R"({"function": "Response", "body": "{{)" + expression + R"(}}"})";
}

}  // namespace

TEST_CASE("what a stranger typed is data or a clear error at every place of every database") {
  for (const NamedDatabase& each : every_database()) {
    EngineOptions options;
    options.database = each.database;
    const Engine engine(std::move(options));
    (void)answer(engine.run(load(
        engine, R"({"function": "Add Record", "table": "notes", "data": {"text": "kept", "n": 1}},)" + respond("1"))));
    const Program others_go =
        load(engine, R"({"function": "Delete Record", "table": "notes", "filter": {"id": {"$ne": 1}}},
                   {"function": "Query All Records", "table": "notes", "output_variable": "rows"},)" +
                         respond("rows"));
    for (const Place& place : places) {
      if (place.needs_sql && each.name == "memory") continue;
      const bool has_result = std::string_view(place.step).find("output_variable") == std::string_view::npos;
      const Program program =
          load(engine, std::string("{") + place.step + (has_result ? R"(, "output_variable": "result"},)" : "},") +
                           respond(place.seen));
      for (const std::string& evil : pasted) {
        INFO(each.name << ": " << place.what << ": " << evil);
        const std::string got = answer(engine.run(program, Value::object({{"evil", evil},
                                                                          {"record", Value::object({{evil, 1}})},
                                                                          {"any", Value::object({{"$ne", evil}})}})));
        const std::string expected = place.answer;
        const std::size_t colon = expected.find(": ");
        if (colon == std::string::npos) {
          CHECK(got == expected);
        } else {
          CHECK_THAT(got, starts_with(expected.substr(0, colon + 2)));
          CHECK_THAT(got, contains(expected.substr(colon + 2)));
        }
        CHECK(answer(engine.run(others_go)) == R"([{"id":1,"text":"kept","n":1}])");
      }
    }
  }
}

TEST_CASE("SQL and an isolation level are texts of the definition alone") {
  const Engine engine;
  for (const char* step : {R"({"function": "Direct Database Query", "sql": "SELECT {{inputs.evil}}"})",
                           R"({"function": "Database Transaction", "isolation": "{{inputs.evil}}", "steps": []})"}) {
    const Compiled compiled = engine.load("flow.json", step);
    CHECK(compiled.program.empty());
    CHECK_THAT(compiled.diagnostics.to_text(), contains("a template can't stand here"));
  }
}

TEST_CASE("what a stranger typed is one key of a cache, or a clear error") {
  struct CachePlace {
    const char* what;
    const char* step;
    const char* answer;
  };
  const CachePlace cache_places[] = {
      {"a key that is not there", R"("function": "Cache Get", "key": "{{inputs.evil}}")", "null"},
      {"a key to look for", R"("function": "Cache Has", "key": "{{inputs.evil}}")", "false"},
      {"a key to count with", R"("function": "Cache Increment", "key": "{{inputs.evil}}")", "1"},
      {"a key to delete", R"("function": "Cache Delete", "key": "{{inputs.evil}}")", "true"},
      {"a part of a key", R"("function": "Cache Delete", "key": "prefix:{{inputs.evil}}")", "false"},
      {"a key to set, and a value", R"("function": "Cache Set", "key": "{{inputs.evil}}", "value": "{{inputs.evil}}")",
       "null"},
      {"a key that is there", R"("function": "Cache Get", "key": "{{inputs.evil}}")", "EVIL"},
      {"a key that holds text, to count with", R"("function": "Cache Increment", "key": "{{inputs.evil}}")", "cache: "},
      {"a key to delete, again", R"("function": "Cache Delete", "key": "{{inputs.evil}}")", "true"},
      {"a key of a list",
       R"("function": "Data Caching", "operation": "push", "key": "{{inputs.evil}}", "value": "{{inputs.evil}}")", "1"},
      {"a list's value", R"("function": "Data Caching", "operation": "pop", "key": "{{inputs.evil}}")", "EVIL"},
      {"an operation", R"("function": "Data Caching", "operation": "{{inputs.evil}}", "key": "kept")",
       "validation: operation: "},
      {"a time to live", R"("function": "Cache Set", "key": "kept", "value": 2, "ttl": "{{inputs.evil}}")",
       "validation: ttl: expected a number"},
      {"an amount", R"("function": "Cache Increment", "key": "kept", "amount": "{{inputs.evil}}")",
       "validation: amount: expected a whole number"},
  };
  for (const NamedCache& each : every_cache()) {
    EngineOptions options;
    options.cache = each.cache;
    const Engine engine(std::move(options));
    (void)answer(engine.run(load(engine, R"({"function": "Cache Set", "key": "kept", "value": 1},)" + respond("1"))));
    const Program kept =
        load(engine, R"({"function": "Data Caching", "operation": "keys", "key": "*", "output_variable": "keys"},
         {"function": "Cache Get", "key": "kept", "output_variable": "value"},)" +
                         respond("[keys, value]"));
    for (const std::string evil : {"k\r\nFLUSHALL\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "'; DROP TABLE notes; --", "*",
                                   "k?pt", "[k]ept", "kept kept", "k {kept}", "\"kept\"", "%b %s"}) {
      for (const CachePlace& place : cache_places) {
        INFO(each.name << ": " << place.what << ": " << evil);
        const std::string got = answer(engine.run(
            load(engine, std::string("{") + place.step + R"(, "output_variable": "result"},)" + respond("result")),
            Value::object({{"evil", evil}})));
        const std::string expected = place.answer;
        if (expected == "EVIL") {
          CHECK(got == to_json(Value(evil)));
        } else if (expected.find(": ") == std::string::npos) {
          CHECK(got == expected);
        } else {
          CHECK_THAT(got, starts_with(expected));
        }
      }
      CHECK(answer(engine.run(kept)) == R"([["kept"],1])");
    }
  }
}
