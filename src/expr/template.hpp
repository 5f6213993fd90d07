// Template: a string with holes, `text {{ expr }} text` (or << expr >>), parsed once and rendered many times.
// Entry points: parse_template, bind, render. What a hole's value may do to the text around it is decided by
// escape.hpp, which is built on the pieces here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "base/text_place.hpp"
#include "expr/expression.hpp"

namespace fnstack::expr {

struct Piece {
  std::string literal;  // if `hole` is empty
  Expression hole;      // else
  Span span;            // in the decoded text; of a hole with its braces
  // Set by bind where the hole is a variable and nothing else, the most frequent kind: no evaluation needed.
  std::uint32_t slot = Reference::none;
  std::string words;  // of a hole, for messages: as written, blanks at the edges off, cut at 60 code points
  [[nodiscard]] bool is_hole() const noexcept { return !hole.empty(); }
};

struct Template {
  std::vector<Piece> pieces;                           // no two literals in a row, none empty
  [[nodiscard]] bool is_constant() const noexcept;     // no hole
  [[nodiscard]] bool is_single_hole() const noexcept;  // exactly one hole and nothing else: keeps the value's type
};

// Does the text hold a template at all? Cheap; false for most strings. True for a << that turns out to be text.
[[nodiscard]] bool may_hold_template(std::string_view text) noexcept;

// Errors (unterminated braces, bad expressions) go to `diagnostics`; then the answer is empty. Of the options
// slot_syntax means nothing here.
[[nodiscard]] std::optional<Template> parse_template(std::string_view text, const TextPlace& place,
                                                     Diagnostics& diagnostics, const ParseOptions& options = {});
[[nodiscard]] Template bind(const Template& parsed, const Resolver& resolve);

// A single hole keeps its value's type; otherwise the text, null as nothing, containers as compact JSON. Bytes
// can't be joined with text: an error `expression`. Text longer than scope.limits.value_bytes: an error `limit`.
[[nodiscard]] Result<Value> render(const Template& bound, Scope& scope);
// The same into `out`, reusing its storage when `out` is a string of its own: for hot loops. `out` may be a slot
// that the template reads; after an error it is unchanged.
[[nodiscard]] std::optional<Error> render_into(const Template& bound, Scope& scope, Value& out);

}  // namespace fnstack::expr
