// ECMAScript's array methods, and Array.*. Nothing mutates: what would is refused with what to use instead.
#include <algorithm>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/functions_list_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::array {
namespace {

// Calls the arrow function at 1 as ECMAScript does, with element, index and list. `visit(index, result)` answers
// whether to go on. False: return call.failure().
template <class Visit>
bool each(Invocation& call, const Value& list, bool backwards, Visit visit) {
  Meter meter(call);
  for (std::size_t n = 0; n < list.size(); ++n) {
    const std::size_t i = backwards ? list.size() - 1 - n : n;
    const Value arguments[] = {list[i], i, list};
    Value result;
    if (!meter.add(1) || !call.call_arrow(1, arguments, result)) return false;
    if (!visit(i, result)) break;
  }
  return true;
}

Result<Value> searched(Invocation& call, bool backwards, bool wants_index) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  const Value list = call[0];
  Value found = wants_index ? Value(-1) : Value();
  const bool within = each(call, list, backwards, [&](std::size_t i, const Value& result) {
    if (!is_truthy(result)) return true;
    found = wants_index ? Value(i) : list[i];
    return false;
  });
  return within ? Result<Value>(std::move(found)) : Result<Value>(call.failure());
}

// Folds with the arrow at 1: total, element, index, list. The start value stands at 2.
Result<Value> reduced(Invocation& call, bool backwards) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  if (!call[0].is_array() && !call[0].is_null()) {
    return call.error("expected a list, got " + std::string(base::kind_in_words(call[0])));
  }
  const Value list = call[0];
  std::size_t n = 0;
  Value total;
  if (call.given(2)) {
    total = call.take(2);
  } else if (list.size() == 0) {
    return call.error("an empty list needs a start value: reduce((sum, x) => sum + x, 0)");
  } else {
    total = list[backwards ? list.size() - 1 : 0];
    n = 1;
  }
  Meter meter(call);
  for (; n < list.size(); ++n) {
    const std::size_t i = backwards ? list.size() - 1 - n : n;
    const Value more[] = {list[i], i, list};
    if (!meter.add(1) || !call.fold_arrow(1, total, more)) return call.failure();
  }
  return total;
}

Result<Value> joined(Invocation& call, const Value& list, std::string_view separator) {
  std::string out;
  Meter meter(call);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_bytes())
      return call.error("bytes can't be joined with text; encode them first, as |base64_encode does");
    const std::uint64_t size = out.size() + list[i].byte_size() + separator.size();
    if (!meter.add(1, list[i].byte_size() + separator.size()) || !call.fits(size)) return call.failure();
    if (i > 0) out += separator;
    append_text(out, list[i]);
  }
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

}  // namespace

Result<Value> at(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (!call[0].is_array()) return call[0].is_container() || call[0].is_bytes() ? wrong_kind(call) : string::at(call);
  Reader in(call);
  std::int64_t index = in.whole_or(1, 0, "the position");
  if (in.failed()) return in.error();
  if (index < 0) index += static_cast<std::int64_t>(call[0].size());
  if (index < 0) return Value();
  return call[0][static_cast<std::size_t>(index)];
}

Result<Value> method_concat(Invocation& call) {
  std::uint64_t size = call[0].byte_size();
  std::uint64_t count = 0;
  for (std::size_t i = 1; i < call.count(); ++i) {
    size += call[i].byte_size();
    count += call[i].is_array() ? call[i].size() : 1;
  }
  if (!call.fits(size) || !call.charge(call[0].size() + count)) return call.failure();
  Value out = call.take(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    if (!call[i].is_array()) {
      out.push_back(call.take(i));
      continue;
    }
    const Value more = call[i];  // a handle of its own: it may be `out` itself
    for (std::size_t n = 0; n < more.size(); ++n) out.push_back(more[n]);
  }
  return out;
}

Result<Value> method_entries(Invocation& call) {
  const Value list = call[0];
  if (!call.charge(list.size()) || !call.fits(list.byte_size() + list.size() * 32)) return call.failure();
  std::vector<Value> pairs;
  pairs.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) pairs.push_back(Value::array({Value(i), list[i]}));
  return Value::array(std::move(pairs));
}

Result<Value> method_keys(Invocation& call) {
  const std::size_t size = call[0].size();
  if (!call.charge(size)) return call.failure();
  std::vector<Value> keys;
  keys.reserve(size);
  for (std::size_t i = 0; i < size; ++i) keys.emplace_back(i);
  return Value::array(std::move(keys));
}

Result<Value> method_values(Invocation& call) { return call.take(0); }

Result<Value> method_every(Invocation& call) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  bool all = true;
  const Value list = call[0];
  const bool within =
      each(call, list, false, [&](std::size_t, const Value& result) { return all = is_truthy(result); });
  return within ? Result<Value>(Value(all)) : Result<Value>(call.failure());
}

Result<Value> method_some(Invocation& call) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  bool any = false;
  const Value list = call[0];
  const bool within =
      each(call, list, false, [&](std::size_t, const Value& result) { return !(any = is_truthy(result)); });
  return within ? Result<Value>(Value(any)) : Result<Value>(call.failure());
}

