// Expression: what stands between {{ and }}, parsed, bound to slots, evaluated. Entry points: parse, bind,
// evaluate. Knows nothing of steps, templates or JSON text; the table of functions is functions.hpp.
//
// Parsing leaves names open, because a name means a variable if any step of the definition sets it; `bind`
// asks a resolver once per name used. Evaluation borrows: a path into a variable is followed by pointer, and
// only a computed result is a new Value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

#include "base/text_place.hpp"

namespace fnstack::expr {

// What a free name means at run time.
struct Reference {
  enum class Kind : std::uint8_t {
    null,       // always null
    slot,       // scope.slots[index]: a variable, an input, a loop's item …
    root,       // scope.roots[index]: env, run, roots that the host supplies
    timestamp,  // scope.now_ms
    uuid        // a new one at each use
  };
  static constexpr std::uint32_t none = UINT32_MAX;
  Kind kind = Kind::null;
  std::uint32_t index = 0;
  // Set only where the name's first key was `age` and the variable is filled by a cache get: the slot that
  // holds the age, used when the value has no own `age`.
  std::uint32_t age_slot = none;
  // The resolver answered for name and first key together ("loop" + "index"): the key is consumed.
  bool consumed_key = false;
  // A step of the definition sets this name. Matters only for the language's own constants, which a variable
  // named Math or Number then hides.
  bool is_variable = false;
};

// A free name as used at one place: `first_key` is the literal key that follows it, or empty. The views belong
// to the expression. The span is the name's, in the decoded text of the literal (offset_in_literal is in it
// already), so that TextPlace::span takes it as it is.
struct NameUse {
  std::string_view name;
  std::string_view first_key;
  Span span;
};
using Resolver = std::function<Reference(const NameUse&)>;

struct Limits {
  std::uint64_t value_bytes = std::uint64_t{64} << 20;
  std::uint32_t value_depth = 128;
  std::uint32_t expression_steps = 100'000;
};

// Random bits for `uuid` and the random functions: AES-256-CTR or ChaCha20 keyed by the run's seed, position
// explicit so that it can be copied and written out with a machine.
struct Random {
  std::uint8_t seed[32] = {};
  std::uint64_t stream = 0;    // one for each strand: what it draws does not depend on the others
  std::uint64_t position = 0;  // bytes used so far, of this stream
  void fill(std::uint8_t* out, std::size_t size);
  [[nodiscard]] std::string uuid();  // version 4
};

// What an evaluation sees. One for many evaluations; `steps` counts up over all of them.
struct Scope {
  const Value* slots = nullptr;
  const Value* roots = nullptr;
  std::int64_t now_ms = 0;
  Random* random = nullptr;
  Limits limits;
  std::uint64_t steps = 0;  // arrow calls, 64 elements or 1 KiB handled: one each
};

// A compiled expression. Immutable after bind; shared by threads; copyable (shares its nodes).
class Expression {
 public:
  Expression() = default;  // null
  [[nodiscard]] bool empty() const noexcept { return program_ == nullptr; }

  // The span of the whole expression in the decoded text of its literal (offset_in_literal is in it already).
  [[nodiscard]] Span span() const noexcept;
  // If the expression is one literal (or folds to one), its value.
  [[nodiscard]] const Value* constant() const noexcept;
  // The outermost filter or call when it is one of the escaping opt-outs raw, host, path, json: its name, else "".
  [[nodiscard]] std::string_view outermost_opt_out() const noexcept;
  // The same expression without that outermost opt-out.
  [[nodiscard]] Expression without_opt_out() const;
  // If the expression is a variable alone, its slot; else Reference::none. Asked of bound ones.
  [[nodiscard]] std::uint32_t slot() const noexcept;
  // The slot of the variable that `grow` can add to in place; else Reference::none. Asked of bound ones.
  [[nodiscard]] std::uint32_t grown_slot() const noexcept;
  // The expression is `a + b` at its top (check warns of URLs and bodies glued together).
  [[nodiscard]] bool is_concatenation() const noexcept;

  struct Program;
  std::shared_ptr<const Program> program_;
};

// Counts of nodes stand in 16 bits.
inline constexpr std::int64_t most_expression_nodes = 65'535;

struct ParseOptions {
  bool slot_syntax = false;  // of condition, reducer …: every {{x}} or <<x>> inside means (x)
  // The limit of this name. More than most_expression_nodes counts as that many.
  std::int64_t expression_nodes = fnstack::Limits{}.expression_nodes;
};

// Reads `text` as one expression. `place` maps offsets of `text` (+ offset_in_literal) into the source for
// diagnostics, which are added to `diagnostics`; then the answer is empty.
[[nodiscard]] std::optional<Expression> parse(std::string_view text, std::size_t offset_in_literal,
                                              const TextPlace& place, Diagnostics& diagnostics,
                                              const ParseOptions& options = {});

// All free names, in order, each use once. What is called (`split(…)`, `Math.ceil(…)`, `now()`) is no name.
[[nodiscard]] std::vector<NameUse> free_names(const Expression& expression);

// The same expression with every free name resolved. Folds constants.
[[nodiscard]] Expression bind(const Expression& expression, const Resolver& resolve);

// The value, or an Error of type `expression` or `limit`.
[[nodiscard]] Result<Value> evaluate(const Expression& expression, Scope& scope);

// An error on its way out, for functions that answer with a pointer or a number: seldom there, and cheap while it is
// not (GCC fills a std::optional<Error> with zeros).
using Failure = std::unique_ptr<Error>;

// Without a copy: the answer points into a slot, a constant, or `scratch`. Null pointer: `error` is set.
// Valid until a slot or `scratch` changes.
[[nodiscard]] const Value* evaluate_borrowed(const Expression& expression, Scope& scope, Value& scratch,
                                             Failure& error);

// The expression's value into `variable`, the slot that grown_slot() names: in place where that can be, for the price
// of what is added. False: `error` is set, and the variable is as it was.
[[nodiscard]] bool grow(const Expression& expression, Scope& scope, Value& variable, Failure& error);

// The truthiness of its value: 1, 0, or -1 and `error` is set.
[[nodiscard]] int test(const Expression& expression, Scope& scope, Failure& error);

// JavaScript truthiness; containers are true, NaN never occurs.
[[nodiscard]] bool is_truthy(const Value& value) noexcept;

// == and === (deviation 3; null equals only null).
[[nodiscard]] bool loosely_equal(const Value& left, const Value& right);
// The arithmetic of the operators, for Math steps too: + - * / % ** with DESIGN's deviations 2 and 4.
[[nodiscard]] Result<Value> add(const Value& left, const Value& right);
[[nodiscard]] Result<Value> arithmetic(char op, const Value& left, const Value& right);  // '+' numeric only; '^' is **
// Numeric text to a number ("12", " 1.5 ", "1e3", "0x10"), integers exact; null if it is none. As in ECMAScript
// booleans are 1 and 0, and blank text is 0: who does not want that asks before.
[[nodiscard]] Value to_number(const Value& value);

}  // namespace fnstack::expr
