#include "base/shape.hpp"

#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <utility>

namespace fnstack::base {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Keys come from strangers: without a secret they could be chosen to collide. The order of keys does not depend
// on it.
std::uint64_t make_secret() noexcept {
  std::uint64_t secret = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  try {
    std::random_device device;
    secret ^= std::uint64_t{device()} << 32 | device();
  } catch (...) {
    // No source of entropy: the clock and the address of a variable must do.
    secret = mix(secret, reinterpret_cast<std::uintptr_t>(&secret));
  }
  return secret | 1;
}

}  // namespace

Shape* Shape::make(bool ignore_case) { return new Shape(ignore_case); }

Shape* Shape::make_prefix(const Shape& model, std::size_t count) {
  Shape* shape = make(model.ignore_case_);
  try {
    shape->keys_.reserve(count + 1);
    for (std::size_t i = 0; i < count; ++i) shape->add(model.key(i));
  } catch (...) {
    delete shape;
    throw;
  }
  return shape;
}

Shape* Shape::own(Shape* shape) {
  if (shape->references_.load(std::memory_order_acquire) == 1) return shape;
  Shape* copy = make_prefix(*shape, shape->size());
  shape->release();
  return copy;
}

PreparedKey::PreparedKey(std::string key)
    : text(std::move(key)), start(Shape::start(text, false)), hash(Shape::hash(text, false)) {}

std::uint64_t Shape::hash(std::string_view key, bool ignore_case) noexcept {
  static const std::uint64_t secret = make_secret();
  std::uint64_t result = mix(secret ^ key.size(), 0x9e37'79b9'7f4a'7c15);
  for (std::size_t i = 0; i < key.size(); i += 8) {
    char chunk[8] = {};
    const std::size_t length = key.size() - i < 8 ? key.size() - i : 8;
    std::memcpy(chunk, key.data() + i, length);
    if (ignore_case) {
      for (char& c : chunk) c = lower(c);
    }
    std::uint64_t word = 0;
    std::memcpy(&word, chunk, 8);
    result = mix(result ^ word, secret ^ 0xa076'1d64'78bd'642f);
  }
  return result;
}

std::uint64_t Shape::start_of_folded(std::string_view key) noexcept {
  char folded[8] = {};
  const std::size_t size = key.size();
  // Of a long key the first eight bytes count, of a short one all there are.
  for (std::size_t i = 0; i < size && i < 8; ++i) folded[i] = lower(key[i]);
  return first_word(folded, size);
}

// Of keys of the same length over 8 whose starts are the same.
bool Shape::same_rest(std::string_view left, std::string_view right) const noexcept {
  if (!ignore_case_) return std::memcmp(left.data() + 8, right.data() + 8, left.size() - 8) == 0;
  for (std::size_t i = 8; i < left.size(); ++i) {
    if (lower(left[i]) != lower(right[i])) return false;
  }
  return true;
}

std::size_t Shape::find(std::string_view name) const noexcept {
  const std::uint64_t start = start_of(name);
  if (slots_.empty()) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (matches(keys_[i], start, name)) return i;
    }
    return npos;
  }
  return find_indexed(name, start, hash(name, ignore_case_));
}

std::size_t Shape::find_indexed(std::string_view name, std::uint64_t start, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t position = slots_[slot] - 1;
    if (matches(keys_[position], start, name)) return position;
  }
  return npos;
}

void Shape::index(std::size_t position) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash(key(position), ignore_case_) & mask;
  while (slots_[slot] != 0) slot = (slot + 1) & mask;
  slots_[slot] = static_cast<std::uint32_t>(position + 1);
}

void Shape::reindex(std::size_t slots) {
  std::vector<std::uint32_t> fresh(slots, 0);
  slots_.swap(fresh);
  for (std::size_t i = 0; i < keys_.size(); ++i) index(i);
}

void Shape::add(std::string_view name) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (name.size() > most - text_.size() || keys_.size() >= most / 4) throw std::bad_alloc();
  const Key entry{start_of(name), static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size())};
  // All that can throw comes before what can be seen.
  if (keys_.size() == keys_.capacity()) keys_.reserve(keys_.empty() ? 4 : keys_.size() * 2);
  const std::size_t count = keys_.size() + 1;
  if (count > scan_limit && count * 2 > slots_.size()) reindex(slots_.empty() ? scan_limit * 4 : slots_.size() * 2);
  text_.append(name);
  keys_.push_back(entry);
  if (!slots_.empty()) index(keys_.size() - 1);
}

// Without hashing all keys anew: the slots of those that probed past the removed one's move up, and the positions after
// it count one less.
void Shape::remove(std::size_t position) {
  if (!slots_.empty()) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = hash(key(position), ignore_case_) & mask;
    while (slots_[hole] != position + 1) hole = (hole + 1) & mask;
    for (std::size_t slot = (hole + 1) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
      const std::size_t home = hash(key(slots_[slot] - 1), ignore_case_) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;  // between the hole and its slot: it stays
      slots_[hole] = slots_[slot];
      hole = slot;
    }
    slots_[hole] = 0;
    for (std::uint32_t& slot : slots_) slot -= slot > position + 1 ? 1 : 0;
  }
  const Key entry = keys_[position];
  text_.erase(entry.offset, entry.length);
  keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(position));
  for (std::size_t i = position; i < keys_.size(); ++i) keys_[i].offset -= entry.length;
}

}  // namespace fnstack::base