Result<Value> fill(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::size_t begin = relative(in.whole_or(2, 0, "the start"), list.size());
  const std::size_t end = relative(in.whole_or(3, INT64_MAX, "the end"), list.size());
  if (in.failed()) return in.error();
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(std::uint64_t{list.size()}, call[1].byte_size(), &size)) size = UINT64_MAX;
  if (!call.charge(list.size()) || !call.fits(size)) return call.failure();
  std::vector<Value> items = elements(list);
  for (std::size_t i = begin; i < end; ++i) items[i] = call[1];
  return Value::array(std::move(items));
}

Result<Value> method_filter(Invocation& call) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  const Value list = call[0];
  std::vector<Value> kept;
  const bool within = each(call, list, false, [&](std::size_t i, const Value& result) {
    if (is_truthy(result)) kept.push_back(list[i]);
    return true;
  });
  return within ? Result<Value>(Value::array(std::move(kept))) : Result<Value>(call.failure());
}

Result<Value> method_find(Invocation& call) { return searched(call, false, false); }

Result<Value> method_find_index(Invocation& call) { return searched(call, false, true); }

Result<Value> method_find_last(Invocation& call) { return searched(call, true, false); }

Result<Value> method_find_last_index(Invocation& call) { return searched(call, true, true); }

Result<Value> method_flat(Invocation& call) {
  Reader in(call);
  const std::int64_t depth = in.whole_or(1, 1, "the depth");
  if (in.failed()) return in.error();
  const Value list = call[0];
  return flattened(call, list, depth);
}

Result<Value> method_flat_map(Invocation& call) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  const Value list = call[0];
  Value results = Value::array();
  const bool within = each(call, list, false, [&](std::size_t, Value& result) {
    results.push_back(std::move(result));
    return true;
  });
  if (!within) return call.failure();
  return flattened(call, results, 1);
}

Result<Value> method_includes(Invocation& call) {
  Reader in(call);
  const std::size_t from = relative(in.whole_or(2, 0, "the position"), call[0].size());
  if (in.failed()) return in.error();
  std::int64_t found = -1;
  if (!position_of(call, call[0], call[1], from, false, found)) return call.failure();
  return Value(found >= 0);
}

Result<Value> method_index_of(Invocation& call) {
  Reader in(call);
  const std::size_t from = relative(in.whole_or(2, 0, "the position"), call[0].size());
  if (in.failed()) return in.error();
  std::int64_t found = -1;
  if (!position_of(call, call[0], call[1], from, false, found)) return call.failure();
  return Value(found);
}

Result<Value> method_last_index_of(Invocation& call) {
  Reader in(call);
  const auto size = static_cast<std::int64_t>(call[0].size());
  std::int64_t from = in.whole_or(2, size - 1, "the position");
  if (in.failed()) return in.error();
  if (from < 0) from = from < -size ? -1 : from + size;
  from = std::min(from, size - 1);
  std::int64_t found = -1;
  if (!position_of(call, call[0], call[1], static_cast<std::size_t>(size - 1 - from), true, found)) {
    return call.failure();
  }
  return Value(found);
}

Result<Value> join(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::string separator(call[1].is_null() ? "," : in.any_text(1, "the separator"));
  if (in.failed()) return in.error();
  return joined(call, list, separator);
}

Result<Value> method_map(Invocation& call) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  const Value list = call[0];
  std::vector<Value> results;
  results.reserve(list.size());
  std::uint64_t bytes = 16;
  bool too_big = false;
  const bool within = each(call, list, false, [&](std::size_t, Value& result) {
    bytes += result.byte_size();
    too_big = !call.fits(bytes);
    results.push_back(std::move(result));
    return !too_big;
  });
  if (!within || too_big) return call.failure();
  return Value::array(std::move(results));
}

Result<Value> reduce(Invocation& call) { return reduced(call, false); }

Result<Value> reduce_right(Invocation& call) { return reduced(call, true); }

Result<Value> method_reverse(Invocation& call) {
  if (!call.charge(call[0].size())) return call.failure();
  std::vector<Value> items = elements(call[0]);
  std::reverse(items.begin(), items.end());
  return Value::array(std::move(items));
}

Result<Value> method_slice(Invocation& call) {
  Reader in(call);
  const Value list = call[0];
  const std::size_t begin = relative(in.whole_or(1, 0, "the start"), list.size());
  const std::size_t end = relative(in.whole_or(2, INT64_MAX, "the end"), list.size());
  if (in.failed()) return in.error();
  return part(call, list, begin, end);
}

