// EventLoop: many runs on a few threads, each with a RunLoop and connections of its own. Threads are started as runs
// come: another one only when all there are have something to do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <fnstack/driver.hpp>

#include "drivers/run_loop.hpp"

namespace fnstack::drivers {

struct EventLoopOptions {
  Backends backends = {};            // start_run is not used
  const SecretMask* mask = nullptr;  // applied to what observers are told
  std::size_t threads = 0;           // 0: one for each core; one anyway with a clock that is not the system's
  std::size_t max_runs = 1'000'000;
  std::size_t max_effects = 8'000;
  std::function<Result<Value>(const Program&, StartRun)> start_run = {};
  // Kept alive by the threads: what the backends and functions above refer to.
  std::weak_ptr<void> owner = {};
};

// Is this a thread of any event loop? Then nothing may be waited for here.
[[nodiscard]] bool is_loop_thread() noexcept;

class EventLoop final : public std::enable_shared_from_this<EventLoop> {
 public:
  explicit EventLoop(EventLoopOptions options);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // ---- any thread
  // Null, or why the run can't be taken; then its on_done is still the caller's to call.
  [[nodiscard]] std::optional<Outcome> try_start(NewRun& run);
  // What can't be taken is answered here and now.
  void start(NewRun run);
  // Cancels what was started before.
  void cancel_all();
  // Until no run is left and no on_done is being called. False, at once, on a thread of an event loop.
  bool drain();
  // Cancels all, waits for their ends and ends the threads. On one of its own threads it only sees to it that this will
  // happen.
  void shut_down();

 private:
  struct Worker final : RunLoopHost {
    explicit Worker(EventLoop& all) : loop(all) {}
    Result<Value> start_run(const Program& program, StartRun start) override;
    void run_ending() override;
    void run_ended() override { loop.run_ended(); }
    [[nodiscard]] bool is_stopping() const override { return loop.is_stopping_; }

    EventLoop& loop;
    std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();
    std::atomic<std::size_t> runs = 0;
    std::atomic<bool> is_over = false;  // ends as soon as no run is left
    std::thread thread;
  };

  [[nodiscard]] Worker* choose();
  // One more, if the system has what it takes.
  [[nodiscard]] Worker* add_worker();
  void work(Worker& worker);
  void run_ended();
  static thread_local Worker* own_worker;

  const EventLoopOptions options_;
  const std::size_t threads_;
  std::atomic<std::size_t> runs_ = 0;  // under way
  std::atomic<std::size_t> open_ = 0;  // the same, and those whose on_done is being called
  std::atomic<bool> is_stopping_ = false;

  std::vector<std::unique_ptr<Worker>> workers_;  // as many places as there may be
  std::atomic<std::size_t> started_ = 0;          // of them
  std::mutex mutex_;                              // of adding one, and of waiting until open_ is 0
  std::condition_variable ended_;
  std::atomic<std::size_t> waiting_ = 0;  // for that
  std::shared_ptr<Database> database_;    // for all loops; with the first one
};

// Calls it, if there is one to call; what it throws is its own failure.
void call_on_done(std::function<void(Outcome)>& on_done, Outcome outcome) noexcept;

}  // namespace fnstack::drivers
