#include <fnstack/clock.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace fnstack {

namespace {

std::int64_t epoch_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override { return epoch_ms(); }
  void sleep(std::int64_t duration_ms, std::stop_token stop) override {
    if (duration_ms <= 0) return;
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    // A year is a bound of the language; the steady clock takes far more.
    woken.wait_for(lock, stop, std::chrono::milliseconds(duration_ms), [] { return false; });
  }
};

class ShiftedClock final : public Clock {
 public:
  ShiftedClock(bool runs, std::int64_t shift) : runs_(runs), shift_(shift) {}
  std::int64_t now_ms() const override { return (runs_ ? epoch_ms() : 0) + shift_.load(); }
  void sleep(std::int64_t duration_ms, std::stop_token) override { shift_ += std::max<std::int64_t>(duration_ms, 0); }

 private:
  const bool runs_;
  std::atomic<std::int64_t> shift_;
};

}  // namespace

std::shared_ptr<Clock> system_clock() {
  static const std::shared_ptr<Clock> clock = std::make_shared<SystemClock>();
  return clock;
}

std::shared_ptr<Clock> virtual_clock() { return std::make_shared<ShiftedClock>(true, 0); }
std::shared_ptr<Clock> manual_clock(std::int64_t now_ms) { return std::make_shared<ShiftedClock>(false, now_ms); }

}  // namespace fnstack
