// W6 in fnstack on PostgreSQL: one run that goes through all products, or one run a product, `in flight` of them at
// once on one thread of the event loop; a pool of 4 connections.  bench_w6_postgres PRODUCTS IN_FLIGHT PORT
#include <fnstack/backends/postgres.hpp>
#include <future>

#include "measure.hpp"
#include "w6_flow.hpp"

namespace {

fnstack::Value sql(fnstack::Database& database, const char* text) {
  std::promise<fnstack::Result<fnstack::Value>> answer;
  fnstack::DatabaseCommand command;
  command.kind = fnstack::DatabaseCommand::Kind::sql;
  command.sql = text;
  database.send(std::move(command), {}, fnstack::Reply<fnstack::Value>([&](fnstack::Result<fnstack::Value> result) {
                  answer.set_value(std::move(result));
                }));
  auto result = answer.get_future().get();
  if (!result) bench::give_up(result.error().message);
  return std::move(*result);
}

void sync(const fnstack::Engine& engine, const fnstack::Program& program, const fnstack::Value& products,
          long in_flight) {
  if (in_flight == 1) {
    (void)bench::run(engine, program, fnstack::Value::object({{"products", products}}));
    return;
  }
  bench::run_many(
      engine, program, static_cast<long>(products.size()), in_flight,
      [&](long n) {
        return fnstack::Value::object({{"products", fnstack::Value::array({products[static_cast<std::size_t>(n)]})}});
      },
      [](const fnstack::Outcome&) {});
}

}  // namespace

int main(int argc, char** argv) {
  const long count = bench::argument(argc, argv, 1, 10'000), in_flight = bench::argument(argc, argv, 2, 1);
  fnstack::PostgresOptions postgres;
  postgres.url = "postgresql://fnstack@127.0.0.1:" + std::to_string(bench::argument(argc, argv, 3, 5432)) + "/postgres";
  postgres.connections = 4;
  auto opened = fnstack::postgres_database(postgres);
  if (!opened) bench::give_up(opened.error().message);
  const auto database = *opened;
  sql(*database, "DROP TABLE IF EXISTS products");
  sql(*database,
      "CREATE TABLE products(id bigserial PRIMARY KEY, shopify_id bigint, title text, description text, price text, "
      "inventory bigint, created_at text, updated_at text)");
  sql(*database, "CREATE INDEX by_shopify_id ON products(shopify_id)");
  fnstack::EngineOptions options;
  options.database = database;
  options.limits.steps = 100 * count;
  options.loop_threads = 1;
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "sync.json", bench::sync_definition);
  const auto first = bench::shop_products(count, 0), second = bench::shop_products(count, 1);

  const bench::Stopwatch watch;
  sync(engine, program, first, in_flight);
  sync(engine, program, second, in_flight);
  const auto told = sql(*database, "SELECT count(*) AS rows, count(updated_at) AS updated FROM products");
  watch.report(std::to_string(told[0].get("rows").as_integer()) + " inserted, " +
               std::to_string(told[0].get("updated").as_integer()) + " updated");
}
