// Formula: an expression of the language as a C++ function, so that what a step does is said in the words that
// templates use, and done by the same code.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

#include "expr/expression.hpp"

namespace fnstack::steps {

class Formula {
 public:
  // `names` are those of the arguments, in their order. An expression that can't be read is a bug: it is null then.
  Formula(std::string_view text, std::initializer_list<std::string_view> names);

  // As many arguments as there are names.
  [[nodiscard]] Result<Value> operator()(std::span<const Value> arguments, const Limits& limits) const;

 private:
  expr::Expression expression_;
};

}  // namespace fnstack::steps
