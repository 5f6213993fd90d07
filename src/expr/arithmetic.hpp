// Arithmetic and comparison between values, as ECMAScript does it with this language's deviations: what the
// operators share with each other and with Math steps. Knows no expressions: operands have at most a name for
// messages. Entry points: compute, explain, order, loosely_equal (in expression.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "expr/expression.hpp"

namespace fnstack::expr {

enum class Arithmetic : std::uint8_t { add, subtract, multiply, divide, remainder, power };

// Numbers only (text and booleans are read as numbers). False: there is no answer, and explain says why.
[[nodiscard]] bool compute(Arithmetic operation, const Value& left, const Value& right, Value& out);
// Why compute, negation or reading as a number failed. `left` and `right` are the operands' source text, or empty.
[[nodiscard]] Error explain(Arithmetic operation, const Value& left, const Value& right, std::string_view left_text,
                            std::string_view right_text);
[[nodiscard]] Error explain_unary(char sign, const Value& operand, std::string_view text);
// -x and +x. False: explain_unary says why.
[[nodiscard]] bool negate(const Value& operand, Value& out);
[[nodiscard]] bool unary_plus(const Value& operand, Value& out);

// + joins texts if either operand is one of these: text, bytes, an array, an object.
[[nodiscard]] bool joins_text(const Value& left, const Value& right) noexcept;

enum class Order : std::uint8_t { less, equal, greater, none };  // none: null or no number is among them
[[nodiscard]] Order order(const Value& left, const Value& right);

// The key that a value is between brackets, and the text that `+` joins: null is "null" here.
[[nodiscard]] std::string key_text(const Value& value);

}  // namespace fnstack::expr
