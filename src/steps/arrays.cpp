// "Arrays": makes a new list from lists; the ones given stay as they are.
#include <algorithm>

#include <fnstack/json.hpp>

#include "expr/expression.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

// Null is an empty list: the last page often leaves it out (DIALECT 4.25).
Result<Value> copy_of_list(Fields& fields, std::string_view name) {
  Value value = fields[name];
  if (value.is_null()) return Value::array();
  if (!value.is_array()) return wrong(std::string(name) + ": expected a list");
  return value;
}

bool contains(const Value& list, const Value& wanted) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == wanted) return true;
  }
  return false;
}

Result<Value> slice(Fields& fields, const Value& all) {
  const auto size = static_cast<std::int64_t>(all.size());
  const auto bound = [&](const Value& given, std::int64_t fallback) {
    if (given.is_null()) return fallback;
    const std::int64_t at = given.as_integer();
    return std::clamp<std::int64_t>(at < 0 ? size + at : at, 0, size);
  };
  Value part = Value::array();
  for (std::int64_t i = bound(fields["start"], 0), end = bound(fields["end"], size); i < end; ++i) {
    part.push_back(all[static_cast<std::size_t>(i)]);
  }
  return part;
}

// Operations that ask an expression about each element.
Result<Value> with_expression(Fields& fields, std::string_view operation, const Value& all) {
  Value result = operation == "group_by" ? Value::object() : Value::array();
  Value rest = Value::array();
  std::int64_t matches = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto answer = fields.evaluate("condition", {all[i], Value(static_cast<std::int64_t>(i))});
    if (!answer) return answer;
    const bool yes = expr::is_truthy(*answer);
    matches += yes ? 1 : 0;
    if (operation == "map") result.push_back(std::move(*answer));
    if (operation == "filter" && yes) result.push_back(all[i]);
    if (operation == "partition") (yes ? result : rest).push_back(all[i]);
    if (operation == "find" && yes) return all[i];
    if (operation == "find_index" && yes) return Value(static_cast<std::int64_t>(i));
    if ((operation == "has" || operation == "some") && yes) return Value(true);
    if (operation == "every" && !yes) return Value(false);
    if (operation == "group_by") {
      const std::string key = to_text(*answer);
      Value group = result.get(key);
      group.push_back(all[i]);
      result.set(key, std::move(group));
    }
  }
  if (operation == "find") return Value();
  if (operation == "find_index") return Value(-1);
  if (operation == "has" || operation == "some") return Value(false);
  if (operation == "every") return Value(true);
  if (operation == "filter_count") return Value(matches);
  if (operation == "partition") return Value::array({std::move(result), std::move(rest)});
  return result;
}

Result<Value> reduce(Fields& fields, const Value& all) {
  Value accumulated = fields.take("initial_value");
  std::size_t first = 0;
  if (accumulated.is_null() && all.size() > 0 && !fields.given("initial_value")) {
    accumulated = all[0];
    first = 1;
  }
  for (std::size_t i = first; i < all.size(); ++i) {
    auto next = fields.evaluate("reducer", {accumulated, all[i], Value(static_cast<std::int64_t>(i))});
    if (!next) return next;
    accumulated = std::move(*next);
  }
  return accumulated;
}

// Whether the list would stay within value_bytes and value_depth with so much more in it. Asked before it is taken:
// from then on nothing may fail.
std::optional<Error> check_growth(Fields& fields, const Value& list, const Value& more, std::uint32_t depth) {
  const Limits& limits = fields.limits();
  if (list.byte_size() + more.byte_size() > static_cast<std::uint64_t>(limits.value_bytes)) {
    return make_error(error_type::limit,
                      "value_bytes: the list would take more than " + std::to_string(limits.value_bytes) + " bytes");
  }
  if (depth > limits.value_depth) {
    return make_error(error_type::limit, "value_depth: the list would be nested more than " +
                                             std::to_string(limits.value_depth) + " deep");
  }
  return std::nullopt;
}

// concat and push change the list in place if nobody else has it.
Result<Value> grow(Fields& fields, bool by_list) {
  const Value& known = fields["array"];
  if (!known.is_null() && !known.is_array()) return wrong("array: expected a list");
  Value more = fields.take(by_list ? "array2" : "value");
  if (by_list && !more.is_null() && !more.is_array()) return wrong("array2: expected a list");
  if (auto error = check_growth(fields, known, more, more.depth() + (by_list ? 0 : 1))) return std::move(*error);
  Value all = fields.take("array");
  if (all.is_null()) all = Value::array();
  if (!by_list) {
    all.push_back(std::move(more));
    return all;
  }
  for (std::size_t i = 0; i < more.size(); ++i) all.push_back(more[i]);
  return all;
}

