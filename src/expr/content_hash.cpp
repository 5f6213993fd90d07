#include "expr/content_hash.hpp"

#include <functional>
#include <string_view>

namespace fnstack::expr {
namespace {

constexpr std::uint32_t deepest = 256;

std::uint64_t mix(std::uint64_t hash, std::uint64_t more) noexcept {
  hash ^= more + 0x9E3779B97F4A7C15U + (hash << 6) + (hash >> 2);
  hash *= 0xFF51AFD7ED558CCDU;
  return hash ^ (hash >> 33);
}

// What is nested deeper than `depth` does not count: recursion is bounded.
std::uint64_t hash_within(const Value& value, std::uint32_t depth) noexcept {
  const std::hash<std::string_view> text_hash;
  switch (value.kind()) {
    case Value::Kind::null:
      return 1;
    case Value::Kind::boolean:
      return value.as_boolean() ? 3 : 2;
    case Value::Kind::integer:
    case Value::Kind::number: {
      const double number = value.as_number();
      return mix(4, std::hash<double>()(number == 0 ? 0.0 : number));
    }
    case Value::Kind::string:
      return mix(5, text_hash(value.as_string()));
    case Value::Kind::bytes:
      return mix(6, text_hash(value.as_string()));
    case Value::Kind::array: {
      std::uint64_t hash = 7;
      for (std::size_t i = 0; depth > 0 && i < value.size(); ++i) hash = mix(hash, hash_within(value[i], depth - 1));
      return hash;
    }
    case Value::Kind::object: {
      std::uint64_t sum = 8;
      for (std::size_t i = 0; depth > 0 && i < value.size(); ++i) {
        // Keys that ignore case compare so: leave them out of the hash.
        sum += mix(value.keys_ignore_case() ? 0 : text_hash(value.key_at(i)), hash_within(value[i], depth - 1));
      }
      return mix(9, value.keys_ignore_case() ? value.size() : sum);
    }
  }
  return 0;
}

}  // namespace

std::uint64_t content_hash(const Value& value) noexcept { return hash_within(value, deepest); }

}  // namespace fnstack::expr
