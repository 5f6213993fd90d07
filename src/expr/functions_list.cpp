// Functions on lists: ECMAScript's array methods, the filters for lists, and the filters that take a list or text.
#include <algorithm>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::list {
namespace {

// Far above a value's greatest depth; keeps recursion bounded whatever comes.
constexpr std::int64_t max_depth = 256;

Error not_an_arrow(Invocation& call) {
  return call.error("expected an arrow function such as x => x.id, got " + std::string(kind_name(call[1])));
}

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

// Folds with the arrow at 1: accumulator, element, index, list. The start value stands at 2.
Result<Value> reduced(Invocation& call, bool backwards) {
  if (!call.is_arrow(1)) return not_an_arrow(call);
  if (!call[0].is_array() && !call[0].is_null()) {
    return call.error("expected a list, got " + std::string(kind_name(call[0])));
  }
  const Value list = call[0];
  std::size_t n = 0;
  Value accumulator;
  if (call.given(2)) {
    accumulator = call.take(2);
  } else if (list.size() == 0) {
    return call.error("an empty list needs a start value: reduce((sum, x) => sum + x, 0)");
  } else {
    accumulator = list[backwards ? list.size() - 1 : 0];
    n = 1;
  }
  Meter meter(call);
  for (; n < list.size(); ++n) {
    const std::size_t i = backwards ? list.size() - 1 - n : n;
    const Value arguments[] = {std::move(accumulator), list[i], i, list};
    Value result;
    if (!meter.add(1) || !call.call_arrow(1, arguments, result)) return call.failure();
    accumulator = std::move(result);
  }
  return accumulator;
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

Result<Value> flattened(Invocation& call, const Value& list, std::int64_t depth) {
  std::vector<Value> out;
  std::uint64_t bytes = 16;
  Meter meter(call);
  if (!flatten_into(meter, call, list, std::min(depth, max_depth), out, bytes)) return call.failure();
  return Value::array(std::move(out));
}

Result<Value> reversed_list(Invocation& call, const Value& list) {
  if (!call.charge(list.size())) return call.failure();
  std::vector<Value> items = elements(list);
  std::reverse(items.begin(), items.end());
  return Value::array(std::move(items));
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

// ---- Conditions of where, find, some, every.

enum class Operator : std::uint8_t {
  truthy,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
  contains,
  starts_with,
  ends_with
};

struct OperatorName {
  std::string_view name;
  Operator meaning;
};
constexpr OperatorName operator_names[] = {{"==", Operator::equal},
                                           {"=", Operator::equal},
                                           {"===", Operator::equal},
                                           {"eq", Operator::equal},
                                           {"!=", Operator::not_equal},
                                           {"!==", Operator::not_equal},
                                           {"<>", Operator::not_equal},
                                           {"ne", Operator::not_equal},
                                           {"neq", Operator::not_equal},
                                           {"<", Operator::less},
                                           {"lt", Operator::less},
                                           {"<=", Operator::less_equal},
                                           {"lte", Operator::less_equal},
                                           {">", Operator::greater},
                                           {"gt", Operator::greater},
                                           {">=", Operator::greater_equal},
                                           {"gte", Operator::greater_equal},
                                           {"in", Operator::in},
                                           {"not in", Operator::not_in},
                                           {"nin", Operator::not_in},
                                           {"contains", Operator::contains},
                                           {"starts_with", Operator::starts_with},
                                           {"ends_with", Operator::ends_with}};

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

bool compared(const Value& left, Operator meaning, const Value& right) {
  switch (meaning) {
    case Operator::truthy:
      return is_truthy(left);
    case Operator::equal:
      return loosely_equal(left, right);
    case Operator::not_equal:
      return !loosely_equal(left, right);
    case Operator::less:
      return order(left, right) == Order::less;
    case Operator::less_equal:
      return (order(left, right) == Order::less || order(left, right) == Order::equal);
    case Operator::greater:
      return order(left, right) == Order::greater;
    case Operator::greater_equal:
      return (order(left, right) == Order::greater || order(left, right) == Order::equal);
    case Operator::in:
      return holds_member(right, left);
    case Operator::not_in:
      return !holds_member(right, left);
    case Operator::contains:
      return holds_member(left, right);
    case Operator::starts_with:
      return left.is_string() && right.is_string() && left.as_string().starts_with(right.as_string());
    case Operator::ends_with:
      return left.is_string() && right.is_string() && left.as_string().ends_with(right.as_string());
  }
  return false;
}

// An arrow function; or a field alone (is it true?), a field and a value, a field, an operator and a value.
class Condition {
 public:
  explicit Condition(Invocation& call) : call_(call), selector_(call, 1), meter_(call) {
    if (!call.given(2) && !call.given(3)) return;
    if (!call.given(3)) {
      meaning_ = Operator::equal;
      value_ = call[2];
      return;
    }
    value_ = call[3];
    meaning_ = Operator::equal;
    if (call[2].is_null()) return;
    const auto* found =
        std::find_if(std::begin(operator_names), std::end(operator_names),
                     [&](const OperatorName& row) { return call[2].is_string() && row.name == call[2].as_string(); });
    if (found == std::end(operator_names)) {
      error_ = call.error("expected an operator: ==, !=, <, <=, >, >=, in, not in, contains, starts_with or ends_with");
      return;
    }
    meaning_ = found->meaning;
  }

  [[nodiscard]] bool failed() const noexcept { return error_.has_value() || selector_.failed(); }
  [[nodiscard]] Error error() { return error_ ? std::move(*error_) : selector_.error(); }
  // False: it failed.
  [[nodiscard]] bool test(const Value& element, std::size_t index, bool& answer) {
    Value selected;
    if (!selector_.select(element, index, selected)) return false;
    if (!meter_.add(1, meaning_ == Operator::truthy ? 0 : std::min(selected.byte_size(), value_.byte_size()))) {
      return false;
    }
    // Membership looks at all elements of the holder.
    const Value& holder = meaning_ == Operator::contains ? selected : value_;
    if (meaning_ >= Operator::in && !meter_.add(holder.size(), holder.is_string() ? holder.byte_size() : 0))
      return false;
    answer = compared(selected, meaning_, value_);
    return true;
  }

 private:
  Invocation& call_;
  Selector selector_;
  Meter meter_;
  Operator meaning_ = Operator::truthy;
  Value value_;
  std::optional<Error> error_;
};

// Visits each element with the condition's answer, until `visit` answers false.
template <class Visit>
std::optional<Error> test_each(Invocation& call, Visit visit) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  Condition condition(call);
  if (condition.failed()) return condition.error();
  for (std::size_t i = 0; i < list.size(); ++i) {
    bool answer = false;
    if (!condition.test(list[i], i, answer)) return condition.error();
    if (!visit(list[i], i, answer)) break;
  }
  return std::nullopt;
}

// ---- Numbers in lists.

// The selected numbers of the list; null ones are left out, numeric text counts.
std::optional<Error> numbers_of(Invocation& call, std::vector<Value>& numbers) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  Selector selector(call, 1);
  if (selector.failed()) return selector.error();
  if (!call.charge(list.size())) return call.failure();
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value item;
    if (!selector.select(list[i], i, item)) return selector.error();
    if (item.is_null()) continue;
    Value number = item.is_string() ? text_to_number(item.as_string()) : item;
    if (!number.is_number() || (item.is_string() && expr::trim(item.as_string()).empty())) {
      const std::string field = selector.is_element() && item.is_object() ? "; name the field to add up" : "";
      return call.error("expected numbers, got " + std::string(kind_name(item)) + " at position " + std::to_string(i) +
                        field);
    }
    numbers.push_back(std::move(number));
  }
  return std::nullopt;
}

