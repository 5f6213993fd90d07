// suggest: the "did you mean" of every message. Knows words only. Entry point: suggest.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace fnstack {

// The candidate that `word` was probably meant to be, or nothing if none is near. Spellings that differ only in
// ASCII case, blanks, `_` and `-` are nearest; else one edit (insertion, deletion, exchange, swap of neighbours)
// is forgiven for each three characters, and at least one. The first of equally near ones wins.
[[nodiscard]] std::optional<std::string_view> suggest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace fnstack
