// Many runs of one program, timed: `run --repeat N --concurrency C`.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include <fnstack/engine.hpp>

namespace fnstack::cli {

struct RepeatResult {
  Value stats;                       // {runs, failed, seconds, …}: what is printed
  bool all_completed = false;        // all that were asked for
  std::optional<Error> first_error;  // one of those that failed
};

// `concurrency` runs are in flight at a time, on the engine's event loop. A stop cancels those and starts no more.
[[nodiscard]] RepeatResult repeat(const Engine& engine, const Program& program, const Value& inputs, RunOptions options,
                                  std::uint64_t runs, std::uint64_t concurrency);

// How long things took, in a fixed space: exact to 1 %.
class Durations {
 public:
  void add(std::uint64_t nanoseconds) noexcept;
  // The duration, in milliseconds, within which this part of them (0.5, 0.99) ended; 0 without any.
  [[nodiscard]] double percentile_ms(double part) const noexcept;

 private:
  // 128 steps for each doubling.
  static constexpr unsigned step_bits = 7;
  static constexpr std::size_t size = (64 - step_bits + 1) << step_bits;
  std::uint64_t counts_[size] = {};
  std::uint64_t total_ = 0;
};

}  // namespace fnstack::cli
