// suggest: the "did you mean" of every message. Knows words only. Entry points: suggest, did_you_mean.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fnstack {

// The candidate that `word` was probably meant to be, or nothing if none is near. Spellings that differ only in
// ASCII case, blanks, `_` and `-` are nearest; else one edit (insertion, deletion, exchange, swap of neighbours)
// is forgiven for each three characters, and at least one. The first of equally near ones wins.
[[nodiscard]] std::optional<std::string_view> suggest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

// How a message goes on after a word that is unknown: `; did you mean "near"?`, or nothing where nothing is near.
[[nodiscard]] std::string did_you_mean(std::optional<std::string_view> near);

}  // namespace fnstack
