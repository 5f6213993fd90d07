// Update Variable on a part of a value: walks the path by taking each level out of its container, so that a value
// nobody shares is changed in place.
#include <span>

#include "expr/unicode.hpp"
#include "machine/machine_state.hpp"

namespace fnstack::machine {

namespace {

using Operation = program::UpdateSite::Operation;

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

std::string key_text(const Value& key) {
  return key.is_string() ? std::string(key.as_string()) : std::to_string(key.as_integer());
}

std::optional<Error> apply(Operation operation, Value& target, Value value, const Value& key) {
  switch (operation) {
    case Operation::set:
      target = std::move(value);
      return std::nullopt;
    case Operation::merge: {
      if (value.is_null()) return std::nullopt;
      if (target.is_null()) target = Value::object();
      if (!target.is_object() || !value.is_object()) return wrong("merge: expected two objects");
      for (std::size_t i = 0; i < value.size(); ++i) target.set(value.key_at(i), value[i]);
      return std::nullopt;
    }
    case Operation::append:
      if (target.is_null()) target = Value::array();
      if (!target.is_array()) return wrong("append: expected a list");
      target.push_back(std::move(value));
      return std::nullopt;
    case Operation::set_key:
      if (key.is_null() || key.is_container()) return wrong("set_key: expected a key as text");
      if (target.is_null()) target = Value::object();
      if (!target.is_object()) return wrong("set_key: expected an object");
      target.set(key_text(key), std::move(value));
      return std::nullopt;
    case Operation::lowercase:
      if (value.is_null()) value = target;
      if (value.is_null()) return std::nullopt;
      if (!value.is_string()) return wrong("lowercase: expected text");
      target = Value(expr::to_lower(value.as_string()));
      return std::nullopt;
    case Operation::remove:
      if (target.is_null()) return std::nullopt;
      if (!target.is_object()) return wrong("remove: expected an object");
      target.erase(key_text(key));
      return std::nullopt;
  }
  return std::nullopt;
}

// As deep as the path is long, which the definition's text bounds.
std::optional<Error> walk(const program::UpdateSite& site, std::span<const Value> path, Value& target, Value value,
                          const Value& key) {
  if (path.empty()) return apply(site.operation, target, std::move(value), key);
  const Value& step = path[0];
  if (step.is_integer()) {
    const auto index = static_cast<std::size_t>(step.as_integer());
    if (!target.is_array()) return wrong("path: [" + std::to_string(index) + "] needs a list");
    if (index >= target.size()) {
      return wrong("path: index " + std::to_string(index) + " is outside a list of " + std::to_string(target.size()));
    }
    Value inner = target.take_at(index);
    auto error = walk(site, path.subspan(1), inner, std::move(value), key);
    target.set_at(index, std::move(inner));
    return error;
  }
  if (target.is_null()) target = Value::object();
  if (!target.is_object()) return wrong("path: \"" + key_text(step) + "\" needs an object");
  const Value* found = target.find(step.as_string());
  if (found == nullptr) {
    Value inner;
    if (auto error = walk(site, path.subspan(1), inner, std::move(value), key)) return error;
    target.set(step.as_string(), std::move(inner));
    return std::nullopt;
  }
  const auto position = static_cast<std::size_t>(found - &target[0]);
  Value inner = target.take_at(position);
  auto error = walk(site, path.subspan(1), inner, std::move(value), key);
  target.set_at(position, std::move(inner));
  return error;
}

}  // namespace

std::optional<Error> apply_update(const program::UpdateSite& site, Value& variable, Value value, const Value& key) {
  return walk(site, site.path, variable, std::move(value), key);
}

}  // namespace fnstack::machine