Result<Value> compute(Fields& fields) {
  const std::string operation(fields["operation"].as_string());
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), operation) != names.end();
  };
  if (is({"concat", "merge"})) return grow(fields, true);
  if (is({"push", "append", "add"})) return grow(fields, false);
  auto all = copy_of_list(fields, "array");
  if (!all) return all;
  if (is({"union", "difference", "intersection"})) {
    auto other = copy_of_list(fields, "array2");
    if (!other) return other;
    Value result = Value::array();
    for (std::size_t i = 0; i < all->size(); ++i) {
      const bool in_other = operation != "union" && contains(*other, (*all)[i]);
      const bool wanted = operation == "union" || in_other == (operation == "intersection");
      if (wanted && !contains(result, (*all)[i])) result.push_back((*all)[i]);
    }
    for (std::size_t i = 0; operation == "union" && i < other->size(); ++i) {
      if (!contains(result, (*other)[i])) result.push_back((*other)[i]);
    }
    return result;
  }
  if (is({"unshift", "prepend"})) {
    Value result = Value::array({fields.take("value")});
    for (std::size_t i = 0; i < all->size(); ++i) result.push_back((*all)[i]);
    return result;
  }
  if (is({"pop", "shift"})) {
    Value result = Value::array();
    const std::size_t skip = operation == "shift" ? 1 : 0;
    for (std::size_t i = skip; i + (1 - skip) < all->size(); ++i) result.push_back((*all)[i]);
    return result;
  }
  if (operation == "slice") return slice(fields, *all);
  if (operation == "reduce") return reduce(fields, *all);
  if (is({"length", "count"})) return Value(static_cast<std::int64_t>(all->size()));
  if (operation == "reverse") {
    Value result = Value::array();
    for (std::size_t i = all->size(); i > 0; --i) result.push_back((*all)[i - 1]);
    return result;
  }
  if (operation == "unique") {
    Value result = Value::array();
    for (std::size_t i = 0; i < all->size(); ++i) {
      if (!contains(result, (*all)[i])) result.push_back((*all)[i]);
    }
    return result;
  }
  if (is({"map", "filter", "filter_count", "find", "find_index", "has", "some", "every", "partition", "group_by"})) {
    if (!fields.given("condition")) return wrong("operation " + operation + ": missing field \"condition\"");
    return with_expression(fields, operation, *all);
  }
  return wrong("operation: unknown operation \"" + operation.substr(0, 60) + "\"");
}

}  // namespace

StepKind arrays() {
  return {
      .name = "Arrays",
      .aliases = {"array"},
      .doc = "Makes a new list (or finds something in one); the lists given stay as they are; null is an empty list.",
      .group = "Data",
      .fields = {{.name = "operation",
                  .type = FieldType::text,
                  .required = true,
                  .doc = "concat, push, unshift, pop, shift, slice, reverse, unique, length, union, difference, "
                         "intersection; with `condition`: map, filter, filter_count, find, find_index, has, every, "
                         "partition, group_by; with `reducer`: reduce"},
                 {.name = "array", .aliases = {"array1", "list", "input"}, .doc = "the list"},
                 {.name = "array2", .aliases = {"other"}, .doc = "concat and the set operations: the other list"},
                 {.name = "value", .aliases = {"item", "element"}, .doc = "push, unshift: the element"},
                 {.name = "start",
                  .type = FieldType::integer,
                  .doc = "slice: the first position; negative from the end"},
                 {.name = "end", .type = FieldType::integer, .doc = "slice: the position after the last"},
                 {.name = "condition",
                  .aliases = {"expression", "by"},
                  .type = FieldType::expression,
                  .doc = "an expression over `item` and `index`",
                  .locals = {"item", "index"}},
                 {.name = "reducer",
                  .type = FieldType::expression,
                  .doc = "reduce: an expression over `acc`, `current` and `index`",
                  .locals = {"acc", "current", "index"}},
                 {.name = "initial_value", .aliases = {"initial"}, .doc = "reduce: what `acc` is at first"}},
      .in_place = "array",
      .compute = compute};
}

StepKind objects() {
  return {.name = "Objects",
          .aliases = {"object"},
          .doc = "Makes a new object from objects, or lists what is in one; null is an empty object.",
          .group = "Data",
          .fields = {{.name = "operation",
                      .type = FieldType::text,
                      .required = true,
                      .doc = "set, merge, remove, keys, values, entries, get, has"},
                     {.name = "object", .aliases = {"object1", "input"}, .doc = "the object"},
                     {.name = "object2", .aliases = {"other"}, .doc = "merge: its members win"},
                     {.name = "key", .type = FieldType::text, .doc = "set, remove, get, has"},
                     {.name = "value", .doc = "set"}},
          .compute = [](Fields& fields) -> Result<Value> {
            const std::string_view operation = fields["operation"].as_string();
            Value object = fields.take("object");
            if (object.is_null()) object = Value::object();
            if (!object.is_object()) return wrong("object: expected an object");
            const bool by_key = operation == "set" || operation == "remove" || operation == "unset" ||
                                operation == "get" || operation == "has";
            if (by_key && !fields["key"].is_string()) return wrong("key: expected text");
            const std::string key(fields["key"].as_string());
            if (operation == "set") {
              object.set(key, fields.take("value"));
            } else if (operation == "remove" || operation == "unset") {
              object.erase(key);
            } else if (operation == "get") {
              return object.get(key);
            } else if (operation == "has") {
              return Value(object.find(key) != nullptr);
            } else if (operation == "merge") {
              const Value& other = fields["object2"];
              if (!other.is_object() && !other.is_null()) return wrong("object2: expected an object");
              for (std::size_t i = 0; i < other.size(); ++i) object.set(other.key_at(i), other[i]);
            } else if (operation == "keys" || operation == "values" || operation == "entries") {
              Value list = Value::array();
              for (std::size_t i = 0; i < object.size(); ++i) {
                if (operation == "keys") list.push_back(Value(object.key_at(i)));
                if (operation == "values") list.push_back(object[i]);
                if (operation == "entries")
                  list.push_back(Value::object({{"key", Value(object.key_at(i))}, {"value", object[i]}}));
              }
              return list;
            } else {
              return wrong("operation: unknown operation \"" + std::string(operation).substr(0, 60) + "\"");
            }
            return object;
          }};
}

}  // namespace fnstack::steps
