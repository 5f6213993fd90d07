#include "base/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"

namespace fnstack {
namespace {

// Names are short; whatever is longer is no misspelling of one, and the work stays bounded.
constexpr std::size_t longest = 64;

std::string folded(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c == '_' || c == '-' || c == ' ') continue;
    out.push_back(base::ascii_lower(c));
  }
  return out;
}

// Optimal string alignment distance: Levenshtein's with swaps of neighbours.
std::size_t distance(std::string_view left, std::string_view right) {
  std::array<std::array<std::size_t, longest + 1>, 3> rows{};
  for (std::size_t j = 0; j <= right.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t exchange = above[j - 1] + (left[i - 1] == right[j - 1] ? 0U : 1U);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, exchange});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        row[j] = std::min(row[j], above_that[j - 2] + 1);
      }
    }
  }
  return rows[left.size() % 3][right.size()];
}

}  // namespace

std::optional<std::string_view> suggest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > longest) return std::nullopt;
  const std::string wanted = folded(word);
  std::optional<std::string_view> best;
  // A word of one or two characters is near to everything: only its other spellings count.
  std::size_t best_distance = wanted.size() < 3 ? 1 : std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > longest) continue;
    const std::string other = folded(candidate);
    const std::size_t shorter = std::min(wanted.size(), other.size());
    if (std::max(wanted.size(), other.size()) - shorter >= best_distance) continue;
    const std::size_t edits = distance(wanted, other);
    if (edits < best_distance) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::string did_you_mean(std::optional<std::string_view> near) {
  std::string out;
  if (!near) return out;
  out = "; did you mean ";
  append_json_string(out, *near);  // whole: it is there to be copied
  return out += '?';
}

}  // namespace fnstack
