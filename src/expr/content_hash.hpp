// Values as members of sets.
#pragma once

#include <cstdint>
#include <unordered_set>

#include <fnstack/value.hpp>

namespace fnstack::expr {

// Values that are == hash alike: 1 and 1.0, members in any order.
[[nodiscard]] std::uint64_t content_hash(const Value& value) noexcept;

struct ContentHash {
  std::size_t operator()(const Value& value) const noexcept { return content_hash(value); }
};
using ValuesByContent = std::unordered_set<Value, ContentHash>;

}  // namespace fnstack::expr
