// "Arrays": makes a new list from lists; the ones given stay as they are.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <fnstack/json.hpp>

#include "expr/content_hash.hpp"
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
  std::vector<Value> groups;
  std::unordered_map<std::string, std::size_t> group_of;
  std::int64_t matches = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Value locals[] = {all[i], Value(static_cast<std::int64_t>(i))};
    auto answer = fields.evaluate("condition", locals);
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
      const auto [known, is_new] = group_of.try_emplace(key, groups.size());
      if (is_new) {
        groups.push_back(Value::array());
        result.set(key, Value());
      }
      groups[known->second].push_back(all[i]);
    }
  }
  // A group has one owner until it is complete, or each element would copy it.
  for (std::size_t i = 0; i < groups.size(); ++i) result.set_at(i, std::move(groups[i]));
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
    Value locals[] = {std::move(accumulated), all[i], Value(static_cast<std::int64_t>(i))};
    auto next = fields.evaluate("reducer", locals);
    if (!next) return next;
    accumulated = std::move(*next);
  }
  return accumulated;
}

// Whether what grows, a list or an object, would stay within value_bytes and value_depth. Asked before it is taken:
// from then on nothing may fail.
std::optional<Error> check_growth(Fields& fields, std::string_view what, std::uint64_t bytes, std::uint32_t depth) {
  const Limits& limits = fields.limits();
  if (bytes > static_cast<std::uint64_t>(limits.value_bytes)) {
    return make_error(error_type::limit, "value_bytes: the " + std::string(what) + " would take more than " +
                                             std::to_string(limits.value_bytes) + " bytes");
  }
  if (depth > limits.value_depth) {
    return make_error(error_type::limit, "value_depth: the " + std::string(what) + " would be nested more than " +
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
  const std::uint32_t depth = more.depth() + (by_list ? 0 : 1);
  if (auto error = check_growth(fields, "list", known.byte_size() + more.byte_size(), depth)) return std::move(*error);
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
  if (is({"pop", "shift"})) {
    if (!fields["array"].is_null() && !fields["array"].is_array()) return wrong("array: expected a list");
    Value all = fields.take("array");
    all.erase_at(operation == "shift" ? 0 : all.size() - 1);
    return all;
  }
  auto all = copy_of_list(fields, "array");
  if (!all) return all;
  if (is({"union", "difference", "intersection"})) {
    auto other = copy_of_list(fields, "array2");
    if (!other) return other;
    expr::ValuesByContent others;
    for (std::size_t i = 0; operation != "union" && i < other->size(); ++i) others.insert((*other)[i]);
    expr::ValuesByContent known;
    Value result = Value::array();
    const auto add = [&](const Value& element) {
      if (known.insert(element).second) result.push_back(element);
    };
    for (std::size_t i = 0; i < all->size(); ++i) {
      const Value& element = (*all)[i];
      if (operation == "union" || (others.count(element) > 0) == (operation == "intersection")) add(element);
    }
    for (std::size_t i = 0; operation == "union" && i < other->size(); ++i) add((*other)[i]);
    return result;
  }
  if (is({"unshift", "prepend"})) {
    Value result = Value::array({fields.take("value")});
    for (std::size_t i = 0; i < all->size(); ++i) result.push_back((*all)[i]);
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
    expr::ValuesByContent known;
    Value result = Value::array();
    for (std::size_t i = 0; i < all->size(); ++i) {
      if (known.insert((*all)[i]).second) result.push_back((*all)[i]);
    }
    return result;
  }
  if (is({"map", "filter", "filter_count", "find", "find_index", "has", "some", "every", "partition", "group_by"})) {
    if (!fields.given("condition")) return wrong("operation " + operation + ": missing field \"condition\"");
    return with_expression(fields, operation, *all);
  }
  return wrong("operation: unknown operation \"" + operation.substr(0, 60) + "\"");
}

// A list of what is in an object.
Value listed(const Value& object, std::string_view operation) {
  Value list = Value::array();
  list.reserve(object.size());
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (operation == "keys") list.push_back(Value(object.key_at(i)));
    if (operation == "values") list.push_back(object[i]);
    if (operation == "entries") list.push_back(Value::object({{"key", Value(object.key_at(i))}, {"value", object[i]}}));
  }
  return list;
}

// How many bytes an object has more with this member.
std::uint64_t growth(const Value& object, std::string_view key, const Value& value) {
  const Value* const before = object.find(key);
  return value.byte_size() + (before == nullptr ? key.size() : std::uint64_t{0} - before->byte_size());
}

// set, remove and merge change the object in place if nobody else has it.
Result<Value> compute_object(Fields& fields) {
  const std::string operation(fields["operation"].as_string());
  const Value& known = fields["object"];
  if (!known.is_object() && !known.is_null()) return wrong("object: expected an object");
  const bool removes = operation == "remove" || operation == "unset";
  if ((removes || operation == "set" || operation == "get" || operation == "has") && !fields["key"].is_string()) {
    return wrong("key: expected text");
  }
  const std::string key(fields["key"].as_string());
  if (operation == "get") return known.get(key);
  if (operation == "has") return Value(known.find(key) != nullptr);
  if (operation == "keys" || operation == "values" || operation == "entries") return listed(known, operation);

  Value value;
  std::uint64_t bytes = known.byte_size();
  std::uint32_t depth = 0;
  if (operation == "set") {
    value = fields.take("value");
    bytes += growth(known, key, value);
    depth = value.depth() + 1;
  } else if (operation == "merge") {
    value = fields.take("object2");
    if (!value.is_object() && !value.is_null()) return wrong("object2: expected an object");
    for (std::size_t i = 0; i < value.size(); ++i) bytes += growth(known, value.key_at(i), value[i]);
    depth = value.depth();
  } else if (!removes) {
    return wrong("operation: unknown operation \"" + operation.substr(0, 60) + "\"");
  }
  if (auto error = check_growth(fields, "object", bytes, depth)) return std::move(*error);
  Value object = fields.take("object");
  if (object.is_null()) object = Value::object();
  if (removes) {
    object.erase(key);
  } else if (operation == "set") {
    object.set(key, std::move(value));
  } else {
    for (std::size_t i = 0; i < value.size(); ++i) object.set(value.key_at(i), value[i]);
  }
  return object;
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
          .in_place = "object",
          .compute = compute_object};
}

}  // namespace fnstack::steps
