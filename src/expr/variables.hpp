// Variables: evaluates against one object of top-level names, as `fnstack eval` and tests do. Knows no
// definition. Entry points: Variables, evaluate_text.
#pragma once

#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "expr/expression.hpp"

namespace fnstack::expr {

// The members of `names` are the free names; `input` and `inputs` mean each other where only one is there;
// `timestamp`, `now` and `uuid` are built in unless a member has the name; every other name is null.
class Variables {
 public:
  explicit Variables(const Value& names);

  // Valid as long as this object.
  [[nodiscard]] Resolver resolver() const;
  // What Scope::slots wants.
  [[nodiscard]] const Value* slots() const noexcept { return slots_.data(); }

 private:
  Value names_;
  std::vector<Value> slots_;
};

// Parses, binds and evaluates one expression. A mistake in the text is an Error of type `expression` with the
// first diagnostic's message. Sets scope.slots only meanwhile.
[[nodiscard]] Result<Value> evaluate_text(std::string_view text, const Value& names, Scope& scope,
                                          bool slot_syntax = false);

}  // namespace fnstack::expr
