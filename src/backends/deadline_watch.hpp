// Calls functions when their time has come, on a thread of its own that starts with the first of them. For those who
// wait for an answer that somebody else asked for: nothing else would end their waiting in time.
// Entry points: add(), cancel().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace fnstack::backends {

class DeadlineWatch {
 public:
  DeadlineWatch();
  // What has not come yet never will. Waits for the function that is being called, unless it is called from there.
  ~DeadlineWatch();
  DeadlineWatch(const DeadlineWatch&) = delete;
  DeadlineWatch& operator=(const DeadlineWatch&) = delete;

  // Any thread. 0: there is no thread to be had, and nobody will be called.
  [[nodiscard]] std::uint64_t add(std::chrono::steady_clock::time_point when, std::function<void()> function);
  // It may be being called just now.
  void cancel(std::uint64_t id);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace fnstack::backends
