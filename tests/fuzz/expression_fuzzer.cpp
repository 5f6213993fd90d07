// Any text is an expression or diagnostics, and any expression has a value or an error: no crash, no hang. The
// first byte chooses the grammar; names are all null in one evaluation and have values in the other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <fnstack/json.hpp>

#include "expr/variables.hpp"

namespace {

using namespace fnstack;

const Value& names() {
  static const Value value =
      parse_json(R"({"a":1,"b":"text 😀","c":[1,"x",null,[2]],"d":{"a":{"b":1.5},"length":2},"x":-3,"s":"","n":null})")
          .value();
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool slot_syntax = (data[0] & 1U) != 0;
  Diagnostics diagnostics;
  const std::optional<expr::Expression> parsed = expr::parse(text, 0, {}, diagnostics, {slot_syntax});
  if (parsed.has_value() == diagnostics.has_errors()) std::abort();
  if (!parsed) return 0;

  expr::Random random;
  expr::Scope scope;
  scope.random = &random;
  scope.limits.value_bytes = 1 << 20;
  scope.limits.expression_steps = 10'000;
  for (const expr::NameUse& use : expr::free_names(*parsed)) {
    if (use.name.empty()) std::abort();
  }
  const expr::Expression nothing = expr::bind(*parsed, [](const expr::NameUse&) { return expr::Reference(); });
  const Result<Value> first = expr::evaluate(nothing, scope);
  const Result<Value> second = expr::evaluate_text(text, names(), scope, slot_syntax);
  for (const Result<Value>* result : {&first, &second}) {
    if (!result->ok() && result->error().message.empty()) std::abort();
    if (result->ok() && to_json(**result).empty()) std::abort();
  }
  return 0;
}
