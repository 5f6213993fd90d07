// One turn of the loop: take over what other threads left, let timers and sockets make progress, collect what is
// finished, sleep. Replies are called from collect() and its like only, never from within a callback of libcurl, and
// never with the mutex held: a reply may send again, stop other calls, or drop the client.
#include "backends/curl_loop.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <system_error>

namespace fnstack::backends {
namespace {

// MEASUREMENTS 1: more make one multi slower with every connection, fewer cost memory.
constexpr int transfers_per_multi = 64;
// At least the transfers and some spare, or connections churn.
constexpr long connections_per_multi = transfers_per_multi + 16;
constexpr std::size_t spare_handles_kept = 128;

Error start_failure(const std::string& why) {
  return make_error(error_type::network, "the HTTP client could not start: " + why);
}

Error shut_down_error() { return make_error(error_type::cancelled, "the HTTP client was shut down"); }

}  // namespace

CurlLoop::~CurlLoop() {
  for (CURL* handle : spare_handles_) curl_easy_cleanup(handle);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void CurlLoop::send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      error = shut_down_error();
    else if (!running_)
      error = start_thread();
    if (!error) {
      incoming_.push_back(Job{std::move(request), call, std::move(reply), now});
      wake_locked();
    }
  }
  if (error) reply(std::move(*error));
}

void CurlLoop::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_locked();
    thread = std::move(thread_);
  }
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();  // it holds this object until it is done
  else
    thread.join();
}

std::optional<Error> CurlLoop::start_thread() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return start_failure("libcurl could not be initialised");
  if (epoll_fd_ < 0) epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (wake_fd_ < 0) wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd_ < 0 || wake_fd_ < 0) return start_failure(std::generic_category().message(errno));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_fd_;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0 && errno != EEXIST) {
    return start_failure(std::generic_category().message(errno));
  }
  // Signals are the host's: the thread, and those that libcurl starts for name resolution, inherit an empty set.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::optional<Error> error;
  try {
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
    running_ = true;
  } catch (const std::system_error& failure) {
    error = start_failure(failure.code().message());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

void CurlLoop::cancel(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  stopped_.push_back(id);
  wake_locked();
}

void CurlLoop::wake_locked() {
  if (!sleeping_) return;
  sleeping_ = false;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void CurlLoop::run() {
  pthread_setname_np(pthread_self(), "fnstack-http");
  while (take_over()) {
    expire_waiting();
    run_timers();
    collect();
    poll_once(wait_ms());
  }
  shut_down();
}

bool CurlLoop::take_over() {
  std::vector<Job> jobs;
  std::vector<std::uint64_t> stopped;
  {
    const std::lock_guard lock(mutex_);
    sleeping_ = false;
    if (stopping_) return false;
    jobs.swap(incoming_);
    stopped.swap(stopped_);
  }
  for (const std::uint64_t id : stopped) give_up(id);
  for (Job& job : jobs) accept(std::move(job));
  return true;
}

void CurlLoop::accept(Job job) {
  const std::uint64_t id = next_id_++;
  auto owned = std::make_unique<Transfer>(id, std::move(job.request), job.call, std::move(job.reply), job.received);
  Transfer& transfer = *owned;
  transfers_.emplace(id, std::move(owned));
  if (auto error = transfer.begin(policy_)) return end(transfer, std::move(*error));
  if (transfer.stop_token().stop_requested()) return end(transfer, transfer.cancelled());
  if (transfer.stop_token().stop_possible()) {
    transfer.on_stop =
        std::make_unique<std::stop_callback<std::function<void()>>>(transfer.stop_token(), [this, id] { cancel(id); });
  }
  if (active_ < policy_.options.max_connections) return launch(transfer, nullptr);
  waiting_.push_back(id);
  waiting_until_.emplace(transfer.deadline(), id);
}

// With a shard the transfer goes on there, as a further hop, and has its place already.
void CurlLoop::launch(Transfer& transfer, Shard* shard) {
  const bool further_hop = shard != nullptr;
  CURL* handle = take_handle();
  if (!further_hop) shard = roomy_shard(transfer.connection());
  if (handle == nullptr || shard == nullptr) {
    give_back(handle);
    return end(transfer, make_error(error_type::network, "libcurl could not be set up: out of memory"));
  }
  transfer.easy = handle;  // end() gives it back
  if (auto error = transfer.prepare(handle, policy_, *this)) return end(transfer, std::move(*error));
  if (curl_multi_add_handle(shard->multi, handle) != CURLM_OK) {
    return end(transfer, make_error(error_type::network, "libcurl could not take the request"));
  }
  transfer.shard = shard;
  ++shard->transfers;
  ++active_;
}

CURL* CurlLoop::take_handle() {
  if (spare_handles_.empty()) return curl_easy_init();
  CURL* handle = spare_handles_.back();
  spare_handles_.pop_back();
  return handle;
}

// Connections are the multi's, so a new handle costs little. Before 8.1.0 (curl pull request 11103) a used handle
// keeps a pointer to the last header of its last answer, which is freed by then: a next answer whose first header is a
// folded line makes libcurl read and write there.
void CurlLoop::give_back(CURL* handle) {
  static const bool reusable = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100;
  if (handle == nullptr) return;
  curl_easy_reset(handle);  // it points into its transfer
  if (reusable && spare_handles_.size() < spare_handles_kept)
    spare_handles_.push_back(handle);
  else
    curl_easy_cleanup(handle);
}

void CurlLoop::launch_waiting() {
  while (active_ < policy_.options.max_connections && !waiting_.empty()) {
    const auto found = transfers_.find(waiting_.front());
    waiting_.pop_front();
    if (found == transfers_.end()) continue;
    waiting_until_.erase({found->second->deadline(), found->first});
    launch(*found->second, nullptr);
  }
}

// The first with room: full ones stay warm, the last ones run empty.
CurlLoop::Shard* CurlLoop::roomy_shard(const CurlConnection* connection) {
  for (const auto& shard : shards_) {
    if (shard->connection == connection && shard->transfers < transfers_per_multi) return shard.get();
  }
  auto shard = std::make_unique<Shard>();
  shard->loop = this;
  shard->connection = connection;
  shard->multi = curl_multi_init();
  if (shard->multi == nullptr) return nullptr;
  curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, static_cast<void*>(shard.get()));
  curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, static_cast<void*>(shard.get()));
  curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, connections_per_multi);
  shards_.push_back(std::move(shard));
  return shards_.back().get();
}