Value total(const std::vector<Value>& numbers) {
  Value sum = 0;
  for (const Value& number : numbers) sum = add_numbers(sum, number);
  return sum.is_integer() ? sum : number_value(sum.as_number());
}

Result<Value> finite(Invocation& call, Value number) {
  if (!number.is_integer() && !(number.as_number() - number.as_number() == 0)) {
    return call.error("the result is beyond the range of numbers");
  }
  return number;
}

Result<Value> extreme(Invocation& call, bool greatest) {
  std::vector<Value> items;
  if (call[0].is_array() || call[0].is_null()) {
    // A list, or nothing: but max(null, 3) is a call with values.
    if (call[0].is_null() && call.count() > 1 && !call[1].is_string() && !call.is_arrow(1)) {
      for (std::size_t i = 1; i < call.count(); ++i) items.push_back(call[i]);
    } else {
      Selector selector(call, 1);
      if (selector.failed()) return selector.error();
      const Value list = call[0];
      if (!call.charge(list.size())) return call.failure();
      for (std::size_t i = 0; i < list.size(); ++i) {
        items.emplace_back();
        if (!selector.select(list[i], i, items.back())) return selector.error();
      }
    }
  } else {
    for (std::size_t i = 0; i < call.count(); ++i) items.push_back(call[i]);
  }
  std::erase_if(items, [](const Value& item) { return item.is_null(); });
  const auto numeric = [](const Value& item) {
    return item.is_number() ||
           (item.is_string() && !item.as_string().empty() && !text_to_number(item.as_string()).is_null());
  };
  const bool numbers = std::all_of(items.begin(), items.end(), numeric);
  if (!numbers) {
    for (const Value& item : items) {
      if (!item.is_string()) {
        return call.error("expected numbers only or texts only, got " + std::string(kind_name(item)) + " among them");
      }
    }
  }
  const auto as_number = [](const Value& item) { return item.is_string() ? text_to_number(item.as_string()) : item; };
  Value best;
  for (Value& item : items) {
    if (best.is_null()) {
      best = std::move(item);
      continue;
    }
    if (!call.charge(1, item.is_string() ? item.byte_size() : 0)) return call.failure();
    const int order =
        numbers ? compare_numbers(as_number(item), as_number(best)) : compare_text(item.as_string(), best.as_string());
    if (greatest ? order > 0 : order < 0) best = std::move(item);
  }
  return best;
}

