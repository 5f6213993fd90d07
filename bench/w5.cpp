// W5 in fnstack: a cached request that hits, a value of 1 KB in Redis; one run after another on this thread, or
// `in flight` of them on one thread of the event loop.
//   bench_w5 RUNS IN_FLIGHT PORT
#include <atomic>
#include <fnstack/backends/redis.hpp>

#include "host.hpp"
#include "measure.hpp"
#include "w5_value.hpp"

namespace {

constexpr const char* definition = R"json({
  "function_name": "cached_request",
  "steps": [
    {"function": "Data Caching", "operation": "get", "key": "{{inputs.cache_key}}", "output_variable": "cached"},
    {"function": "Conditional", "condition": "{{cached !== null}}",
     "true_steps": [
       {"function": "Response", "body": "{{cached}}", "headers": {"X-Cache": "HIT", "X-Cache-Age": "{{cached.age}}"}}],
     "false_steps": [{"function": "Response", "status_code": 500, "body": "a miss"}]}
  ]
})json";

}  // namespace

int main(int argc, char** argv) {
  const long runs = bench::argument(argc, argv, 1, 20'000);
  const long in_flight = bench::argument(argc, argv, 2, 1);
  fnstack::RedisOptions redis;
  redis.port = static_cast<int>(bench::argument(argc, argv, 3, 6379));
  fnstack::EngineOptions options;
  options.cache = fnstack::redis_cache(redis);
  options.loop_threads = 1;
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "cached_request.json", definition);

  std::atomic<long> hits = 0;
  const std::string wanted = bench::cached_value();
  const auto inputs = [](long) { return fnstack::Value::object({{"cache_key", bench::cached_key}}); };
  const auto look = [&](const fnstack::Outcome& outcome) {
    // What the answer would be made of: the body as JSON, the age in its header.
    const auto& response = *outcome.response;
    if (response.status_code == 200 && fnstack::to_json(response.body) == wanted && response.headers.size() == 2)
      ++hits;
  };
  const bench::Stopwatch watch;
  if (in_flight == 1) {
    for (long n = 0; n < runs; ++n) look(bench::run(engine, program, inputs(n)));
  } else {
    bench::run_many(engine, program, runs, in_flight, inputs, look);
  }
  watch.report(std::to_string(hits) + " hits");
}
