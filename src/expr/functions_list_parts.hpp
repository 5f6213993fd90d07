// What the functions on lists share. Not for others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expr/functions_parts.hpp"

namespace fnstack::expr::functions {

// Far above a value's greatest depth; keeps recursion bounded whatever comes.
inline constexpr std::int64_t max_depth = 256;

[[nodiscard]] Error not_an_arrow(Invocation& call);
[[nodiscard]] Error wrong_kind(Invocation& call);  // neither text nor a list

// Where `wanted` stands, looking from `from` on (counted from the end if backwards); -1 if nowhere. False: over the
// limit.
[[nodiscard]] bool position_of(Invocation& call, const Value& list, const Value& wanted, std::size_t from,
                               bool backwards, std::int64_t& found);
[[nodiscard]] Result<Value> flattened(Invocation& call, const Value& list, std::int64_t depth);
[[nodiscard]] Result<Value> part(Invocation& call, const Value& list, std::size_t begin, std::size_t end);
// Does a list hold the value, a text the text, an object the key?
[[nodiscard]] bool holds_member(const Value& holder, const Value& wanted);
// The key that a value becomes in an object.
[[nodiscard]] std::string key_text(const Value& value);
// Sorted by the arrow function at 1, (a, b) => number.
[[nodiscard]] Result<Value> sorted_by_comparator(Invocation& call, const Value& list);

}  // namespace fnstack::expr::functions
