#include "expr/functions_list_parts.hpp"

#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions {
namespace {

bool flatten_into(Meter& meter, Invocation& call, const Value& list, std::int64_t depth, std::vector<Value>& out,
                  std::uint64_t& bytes) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!meter.add(1)) return false;
    if (list[i].is_array() && depth > 0) {
      if (!flatten_into(meter, call, list[i], depth - 1, out, bytes)) return false;
      continue;
    }
    bytes += list[i].byte_size();
    if (!call.fits(bytes)) return false;
    out.push_back(list[i]);
  }
  return true;
}

}  // namespace

Error not_an_arrow(Invocation& call) {
  return call.error("expected an arrow function such as x => x.id, got " + std::string(base::kind_in_words(call[1])));
}

// Where `wanted` stands; -1 if nowhere. False: over the limit.
bool position_of(Invocation& call, const Value& list, const Value& wanted, std::size_t from, bool backwards,
                 std::int64_t& found) {
  found = -1;
  Meter meter(call);
  for (std::size_t n = from; n < list.size(); ++n) {
    const std::size_t i = backwards ? list.size() - 1 - n : n;
    bool equal = false;
    if (!meter.compare(list[i], wanted, equal)) return false;
    if (equal) {
      found = static_cast<std::int64_t>(i);
      return true;
    }
  }
  return true;
}

Result<Value> flattened(Invocation& call, const Value& list, std::int64_t depth) {
  std::vector<Value> out;
  std::uint64_t bytes = 16;
  Meter meter(call);
  if (!flatten_into(meter, call, list, std::min(depth, max_depth), out, bytes)) return call.failure();
  return Value::array(std::move(out));
}

Result<Value> part(Invocation& call, const Value& list, std::size_t begin, std::size_t end) {
  std::vector<Value> items;
  if (end > begin) {
    if (!call.charge(end - begin)) return call.failure();
    items.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) items.push_back(list[i]);
  }
  return Value::array(std::move(items));
}

Error wrong_kind(Invocation& call) {
  return call.error("expected text or a list, got " + std::string(base::kind_in_words(call[0])));
}

bool holds_member(const Value& holder, const Value& wanted) {
  if (holder.is_string()) {
    return !wanted.is_null() && !wanted.is_container() &&
           holder.as_string().find(to_text(wanted)) != std::string_view::npos;
  }
  if (holder.is_object()) return wanted.is_string() && holder.find(wanted.as_string()) != nullptr;
  for (std::size_t i = 0; i < holder.size(); ++i) {
    if (holder[i] == wanted) return true;
  }
  return false;
}

std::string key_text(const Value& value) { return value.is_null() ? "null" : to_text(value); }

Result<Value> sorted_by_comparator(Invocation& call, const Value& list) {
  std::vector<Value> items = elements(list);
  Meter meter(call);
  const bool within = merge_sort(items, [&](const Value& later, const Value& earlier, bool& answer) {
    const Value arguments[] = {later, earlier};
    Value result;
    if (!meter.add(1) || !call.call_arrow(1, arguments, result)) return false;
    const Value number = result.is_string() ? text_to_number(result.as_string()) : result;
    answer = number.as_number() < 0;
    return true;
  });
  if (!within) return call.failure();
  return Value::array(std::move(items));
}

}  // namespace fnstack::expr::functions
