// A thread of a backend's own. Signals are the host's: none is delivered to it.
#pragma once

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

namespace fnstack::backends {

// `name` has at most 15 letters. Throws std::system_error if there is no thread to be had.
template <class F>
[[nodiscard]] std::thread own_thread(const char* name, F&& work) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread(std::forward<F>(work));
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

// Waits for its end; but from that thread itself, which then has to hold what it still needs, only lets it go.
inline void end_thread(std::thread& thread) {
  if (!thread.joinable()) return;
  thread.get_id() == std::this_thread::get_id() ? thread.detach() : thread.join();
}

}  // namespace fnstack::backends
