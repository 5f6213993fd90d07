// Drives all exchanges of one client, on one thread: one epoll set over several curl multis of at most 64 transfers
// each, a multi and so its pool for one named connection only. Two things here are measured to matter (DESIGN 3): a
// socket stays in the poll set while its connection idles, and no multi grows large. It has no thread: a host's loop
// calls turn(), or a LoopThread wait_and_turn(). Entry points: open(), send(), turn().
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

#include "backends/curl_policy.hpp"
#include "backends/curl_transfer.hpp"
#include "backends/loop_bell.hpp"

namespace fnstack::backends {

class CurlLoop final : public LoopWork, public SocketKeeper, public std::enable_shared_from_this<CurlLoop> {
 public:
  using Job = std::unique_ptr<Transfer>;

  // Errors: `network`, as start_failure() words them.
  [[nodiscard]] static Result<std::shared_ptr<CurlLoop>> open(std::shared_ptr<const CurlPolicy> policy);
  // Answers what is outstanding with `cancelled`.
  ~CurlLoop() override;
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // The loop's thread, from within a reply too. Calls nobody: the next turn begins with it.
  void send(Job job) { incoming_.push_back(std::move(job)); }
  [[nodiscard]] int descriptor() const noexcept override { return epoll_fd_; }
  SteadyTime turn() override;
  // The same, but it waits for something to do. For who has nothing else to wait for.
  void wait_and_turn();
  // Any thread: the turn that waits ends, or the descriptor becomes readable.
  void wake() noexcept { bell_.ring(); }

  static void refuse(Job job, Error error) { job->answer(std::move(error)); }
  static Error start_failure(const std::string& why);
  static Error shut_down_error();

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
  // A place for a transfer. Its id is the place and how often it was taken, so that a late stop finds nobody.
  struct Place {
    Job transfer;
    std::uint32_t taken = 0;
  };

  explicit CurlLoop(std::shared_ptr<const CurlPolicy> policy);
  void cancel(std::uint64_t id);  // any thread

  bool take_over();  // false: there was nothing
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
  [[nodiscard]] SteadyTime next_turn() const;
  void poll_once(int timeout_ms);

  [[nodiscard]] Transfer* find(std::uint64_t id) const noexcept;
  Shard* roomy_shard(const CurlConnection* connection);
  void watch(int fd, Shard* shard, std::uint32_t wanted);
  void opened(int fd) override;
  void closing(int fd) override;
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* shard, void* unused);
  static int on_timer(CURLM* multi, long timeout_ms, void* shard);

  const std::shared_ptr<const CurlPolicy> policy_;
  LoopBell bell_;
  int epoll_fd_;

  std::mutex mutex_;
  std::vector<std::uint64_t> stopped_;  // guarded by mutex_: ids whose stop was requested

  std::vector<Job> incoming_;
  std::vector<Job> accepting_;  // its memory is kept
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  std::size_t active_ = 0;                                        // transfers in a multi
  std::deque<std::uint64_t> waiting_;                             // for their turn; may name some that are gone
  std::set<std::pair<SteadyTime, std::uint64_t>> waiting_until_;  // exactly those waiting
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Watch> watches_;  // by descriptor
  std::vector<CURL*> spare_handles_;
  bool poll_skipped_ = false;
};

}  // namespace fnstack::backends
