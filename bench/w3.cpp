// W3 in fnstack: GET 1 KB, GET 1 KB, Conditional, POST; `in flight` runs at once on `loops` event loops.
//   bench_w3 RUNS IN_FLIGHT LOOPS PORT
#include <sys/resource.h>

#include <atomic>
#include <fnstack/backends/curl.hpp>

#include "host.hpp"
#include "measure.hpp"

namespace {

constexpr const char* definition = R"json([
  {"function": "External API Request", "url": "http://127.0.0.1:PORT/users/{{inputs.user}}", "output_variable": "user"},
  {"function": "External API Request", "url": "http://127.0.0.1:PORT/accounts/{{user.account}}",
   "output_variable": "account"},
  {"function": "Conditional", "condition": "{{user.active && account.total > 100}}",
   "true_steps": [
     {"function": "External API Request", "method": "POST", "url": "http://127.0.0.1:PORT/invoices",
      "body": {"user": "{{user.id}}", "name": "{{user.name}}", "total": "{{account.total}}"},
      "output_variable": "invoice"}]}
])json";

// Each run that ends starts the next.
struct Work {
  const fnstack::Engine& engine;
  const fnstack::Program& program;
  std::atomic<long> left;
  std::atomic<long> posted = 0;

  void start() {
    if (left.fetch_sub(1) <= 0) return;
    engine.start(program, fnstack::Value::object({{"user", 4711}}), [this](const fnstack::Outcome& outcome) {
      if (outcome.error) bench::give_up(outcome.error->message);
      if (outcome.variables.get("invoice").get("status").as_string() == "created") ++posted;
      start();
    });
  }
};

}  // namespace

int main(int argc, char** argv) {
  const long runs = bench::argument(argc, argv, 1, 10'000);
  const long in_flight = bench::argument(argc, argv, 2, 64);
  const long loops = bench::argument(argc, argv, 3, 1);
  const auto port = std::to_string(bench::argument(argc, argv, 4, 0));
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  std::string text = definition;
  for (std::size_t at; (at = text.find("PORT")) != text.npos;) text.replace(at, 4, port);
  fnstack::EngineOptions options;
  options.http = fnstack::curl_http({.allow_private = true});
  options.loop_threads = static_cast<std::size_t>(loops);
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "w3.json", text);
  Work work{engine, program, runs};
  const bench::Stopwatch watch;
  for (long i = 0; i < in_flight; ++i) work.start();
  if (const auto fault = engine.drain()) bench::give_up(fault->message);
  watch.report(std::to_string(work.posted) + " posted");
}
