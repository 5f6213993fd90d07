// Growing a variable in place. `all = {{[...all, x]}}`, `{{all.concat(page)}}`, `{{all|append(x)}}`, `{{text + line}}`,
// `{{all|set(key, x)}}`, `{{ {...all, [key]: x} }}` in a loop would copy all that is there with each pass, and so would
// `list.reduce((all, x) => [...all, x], [])`. Where the variable that gets the result is read at the beginning of it
// and nowhere else, what comes behind is added to the variable's own value instead, and only that is paid for. In
// `test ? [...all, x] : all` that holds for each of the two; the test may read what it likes. Entry points:
// mark_growth (when an expression is bound), expr::grow, Evaluator::grow.
//
// All operands are evaluated and checked before the variable is touched, so an error leaves it as it was.
#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "expr/evaluator.hpp"
#include "expr/functions_parts.hpp"

namespace fnstack::expr {
namespace {

constexpr std::uint8_t grows = 1;  // Node::variant of what can grow its variable, or chooses what can

bool is_marked(const Node& node) noexcept {
  const bool can_be = node.op == Op::add || node.op == Op::array || node.op == Op::object || node.op == Op::call ||
                      node.op == Op::conditional;
  return can_be && node.variant == grows;
}

// How what comes behind a variable is added to it.
enum class Growth : std::uint8_t {
  none,
  text,
  elements,
  lists,    // their elements, and what is none
  members,  // keys and values by turns
  call      // by the function that is called, which changes it in place
};

// What stands behind the variable.
struct Parts {
  Growth growth = Growth::none;
  std::uint32_t first = no_node;  // the variable's node
  std::vector<std::uint32_t> behind;
};

// These change what they are given only when nothing can fail any more.
bool sets_member(const Function& function) noexcept {
  return function.implementation == functions::object::set ||
         function.implementation == functions::object::set_conditional ||
         function.implementation == functions::object::set_if_not_null ||
         function.implementation == functions::object::set_if_not_empty;
}

Parts parts_of(const Expression::Program& program, std::uint32_t number) {
  const Node& root = program.nodes[number];
  Parts parts;
  if (root.op == Op::add) {
    // a + b + c is (a + b) + c: of a text, each joins what comes behind it.
    parts = {Growth::text, root.a, {root.b}};
    while (program.nodes[parts.first].op == Op::add) {
      const Node& left = program.nodes[parts.first];
      parts.behind.insert(parts.behind.begin(), left.b);
      parts.first = left.a;
    }
  } else if (root.op == Op::array && root.count > 1) {
    const std::uint32_t* operands = program.operands.data() + root.b;
    if (program.nodes[operands[0]].op != Op::spread) return parts;
    parts = {Growth::elements, program.nodes[operands[0]].a, {operands + 1, operands + root.count}};
  } else if (root.op == Op::object && root.count > 1) {
    const std::uint32_t* operands = program.operands.data() + root.b;
    if (operands[0] != no_node) return parts;
    parts = {Growth::members, program.nodes[operands[1]].a, {operands + 2, operands + 2 * root.count}};
  } else if (root.op == Op::call) {
    const Call& call = program.calls[root.a];
    if (call.chain != 0 || call.arguments.empty()) return parts;
    std::size_t own = 0;
    if (call.function == nullptr && call.name == "concat") {
      parts.growth = Growth::lists;
      parts.first = call.receiver;
    } else if (call.function != nullptr && call.function->name == "append" && call.arguments[0].position == 0) {
      parts.growth = Growth::elements;
      parts.first = call.arguments[0].node;
      own = 1;
    } else if (call.function != nullptr && sets_member(*call.function) && call.arguments[0].position == 0) {
      // Called as it is, whatever the order of the other arguments: they have their positions.
      if (!call.spread) parts = {Growth::call, call.arguments[0].node, {}};
      return parts;
    } else {
      return parts;
    }
    for (std::size_t i = own; i < call.arguments.size(); ++i) {
      // Named arguments may stand in any order.
      if (!call.spread && call.arguments[i].position != i + 1 - own) return {};
      if (program.nodes[call.arguments[i].node].op == Op::arrow) return {};
      parts.behind.push_back(call.arguments[i].node);
    }
    if (parts.behind.empty()) return {};
  }
  return parts;
}

// A slot, or a parameter of an arrow.
struct Variable {
  Base base = Base::null;
  std::uint32_t index = 0;
};

bool begins_with(const Node& node, Variable variable) noexcept {
  return node.op == Op::path && static_cast<Base>(node.variant) == variable.base && node.a == variable.index;
}

// Its name alone.
bool is_bare(const Expression::Program& program, std::uint32_t number, Variable variable) noexcept {
  if (number == no_node) return false;
  const Node& node = program.nodes[number];
  return begins_with(node, variable) && node.count == 0 && node.c == Reference::none;
}

// How often it is read in an expression.
std::size_t reads(const Expression::Program& program, std::uint32_t number, Variable variable) {
  if (number == no_node) return 0;
  const auto in = [&](std::uint32_t part) { return reads(program, part, variable); };
  const auto in_all = [&](std::size_t first, std::size_t count) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += in(program.operands[first + i]);
    return sum;
  };
  const Node& node = program.nodes[number];
  switch (node.op) {
    case Op::constant:
      return 0;
    case Op::path:
      return begins_with(node, variable) || (variable.base == Base::slot && node.c == variable.index) ? 1 : 0;
    case Op::call: {
      const Call& call = program.calls[node.a];
      std::size_t sum = in(call.receiver);
      for (const Argument& argument : call.arguments) sum += in(argument.node);
      return sum;
    }
    case Op::array:
      return in_all(node.b, node.count);
    case Op::object:
      return in_all(node.b, std::size_t{2} * node.count);
    case Op::member:
    case Op::chain:
    case Op::arrow:
    case Op::spread:
    case Op::negate:
    case Op::plus:
    case Op::logical_not:
      return in(node.a);
    case Op::conditional:
      return in(node.a) + in(node.b) + in(node.c);
    default:
      return in(node.a) + in(node.b);
  }
}

// Marks what can grow the variable in this expression, whose value it gets. False: nothing can.
bool mark(Expression::Program& program, std::uint32_t number, Variable variable) {
  Node& node = program.nodes[number];
  bool can = false;
  if (node.op == Op::conditional) {
    const bool can_first = mark(program, node.b, variable);
    can = mark(program, node.c, variable) || can_first;
  } else {
    can = is_bare(program, parts_of(program, number).first, variable) && reads(program, number, variable) == 1;
  }
  if (can) node.variant = grows;
  return can;
}

// The first variable that something in the expression could grow.
std::uint32_t candidate(const Expression::Program& program, std::uint32_t number) {
  const Node& node = program.nodes[number];
  if (node.op != Op::conditional) return bare_slot(program, parts_of(program, number).first);
  const std::uint32_t first = candidate(program, node.b);
  return first != Reference::none ? first : candidate(program, node.c);
}

}  // namespace