Result<Value> method_sort(Invocation& call) {
  const Value list = call[0];
  if (call.is_arrow(1)) return sorted_by_comparator(call, list);
  if (!call[1].is_null()) return not_an_arrow(call);
  // Without a comparator ECMAScript compares as text.
  std::vector<Value> order;
  std::vector<std::string> keys;
  Meter meter(call);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!meter.add(1, list[i].byte_size())) return call.failure();
    keys.push_back(key_text(list[i]));
    order.emplace_back(i);
  }
  const bool within = merge_sort(order, [&](const Value& later, const Value& earlier, bool& answer) {
    const std::string& a = keys[static_cast<std::size_t>(later.as_integer())];
    const std::string& b = keys[static_cast<std::size_t>(earlier.as_integer())];
    answer = compare_text(a, b) < 0;
    return meter.add(1, std::min(a.size(), b.size()));
  });
  if (!within) return call.failure();
  for (Value& item : order) item = list[static_cast<std::size_t>(item.as_integer())];
  return Value::array(std::move(order));
}

Result<Value> method_to_spliced(Invocation& call) {
  Reader in(call);
  const Value list = call[0];
  const std::size_t begin = relative(in.whole_or(1, 0, "the start"), list.size());
  const std::int64_t rest = static_cast<std::int64_t>(list.size() - begin);
  const std::int64_t skipped =
      call.count() < 2 ? 0 : std::clamp<std::int64_t>(in.whole_or(2, rest, "the count"), 0, rest);
  if (in.failed()) return in.error();
  std::uint64_t size = list.byte_size();
  for (std::size_t i = 3; i < call.count(); ++i) size += call[i].byte_size();
  if (!call.charge(list.size() + call.count()) || !call.fits(size)) return call.failure();
  std::vector<Value> items;
  for (std::size_t i = 0; i < begin; ++i) items.push_back(list[i]);
  for (std::size_t i = 3; i < call.count(); ++i) items.push_back(call[i]);
  for (std::size_t i = begin + static_cast<std::size_t>(skipped); i < list.size(); ++i) items.push_back(list[i]);
  return Value::array(std::move(items));
}

Result<Value> method_with(Invocation& call) {
  Reader in(call);
  std::int64_t index = in.whole_or(1, 0, "the position");
  if (in.failed()) return in.error();
  const auto size = static_cast<std::int64_t>(call[0].size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return call.error("the position is outside the list");
  if (!call.charge(call[0].size()) || !call.fits(call[0].byte_size() + call[2].byte_size())) return call.failure();
  Value out = call.take(0);
  out.set_at(static_cast<std::size_t>(index), call.take(2));
  return out;
}

Result<Value> no_push(Invocation& call) {
  return call.error("nothing is changed in place; use list.concat([x]) or list|append(x)");
}

Result<Value> no_pop(Invocation& call) {
  return call.error(
      "nothing is changed in place; use list.at(-1) for the last element and list.slice(0, -1) for the rest");
}

Result<Value> no_shift(Invocation& call) {
  return call.error("nothing is changed in place; use list[0] for the first element and list.slice(1) for the rest");
}

Result<Value> no_unshift(Invocation& call) {
  return call.error("nothing is changed in place; use [x].concat(list) or list|prepend(x)");
}

Result<Value> no_splice(Invocation& call) {
  return call.error("nothing is changed in place; use list.toSpliced(start, count, …)");
}

Result<Value> no_for_each(Invocation& call) {
  return call.error("it would have no effect; use list.map(x => …), or a Loop step");
}

Result<Value> array_from(Invocation& call) {
  Value list = call[0];
  if (list.is_string()) {
    const std::string_view content = list.as_string();
    if (!call.charge(0, content.size()) || !call.fits(content.size() * 16)) return call.failure();
    std::vector<Value> items;
    for (std::size_t i = 0; i < content.size();) {
      const std::size_t size = code_point_at(content, i).size;
      items.emplace_back(content.substr(i, size));
      i += size;
    }
    list = Value::array(std::move(items));
  } else if (list.is_object()) {
    const Value length = list.get("length");
    const double count = std::max(0.0, length.as_number());
    if (!call.fits(count > 1e15 ? UINT64_MAX : static_cast<std::uint64_t>(count) * 16)) return call.failure();
    if (!call.charge(static_cast<std::uint64_t>(count))) return call.failure();
    std::vector<Value> items(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = list.get(std::to_string(i));
    list = Value::array(std::move(items));
  } else if (!list.is_array()) {
    return wrong_kind(call);
  }
  if (!call.is_arrow(1)) return list;
  std::vector<Value> results;
  Meter meter(call);
  std::uint64_t bytes = 16;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value arguments[] = {list[i], i};
    Value result;
    if (!meter.add(1) || !call.call_arrow(1, arguments, result)) return call.failure();
    bytes += result.byte_size();
    if (!call.fits(bytes)) return call.failure();
    results.push_back(std::move(result));
  }
  return Value::array(std::move(results));
}

Result<Value> array_of(Invocation& call) {
  std::vector<Value> items;
  for (std::size_t i = 0; i < call.count(); ++i) items.push_back(call[i]);
  return Value::array(std::move(items));
}

Result<Value> is_array(Invocation& call) { return Value(call[0].is_array()); }

}  // namespace fnstack::expr::functions::array
