// Evaluation: walks the nodes of a bound expression. Values are borrowed wherever they exist already (slots,
// roots, constants, what they hold); only what is computed is a new Value. Errors are set aside, so that the
// way without one passes nothing but pointers. Entry points: evaluate, evaluate_borrowed.
//
// Recursion is as deep as the expression, which the parser bounds (1,000 nodes).
#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include <fnstack/json.hpp>

#include "expr/arithmetic.hpp"
#include "expr/nodes.hpp"

// The way of plain paths, numbers and comparisons is kept short by hand: left alone, the compiler inlines what
// is called from one place only into it, and every evaluation pays for the registers that this needs.
#define FNSTACK_HOT [[gnu::always_inline]]
#define FNSTACK_COLD [[gnu::noinline]]

namespace fnstack::expr {
namespace {

const Value* put(Value& out, Value value) noexcept {
  out = std::move(value);
  return &out;
}

std::size_t code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// The code point at a position, or an empty view.
std::string_view code_point(std::string_view text, std::size_t position) noexcept {
  std::size_t begin = 0;
  const auto skip = [&] {
    ++begin;
    while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) ++begin;
  };
  for (; position > 0 && begin < text.size(); --position) skip();
  if (begin >= text.size()) return {};
  const std::size_t first = begin;
  skip();
  return text.substr(first, begin - first);
}

constexpr std::size_t shown_bytes = 60;

class Evaluator final {
 public:
  Evaluator(const Expression::Program& program, Scope& scope, std::optional<Error>& error)
      : nodes_(program.nodes.data()),
        constants_(program.constants.data()),
        keys_(program.keys.data()),
        slots_(scope.slots),
        program_(program),
        scope_(scope),
        error_(error),
        most_steps_(scope.steps + scope.limits.expression_steps) {
    if (program.locals > std::size(few_locals_)) {
      more_locals_ = std::make_unique<const Value*[]>(program.locals);
      locals_ = more_locals_.get();
    }
  }

  // Null: error_ is set. Paths and constants, most operands, are answered without a call.
  FNSTACK_HOT const Value* eval(std::uint32_t number, Value& scratch) {
    const Node& node = nodes_[number];
    if (node.op == Op::path) return path(node, scratch);
    if (node.op == Op::constant) return &constants_[node.a];
    return compute_node(node, scratch);
  }
  bool eval_into(std::uint32_t number, Value& target);

  // For calls.
  bool charge(std::uint64_t elements, std::uint64_t bytes);
  bool fits(std::uint64_t bytes);
  bool call_arrow(std::uint32_t number, std::span<const Value> arguments, Value& result);
  [[nodiscard]] Scope& scope() noexcept { return scope_; }
  [[nodiscard]] Error failure() { return error_ ? std::move(*error_) : make_error(error_type::expression, "failed"); }

 private:
  const Value* null() const noexcept { return &constants_[constant_null]; }
  const Value* boolean(bool value) const noexcept { return &constants_[value ? constant_true : constant_false]; }

  const Value* fail(Error error) {
    error_ = std::move(error);
    return nullptr;
  }
  const Value* fail(std::string message) { return fail(make_error(error_type::expression, std::move(message))); }
  // The source of a node, for messages: on one line, cut.
  [[nodiscard]] std::string shown(std::uint32_t number) const;
  [[nodiscard]] std::string in_quotes(std::uint32_t number) const { return '"' + shown(number) + '"'; }

