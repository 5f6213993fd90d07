// The token bucket and what answers say about rates, with given times.
#include "backends/token_bucket.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "backends/in_seconds.hpp"
#include "backends/keyed_states.hpp"
#include "backends/rate_limit_headers.hpp"
#include "support/catch.hpp"

using fnstack::HttpResponse;
using fnstack::RateLimit;
using fnstack::backends::BucketState;
using fnstack::backends::hold_back_ms;
using fnstack::backends::in_seconds;

namespace {

RateLimit rule(std::int64_t requests, std::int64_t period_ms, std::int64_t burst = 0) {
  RateLimit out;
  out.key = "k";
  out.requests = requests;
  out.period_ms = period_ms;
  out.burst = burst;
  return out;
}

// 0: allowed; else not before.
std::int64_t take(BucketState& bucket, const RateLimit& of, const std::string& name, std::int64_t now_ms) {
  const auto asked = bucket.take(of, name, now_ms);
  return asked.allowed ? 0 : asked.not_before_ms;
}

}  // namespace

TEST_CASE("bucket: as many as its burst at once, then one by one") {
  const auto two = rule(2, 1'000);
  BucketState bucket;
  CHECK(take(bucket, two, "a", 0) == 0);
  CHECK(take(bucket, two, "b", 0) == 0);
  CHECK(take(bucket, two, "c", 0) == 500);
  CHECK(take(bucket, two, "d", 0) == 1'000);
  CHECK(take(bucket, two, "c", 100) == 500);  // too early: the same place again
  CHECK(take(bucket, two, "c", 500) == 0);
  CHECK(take(bucket, two, "e", 600) == 1'500);
  CHECK(take(bucket, two, "d", 1'000) == 0);
  CHECK(take(bucket, two, "e", 1'500) == 0);
  CHECK(bucket.places() == 0);
  // Idle for a long time: no more than the burst.
  for (int i = 0; i < 2; ++i) CHECK(take(bucket, two, "f", 1'000'000) == 0);
  CHECK(take(bucket, two, "f", 1'000'000) == 1'000'500);

  BucketState single;
  const auto one_at_once = rule(10, 1'000, 1);
  CHECK(take(single, one_at_once, "a", 0) == 0);
  CHECK(take(single, one_at_once, "b", 0) == 100);
}

TEST_CASE("bucket: n who wait have n places, and each is let through at its own, whatever others do") {
  const auto ten = rule(10, 1'000, 1);
  BucketState bucket;
  std::mt19937 random(7);
  std::set<std::int64_t> places;
  std::vector<std::pair<std::int64_t, std::string>> waiting;
  CHECK(take(bucket, ten, "first", 0) == 0);
  for (int i = 0; i < 200; ++i) {
    const std::string name = "run" + std::to_string(i);
    const std::int64_t at = take(bucket, ten, name, 0);
    places.insert(at);
    waiting.emplace_back(at, name);
  }
  CHECK(places.size() == 200);
  CHECK(*places.begin() == 100);
  CHECK(*places.rbegin() == 20'000);
  int refused = 0;
  for (const auto& [at, name] : waiting) {
    // Newcomers push in before each, and it comes up to a second late.
    for (int k = 0; k < 3; ++k) (void)take(bucket, ten, "pusher" + std::to_string(k), at - 1);
    refused += take(bucket, ten, name, at + static_cast<std::int64_t>(random() % 1'000)) == 0 ? 0 : 1;
  }
  CHECK(refused == 0);
}

TEST_CASE("bucket: those who never return cost a grace, not the rate") {
  // Twice as many come as are let through, and nobody waits for longer than ten seconds.
  const auto one = rule(1, 1'000, 1);
  BucketState bucket;
  std::vector<std::pair<std::int64_t, std::string>> waiting;
  int through = 0;
  for (std::int64_t now = 0; now < 600'000; now += 500) {
    std::erase_if(waiting, [&](const auto& place) {
      if (place.first > now) return false;
      through += take(bucket, one, place.second, now) == 0 ? 1 : 0;
      return true;
    });
    const std::string name = "run" + std::to_string(now);
    const std::int64_t at = take(bucket, one, name, now);
    if (at == 0) ++through;
    if (at > 0 && at - now <= 10'000) waiting.emplace_back(at, name);
  }
  CHECK(through <= 601);
  CHECK(through >= 300);
}

TEST_CASE("bucket: a place lapses after its grace and gives its token back") {
  const auto one = rule(1, 60'000, 1);
  BucketState bucket;
  CHECK(take(bucket, one, "a", 0) == 0);
  CHECK(take(bucket, one, "gone", 0) == 60'000);
  CHECK(take(bucket, one, "b", 1) == 120'000);
  CHECK(bucket.places() == 2);
  CHECK(take(bucket, one, "c", 65'001) == 120'000);  // "gone" is: what it had is the next one's
  CHECK(bucket.places() == 2);
  CHECK(take(bucket, one, "b", 120'000) == 0);
  CHECK(take(bucket, one, "c", 120'000) == 0);
}

TEST_CASE("bucket: without a name a place is for whoever comes first") {
  const auto one = rule(1, 1'000);
  BucketState bucket;
  CHECK(take(bucket, one, "", 0) == 0);
  CHECK(take(bucket, one, "", 0) == 1'000);
  CHECK(take(bucket, one, "", 0) == 2'000);
  CHECK(take(bucket, one, "", 1'000) == 0);
  CHECK(take(bucket, one, "", 2'000) == 0);
  CHECK(bucket.places() == 0);
}

TEST_CASE("bucket: what the service says moves all places on together") {
  const auto one = rule(1, 1'000, 5);
  BucketState bucket;
  CHECK(take(bucket, one, "a", 0) == 0);
  bucket.hold_until(one, 60'000, 0);
  CHECK(take(bucket, one, "b", 0) == 60'000);
  CHECK(take(bucket, one, "c", 0) == 61'000);
  bucket.hold_until(one, 60'000, 10);  // the same said twice is the same
  CHECK(take(bucket, one, "b", 20) == 60'000);
  bucket.hold_until(one, 90'000, 30);
  CHECK(take(bucket, one, "b", 60'000) == 90'000);
  CHECK(take(bucket, one, "c", 60'000) == 91'000);
  CHECK(take(bucket, one, "d", 60'000) == 92'000);
  CHECK(take(bucket, one, "b", 90'000) == 0);
  bucket.hold_until(one, 89'000, 90'000);  // over already
  CHECK(take(bucket, one, "c", 91'000) == 0);

  BucketState bounded;
  bounded.hold_until(one, std::numeric_limits<std::int64_t>::max(), 0);
  CHECK(take(bounded, one, "a", 0) == 3'600'000);
}

TEST_CASE("bucket: a clock that jumps, and threads a little out of order") {
  const auto one = rule(1, 1'000);
  const std::int64_t hour = 3'600'000;
  BucketState back;
  CHECK(take(back, one, "a", hour) == 0);
  CHECK(take(back, one, "b", hour) == hour + 1'000);
  CHECK(take(back, one, "b", 0) == 1'000);
  CHECK(take(back, one, "b", 1'000) == 0);
  BucketState on;
  CHECK(take(on, one, "a", 0) == 0);
  CHECK(take(on, one, "b", 0) == 1'000);
  CHECK(take(on, one, "b", 365 * 24 * hour) == 0);
  BucketState disorder;
  CHECK(take(disorder, one, "a", 100) == 0);
  for (int i = 0; i < 100; ++i) {
    (void)disorder.take(one, "z", 90);
    (void)disorder.take(one, "z", 100);
  }
  CHECK(take(disorder, one, "y", 100) == 2'100);  // going to and fro brings no tokens
}

TEST_CASE("bucket: a rule that changes, and numbers beyond reason") {
  BucketState bucket;
  CHECK(take(bucket, rule(1, 1'000), "a", 0) == 0);
  CHECK(take(bucket, rule(1, 2'000), "b", 0) == 2'000);
  BucketState odd;
  const auto silly = rule(-3, -7, -1);
  CHECK(take(odd, silly, "a", 0) == 0);
  CHECK(take(odd, silly, "b", 0) == 1);
  BucketState huge;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(take(huge, rule(most, most, most), "a", 0) == 0);
  CHECK(take(huge, rule(most, most, most), "a", most / 2) == 0);
}

TEST_CASE("bucket: places are bounded in number and in time") {
  BucketState many;
  const auto fast = rule(1'000, 1, 1);
  for (int i = 0; i < 20'000; ++i) (void)many.take(fast, "run" + std::to_string(i), 0);
  CHECK(many.places() <= 10'000);
  BucketState slow;
  const auto daily = rule(1, 86'400'000);
  CHECK(take(slow, daily, "a", 0) == 0);
  CHECK(take(slow, daily, "b", 0) == 86'400'000);
  CHECK(take(slow, daily, "c", 0) == 86'400'000);  // too far for a place: they see when they are there
  CHECK(slow.places() == 0);
}

TEST_CASE("rate headers: what is said in them, by the service's own clock") {
  const std::int64_t now = 1'700'000'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const struct {
    int status;
    Headers headers;
    std::int64_t expected;
  } rows[] = {
      {429, {{"retry-after", "5"}}, 5'000},
      {200, {{"retry-after", "5"}}, 0},
      {429, {{"retry-after", " 5 "}}, 5'000},
      {429, {{"retry-after", "1.5"}}, 1'000},
      {429, {{"retry-after", "-5"}}, 0},
      {429, {{"retry-after", "1000000000000000000"}}, 3'600'000},
      {429, {{"retry-after", "99999999999999999999999"}}, 3'600'000},
      {429, {{"retry-after", "soon"}}, 0},
      {429, {{"retry-after", ""}}, 0},
      {429, {{"retry-after", "Tue, 14 Nov 2023 22:13:30 GMT"}}, 10'000},
      {429, {{"retry-after", "Tue, 14 Nov 2023 22:13:10 GMT"}}, 0},
      {429, {{"date", "Wed, 15 Nov 2023 10:00:00 GMT"}, {"retry-after", "Wed, 15 Nov 2023 10:00:07 GMT"}}, 7'000},
      {429, {}, 0},
      {200, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "30"}}, 30'000},
      {200, {{"x-ratelimit-remaining", "1"}, {"x-ratelimit-reset", "30"}}, 0},
      {200, {{"x-ratelimit-remaining", "0"}}, 0},
      {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1700000020"}}, 20'000},
      {200, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1700000020000"}}, 20'000},
      {200, {{"x-rate-limit-remaining", "0"}, {"x-rate-limit-reset", "3"}}, 3'000},
      {200, {{"ratelimit-remaining", "0"}, {"ratelimit-reset", "2"}}, 2'000},
      {200, {{"ratelimit-remaining", "-1"}, {"ratelimit-reset", "2"}}, 0},
      {200, {{"ratelimit", "limit=100, remaining=0, reset=50"}}, 50'000},
      {200, {{"ratelimit", "limit=100, remaining=3, reset=50"}}, 0},
      {200, {{"ratelimit", "\"minute\";r=4;t=20, \"day\";r=0;t=200"}}, 200'000},
      {200, {{"ratelimit", "\"day\";r=0, \"minute\";r=5;t=20"}}, 0},
      {200, {{"ratelimit", ",;=;,;;r=;t=x"}}, 0},
      {429, {{"retry-after", "5"}, {"ratelimit-remaining", "0"}, {"ratelimit-reset", "9"}}, 9'000},
  };
  for (const auto& row : rows) {
    HttpResponse response;
    response.status = row.status;
    response.headers = row.headers;
    INFO((row.headers.empty() ? "none" : row.headers.back().second));
    CHECK(hold_back_ms(response, now) == row.expected);
  }
}

TEST_CASE("seconds as messages say them") {
  CHECK(in_seconds(0) == "0.1 s");
  CHECK(in_seconds(250) == "0.3 s");
  CHECK(in_seconds(1'000) == "1 s");
  CHECK(in_seconds(1'001) == "1.1 s");
  CHECK(in_seconds(9'999) == "10 s");
  CHECK(in_seconds(11'950) == "12 s");
  CHECK(in_seconds(3'600'000) == "3600 s");
}

TEST_CASE("keyed states: the ones asked for longest ago are forgotten, but none in use") {
  fnstack::backends::KeyedStates<int> states(3);
  const auto held = states.get("held");
  *held = 7;
  *states.get("a") = 1;
  for (const char* key : {"b", "c", "a", "d"}) (void)states.get(key);
  CHECK(states.size() == 3);
  CHECK(*states.get("held") == 7);
  CHECK(*states.get("a") == 0);  // a new one
  for (int i = 0; i < 1'000; ++i) (void)states.get(std::to_string(i));
  CHECK(states.size() == 3);
  CHECK(*states.get("held") == 7);
}
