// Builder: makes the nodes of one expression, bottom up: fuses paths, folds constants, keeps the limit on
// nodes. Knows no grammar and no messages; the parser calls it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/nodes.hpp"

namespace fnstack::expr {

class Builder {
 public:
  // `max_nodes`: the limit expression_nodes.
  Builder(std::string_view text, std::size_t offset, std::int64_t max_nodes);

  std::uint32_t constant(Value value, Span span);
  // A name alone, resolved by bind.
  std::uint32_t name(std::string_view text, Span span);
  std::uint32_t base(Base base, std::uint32_t index, Span span);
  // `object.key`; a path grows by the key. `chain` nonzero: never fused.
  std::uint32_t member(std::uint32_t object, Key key, std::uint8_t chain, Span span);
  std::uint32_t index(std::uint32_t object, std::uint32_t key, std::uint8_t chain, Span span);
  std::uint32_t unary(Op op, std::uint32_t operand, Span span);
  std::uint32_t binary(Op op, std::uint32_t left, std::uint32_t right);
  std::uint32_t conditional(std::uint32_t condition, std::uint32_t yes, std::uint32_t no);
  // array: elements; object: key and value by turns.
  std::uint32_t list(Op op, std::span<const std::uint32_t> operands, Span span);
  std::uint32_t arrow(std::uint32_t body, std::uint32_t first_local, std::uint32_t parameters, Span span);
  std::uint32_t call(Call call, Span span);

  [[nodiscard]] const Node& node(std::uint32_t number) const { return program_.nodes[number]; }
  [[nodiscard]] Span span(std::uint32_t number) const { return program_.spans[number]; }
  void set_span(std::uint32_t number, Span span) { program_.spans[number] = span; }
  [[nodiscard]] const Value* constant_of(std::uint32_t number) const;
  void use_locals(std::uint32_t count) {
    if (count > program_.locals) program_.locals = count;
  }

  // There are more nodes and keys than an expression may have.
  [[nodiscard]] bool over_limit() const noexcept { return program_.nodes.size() + program_.keys.size() > max_nodes_; }
  [[nodiscard]] std::size_t max_nodes() const noexcept { return max_nodes_; }
  // How many nodes stand one within the other, at most.
  [[nodiscard]] std::uint32_t height() const noexcept { return height_; }

  [[nodiscard]] Expression finish(std::uint32_t root);

 private:
  [[nodiscard]] Node constant_node(Value value);
  // `below`: the height of the highest operand.
  std::uint32_t add(Node node, Span span, std::uint32_t below = 0);
  [[nodiscard]] std::uint32_t height_of(std::uint32_t number) const;
  std::uint32_t folded(std::uint32_t number);

  Expression::Program program_;
  std::size_t max_nodes_;
  std::vector<std::uint32_t> heights_;  // of the nodes
  std::uint32_t height_ = 0;
};

// The language's own constants: "Math.PI", "Number.MAX_SAFE_INTEGER" … Null (the pointer): there is none.
[[nodiscard]] const double* builtin_constant(std::string_view space, std::string_view name) noexcept;

}  // namespace fnstack::expr