// ---- Sorting.

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

bool is_direction(const Value& value) {
  if (!value.is_string()) return false;
  const std::string lower = expr::to_lower(value.as_string());
  return lower == "asc" || lower == "desc";
}

Result<Value> sorted_by_key(Invocation& call, const Value& list) {
  // [3, 1]|sort('desc'): a direction where there are no fields.
  const bool only_direction =
      call.count() == 2 && is_direction(call[1]) && (list.size() == 0 || !list[0].is_container());
  const Value& direction = call[only_direction ? 1 : 2];
  if (!direction.is_null() && !is_direction(direction)) return call.error("expected the direction 'asc' or 'desc'");
  const bool descending = !direction.is_null() && expr::to_lower(direction.as_string()) == "desc";
  std::vector<Value> keys(list.size());
  if (only_direction) {
    keys = elements(list);
  } else {
    Selector selector(call, 1);
    if (selector.failed()) return selector.error();
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!selector.select(list[i], i, keys[i])) return selector.error();
    }
  }
  std::vector<Value> order;
  order.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) order.emplace_back(i);
  Meter meter(call);
  const bool within = merge_sort(order, [&](const Value& later, const Value& earlier, bool& answer) {
    const Value& a = keys[static_cast<std::size_t>(later.as_integer())];
    const Value& b = keys[static_cast<std::size_t>(earlier.as_integer())];
    if (!meter.add(1, a.is_container() || b.is_container() ? a.byte_size() + b.byte_size()
                                                           : std::min(a.byte_size(), b.byte_size()))) {
      return false;
    }
    const int result = compare_values(a, b);
    answer = descending && !a.is_null() && !b.is_null() ? result > 0 : result < 0;
    return true;
  });
  if (!within) return call.failure();
  for (Value& item : order) item = list[static_cast<std::size_t>(item.as_integer())];
  return Value::array(std::move(order));
}

std::string key_text(const Value& value) { return value.is_null() ? "null" : to_text(value); }

// Groups in the order of their first element. The answer maps a key to the positions of its elements.
struct Groups {
  std::vector<std::string> keys;
  std::vector<std::vector<Value>> members;
};
std::optional<Error> grouped(Invocation& call, Groups& groups) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  Selector selector(call, 1);
  if (selector.failed()) return selector.error();
  ValueSet places(call);
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value key;
    if (!selector.select(list[i], i, key)) return selector.error();
    std::string text = key_text(key);
    std::size_t place = 0;
    if (!places.add(Value(text), place)) return call.failure();
    if (place == ValueSet::none) {
      place = groups.keys.size();
      groups.keys.push_back(std::move(text));
      groups.members.emplace_back();
    }
    groups.members[place].push_back(list[i]);
  }
  return std::nullopt;
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

bool is_empty(const Value& value) noexcept {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         (value.is_boolean() && !value.as_boolean()) || (value.is_container() && value.size() == 0);
}

Result<Value> wrong_kind(Invocation& call) {
  return call.error("expected text or a list, got " + std::string(kind_name(call[0])));
}

}  // namespace

// ---- Methods of arrays.