void CurlLoop::run_timers() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = *shards_[i];
    if (!shard.timer || *shard.timer > now) continue;
    shard.timer.reset();
    shard.touched = true;
    int running = 0;
    curl_multi_socket_action(shard.multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

void CurlLoop::collect() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = *shards_[i];
    if (!shard.touched) continue;
    shard.touched = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(shard.multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* transfer = nullptr;
      const CURLcode code = message->data.result;  // the message is gone once the handle leaves the multi
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finished(*static_cast<Transfer*>(transfer), code);
    }
  }
}

void CurlLoop::finished(Transfer& transfer, CURLcode code) {
  auto* shard = static_cast<Shard*>(transfer.shard);
  leave_multi(transfer);
  if (auto result = transfer.hop_done(code)) {
    end(transfer, std::move(*result));
  } else {
    give_back(std::exchange(transfer.easy, nullptr));
    launch(transfer, shard);
  }
  launch_waiting();
}

void CurlLoop::give_up(std::uint64_t id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = *found->second;
  if (transfer.shard != nullptr)
    leave_multi(transfer);
  else
    waiting_until_.erase({transfer.deadline(), id});
  end(transfer, transfer.cancelled());
  launch_waiting();
}

void CurlLoop::leave_multi(Transfer& transfer) {
  auto* shard = static_cast<Shard*>(transfer.shard);
  curl_multi_remove_handle(shard->multi, transfer.easy);
  --shard->transfers;
  --active_;
  transfer.shard = nullptr;
}

// The transfer is in no multi.
void CurlLoop::end(Transfer& transfer, Result<HttpResponse> result) {
  const auto found = transfers_.find(transfer.id());
  const std::unique_ptr<Transfer> owned = std::move(found->second);
  transfers_.erase(found);
  give_back(std::exchange(owned->easy, nullptr));
  owned->answer(std::move(result));
}

