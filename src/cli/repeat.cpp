#include "cli/repeat.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

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

// What the lanes share: each keeps one run under way, and its last one's callback starts the next.
struct Work {
  const Engine& engine;
  const Program& program;
  const Value& inputs;
  const RunOptions& options;
  std::uint64_t runs;
  std::atomic<std::uint64_t> next{0}, done{0}, failed{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex = {};  // of what follows
  std::condition_variable ended = {};
  std::uint64_t lanes = 0;  // that still have a run under way
  Durations durations = {};
  std::optional<Error> first_error = {};
};

// This thread is inside Engine::start: a callback that comes now says that the run was refused.
thread_local bool is_starting = false;

void note(Work& work, Outcome outcome, SteadyClock::time_point began) {
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - began).count();
  ++work.done;
  if (outcome.status != Outcome::Status::completed) ++work.failed;
  const std::lock_guard lock(work.mutex);
  work.durations.add(static_cast<std::uint64_t>(took));
  if (!work.first_error && outcome.error) work.first_error = std::move(outcome.error);
}

void start_next(Work& work) {
  if (work.stopped || work.next.fetch_add(1) >= work.runs) {
    const std::lock_guard lock(work.mutex);
    if (--work.lanes == 0) work.ended.notify_all();
    return;
  }
  is_starting = true;
  work.engine.start(
      work.program, work.inputs,
      [&work, began = SteadyClock::now()](Outcome outcome) {
        note(work, std::move(outcome), began);
        if (is_starting) work.stopped = true;
        start_next(work);
      },
      work.options);
  is_starting = false;
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

RepeatResult repeat(const Engine& engine, const Program& program, const Value& inputs, RunOptions options,
                    std::uint64_t runs, std::uint64_t concurrency) {
  const std::stop_token stop = std::exchange(options.stop, {});
  Work work{.engine = engine, .program = program, .inputs = inputs, .options = options, .runs = runs};
  // One request to stop for all is cheaper than a token for each run.
  const std::stop_callback on_stop(stop, [&work] {
    work.stopped = true;
    work.engine.cancel_all();
  });
  const double cpu_before = cpu_seconds();
  const auto began = SteadyClock::now();
  const std::uint64_t lanes = std::min(runs, concurrency);
  work.lanes = lanes;
  for (std::uint64_t i = 0; i < lanes; ++i) start_next(work);
  {
    std::unique_lock lock(work.mutex);
    work.ended.wait(lock, [&work] { return work.lanes == 0; });
  }
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
