// in_quotes: how messages quote what a user wrote.
#pragma once

#include <string>
#include <string_view>

namespace fnstack::base {

// The user's words as a JSON string literal, shortened where they are long.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace fnstack::base