  const Value* compute_node(const Node& node, Value& scratch);
  FNSTACK_HOT const Value* path(const Node& node, Value& scratch) {
    if (node.variant != static_cast<std::uint8_t>(Base::slot) || node.c != Reference::none) {
      return odd_path(node, scratch);
    }
    const Key* first = keys_ + node.b;
    return follow(&slots_[node.a], first, first + node.count, scratch);
  }
  FNSTACK_HOT const Value* follow(const Value* value, const Key* key, const Key* end, Value& scratch) {
    for (; key != end; ++key) {
      if (value->is_object()) {
        value = value->find(key->text);
        if (value == nullptr) value = null();
      } else if (value->is_array() && key->position != no_position) {
        value = &(*value)[key->position];
      } else if (value->is_null()) {
        return value;
      } else {
        value = odd_key(value, *key, scratch);
        if (value == nullptr) return nullptr;
      }
    }
    return value;
  }
  FNSTACK_COLD const Value* odd_path(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* age(const Node& node, const Value* base, Value& scratch);
  FNSTACK_COLD const Value* odd_key(const Value* value, const Key& key, Value& scratch);
  FNSTACK_COLD const Value* link(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* element(const Value& object, const Value& key, Value& scratch);
  FNSTACK_COLD const Value* text_element(std::string_view text, std::size_t position, Value& scratch);

  // Truthiness: 1, 0, or -1 for an error.
  FNSTACK_HOT int test(std::uint32_t number) {
    const Node& node = nodes_[number];
    return node.op >= Op::less && node.op <= Op::strict_not_equal ? compare(node) : test_node(node);
  }
  int test_node(const Node& node);
  int compare(const Node& node);
  FNSTACK_COLD int slow_compare(const Node& node, const Value& left, const Value& right);
  FNSTACK_COLD int equals(const Value& left, const Value& right, bool strict);
  FNSTACK_COLD int contains(const Node& node, const Value& left, const Value& right);
  FNSTACK_COLD const Value* arithmetic(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* slow_arithmetic(const Node& node, const Value* left, const Value* right,
                                            Value& left_scratch, Value& scratch);
  FNSTACK_COLD const Value* join(const Value* left, const Value* right, Value& left_scratch, Value& scratch);
  FNSTACK_COLD const Value* sign(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* array(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* object(const Node& node, Value& scratch);
  FNSTACK_COLD const Value* call(const Node& node, Value& scratch);
  bool spread_arguments(const Call& site, std::vector<Value>& values, std::vector<std::uint32_t>& arrows);
  bool spread_into(std::vector<Value>& out, std::uint32_t number);
  const Value* bounded(Value& value);

  const Node* nodes_;
  const Value* constants_;
  const Key* keys_;
  const Value* slots_;
  const Expression::Program& program_;
  Scope& scope_;
  std::optional<Error>& error_;
  std::uint64_t most_steps_;
  bool stopped_ = false;  // a null stopped the chain of ?. that is being evaluated
  const Value* few_locals_[6];
  const Value** locals_ = few_locals_;
  std::unique_ptr<const Value*[]> more_locals_;
};

// A call in progress, as the function's implementation sees it.
class CallInProgress final : public Invocation {
 public:
  CallInProgress(Evaluator& evaluator, std::string_view name, std::size_t count) : evaluator_(evaluator) {
    name_ = name;
    if (count <= few) {
      arguments_ = few_arguments_;
      given_storage_ = few_given_;
      arrows_ = few_arrows_;
    } else {
      more_arguments_.resize(count);
      more_given_ = std::make_unique<bool[]>(count);
      more_arrows_ = std::make_unique<std::uint32_t[]>(count);
      arguments_ = more_arguments_.data();
      given_storage_ = more_given_.get();
      arrows_ = more_arrows_.get();
    }
    given_ = given_storage_;
    count_ = count;
    for (std::size_t i = 0; i < count; ++i) {
      given_storage_[i] = false;
      arrows_[i] = no_node;
    }
  }

  void give_arrow(std::size_t position, std::uint32_t node) {
    arrows_[position] = node;
    given_storage_[position] = true;
  }
  Value& at(std::size_t position) noexcept {
    given_storage_[position] = true;
    return arguments_[position];
  }

  [[nodiscard]] bool is_arrow(std::size_t position) const noexcept override {
    return position < count_ && arrows_[position] != no_node;
  }
  [[nodiscard]] bool call_arrow(std::size_t position, std::span<const Value> arguments, Value& result) override {
    return evaluator_.call_arrow(arrows_[position], arguments, result);
  }
  [[nodiscard]] Error failure() override { return evaluator_.failure(); }
  [[nodiscard]] bool charge(std::uint64_t elements, std::uint64_t bytes) override {
    return evaluator_.charge(elements, bytes);
  }
  [[nodiscard]] bool fits(std::uint64_t bytes) override { return evaluator_.fits(bytes); }
  [[nodiscard]] Scope& scope() noexcept override { return evaluator_.scope(); }

 private:
  static constexpr std::size_t few = 4;
  Evaluator& evaluator_;
  bool* given_storage_ = nullptr;
  std::uint32_t* arrows_ = nullptr;
  Value few_arguments_[few];
  bool few_given_[few];
  std::uint32_t few_arrows_[few];
  std::vector<Value> more_arguments_;
  std::unique_ptr<bool[]> more_given_;
  std::unique_ptr<std::uint32_t[]> more_arrows_;
};

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
  if (value.depth() <= scope_.limits.value_depth) return &value;
  return fail(make_error(error_type::limit, "value is nested deeper than " + std::to_string(scope_.limits.value_depth) +
                                                " (limit value_depth)"));
}

std::string Evaluator::shown(std::uint32_t number) const {
  std::string out;
  std::size_t points = 0;
  for (const char c : program_.source(number)) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && ++points > shown_bytes) return out + "…";
    out.push_back(c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
  }
  return out;
}

// ---- paths

const Value* Evaluator::text_element(std::string_view text, std::size_t position, Value& scratch) {
  if (position >= text.size()) return null();
  if (!charge(0, position)) return nullptr;
  const std::string_view found = code_point(text, position);
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
      return put(scratch, code_points(value->as_string()));
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
    fail("cannot test \"in\": right operand " + in_quotes(node.b) + " is " + std::string(kind_name(right)) +
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
  if (left->is_integer() && right->is_integer()) {
    const std::int64_t a = left->as_integer();
    const std::int64_t b = right->as_integer();
    switch (node.op) {
      case Op::less:
        return a < b ? 1 : 0;
      case Op::less_equal:
        return a <= b ? 1 : 0;
      case Op::greater:
        return a > b ? 1 : 0;
      case Op::greater_equal:
        return a >= b ? 1 : 0;
      case Op::equal:
      case Op::strict_equal:
        return a == b ? 1 : 0;
      case Op::not_equal:
      case Op::strict_not_equal:
        return a != b ? 1 : 0;
      default:
        break;
    }
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

// ---- lists and objects

bool Evaluator::spread_into(std::vector<Value>& out, std::uint32_t number) {
  Value scratch;
  const Value* value = eval(nodes_[number].a, scratch);
  if (value == nullptr) return false;
  if (value->is_array()) {
    if (!charge(value->size(), 0)) return false;
    for (std::size_t i = 0; i < value->size(); ++i) out.push_back((*value)[i]);
    return true;
  }
  if (value->is_string()) {
    std::string_view text = value->as_string();
    if (!charge(text.size(), 0) || !fits(text.size() * 16)) return false;
    while (!text.empty()) {
      const std::string_view first = code_point(text, 0);
      out.emplace_back(first);
      text.remove_prefix(first.size());
    }
    return true;
  }
  fail("cannot spread: " + in_quotes(nodes_[number].a) + " is " + std::string(kind_name(*value)) +
       ", expected a list or text");
  return false;
}

const Value* Evaluator::array(const Node& node, Value& scratch) {
  std::vector<Value> elements;
  elements.reserve(node.count);
  const std::uint32_t* operands = program_.operands.data() + node.b;
  for (std::size_t i = 0; i < node.count; ++i) {
    if (nodes_[operands[i]].op == Op::spread) {
      if (!spread_into(elements, operands[i])) return nullptr;
      continue;
    }
    Value element;
    if (!eval_into(operands[i], element)) return nullptr;
    elements.push_back(std::move(element));
  }
  scratch = Value::array(std::move(elements));
  return bounded(scratch);
}

const Value* Evaluator::object(const Node& node, Value& scratch) {
  Value out = Value::object();
  const std::uint32_t* operands = program_.operands.data() + node.b;
  for (std::size_t i = 0; i < node.count; ++i) {
    const std::uint32_t key_node = operands[2 * i];
    const std::uint32_t value_node = operands[2 * i + 1];
    Value value_scratch;
    if (key_node == no_node) {  // ...object: null adds nothing, as in ECMAScript
      const Value* spread = eval(nodes_[value_node].a, value_scratch);
      if (spread == nullptr) return nullptr;
      if (!spread->is_object() && !spread->is_null()) {
        return fail("cannot spread: " + in_quotes(nodes_[value_node].a) + " is " + std::string(kind_name(*spread)) +
                    ", expected an object");
      }
      if (!charge(spread->size(), 0)) return nullptr;
      for (std::size_t k = 0; k < spread->size(); ++k) out.set(spread->key_at(k), (*spread)[k]);
      continue;
    }
    Value key_scratch;
    const Value* key = eval(key_node, key_scratch);
    if (key == nullptr || !charge(0, key->byte_size())) return nullptr;
    if (!eval_into(value_node, value_scratch)) return nullptr;
    if (key->is_string()) {
      out.set(key->as_string(), std::move(value_scratch));
    } else {
      out.set(key_text(*key), std::move(value_scratch));
    }
  }
  scratch = std::move(out);
  return bounded(scratch);
}

// ---- calls

bool Evaluator::call_arrow(std::uint32_t number, std::span<const Value> arguments, Value& result) {
  ++scope_.steps;
  if (scope_.steps > most_steps_ && !charge(0, 0)) return false;
  const Node& node = nodes_[number];
  for (std::size_t i = 0; i < node.count; ++i) {
    locals_[node.b + i] = i < arguments.size() ? &arguments[i] : null();
  }
  Value scratch;  // not `result`, which may be one of the arguments
  const Value* value = eval(node.a, scratch);
  if (value == nullptr) return false;
  if (value == &scratch) {
    result = std::move(scratch);
  } else {
    result = Value(*value);
  }
  return true;
}

// A value evaluated into `target`, which then owns it.
bool Evaluator::eval_into(std::uint32_t number, Value& target) {
  const Value* value = eval(number, target);
  if (value == nullptr) return false;
  if (value != &target) {
    Value copy = *value;  // it may be a part of what it replaces
    target = std::move(copy);
  }
  return true;
}

// All arguments of a call in which a spread makes their number known only now.
bool Evaluator::spread_arguments(const Call& site, std::vector<Value>& values, std::vector<std::uint32_t>& arrows) {
  for (const Argument& argument : site.arguments) {
    const Op op = nodes_[argument.node].op;
    if (op == Op::spread) {
      if (!spread_into(values, argument.node)) return false;
    } else {
      values.emplace_back();
      if (op != Op::arrow && !eval_into(argument.node, values.back())) return false;
    }
    arrows.resize(values.size(), no_node);
    if (op == Op::arrow) arrows.back() = argument.node;
  }
  return true;
}

const Value* Evaluator::call(const Node& node, Value& scratch) {
  const Call& site = program_.calls[node.a];
  const Function* function = site.function;
  const std::size_t first = function == nullptr ? 1 : 0;  // a method's receiver is argument 0
  Value receiver;
  if (function == nullptr) {
    if (!eval_into(site.receiver, receiver)) return nullptr;
    if (site.chain != 0) {
      if (stopped_) return null();
      if (receiver.is_null() && (site.chain & link_optional) != 0) {
        stopped_ = true;
        return null();
      }
    }
    function = site.methods[static_cast<std::size_t>(receiver.kind())];
    if (receiver.is_null() || function == nullptr) {
      std::string message = "cannot call " + site.name + "(): " + in_quotes(site.receiver) + " is ";
      message += kind_name(receiver);
      if (!receiver.is_null()) message += ", which has no such method";
      return fail(std::move(message));
    }
  }

  const bool outer = std::exchange(stopped_, false);
  std::vector<Value> values;
  std::vector<std::uint32_t> arrows;
  if (site.spread && !spread_arguments(site, values, arrows)) return nullptr;
  CallInProgress invocation(*this, site.name, site.spread ? values.size() + first : site.positions);
  if (first == 1) invocation.at(0) = std::move(receiver);
  if (site.spread) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      invocation.at(i + first) = std::move(values[i]);
      if (arrows[i] != no_node) invocation.give_arrow(i + first, arrows[i]);
    }
  } else {
    for (const Argument& argument : site.arguments) {
      if (nodes_[argument.node].op == Op::arrow) {
        invocation.give_arrow(argument.position, argument.node);
      } else if (!eval_into(argument.node, invocation.at(argument.position))) {
        return nullptr;
      }
    }
  }
  stopped_ = outer;

  Result<Value> result = function->implementation(invocation);
  if (!result.ok()) return fail(std::move(result).error());
  // A function that calls arrows without looking at their answers can't hide what they ran into.
  if (error_.has_value()) return nullptr;
  scratch = std::move(result).value();
  return bounded(scratch);
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

}  // namespace

Error Invocation::error(std::string_view message) const {
  return make_error(error_type::expression, std::string(name_) + ": " + std::string(message));
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
  std::optional<Error> error;
  Evaluator evaluator(program, scope, error);
  Value scratch;
  const Value* value = evaluator.eval(number, scratch);
  if (value == nullptr) return false;
  out = Value(*value);
  return true;
}

const Value* evaluate_borrowed(const Expression& expression, Scope& scope, Value& scratch,
                               std::optional<Error>& error) {
  if (expression.empty()) {
    scratch = Value();
    return &scratch;
  }
  error.reset();
  const Expression::Program& program = *expression.program_;
  Evaluator evaluator(program, scope, error);
  return evaluator.eval(program.root, scratch);
}

Result<Value> evaluate(const Expression& expression, Scope& scope) {
  std::optional<Error> error;
  Value scratch;
  const Value* value = evaluate_borrowed(expression, scope, scratch, error);
  if (value == nullptr) return std::move(*error);
  if (value == &scratch) return scratch;
  return Value(*value);
}

}  // namespace fnstack::expr
