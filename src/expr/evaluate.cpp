// Evaluation: walks the nodes of a bound expression. Values are borrowed wherever they exist already (slots,
// roots, constants, what they hold); only what is computed is a new Value. Errors are set aside, so that the
// way without one passes nothing but pointers. Entry points: evaluate, evaluate_borrowed.
//
// Recursion is as deep as the expression, which the parser bounds (1,000 nodes).
#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "base/utf8.hpp"
#include "expr/arithmetic.hpp"
#include "expr/evaluator.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr {
namespace {

const Value* put(Value& out, Value value) noexcept {
  out = std::move(value);
  return &out;
}

constexpr std::size_t shown_bytes = 60;

// A comparison's answer, of two values for which C++ compares as ECMAScript does. False for an `in`.
template <class Number>
bool answers(Op op, Number a, Number b, int& answer) noexcept {
  switch (op) {
    case Op::less:
      answer = a < b;
      return true;
    case Op::less_equal:
      answer = a <= b;
      return true;
    case Op::greater:
      answer = a > b;
      return true;
    case Op::greater_equal:
      answer = a >= b;
      return true;
    case Op::equal:
    case Op::strict_equal:
      answer = a == b;
      return true;
    case Op::not_equal:
    case Op::strict_not_equal:
      answer = a != b;
      return true;
    default:
      return false;
  }
}

// A number that as_number() gives without rounding.
bool is_exact_double(const Value& value) noexcept {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  return value.is_integer() ? value.as_integer() >= -most && value.as_integer() <= most : value.is_number();
}

}  // namespace

// ---- costs and limits

bool Evaluator::charge(std::uint64_t elements, std::uint64_t bytes) {
  scope_.steps += elements / 64 + bytes / 1024;
  if (scope_.steps <= most_steps_) return true;
  fail(make_error(error_type::limit, "expression takes more than " + std::to_string(scope_.limits.expression_steps) +
                                         " steps (limit expression_steps)"));
  return false;
}

bool Evaluator::fits(std::uint64_t bytes) {
  if (bytes <= scope_.limits.value_bytes) return true;
  fail(make_error(error_type::limit,
                  "value is larger than " + std::to_string(scope_.limits.value_bytes) + " bytes (limit value_bytes)"));
  return false;
}

const Value* Evaluator::bounded(Value& value) {
  if (!fits(value.byte_size())) return nullptr;
  if (!value.is_deeper_than(scope_.limits.value_depth)) return &value;
  return fits_depth(value.depth()) ? &value : nullptr;
}

bool Evaluator::fits_depth(std::uint64_t depth) {
  if (depth <= scope_.limits.value_depth) return true;
  fail(make_error(error_type::limit,
                  "value is nested deeper than " + std::to_string(scope_.limits.value_depth) + " (limit value_depth)"));
  return false;
}

