// The companion key: when a value was set, kept beside it for `.age`. Its content is "MILLISECONDS TAG"; the tag is of
// the value it speaks of, so a value that somebody else wrote meanwhile has no age rather than a wrong one. Both its
// name and its content stand in people's Redis: they must not change. Touches no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fnstack::backends {

// "{key}:stored_at", "key:stored_at" if the key has a brace.
[[nodiscard]] std::string companion_of(std::string_view key);
[[nodiscard]] bool is_companion(std::string_view key) noexcept;

// Short values are their own tag, "=" before them (so that a script in Redis can make one for a counter); of longer
// ones it is a hash in 16 hexadecimal digits.
[[nodiscard]] std::string companion_text(std::int64_t now_ms, std::string_view value);
// When the value was set, if the companion speaks of this value.
[[nodiscard]] std::optional<std::int64_t> stored_at(std::string_view companion_text, std::string_view value);

}  // namespace fnstack::backends
