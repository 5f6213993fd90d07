#include "expr/builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

namespace fnstack::expr {
namespace {

struct BuiltinConstant {
  std::string_view space, name;
  double value;
};
constexpr BuiltinConstant builtin_constants[] = {
    {"Math", "PI", 3.141592653589793},
    {"Math", "E", 2.718281828459045},
    {"Math", "LN2", 0.6931471805599453},
    {"Math", "LN10", 2.302585092994046},
    {"Math", "LOG2E", 1.4426950408889634},
    {"Math", "LOG10E", 0.4342944819032518},
    {"Math", "SQRT2", 1.4142135623730951},
    {"Math", "SQRT1_2", 0.7071067811865476},
    {"Number", "MAX_SAFE_INTEGER", 9007199254740991.0},
    {"Number", "MIN_SAFE_INTEGER", -9007199254740991.0},
    {"Number", "EPSILON", std::numeric_limits<double>::epsilon()},
    {"Number", "MAX_VALUE", std::numeric_limits<double>::max()},
    {"Number", "MIN_VALUE", std::numeric_limits<double>::denorm_min()},
};

bool is_foldable(Op op) noexcept {
  return op == Op::array || op == Op::object || (op >= Op::negate && op <= Op::coalesce);
}

}  // namespace

const double* builtin_constant(std::string_view space, std::string_view name) noexcept {
  for (const BuiltinConstant& constant : builtin_constants) {
    if (constant.space == space && constant.name == name) return &constant.value;
  }
  return nullptr;
}

Key make_key(std::string text, bool named) {
  Key key;
  const bool digits = !text.empty() && text.size() <= 15 && text.find_first_not_of("0123456789") == text.npos;
  if (digits && (text.size() == 1 || text[0] != '0')) {
    key.position = 0;
    for (const char c : text) key.position = key.position * 10 + static_cast<std::size_t>(c - '0');
  }
  static_cast<base::PreparedKey&>(key) = base::PreparedKey(std::move(text));
  key.named = named;
  return key;
}

Builder::Builder(std::string_view text, std::size_t offset, std::int64_t max_nodes)
    : max_nodes_(static_cast<std::size_t>(std::clamp<std::int64_t>(max_nodes, 1, most_expression_nodes))) {
  program_.text = text;
  program_.offset = static_cast<std::uint32_t>(offset);
  program_.constants = {Value(), Value(true), Value(false)};
}

std::uint32_t Builder::height_of(std::uint32_t number) const { return number == no_node ? 0 : heights_[number]; }

std::uint32_t Builder::add(Node node, Span span, std::uint32_t below) {
  program_.nodes.push_back(node);
  program_.spans.push_back(span);
  heights_.push_back(below + 1);
  height_ = std::max(height_, below + 1);
  return static_cast<std::uint32_t>(program_.nodes.size() - 1);
}

std::uint32_t Builder::constant(Value value, Span span) { return add(constant_node(std::move(value)), span); }

Node Builder::constant_node(Value value) {
  std::uint32_t number = constant_null;
  if (value.is_boolean()) {
    number = value.as_boolean() ? constant_true : constant_false;
  } else if (!value.is_null()) {
    number = static_cast<std::uint32_t>(program_.constants.size());
    program_.constants.push_back(std::move(value));
  }
  return {Op::constant, 0, 0, number, 0, 0};
}

std::uint32_t Builder::base(Base base, std::uint32_t index, Span span) {
  return add({Op::path, static_cast<std::uint8_t>(base), 0, index, 0, Reference::none}, span);
}

std::uint32_t Builder::name(std::string_view text, Span span) {
  const std::uint32_t number = base(Base::null, 0, span);
  Name name;
  name.text = text;
  name.node = number;
  name.span = span;
  program_.names.push_back(std::move(name));
  return number;
}

std::uint32_t Builder::member(std::uint32_t object, Key key, std::uint8_t chain, Span span) {
  const auto first = static_cast<std::uint32_t>(program_.keys.size());
  const Node target = program_.nodes[object];
  const bool is_run = target.op == Op::path || (target.op == Op::member && target.variant == 0);
  if (chain == 0 && is_run && (target.count == 0 || target.b + target.count == first)) {
    Node& grown = program_.nodes[object];
    if (grown.count == 0) {
      grown.b = first;
      if (!program_.names.empty() && program_.names.back().node == object) {
        const Name& name = program_.names.back();
        if (const double* value = builtin_constant(name.text, key.text)) {
          const bool safe = std::fabs(*value) <= 9007199254740991.0 && *value == std::trunc(*value);
          const std::uint32_t number = constant(safe ? Value(static_cast<std::int64_t>(*value)) : Value(*value), span);
          program_.names.back().builtin = number;
        }
      }
    }
    Node& again = program_.nodes[object];  // constant may have moved the nodes
    again.count = static_cast<std::uint16_t>(again.count + 1);
    program_.keys.push_back(std::move(key));
    program_.spans[object] = span;
    return object;
  }
  program_.keys.push_back(std::move(key));
  return add({Op::member, chain, 1, object, first, 0}, span, height_of(object));
}

std::uint32_t Builder::index(std::uint32_t object, std::uint32_t key, std::uint8_t chain, Span span) {
  return add({Op::index, chain, 0, object, key, 0}, span, std::max(height_of(object), height_of(key)));
}

std::uint32_t Builder::folded(std::uint32_t number) {
  Value value;
  if (!is_foldable(program_.nodes[number].op) || !fold(program_, number, value)) return number;
  program_.nodes[number] = constant_node(std::move(value));  // in its place
  heights_[number] = 1;
  return number;
}

std::uint32_t Builder::unary(Op op, std::uint32_t operand, Span span) {
  return folded(add({op, 0, 0, operand, 0, 0}, span, height_of(operand)));
}

std::uint32_t Builder::binary(Op op, std::uint32_t left, std::uint32_t right) {
  const std::uint32_t below = std::max(height_of(left), height_of(right));
  return folded(add({op, 0, 0, left, right, 0}, {span(left).begin, span(right).end}, below));
}

std::uint32_t Builder::conditional(std::uint32_t condition, std::uint32_t yes, std::uint32_t no) {
  const std::uint32_t below = std::max({height_of(condition), height_of(yes), height_of(no)});
  return add({Op::conditional, 0, 0, condition, yes, no}, {span(condition).begin, span(no).end}, below);
}

std::uint32_t Builder::list(Op op, std::span<const std::uint32_t> operands, Span span) {
  const auto first = static_cast<std::uint32_t>(program_.operands.size());
  program_.operands.insert(program_.operands.end(), operands.begin(), operands.end());
  const std::size_t count = op == Op::object ? operands.size() / 2 : operands.size();
  std::uint32_t below = 0;
  for (const std::uint32_t operand : operands) below = std::max(below, height_of(operand));
  return folded(add({op, 0, static_cast<std::uint16_t>(count), 0, first, 0}, span, below));
}

std::uint32_t Builder::arrow(std::uint32_t body, std::uint32_t first_local, std::uint32_t parameters, Span span) {
  use_locals(first_local + parameters);
  return add({Op::arrow, 0, static_cast<std::uint16_t>(parameters), body, first_local, 0}, span, height_of(body));
}

std::uint32_t Builder::call(Call call, Span span) {
  std::uint32_t below = height_of(call.receiver);
  for (const Argument& argument : call.arguments) below = std::max(below, height_of(argument.node));
  program_.calls.push_back(std::move(call));
  return add({Op::call, 0, 0, static_cast<std::uint32_t>(program_.calls.size() - 1), 0, 0}, span, below);
}

const Value* Builder::constant_of(std::uint32_t number) const {
  const Node& node = program_.nodes[number];
  return node.op == Op::constant ? &program_.constants[node.a] : nullptr;
}

Expression Builder::finish(std::uint32_t root) {
  program_.root = root;
  Expression expression;
  expression.program_ = std::make_shared<const Expression::Program>(std::move(program_));
  return expression;
}

}  // namespace fnstack::expr
