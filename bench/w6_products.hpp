// The products of W6: those of the first visit to the shop are new, the second finds other prices and stocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Product {
  std::int64_t id;
  std::string title, html, price, created_at, updated_at;
  std::int64_t inventory;
};

inline std::vector<Product> make_products(long count, int visit) {
  std::vector<Product> products;
  for (long i = 0; i < count; ++i) {
    const auto number = std::to_string(i);
    products.push_back({632910392 + i, "Product " + number, "<p>A thing called " + number + "</p>",
                        std::to_string(i % 90 + 10) + (visit == 0 ? ".50" : ".75"), "2026-01-05T10:00:00-05:00",
                        "2026-02-01T09:30:00-05:00", 40 + i % 7 - visit});
  }
  return products;
}

}  // namespace bench
