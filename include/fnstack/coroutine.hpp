// A run as something to wait for in a C++20 coroutine; opt-in, and only for compilers that don't destroy temporaries of
// a co_await twice (GCC 12 does).
//
//   fnstack::Outcome outcome = co_await fnstack::async_run(engine, program, inputs);
#pragma once

#if defined(__clang__) ? __clang_major__ < 15 : __GNUC__ < 13
#error "fnstack/coroutine.hpp needs GCC 13 or clang 15; Engine::start with a callback or a future works with older ones"
#endif

#include <atomic>
#include <coroutine>
#include <optional>
#include <utility>

#include <fnstack/engine.hpp>

namespace fnstack {

class [[nodiscard]] AsyncRun {
 public:
  AsyncRun(const Engine& engine, Program program, Value inputs, RunOptions options)
      : engine_(engine), program_(std::move(program)), inputs_(std::move(inputs)), options_(std::move(options)) {}
  AsyncRun(const AsyncRun&) = delete;
  AsyncRun& operator=(const AsyncRun&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    engine_.start(
        program_, std::move(inputs_),
        [this, waiting](Outcome outcome) {
          outcome_ = std::move(outcome);
          if (is_one_done_.exchange(true)) waiting.resume();
        },
        options_);
    // Ended already: then the coroutine just goes on, here.
    return !is_one_done_.exchange(true);
  }
  [[nodiscard]] Outcome await_resume() { return std::move(*outcome_); }

 private:
  const Engine& engine_;
  Program program_;
  Value inputs_;
  RunOptions options_;
  std::optional<Outcome> outcome_;
  // Of starting and ending: whoever is second lets the coroutine go on, and nobody touches this after it.
  std::atomic<bool> is_one_done_ = false;
};

// Starts the run when it is awaited, as Engine::start does. The coroutine goes on with the Outcome on a thread of the
// engine's loop, where it must not block, or on its own if the run is over by then. The engine outlives it.
[[nodiscard]] inline AsyncRun async_run(const Engine& engine, Program program, Value inputs = Value::object(),
                                        RunOptions options = {}) {
  return {engine, std::move(program), std::move(inputs), std::move(options)};
}

}  // namespace fnstack
