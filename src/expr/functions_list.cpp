// Filters for lists as a whole, and those that take a list or text.
#include <algorithm>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/functions_list_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::list {
namespace {

bool is_empty(const Value& value) noexcept {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         (value.is_boolean() && !value.as_boolean()) || (value.is_container() && value.size() == 0);
}

// The first list's elements that are, or are not, in the second.
Result<Value> kept_by(Invocation& call, bool in_second) {
  Reader in(call);
  const Value& first_list = in.list(0);
  const Value& second_list = in.list(1, "the other list");
  if (in.failed()) return in.error();
  ValueSet second(call);
  for (std::size_t i = 0; i < second_list.size(); ++i) {
    std::size_t found = 0;
    if (!second.add(second_list[i], found)) return call.failure();
  }
  std::vector<Value> out;
  Meter meter(call);
  for (std::size_t i = 0; i < first_list.size(); ++i) {
    std::size_t found = 0;
    if (!meter.add(1, first_list[i].byte_size()) || !second.find(first_list[i], found)) return call.failure();
    if ((found != ValueSet::none) == in_second) out.push_back(first_list[i]);
  }
  return Value::array(std::move(out));
}

// An object's members or a list's elements but those that `is_dropped` says.
template <class IsDropped>
Result<Value> without(Invocation& call, const IsDropped& is_dropped) {
  if (call[0].is_object()) {
    const Value object = call[0];
    if (!call.charge(object.size())) return call.failure();
    Value out = Value::object();
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (!is_dropped(object[i])) out.set(object.key_at(i), object[i]);
    }
    return out;
  }
  Reader in_(call);
  const Value list = in_.list(0);
  if (in_.failed()) return in_.error();
  if (!call.charge(list.size())) return call.failure();
  std::vector<Value> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!is_dropped(list[i])) kept.push_back(list[i]);
  }
  return Value::array(std::move(kept));
}

}  // namespace

Result<Value> length(Invocation& call) {
  const Value& value = call[0];
  switch (value.kind()) {
    case Value::Kind::null:
      return Value(0);
    case Value::Kind::array:
    case Value::Kind::object:
      return Value(value.size());
    case Value::Kind::bytes:
      return Value(value.as_string().size());
    case Value::Kind::boolean:
      return wrong_kind(call);
    default: {
      Reader in(call);
      const std::string_view content = in.text(0);
      if (!call.charge(0, content.size())) return call.failure();
      return Value(count_code_points(content));
    }
  }
}

Result<Value> first(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (call[0].is_array()) return call[0][0];
  if (!call[0].is_string()) return wrong_kind(call);
  const std::string_view content = call[0].as_string();
  return content.empty() ? Value() : Value(content.substr(0, code_point_at(content, 0).size));
}

Result<Value> last(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (call[0].is_array()) return call[0].size() == 0 ? Value() : call[0][call[0].size() - 1];
  if (!call[0].is_string()) return wrong_kind(call);
  const std::string_view content = call[0].as_string();
  if (!call.charge(0, content.size())) return call.failure();
  return content.empty() ? Value() : Value(content.substr(offset_of(content, count_code_points(content) - 1)));
}

Result<Value> limit(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::int64_t count = in.whole(1, "the count");
  if (in.failed()) return in.error();
  if (count < 0) return call.error("expected a count of 0 or more, got a negative one");
  return part(call, list, 0, relative(count, list.size()));
}

Result<Value> skip(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::int64_t count = in.whole(1, "the count");
  if (in.failed()) return in.error();
  if (count < 0) return call.error("expected a count of 0 or more, got a negative one");
  return part(call, list, relative(count, list.size()), list.size());
}

Result<Value> slice(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (call[0].is_array()) return array::method_slice(call);
  return call[0].is_container() || call[0].is_bytes() ? Result<Value>(wrong_kind(call)) : string::slice(call);
}

