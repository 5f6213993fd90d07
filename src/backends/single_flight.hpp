// One piece of work that many wait for: each gets its result, or an error of its own when its call is stopped or its
// time is over; when the last of them has gone, the work is told to stop. Entry points: Waiter::make(), Flight::join(),
// Flight::finish(). No reply is ever called with a lock held.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/error.hpp>

#include "backends/deadline_watch.hpp"

namespace fnstack::backends {

template <class T>
class Flight;

template <class T>
class Waiter : public std::enable_shared_from_this<Waiter<T>> {
 public:
  // `cancelled` and `timed_out` are what it answers by itself: at once, if its call is stopped already.
  [[nodiscard]] static std::shared_ptr<Waiter> make(Reply<T> reply, const std::stop_token& stop,
                                                    std::chrono::steady_clock::time_point deadline,
                                                    std::shared_ptr<DeadlineWatch> watch, Error cancelled,
                                                    Error timed_out) {
    auto waiter = std::shared_ptr<Waiter>(new Waiter(std::move(reply), std::move(watch)));
    const std::weak_ptr<Waiter> weak = waiter;
    if (stop.stop_possible()) {
      waiter->on_stop_.emplace(stop, [weak, error = std::move(cancelled)] {
        if (const auto self = weak.lock()) self->give_up(error);
      });
    }
    const std::uint64_t timer = waiter->watch_->add(deadline, [weak, error = std::move(timed_out)] {
      if (const auto self = weak.lock()) self->give_up(error);
    });
    const std::lock_guard lock(waiter->mutex_);
    waiter->timer_ = timer;
    return waiter;
  }

  [[nodiscard]] bool answered() const {
    const std::lock_guard lock(mutex_);
    return answered_;
  }

 private:
  friend class Flight<T>;
  Waiter(Reply<T> reply, std::shared_ptr<DeadlineWatch> watch) : reply_(std::move(reply)), watch_(std::move(watch)) {}

  // True for the one who is to answer.
  bool claim(std::shared_ptr<Flight<T>>& flight, std::uint64_t& timer) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(answered_, true)) return false;
    flight = std::move(flight_);
    timer = timer_;
    return true;
  }

  void give_up(const Error& error) {
    std::shared_ptr<Flight<T>> flight;
    std::uint64_t timer = 0;
    if (!claim(flight, timer)) return;
    watch_->cancel(timer);
    if (flight) flight->left();
    reply_(error);
  }

  void answer(Result<T> result) {
    std::shared_ptr<Flight<T>> flight;
    std::uint64_t timer = 0;
    if (!claim(flight, timer)) return;
    on_stop_.reset();  // waits for a stop that is being delivered, which then finds nothing to do
    watch_->cancel(timer);
    reply_(std::move(result));
  }

  mutable std::mutex mutex_;
  bool answered_ = false;
  std::shared_ptr<Flight<T>> flight_;
  std::uint64_t timer_ = 0;

  Reply<T> reply_;  // whoever claims it
  std::shared_ptr<DeadlineWatch> watch_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

template <class T>
class Flight : public std::enable_shared_from_this<Flight<T>> {
 public:
  enum class Join : std::uint8_t { joined, full, over };

  // `goes_on_alone`: the work is worth finishing when nobody waits any more, and is never told to stop.
  explicit Flight(bool goes_on_alone = false) : goes_on_alone_(goes_on_alone) {}

  // `over`: finished, or given up because nobody waited any more. A waiter that has its answer already joins nothing.
  [[nodiscard]] Join join(const std::shared_ptr<Waiter<T>>& waiter, std::size_t most) {
    const std::lock_guard lock(mutex_);
    if (over_) return Join::over;
    if (waiters_.size() >= most) return Join::full;
    const std::lock_guard its_lock(waiter->mutex_);
    if (waiter->answered_) return Join::joined;
    waiter->flight_ = this->shared_from_this();
    waiters_.push_back(waiter);
    ++live_;
    return Join::joined;
  }

  // The result for all who still wait.
  void finish(Result<T> result) {
    std::vector<std::shared_ptr<Waiter<T>>> waiters;
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      waiters.swap(waiters_);
    }
    for (std::size_t i = 0; i < waiters.size(); ++i) {
      if (i + 1 == waiters.size())
        waiters[i]->answer(std::move(result));
      else
        waiters[i]->answer(result);
    }
  }

  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }

 private:
  friend class Waiter<T>;
  void left() {
    {
      const std::lock_guard lock(mutex_);
      if (--live_ > 0 || over_ || goes_on_alone_) return;
      over_ = true;
    }
    stop_.request_stop();
  }

  const bool goes_on_alone_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Waiter<T>>> waiters_;  // some may have gone
  std::size_t live_ = 0;
  bool over_ = false;
  std::stop_source stop_;
};

}  // namespace fnstack::backends
