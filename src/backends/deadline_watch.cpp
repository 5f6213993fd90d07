#include "backends/deadline_watch.hpp"

#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <map>
#include <system_error>
#include <utility>

namespace fnstack::backends {

using SteadyTime = std::chrono::steady_clock::time_point;

struct DeadlineWatch::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<SteadyTime, std::uint64_t>, std::function<void()>> waiting;
  std::map<std::uint64_t, SteadyTime> times;
  std::uint64_t next_id = 1;
  std::thread thread;
  SteadyTime wakes_at = SteadyTime::max();  // by itself; of what is due later it need not be told
  bool running = false;
  bool stopping = false;
};

DeadlineWatch::DeadlineWatch() : shared_(std::make_shared<Shared>()) {}

DeadlineWatch::~DeadlineWatch() {
  std::map<std::pair<SteadyTime, std::uint64_t>, std::function<void()>> dropped;
  std::thread thread;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    dropped.swap(shared_->waiting);
    thread = std::move(shared_->thread);
  }
  shared_->changed.notify_all();
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();  // it holds what it needs until it is done
  else
    thread.join();
}

std::uint64_t DeadlineWatch::add(SteadyTime when, std::function<void()> function) {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->running) {
    // Signals are the host's: the thread inherits an empty set.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      shared_->thread = std::thread([shared = shared_] { run(shared); });
      shared_->running = true;
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!shared_->running) return 0;
  }
  const std::uint64_t id = shared_->next_id++;
  shared_->times.emplace(id, when);
  shared_->waiting.emplace(std::pair(when, id), std::move(function));
  if (when < shared_->wakes_at) {
    shared_->wakes_at = when;
    shared_->changed.notify_all();
  }
  return id;
}

void DeadlineWatch::cancel(std::uint64_t id) {
  std::function<void()> dropped;
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->times.find(id);
  if (found == shared_->times.end()) return;
  if (auto node = shared_->waiting.extract({found->second, id})) dropped = std::move(node.mapped());
  shared_->times.erase(found);
}

void DeadlineWatch::run(const std::shared_ptr<Shared>& shared) {
  pthread_setname_np(pthread_self(), "fnstack-dline");
  std::unique_lock lock(shared->mutex);
  while (!shared->stopping) {
    if (shared->waiting.empty()) {
      shared->wakes_at = SteadyTime::max();
      shared->changed.wait(lock);
      continue;
    }
    const auto first = shared->waiting.begin();
    if (first->first.first > std::chrono::steady_clock::now()) {
      const SteadyTime until = first->first.first;  // the entry may go while this waits
      shared->wakes_at = until;
      shared->changed.wait_until(lock, until);
      continue;
    }
    std::function<void()> function = std::move(first->second);
    shared->times.erase(first->first.second);
    shared->waiting.erase(first);
    lock.unlock();
    function();
    function = nullptr;  // what it holds may need the lock to go
    lock.lock();
  }
}

}  // namespace fnstack::backends
