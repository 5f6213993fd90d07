// W6 in fnstack: the loop of examples/flows/10_shopify_products.jsonc over products that are there already, on SQLite
// in memory with an index on shopify_id, as the twin has it.  bench_w6 PRODUCTS
#include <fnstack/backends/sqlite.hpp>
#include <optional>

#include "host.hpp"
#include "measure.hpp"

namespace {

constexpr const char* definition = R"json({
  "function_name": "sync",
  "steps": [
    {"function": "Loop", "input_array": "{{inputs.products}}", "loop_item_variable": "product", "steps": [
      {"function": "Query All Records", "table": "products", "filter": {"shopify_id": "{{product.id}}"},
       "output_variable": "existing_product"},
      {"function": "Conditional", "condition": "{{existing_product.length > 0}}",
       "true_steps": [
         {"function": "Edit Record", "table": "products", "record_id": "{{existing_product[0].id}}",
          "data": {"title": "{{product.title}}", "price": "{{product.variants[0].price}}",
                   "inventory": "{{product.variants[0].inventory_quantity}}", "updated_at": "{{product.updated_at}}"}}],
       "false_steps": [
         {"function": "Add Record", "table": "products",
          "data": {"shopify_id": "{{product.id}}", "title": "{{product.title}}", "description": "{{product.body_html}}",
                   "price": "{{product.variants[0].price}}", "inventory": "{{product.variants[0].inventory_quantity}}",
                   "created_at": "{{product.created_at}}"}}]}
    ]}
  ]
})json";

fnstack::Value make_products(long count, int visit) {
  auto products = fnstack::Value::array();
  for (long i = 0; i < count; ++i) {
    const auto number = std::to_string(i);
    auto variant = fnstack::Value::object({{"price", std::to_string(i % 90 + 10) + (visit == 0 ? ".50" : ".75")},
                                           {"inventory_quantity", 40 + i % 7 - visit}});
    products.push_back(fnstack::Value::object({{"id", 632910392 + i},
                                               {"title", "Product " + number},
                                               {"body_html", "<p>A thing called " + number + "</p>"},
                                               {"created_at", "2026-01-05T10:00:00-05:00"},
                                               {"updated_at", "2026-02-01T09:30:00-05:00"},
                                               {"variants", fnstack::Value::array({std::move(variant)})}}));
  }
  return products;
}

fnstack::Value sql(fnstack::Database& database, const char* text) {
  std::optional<fnstack::Result<fnstack::Value>> answer;
  fnstack::DatabaseCommand command;
  command.kind = fnstack::DatabaseCommand::Kind::sql;
  command.sql = text;
  database.send(std::move(command), {}, fnstack::Reply<fnstack::Value>([&](fnstack::Result<fnstack::Value> result) {
                  answer = std::move(result);
                }));
  if (!answer || !*answer) bench::give_up(answer ? answer->error().message : "SQLite did not answer");
  return std::move(**answer);
}

}  // namespace

int main(int argc, char** argv) {
  const long count = bench::argument(argc, argv, 1, 10'000);
  auto opened = fnstack::sqlite_database({.path = ":memory:"});
  if (!opened) bench::give_up(opened.error().message);
  const auto database = *opened;
  sql(*database,
      "CREATE TABLE products(id INTEGER PRIMARY KEY, shopify_id INTEGER, title TEXT, description TEXT, price TEXT, "
      "inventory INTEGER, created_at TEXT, updated_at TEXT)");
  sql(*database, "CREATE INDEX by_shopify_id ON products(shopify_id)");
  fnstack::EngineOptions options;
  options.database = database;
  options.limits.steps = 100 * count;
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "sync.json", definition);
  const auto first = fnstack::Value::object({{"products", make_products(count, 0)}});
  const auto second = fnstack::Value::object({{"products", make_products(count, 1)}});

  const bench::Stopwatch watch;
  (void)bench::run(engine, program, first);
  (void)bench::run(engine, program, second);
  const auto told = sql(*database, "SELECT count(*) AS rows, sum(updated_at IS NOT NULL) AS updated FROM products");
  watch.report(std::to_string(told[0].get("rows").as_integer()) + " inserted, " +
               std::to_string(told[0].get("updated").as_integer()) + " updated");
}