Result<Value> reverse(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (call[0].is_array()) return array::method_reverse(call);
  if (call[0].is_container() || call[0].is_bytes()) return wrong_kind(call);
  Reader in(call);
  const std::string_view content = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, content.size())) return call.failure();
  std::string out(content.size(), '\0');
  for (std::size_t i = 0; i < content.size();) {
    const std::size_t size = code_point_at(content, i).size;
    content.copy(out.data() + (content.size() - i - size), size, i);
    i += size;
  }
  return Value(std::move(out));
}

Result<Value> batch(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::int64_t size = in.whole(1, "the size");
  if (in.failed()) return in.error();
  if (size < 1) return call.error("expected a size of 1 or more");
  if (!call.charge(list.size()) || !call.fits(list.byte_size() + list.size() * 16)) return call.failure();
  std::vector<Value> batches;
  std::vector<Value> current;
  for (std::size_t i = 0; i < list.size(); ++i) {
    current.push_back(list[i]);
    if (static_cast<std::int64_t>(current.size()) == size) batches.push_back(Value::array(std::exchange(current, {})));
  }
  if (!current.empty()) {
    if (call.given(2)) {
      const auto missing = static_cast<std::uint64_t>(size) - current.size();
      std::uint64_t bytes = 0;
      if (__builtin_mul_overflow(missing, call[2].byte_size(), &bytes)) bytes = UINT64_MAX;
      if (!call.fits(bytes) || !call.charge(missing)) return call.failure();
      current.resize(static_cast<std::size_t>(size), call[2]);
    }
    batches.push_back(Value::array(std::move(current)));
  }
  return Value::array(std::move(batches));
}

Result<Value> append(Invocation& call) {
  if (call[0].is_string() || call[0].is_number()) return string::concat(call);
  Reader in(call);
  (void)in.list(0);
  if (in.failed()) return in.error();
  std::uint64_t size = call[0].byte_size();
  for (std::size_t i = 1; i < call.count(); ++i) size += call[i].byte_size();
  if (!call.charge(call.count()) || !call.fits(size)) return call.failure();
  Value out = call.take(0);
  if (out.is_null()) out = Value::array();
  for (std::size_t i = 1; i < call.count(); ++i) out.push_back(call.take(i));
  return out;
}

Result<Value> prepend(Invocation& call) {
  if (call[0].is_string() || call[0].is_number()) {
    Reader in(call);
    const std::string_view value = in.text(0);
    const std::string_view front = in.text_or(1, "", "the text");
    if (in.failed()) return in.error();
    if (!call.fits(value.size() + front.size()) || !call.charge(0, value.size() + front.size())) return call.failure();
    return Value(std::string(front).append(value));
  }
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  std::uint64_t size = list.byte_size();
  for (std::size_t i = 1; i < call.count(); ++i) size += call[i].byte_size();
  if (!call.charge(list.size() + call.count()) || !call.fits(size)) return call.failure();
  std::vector<Value> items;
  for (std::size_t i = 1; i < call.count(); ++i) items.push_back(call[i]);
  for (std::size_t i = 0; i < list.size(); ++i) items.push_back(list[i]);
  return Value::array(std::move(items));
}

Result<Value> concat(Invocation& call) {
  bool lists = false;
  for (std::size_t i = 0; i < call.count(); ++i) lists = lists || call[i].is_array();
  if (!lists) return call[0].is_null() && call.count() < 2 ? Result<Value>(Value()) : string::concat(call);
  Reader in(call);
  std::uint64_t size = 16;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < call.count(); ++i) {
    size += in.list(i).byte_size();
    count += call[i].size();
  }
  if (in.failed()) return in.error();
  if (!call.charge(count) || !call.fits(size)) return call.failure();
  Value out = call[0].is_null() ? Value::array() : call.take(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    const Value more = call[i];
    for (std::size_t n = 0; n < more.size(); ++n) out.push_back(more[n]);
  }
  return out;
}

Result<Value> flatten(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::int64_t depth = in.whole_or(1, max_depth, "the depth");
  if (in.failed()) return in.error();
  return flattened(call, list, depth);
}

