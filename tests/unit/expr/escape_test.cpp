#include "expr/escape.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "unit/expr/escape_places.hpp"

using namespace fnstack;
using namespace fnstack_test;

namespace {

// An object whose strings are templates, evaluated.
std::optional<Value> evaluated(const Value& tree, Vars& vars, std::string& failure) {
  if (tree.is_object()) {
    Value out = Value::object();
    for (std::size_t i = 0; i < tree.size(); ++i) {
      std::optional<Value> member = evaluated(tree[i], vars, failure);
      if (!member) return std::nullopt;
      out.set(tree.key_at(i), *member);
    }
    return out;
  }
  if (!tree.is_string()) return tree;
  Diagnostics diagnostics;
  const std::optional<expr::Template> pieces = parsed(tree.as_string(), diagnostics);
  if (!pieces) {
    failure = check_failed(diagnostics);
    return std::nullopt;
  }
  const expr::Template bound = expr::bind(*pieces, vars.resolver());
  const Result<Value> value = expr::render(bound, vars.scope());
  if (value.ok()) return *value;
  failure = shown(value.error());
  return std::nullopt;
}

// Valid as text: only the network guard, which sees addresses, refuses them.
const std::set<std::string_view> refused_by_the_guard = {"url_whole-024", "url_whole-027", "url_whole-030",
                                                         "url_whole-031", "url_host-058"};

}  // namespace

TEST_CASE("the escaping vectors") {
  std::ifstream file(FNSTACK_TEST_DATA "/cases/escaping_vectors.json");
  std::stringstream content;
  content << file.rdbuf();
  const Value vectors = Vars::read(content.str());
  REQUIRE(vectors.size() > 80);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const Value& vector = vectors[i];
    const std::string id(vector.get("id").as_string());
    const std::string_view context = vector.get("context").as_string();
    const Value& text = vector.get("template");
    Vars vars(vector.get("vars"));
    INFO(id << ": " << vector.get("why").as_string());
    std::string result;
    if (context.starts_with("sql_")) {
      // Statements are made elsewhere; what is judged here is the record's id.
      if (context != "sql_edit") continue;
      const std::optional<Value> fields = evaluated(text, vars, result);
      REQUIRE(fields.has_value());
      CHECK(outcome(expr::check_record_id(fields->get("record_id"))).starts_with("validation: ") ==
            vector.get("error").as_boolean());
      continue;
    }
    if (context.starts_with("url_")) {
      result = url_of(text.as_string(), vars);
    } else if (context == "query_parameters") {
      const std::optional<Value> parameters = evaluated(text, vars, result);
      if (parameters) result = outcome(expr::encode_query(*parameters));
    } else if (context == "header_value") {
      const std::string_view name = text.key_at(0);
      result = header_of(name, text[0].as_string(), vars);
      if (!failed(result)) result = std::string(name) + ": " + result + "\r\n";
    } else if (context == "header_map") {
      const std::optional<Value> map = evaluated(text, vars, result);
      REQUIRE(map.has_value());
      result = headers(to_json(*map), true);
    } else if (context == "method") {
      const std::optional<Value> method = evaluated(text, vars, result);
      REQUIRE(method.has_value());
      result = outcome(expr::check_method(*method));
    } else if (context == "form_body") {
      result = body_of(text.as_string(), vars, form_type, true);
    } else if (context == "json_text_body") {
      result = body_of(text.as_string(), vars, json_type, true);
    } else if (context == "json_body") {
      const std::optional<Value> tree = evaluated(text, vars, result);
      if (tree) result = to_json(*tree);
    } else if (context == "response_status") {
      const std::optional<Value> status = evaluated(text, vars, result);
      REQUIRE(status.has_value());
      result = outcome(expr::check_status(*status));
    } else {
      FAIL("unknown context " << context);
    }
    if (refused_by_the_guard.contains(id)) {
      CHECK_FALSE(failed(result));
    } else if (vector.get("error").as_boolean()) {
      INFO(result);
      CHECK(failed(result));
    } else {
      CHECK(result == vector.get("expect").as_string());
    }
  }
}
