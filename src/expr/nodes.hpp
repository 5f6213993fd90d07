// Nodes: what an expression is made of once parsed. A vector of 16-byte nodes that name each other by number;
// what is longer (constants, keys, calls) stands in tables beside it. Private to this folder.
//
// Paths are fused: `inputs.a.b[2]` is one node, a base and a run of keys, and is followed by pointer. Numbers
// of nodes in the comments below are indices into Program::nodes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/source.hpp>
#include <fnstack/value.hpp>

#include "base/shape.hpp"
#include "expr/expression.hpp"
#include "expr/functions.hpp"

namespace fnstack::expr {

inline constexpr std::uint32_t no_node = UINT32_MAX;
inline constexpr std::size_t no_position = SIZE_MAX;

enum class Op : std::uint8_t {
  constant,     // a: constant
  path,         // base, a: its index, b: first of `count` keys, c: age slot or Reference::none
  member,       // a: object; b: first of `count` keys
  index,        // a: object, b: key
  chain,        // a: a chain of ?. whose short circuit ends here
  call,         // a: call
  arrow,        // a: body, b: its first local, count: parameters
  spread,       // a: array or object; only within array, object and call
  array,        // b: first of `count` operands
  object,       // b: first of 2 * `count` operands, key and value by turns; a spread has no key
  negate,       // a
  plus,         // a
  logical_not,  // a
  add,          // from here on: a, b
  subtract,
  multiply,
  divide,
  remainder,
  power,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  strict_equal,
  strict_not_equal,
  in,
  logical_and,
  logical_or,
  coalesce,
  conditional  // a ? b : c
};

enum class Base : std::uint8_t { null, slot, root, timestamp, uuid, local };

// In a chain with `?.` and calls (`a?.b.trim()`), what a null stops.
enum ChainFlag : std::uint8_t {
  link_optional = 1,  // this link was written ?.
  link_stops = 2      // a link before it was
};

struct Node {
  Op op = Op::constant;
  // Base of a path, ChainFlags of member and index; elsewhere whether it grows a variable (grow.cpp)
  std::uint8_t variant = 0;
  std::uint16_t count = 0;
  std::uint32_t a = 0, b = 0, c = 0;
};
static_assert(sizeof(Node) == 16);

struct Key : base::PreparedKey {
  std::size_t position = no_position;  // if the text is a canonical array index
  bool named = false;                  // a text, not a number
};

struct Argument {
  std::uint32_t node = no_node;
  std::uint32_t position = 0;
};

struct Call {
  const Function* function = nullptr;        // null: a method
  std::array<const Function*, 8> methods{};  // by the receiver's kind
  std::string name;                          // as written
  std::uint32_t receiver = no_node;          // of a method
  std::vector<Argument> arguments;           // the receiver not among them
  std::uint32_t positions = 0;               // argument 0 to the last given one
  std::uint8_t chain = 0;                    // ChainFlags
  bool spread = false;                       // some argument is a spread: positions are counted at run time
};

// A free name at one place.
struct Name {
  std::string text;
  std::uint32_t node = no_node;     // its path
  std::uint32_t builtin = no_node;  // the constant that it means unless a variable has the name (Math.PI)
  Span span;
};

struct Expression::Program {
  // The first three constants are always null, true and false.
  std::vector<Node> nodes;
  std::vector<Span> spans;  // of the nodes, within text
  std::vector<Value> constants;
  std::vector<Key> keys;
  std::vector<std::uint32_t> operands;
  std::vector<Call> calls;
  std::vector<Name> names;
  std::string text;
  std::uint32_t offset = 0;  // of text within its literal
  std::uint32_t root = 0;
  std::uint32_t locals = 0;               // parameters of arrows that can be alive at once
  std::uint32_t grown = Reference::none;  // the slot that `grow` can add to in place

  [[nodiscard]] std::string_view source(std::uint32_t node) const {
    return std::string_view(text).substr(spans[node].begin, spans[node].end - spans[node].begin);
  }
};

inline constexpr std::uint32_t constant_null = 0, constant_true = 1, constant_false = 2;

// The slot of a node that is a variable's name alone; else Reference::none.
[[nodiscard]] std::uint32_t bare_slot(const Expression::Program& program, std::uint32_t number) noexcept;

// Finds what can grow in place, and marks it. The slot of the variable that the expression as a whole can grow; else
// none.
[[nodiscard]] std::uint32_t mark_growth(Expression::Program& program);

// A key by its text; finds its array position.
[[nodiscard]] Key make_key(std::string text, bool named);

// The value of a node whose operands are constants, if it has one. For folding.
[[nodiscard]] bool fold(const Expression::Program& program, std::uint32_t node, Value& out);

}  // namespace fnstack::expr
