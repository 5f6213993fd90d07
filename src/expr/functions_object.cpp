// Functions on objects: ECMAScript's Object.*, and the filters for objects.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::object {
namespace {

// Deeper than any value may be.
constexpr std::size_t max_path_keys = 128;

// Member by member for objects, lists and (as ECMAScript has it) text. False: another kind.
template <class Visit>
bool members(const Value& value, Visit visit) {
  if (value.is_object()) {
    for (std::size_t i = 0; i < value.size(); ++i) visit(Value(value.key_at(i)), value[i]);
    return true;
  }
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) visit(Value(std::to_string(i)), value[i]);
    return true;
  }
  if (!value.is_string()) return false;
  const std::string_view text = value.as_string();
  std::size_t index = 0;
  for (std::size_t at = 0; at < text.size(); ++index) {
    const std::size_t size = code_point_at(text, at).size;
    visit(Value(std::to_string(index)), Value(text.substr(at, size)));
    at += size;
  }
  return true;
}

enum class Part : std::uint8_t { keys, values, entries };

Result<Value> listed(Invocation& call, Part part) {
  const Value value = call[0];
  const std::size_t count = value.is_string() ? value.as_string().size() : value.size();
  if (!call.charge(count) || !call.fits(value.byte_size() + count * 64)) return call.failure();
  std::vector<Value> items;
  items.reserve(count);
  const bool fits = members(value, [&](Value key, const Value& member) {
    if (part == Part::keys) items.push_back(std::move(key));
    if (part == Part::values) items.push_back(member);
    if (part == Part::entries) items.push_back(Value::array({std::move(key), member}));
  });
  if (!fits) return call.error("expected an object, got " + std::string(base::kind_in_words(value)));
  return Value::array(std::move(items));
}

// The names given: one list of them, or one argument each.
std::optional<Error> names_of(Invocation& call, std::vector<std::string>& names) {
  Reader in(call);
  if (call[1].is_array()) {
    const Value& list = call[1];
    if (!call.charge(list.size())) return call.failure();
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].is_container() || list[i].is_null())
        return call.error("expected names of fields, got " + std::string(base::kind_in_words(list[i])));
      names.push_back(to_text(list[i]));
    }
    return std::nullopt;
  }
  for (std::size_t i = 1; i < call.count(); ++i) names.emplace_back(in.text(i, "the name of a field"));
  if (in.failed()) return in.error();
  return std::nullopt;
}

constexpr std::size_t no_place = SIZE_MAX;

// Where a key leads: a position in an object or list, its size for one to be added there, or no_place.
std::size_t place_of(const Value& container, const std::string& key) noexcept {
  if (container.is_object()) {
    const Value* const member = container.find(key);
    return member == nullptr ? container.size() : static_cast<std::size_t>(member - &container[0]);
  }
  std::size_t index = 0;
  const auto read = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool is_index = read.ec == std::errc() && read.ptr == key.data() + key.size();
  return container.is_array() && is_index && index <= container.size() ? index : no_place;
}

// False: the path leads through a scalar or beyond a list's end.
bool has_place(const Value& target, const std::vector<std::string>& keys) noexcept {
  const Value* at = &target;
  for (const std::string& key : keys) {
    if (at->is_null()) return true;
    const std::size_t place = place_of(*at, key);
    if (place == no_place) return false;
    at = &(*at)[place];
  }
  return true;
}

// `target` with `value` at the path, for which it has a place; objects are created on the way. Each level is taken out
// of its container, so that what nobody shares is changed in place.
void set_path(Value& target, const std::vector<std::string>& keys, std::size_t at, Value value) {
  if (at == keys.size()) {
    target = std::move(value);
    return;
  }
  if (target.is_null()) target = Value::object();
  const std::size_t place = place_of(target, keys[at]);
  if (place == target.size()) {
    if (target.is_array()) target.push_back(Value());
    if (target.is_object()) target.set(keys[at], Value());
  }
  Value inner = target.take_at(place);
  set_path(inner, keys, at + 1, std::move(value));
  target.set_at(place, std::move(inner));
}

Result<Value> set_at_path(Invocation& call) {
  Reader in(call);
  const std::string_view path = in.text(1, "the path");
  if (in.failed()) return in.error();
  if (!call[0].is_container() && !call[0].is_null()) {
    return call.error("expected an object, got " + std::string(base::kind_in_words(call[0])));
  }
  std::vector<std::string> keys = split_path(path);
  if (keys.empty()) return call.error("expected a path such as 'user.name', got empty text");
  if (keys.size() > max_path_keys) return call.error("the path has more than 128 parts");
  if (call[0].find(path) != nullptr) keys = {std::string(path)};
  const std::size_t copied = call.is_in_place() ? 0 : call[0].size();
  if (!call.charge(keys.size() + copied, path.size())) return call.failure();
  if (!call.fits(call[0].byte_size() + call[2].byte_size() + path.size() + 16 * keys.size())) return call.failure();
  if (!has_place(call[0], keys)) {
    return call.error("the path leads through a value that is no object, or beyond a list's end");
  }
  if (!call.fits_depth(keys.size() + call[2].depth())) return call.failure();
  Value value = call.take(2);
  Value target = call.take(0);
  set_path(target, keys, 0, std::move(value));
  return target;
}