Result<Value> at(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (!call[0].is_array()) return call[0].is_container() || call[0].is_bytes() ? wrong_kind(call) : text::at(call);
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
  const Value list = call[0];
  return reversed_list(call, list);
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

// ---- Globals.

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

// ---- Filters.

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
  if (call[0].is_array()) return method_slice(call);
  return call[0].is_container() || call[0].is_bytes() ? wrong_kind(call) : text::slice(call);
}

Result<Value> reverse(Invocation& call) {
  if (call[0].is_null()) return Value();
  if (call[0].is_array()) return method_reverse(call);
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

Result<Value> map(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  if (call.count() > 2) {
    // Several fields: an object of them from each element.
    std::vector<std::string> fields;
    for (std::size_t i = 1; i < call.count(); ++i) fields.emplace_back(in.text(i, "a field"));
    if (in.failed()) return in.error();
    std::vector<Value> results;
    std::uint64_t bytes = 16;
    Meter meter(call);
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!meter.add(fields.size())) return call.failure();
      Value picked = Value::object();
      for (const std::string& field : fields) {
        const Value* found = find_path(list[i], field);
        picked.set(field, found != nullptr ? *found : Value());
      }
      bytes += picked.byte_size();
      if (!call.fits(bytes)) return call.failure();
      results.push_back(std::move(picked));
    }
    return Value::array(std::move(results));
  }
  Selector selector(call, 1);
  if (selector.failed()) return selector.error();
  if (selector.is_element()) return call.error("expected a field's name or an arrow function, as in map('id')");
  std::vector<Value> results;
  results.reserve(list.size());
  std::uint64_t bytes = 16;
  Meter meter(call);
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value result;
    if (!meter.add(1)) return call.failure();
    if (!selector.select(list[i], i, result)) return selector.error();
    bytes += result.byte_size();
    if (!call.fits(bytes)) return call.failure();
    results.push_back(std::move(result));
  }
  return Value::array(std::move(results));
}

Result<Value> where(Invocation& call) {
  std::vector<Value> kept;
  std::optional<Error> error = test_each(call, [&](const Value& element, std::size_t, bool answer) {
    if (answer) kept.push_back(element);
    return true;
  });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(Value::array(std::move(kept)));
}

Result<Value> reject(Invocation& call) {
  std::vector<Value> kept;
  std::optional<Error> error = test_each(call, [&](const Value& element, std::size_t, bool answer) {
    if (!answer) kept.push_back(element);
    return true;
  });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(Value::array(std::move(kept)));
}

Result<Value> partition(Invocation& call) {
  std::vector<Value> yes;
  std::vector<Value> no;
  std::optional<Error> error = test_each(call, [&](const Value& element, std::size_t, bool answer) {
    (answer ? yes : no).push_back(element);
    return true;
  });
  if (error) return std::move(*error);
  return Value::array({Value::array(std::move(yes)), Value::array(std::move(no))});
}

Result<Value> find(Invocation& call) {
  Value found;
  std::optional<Error> error = test_each(call, [&](const Value& element, std::size_t, bool answer) {
    if (answer) found = element;
    return !answer;
  });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(std::move(found));
}

Result<Value> find_index(Invocation& call) {
  Value found = -1;
  std::optional<Error> error = test_each(call, [&](const Value&, std::size_t i, bool answer) {
    if (answer) found = Value(i);
    return !answer;
  });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(std::move(found));
}

Result<Value> some(Invocation& call) {
  bool any = false;
  std::optional<Error> error = test_each(call, [&](const Value&, std::size_t, bool answer) { return !(any = answer); });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(Value(any));
}

Result<Value> every(Invocation& call) {
  bool all = true;
  std::optional<Error> error = test_each(call, [&](const Value&, std::size_t, bool answer) { return all = answer; });
  return error ? Result<Value>(std::move(*error)) : Result<Value>(Value(all));
}

Result<Value> group_by(Invocation& call) {
  Groups groups;
  if (std::optional<Error> error = grouped(call, groups)) return std::move(*error);
  Value out = Value::object();
  for (std::size_t i = 0; i < groups.keys.size(); ++i)
    out.set(groups.keys[i], Value::array(std::move(groups.members[i])));
  return out;
}

Result<Value> count_by(Invocation& call) {
  Groups groups;
  if (std::optional<Error> error = grouped(call, groups)) return std::move(*error);
  Value out = Value::object();
  for (std::size_t i = 0; i < groups.keys.size(); ++i) out.set(groups.keys[i], Value(groups.members[i].size()));
  return out;
}

