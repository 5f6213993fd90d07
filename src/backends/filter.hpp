// The filter tree of a database command (effect.hpp has its grammar), read and checked once: SQL backends write it
// as text, the memory database asks it row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace re2 {
class RE2;
}

namespace fnstack::backends {

struct Filter {
  enum class Op : std::uint8_t {
    all,
    all_of,
    any_of,
    none_of,  // none_of has one part
    eq,
    ne,
    gt,
    gte,
    lt,
    lte,
    like,
    not_like,
    regex,
    not_regex,
    contains,
    not_contains,
    in,
    not_in
  };
  static constexpr std::size_t no_slot = SIZE_MAX;

  Op op = Op::all;
  // Leaves; both point into the tree that was read.
  std::string_view column;
  const Value* value = nullptr;
  std::vector<Filter> parts;
  std::shared_ptr<const re2::RE2> pattern;  // regex, not_regex
  std::size_t slot = no_slot;               // the column's place in a row; a column that isn't there reads as null
};

// The result points into `tree`. Errors are `validation`.
[[nodiscard]] Result<Filter> read_filter(const Value& tree);
[[nodiscard]] Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern);
[[nodiscard]] std::string_view name_of(Filter::Op op) noexcept;

// The columns that it names, each time it does.
void add_columns(std::vector<std::string_view>& columns, const Filter& filter);
// Leaves learn the places of their columns among the model's keys: with the same spelling, else without ASCII case.
void resolve_slots(Filter& filter, const Value& model);

// One leaf asked of one cell. With a null cell only `eq null` (and `in` with a null among its values) is true.
[[nodiscard]] bool cell_matches(Filter::Op op, const Value& cell, const Value& wanted, const re2::RE2* pattern);
// Two-valued: what is not true is false, also under none_of.
[[nodiscard]] bool row_matches(const Filter& filter, std::span<const Value> row);
[[nodiscard]] bool row_matches(const Filter& filter, const Value& row);  // an object

// What no database takes: NUL in a text, a number that is not finite. `what` begins the message: `column "name"`.
[[nodiscard]] bool storable(const Value& value) noexcept;
[[nodiscard]] Error not_storable(std::string_view what, const Value& value);

}  // namespace fnstack::backends
