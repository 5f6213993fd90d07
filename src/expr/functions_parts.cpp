#include "expr/functions_parts.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "base/text_place.hpp"
#include "base/utf8.hpp"
#include "expr/content_hash.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;

// The order of kinds among each other when sorting.
int rank(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::integer:
    case Value::Kind::number:
      return 0;
    case Value::Kind::string:
      return 1;
    case Value::Kind::boolean:
      return 2;
    case Value::Kind::bytes:
      return 3;
    case Value::Kind::array:
      return 4;
    case Value::Kind::object:
      return 5;
    case Value::Kind::null:
      break;
  }
  return 6;
}

const Value& empty_list() {
  static const Value list = Value::array();
  return list;
}

const Value& empty_object() {
  static const Value object = Value::object();
  return object;
}

// An expression in a field argument may hold such arguments again; data could nest them without end.
thread_local int selector_nesting = 0;

constexpr int max_selector_nesting = 4;

constexpr std::size_t max_selector_bytes = 1000;
// A path is looked up in each element anew; one longer than any that a person writes costs by its length.
constexpr std::size_t long_path = 64;

class Nesting {
 public:
  Nesting() { ++selector_nesting; }
  ~Nesting() { --selector_nesting; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
};

}  // namespace

int compare_values(const Value& left, const Value& right) {
  const int left_rank = rank(left);
  if (const int right_rank = rank(right); left_rank != right_rank) return left_rank < right_rank ? -1 : 1;
  switch (left_rank) {
    case 0:
      return compare_numbers(left, right);
    case 1:
    case 3:
      return compare_text(left.as_string(), right.as_string());
    case 2:
      return static_cast<int>(left.as_boolean()) - static_cast<int>(right.as_boolean());
    case 4:
    case 5:
      return compare_text(to_json(left), to_json(right));
    default:
      return 0;
  }
}

std::string_view Reader::keep(const Value& value) {
  kept_.push_back(to_text(value));
  return kept_.back();
}

std::string_view Reader::text(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_string()) return value.as_string();
  if (value.is_number() || value.is_boolean()) return keep(value);
  expected("text", position, parameter);
  return {};
}

std::string_view Reader::text_or(std::size_t position, std::string_view fallback, std::string_view parameter) {
  return call_[position].is_null() ? fallback : text(position, parameter);
}

std::string_view Reader::any_text(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_string()) return value.as_string();
  if (value.is_null()) return "null";
  if (!value.is_bytes()) return keep(value);
  expected("text", position, parameter);
  return {};
}

std::string_view Reader::octets(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_bytes() || value.is_string()) return value.as_string();
  if (!value.is_null()) return keep(value);
  expected("text or bytes", position, parameter);
  return {};
}

std::int64_t Reader::whole(std::size_t position, std::string_view parameter) {
  const Value value = numeric(position, parameter);
  if (value.is_integer()) return value.as_integer();
  const double number = value.as_number();
  if (number >= two_to_63) return INT64_MAX;
  if (number <= -two_to_63) return INT64_MIN;
  return static_cast<std::int64_t>(number);
}

std::int64_t Reader::whole_or(std::size_t position, std::int64_t fallback, std::string_view parameter) {
  return call_[position].is_null() ? fallback : whole(position, parameter);
}

Value Reader::numeric(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_number()) return value;
  if (value.is_boolean()) return value.as_boolean() ? 1 : 0;
  if (value.is_string()) {
    if (Value number = text_to_number(value.as_string()); !number.is_null()) return number;
    if (!failed()) {
      fail(parameter.empty() ? std::string("expected a number, got text that is none")
                             : "expected a number for " + std::string(parameter) + ", got text that is none");
    }
    return 0;
  }
  expected("a number", position, parameter);
  return 0;
}

const Value& Reader::list(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_array()) return value;
  if (!value.is_null()) expected("a list", position, parameter);
  return empty_list();
}

const Value& Reader::object(std::size_t position, std::string_view parameter) {
  const Value& value = call_[position];
  if (value.is_object()) return value;
  if (!value.is_null()) expected("an object", position, parameter);
  return empty_object();
}

