// Evaluator: one evaluation in progress. Its members on operators and paths are in evaluate.cpp, those that build
// lists and objects and make calls in calls.cpp, growing a variable in grow.cpp. Private to these; outside one calls
// evaluate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "base/value_node.hpp"
#include "expr/nodes.hpp"

// The way of plain paths, numbers and comparisons is kept short by hand: left alone, the compiler inlines what
// is called from one place only into it, and every evaluation pays for the registers that this needs.
#define FNSTACK_HOT [[gnu::always_inline]]
#define FNSTACK_COLD [[gnu::noinline]]

namespace fnstack::expr {

class Evaluator final {
 public:
  Evaluator(const Expression::Program& program, Scope& scope, Failure& error)
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
  // In grow.cpp: the node's value into the variable that it may grow. False: error_ is set, and it is as it was.
  bool grow(std::uint32_t number, Value& variable);
  // Truthiness: 1, 0, or -1 for an error.
  FNSTACK_HOT int test(std::uint32_t number) {
    const Node& node = nodes_[number];
    return node.op >= Op::less && node.op <= Op::strict_not_equal ? compare(node) : test_node(node);
  }

  // For calls.
  bool charge(std::uint64_t elements, std::uint64_t bytes);
  bool fits(std::uint64_t bytes);
  bool fits_depth(std::uint64_t depth);
  bool call_arrow(std::uint32_t number, std::span<const Value> arguments, Value& result);
  bool fold_arrow(std::uint32_t number, Value& total, std::span<const Value> more);
  [[nodiscard]] Scope& scope() noexcept { return scope_; }
  [[nodiscard]] Error failure() { return error_ ? std::move(*error_) : make_error(error_type::expression, "failed"); }

 private:
  const Value* null() const noexcept { return &constants_[constant_null]; }
  const Value* boolean(bool value) const noexcept { return &constants_[value ? constant_true : constant_false]; }

  const Value* fail(Error error) {
    error_ = std::make_unique<Error>(std::move(error));
    return nullptr;
  }
  const Value* fail(std::string message) { return fail(make_error(error_type::expression, std::move(message))); }
  // The source of a node, for messages: on one line, cut.
  [[nodiscard]] std::string shown(std::uint32_t number) const;
  [[nodiscard]] std::string quoted(std::uint32_t number) const { return '"' + shown(number) + '"'; }

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
        value = Value::Access::find(*value, *key);
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
  // Nodes of keys and values by turns; those of a spread have no key.
  bool add_members(Value& out, std::span<const std::uint32_t> members);
  // What follows answers false if the variable can't grow so, and nothing happened; else it did, or error_ is set.
  bool grow_in_place(std::uint32_t number, Value& variable);
  bool grow_object(Value& variable, std::span<const std::uint32_t> members);
  // `own`: a variable that is argument 0 and gets the result; it stays as it was on an error.
  FNSTACK_COLD const Value* call(const Node& node, Value& scratch, Value* own = nullptr);
  bool spread_arguments(const Call& site, std::vector<Value>& values, std::vector<std::uint32_t>& arrows);
  bool spread_into(std::vector<Value>& out, std::uint32_t number);
  const Value* bounded(Value& value);

  const Node* nodes_;
  const Value* constants_;
  const Key* keys_;
  const Value* slots_;
  const Expression::Program& program_;
  Scope& scope_;
  Failure& error_;
  std::uint64_t most_steps_;
  bool stopped_ = false;  // a null stopped the chain of ?. that is being evaluated
  const Value* few_locals_[6];
  const Value** locals_ = few_locals_;
  std::unique_ptr<const Value*[]> more_locals_;
};

}  // namespace fnstack::expr

#undef FNSTACK_HOT
#undef FNSTACK_COLD
