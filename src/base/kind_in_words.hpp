// kind_in_words: how messages name the kind of a value that does not fit.
#pragma once

#include <string_view>

#include <fnstack/value.hpp>

namespace fnstack::base {

// "null", "a boolean", "a number", "text", "bytes", "a list", "an object". Never the value: it may be a secret.
[[nodiscard]] std::string_view kind_in_words(const Value& value) noexcept;

}  // namespace fnstack::base
