// The same definitions give the same result on the memory database, SQLite and PostgreSQL.
#include <fnstack/backends/sqlite.hpp>
#include <fnstack/fnstack.hpp>

#include "support/postgres_here.hpp"

using namespace fnstack_test;

namespace {

struct Flow {
  const char* what;
  const char* text;
};
const Flow flows[] = {{"records of every kind come and go",
                       R"({"steps": [
       {"function": "Add Record", "table": "orders", "data": {"sku": "a", "price": "12.50", "count": 2, "open": true,
         "tags": ["x", 1], "note": null}, "output_variable": "first"},
       {"function": "Add Record", "table": "orders", "data": {"sku": "b", "price": 7.25, "count": 2.5, "open": false,
         "tags": {"k": null}, "note": "n"}, "output_variable": "second"},
       {"function": "Edit Record", "table": "orders", "record_id": "{{first.id}}", "data": {"count": "{{first.count + 1}}",
         "note": {"edited": true}}, "output_variable": "edited"},
       {"function": "Query All Records", "table": "orders", "sort": "count desc", "output_variable": "all"},
       {"function": "Query All Records", "table": "orders", "filter": {"price": {"$like": "12%"}},
        "output_variable": "liked"},
       {"function": "Query All Records", "table": "orders", "filter": {"price": 12.5}, "output_variable": "equal"},
       {"function": "Response", "status_code": 200, "body": {"all": "{{all}}", "liked": "{{liked.length}}",
         "equal": "{{equal.length}}"}}]})"},
                      {"a loop that looks up and then adds or edits",
                       R"({"steps": [
       {"function": "Create Variable", "variable_name": "products", "value": [{"id": 1, "t": "Tea"}, {"id": "2", "t": "Cup"},
         {"id": "1", "t": "Tea; DROP TABLE products"}, {"id": 2, "t": "Cüp"}]},
       {"function": "Loop", "array": "{{products}}", "item_name": "product", "steps": [
         {"function": "Query All Records", "table": "products", "filter": {"shopify_id": "{{product.id}}"},
          "output_variable": "found"},
         {"function": "Conditional", "condition": "{{found.length}} > 0",
          "true_steps": [{"function": "Edit Record", "table": "products", "record_id": "{{found[0].id}}",
             "data": {"title": "{{product.t}}"}}],
          "false_steps": [{"function": "Add Record", "table": "products",
             "data": {"shopify_id": "{{product.id}}", "title": "{{product.t}}"}}]}]},
       {"function": "Query All Records", "table": "products", "output_variable": "all"},
       {"function": "Response", "status_code": 200, "body": "{{all}}"}]})"},
                      {"a transaction that fails leaves nothing, one that ends well leaves all",
                       R"({"steps": [
       {"function": "Add Record", "table": "accounts", "data": {"owner": "ada", "balance": 10}},
       {"function": "Try-Catch", "try_steps": [
         {"function": "Database Transaction", "steps": [
           {"function": "Edit Record", "table": "accounts", "record_id": 1, "data": {"balance": 0}},
           {"function": "Edit Record", "table": "accounts", "record_id": 99, "data": {"balance": 10}}]}],
        "catch_steps": [{"function": "Create Variable", "variable_name": "caught", "value": "{{error.type}}: {{error.message}}"}]},
       {"function": "Database Transaction", "isolation": "serializable", "steps": [
         {"function": "Edit Record", "table": "accounts", "record_id": 1, "data": {"balance": 7}},
         {"function": "Add Record", "table": "accounts", "data": {"owner": "bob", "balance": 3}}]},
       {"function": "Query All Records", "table": "accounts", "output_variable": "all"},
       {"function": "Response", "status_code": 200, "body": {"caught": "{{caught}}", "all": "{{all}}"}}]})"},
                      {"what is pasted is data",
                       R"({"steps": [
       {"function": "Add Record", "table": "notes", "data": {"text": "{{inputs.evil}}", "n": 1}},
       {"function": "Query All Records", "table": "notes", "filter": {"text": "{{inputs.evil}}"}, "output_variable": "found"},
       {"function": "Try-Catch", "try_steps": [{"function": "Query All Records", "table": "{{inputs.evil}}"}],
        "catch_steps": [{"function": "Create Variable", "variable_name": "table", "value": "{{error.type}}"}]},
       {"function": "Try-Catch", "try_steps": [{"function": "Query All Records", "table": "notes", "sort": "{{inputs.evil}}"}],
        "catch_steps": [{"function": "Create Variable", "variable_name": "sort", "value": "{{error.type}}"}]},
       {"function": "Try-Catch", "try_steps": [{"function": "Edit Record", "table": "notes", "record_id": "{{inputs.evil}}",
          "data": {"n": 2}}],
        "catch_steps": [{"function": "Create Variable", "variable_name": "id", "value": "{{error.type}}"}]},
       {"function": "Query All Records", "table": "notes", "output_variable": "all"},
       {"function": "Response", "status_code": 200, "body": {"found": "{{found.length}}", "all": "{{all}}",
         "errors": "{{table}} {{sort}} {{id}}"}}]})"}};

std::string run(const std::shared_ptr<Database>& database, const Flow& flow) {
  EngineOptions options;
  options.database = database;
  const Engine engine(std::move(options));
  Compiled compiled = engine.load("flow.json", flow.text);
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  const Outcome outcome =
      engine.run(compiled.program, Value::object({{"evil", Value("'; DROP TABLE notes; --\" OR 1=1")}}));
  if (outcome.error) return "error " + outcome.error->type + ": " + outcome.error->message;
  REQUIRE(outcome.response.has_value());
  return to_json(outcome.response->body);
}

}  // namespace

TEST_CASE("the same flows give the same on every database") {
  for (const Flow& flow : flows) {
    INFO(flow.what);
    const std::string in_memory = run(memory_database(), flow);
    CHECK_THAT(in_memory, !starts_with("error"));
    SqliteOptions options;
    options.path = ":memory:";
    auto sqlite = sqlite_database(options);
    REQUIRE(sqlite.ok());
    CHECK(run(*sqlite, flow) == in_memory);
    if (postgres_here() != nullptr) {
      CHECK(run(open_postgres(postgres_here()->create_database(), true), flow) == in_memory);
    }
  }
}
