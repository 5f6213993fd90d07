// W4 by hand.
//   bench_w4_twin wait RUNS                 so many timers, each with what its run goes on with
//   bench_w4_twin request TRANSFERS PORT    so many libcurl transfers awaiting their answer, in multis of 64
#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "measure.hpp"
#include "resident.hpp"
#include "w4_held.hpp"

namespace {

std::size_t store(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

// A turn of each multi; how many transfers are still under way.
long turn(const std::vector<CURLM*>& multis) {
  long running = 0;
  for (CURLM* const multi : multis) {
    int here = 0;
    curl_multi_perform(multi, &here);
    running += here;
  }
  return running;
}

int wait(long runs) {
  const bench::Stopwatch watch;
  const double before = bench::resident_bytes();
  std::multimap<long, std::function<std::string()>> timers;
  const auto name = std::make_shared<const std::string>("x");
  for (long i = 0; i < runs; ++i) timers.emplace(3'600'000 + i, [name] { return *name; });
  const double each = (bench::resident_bytes() - before) / static_cast<double>(runs);
  long waited = 0;
  for (const auto& [due, go_on] : timers) waited += go_on() == "x" ? 1 : 0;
  watch.report(std::to_string(waited) + " waited", "bytes_each", each);
  return waited == runs ? 0 : 1;
}

int request(long transfers, const std::string& port) {
  constexpr std::size_t in_a_multi = 64;
  bench::allow_files(transfers + 100);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::string url = "http://127.0.0.1:" + port + "/slow";
  const bench::Stopwatch watch;
  const double before = bench::resident_bytes();
  std::vector<CURLM*> multis;
  std::vector<CURL*> handles;
  std::vector<std::unique_ptr<std::string>> bodies;
  for (long i = 0; i < transfers; ++i) {
    if (handles.size() % in_a_multi == 0) {
      multis.push_back(curl_multi_init());
      curl_multi_setopt(multis.back(), CURLMOPT_MAXCONNECTS, 2L * static_cast<long>(in_a_multi));
    }
    CURL* const handle = curl_easy_init();
    bodies.push_back(std::make_unique<std::string>());
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, store);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, bodies.back().get());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_multi_add_handle(multis.back(), handle);
    handles.push_back(handle);
    if (handles.size() % in_a_multi == 0) turn({multis.back()});
  }
  while (bench::held(port) < transfers) turn(multis);
  const double each = (bench::resident_bytes() - before) / static_cast<double>(transfers);
  if (bench::ask(port, "/release").empty()) return 1;
  while (turn(multis) > 0) {
  }
  long answered = 0;
  for (const auto& body : bodies) answered += *body == R"({"ok":true})" ? 1 : 0;
  watch.report(std::to_string(answered) + " answered", "bytes_each", each);
  return answered == transfers ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "wait") return wait(bench::argument(argc, argv, 2, 100'000));
  if (what == "request" && argc > 3) return request(bench::argument(argc, argv, 2, 10'000), argv[3]);
  return 2;
}