std::uint32_t mark_growth(Expression::Program& program) {
  for (const Node& node : program.nodes) {
    if (node.op == Op::arrow && node.count > 0) (void)mark(program, node.a, {Base::local, node.b});
  }
  const std::uint32_t slot = candidate(program, program.root);
  return slot != Reference::none && mark(program, program.root, {Base::slot, slot}) ? slot : Reference::none;
}

bool Evaluator::grow_object(Value& variable, std::span<const std::uint32_t> members) {
  if (!variable.is_object() || variable.keys_ignore_case()) return false;
  Value added = Value::object();
  if (!add_members(added, members)) return true;
  // With members that are replaced it may still fit: then evaluating it tells.
  if (variable.byte_size() + added.byte_size() > scope_.limits.value_bytes) return false;
  if (!charge(added.size(), 0) || !fits_depth(added.depth())) return true;
  for (std::size_t i = 0; i < added.size(); ++i) variable.set(added.key_at(i), added.take_at(i));
  return true;
}

bool Evaluator::grow_in_place(std::uint32_t number, Value& variable) {
  const Parts parts = parts_of(program_, number);
  if (parts.growth == Growth::members) return grow_object(variable, parts.behind);
  if (parts.growth == Growth::call) {
    Value unused;
    call(nodes_[number], unused, &variable);
    return true;
  }
  const bool is_text = variable.is_string();
  const bool fits_it = is_text ? nodes_[number].op != Op::array : variable.is_array() && parts.growth != Growth::text;
  if (!fits_it) return false;

  std::vector<Value> values;
  for (const std::uint32_t part : parts.behind) {
    if (nodes_[part].op == Op::spread) {
      if (!spread_into(values, part)) return true;
      continue;
    }
    values.emplace_back();
    if (!eval_into(part, values.back())) return true;
  }
  std::uint64_t size = variable.byte_size();
  std::uint64_t count = values.size();
  std::uint32_t depth = variable.depth();
  for (Value& value : values) {
    if (is_text) {
      if (value.is_bytes()) return false;
      if (!value.is_string()) value = Value(to_text(value));
      size += value.as_string().size();
    } else if (parts.growth == Growth::lists && value.is_array()) {
      size += value.byte_size() - sizeof(Value);
      count += value.size();
      depth = std::max(depth, value.depth());
    } else {
      size += value.byte_size();
      depth = std::max(depth, value.depth() + 1);
    }
  }
  const std::uint64_t added = size - variable.byte_size();
  if (!fits(size) || !charge(count, added) || !fits_depth(depth)) return true;
  for (Value& value : values) {
    if (is_text) {
      variable.append(value.as_string());
    } else if (parts.growth == Growth::lists && value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) variable.push_back(value[i]);
    } else {
      variable.push_back(std::move(value));
    }
  }
  return true;
}

bool Evaluator::grow(std::uint32_t number, Value& variable) {
  while (nodes_[number].op == Op::conditional && is_marked(nodes_[number])) {
    const int chosen = test(nodes_[number].a);
    if (chosen < 0) return false;
    number = chosen == 1 ? nodes_[number].b : nodes_[number].c;
  }
  if (is_marked(nodes_[number]) && grow_in_place(number, variable)) return error_ == nullptr;
  Value scratch;  // not the variable, which is read meanwhile
  const Value* const value = eval(number, scratch);
  if (value == nullptr) return false;
  if (value != &scratch) scratch = *value;
  variable = std::move(scratch);
  return true;
}

bool grow(const Expression& expression, Scope& scope, Value& variable, Failure& error) {
  error.reset();
  return Evaluator(*expression.program_, scope, error).grow(expression.program_->root, variable);
}

}  // namespace fnstack::expr
