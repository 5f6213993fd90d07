// W6 by hand: 10,000 products into SQLite in memory, each looked for by shopify_id and then inserted; then all of them
// again, looked for and updated. Prepared statements, each its own commit, an index on shopify_id.  w6_twin PRODUCTS
#include <sqlite3.h>

#include <string>

#include "measure.hpp"
#include "w6_products.hpp"

namespace {

using namespace bench;

sqlite3_stmt* prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    std::fprintf(stderr, "w6_twin: %s\n", sqlite3_errmsg(db));
    std::exit(1);
  }
  return statement;
}

void bind(sqlite3_stmt* statement, int at, const std::string& text) {
  sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

}  // namespace

int main(int argc, char** argv) {
  const long count = bench::argument(argc, argv, 1, 10'000);
  const auto first = make_products(count, 0), second = make_products(count, 1);
  sqlite3* db = nullptr;
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
  sqlite3_exec(
      db,
      "CREATE TABLE products(id INTEGER PRIMARY KEY, shopify_id INTEGER, title TEXT, description TEXT, price TEXT, "
      "inventory INTEGER, created_at TEXT, updated_at TEXT); CREATE INDEX by_shopify_id ON products(shopify_id)",
      nullptr, nullptr, nullptr);
  const bench::Stopwatch watch;
  auto* query = prepare(db, "SELECT * FROM products WHERE shopify_id = ? ORDER BY id");
  auto* insert = prepare(
      db, "INSERT INTO products(shopify_id, title, description, price, inventory, created_at) VALUES(?,?,?,?,?,?)");
  auto* update = prepare(db, "UPDATE products SET title = ?, price = ?, inventory = ?, updated_at = ? WHERE id = ?");
  long inserted = 0, updated = 0;
  for (const auto* products : {&first, &second}) {
    for (const auto& product : *products) {
      sqlite3_bind_int64(query, 1, product.id);
      std::int64_t found = 0;
      while (sqlite3_step(query) == SQLITE_ROW) found = sqlite3_column_int64(query, 0);
      sqlite3_reset(query);
      if (found != 0) {
        bind(update, 1, product.title);
        bind(update, 2, product.price);
        sqlite3_bind_int64(update, 3, product.inventory);
        bind(update, 4, product.updated_at);
        sqlite3_bind_int64(update, 5, found);
        if (sqlite3_step(update) != SQLITE_DONE) return 1;
        sqlite3_reset(update);
        ++updated;
      } else {
        sqlite3_bind_int64(insert, 1, product.id);
        bind(insert, 2, product.title);
        bind(insert, 3, product.html);
        bind(insert, 4, product.price);
        sqlite3_bind_int64(insert, 5, product.inventory);
        bind(insert, 6, product.created_at);
        if (sqlite3_step(insert) != SQLITE_DONE) return 1;
        sqlite3_reset(insert);
        ++inserted;
      }
    }
  }
  watch.report(std::to_string(inserted) + " inserted, " + std::to_string(updated) + " updated");
  for (auto* statement : {query, insert, update}) sqlite3_finalize(statement);
  sqlite3_close(db);
}
