// What all backends share: the call that comes with a request, the reply they owe, and work on an event loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include <fnstack/error.hpp>

namespace fnstack {

// Comes with every request. Plain data; copy it if the work outlives send().
struct Call {
  std::string effect_id;  // the same for a repeat of the same effect
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::stop_token stop;     // answer soon (an error is fine) once it is requested
  std::int64_t now_ms = 0;  // the run's time, epoch milliseconds: a virtual clock may be behind it
  // The calling thread waits for this answer and for nothing else, and only the deadline ends its wait: the backend may
  // do the work on it and answer inline.
  bool may_block = false;
};

// The answer owed: move-only, callable once, inline or later, from any thread. Dropped unanswered it answers
// with an error by itself. Calling it again does nothing.
template <class T>
class Reply {
 public:
  Reply() = default;
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Reply>) explicit Reply(F&& function)
      : target_(std::make_unique<Target<std::decay_t<F>>>(std::forward<F>(function))) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept {
    if (this != &other) {
      drop();
      target_ = std::move(other.target_);
    }
    return *this;
  }
  ~Reply() { drop(); }

  void operator()(Result<T> result) {
    if (auto target = std::move(target_)) target->answer(std::move(result));
  }
  explicit operator bool() const noexcept { return target_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void answer(Result<T> result) = 0;
  };
  template <class F>
  struct Target final : Base {
    explicit Target(F callable) : function(std::move(callable)) {}
    void answer(Result<T> result) override { function(std::move(result)); }
    F function;
  };
  void drop() noexcept {
    if (auto target = std::move(target_)) {
      target->answer(make_error(error_type::network, "the backend dropped the request without an answer"));
    }
  }
  std::unique_ptr<Base> target_;
};

// What a backend does on the thread of a loop instead of one of its own. Its descriptor can stand in any poll
// set, so a host's own loop (libuv, epoll …) can drive it as well as Engine's.
class LoopWork {
 public:
  virtual ~LoopWork() = default;
  // For poll, epoll and the like: readable while turn() has something to do. The same one as long as this lives.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
  // Does all that can be done without waiting; replies are called from within. Call it when the descriptor is readable,
  // when the time that the last turn answered has come, and after requests were sent; on one thread at a time.
  // Answers when it is to be called again at the latest; max(): not before the descriptor says so.
  virtual std::chrono::steady_clock::time_point turn() = 0;
};

// A backend for one loop and the work that performs its requests: send() is for the thread that calls work->turn().
// An event loop stays on its thread; the loops of Engine::run go from caller to caller. Empty where a backend does not
// do that: its own send() then serves, with replies from other threads.
template <class Backend>
struct OnLoop {
  std::shared_ptr<Backend> backend = {};
  std::shared_ptr<LoopWork> work = {};
};

}  // namespace fnstack
