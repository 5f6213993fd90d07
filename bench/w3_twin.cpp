// W3 by hand, as well as libcurl does it: epoll and multi_socket_action, sockets that stay in the poll set, multis of
// at most 64 transfers, a handle for each run in flight and used again, simdjson for the fields that are needed.
//   w3_twin RUNS IN_FLIGHT LOOPS PORT
#include <curl/curl.h>
#include <simdjson.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr long transfers_per_multi = 64;

struct Loop;

struct Shard {
  Loop* loop = nullptr;
  CURLM* multi = nullptr;
  Clock::time_point timer = Clock::time_point::max();
  bool touched = false;
};

struct Run {
  Shard* shard = nullptr;
  CURL* easy = nullptr;
  int stage = 0;
  std::string url, body, answer;
  std::int64_t user = 0;
  std::string name;
};

struct Loop {
  std::atomic<long>& left;
  std::atomic<long>& posted;
  std::string base;
  int set = ::epoll_create1(0);
  std::vector<Shard*> by_descriptor{};
  std::vector<std::uint32_t> registered{};  // by descriptor
  std::vector<std::unique_ptr<Shard>> shards{};
  std::vector<std::unique_ptr<Run>> runs{};
  long in_flight = 0;
  curl_slist* json = curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:");
  simdjson::ondemand::parser parser{};
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

int on_socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  Shard& shard = *static_cast<Shard*>(user);
  Loop& loop = *shard.loop;
  if (what == CURL_POLL_REMOVE) return 0;  // it stays; closing takes it out
  std::uint32_t wanted = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) wanted |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) wanted |= EPOLLOUT;
  const auto at = static_cast<std::size_t>(fd);
  if (at >= loop.registered.size()) {
    loop.registered.resize(at + 64);
    loop.by_descriptor.resize(at + 64);
  }
  loop.by_descriptor[at] = &shard;
  if (loop.registered[at] == wanted) return 0;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = fd;
  ::epoll_ctl(loop.set, loop.registered[at] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  loop.registered[at] = wanted;
  return 0;
}