Value without_path(Value target, const std::vector<std::string>& keys, std::size_t at) {
  if (!target.is_object()) return target;
  if (at + 1 == keys.size()) {
    target.erase(keys[at]);
    return target;
  }
  const Value* inner = target.find(keys[at]);
  if (inner == nullptr) return target;
  target.set(keys[at], without_path(*inner, keys, at + 1));
  return target;
}

bool empty_value(const Value& value) noexcept {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         (value.is_container() && value.size() == 0);
}

// Objects member by member, all the way down; anything else is replaced. Depth is bounded by that of values.
Value merged_deep(Value left, const Value& right, std::uint32_t depth) {
  if (!left.is_object() || !right.is_object() || depth == 0) return right;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const Value* own = left.find(right.key_at(i));
    left.set(right.key_at(i), own != nullptr ? merged_deep(*own, right[i], depth - 1) : right[i]);
  }
  return left;
}

// merge and merge_recursive: objects with objects, lists with lists, null is nothing.
Result<Value> merged(Invocation& call, bool deep) {
  bool objects = false;
  bool lists = false;
  std::uint64_t size = 16;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < call.count(); ++i) {
    objects = objects || call[i].is_object();
    lists = lists || call[i].is_array();
    if (!call[i].is_null() && !call[i].is_container()) {
      return call.error("expected objects or lists, got " + std::string(base::kind_in_words(call[i])));
    }
    size += call[i].byte_size();
    count += deep ? call[i].byte_size() / 16 : call[i].size();
  }
  if (objects && lists) return call.error("expected objects only or lists only, got both");
  if (!call.charge(count) || !call.fits(size)) return call.failure();
  Value out = call.take(0);
  if (out.is_null()) out = lists ? Value::array() : Value::object();
  for (std::size_t i = 1; i < call.count(); ++i) {
    const Value more = call[i];
    if (lists) {
      for (std::size_t n = 0; n < more.size(); ++n) out.push_back(more[n]);
    } else if (deep) {
      if (!more.is_null()) out = merged_deep(std::move(out), more, 256);
    } else {
      for (std::size_t n = 0; n < more.size(); ++n) out.set(more.key_at(n), more[n]);
    }
  }
  return out;
}

Result<Value> object_part(Invocation& call, Part part) {
  if (call[0].is_null()) return Value::array();
  if (!call[0].is_container())
    return call.error("expected an object, got " + std::string(base::kind_in_words(call[0])));
  return listed(call, part);
}

}  // namespace

// ---- ECMAScript's globals and methods.

Result<Value> object_keys(Invocation& call) { return listed(call, Part::keys); }
Result<Value> object_values(Invocation& call) { return listed(call, Part::values); }
Result<Value> object_entries(Invocation& call) { return listed(call, Part::entries); }

Result<Value> from_entries(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  if (!call.charge(list.size())) return call.failure();
  Value out = Value::object();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value& pair = list[i];
    if (pair.is_array()) {
      out.set(pair[0].is_null() ? "null" : to_text(pair[0]), pair[1]);
    } else if (pair.is_object() && pair.find("key") != nullptr) {
      out.set(to_text(pair.get("key")), pair.get("value"));
    } else {
      return call.error("expected [key, value] pairs, got " + std::string(base::kind_in_words(pair)) + " at position " +
                        std::to_string(i));
    }
  }
  return out;
}

Result<Value> assign(Invocation& call) {
  if (!call[0].is_object()) return call.error("expected an object, got " + std::string(base::kind_in_words(call[0])));
  std::uint64_t size = 0;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < call.count(); ++i) {
    size += call[i].byte_size();
    count += call[i].size();
  }
  if (!call.charge(count) || !call.fits(size)) return call.failure();
  Value out = call.take(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    const Value more = call[i];
    members(more, [&](const Value& key, const Value& member) { out.set(key.as_string(), member); });
  }
  return out;
}

Result<Value> has_own(Invocation& call) {
  Reader in(call);
  const std::string_view key = in.any_text(1, "the key");
  if (in.failed()) return in.error();
  return Value(call[0].find(key) != nullptr);
}

// ---- Filters.

Result<Value> keys(Invocation& call) { return object_part(call, Part::keys); }
Result<Value> values(Invocation& call) { return object_part(call, Part::values); }
Result<Value> entries(Invocation& call) { return object_part(call, Part::entries); }

Result<Value> pick(Invocation& call) {
  Reader in(call);
  const Value object = in.object(0);
  if (in.failed()) return in.error();
  std::vector<std::string> names;
  if (std::optional<Error> error = names_of(call, names)) return std::move(*error);
  if (!call.charge(names.size())) return call.failure();
  Value out = Value::object();
  for (const std::string& name : names) {
    if (const Value* member = object.find(name)) out.set(name, *member);
  }
  return out;
}

