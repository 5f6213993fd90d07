// The thread that drives all exchanges of one client: one epoll set over several curl multis of at most 64 transfers
// each, a multi and so its pool for one named connection only. Two things here are measured to matter (DESIGN 3): a
// socket stays in the poll set while its connection idles, and no multi grows large. Entry points: send(), stop().
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

#include "backends/curl_policy.hpp"
#include "backends/curl_transfer.hpp"

namespace fnstack::backends {

class CurlLoop final : public SocketKeeper, public std::enable_shared_from_this<CurlLoop> {
 public:
  explicit CurlLoop(CurlPolicy policy) : policy_(std::move(policy)) {}
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // Any thread. Starts the thread if there is none yet.
  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply);
  // Answers what is outstanding and ends the thread; waits for it unless called on it, from within a reply.
  void stop();

 private:
  // A multi with its share of the transfers.
  struct Shard {
    CurlLoop* loop = nullptr;
    CURLM* multi = nullptr;
    const CurlConnection* connection = nullptr;
    int transfers = 0;
    std::optional<SteadyTime> timer;
    bool touched = false;  // may have finished transfers
  };
  // What epoll knows of a descriptor, and what its multi wants of it.
  struct Watch {
    Shard* shard = nullptr;
    std::uint32_t registered = 0;
    std::uint32_t wanted = 0;
    bool ours = false;  // opened by a transfer: stays registered when nothing is wanted of it
  };
  struct Job {
    HttpRequest request;
    Call call;
    Reply<HttpResponse> reply;
    SteadyTime received;
  };

  [[nodiscard]] std::optional<Error> start_thread();
  void cancel(std::uint64_t id);
  void wake_locked();

  // All below: the loop's thread.
  void run();
  bool take_over();  // false: stop
  void accept(Job job);
  void launch(Transfer& transfer, Shard* shard);
  void launch_waiting();
  CURL* take_handle();
  void give_back(CURL* handle);
  void run_timers();
  void collect();
  void finished(Transfer& transfer, CURLcode code);
  void give_up(std::uint64_t id);
  void end(Transfer& transfer, Result<HttpResponse> result);
  void leave_multi(Transfer& transfer);
  void expire_waiting();
  [[nodiscard]] int wait_ms();
  void poll_once(int timeout_ms);
  void shut_down();

  Shard* roomy_shard(const CurlConnection* connection);
  void watch(int fd, Shard* shard, std::uint32_t wanted);
  void opened(int fd) override;
  void closing(int fd) override;
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* shard, void* unused);
  static int on_timer(CURLM* multi, long timeout_ms, void* shard);

  const CurlPolicy policy_;

  std::mutex mutex_;
  std::vector<Job> incoming_;           // guarded by mutex_, as are all until the blank line
  std::vector<std::uint64_t> stopped_;  // ids whose stop was requested
  std::thread thread_;
  bool running_ = false;
  bool sleeping_ = false;  // or about to: a write to wake_fd_ is needed
  bool stopping_ = false;
  int wake_fd_ = -1;

  int epoll_fd_ = -1;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;
  std::size_t active_ = 0;                                        // transfers in a multi
  std::deque<std::uint64_t> waiting_;                             // for their turn; may name some that are gone
  std::set<std::pair<SteadyTime, std::uint64_t>> waiting_until_;  // exactly those waiting
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Watch> watches_;  // by descriptor
  std::vector<CURL*> spare_handles_;
};

}  // namespace fnstack::backends
