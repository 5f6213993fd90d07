// One turn of the loop: take over what was sent and stopped, let timers and sockets make progress, collect what is
// finished. Replies are called from take_over(), collect() and their like only, never from within a callback of
// libcurl, and never with the mutex held: a reply may send again, stop other calls, or drop the client.
#include "backends/curl_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>

namespace fnstack::backends {
namespace {

// MEASUREMENTS 1: more make one multi slower with every connection, fewer cost memory.
constexpr int transfers_per_multi = 64;
// At least the transfers and some spare, or connections churn.
constexpr long connections_per_multi = transfers_per_multi + 16;
constexpr std::size_t spare_handles_kept = 128;
// Of so many transfers most just wait, and libcurl (7.88, for one) holds a receive buffer of 16 KB for each of them:
// those beyond get one that a small answer fits in. Larger answers take more reads.
constexpr std::size_t crowd = 2'000;
constexpr long buffer_in_a_crowd = 2'048;

std::uint64_t id_of(std::uint32_t taken, std::uint32_t place) { return std::uint64_t{taken} << 32 | place; }

}  // namespace

Error CurlLoop::start_failure(const std::string& why) {
  return make_error(error_type::network, "the HTTP client could not start: " + why);
}

Error CurlLoop::shut_down_error() { return make_error(error_type::cancelled, "the HTTP client was shut down"); }

Result<std::shared_ptr<CurlLoop>> CurlLoop::open(std::shared_ptr<const CurlPolicy> policy) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return start_failure("libcurl could not be initialised");
  std::shared_ptr<CurlLoop> loop(new CurlLoop(std::move(policy)));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = loop->bell_.descriptor();
  if (loop->epoll_fd_ < 0 || event.data.fd < 0 ||
      ::epoll_ctl(loop->epoll_fd_, EPOLL_CTL_ADD, event.data.fd, &event) != 0) {
    return start_failure(std::generic_category().message(errno));
  }
  return loop;
}

CurlLoop::CurlLoop(std::shared_ptr<const CurlPolicy> policy)
    : policy_(std::move(policy)), epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {}

CurlLoop::~CurlLoop() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i].transfer) continue;
    Transfer& transfer = *places_[i].transfer;
    if (transfer.shard != nullptr) leave_multi(transfer);
    end(transfer, transfer.cancelled());
  }
  for (Job& job : std::exchange(incoming_, {})) refuse(std::move(job), shut_down_error());
  for (const auto& shard : shards_) curl_multi_cleanup(shard->multi);
  for (CURL* handle : spare_handles_) curl_easy_cleanup(handle);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

void CurlLoop::cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    stopped_.push_back(id);
  }
  bell_.ring();
}

SteadyTime CurlLoop::turn() {
  const auto self = shared_from_this();  // a reply may let go of it
  bell_.awake();
  // What was just sent has no answer yet: others can wait for the next turn, though not for ever.
  const bool taken = take_over();
  expire_waiting();
  run_timers();
  poll_skipped_ = taken && !poll_skipped_;
  if (!poll_skipped_) poll_once(0);
  collect();
  const SteadyTime next = next_turn();
  return bell_.may_sleep() ? next : SteadyTime::min();
}

void CurlLoop::wait_and_turn() {
  const auto self = shared_from_this();
  take_over();
  expire_waiting();
  run_timers();
  int wait_ms = 0;
  const SteadyTime next = next_turn();
  if (next == SteadyTime::max()) {
    wait_ms = -1;
  } else if (next != SteadyTime::min()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
    wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }
  poll_once(wait_ms != 0 && bell_.may_sleep() ? wait_ms : 0);
  bell_.awake();
  collect();
}

bool CurlLoop::take_over() {
  std::vector<std::uint64_t> stopped;
  {
    const std::lock_guard lock(mutex_);
    stopped.swap(stopped_);
  }
  for (const std::uint64_t id : stopped) give_up(id);
  accepting_.swap(incoming_);
  const bool some = !accepting_.empty();
  for (Job& job : accepting_) accept(std::move(job));
  accepting_.clear();
  return some;
}

void CurlLoop::accept(Job job) {
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t at = free_places_.back();
  free_places_.pop_back();
  Place& place = places_[at];
  const std::uint64_t id = id_of(++place.taken, at);
  place.transfer = std::move(job);
  Transfer& transfer = *place.transfer;
  transfer.id = id;
  if (auto error = transfer.begin(*policy_)) return end(transfer, std::move(*error));
  if (transfer.stop_token().stop_requested()) return end(transfer, transfer.cancelled());
  if (transfer.stop_token().stop_possible())
    transfer.on_stop.emplace(transfer.stop_token(), [this, id] { cancel(id); });
  if (active_ < policy_->options.max_connections) return launch(transfer, nullptr);
  waiting_.push_back(id);
  waiting_until_.emplace(transfer.deadline(), id);
}

Transfer* CurlLoop::find(std::uint64_t id) const noexcept {
  const Place& place = places_[static_cast<std::uint32_t>(id)];
  return place.taken == id >> 32 ? place.transfer.get() : nullptr;
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
  if (auto error = transfer.prepare(handle, *policy_, *this)) return end(transfer, std::move(*error));
  if (active_ >= crowd) curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, buffer_in_a_crowd);
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
  if (reusable && spare_handles_.size() < spare_handles_kept) {
    curl_easy_reset(handle);  // it points into its transfer
    spare_handles_.push_back(handle);
  } else {
    curl_easy_cleanup(handle);
  }
}

void CurlLoop::launch_waiting() {
  while (active_ < policy_->options.max_connections && !waiting_.empty()) {
    const std::uint64_t id = waiting_.front();
    waiting_.pop_front();
    Transfer* transfer = find(id);
    if (transfer == nullptr) continue;
    waiting_until_.erase({transfer->deadline(), id});
    launch(*transfer, nullptr);
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
  Transfer* transfer = find(id);
  if (transfer == nullptr) return;
  if (transfer->shard != nullptr)
    leave_multi(*transfer);
  else
    waiting_until_.erase({transfer->deadline(), id});
  end(*transfer, transfer->cancelled());
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
  const auto at = static_cast<std::uint32_t>(transfer.id);
  const Job owned = std::move(places_[at].transfer);
  free_places_.push_back(at);
  give_back(std::exchange(owned->easy, nullptr));
  owned->answer(std::move(result));
}

void CurlLoop::expire_waiting() {
  if (waiting_until_.empty()) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!waiting_until_.empty() && waiting_until_.begin()->first <= now) {
    const std::uint64_t id = waiting_until_.begin()->second;
    waiting_until_.erase(waiting_until_.begin());
    Transfer& transfer = *find(id);
    end(transfer, transfer.timed_out());
  }
}

// min(): at once.
SteadyTime CurlLoop::next_turn() const {
  if (!incoming_.empty()) return SteadyTime::min();
  SteadyTime next = SteadyTime::max();
  for (const auto& shard : shards_) {
    if (shard->touched) return SteadyTime::min();
    if (shard->timer) next = std::min(next, *shard->timer);
  }
  if (!waiting_until_.empty()) next = std::min(next, waiting_until_.begin()->first);
  return next;
}

void CurlLoop::poll_once(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = event.data.fd;
    if (fd == bell_.descriptor()) {
      bell_.silence();
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