Result<Value> union_of(Invocation& call) {
  Reader in(call);
  ValueSet seen(call);
  std::vector<Value> out;
  for (std::size_t i = 0; i < call.count(); ++i) {
    const Value& list = in.list(i);
    if (in.failed()) return in.error();
    for (std::size_t n = 0; n < list.size(); ++n) {
      std::size_t found = 0;
      if (!seen.add(list[n], found)) return call.failure();
      if (found == ValueSet::none) out.push_back(list[n]);
    }
  }
  return Value::array(std::move(out));
}

Result<Value> intersect(Invocation& call) { return kept_by(call, true); }

Result<Value> difference(Invocation& call) {
  if (!call[0].is_object() && !call[1].is_object()) return kept_by(call, false);
  Reader in(call);
  const Value& before = in.object(0);
  const Value& after = in.object(1, "the other object");
  if (in.failed()) return in.error();
  // Of objects: each field that differs, with its old and new value.
  Value out = Value::object();
  Meter meter(call);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Value& changed = after.get(before.key_at(i));
    bool equal = false;
    if (!meter.compare(before[i], changed, equal)) return call.failure();
    if (!equal || after.find(before.key_at(i)) == nullptr) {
      out.set(before.key_at(i), Value::object({{"old", before[i]}, {"new", changed}}));
    }
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (!meter.add(1)) return call.failure();
    if (before.find(after.key_at(i)) == nullptr) {
      out.set(after.key_at(i), Value::object({{"old", Value()}, {"new", after[i]}}));
    }
  }
  return out;
}

Result<Value> overlaps(Invocation& call) {
  Result<Value> common = kept_by(call, true);
  if (!common.ok()) return common;
  return Value(common->size() > 0);
}

Result<Value> remove(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (!call[0].is_array()) {
    if (call[0].is_container() || call[0].is_bytes()) return wrong_kind(call);
    return text::replace(call);
  }
  const Value list = call[0];
  std::vector<Value> kept;
  Meter meter(call);
  for (std::size_t i = 0; i < list.size(); ++i) {
    bool equal = false;
    if (!meter.compare(list[i], call[1], equal)) return call.failure();
    if (!equal) kept.push_back(list[i]);
  }
  return Value::array(std::move(kept));
}

Result<Value> contains(Invocation& call) {
  if (call[0].is_array()) {
    std::int64_t found = -1;
    if (!position_of(call, call[0], call[1], 0, false, found)) return call.failure();
    return Value(found >= 0);
  }
  if (call[0].is_object()) return Value(call[1].is_string() && call[0].find(call[1].as_string()) != nullptr);
  return text::contains(call);
}

Result<Value> in(Invocation& call) {
  if (call[1].is_null()) return Value(false);
  if (call[1].is_number() || call[1].is_boolean() || call[1].is_bytes()) {
    return call.error("expected a list to look in, got " + std::string(base::kind_in_words(call[1])));
  }
  const Value& holder = call[1];
  if (holder.is_array()) {
    std::int64_t found = -1;
    if (!position_of(call, holder, call[0], 0, false, found)) return call.failure();
    return Value(found >= 0);
  }
  if (!call.charge(1, holder.is_string() ? holder.byte_size() : 0)) return call.failure();
  return Value(holds_member(holder, call[0]));
}

Result<Value> index(Invocation& call) {
  if (call[0].is_null()) return Value(-1);
  if (!call[0].is_array())
    return call[0].is_container() || call[0].is_bytes() ? Result<Value>(wrong_kind(call)) : text::index(call);
  std::int64_t found = -1;
  if (!position_of(call, call[0], call[1], 0, false, found)) return call.failure();
  return Value(found);
}

Result<Value> filter_empty(Invocation& call) { return without(call, is_empty); }

Result<Value> filter_null(Invocation& call) {
  return without(call, [](const Value& value) { return value.is_null(); });
}