void Reader::fail(std::string_view message) {
  if (!error_) error_ = call_.error(message);
}

void Reader::expected(std::string_view what, std::size_t position, std::string_view parameter) {
  if (error_) return;
  std::string message = "expected ";
  message += what;
  if (!parameter.empty()) {
    message += " for ";
    message += parameter;
  }
  message += ", got ";
  message += call_.is_arrow(position) ? "an arrow function" : base::kind_in_words(call_[position]);
  fail(message);
}

bool Meter::compare(const Value& left, const Value& right, bool& equal) {
  equal = left == right;
  return add(1, std::min(left.byte_size(), right.byte_size()));
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> keys;
  std::string key;
  bool open = false;  // a key has begun
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '.') {
      if (open || i == 0) keys.push_back(std::exchange(key, {}));
      open = i + 1 < path.size() && path[i + 1] != '[';
    } else if (c == '[') {
      const std::size_t close = path.find(']', i);
      if (close == std::string_view::npos) {
        key += c;
        open = true;
        continue;
      }
      if (open || !key.empty()) keys.push_back(std::exchange(key, {}));
      std::string_view inner = path.substr(i + 1, close - i - 1);
      if (inner.size() >= 2 && (inner.front() == '\'' || inner.front() == '"') && inner.back() == inner.front()) {
        inner = inner.substr(1, inner.size() - 2);
      }
      keys.emplace_back(inner);
      open = false;
      i = close;
    } else {
      key += c;
      open = true;
    }
  }
  if (open || !key.empty()) keys.push_back(std::move(key));
  return keys;
}

const Value* find_path(const Value& value, std::string_view path) {
  if (const Value* member = value.find(path)) return member;
  if (path.find_first_of(".[") == std::string_view::npos && !value.is_array()) return nullptr;
  const Value* at = &value;
  for (const std::string& key : split_path(path)) {
    if (at->is_object()) {
      at = at->find(key);
      if (at == nullptr) return nullptr;
      continue;
    }
    std::size_t index = 0;
    const auto read = std::from_chars(key.data(), key.data() + key.size(), index);
    const bool is_index = !key.empty() && read.ec == std::errc() && read.ptr == key.data() + key.size();
    if (!at->is_array() || !is_index || index >= at->size()) return nullptr;
    at = &(*at)[index];
  }
  return at;
}

Selector::Selector(Invocation& call, std::size_t position) : call_(call), position_(position) {
  if (call.is_arrow(position)) {
    kind_ = Kind::arrow;
    return;
  }
  const Value& argument = call[position];
  if (argument.is_null()) return;
  if (argument.is_integer()) {
    kind_ = Kind::path;
    path_ = to_text(argument);
  } else if (argument.is_string()) {
    const std::string_view text = argument.as_string();
    if (text.find('|') != std::string_view::npos) {
      compile(text);
    } else {
      kind_ = Kind::path;
      path_ = std::string(text);
    }
  } else {
    error_ =
        call.error("expected a field's name or an arrow function, got " + std::string(base::kind_in_words(argument)));
  }
}

Selector::Selector(Invocation& call, std::string_view expression) : call_(call) { compile(expression); }

void Selector::compile(std::string_view text) {
  kind_ = Kind::expression;
  if (text.size() > max_selector_bytes) {
    error_ = call_.error("the expression for a field is longer than 1000 bytes");
    return;
  }
  if (selector_nesting >= max_selector_nesting) {
    error_ = call_.error("expressions for fields are nested too deeply");
    return;
  }
  if (!call_.charge(text.size())) {
    error_ = call_.failure();
    return;
  }
  Diagnostics diagnostics;
  const std::optional<Expression> parsed = parse(text, 0, TextPlace{}, diagnostics);
  if (!parsed) {
    std::string message = "the expression for a field is invalid";
    if (!diagnostics.empty()) message += ": " + diagnostics.items().front().message;
    error_ = call_.error(message);
    return;
  }
  expression_ = bind(*parsed, [this](const NameUse& use) {
    auto found = std::find(names_.begin(), names_.end(), use.name);
    if (found == names_.end()) found = names_.insert(names_.end(), std::string(use.name));
    Reference reference;
    reference.kind = Reference::Kind::slot;
    reference.index = static_cast<std::uint32_t>(found - names_.begin());
    return reference;
  });
}

