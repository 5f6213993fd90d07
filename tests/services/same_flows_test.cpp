// The same definitions give the same result on the memory database, SQLite and PostgreSQL, and on the memory cache and
// Redis.
#include <fnstack/fnstack.hpp>

#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/every_store.hpp"

using namespace fnstack;
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

Compiled load(const Engine& engine, const std::string& text) {
  Compiled compiled = engine.load("flow.json", text);
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return compiled;
}

std::string run(const std::shared_ptr<Database>& database, const Flow& flow) {
  EngineOptions options;
  options.database = database;
  const Engine engine(std::move(options));
  const Outcome outcome =
      engine.run(load(engine, flow.text).program, Value::object({{"evil", Value("'; DROP TABLE notes; --\" OR 1=1")}}));
  if (outcome.error) return "error " + outcome.error->type + ": " + outcome.error->message;
  REQUIRE(outcome.response.has_value());
  return to_json(outcome.response->body);
}

// ---- the flows of examples/flows that keep something

std::string example(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(FNSTACK_TEST_DATA) + "/../examples/flows/" + name).rdbuf();
  return text.str();
}

// Stripe, HubSpot, a Shopify shop whose second visit finds other prices, and a list of rates.
std::shared_ptr<HttpClient> upstreams() {
  return callback_http([visits = 0](const HttpRequest& request) mutable -> Result<HttpResponse> {
    const auto at = [&](std::string_view what) { return request.url.find(what) != std::string::npos; };
    HttpResponse response;
    response.headers = {{"content-type", "application/json"}};
    if (at("/v1/customers")) {
      response.body = R"({"id": "cus_1"})";
    } else if (at("/v1/payment_intents")) {
      response.body = R"({"id": "pi_1", "status": "requires_payment_method"})";
    } else if (at("api.hubapi.com")) {
      response.status = 201;
      response.body = R"({"id": "51001", "properties": {}})";
    } else if (at("myshopify.com")) {
      const std::string price = visits++ == 0 ? "12.50" : "13.90";
      response.body = R"({"products": [
        {"id": 632910392, "title": "Mug \"Classic\"", "body_html": "<p>a mug & no more</p>", "created_at":
         "2026-01-05T10:00:00-05:00", "updated_at": "2026-02-01T09:30:00-05:00", "variants": [{"price": ")" +
                      price + R"(", "inventory_quantity": 40}]},
        {"id": 9007199254740993, "title": "Tea'; DROP TABLE products; --", "body_html": null, "created_at":
         "2026-01-05T10:00:00-05:00", "updated_at": "2026-02-01T09:30:00-05:00", "variants": [{"price": "3", "inventory_quantity": -1}]}]})";
    } else {
      response.body = R"({"rate": 1.25, "of": ["a", null, 12345678901234567]})";
    }
    return response;
  });
}

struct Setup {
  std::shared_ptr<Clock> clock = manual_clock(1'767'000'000'123);
  Engine engine;
  Setup(std::shared_ptr<Database> database, std::shared_ptr<Cache> cache)
      : engine(EngineOptions{.http = upstreams(),
                             .cache = std::move(cache),
                             .database = std::move(database),
                             .clock = clock,
                             .env = Value::object({{"STRIPE_SECRET_KEY", "sk_1"},
                                                   {"HUBSPOT_ACCESS_TOKEN", "h"},
                                                   {"SHOPIFY_STORE", "demo-shop"},
                                                   {"SHOPIFY_ACCESS_TOKEN", "s"}})}) {}

  // All that a run leaves to be seen.
  std::string run(const std::string& text, std::string_view inputs) {
    const Outcome outcome = engine.run(load(engine, text).program, *parse_json(inputs));
    std::string seen(name_of(outcome.status));
    if (outcome.error) seen += " " + to_json(to_value(*outcome.error));
    if (outcome.response) {
      seen += " " + std::to_string(outcome.response->status_code) + " " + to_json(outcome.response->headers) + " " +
              to_json(outcome.response->body);
    }
    return seen + " " + to_json(outcome.variables) + "\n";
  }
  std::string table(const std::string& name) {
    return run(R"([{"function": "Query All Records", "table": ")" + name + R"(", "output_variable": "rows"}])", "{}");
  }
};

}  // namespace

TEST_CASE("the same flows give the same on every database") {
  for (const Flow& flow : flows) {
    INFO(flow.what);
    std::string in_memory;
    for (const NamedDatabase& each : every_database()) {
      INFO(each.name);
      const std::string answer = run(each.database, flow);
      CHECK_THAT(answer, !starts_with("error"));
      if (each.name == "memory") in_memory = answer;
      CHECK(answer == in_memory);
    }
  }
}

TEST_CASE("the Stripe, HubSpot and Shopify examples give the same on every database") {
  std::string in_memory;
  for (const NamedDatabase& each : every_database()) {
    INFO(each.name);
    Setup setup(each.database, memory_cache());
    std::string seen = setup.run(example("08_stripe_payment.jsonc"),
                                 R"({"email": "ada@example.com", "name": "'; DROP TABLE payments; --", "user_id": 7,
                                     "amount": 2500, "order_id": "A/17"})");
    seen += setup.run(R"({"function": "Add Record", "table": "leads", "data": {"email": "{{inputs.email}}"}})",
                      R"({"email": "'); DROP TABLE leads; --"})");
    for (const char* lead : {"1", "99"}) {
      seen += setup.run(example("09_hubspot_sync.jsonc"), R"({"first_name": "Grace", "last_name": "Hopper", "email":
          "grace@example.com", "phone": "1", "company": "Navy", "lead_id": )" +
                                                              std::string(lead) + "}");
    }
    for (const char* since : {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"})
      seen += setup.run(example("10_shopify_products.jsonc"), R"({"last_sync_time": ")" + std::string(since) + "\"}");
    for (const char* table : {"payments", "leads", "products"}) seen += setup.table(table);
    CHECK_THAT(seen, contains(R"("price":"13.90")"));
    CHECK_THAT(seen, contains(R"("shopify_id":9007199254740993)"));
    CHECK_THAT(seen, contains(R"("type":"not_found")"));
    if (each.name == "memory") in_memory = seen;
    CHECK(seen == in_memory);
  }
}

TEST_CASE("the cached request of the examples gives the same on every cache") {
  std::string in_memory;
  for (const NamedCache& each : every_cache()) {
    INFO(each.name);
    Setup setup(memory_database(), each.cache);
    const std::string flow = example("12_request_caching.jsonc");
    const char* inputs =
        R"({"cache_key": "k\r\nDEL {k} '; FLUSHALL", "api_url": "https://api.example.com/rates", "cache_ttl": 300})";
    std::string seen = setup.run(flow, inputs);
    CHECK_THAT(seen, contains(R"({"X-Cache":"MISS"} {"rate":1.25,)"));
    setup.clock->sleep(20'400, {});
    seen += setup.run(flow, inputs);
    CHECK_THAT(seen, contains(R"("X-Cache":"HIT","X-Cache-Age":"20")"));
    seen += setup.run(R"([{"function": "cache_delete", "key": "k\r\nDEL {k} '; FLUSHALL"}])", "{}");
    seen += setup.run(flow, inputs);
    if (each.name == "memory") in_memory = seen;
    CHECK(seen == in_memory);
  }
}
