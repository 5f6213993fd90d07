#include "program/operand.hpp"

#include <utility>

#include <fnstack/json.hpp>

namespace fnstack::program {

namespace {

std::optional<Error> check_size(const Value& value, const expr::Scope& scope) {
  if (value.byte_size() > scope.limits.value_bytes) {
    return make_error(error_type::limit, "value_bytes: a value would take more than " +
                                             std::to_string(scope.limits.value_bytes) + " bytes");
  }
  if (value.depth() > scope.limits.value_depth) {
    return make_error(error_type::limit, "value_depth: a value would be nested more than " +
                                             std::to_string(scope.limits.value_depth) + " deep");
  }
  return std::nullopt;
}

// Recursion follows the definition's own nesting, which the reader bounds.
std::optional<Error> evaluate_tree(const Tree& tree, expr::Scope& scope, Value& out) {
  switch (tree.kind) {
    case Tree::Kind::constant:
      out = tree.constant;
      return std::nullopt;
    case Tree::Kind::text: {
      if (tree.text.is_single_hole()) {
        auto value = expr::evaluate(tree.text.pieces[0].hole, scope);
        if (!value) return std::move(value).error();
        out = std::move(*value);
        return std::nullopt;
      }
      Value text;
      if (auto error = expr::render_into(tree.text, scope, text)) return error;
      out = std::move(text);
      return std::nullopt;
    }
    case Tree::Kind::array: {
      Value array;
      array.reserve(tree.items.size());
      for (const Tree& item : tree.items) {
        Value value;
        if (auto error = evaluate_tree(item, scope, value)) return error;
        array.push_back(std::move(value));
      }
      if (auto error = check_size(array, scope)) return error;
      out = std::move(array);
      return std::nullopt;
    }
    case Tree::Kind::object: {
      if (tree.model.is_object()) {
        // All objects that it makes share one list of keys.
        std::vector<Value> values(tree.members.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (auto error = evaluate_tree(tree.members[i].value, scope, values[i])) return error;
        }
        Value object = Value::object_like(tree.model, values);
        if (auto error = check_size(object, scope)) return error;
        out = std::move(object);
        return std::nullopt;
      }
      Value object = Value::object();
      for (const Tree::Member& member : tree.members) {
        Value value;
        if (auto error = evaluate_tree(member.value, scope, value)) return error;
        if (!member.key_template) {
          object.set(member.key, std::move(value));
          continue;
        }
        auto key = expr::render(*member.key_template, scope);
        if (!key) return std::move(key).error();
        if (key->is_null() || key->is_container()) {
          return make_error(error_type::validation, "key \"" + member.key + "\": expected text, got " +
                                                        (key->is_null() ? "null" : "a list or an object"));
        }
        object.set(to_text(*key), std::move(value));
      }
      if (auto error = check_size(object, scope)) return error;
      out = std::move(object);
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Header values written in the definition, one by one: a value that comes out null leaves its header out.
std::optional<Error> evaluate_headers(const Tree& tree, expr::Scope& scope, const Surroundings& surroundings,
                                      Value& out) {
  const auto max_bytes = static_cast<std::size_t>(surroundings.limits->header_bytes);
  Value headers = Value::headers();
  for (const Tree::Member& member : tree.members) {
    std::string name = member.key;
    if (member.key_template) {
      auto key = expr::render(*member.key_template, scope);
      if (!key) return std::move(key).error();
      name = to_text(*key);
      if (auto error = expr::check_header_name(name, true)) return error;
    }
    if (headers.find(name) != nullptr) {
      return make_error(error_type::validation, "header \"" + name + "\" is given twice");
    }
    if (member.value.kind == Tree::Kind::text) {
      auto text = expr::render_header(member.value.text, scope, name, max_bytes);
      if (!text) return std::move(text).error();
      if (*text) headers.set(name, Value(**text));
    } else {
      headers.set(name, member.value.constant);
    }
  }
  auto checked = expr::check_headers(headers, false, max_bytes);
  if (!checked) return std::move(checked).error();
  out = Value::headers();
  for (auto& [name, text] : *checked) out.set(name, Value(text));
  return std::nullopt;
}

std::optional<Error> evaluate_header_map(const expr::Expression& expression, expr::Scope& scope,
                                         const Surroundings& surroundings, Value& out) {
  auto value = expr::evaluate(expression, scope);
  if (!value) return std::move(value).error();
  out = Value::headers();
  if (value->is_null()) return std::nullopt;
  auto checked = expr::check_headers(*value, true, static_cast<std::size_t>(surroundings.limits->header_bytes));
  if (!checked) return std::move(checked).error();
  for (auto& [name, text] : *checked) out.set(name, Value(text));
  return std::nullopt;
}

// A list in a filter's value place, or a scalar; an object with operator keys is an attack or a mistake.
std::optional<Error> check_filter_value(std::string_view op, const Value& value) {
  if (op == "in" || op == "not_in") {
    if (!value.is_array()) return make_error(error_type::validation, "filter: \"in\" expects a list");
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_container())
        return make_error(error_type::validation, "filter: \"in\" expects a list of plain values");
    }
    return std::nullopt;
  }
  if (!value.is_object()) return std::nullopt;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.key_at(i).starts_with('$') || !filter_operator(value.key_at(i)).empty()) {
      return make_error(error_type::validation,
                        "filter: operator \"" + std::string(value.key_at(i)) +
                            "\" comes from data; operators must stand in the definition, or the "
                            "filter must be marked |raw");
    }
  }
  return std::nullopt;
}

// The depth of a filter tree is the definition's, or bounded by value_depth.
std::optional<Error> check_filter(const Value& filter) {
  if (filter.is_null()) return std::nullopt;
  const std::string_view op = filter[0].as_string();
  if (op == "and" || op == "or" || op == "not") {
    for (std::size_t i = 1; i < filter.size(); ++i) {
      if (auto error = check_filter(filter[i])) return error;
    }
    return std::nullopt;
  }
  if (!filter[1].is_string()) return make_error(error_type::validation, "filter: expected a column's name as text");
  if (auto error = expr::check_identifier(filter[1].as_string(), "column")) return error;
  return check_filter_value(op, filter[2]);
}

Result<Value> filter_part(std::string_view key, const Value& value, bool operators);

Result<Value> filter_object(const Value& filter, bool operators) {
  if (!filter.is_object()) return make_error(error_type::validation, "filter: expected an object of conditions");
  Value all = Value::array({"and"});
  for (std::size_t i = 0; i < filter.size(); ++i) {
    auto part = filter_part(filter.key_at(i), filter[i], operators);
    if (!part) return part;
    all.push_back(std::move(*part));
  }
  return all;
}

Result<Value> filter_part(std::string_view key, const Value& value, bool operators) {
  if (key.starts_with('$')) {
    if (!operators) {
      return make_error(error_type::validation, "filter: operator \"" + std::string(key) +
                                                    "\" comes from data; mark the filter |raw to allow it");
    }
    if (key == "$not") {
      auto inner = filter_object(value, operators);
      if (!inner) return inner;
      return Value::array({"not", std::move(*inner)});
    }
    if ((key != "$and" && key != "$or") || !value.is_array()) {
      return make_error(error_type::validation, "filter: unknown operator \"" + std::string(key) + "\"");
    }
    Value group = Value::array({key == "$and" ? "and" : "or"});
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto inner = filter_object(value[i], operators);
      if (!inner) return inner;
      group.push_back(std::move(*inner));
    }
    return group;
  }
  if (auto error = expr::check_identifier(key, "column")) return std::move(*error);
  bool has_operator = false;
  for (std::size_t i = 0; value.is_object() && i < value.size(); ++i) {
    has_operator = has_operator || value.key_at(i).starts_with('$') || !filter_operator(value.key_at(i)).empty();
  }
  if (!has_operator) return Value::array({"eq", key, value});
  if (!operators) return *check_filter_value("eq", value);
  Value all = Value::array({"and"});
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string_view op = filter_operator(value.key_at(i));
    if (op.empty()) {
      return make_error(error_type::validation, "filter: unknown operator \"" + std::string(value.key_at(i)) + "\"");
    }
    if (auto error = check_filter_value(op, value[i])) return std::move(*error);
    all.push_back(Value::array({op, key, value[i]}));
  }
  return all;
}

}  // namespace