std::string Evaluator::shown(std::uint32_t number) const {
  std::string out;
  std::size_t points = 0;
  for (const char c : program_.source(number)) {
    if (!base::continues_code_point(c) && ++points > shown_bytes) return out + "…";
    out.push_back(c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
  }
  return out;
}

// ---- paths

const Value* Evaluator::text_element(std::string_view text, std::size_t position, Value& scratch) {
  if (position >= text.size()) return null();
  if (!charge(0, position)) return nullptr;
  const std::string_view found = code_points(text, position, position + 1);
  if (found.empty()) return null();
  Value element(found);  // `text` may be scratch's own
  scratch = std::move(element);
  return &scratch;
}

// A key of anything but an object's member or a list's element.
const Value* Evaluator::odd_key(const Value* value, const Key& key, Value& scratch) {
  const bool is_text = value->is_string();
  if (key.text == "length") {
    if (value->is_array()) return put(scratch, value->size());
    if (value->is_bytes()) return put(scratch, value->as_string().size());
    if (is_text) {
      if (!charge(0, value->as_string().size())) return nullptr;
      return put(scratch, count_code_points(value->as_string()));
    }
  }
  if (is_text && key.position != no_position) return text_element(value->as_string(), key.position, scratch);
  return null();
}

// A cached value's age stands in a slot of its own, unless the value has a field of this name.
const Value* Evaluator::age(const Node& node, const Value* base, Value& scratch) {
  const Key* first = keys_ + node.b;
  const Value* own = base->find("age");
  return follow(own != nullptr ? own : &scope_.slots[node.c], first + 1, first + node.count, scratch);
}

const Value* Evaluator::odd_path(const Node& node, Value& scratch) {
  const Value* base = nullptr;
  switch (static_cast<Base>(node.variant)) {
    case Base::slot:
      base = &scope_.slots[node.a];
      break;
    case Base::root:
      base = &scope_.roots[node.a];
      break;
    case Base::local:
      base = locals_[node.a];
      break;
    case Base::timestamp:
      base = put(scratch, scope_.now_ms);
      break;
    case Base::uuid:
      if (scope_.random == nullptr) return fail("uuid: there is no source of random bits here");
      scratch = Value(scope_.random->uuid());
      base = &scratch;
      break;
    case Base::null:
      return null();
  }
  if (node.c != Reference::none) return age(node, base, scratch);
  const Key* first = keys_ + node.b;
  return follow(base, first, first + node.count, scratch);
}

// object[key] for a computed key.
const Value* Evaluator::element(const Value& object, const Value& key, Value& scratch) {
  if (object.is_null()) return null();
  if (key.is_integer() && !object.is_object()) {
    const std::int64_t position = key.as_integer();
    if (position < 0) return null();
    if (object.is_array()) return &object[static_cast<std::size_t>(position)];
    if (object.is_string()) return text_element(object.as_string(), static_cast<std::size_t>(position), scratch);
    return null();
  }
  if (object.is_object() && key.is_string()) {
    // A long key is hashed as a whole.
    if (key.as_string().size() >= 1024 && !charge(0, key.as_string().size())) return nullptr;
    const Value* found = object.find(key.as_string());
    return found != nullptr ? found : null();
  }
  if (key.is_container() && (!charge(0, key.byte_size()))) return nullptr;
  const Key made = make_key(key_text(key), false);
  return follow(&object, &made, &made + 1, scratch);
}

// member, index: a key of something computed, or a link of a chain with ?. .
const Value* Evaluator::link(const Node& node, Value& scratch) {
  const Value* object = eval(node.a, scratch);
  if (object == nullptr) return nullptr;
  if (node.variant != 0) {
    if (stopped_) return object;
    if (object->is_null() && (node.variant & link_optional) != 0) {
      stopped_ = true;
      return object;
    }
  }
  if (node.op == Op::member) {
    const Key* first = keys_ + node.b;
    return follow(object, first, first + node.count, scratch);
  }
  Value key_scratch;
  const bool outer = std::exchange(stopped_, false);
  const Value* key = eval(node.b, key_scratch);
  stopped_ = outer;
  return key == nullptr ? nullptr : element(*object, *key, scratch);
}

// ---- comparison

int Evaluator::equals(const Value& left, const Value& right, bool strict) {
  if (const std::uint64_t work = std::min(left.byte_size(), right.byte_size()); work >= 1024 && !charge(0, work))
    return -1;
  if (!strict && left.kind() != right.kind()) {
    if (!charge(0, std::max(left.byte_size(), right.byte_size()))) return -1;
    return loosely_equal(left, right) ? 1 : 0;
  }
  return left == right ? 1 : 0;
}

int Evaluator::contains(const Node& node, const Value& left, const Value& right) {
  if (right.is_object()) {
    if (!charge(0, left.byte_size())) return -1;
    return right.find(left.is_string() ? left.as_string() : std::string_view(key_text(left))) != nullptr ? 1 : 0;
  }
  if (!right.is_array()) {
    fail("cannot test \"in\": right operand " + quoted(node.b) + " is " + std::string(base::kind_in_words(right)) +
         ", expected a list or an object");
    return -1;
  }
  if (!charge(right.size(), 0)) return -1;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const int same = equals(left, right[i], true);
    if (same != 0) return same;
  }
  return 0;
}

// Everything but two integers.
int Evaluator::slow_compare(const Node& node, const Value& left, const Value& right) {
  if (node.op == Op::in) return contains(node, left, right);
  if (node.op >= Op::equal) {
    const bool strict = node.op == Op::strict_equal || node.op == Op::strict_not_equal;
    const bool wanted = node.op == Op::equal || node.op == Op::strict_equal;
    const int same = equals(left, right, strict);
    return same < 0 ? same : (same == 1) == wanted ? 1 : 0;
  }
  if (!charge(0, left.byte_size()) || !charge(0, right.byte_size())) return -1;
  const Order found = order(left, right);
  switch (node.op) {
    case Op::less:
      return found == Order::less ? 1 : 0;
    case Op::less_equal:
      return found == Order::less || found == Order::equal ? 1 : 0;
    case Op::greater:
      return found == Order::greater ? 1 : 0;
    default:
      return found == Order::greater || found == Order::equal ? 1 : 0;
  }
}

