// Slab: places for many things of one kind that come and go. Each stays at its address, and is known by a Ticket that
// nothing else ever has: one that is gone is not found any more. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace fnstack::drivers {

// Which place, and the how-manieth thing it was given to: later things have greater serials.
struct Ticket {
  std::uint32_t place = UINT32_MAX;
  std::uint64_t serial = 0;
};

template <class T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Of something that is there.
  [[nodiscard]] T& operator[](std::uint32_t place) noexcept { return slot(place).value; }
  [[nodiscard]] Ticket ticket(std::uint32_t place) noexcept { return {place, slot(place).serial}; }
  // Null once it is gone.
  [[nodiscard]] T* find(const Ticket& ticket) noexcept {
    if (ticket.place >= used_) return nullptr;
    Slot& found = slot(ticket.place);
    return found.serial == ticket.serial ? &found.value : nullptr;
  }
  template <class... Arguments>
  Ticket add(Arguments&&... arguments) {
    if (free_ == none && used_ == chunks_.size() * chunk_size) {
      chunks_.push_back(std::make_unique<Slot[]>(chunk_size));
    }
    const std::uint32_t place = free_ != none ? free_ : used_;
    Slot& found = slot(place);
    const std::uint32_t next_free = found.next_free;
    ::new (static_cast<void*>(&found.value)) T(std::forward<Arguments>(arguments)...);
    if (free_ != none) {
      free_ = next_free;
    } else {
      ++used_;
    }
    found.serial = ++last_serial_;
    ++size_;
    return {place, found.serial};
  }
  void remove(std::uint32_t place) noexcept {
    Slot& found = slot(place);
    found.serial = 0;
    found.value.~T();
    found.next_free = free_;
    free_ = place;
    if (--size_ > 0 || chunks_.size() <= 4) return;
    // After a rush the memory is given back.
    chunks_.clear();
    used_ = 0;
    free_ = none;
  }
  // Calls f(place) for each; f may not add or remove.
  template <class F>
  void for_each(F f) {
    for (std::uint32_t place = 0; place < used_; ++place) {
      if (slot(place).serial != 0) f(place);
    }
  }
  void clear() noexcept {
    for (std::uint32_t place = 0; place < used_; ++place) {
      if (slot(place).serial != 0) remove(place);
      if (used_ == 0) break;
    }
  }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t chunk_size = 16;
  struct Slot {
    Slot() noexcept {}
    ~Slot() {}                 // what is in it is removed before
    std::uint64_t serial = 0;  // 0: nothing
    union {
      T value;
      std::uint32_t next_free;
    };
  };
  [[nodiscard]] Slot& slot(std::uint32_t place) noexcept { return chunks_[place / chunk_size][place % chunk_size]; }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::uint32_t used_ = 0;  // places that were ever given away
  std::uint32_t free_ = none;
  std::size_t size_ = 0;
  std::uint64_t last_serial_ = 0;
};

}  // namespace fnstack::drivers
