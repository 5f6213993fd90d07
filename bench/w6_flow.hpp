// W6 in fnstack, on whatever database: the loop of examples/flows/10_shopify_products.jsonc over products that are
// there already.
#pragma once

#include <fnstack/fnstack.hpp>
#include <optional>
#include <string>

#include "host.hpp"
#include "w6_products.hpp"

namespace bench {

inline constexpr const char* sync_definition = R"json({
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

// As the shop answers: read from JSON, so that they lie in memory as an HTTP answer's do.
inline fnstack::Value shop_products(long count, int visit) {
  auto list = fnstack::Value::array();
  for (const Product& product : make_products(count, visit)) {
    auto variant = fnstack::Value::object({{"price", product.price}, {"inventory_quantity", product.inventory}});
    list.push_back(fnstack::Value::object({{"id", product.id},
                                           {"title", product.title},
                                           {"body_html", product.html},
                                           {"created_at", product.created_at},
                                           {"updated_at", product.updated_at},
                                           {"variants", fnstack::Value::array({std::move(variant)})}}));
  }
  return *fnstack::parse_json(fnstack::to_json(list));
}

}  // namespace bench