int Evaluator::compare(const Node& node) {
  Value left_scratch;
  const Value* left = eval(node.a, left_scratch);
  if (left == nullptr) return -1;
  Value right_scratch;
  const Value* right = eval(node.b, right_scratch);
  if (right == nullptr) return -1;
  int answer = 0;
  if (left->is_integer() && right->is_integer()) {
    if (answers(node.op, left->as_integer(), right->as_integer(), answer)) return answer;
  } else if (is_exact_double(*left) && is_exact_double(*right)) {
    if (answers(node.op, left->as_number(), right->as_number(), answer)) return answer;
  } else if (right->is_null() && node.op >= Op::equal && node.op <= Op::strict_not_equal) {
    return left->is_null() == (node.op == Op::equal || node.op == Op::strict_equal) ? 1 : 0;
  }
  return slow_compare(node, *left, *right);
}

int Evaluator::test_node(const Node& node) {
  if (node.op == Op::in || (node.op >= Op::less && node.op <= Op::strict_not_equal)) return compare(node);
  if (node.op == Op::logical_and || node.op == Op::logical_or) {
    const int left = test(node.a);
    if (left < 0 || (left == 1) == (node.op == Op::logical_or)) return left;
    return test(node.b);
  }
  if (node.op == Op::logical_not) {
    const int value = test(node.a);
    return value < 0 ? value : 1 - value;
  }
  Value scratch;
  const Value* value = node.op == Op::path       ? path(node, scratch)
                       : node.op == Op::constant ? &constants_[node.a]
                                                 : compute_node(node, scratch);
  return value == nullptr ? -1 : is_truthy(*value) ? 1 : 0;
}

// ---- arithmetic

const Value* Evaluator::join(const Value* left, const Value* right, Value& left_scratch, Value& scratch) {
  const std::uint64_t left_weight = left->byte_size();
  const std::uint64_t right_weight = right->byte_size();
  // Counted before it is built. A container's text may be some times its size, never without bound.
  if (!charge(0, left_weight) || !charge(0, right_weight) || !fits(left_weight + right_weight)) return nullptr;
  Value joined;
  if (left == &left_scratch && left->is_string()) {
    joined = std::move(left_scratch);  // the text of a chain a + b + c grows in place
  } else if (left->is_string()) {
    joined = *left;
  } else {
    joined = Value(to_text(*left));
  }
  if (right->is_string()) {
    joined.append(right->as_string());
  } else {
    joined.append(to_text(*right));
  }
  scratch = std::move(joined);
  return bounded(scratch);
}

const Value* Evaluator::slow_arithmetic(const Node& node, const Value* left, const Value* right, Value& left_scratch,
                                        Value& scratch) {
  if (node.op == Op::add && joins_text(*left, *right)) return join(left, right, left_scratch, scratch);
  if (!charge(0, left->byte_size()) || !charge(0, right->byte_size())) return nullptr;
  const auto operation = static_cast<Arithmetic>(static_cast<unsigned>(node.op) - static_cast<unsigned>(Op::add));
  Value out;
  if (!compute(operation, *left, *right, out)) {
    return fail(explain(operation, *left, *right, shown(node.a), shown(node.b)));
  }
  scratch = std::move(out);
  return &scratch;
}

const Value* Evaluator::arithmetic(const Node& node, Value& scratch) {
  Value left_scratch;
  const Value* left = eval(node.a, left_scratch);
  if (left == nullptr) return nullptr;
  Value right_scratch;
  const Value* right = eval(node.b, right_scratch);
  if (right == nullptr) return nullptr;
  if (left->is_integer() && right->is_integer()) {
    const std::int64_t a = left->as_integer();
    const std::int64_t b = right->as_integer();
    std::int64_t out = 0;
    if ((node.op == Op::add && !__builtin_add_overflow(a, b, &out)) ||
        (node.op == Op::subtract && !__builtin_sub_overflow(a, b, &out)) ||
        (node.op == Op::multiply && !__builtin_mul_overflow(a, b, &out))) {
      return put(scratch, out);
    }
  }
  return slow_arithmetic(node, left, right, left_scratch, scratch);
}

