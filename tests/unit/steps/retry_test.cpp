#include "steps/retry.hpp"

#include "support/catch.hpp"

namespace {

using namespace fnstack;
using steps::next_attempt_ms;
using steps::Retry;
using steps::retry_after_ms;

constexpr std::int64_t now = 1'700'000'000'000;  // 2023-11-14 22:13:20 UTC
constexpr std::int64_t hour_s = 3'600;

Result<HttpResponse> status(int code, std::string retry_after = {}) {
  HttpResponse response;
  response.status = code;
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", std::move(retry_after));
  return response;
}

Retry calm() {
  Retry retry;
  retry.attempts = 20;
  retry.jitter = false;
  return retry;
}

// -1: no further attempt.
std::int64_t wait(const Retry& retry, std::int64_t made, const Result<HttpResponse>& outcome, bool may_repeat = true,
                  std::uint64_t random = 0) {
  return next_attempt_ms(retry, made, outcome, may_repeat, now, hour_s, random).value_or(-1);
}

}  // namespace

TEST_CASE("waits double up to the longest") {
  Retry retry = calm();
  const std::int64_t expected[] = {500, 1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000};
  for (std::int64_t made = 1; made <= 8; ++made) CHECK(wait(retry, made, status(503)) == expected[made - 1]);
  retry.exponential = false;
  CHECK(wait(retry, 9, status(503)) == 500);
  retry.max_ms = 100;
  CHECK(wait(retry, 1, status(503)) == 100);
  retry.exponential = true;
  retry.initial_ms = 0;
  CHECK(wait(retry, 19, status(503)) == 0);
  retry.initial_ms = 1;
  retry.max_ms = INT64_MAX;
  retry.attempts = 100;
  CHECK(wait(retry, 99, status(503)) == INT64_MAX);
}

TEST_CASE("jitter stays between half and all") {
  Retry retry = calm();
  retry.jitter = true;
  CHECK(wait(retry, 1, status(503), true, 0) == 500);
  CHECK(wait(retry, 1, status(503), true, 250) == 250);
  CHECK(wait(retry, 1, status(503), true, 251) == 500);
  for (std::uint64_t random = 0; random < 1'000; ++random) {
    const std::int64_t ms = wait(retry, 1, status(503), true, random * 0x9E3779B97F4A7C15U);
    CHECK((ms >= 250 && ms <= 500));
  }
}

TEST_CASE("the number of attempts is all of them together") {
  Retry retry = calm();
  retry.attempts = 3;
  CHECK(wait(retry, 2, status(503)) == 1'000);
  CHECK(wait(retry, 3, status(503)) == -1);
  CHECK(wait(Retry(), 1, status(503)) == -1);
}

TEST_CASE("what is worth another attempt") {
  Retry retry = calm();
  for (const int code : {429, 502, 503, 504}) CHECK(wait(retry, 1, status(code)) == 500);
  for (const int code : {200, 304, 400, 401, 404, 409, 500, 501}) CHECK(wait(retry, 1, status(code)) == -1);
  for (const char* type : {error_type::network, error_type::timeout})
    CHECK(wait(retry, 1, make_error(type, "")) == 500);
  for (const char* type : {error_type::blocked, error_type::limit, error_type::validation}) {
    CHECK(wait(retry, 1, make_error(type, "")) == -1);
  }
  retry.on = Value::array({Value(404), Value("5xx"), Value("timeout")});
  CHECK(wait(retry, 1, status(404)) == 500);
  CHECK(wait(retry, 1, status(599)) == 500);
  CHECK(wait(retry, 1, status(429)) == -1);
  CHECK(wait(retry, 1, make_error(error_type::timeout, "")) == 500);
  CHECK(wait(retry, 1, make_error(error_type::network, "")) == -1);
  retry.on = Value::array({Value("http")});
  CHECK(wait(retry, 1, status(400)) == 500);
  CHECK(wait(retry, 1, status(399)) == -1);
}

TEST_CASE("what could do harm is not repeated") {
  Retry retry = calm();
  CHECK(wait(retry, 1, status(503), false) == -1);
  Error not_sent = make_error(error_type::network, "");
  not_sent.not_before_ms = now + 2'000;
  CHECK(wait(retry, 1, not_sent, false) == 2'000);
  not_sent.not_before_ms = now - 1;
  CHECK(wait(retry, 1, not_sent, false) == 500);
  retry.unsafe = true;
  CHECK(wait(retry, 1, status(503), false) == 500);
}

TEST_CASE("Retry-After") {
  CHECK(retry_after_ms("120", now) == 120'000);
  CHECK(retry_after_ms(" 0 ", now) == 0);
  CHECK(retry_after_ms("Tue, 14 Nov 2023 22:13:25 GMT", now) == 5'000);
  CHECK(retry_after_ms("Tue, 14 Nov 2023 22:13:15 GMT", now) == 0);
  for (const char* nonsense : {"", " ", "-1", "+1", "1.5", "soon", "0x10", "1e3"}) {
    CHECK(retry_after_ms(nonsense, now) == std::nullopt);
  }
  CHECK(retry_after_ms("1000000000000000000000000", now) == std::int64_t{100} * 366 * 86'400'000);

  Retry retry = calm();
  CHECK(wait(retry, 1, status(429, "7")) == 7'000);
  CHECK(wait(retry, 1, status(429, "0")) == 500);  // never sooner than the backoff
  CHECK(wait(retry, 1, status(429, "3600")) == 3'600'000);
  CHECK(wait(retry, 1, status(429, "3601")) == -1);  // too long: the failure itself is the answer
  CHECK(wait(retry, 1, status(429, "never")) == 500);
  retry.respect_retry_after = false;
  CHECK(wait(retry, 1, status(429, "7")) == 500);
}