int on_timer(CURLM*, long timeout_ms, void* user) {
  static_cast<Shard*>(user)->timer =
      timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

int on_close(void* user, curl_socket_t fd) {
  Loop& loop = *static_cast<Loop*>(user);
  if (static_cast<std::size_t>(fd) < loop.registered.size()) loop.registered[static_cast<std::size_t>(fd)] = 0;
  return ::close(fd);
}

void ask(Loop& loop, Run& run, std::string url) {
  run.url = std::move(url);
  run.answer.clear();
  curl_easy_setopt(run.easy, CURLOPT_URL, run.url.c_str());
  curl_multi_add_handle(run.shard->multi, run.easy);
  ++loop.in_flight;
}

void begin(Loop& loop, Run& run) {
  if (loop.left.fetch_sub(1) <= 0) return;
  run.stage = 0;
  curl_easy_setopt(run.easy, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(run.easy, CURLOPT_HTTPHEADER, nullptr);
  ask(loop, run, loop.base + "/users/4711");
}

// simdjson reads beyond the end.
auto parsed(Loop& loop, Run& run) {
  run.answer.reserve(run.answer.size() + simdjson::SIMDJSON_PADDING);
  return loop.parser.iterate(simdjson::padded_string_view(run.answer));
}

void answered(Loop& loop, Run& run, CURLcode code) {
  curl_multi_remove_handle(run.shard->multi, run.easy);
  --loop.in_flight;
  long status = 0;
  curl_easy_getinfo(run.easy, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK || status >= 400) std::exit(1);
  auto document = parsed(loop, run);
  if (run.stage == 0) {
    run.user = std::int64_t(document["id"]);
    const std::string account{std::string_view(document["account"])};
    run.name = std::string_view(document["name"]);
    const bool active = bool(document["active"]);
    run.stage = active ? 1 : 3;
    ask(loop, run, loop.base + "/accounts/" + account);
  } else if (run.stage == 1) {
    const double total = double(document["total"]);
    if (!(total > 100)) std::exit(1);
    char number[32];
    std::snprintf(number, sizeof number, "%.17g", total);
    run.body = "{\"user\":" + std::to_string(run.user) + ",\"name\":\"" + run.name +
               "\",\"total\":" + std::string(number) + "}";
    run.stage = 2;
    curl_easy_setopt(run.easy, CURLOPT_POST, 1L);
    curl_easy_setopt(run.easy, CURLOPT_HTTPHEADER, loop.json);
    curl_easy_setopt(run.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(run.body.size()));
    curl_easy_setopt(run.easy, CURLOPT_POSTFIELDS, run.body.data());
    ask(loop, run, loop.base + "/invoices");
  } else {
    if (std::string_view(document["status"]) == "created") ++loop.posted;
    begin(loop, run);
  }
}

void collect(Loop& loop) {
  for (const auto& shard : loop.shards) {
    if (!shard->touched) continue;
    shard->touched = false;
    int more = 0;
    while (const CURLMsg* message = curl_multi_info_read(shard->multi, &more)) {
      void* run = nullptr;
      const CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &run);
      answered(loop, *static_cast<Run*>(run), code);
    }
  }
}

void act(Shard& shard, curl_socket_t fd, int what) {
  shard.touched = true;
  int running = 0;
  curl_multi_socket_action(shard.multi, fd, what, &running);
}

void drive(Loop& loop, long in_flight) {
  for (long i = 0; i < in_flight; ++i) {
    if (i % transfers_per_multi == 0) {
      auto shard = std::make_unique<Shard>();
      shard->loop = &loop;
      shard->multi = curl_multi_init();
      curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
      curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard.get());
      curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer);
      curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard.get());
      curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, transfers_per_multi + 16);
      loop.shards.push_back(std::move(shard));
    }
    auto run = std::make_unique<Run>();
    run->shard = loop.shards.back().get();
    run->easy = curl_easy_init();
    curl_easy_setopt(run->easy, CURLOPT_PRIVATE, run.get());
    curl_easy_setopt(run->easy, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(run->easy, CURLOPT_WRITEDATA, &run->answer);
    curl_easy_setopt(run->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(run->easy, CURLOPT_CLOSESOCKETDATA, &loop);
    curl_easy_setopt(run->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(run->easy, CURLOPT_TIMEOUT_MS, 30'000L);
    begin(loop, *run);
    loop.runs.push_back(std::move(run));
  }
  epoll_event events[256];
  while (loop.in_flight > 0) {
    auto next = Clock::time_point::max();
    const auto now = Clock::now();
    for (const auto& shard : loop.shards) {
      if (shard->timer <= now) {
        shard->timer = Clock::time_point::max();
        act(*shard, CURL_SOCKET_TIMEOUT, 0);
      }
      next = std::min(next, shard->timer);
    }
    collect(loop);
    if (loop.in_flight == 0) break;
    int wait_ms = -1;
    for (const auto& shard : loop.shards) next = std::min(next, shard->timer);
    if (next != Clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
      wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    }
    const int count = ::epoll_wait(loop.set, events, 256, wait_ms);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      int what = 0;
      if ((events[i].events & (EPOLLIN | EPOLLHUP)) != 0) what |= CURL_CSELECT_IN;
      if ((events[i].events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      if ((events[i].events & EPOLLERR) != 0) what |= CURL_CSELECT_ERR;
      act(*loop.by_descriptor[static_cast<std::size_t>(fd)], fd, what);
    }
    collect(loop);
  }
  for (const auto& run : loop.runs) curl_easy_cleanup(run->easy);
  for (const auto& shard : loop.shards) curl_multi_cleanup(shard->multi);
  curl_slist_free_all(loop.json);
  ::close(loop.set);
}

}  // namespace

int main(int argc, char** argv) {
  std::atomic<long> left = bench::argument(argc, argv, 1, 10'000);
  const long in_flight = bench::argument(argc, argv, 2, 64);
  const long loops = bench::argument(argc, argv, 3, 1);
  const std::string base = "http://127.0.0.1:" + std::to_string(bench::argument(argc, argv, 4, 0));
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::atomic<long> posted = 0;
  const bench::Stopwatch watch;
  std::vector<std::thread> threads;
  for (long i = 0; i < loops; ++i) {
    const long share = in_flight / loops + (i < in_flight % loops ? 1 : 0);
    threads.emplace_back([&, share] {
      Loop loop{left, posted, base};
      drive(loop, share);
    });
  }
  for (std::thread& thread : threads) thread.join();
  watch.report(std::to_string(posted) + " posted");
}
