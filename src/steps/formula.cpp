#include "steps/formula.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace fnstack::steps {

Formula::Formula(std::string_view text, std::initializer_list<std::string_view> names) {
  Diagnostics diagnostics;
  const auto parsed = expr::parse(text, 0, TextPlace{}, diagnostics);
  if (!parsed) return;
  expression_ = expr::bind(*parsed, [&](const expr::NameUse& use) {
    expr::Reference reference;
    const auto* const found = std::find(names.begin(), names.end(), use.name);
    if (found == names.end()) return reference;
    reference.kind = expr::Reference::Kind::slot;
    reference.index = static_cast<std::uint32_t>(found - names.begin());
    return reference;
  });
}

Result<Value> Formula::operator()(std::span<const Value> arguments, const Limits& limits) const {
  expr::Scope scope;
  scope.slots = arguments.data();
  scope.limits.value_bytes = static_cast<std::uint64_t>(limits.value_bytes);
  scope.limits.value_depth = static_cast<std::uint32_t>(limits.value_depth);
  scope.limits.expression_steps = static_cast<std::uint32_t>(limits.expression_steps);
  return expr::evaluate(expression_, scope);
}

}  // namespace fnstack::steps
