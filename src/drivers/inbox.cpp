#include "drivers/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <iterator>
#include <utility>

namespace fnstack::drivers {

namespace {

// The inbox whose loop this thread is.
thread_local const Inbox* own_inbox = nullptr;

}  // namespace

Inbox::OnThread::OnThread(const Inbox& inbox) noexcept : before_(std::exchange(own_inbox, &inbox)) {}
Inbox::OnThread::~OnThread() { own_inbox = before_; }

Inbox::~Inbox() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Inbox::open_descriptor() noexcept {
  descriptor_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor_ >= 0;
}

void Inbox::post(Message message) {
  if (own_inbox != this) return post_as_stranger(std::move(message));
  if (!closed_.load(std::memory_order_relaxed)) own_.push_back(std::move(message));
}

void Inbox::post_as_stranger(Message message) {
  const std::lock_guard lock(mutex_);
  if (closed_.load(std::memory_order_relaxed)) return;
  strange_.push_back(std::move(message));
  has_strange_.store(true, std::memory_order_release);
  wake_locked();
}

void Inbox::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_locked();
}

void Inbox::wake_locked() {
  if (!sleeping_) return;
  sleeping_ = false;
  if (clock_) clock_->request_stop();
  if (descriptor_ >= 0) {
    const std::uint64_t one = 1;
    // Only a counter near its end could refuse.
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof(one));
  } else {
    arrived_.notify_one();
  }
}

void Inbox::take(std::vector<Message>& messages) {
  messages.swap(own_);
  if (!has_strange_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  has_strange_.store(false, std::memory_order_relaxed);
  if (messages.empty()) return messages.swap(strange_);
  messages.insert(messages.end(), std::make_move_iterator(strange_.begin()), std::make_move_iterator(strange_.end()));
  clear(strange_);
}

void Inbox::clear(std::vector<Message>& messages) {
  messages.clear();
  if (messages.capacity() > 1'024) std::vector<Message>().swap(messages);
}

bool Inbox::begin_sleep() {
  if (!own_.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (!strange_.empty() || std::exchange(woken_, false)) return false;
  sleeping_ = true;
  return true;
}

bool Inbox::begin_sleep(std::stop_source stop) {
  if (!own_.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (!strange_.empty() || std::exchange(woken_, false)) return false;
  sleeping_ = true;
  clock_ = std::move(stop);
  return true;
}

void Inbox::end_sleep(bool is_woken) {
  {
    const std::lock_guard lock(mutex_);
    sleeping_ = false;
    woken_ = false;
    clock_.reset();
  }
  if (!is_woken || descriptor_ < 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(descriptor_, &count, sizeof(count));
}

void Inbox::wait_until(SteadyTime end) {
  std::unique_lock lock(mutex_);
  const auto is_over = [this] { return !sleeping_; };
  if (!own_.empty() || !strange_.empty() || std::exchange(woken_, false)) return;
  sleeping_ = true;
  if (end == SteadyTime::max()) {
    arrived_.wait(lock, is_over);
  } else {
    arrived_.wait_until(lock, end, is_over);
  }
  sleeping_ = false;
  woken_ = false;
}

void Inbox::close() noexcept {
  std::vector<Message> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(strange_);
  }
  own_.clear();
}

}  // namespace fnstack::drivers
