// What the benchmark programs share: a stopwatch, the process's peak memory, and the one line of JSON each prints,
// {"result": …, "seconds": …, "cpu_seconds": …, "peak_rss_mb": …}, which bench_run reads.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

// Starts when made.
class Stopwatch {
 public:
  // Prints the line. `result` shows that the work was done, and that both sides did the same; plain characters only.
  void report(std::string_view result) const { print(result, ""); }
  // With a figure of the program's own.
  void report(std::string_view result, const char* name, double figure) const {
    char more[96];
    std::snprintf(more, sizeof more, ", \"%s\": %.3f", name, figure);
    print(result, more);
  }

 private:
  void print(std::string_view result, std::string_view more) const {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
    const double cpu = cpu_seconds() - cpu_start_;
    std::printf("{\"result\": \"%.*s\", \"seconds\": %.9f, \"cpu_seconds\": %.6f, \"peak_rss_mb\": %.2f%.*s}\n",
                static_cast<int>(result.size()), result.data(), wall.count(), cpu, peak_rss_mb(),
                static_cast<int>(more.size()), more.data());
  }

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double cpu_start_ = cpu_seconds();
};

// The n-th argument as a number, or what it is without one.
inline long argument(int argc, char** argv, int n, long otherwise) { return argc > n ? std::atol(argv[n]) : otherwise; }

}  // namespace bench
