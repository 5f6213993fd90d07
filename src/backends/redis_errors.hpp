// What Redis answers instead of a result, in words of ours. Its own text is repeated only where it can't hold a value.
#pragma once

#include <string>
#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack::backends {

// `text` as it came: "OOM command not allowed …". `doing`: "get", "AUTH".
[[nodiscard]] Error redis_refusal(std::string_view text, std::string_view doing);
// The first word of the text if it is a code, such as WRONGTYPE. In the text of a script's failure, the code within.
[[nodiscard]] std::string_view redis_error_code(std::string_view text) noexcept;

}  // namespace fnstack::backends
