// Operand: a step's field as compiled: a constant, an expression, a template or a tree of these, and the
// contextual kinds (URL, headers, body …). Entry point: evaluate. How it is made from text: operand_compile.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

#include "base/json_schema.hpp"
#include "expr/escape.hpp"
#include "expr/expression.hpp"
#include "expr/template.hpp"

namespace fnstack::program {

// A JSON literal with holes. As deep as the definition's text, which the reader bounds.
struct Tree {
  enum class Kind : std::uint8_t { constant, text, array, object };
  struct Member;
  Kind kind = Kind::constant;
  Value constant;
  expr::Template text;
  std::vector<Tree> items;
  std::vector<Member> members;
  Value model;  // object: its keys, in order, if all of them are spelled; else null
};
struct Tree::Member {
  std::string key;
  std::optional<expr::Template> key_template;
  Tree value;
};

struct Operand {
  enum class Kind : std::uint8_t {
    constant,
    expression,  // keeps its type
    text,        // a template with text around its holes
    tree,
    url,
    headers,       // a tree whose members are header values
    headers_data,  // one expression: the map comes from data
    body,          // a text body, escaped by content type
    filter,        // a tree in effect.hpp's form
    filter_data,   // one expression: plain equality only
    filter_raw,    // one expression marked |raw: operators are allowed
    cache_key
  };
  Kind kind = Kind::constant;
  std::uint32_t slot = expr::Reference::none;   // expression: of the variable that it is, if it is no more than that
  std::uint32_t grows = expr::Reference::none;  // expression: the slot that it can grow in place
  Value constant;
  expr::Expression expression;
  std::shared_ptr<const expr::Template> text;  // text, cache_key
  std::shared_ptr<const Tree> tree;            // tree, headers, filter
  std::shared_ptr<const expr::UrlTemplate> url;
  std::shared_ptr<const expr::BodyTemplate> body;
  std::shared_ptr<const base::JsonSchema> schema;
  std::vector<std::string> spelled;  // data: the columns written in the definition; identifier: the name
};

// What url and body need from their step's other fields.
struct Surroundings {
  const Value* headers = nullptr;  // evaluated headers, or null
  const Value* query = nullptr;    // evaluated query parameters, or null
  const Limits* limits = nullptr;
};

// The value of an operand that needs no evaluation, a constant or a variable; null for any other.
[[nodiscard]] inline const Value* at_hand(const Operand& operand, const expr::Scope& scope) noexcept {
  if (operand.kind == Operand::Kind::constant) return &operand.constant;
  const bool is_variable = operand.kind == Operand::Kind::expression && operand.slot != expr::Reference::none;
  return is_variable ? scope.slots + operand.slot : nullptr;
}
// The operand's value into `out`; an Error leaves `out` unspecified.
[[nodiscard]] std::optional<Error> evaluate(const Operand& operand, expr::Scope& scope,
                                            const Surroundings& surroundings, Value& out);
// Without a copy where possible; null: `error` is set.
[[nodiscard]] const Value* borrow(const Operand& operand, expr::Scope& scope, const Surroundings& surroundings,
                                  Value& scratch, expr::Failure& error);
// Truthiness: 1, 0, or -1 and `error` is set.
[[nodiscard]] int test(const Operand& operand, expr::Scope& scope, const Surroundings& surroundings,
                       expr::Failure& error);

// A filter object as data -> effect.hpp's tree. `operators`: $gte and the like are allowed.
[[nodiscard]] Result<Value> filter_from_value(const Value& filter, bool operators);
// The canonical operator for a spelling ("$gte", ">=", "LIKE"), or empty.
[[nodiscard]] std::string_view filter_operator(std::string_view spelling);

}  // namespace fnstack::program