bool Selector::evaluate_expression(const Value& element, Value& result) {
  const Nesting nesting;
  std::vector<Value> fields(names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) fields[i] = names_[i] == "$this" ? element : element.get(names_[i]);
  Scope& outer = call_.scope();
  Scope scope = outer;
  scope.slots = fields.data();
  scope.roots = nullptr;
  Result<Value> value = evaluate(expression_, scope);
  outer.steps = scope.steps;
  if (!call_.charge(0)) {  // the inner evaluation had a budget of its own: look at the outer one
    error_ = call_.failure();
    return false;
  }
  if (!value.ok()) {
    error_ = std::move(value).error();
    return false;
  }
  result = std::move(value).value();
  return true;
}

bool Selector::select(const Value& element, std::size_t index, Value& result) {
  switch (kind_) {
    case Kind::element:
      result = element;
      return true;
    case Kind::arrow: {
      const Value arguments[] = {element, index};
      return call_.call_arrow(position_, arguments, result);
    }
    case Kind::path: {
      if (path_.size() >= long_path && !call_.charge(0, path_.size())) return false;
      const Value* found = find_path(element, path_);
      result = found != nullptr ? *found : Value();
      return true;
    }
    case Kind::expression:
      break;
  }
  return evaluate_expression(element, result);
}

bool ValueSet::find(const Value& value, std::size_t& found) {
  found = none;
  if (table_.empty()) return true;
  const std::uint64_t hash = content_hash(value);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask; table_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[table_[at] - 1];
    bool equal = false;
    if (entry.hash == hash) {
      if (!meter_.compare(entry.value, value, equal)) return false;
    } else if (!meter_.add(1)) {
      return false;
    }
    if (equal) {
      found = table_[at] - 1;
      return true;
    }
  }
  return true;
}

bool ValueSet::add(const Value& value, std::size_t& found) {
  if (!meter_.add(1, value.byte_size()) || !find(value, found)) return false;
  if (found != none) return true;
  entries_.push_back({content_hash(value), value});
  if (entries_.size() * 2 > table_.size()) {
    grow();
    return true;
  }
  const std::size_t mask = table_.size() - 1;
  std::size_t at = entries_.back().hash & mask;
  while (table_[at] != 0) at = (at + 1) & mask;
  table_[at] = static_cast<std::uint32_t>(entries_.size());
  return true;
}

void ValueSet::grow() {
  table_.assign(table_.empty() ? 16 : table_.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

bool random_below(Invocation& call, std::uint64_t bound, std::uint64_t& result) {
  Random* const random = call.scope().random;
  if (random == nullptr) return false;
  // Numbers below 2^64 mod bound are drawn again, so that every result is equally likely.
  const std::uint64_t threshold = bound == 0 ? 0 : (0 - bound) % bound;
  do {
    std::uint8_t bytes[8];
    random->fill(bytes, sizeof bytes);
    result = 0;
    for (const std::uint8_t byte : bytes) result = result << 8 | byte;
  } while (result < threshold);
  if (bound != 0) result %= bound;
  return true;
}

Error no_random(Invocation& call) { return call.error("there is no source of random numbers here"); }

std::vector<Value> elements(const Value& list) {
  std::vector<Value> items;
  items.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) items.push_back(list[i]);
  return items;
}

Value text_or_bytes(std::string_view content) {
  return base::is_utf8(content) ? Value(content) : Value::bytes(content);
}

Result<Value> mapped(Invocation& call, std::string (*map)(std::string_view)) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  // Upper case of one code point has at most three, each of at most three bytes.
  if (!call.charge(0, value.size()) || !call.fits(value.size())) return call.failure();
  return Value(map(value));
}

}  // namespace fnstack::expr::functions
