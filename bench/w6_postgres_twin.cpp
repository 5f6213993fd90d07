// W6 by hand on PostgreSQL: libpqxx, prepared statements, each its own commit. One connection that goes through all
// products, or four that take one after another.  bench_w6_postgres_twin PRODUCTS IN_FLIGHT PORT
#include <atomic>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"
#include "w6_products.hpp"

namespace {

using bench::Product;

template <class... Arguments>
pqxx::result perform(pqxx::transaction_base& work, const char* name, const Arguments&... arguments) {
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
  return work.exec(pqxx::prepped{name}, pqxx::params{arguments...});
#else
  return work.exec_prepared(name, arguments...);
#endif
}

struct Told {
  std::atomic<long> inserted = 0, updated = 0;
};

void sync(pqxx::connection& connection, const std::vector<Product>& products, std::atomic<std::size_t>& next,
          Told& told) {
  pqxx::nontransaction work(connection);
  for (std::size_t at = next++; at < products.size(); at = next++) {
    const Product& product = products[at];
    const auto found = perform(work, "query", product.id);
    if (!found.empty()) {
      perform(work, "update", product.title, product.price, product.inventory, product.updated_at,
              found[0]["id"].as<std::int64_t>());
      ++told.updated;
    } else {
      perform(work, "insert", product.id, product.title, product.html, product.price, product.inventory,
              product.created_at);
      ++told.inserted;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long count = bench::argument(argc, argv, 1, 10'000), in_flight = bench::argument(argc, argv, 2, 1);
  const std::string url =
      "postgresql://fnstack@127.0.0.1:" + std::to_string(bench::argument(argc, argv, 3, 5432)) + "/postgres";
  const auto first = bench::make_products(count, 0), second = bench::make_products(count, 1);
  {
    pqxx::connection connection(url);
    pqxx::nontransaction work(connection);
    work.exec("DROP TABLE IF EXISTS products");
    work.exec(
        "CREATE TABLE products(id bigserial PRIMARY KEY, shopify_id bigint, title text, description text, price text, "
        "inventory bigint, created_at text, updated_at text)");
    work.exec("CREATE INDEX by_shopify_id ON products(shopify_id)");
  }
  const bench::Stopwatch watch;
  std::vector<std::unique_ptr<pqxx::connection>> pool;
  for (int i = 0; i < (in_flight == 1 ? 1 : 4); ++i) {
    auto& connection = *pool.emplace_back(std::make_unique<pqxx::connection>(url));
    connection.prepare("query", "SELECT * FROM products WHERE shopify_id = $1 ORDER BY id");
    connection.prepare("insert",
                       "INSERT INTO products(shopify_id, title, description, price, inventory, created_at) "
                       "VALUES($1, $2, $3, $4, $5, $6)");
    connection.prepare("update",
                       "UPDATE products SET title = $1, price = $2, inventory = $3, updated_at = $4 WHERE id = $5");
  }
  Told told;
  for (const auto* products : {&first, &second}) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> threads;
    for (auto& connection : pool) threads.emplace_back([&, products] { sync(*connection, *products, next, told); });
    for (std::thread& thread : threads) thread.join();
  }
  watch.report(std::to_string(told.inserted) + " inserted, " + std::to_string(told.updated) + " updated");
}
