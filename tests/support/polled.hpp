// A backend's work on an event loop, driven by a little loop of poll(2), so that the suites written for any thread can
// ask it too. Entry points: in_form(), turn_until().
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fnstack/cache.hpp>
#include <fnstack/http.hpp>

namespace fnstack_test {

// Waits as a driver does: until the descriptor is readable or the time has come, at most so long.
inline void wait_for_work(const fnstack::LoopWork& work, std::chrono::steady_clock::time_point until,
                          int other_descriptor = -1) {
  using namespace std::chrono;
  const auto now = steady_clock::now();
  const auto left = until <= now ? milliseconds(0) : ceil<milliseconds>(std::min(until - now, nanoseconds(minutes(1))));
  pollfd polled[] = {{work.descriptor(), POLLIN, 0}, {other_descriptor, POLLIN, 0}};
  ::poll(polled, 2, static_cast<int>(left.count()));
}

// Drives the work on this thread until something holds. False: not within a minute. What does not come about by the
// work itself is looked for every 10 ms, with `elsewhere`.
template <class Condition>
bool turn_until(fnstack::LoopWork& work, Condition holds, bool elsewhere = false) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    auto next = work.turn();
    if (elsewhere) next = std::min(next, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
    if (!holds()) wait_for_work(work, next);
  }
  return true;
}

inline bool is_readable(const fnstack::LoopWork& work) {
  pollfd polled{work.descriptor(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

template <class Backend, class Request, class Answer>
class Polled final : public Backend {
 public:
  explicit Polled(fnstack::OnLoop<Backend> on_loop) : shared_(std::make_shared<Shared>()) {
    thread_ = std::thread([shared = shared_, on_loop = std::move(on_loop)]() mutable {
      run(*shared, *on_loop.backend, *on_loop.work);
      on_loop = {};
    });
  }
  ~Polled() override {
    shared_->tell([&] { shared_->over = true; });
    if (thread_.get_id() == std::this_thread::get_id())
      thread_.detach();
    else
      thread_.join();
  }

  void send(Request request, const fnstack::Call& call, fnstack::Reply<Answer> reply) override {
    shared_->tell([&] { shared_->asked.push_back({std::move(request), call, std::move(reply)}); });
  }

 private:
  struct Asked {
    Request request;
    fnstack::Call call;
    fnstack::Reply<Answer> reply;
  };
  struct Shared {
    std::mutex mutex;
    std::vector<Asked> asked;
    bool over = false;
    const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    ~Shared() { ::close(bell); }
    template <class Change>
    void tell(Change change) {
      const std::lock_guard lock(mutex);
      change();
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(bell, &one, sizeof one);
    }
  };

  static void run(Shared& shared, Backend& backend, fnstack::LoopWork& work) {
    auto next = std::chrono::steady_clock::time_point::max();
    while (true) {
      wait_for_work(work, next, shared.bell);
      std::vector<Asked> asked;
      bool over = false;
      {
        const std::lock_guard lock(shared.mutex);
        over = shared.over;
        std::uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t got = ::read(shared.bell, &ignored, sizeof ignored);
        asked.swap(shared.asked);
      }
      for (Asked& one : asked) backend.send(std::move(one.request), one.call, std::move(one.reply));
      if (over) return;
      next = work.turn();
    }
  }

  const std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

using PolledHttp = Polled<fnstack::HttpClient, fnstack::HttpRequest, fnstack::HttpResponse>;
using PolledCache = Polled<fnstack::Cache, fnstack::CacheCommand, fnstack::Value>;

// The form that the test program was started for: with FNSTACK_TEST_ON_LOOP in its environment the backend's work on a
// loop, where there is any, else the backend itself.
template <class Backend>
std::shared_ptr<Backend> in_form(std::shared_ptr<Backend> backend) {
  if (std::getenv("FNSTACK_TEST_ON_LOOP") == nullptr) return backend;
  auto on_loop = backend->on_loop();
  if (!on_loop.work) return backend;
  if constexpr (std::is_same_v<Backend, fnstack::HttpClient>)
    return std::make_shared<PolledHttp>(std::move(on_loop));
  else
    return std::make_shared<PolledCache>(std::move(on_loop));
}

}  // namespace fnstack_test
