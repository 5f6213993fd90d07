#include "cli/repeat.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace fnstack::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

double cpu_seconds() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Linux counts into ru_maxrss what the process was before it became this program; VmHWM is this program's own.
double peak_rss_mb() {
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    char line[256];
    long kilobytes = -1;
    while (kilobytes < 0 && std::fgets(line, sizeof(line), file) != nullptr) {
      if (std::strncmp(line, "VmHWM:", 6) == 0) kilobytes = std::strtol(line + 6, nullptr, 10);
    }
    std::fclose(file);
    if (kilobytes > 0) return static_cast<double>(kilobytes) / 1024.0;
  }
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double rounded(double value, double digits) { return std::round(value * digits) / digits; }

// What the threads share.
struct Work {
  const Engine& engine;
  const Program& program;
  const Value& inputs;
  const RunOptions& options;
  std::uint64_t runs;
  std::atomic<std::uint64_t> next{0}, done{0}, failed{0};
  std::mutex mutex = {};  // of what follows
  Durations durations = {};
  std::optional<Error> first_error = {};
};

void work_on(Work& work) {
  const auto durations = std::make_unique<Durations>();
  while (!work.options.stop.stop_requested() && work.next.fetch_add(1) < work.runs) {
    const auto began = SteadyClock::now();
    Outcome outcome = work.engine.run(work.program, work.inputs, work.options);
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - began).count();
    durations->add(static_cast<std::uint64_t>(took));
    ++work.done;
    if (outcome.status == Outcome::Status::completed) continue;
    ++work.failed;
    const std::lock_guard lock(work.mutex);
    if (!work.first_error && outcome.error) work.first_error = std::move(outcome.error);
  }
  const std::lock_guard lock(work.mutex);
  work.durations.add(*durations);
}

}  // namespace

void Durations::add(std::uint64_t nanoseconds) noexcept {
  // Below 128 each is its own; above, the leading bits count.
  std::size_t index = nanoseconds;
  if (nanoseconds >> step_bits != 0) {
    const auto shift = static_cast<unsigned>(std::bit_width(nanoseconds)) - step_bits - 1;
    index = (static_cast<std::size_t>(shift) << step_bits) + static_cast<std::size_t>(nanoseconds >> shift);
  }
  ++counts_[std::min(index, size - 1)];
  ++total_;
}

void Durations::add(const Durations& other) noexcept {
  for (std::size_t i = 0; i < size; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
}

double Durations::percentile_ms(double part) const noexcept {
  if (total_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  std::size_t index = 0;
  while (index < size - 1 && (seen += counts_[index]) < std::max<std::uint64_t>(wanted, 1)) ++index;
  constexpr std::size_t steps = std::size_t{1} << step_bits;
  if (index < steps) return static_cast<double>(index) / 1e6;
  const std::size_t shift = (index >> step_bits) - 1;
  // The middle of what falls in here.
  const double step = std::ldexp(1.0, static_cast<int>(shift));
  return (static_cast<double>(index - (shift << step_bits)) * step + (step - 1.0) / 2.0) / 1e6;
}

RepeatResult repeat(const Engine& engine, const Program& program, const Value& inputs, const RunOptions& options,
                    std::uint64_t runs, std::uint64_t concurrency) {
  Work work{.engine = engine, .program = program, .inputs = inputs, .options = options, .runs = runs};
  const double cpu_before = cpu_seconds();
  const auto began = SteadyClock::now();
  std::vector<std::thread> threads;
  // This thread works too; where the system allows no more threads, fewer do.
  try {
    for (std::uint64_t i = 1; i < std::min(runs, concurrency); ++i) threads.emplace_back([&work] { work_on(work); });
  } catch (const std::system_error&) {
  }
  work_on(work);
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  const double cpu = cpu_seconds() - cpu_before;

  RepeatResult result;
  const std::uint64_t done = work.done;
  result.stats =
      Value::object({{"runs", Value(done)},
                     {"failed", Value(work.failed.load())},
                     {"seconds", Value(rounded(seconds, 1e6))},
                     {"runs_per_second", Value(rounded(static_cast<double>(done) / std::max(seconds, 1e-9), 1e3))},
                     {"p50_ms", Value(rounded(work.durations.percentile_ms(0.5), 1e6))},
                     {"p99_ms", Value(rounded(work.durations.percentile_ms(0.99), 1e6))},
                     {"cpu_seconds", Value(rounded(cpu, 1e6))},
                     {"peak_rss_mb", Value(rounded(peak_rss_mb(), 1e3))}});
  result.all_completed = done == runs && work.failed == 0;
  result.first_error = std::move(work.first_error);
  return result;
}

}  // namespace fnstack::cli
