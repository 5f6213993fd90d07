// retry: when a failed request is made again, and after how long. Pure but for the jitter, whose randomness it is
// given. Entry points: read_retry, next_attempt_ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

struct Retry {
  std::int64_t attempts = 1;  // all together
  Value on;                   // statuses ("5xx" too) and error types; null: the usual ones
  bool exponential = true;
  std::int64_t initial_ms = 500;
  std::int64_t max_ms = 30'000;
  bool jitter = true;
  bool respect_retry_after = true;
  bool unsafe = false;  // methods that are not safe too
};

// From the fields retry.*; without them one attempt. Errors: `validation`.
[[nodiscard]] Result<Retry> read_retry(const Fields& fields);

// The status that failed, or the error. Nothing: it is not repeated. `may_repeat`: the request is one that can be made
// twice without harm (safe method, idempotency key). `random` is uniform in 64 bits.
[[nodiscard]] std::optional<std::int64_t> next_attempt_ms(const Retry& retry, std::int64_t attempts_made,
                                                          const Result<HttpResponse>& outcome, bool may_repeat,
                                                          std::int64_t now_ms, std::int64_t most_retry_after_s,
                                                          std::uint64_t random);

// What a Retry-After header asks for (RFC 9110 section 10.2.3: seconds or a date), in ms from now; nothing if it is
// neither, or negative.
[[nodiscard]] std::optional<std::int64_t> retry_after_ms(std::string_view text, std::int64_t now_ms);

}  // namespace fnstack::steps
