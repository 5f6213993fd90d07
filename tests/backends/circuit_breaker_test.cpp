// The circuit breaker's states, with given times.
#include "backends/circuit_breaker.hpp"

#include "support/catch.hpp"

using fnstack::CircuitBreaker;
using fnstack::backends::BreakerState;

namespace {

CircuitBreaker rule(std::int64_t failures, std::int64_t window_s = 60, std::int64_t open_s = 30) {
  CircuitBreaker out;
  out.key = "k";
  out.failures = failures;
  out.window_s = window_s;
  out.open_s = open_s;
  return out;
}

constexpr std::int64_t longest = 30'000;

// Asks, expects to be allowed, and reports a failure.
void fail_at(BreakerState& breaker, const CircuitBreaker& of, std::int64_t now_ms) {
  const auto asked = breaker.ask(of, now_ms, longest);
  REQUIRE(asked.ticket != 0);
  breaker.failed(of, asked.ticket, now_ms);
}

}  // namespace

TEST_CASE("breaker: opens after so many failures in a row, for so long") {
  const auto three = rule(3);
  BreakerState breaker;
  fail_at(breaker, three, 1'000);
  fail_at(breaker, three, 2'000);
  fail_at(breaker, three, 3'000);
  const auto refused = breaker.ask(three, 3'001, longest);
  CHECK(refused.ticket == 0);
  CHECK(refused.not_before_ms == 33'000);
  CHECK(refused.failures == 3);
  CHECK_FALSE(refused.trying);
  CHECK(breaker.ask(three, 32'999, longest).ticket == 0);
  CHECK(breaker.ask(three, 33'000, longest).ticket != 0);
}

TEST_CASE("breaker: a success in between begins the row anew; what is neither does not") {
  const auto two = rule(2);
  BreakerState breaker;
  fail_at(breaker, two, 1'000);
  breaker.succeeded(breaker.ask(two, 1'100, longest).ticket);
  fail_at(breaker, two, 1'200);
  breaker.neither(breaker.ask(two, 1'300, longest).ticket);
  CHECK(breaker.ask(two, 1'350, longest).ticket != 0);
  fail_at(breaker, two, 1'400);
  CHECK(breaker.ask(two, 1'500, longest).ticket == 0);
}

TEST_CASE("breaker: failures count within the window only") {
  const auto two = rule(2, 10);
  BreakerState breaker;
  fail_at(breaker, two, 0);
  fail_at(breaker, two, 10'001);
  CHECK(breaker.ask(two, 10'002, longest).ticket != 0);
  fail_at(breaker, two, 20'001);
  CHECK(breaker.ask(two, 20'002, longest).ticket == 0);
}

TEST_CASE("breaker: half open, one tries and the others wait a second") {
  const auto one = rule(1);
  BreakerState breaker;
  fail_at(breaker, one, 0);
  const auto trial = breaker.ask(one, 30'000, longest);
  REQUIRE(trial.ticket != 0);
  const auto other = breaker.ask(one, 30'001, longest);
  CHECK(other.ticket == 0);
  CHECK(other.trying);
  CHECK(other.not_before_ms == 31'001);
  SECTION("its success closes") {
    breaker.succeeded(trial.ticket);
    const auto a = breaker.ask(one, 30'002, longest);
    const auto b = breaker.ask(one, 30'002, longest);
    CHECK(a.ticket != 0);
    CHECK(b.ticket != 0);
  }
  SECTION("its failure opens again, from then on") {
    breaker.failed(one, trial.ticket, 40'000);
    const auto refused = breaker.ask(one, 40'001, longest);
    CHECK(refused.not_before_ms == 70'000);
    CHECK(refused.failures == 2);
  }
  SECTION("if it ends as neither, the next one tries") {
    breaker.neither(trial.ticket);
    CHECK(breaker.ask(one, 30'002, longest).ticket != 0);
    CHECK(breaker.ask(one, 30'003, longest).ticket == 0);
  }
  SECTION("if it is never heard of again, the next one tries when its time is over") {
    CHECK(breaker.ask(one, 60'000, longest).ticket == 0);
    const auto next = breaker.ask(one, 60'001, longest);
    CHECK(next.ticket != 0);
    breaker.failed(one, trial.ticket, 60'002);  // the first one after all: out of date
    breaker.succeeded(next.ticket);
    CHECK(breaker.ask(one, 60'003, longest).ticket != 0);
  }
}

TEST_CASE("breaker: what began before it opened changes nothing when it ends") {
  const auto one = rule(1);
  BreakerState breaker;
  const auto slow = breaker.ask(one, 0, longest);
  const auto slower = breaker.ask(one, 0, longest);
  fail_at(breaker, one, 100);
  breaker.succeeded(slow.ticket);
  CHECK(breaker.ask(one, 200, longest).ticket == 0);
  breaker.failed(one, slower.ticket, 20'000);
  CHECK(breaker.ask(one, 20'001, longest).not_before_ms == 30'100);
}

TEST_CASE("breaker: a clock that jumps") {
  const auto one = rule(1);
  const std::int64_t hour = 3'600'000;
  SECTION("back: it is open for no longer than it says") {
    BreakerState breaker;
    fail_at(breaker, one, hour);
    CHECK(breaker.ask(one, 0, longest).not_before_ms == 30'000);
    CHECK(breaker.ask(one, 30'000, longest).ticket != 0);
  }
  SECTION("back during a trial: that lasts no longer either") {
    BreakerState breaker;
    fail_at(breaker, one, hour);
    REQUIRE(breaker.ask(one, hour + 30'000, longest).ticket != 0);
    CHECK(breaker.ask(one, 0, longest).ticket == 0);
    CHECK(breaker.ask(one, 30'001, longest).ticket != 0);
  }
  SECTION("on by a year") {
    BreakerState breaker;
    fail_at(breaker, one, 0);
    CHECK(breaker.ask(one, 365 * 24 * hour, longest).ticket != 0);
  }
}

TEST_CASE("breaker: numbers beyond reason are brought within it") {
  BreakerState breaker;
  const auto odd = rule(-5, -1, std::numeric_limits<std::int64_t>::max());
  fail_at(breaker, odd, 0);
  CHECK(breaker.ask(odd, 1, longest).not_before_ms == std::int64_t{366} * 86'400'000);
  BreakerState never_open;
  const auto zero = rule(1, 60, 0);
  fail_at(never_open, zero, 0);
  CHECK(never_open.ask(zero, 0, longest).ticket != 0);
  CHECK(never_open.ask(zero, 0, longest).not_before_ms == 1);
}