std::string_view filter_operator(std::string_view spelling) {
  static constexpr std::pair<std::string_view, std::string_view> table[] = {{"$eq", "eq"},
                                                                            {"=", "eq"},
                                                                            {"==", "eq"},
                                                                            {"$ne", "ne"},
                                                                            {"!=", "ne"},
                                                                            {"<>", "ne"},
                                                                            {"$gt", "gt"},
                                                                            {">", "gt"},
                                                                            {"$gte", "gte"},
                                                                            {">=", "gte"},
                                                                            {"$lt", "lt"},
                                                                            {"<", "lt"},
                                                                            {"$lte", "lte"},
                                                                            {"<=", "lte"},
                                                                            {"$in", "in"},
                                                                            {"IN", "in"},
                                                                            {"$nin", "not_in"},
                                                                            {"NOT IN", "not_in"},
                                                                            {"$not_in", "not_in"},
                                                                            {"$like", "like"},
                                                                            {"LIKE", "like"},
                                                                            {"like", "like"},
                                                                            {"$not_like", "not_like"},
                                                                            {"NOT LIKE", "not_like"},
                                                                            {"$regex", "regex"},
                                                                            {"$not_regex", "not_regex"},
                                                                            {"$includes", "contains"},
                                                                            {"$contains", "contains"},
                                                                            {"contains", "contains"},
                                                                            {"$not_includes", "not_contains"},
                                                                            {"$not_contains", "not_contains"}};
  for (const auto& [name, op] : table) {
    if (name == spelling) return op;
  }
  return {};
}