Result<Value> range(Invocation& call) {
  Reader in_(call);
  std::int64_t start = in_.whole(0, "the start");
  const std::int64_t end = in_.whole_or(1, 0, "the end");
  const std::int64_t step = in_.whole_or(2, 0, "the step");
  if (in_.failed()) return in_.error();
  if (call[1].is_null()) {
    // One argument: that many, from 0.
    if (start < 0) return call.error("expected a count of 0 or more, got a negative one");
    if (!call.fits(start > (std::int64_t{1} << 40) ? UINT64_MAX : static_cast<std::uint64_t>(start) * 16)) {
      return call.failure();
    }
    if (!call.charge(static_cast<std::uint64_t>(start))) return call.failure();
    std::vector<Value> items;
    items.reserve(static_cast<std::size_t>(start));
    for (std::int64_t i = 0; i < start; ++i) items.emplace_back(i);
    return Value::array(std::move(items));
  }
  if (call.given(2) && !call[2].is_null() && step == 0) return call.error("the step can't be 0");
  if (step == INT64_MIN) return call.error("the step is beyond the range of numbers");
  // The direction is that from start to end; the step's sign doesn't matter.
  const std::uint64_t stride = step == 0 ? 1 : static_cast<std::uint64_t>(step < 0 ? -step : step);
  const std::uint64_t distance = start <= end ? static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(start)
                                              : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(end);
  const std::uint64_t last_index = distance / stride;
  if (!call.fits(last_index >= (std::uint64_t{1} << 40) ? UINT64_MAX : (last_index + 1) * 16)) return call.failure();
  if (!call.charge(last_index + 1)) return call.failure();
  std::vector<Value> items;
  items.reserve(last_index + 1);
  for (std::uint64_t i = 0; i <= last_index; ++i) {
    const std::uint64_t offset = i * stride;
    items.emplace_back(static_cast<std::int64_t>(start <= end ? static_cast<std::uint64_t>(start) + offset
                                                              : static_cast<std::uint64_t>(start) - offset));
  }
  return Value::array(std::move(items));
}

Result<Value> random_item(Invocation& call) {
  Reader in_(call);
  const Value& list = in_.list(0);
  if (in_.failed()) return in_.error();
  if (list.size() == 0) return Value();
  std::uint64_t chosen = 0;
  if (!random_below(call, list.size(), chosen)) return no_random(call);
  return list[static_cast<std::size_t>(chosen)];
}

Result<Value> shuffle(Invocation& call) {
  Reader in_(call);
  const Value& list = in_.list(0);
  if (in_.failed()) return in_.error();
  if (!call.charge(list.size() * 16)) return call.failure();
  std::vector<Value> items = elements(list);
  for (std::size_t i = items.size(); i > 1; --i) {
    std::uint64_t chosen = 0;
    if (!random_below(call, i, chosen)) return no_random(call);
    std::swap(items[i - 1], items[static_cast<std::size_t>(chosen)]);
  }
  return Value::array(std::move(items));
}

Result<Value> safe_array(Invocation& call) {
  if (call[0].is_null()) return Value::array();
  if (call[0].is_array()) return call.take(0);
  return Value::array({call[0]});
}

Result<Value> first_not_null(Invocation& call) {
  if (call.count() == 1 && call[0].is_array()) {
    const Value list = call[0];
    if (!call.charge(list.size())) return call.failure();
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_null()) return list[i];
    }
    return Value();
  }
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (!call[i].is_null()) return call.take(i);
  }
  return Value();
}

Result<Value> first_not_empty(Invocation& call) {
  if (call.count() == 1 && call[0].is_array()) {
    const Value list = call[0];
    if (!call.charge(list.size())) return call.failure();
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!is_empty(list[i])) return list[i];
    }
    return Value();
  }
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (!is_empty(call[i])) return call.take(i);
  }
  return Value();
}

Result<Value> default_value(Invocation& call) {
  const bool empty = call[0].is_null() || (call[0].is_string() && call[0].as_string().empty());
  return call.take(empty ? 1 : 0);
}

Result<Value> is_empty_value(Invocation& call) { return Value(is_empty(call[0])); }

}  // namespace fnstack::expr::functions::list
