// Growing a variable in place. `all = {{[...all, x]}}`, `{{all.concat(page)}}`, `{{all|append(x)}}`, `{{text + line}}`,
// `{{all|set(key, x)}}`, `{{ {...all, [key]: x} }}` in a loop would copy all that is there with each pass. Where the
// variable that gets the result is read at the beginning of it and nowhere else, what comes behind is added to the
// variable's own value instead, and only that is paid for. Entry points: find_growth (when an expression is bound),
// expr::grow.
//
// All operands are evaluated and checked before the variable is touched, so an error leaves it as it was.
#include <algorithm>
#include <utility>

#include <fnstack/json.hpp>

#include "expr/evaluator.hpp"
#include "expr/functions_parts.hpp"

namespace fnstack::expr {
namespace {

// What stands behind the variable: of `growth`, at `root`.
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

Parts parts_of(const Expression::Program& program) {
  const Node& root = program.nodes[program.root];
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

}  // namespace

std::uint32_t find_growth(const Expression::Program& program) {
  const Parts parts = parts_of(program);
  const std::uint32_t slot = bare_slot(program, parts.first);
  if (slot == Reference::none) return slot;
  const auto reads_it = [slot](const Node& node) {
    return node.op == Op::path && ((static_cast<Base>(node.variant) == Base::slot && node.a == slot) || node.c == slot);
  };
  const auto reads = std::count_if(program.nodes.begin(), program.nodes.end(), reads_it);
  return reads == 1 ? slot : Reference::none;
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

bool Evaluator::grow(Value& variable) {
  const Parts parts = parts_of(program_);
  if (parts.growth == Growth::members) return grow_object(variable, parts.behind);
  if (parts.growth == Growth::call) {
    Value unused;
    call(nodes_[program_.root], unused, &variable);
    return true;
  }
  const bool is_text = variable.is_string();
  const bool fits_it =
      is_text ? program_.nodes[program_.root].op != Op::array : variable.is_array() && parts.growth != Growth::text;
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

bool grow(const Expression& expression, Scope& scope, Value& variable, Failure& error) {
  error.reset();
  Evaluator evaluator(*expression.program_, scope, error);
  if (evaluator.grow(variable)) return error == nullptr;
  Value scratch;
  const Value* const value = evaluate_borrowed(expression, scope, scratch, error);
  if (value == nullptr) return false;
  Value result = value == &scratch ? std::move(scratch) : *value;
  variable = std::move(result);
  return true;
}

}  // namespace fnstack::expr
