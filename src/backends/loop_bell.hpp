// How other threads wake an event loop: a descriptor in the loop's poll set that is written to only while the loop
// sleeps. Who rings has left word somewhere before; the loop looks there after awake().
#pragma once

#include <atomic>
#include <cstdint>

namespace fnstack::backends {

class LoopBell {
 public:
  LoopBell();
  ~LoopBell();
  LoopBell(const LoopBell&) = delete;
  LoopBell& operator=(const LoopBell&) = delete;

  // Readable once it rang in the loop's sleep, until silence(). -1: there was none to be had; errno says why.
  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  // Any thread.
  void ring() noexcept;

  // All below: the loop's thread. False: it rang since awake(), so there is something to look at first.
  [[nodiscard]] bool may_sleep() noexcept;
  void awake() noexcept { state_ = State::awake; }
  void silence() noexcept;

 private:
  enum class State : std::uint8_t { awake, asleep, rung };
  std::atomic<State> state_ = State::awake;
  int fd_;
};

}  // namespace fnstack::backends
