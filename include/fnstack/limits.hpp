// Limits: every bound of a run, each with a default and the name it has in messages and as --limit NAME=VALUE.
// Run budgets (marked *) end the run and can't be caught; the others are errors of type `limit`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fnstack {

struct Limits {
  std::int64_t definition_bytes = std::int64_t{1} << 20;
  std::int64_t definition_nodes = 50'000;
  std::int64_t definition_nesting = 512;
  std::int64_t steps = 1'000'000;  // * executed steps, and what expressions cost
  std::int64_t passes = 10'000;    // of a condition loop, unless it says max_iterations
  std::int64_t call_depth = 64;    // * custom functions within custom functions
  std::int64_t strands = 1'000;    // *
  std::int64_t value_depth = 128;
  std::int64_t value_bytes = std::int64_t{64} << 20;
  std::int64_t live_bytes = std::int64_t{256} << 20;  // * of all variables of a run
  std::int64_t response_headers = 100;
  std::int64_t response_header_bytes = std::int64_t{64} << 10;
  std::int64_t response_bytes = std::int64_t{16} << 20;  // decoded
  std::int64_t url_bytes = std::int64_t{8} << 10;
  std::int64_t header_bytes = std::int64_t{8} << 10;
  std::int64_t redirects = 5;
  std::int64_t cache_key_bytes = std::int64_t{1} << 10;
  std::int64_t rows = 10'000;  // per query, unless it says a limit
  std::int64_t retry_after_s = 3'600;
  std::int64_t wait_s = std::int64_t{366} * 86'400;
  std::int64_t wall_s = 300;  // * without waits; kept by the driver
  std::int64_t expression_nodes = 1'000;
  std::int64_t expression_steps = 100'000;
  std::int64_t log_bytes = std::int64_t{8} << 10;

  // False: no limit has this name.
  bool set(std::string_view name, std::int64_t value) noexcept;
  // All names, in the order above.
  [[nodiscard]] static std::span<const std::string_view> names() noexcept;
};

}  // namespace fnstack
