#include "backends/sql.hpp"

#include <fstream>
#include <sstream>

#include "backends/record_rules.hpp"
#include "backends/sql_identifiers.hpp"
#include "support/store_commands.hpp"

using namespace fnstack_test;
using namespace fnstack::backends;

namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The vectors' templates are plain values and holes that are a path and nothing else.
Value filled(const Value& part, const Value& vars) {
  if (part.is_object()) {
    Value object = Value::object();
    for (std::size_t at = 0; at < part.size(); ++at) object.set(part.key_at(at), filled(part[at], vars));
    return object;
  }
  const std::string text(part.as_string());
  if (text.rfind("{{", 0) != 0) return part;
  Value found = vars;
  std::stringstream path(text.substr(2, text.size() - 4));
  for (std::string key; std::getline(path, key, '.');) found = Value(found.get(key));
  return found;
}

std::string filter_text(std::string_view tree, std::string* bindings = nullptr) {
  const Value read = json(tree);
  auto filter = read_filter(read);
  REQUIRE(filter.ok());
  SqlStatement statement;
  append_where(statement, SqlDialect(), *filter);
  if (bindings != nullptr) *bindings = to_json(Value::array(statement.bindings));
  return statement.text;
}

}  // namespace

TEST_CASE("sql: the shared escaping vectors") {
  const Value vectors = json(file_text(FNSTACK_TEST_DATA "/cases/escaping_vectors.json"));
  int seen = 0;
  for (std::size_t at = 0; at < vectors.size(); ++at) {
    const Value& vector = vectors[at];
    const std::string context(vector.get("context").as_string());
    if (context.rfind("sql_", 0) != 0) continue;
    ++seen;
    INFO(vector.get("id").as_string());
    const Value step = filled(vector.get("template"), vector.get("vars"));
    DatabaseCommand command;
    command.table = step.get("table").as_string();
    command.data = step.get("data");
    command.record_id = step.get("record_id");
    SqlStatement statement;
    Filter which;
    if (context == "sql_edit") {
      command.kind = DatabaseCommand::Kind::update;
      which.op = Filter::Op::eq;
      which.column = "id";
      which.value = &command.record_id;
    } else if (context == "sql_param") {
      command.kind = DatabaseCommand::Kind::insert;
    }
    if (vector.get("error").as_boolean()) {
      CHECK(check_command(command).has_value());
      continue;
    }
    CHECK_FALSE(check_command(command).has_value());
    if (context == "sql_edit") {
      append_update(statement, SqlDialect(), command.table, command.data, which);
    } else if (context == "sql_param") {
      append_insert(statement, SqlDialect(), command.table, command.data);
    } else {
      REQUIRE(context == "sql_filter");
      command.filter = Value::array({Value("eq"), Value(step.get("filter").key_at(0)), step.get("filter")[0]});
      auto filter = read_filter(command.filter);
      REQUIRE(filter.ok());
      append_select(statement, SqlDialect(), command.table, *filter);
    }
    CHECK(statement.text == vector.get("expect").get("sql").as_string());
    CHECK(to_json(Value::array(statement.bindings)) == to_json(vector.get("expect").get("params")));
  }
  CHECK(seen >= 10);
}

TEST_CASE("sql: filters as text over typed columns") {
  std::string bindings;
  CHECK(filter_text("null") == "");
  CHECK(filter_text(R"(["and", ["eq", "a", 1], ["or", ["gt", "b", 2], ["not", ["lte", "c", "x"]]], ["ne", "d", null]])",
                    &bindings) == R"( WHERE "a" = $1 AND ("b" > $2 OR ("c" <= $3) IS NOT TRUE) AND "d" IS NOT NULL)");
  CHECK(bindings == R"([1,2,"x"])");
  CHECK(filter_text(R"(["in", "a", [1, null, "x"]])", &bindings) == R"( WHERE ("a" IN ($1, $2) OR "a" IS NULL))");
  CHECK(bindings == R"([1,"x"])");
  CHECK(filter_text(R"(["in", "a", []])") == " WHERE 1 = 0");
  CHECK(filter_text(R"(["in", "a", [null]])") == R"( WHERE ("a" IS NULL))");
  CHECK(filter_text(R"(["not_in", "a", [1, null]])") == R"( WHERE "a" NOT IN ($1))");
  CHECK(filter_text(R"(["not_in", "a", []])") == R"( WHERE "a" IS NOT NULL)");
  CHECK(filter_text(R"(["like", "a", "x%"])") == R"( WHERE "a" ILIKE $1)");
  CHECK(filter_text(R"(["not_regex", "a", "x"])") == R"( WHERE "a" !~ $1)");
  CHECK(filter_text(R"(["contains", "a", "x"])") == R"( WHERE position($1 in "a") > 0)");
  CHECK(filter_text(R"(["eq", "a", {"k": [1]}])", &bindings) == R"( WHERE "a" = $1)");
  CHECK(bindings == R"(["{\"k\":[1]}"])");
}

TEST_CASE("sql: order and limit") {
  SqlStatement statement;
  append_order(statement, {{"a", true}, {"b", false}}, true);
  append_limit(statement, SqlDialect(), 5, 10);
  CHECK(statement.text == R"( ORDER BY "a" DESC NULLS LAST, "b" NULLS FIRST, "id" LIMIT $1 OFFSET $2)");
  CHECK(to_json(Value::array(statement.bindings)) == "[5,10]");
  statement.clear();
  append_order(statement, {}, false);
  append_limit(statement, SqlDialect(), -1, 0);
  CHECK(statement.text == "");
  append_limit(statement, SqlDialect(), -1, 3);
  CHECK(statement.text == " LIMIT $1 OFFSET $2");
}

TEST_CASE("sql: identifiers") {
  CHECK(quote_identifier("a") == "\"a\"");
  CHECK(quote_identifier("a\"; DROP TABLE x;--") == "\"a\"\"; DROP TABLE x;--\"");
  CHECK(is_identifier("_a9"));
  CHECK(is_identifier(std::string(63, 'a')));
  CHECK_FALSE(is_identifier(std::string(64, 'a')));
  for (const char* name : {"", "9a", "a-b", "a b", "a.b", "é", "a\"b"}) CHECK_FALSE(is_identifier(name));
  CHECK(no_such_table("usres", {"orders", "users"}).message == R"(no table "usres"; did you mean "users"?)");
  CHECK(no_such_table("x", {"orders", "users"}).message == R"(no table "x")");
  CHECK(no_such_column("users", "emial", {"id", "email"}).message ==
        R"(table "users" has no column "emial"; did you mean "email"?)");
}