Result<Value> filter_from_value(const Value& filter, bool operators) {
  if (filter.is_null() || (filter.is_object() && filter.size() == 0)) return Value();
  return filter_object(filter, operators);
}

std::optional<Error> evaluate(const Operand& operand, expr::Scope& scope, const Surroundings& surroundings,
                              Value& out) {
  switch (operand.kind) {
    case Operand::Kind::constant:
      out = operand.constant;
      return std::nullopt;
    case Operand::Kind::expression: {
      if (operand.slot != expr::Reference::none) {
        out = scope.slots[operand.slot];
        return std::nullopt;
      }
      auto value = expr::evaluate(operand.expression, scope);
      if (!value) return std::move(value).error();
      out = std::move(*value);
      return std::nullopt;
    }
    case Operand::Kind::text:
      return expr::render_into(*operand.text, scope, out);
    case Operand::Kind::tree:
      return evaluate_tree(*operand.tree, scope, out);
    case Operand::Kind::url: {
      std::string query;
      if (surroundings.query != nullptr && !surroundings.query->is_null()) {
        auto encoded = expr::encode_query(*surroundings.query);
        if (!encoded) return std::move(encoded).error();
        query = std::move(*encoded);
      }
      auto url = expr::render_url(*operand.url, scope, query, static_cast<std::size_t>(surroundings.limits->url_bytes));
      if (!url) return std::move(url).error();
      static const Value model = Value::object({{"url", Value()}, {"shown", Value()}});  // one list of keys for all
      Value text(url->url);
      Value values[] = {text, url->shown == url->url ? text : Value(url->shown)};
      out = Value::object_like(model, values);
      return std::nullopt;
    }
    case Operand::Kind::headers:
      return evaluate_headers(*operand.tree, scope, surroundings, out);
    case Operand::Kind::headers_data:
      return evaluate_header_map(operand.expression, scope, surroundings, out);
    case Operand::Kind::body: {
      std::string_view content_type;
      if (surroundings.headers != nullptr) content_type = surroundings.headers->get("content-type").as_string();
      auto body = expr::render_body(*operand.body, scope, content_type);
      if (!body) return std::move(body).error();
      out = std::move(*body);
      return std::nullopt;
    }
    case Operand::Kind::filter:
      if (auto error = evaluate_tree(*operand.tree, scope, out)) return error;
      return check_filter(out);
    case Operand::Kind::filter_data:
    case Operand::Kind::filter_raw: {
      auto value = expr::evaluate(operand.expression, scope);
      if (!value) return std::move(value).error();
      auto filter = filter_from_value(*value, operand.kind == Operand::Kind::filter_raw);
      if (!filter) return std::move(filter).error();
      out = std::move(*filter);
      return check_filter(out);
    }
    case Operand::Kind::cache_key: {
      auto key =
          expr::render_cache_key(*operand.text, scope, static_cast<std::size_t>(surroundings.limits->cache_key_bytes));
      if (!key) return std::move(key).error();
      out = Value(*key);
      return std::nullopt;
    }
  }
  return std::nullopt;
}

const Value* borrow(const Operand& operand, expr::Scope& scope, const Surroundings& surroundings, Value& scratch,
                    expr::Failure& error) {
  if (const Value* const value = at_hand(operand, scope)) return value;
  if (operand.kind == Operand::Kind::expression)
    return expr::evaluate_borrowed(operand.expression, scope, scratch, error);
  auto failed = evaluate(operand, scope, surroundings, scratch);
  if (!failed) return &scratch;
  error = std::make_unique<Error>(std::move(*failed));
  return nullptr;
}

int test(const Operand& operand, expr::Scope& scope, const Surroundings& surroundings, expr::Failure& error) {
  if (operand.kind == Operand::Kind::expression) return expr::test(operand.expression, scope, error);
  Value scratch;
  const Value* const value = borrow(operand, scope, surroundings, scratch, error);
  return value == nullptr ? -1 : expr::is_truthy(*value) ? 1 : 0;
}

}  // namespace fnstack::program
