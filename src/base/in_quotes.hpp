// in_quotes: how messages quote what a user wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fnstack/value.hpp>

namespace fnstack::base {

// The user's words as a JSON string literal, shortened where they are long.
[[nodiscard]] std::string in_quotes(std::string_view text);
// The value as JSON, `most` bytes of it at the most.
[[nodiscard]] std::string json_beginning(const Value& value, std::size_t most);

}  // namespace fnstack::base
