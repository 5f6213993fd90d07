// A thread around a loop that works on one thread only, for requests that come from any. It does nothing but hand them
// over and let the loop wait. Entry points: send(), stop().
#pragma once

#include <pthread.h>

#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fnstack/error.hpp>

namespace fnstack::backends {

// Signals are the host's: threads made meanwhile inherit an empty set, and so do those that they make.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

// A Loop has: Job, what send() takes, movable; send(Job), wait_and_turn() and all its callbacks on the thread;
// wake() from anywhere; static refuse(Job, Error), start_failure(why) and shut_down_error(). Its destructor answers
// what is outstanding.
template <class Loop>
class LoopThread final : public std::enable_shared_from_this<LoopThread<Loop>> {
 public:
  using Job = typename Loop::Job;
  using Open = std::function<Result<std::shared_ptr<Loop>>()>;

  // `name` is the thread's, at most 15 characters; `open` is called with the first request, on its sender's thread.
  LoopThread(const char* name, Open open) : name_(name), open_(std::move(open)) {}

  // Any thread. Starts the thread if there is none yet.
  void send(Job job) {
    std::optional<Error> error;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_)
        error = Loop::shut_down_error();
      else if (!thread_.joinable())
        error = start();
      if (!error) {
        incoming_.push_back(std::move(job));
        loop_->wake();
        return;
      }
    }
    Loop::refuse(std::move(job), std::move(*error));
  }

  // Answers what is outstanding and ends the thread; waits for it unless called on it, from within a reply.
  void stop() {
    std::thread thread;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (loop_) loop_->wake();
      thread = std::move(thread_);
    }
    if (!thread.joinable()) return;
    if (thread.get_id() == std::this_thread::get_id())
      thread.detach();  // it holds this object until it is done
    else
      thread.join();
  }

 private:
  std::optional<Error> start() {
    if (!loop_) {
      auto loop = open_();
      if (!loop) return std::move(loop).error();
      loop_ = std::move(loop).value();
    }
    const WithoutSignals without;
    try {
      thread_ = std::thread([self = this->shared_from_this()] { self->run(); });
    } catch (const std::system_error& failure) {
      return Loop::start_failure(failure.code().message());
    }
    return std::nullopt;
  }

  void run() {
    pthread_setname_np(pthread_self(), name_);
    std::vector<Job> jobs;
    while (take(jobs)) {
      for (Job& job : jobs) loop_->send(std::move(job));
      jobs.clear();
      loop_->wait_and_turn();
    }
    std::shared_ptr<Loop> loop;
    {
      const std::lock_guard lock(mutex_);
      loop.swap(loop_);
      jobs.swap(incoming_);
    }
    loop.reset();
    for (Job& job : jobs) Loop::refuse(std::move(job), Loop::shut_down_error());
  }

  bool take(std::vector<Job>& jobs) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    jobs.swap(incoming_);
    return true;
  }

  const char* const name_;
  const Open open_;
  std::mutex mutex_;
  std::vector<Job> incoming_;  // guarded by mutex_, as are all below; loop_ stays while the thread runs
  std::shared_ptr<Loop> loop_;
  std::thread thread_;
  bool stopping_ = false;
};

}  // namespace fnstack::backends
