// Filters that ask a list about a field of its elements: where, find, map, group_by, sort, sum, max and their like.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/functions_list_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::query {
namespace {

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
  explicit Condition(Invocation& call) : selector_(call, 1), meter_(call) {
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
      return call.error("expected numbers, got " + std::string(base::kind_in_words(item)) + " at position " +
                        std::to_string(i) + field);
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
        return call.error("expected numbers only or texts only, got " + std::string(base::kind_in_words(item)) +
                          " among them");
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

}  // namespace

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

}  // namespace fnstack::expr::functions::query
