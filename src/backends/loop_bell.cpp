#include "backends/loop_bell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace fnstack::backends {

LoopBell::LoopBell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

LoopBell::~LoopBell() {
  if (fd_ >= 0) ::close(fd_);
}

void LoopBell::ring() noexcept {
  if (state_.exchange(State::rung) != State::asleep) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

bool LoopBell::may_sleep() noexcept {
  State expected = State::awake;
  return state_.compare_exchange_strong(expected, State::asleep);
}

void LoopBell::silence() noexcept {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &ignored, sizeof ignored);
}

}  // namespace fnstack::backends
