// Clock: where a driver takes the time from, and how it waits. A virtual one makes a wait of an hour take no
// time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <stop_token>

namespace fnstack {

class Clock {
 public:
  virtual ~Clock() = default;
  // Epoch milliseconds.
  [[nodiscard]] virtual std::int64_t now_ms() const = 0;
  // Returns after that time, or soon after a stop is requested.
  virtual void sleep(std::int64_t duration_ms, std::stop_token stop) = 0;
};

// The system's. A jump of the system's clock does not shorten or lengthen a sleep.
[[nodiscard]] std::shared_ptr<Clock> system_clock();
// Follows the system's clock, but a sleep only moves it on. Any thread.
[[nodiscard]] std::shared_ptr<Clock> virtual_clock();
// Stands still but for sleeps: for tests.
[[nodiscard]] std::shared_ptr<Clock> manual_clock(std::int64_t now_ms);

}  // namespace fnstack
