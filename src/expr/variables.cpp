#include "expr/variables.hpp"

#include <utility>

namespace fnstack::expr {

Variables::Variables(const Value& names) : names_(names) {
  slots_.resize(names.size() + 1);  // never empty, so that slots() is never null
  for (std::size_t i = 0; i < names.size(); ++i) slots_[i] = names[i];
}

Resolver Variables::resolver() const {
  return [this](const NameUse& use) {
    const auto find = [&](std::string_view name) {
      for (std::size_t i = 0; names_.is_object() && i < names_.size(); ++i) {
        if (names_.key_at(i) == name) return static_cast<std::uint32_t>(i);
      }
      return Reference::none;
    };
    std::uint32_t slot = find(use.name);
    if (slot == Reference::none && use.name == "input") slot = find("inputs");
    if (slot == Reference::none && use.name == "inputs") slot = find("input");
    Reference reference;
    if (slot != Reference::none) {
      reference.kind = Reference::Kind::slot;
      reference.index = slot;
      reference.is_variable = true;
    } else if (use.name == "timestamp" || use.name == "now") {
      reference.kind = Reference::Kind::timestamp;
    } else if (use.name == "uuid") {
      reference.kind = Reference::Kind::uuid;
    }
    return reference;
  };
}

Result<Value> evaluate_text(std::string_view text, const Value& names, Scope& scope, bool slot_syntax) {
  Diagnostics diagnostics;
  const std::optional<Expression> parsed = parse(text, 0, {}, diagnostics, {slot_syntax});
  if (!parsed) {
    for (const Diagnostic& diagnostic : diagnostics.items()) {
      if (diagnostic.severity != Diagnostic::Severity::error) continue;
      return make_error(error_type::expression, diagnostic.message);
    }
    return make_error(error_type::expression, "expression: can't be read");
  }
  const Variables variables(names);
  const Expression bound = expr::bind(*parsed, variables.resolver());
  const Value* slots = std::exchange(scope.slots, variables.slots());
  Result<Value> result = evaluate(bound, scope);
  scope.slots = slots;
  return result;
}

}  // namespace fnstack::expr