Result<Value> index_by(Invocation& call) {
  Groups groups;
  if (std::optional<Error> error = grouped(call, groups)) return std::move(*error);
  Value out = Value::object();
  for (std::size_t i = 0; i < groups.keys.size(); ++i) out.set(groups.keys[i], std::move(groups.members[i].back()));
  return out;
}

Result<Value> sort(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  return call.is_arrow(1) ? sorted_by_comparator(call, list) : sorted_by_key(call, list);
}

Result<Value> sort_by(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  return sorted_by_key(call, list);
}

Result<Value> unique(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  if (in.failed()) return in.error();
  Selector selector(call, 1);
  if (selector.failed()) return selector.error();
  ValueSet seen(call);
  std::vector<Value> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value key;
    if (!selector.select(list[i], i, key)) return selector.error();
    std::size_t found = 0;
    if (!seen.add(key, found)) return call.failure();
    if (found == ValueSet::none) kept.push_back(list[i]);
  }
  return Value::array(std::move(kept));
}

Result<Value> sum(Invocation& call) {
  std::vector<Value> numbers;
  if (std::optional<Error> error = numbers_of(call, numbers)) return std::move(*error);
  return finite(call, total(numbers));
}

Result<Value> average(Invocation& call) {
  std::vector<Value> numbers;
  if (std::optional<Error> error = numbers_of(call, numbers)) return std::move(*error);
  if (numbers.empty()) return Value();
  return finite(call, number_value(total(numbers).as_number() / static_cast<double>(numbers.size())));
}

Result<Value> product(Invocation& call) {
  std::vector<Value> numbers;
  if (std::optional<Error> error = numbers_of(call, numbers)) return std::move(*error);
  Value result = 1;
  for (const Value& number : numbers) {
    std::int64_t exact = 0;
    if (result.is_integer() && number.is_integer() &&
        !__builtin_mul_overflow(result.as_integer(), number.as_integer(), &exact)) {
      result = exact;
    } else {
      result = result.as_number() * number.as_number();
    }
  }
  return finite(call, result.is_integer() ? result : number_value(result.as_number()));
}

Result<Value> median(Invocation& call) {
  std::vector<Value> numbers;
  if (std::optional<Error> error = numbers_of(call, numbers)) return std::move(*error);
  if (numbers.empty()) return Value();
  const std::size_t middle = numbers.size() / 2;
  std::sort(numbers.begin(), numbers.end(), [](const Value& a, const Value& b) { return compare_numbers(a, b) < 0; });
  if (numbers.size() % 2 == 1) return numbers[middle];
  return number_value(numbers[middle - 1].as_number() / 2 + numbers[middle].as_number() / 2);
}

Result<Value> min(Invocation& call) { return extreme(call, false); }
Result<Value> max(Invocation& call) { return extreme(call, true); }

Result<Value> append(Invocation& call) {
  if (call[0].is_string() || call[0].is_number()) return text::concat(call);
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
  if (!lists) return call[0].is_null() && call.count() < 2 ? Result<Value>(Value()) : text::concat(call);
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

namespace {
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
}  // namespace

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
    return call.error("expected a list to look in, got " + std::string(kind_name(call[1])));
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
  if (!call[0].is_array()) return call[0].is_container() || call[0].is_bytes() ? wrong_kind(call) : text::index(call);
  std::int64_t found = -1;
  if (!position_of(call, call[0], call[1], 0, false, found)) return call.failure();
  return Value(found);
}

Result<Value> filter_empty(Invocation& call) {
  if (call[0].is_object()) {
    const Value object = call[0];
    if (!call.charge(object.size())) return call.failure();
    Value out = Value::object();
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (!is_empty(object[i])) out.set(object.key_at(i), object[i]);
    }
    return out;
  }
  Reader in_(call);
  const Value list = in_.list(0);
  if (in_.failed()) return in_.error();
  if (!call.charge(list.size())) return call.failure();
  std::vector<Value> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!is_empty(list[i])) kept.push_back(list[i]);
  }
  return Value::array(std::move(kept));
}

Result<Value> filter_null(Invocation& call) {
  if (call[0].is_object()) {
    const Value object = call[0];
    if (!call.charge(object.size())) return call.failure();
    Value out = Value::object();
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (!object[i].is_null()) out.set(object.key_at(i), object[i]);
    }
    return out;
  }
  Reader in_(call);
  const Value list = in_.list(0);
  if (in_.failed()) return in_.error();
  if (!call.charge(list.size())) return call.failure();
  std::vector<Value> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_null()) kept.push_back(list[i]);
  }
  return Value::array(std::move(kept));
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
