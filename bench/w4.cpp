// W4 in fnstack: so many runs at once on one loop, each waiting, and what each of them takes of memory.
//   bench_w4 wait RUNS             each in a Wait
//   bench_w4 request RUNS PORT     each awaiting the answer of bench_w4_server
#include <atomic>
#include <chrono>
#include <fnstack/backends/curl.hpp>
#include <thread>

#include "host.hpp"
#include "measure.hpp"
#include "resident.hpp"
#include "w4_held.hpp"

namespace {

using fnstack::Outcome;
using fnstack::Value;

void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

// Until the loop has nothing to do.
void settle() {
  for (double before = -1, now = bench::cpu_seconds(); now - before > 0.001; now = bench::cpu_seconds()) {
    before = now;
    rest();
    rest();
  }
}

void wait(long runs) {
  fnstack::EngineOptions options;
  options.loop_threads = 1;
  fnstack::Engine engine(std::move(options));
  std::atomic<long> arrived = 0, ended = 0;
  engine.add_function("arrived", [&](const Value&) -> fnstack::Result<Value> {
    ++arrived;
    return Value();
  });
  const auto program = bench::load(engine, "wait.json", R"([{"function": "Custom Function", "name": "arrived"},
      {"function": "Wait", "seconds": 3600}, {"function": "Response", "body": {"text": "{{inputs.name}}"}}])");
  const auto inputs = Value::object({{"name", "x"}});
  const bench::Stopwatch watch;
  const double before = bench::resident_bytes();
  for (long i = 0; i < runs; ++i) {
    engine.start(program, inputs, [&ended](const Outcome& outcome) {
      if (outcome.status == Outcome::Status::cancelled) ++ended;
    });
  }
  while (arrived < runs) rest();
  settle();
  const double each = (bench::resident_bytes() - before) / static_cast<double>(runs);
  engine.cancel_all();
  if (engine.drain()) bench::give_up("the loop does not end");
  watch.report(std::to_string(ended) + " waited", "bytes_each", each);
}

void request(long runs, const std::string& port) {
  bench::allow_files(runs + 100);
  const auto most = static_cast<std::size_t>(runs) + 1;
  fnstack::EngineOptions options;
  options.loop_threads = 1;
  options.max_effects = most;
  options.http = fnstack::curl_http({.allow_hosts = {"127.0.0.1:" + port}, .max_connections = most});
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "request.json",
                                   R"([{"function": "External API Request", "url": "http://127.0.0.1:)" + port +
                                       R"(/slow", "timeout": 600000, "output_variable": "answer"},
      {"function": "Response", "body": "{{answer.ok}}"}])");
  std::atomic<long> answered = 0, ended = 0;
  const bench::Stopwatch watch;
  const double before = bench::resident_bytes();
  for (long i = 0; i < runs; ++i) {
    engine.start(program, Value::object(), [&](const Outcome& outcome) {
      if (outcome.response && outcome.response->body == Value(true)) ++answered;
      ++ended;
    });
  }
  while (bench::held(port) < runs) {
    if (ended > 0) bench::give_up("a run ended before its answer came");
    rest();
  }
  const double each = (bench::resident_bytes() - before) / static_cast<double>(runs);
  if (bench::ask(port, "/release").empty()) bench::give_up("the server does not release");
  if (engine.drain()) bench::give_up("the loop does not end");
  watch.report(std::to_string(answered) + " answered", "bytes_each", each);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "wait") {
    wait(bench::argument(argc, argv, 2, 100'000));
  } else if (what == "request" && argc > 3) {
    request(bench::argument(argc, argv, 2, 10'000), argv[3]);
  } else {
    bench::give_up("usage: bench_w4 wait RUNS | bench_w4 request RUNS PORT");
  }
}