void CurlLoop::expire_waiting() {
  if (waiting_until_.empty()) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!waiting_until_.empty() && waiting_until_.begin()->first <= now) {
    const std::uint64_t id = waiting_until_.begin()->second;
    waiting_until_.erase(waiting_until_.begin());
    Transfer& transfer = *transfers_.at(id);
    end(transfer, transfer.timed_out());
  }
}

int CurlLoop::wait_ms() {
  SteadyTime next = SteadyTime::max();
  for (const auto& shard : shards_) {
    if (shard->touched) return 0;
    if (shard->timer) next = std::min(next, *shard->timer);
  }
  if (!waiting_until_.empty()) next = std::min(next, waiting_until_.begin()->first);
  const std::lock_guard lock(mutex_);
  if (stopping_ || !incoming_.empty() || !stopped_.empty()) return 0;
  if (next == SteadyTime::max()) {
    sleeping_ = true;
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
  if (left <= 0) return 0;
  sleeping_ = true;
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

void CurlLoop::poll_once(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = event.data.fd;
    if (fd == wake_fd_) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &ignored, sizeof ignored);
      continue;
    }
    Watch& watched = watches_[static_cast<std::size_t>(fd)];
    if (watched.registered == 0) continue;  // an event from before something else in this batch closed it
    if (watched.wanted == 0) {
      // An idle connection was closed by the other side: libcurl notices before using it again; until then
      // the event would come back at once.
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
      watched.registered = 0;
      continue;
    }
    int what = 0;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event.events & EPOLLERR) != 0) what |= CURL_CSELECT_ERR;
    Shard& shard = *watched.shard;
    shard.touched = true;
    int running = 0;
    curl_multi_socket_action(shard.multi, fd, what, &running);
  }
}

void CurlLoop::shut_down() {
  while (!transfers_.empty()) {
    Transfer& transfer = *transfers_.begin()->second;
    if (transfer.shard != nullptr) leave_multi(transfer);
    end(transfer, transfer.cancelled());
  }
  for (const auto& shard : shards_) curl_multi_cleanup(shard->multi);
  shards_.clear();
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(incoming_);
  }
  for (Job& job : jobs) job.reply(shut_down_error());
}

void CurlLoop::watch(int fd, Shard* shard, std::uint32_t wanted) {
  if (static_cast<std::size_t>(fd) >= watches_.size()) watches_.resize(static_cast<std::size_t>(fd) + 64);
  Watch& watched = watches_[static_cast<std::size_t>(fd)];
  watched.shard = shard;
  watched.wanted = wanted;
  if (wanted == watched.registered || (wanted == 0 && watched.ours)) return;
  if (wanted == 0) {
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
    watched = {};
    return;
  }
  epoll_event event{};
  event.events = wanted;
  event.data.fd = fd;
  // A descriptor that libcurl made and closed by itself may have come back under the same number.
  const int first = watched.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_fd_, first, fd, &event) != 0) {
    ::epoll_ctl(epoll_fd_, first == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  }
  watched.registered = wanted;
}

void CurlLoop::opened(int fd) {
  if (static_cast<std::size_t>(fd) >= watches_.size()) watches_.resize(static_cast<std::size_t>(fd) + 64);
  watches_[static_cast<std::size_t>(fd)] = {};
  watches_[static_cast<std::size_t>(fd)].ours = true;
}

// Closing takes it out of the epoll set.
void CurlLoop::closing(int fd) {
  if (static_cast<std::size_t>(fd) < watches_.size()) watches_[static_cast<std::size_t>(fd)] = {};
}

int CurlLoop::on_socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  auto* shard = static_cast<Shard*>(user);
  std::uint32_t wanted = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) wanted |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) wanted |= EPOLLOUT;
  shard->loop->watch(fd, shard, wanted);
  return 0;
}

int CurlLoop::on_timer(CURLM*, long timeout_ms, void* user) {
  auto* shard = static_cast<Shard*>(user);
  if (timeout_ms < 0)
    shard->timer.reset();
  else
    shard->timer = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

}  // namespace fnstack::backends
