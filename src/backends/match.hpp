// How values compare in filters and sorting: the one meaning that every database backend keeps. Knows no table
// and no SQL; the SQL backends call it for what SQL would compare differently.
#pragma once

#include <optional>
#include <string_view>

#include <fnstack/value.hpp>

namespace fnstack::backends {

// The number whose ECMAScript text is exactly `text` ("12", "-0.5"; not "012", "+1", "1.0"), or nothing.
[[nodiscard]] std::optional<Value> number_of_text(std::string_view text);

// Numbers by size, exactly, whichever of the two kinds they are: -1, 0, 1.
[[nodiscard]] int compare_numbers(const Value& left, const Value& right) noexcept;

// Same kind and content, or a number and its text. Containers by their JSON text. Null equals nothing here.
[[nodiscard]] bool equal_in_filter(const Value& cell, const Value& wanted);

// -1, 0, 1 for two numbers, two texts (by bytes) or two booleans; nothing for any other pair.
[[nodiscard]] std::optional<int> order_in_filter(const Value& cell, const Value& wanted) noexcept;

// SQL's LIKE: % any run, _ one character, ASCII letters without case.
[[nodiscard]] bool like(std::string_view text, std::string_view pattern) noexcept;

// A text holds the text (or the number's text); an array holds an element equal in the sense above.
[[nodiscard]] bool contains(const Value& cell, const Value& wanted);

// For sorting: null, then numbers, text, booleans and the rest; each kind by its own order.
[[nodiscard]] int compare_for_sort(const Value& left, const Value& right);

}  // namespace fnstack::backends