Result<Value> unpick(Invocation& call) {
  Reader in(call);
  (void)in.object(0);
  if (in.failed()) return in.error();
  std::vector<std::string> names;
  if (std::optional<Error> error = names_of(call, names)) return std::move(*error);
  if (!call.charge(call[0].size() + names.size())) return call.failure();
  Value out = call[0].is_null() ? Value::object() : call.take(0);
  if (names.size() < 4) {
    for (const std::string& name : names) out.erase(name);
    return out;
  }
  // One by one each would move all that come after it.
  std::vector<bool> goes(out.size());
  for (const std::string& name : names) {
    if (const Value* member = out.find(name)) goes[static_cast<std::size_t>(member - &out[0])] = true;
  }
  Value kept = out.keys_ignore_case() ? Value::headers() : Value::object();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!goes[i]) kept.set(out.key_at(i), out[i]);
  }
  return kept;
}

Result<Value> get(Invocation& call) {
  Reader in(call);
  const std::string_view path = in.text(1, "the path");
  if (in.failed()) return in.error();
  if (!call.charge(1, path.size())) return call.failure();
  const Value* found = find_path(call[0], path);
  return found != nullptr && !found->is_null() ? *found : call[2];
}

Result<Value> has(Invocation& call) {
  Reader in(call);
  const std::string_view path = in.text(1, "the path");
  if (in.failed()) return in.error();
  if (!call.charge(1, path.size())) return call.failure();
  return Value(find_path(call[0], path) != nullptr);
}

Result<Value> set(Invocation& call) { return set_at_path(call); }

Result<Value> set_conditional(Invocation& call) { return is_truthy(call[3]) ? set_at_path(call) : call.take(0); }
Result<Value> set_if_not_null(Invocation& call) { return call[2].is_null() ? call.take(0) : set_at_path(call); }
Result<Value> set_if_not_empty(Invocation& call) { return empty_value(call[2]) ? call.take(0) : set_at_path(call); }

Result<Value> unset(Invocation& call) {
  Reader in(call);
  (void)in.object(0);
  const std::string_view path = in.text(1, "the path");
  if (in.failed()) return in.error();
  if (!call.charge(call[0].size(), path.size())) return call.failure();
  std::vector<std::string> parts = split_path(path);
  if (call[0].find(path) != nullptr) parts = {std::string(path)};
  if (parts.size() > max_path_keys) return call.error("the path has more than 128 parts");
  Value target = call.take(0);
  return parts.empty() ? target : without_path(std::move(target), parts, 0);
}

Result<Value> map_values(Invocation& call) {
  if (call[0].is_array()) return query::map(call);
  Reader in(call);
  const Value object = in.object(0);
  if (in.failed()) return in.error();
  Value out = Value::object();
  Meter meter(call);
  const auto collect = [&](auto&& one) -> Result<Value> {
    for (std::size_t i = 0; i < object.size(); ++i) {
      Value result;
      if (!meter.add(1)) return call.failure();
      if (std::optional<Error> error = one(i, result)) return std::move(*error);
      out.set(object.key_at(i), std::move(result));
      if (!call.fits(out.byte_size())) return call.failure();
    }
    return std::move(out);
  };
  if (call.is_arrow(1)) {
    return collect([&](std::size_t i, Value& result) -> std::optional<Error> {
      const Value arguments[] = {object[i], Value(object.key_at(i))};
      if (!call.call_arrow(1, arguments, result)) return call.failure();
      return std::nullopt;
    });
  }
  const std::string_view text = in.text(1, "a filter's name or a field's");
  if (in.failed()) return in.error();
  // 'length' and 'round(2)' are filters, all else is a field: 'user.name'.
  const bool filter = find_function(text.substr(0, text.find_first_of("(:|"))) != nullptr;
  Selector selector = filter ? Selector(call, "$this|" + std::string(text)) : Selector(call, 1);
  if (selector.failed()) return selector.error();
  return collect([&](std::size_t i, Value& result) -> std::optional<Error> {
    if (!selector.select(object[i], i, result)) return selector.error();
    return std::nullopt;
  });
}

Result<Value> merge(Invocation& call) { return merged(call, false); }
Result<Value> merge_recursive(Invocation& call) { return merged(call, true); }

Result<Value> create_object(Invocation& call) {
  Reader in(call);
  const Value& names = in.list(0);
  const Value& contents = in.list(1, "the values");
  if (in.failed()) return in.error();
  if (!call.charge(names.size())) return call.failure();
  Value out = Value::object();
  for (std::size_t i = 0; i < names.size(); ++i) out.set(to_text(names[i]), contents[i]);
  return out;
}

Result<Value> fill_keys(Invocation& call) {
  Reader in(call);
  const Value& names = in.list(0);
  if (in.failed()) return in.error();
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(std::uint64_t{names.size()}, call[1].byte_size(), &size)) size = UINT64_MAX;
  if (!call.charge(names.size()) || !call.fits(size)) return call.failure();
  Value out = Value::object();
  for (std::size_t i = 0; i < names.size(); ++i) out.set(to_text(names[i]), call[1]);
  return out;
}

}  // namespace fnstack::expr::functions::object
