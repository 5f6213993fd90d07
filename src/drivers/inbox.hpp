// Inbox: where answers, new runs and cancellations arrive for a RunLoop, from any thread. What comes from the loop's
// own thread takes no lock. Shared with those who may still answer when the loop is gone: then it drops what comes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

#include <fnstack/driver.hpp>

#include "drivers/slab.hpp"

namespace fnstack::drivers {

using SteadyTime = std::chrono::steady_clock::time_point;

// A run as it is handed to a loop.
struct NewRun {
  std::optional<Machine> machine = {};
  std::function<Machine()> make_machine = {};  // instead of `machine`: of a run that begins later, called then
  std::int64_t delay_ms = 0;                   // after which it begins, by the runs' clock
  std::function<void(Outcome)> on_done = {};   // may be empty
  Machine* give_back = nullptr;                // where the machine goes when it has ended
  std::stop_token stop = {};
  SteadyTime began = std::chrono::steady_clock::now();
  std::int64_t timeout_ms = 0;  // 0: none
  std::int64_t wall_s = 0;      // 0: none
};

// Backends whose commands are counted.
enum class Counted : std::uint8_t { http, cache, database, nothing };

struct Answer {
  Ticket effect;
  Counted counted = Counted::nothing;
  EffectResult result;
};
struct CancelOne {
  Ticket run;
};
struct CancelAll {};
using Message = std::variant<Answer, NewRun, CancelOne, CancelAll>;

class Inbox {
 public:
  Inbox() = default;
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // For a loop that sleeps in poll: a descriptor that is readable when it is to wake up. False: there is none left.
  [[nodiscard]] bool open_descriptor() noexcept;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  // ---- any thread
  void post(Message message);
  void post_as_stranger(Message message);  // behind all that was posted before, whoever posted it
  void wake();

  // ---- the loop's thread
  // While one of these lives, its thread is the loop's.
  class OnThread {
   public:
    explicit OnThread(const Inbox& inbox) noexcept;
    ~OnThread();
    OnThread(const OnThread&) = delete;
    OnThread& operator=(const OnThread&) = delete;

   private:
    const Inbox* before_;
  };
  [[nodiscard]] bool has_any() const noexcept { return !own_.empty() || has_strange_.load(std::memory_order_acquire); }
  // All that has arrived, into an empty list.
  void take(std::vector<Message>& messages);
  // Empties it; what a rush took is given back.
  static void clear(std::vector<Message>& messages);
  // Until something arrives or wake() is called, and not beyond that time.
  void wait_until(SteadyTime end);
  // The same in two parts, for a loop that sleeps in poll: false if there is something already.
  [[nodiscard]] bool begin_sleep();
  void end_sleep(bool is_woken);
  // The same for a clock that sleeps: the token is asked to stop.
  [[nodiscard]] bool begin_sleep(std::stop_source stop);
  // From now on everything is dropped.
  void close() noexcept;

 private:
  void wake_locked();

  std::vector<Message> own_;
  std::atomic<bool> has_strange_ = false;
  std::atomic<bool> closed_ = false;

  std::mutex mutex_;  // of what follows
  std::vector<Message> strange_;
  bool woken_ = false;
  bool sleeping_ = false;
  std::optional<std::stop_source> clock_;  // of the clock that the loop sleeps by
  std::condition_variable arrived_;
  int descriptor_ = -1;
};

// A reply that arrives there, for drivers/perform.hpp.
struct InboxReplies {
  const std::shared_ptr<Inbox>& inbox;
  Ticket effect;
  Counted counted;

  template <class T>
  Reply<T> operator()(std::type_identity<T>) const {
    return Reply<T>([to = inbox, effect = effect, counted = counted](Result<T> result) {
      if (result.ok()) {
        to->post(Answer{effect, counted, EffectReply(std::move(*result))});
      } else {
        to->post(Answer{effect, counted, std::move(result).error()});
      }
    });
  }
};

}  // namespace fnstack::drivers
