// A handler may do next to nothing, and stopping runs callbacks; so it writes a byte into a pipe, and a thread that
// waits at the other end asks for the stop.
#include "cli/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace fnstack::cli {
namespace {

volatile std::sig_atomic_t pipe_end = -1;

extern "C" void fnstack_cli_on_signal(int) {
  const int before = errno;
  const char byte = 's';
  [[maybe_unused]] const ssize_t written = ::write(pipe_end, &byte, 1);
  errno = before;
}

}  // namespace

StopOnSignal::StopOnSignal() {
  if (::pipe(pipe_) != 0) return;  // no descriptor left: signals then end the process, as they do anyway
  for (const int end : pipe_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  pipe_end = pipe_[1];
  thread_ = std::thread([this] {
    char byte = 0;
    ssize_t count = 0;
    do {
      count = ::read(pipe_[0], &byte, 1);
    } while (count < 0 && errno == EINTR);
    if (count == 1 && byte == 's') stop_.request_stop();
  });
  struct sigaction action = {};
  action.sa_handler = fnstack_cli_on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &before_int_);
  ::sigaction(SIGTERM, &action, &before_term_);
}

StopOnSignal::~StopOnSignal() {
  if (!thread_.joinable()) return;
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
  const char byte = 'q';
  [[maybe_unused]] const ssize_t written = ::write(pipe_[1], &byte, 1);
  thread_.join();
  pipe_end = -1;
  for (const int end : pipe_) ::close(end);
}

}  // namespace fnstack::cli