const Value* Evaluator::sign(const Node& node, Value& scratch) {
  Value operand_scratch;
  const Value* operand = eval(node.a, operand_scratch);
  if (operand == nullptr || !charge(0, operand->byte_size())) return nullptr;
  Value out;
  const bool good = node.op == Op::negate ? negate(*operand, out) : unary_plus(*operand, out);
  if (!good) return fail(explain_unary(node.op == Op::negate ? '-' : '+', *operand, shown(node.a)));
  scratch = std::move(out);
  return &scratch;
}

const Value* Evaluator::compute_node(const Node& node, Value& scratch) {
  switch (node.op) {
    case Op::constant:
      return &constants_[node.a];
    case Op::path:
      return path(node, scratch);
    case Op::member:
    case Op::index:
      return link(node, scratch);
    case Op::chain: {
      const bool outer = std::exchange(stopped_, false);
      const Value* value = eval(node.a, scratch);
      stopped_ = outer;
      return value;
    }
    case Op::call:
      return call(node, scratch);
    case Op::arrow:
    case Op::spread:
      return null();  // only where calls and lists look for them
    case Op::array:
      return array(node, scratch);
    case Op::object:
      return object(node, scratch);
    case Op::negate:
    case Op::plus:
      return sign(node, scratch);
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::remainder:
    case Op::power:
      return arithmetic(node, scratch);
    case Op::logical_not:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal:
    case Op::equal:
    case Op::not_equal:
    case Op::strict_equal:
    case Op::strict_not_equal:
    case Op::in: {
      const int answer = test_node(node);
      return answer < 0 ? nullptr : boolean(answer == 1);
    }
    case Op::logical_and:
    case Op::logical_or: {
      const Node& left_node = nodes_[node.a];
      if (left_node.op >= Op::less && left_node.op <= Op::strict_not_equal) {
        const int left = compare(left_node);
        if (left < 0) return nullptr;
        if ((left == 1) == (node.op == Op::logical_or)) return boolean(left == 1);
      } else {
        const Value* left = eval(node.a, scratch);
        if (left == nullptr || is_truthy(*left) == (node.op == Op::logical_or)) return left;
      }
      return eval(node.b, scratch);
    }
    case Op::coalesce: {
      const Value* left = eval(node.a, scratch);
      if (left == nullptr || !left->is_null()) return left;
      return eval(node.b, scratch);
    }
    case Op::conditional: {
      const int condition = test(node.a);
      if (condition < 0) return nullptr;
      return eval(condition == 1 ? node.b : node.c, scratch);
    }
  }
  return null();
}

bool fold(const Expression::Program& program, std::uint32_t number, Value& out) {
  const auto constant = [&](std::uint32_t operand) {
    return operand != no_node && program.nodes[operand].op == Op::constant;
  };
  const Node& node = program.nodes[number];
  if (node.op == Op::array || node.op == Op::object) {
    const std::size_t count = node.op == Op::object ? std::size_t{2} * node.count : node.count;
    for (std::size_t i = 0; i < count; ++i) {
      if (!constant(program.operands[node.b + i])) return false;
    }
  } else if (!constant(node.a) || (node.op >= Op::add && !constant(node.b))) {
    return false;
  }
  // Anything dear or wrong is left for the run, where it is counted or reported.
  Scope scope;
  scope.limits.value_bytes = 4096;
  scope.limits.value_depth = 16;
  scope.limits.expression_steps = 4;
  Failure error;
  Evaluator evaluator(program, scope, error);
  Value scratch;
  const Value* value = evaluator.eval(number, scratch);
  if (value == nullptr) return false;
  out = Value(*value);
  return true;
}

const Value* evaluate_borrowed(const Expression& expression, Scope& scope, Value& scratch, Failure& error) {
  if (expression.empty()) {
    scratch = Value();
    return &scratch;
  }
  error.reset();
  const Expression::Program& program = *expression.program_;
  Evaluator evaluator(program, scope, error);
  return evaluator.eval(program.root, scratch);
}

int test(const Expression& expression, Scope& scope, Failure& error) {
  if (expression.empty()) return 0;
  error.reset();
  const Expression::Program& program = *expression.program_;
  Evaluator evaluator(program, scope, error);
  return evaluator.test(program.root);
}

Result<Value> evaluate(const Expression& expression, Scope& scope) {
  Failure error;
  Value scratch;
  const Value* value = evaluate_borrowed(expression, scope, scratch, error);
  if (value == nullptr) return std::move(*error);
  if (value == &scratch) return scratch;
  return Value(*value);
}

}  // namespace fnstack::expr
