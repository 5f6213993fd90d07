// W6 in fnstack: the loop of examples/flows/10_shopify_products.jsonc over products that are there already, on SQLite
// in memory with an index on shopify_id, as the twin has it.  bench_w6 PRODUCTS
#include <fnstack/backends/sqlite.hpp>
#include <optional>

#include "host.hpp"
#include "measure.hpp"
#include "w6_flow.hpp"

namespace {

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
  const auto program = bench::load(engine, "sync.json", bench::sync_definition);
  const auto first = fnstack::Value::object({{"products", bench::shop_products(count, 0)}});
  const auto second = fnstack::Value::object({{"products", bench::shop_products(count, 1)}});

  const bench::Stopwatch watch;
  (void)bench::run(engine, program, first);
  (void)bench::run(engine, program, second);
  const auto told = sql(*database, "SELECT count(*) AS rows, sum(updated_at IS NOT NULL) AS updated FROM products");
  watch.report(std::to_string(told[0].get("rows").as_integer()) + " inserted, " +
               std::to_string(told[0].get("updated").as_integer()) + " updated");
}
