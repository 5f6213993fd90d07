// W3 in fnstack: GET 1 KB, GET 1 KB, Conditional, POST; `in flight` runs at once on `loops` event loops.
//   bench_w3 RUNS IN_FLIGHT LOOPS PORT
#include <poll.h>
#include <sys/resource.h>

#include <atomic>
#include <fnstack/backends/curl.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

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

// The simplest driver there could be: HTTP only, on this thread.
struct Run {
  std::optional<fnstack::Machine> machine;
  fnstack::EffectId waits_for;
};

struct Loop {
  const fnstack::Engine& engine;
  const fnstack::Program& program;
  std::atomic<long>& left;
  std::atomic<long>& posted;
  fnstack::OnLoop<fnstack::HttpClient> http{};
  std::vector<std::unique_ptr<Run>> runs{};
  std::vector<std::pair<Run*, fnstack::Result<fnstack::HttpResponse>>> answers{};
  std::size_t under_way = 0;
};

void advance(Loop& loop, Run& run);

void begin(Loop& loop, Run& run) {
  if (loop.left.fetch_sub(1) <= 0) {
    --loop.under_way;
    return;
  }
  run.machine.emplace(loop.engine.start(loop.program, fnstack::Value::object({{"user", 4711}})));
  advance(loop, run);
}

void advance(Loop& loop, Run& run) {
  while (true) {
    auto next = run.machine->next();
    if (auto* perform = std::get_if<fnstack::Machine::Perform>(&next)) {
      run.waits_for = perform->id;
      fnstack::Call call;
      call.effect_id = perform->id.to_string();
      loop.http.backend->send(std::get<fnstack::HttpRequest>(std::move(perform->effect)), call,
                              fnstack::Reply<fnstack::HttpResponse>(
                                  [&loop, &run](auto result) { loop.answers.emplace_back(&run, std::move(result)); }));
      continue;
    }
    if (std::holds_alternative<fnstack::Machine::Waiting>(next)) return;
    const auto& outcome = run.machine->outcome();
    if (outcome.error) bench::give_up(outcome.error->message);
    if (outcome.variables.get("invoice").get("status").as_string() == "created") ++loop.posted;
    return begin(loop, run);
  }
}

void drive(Loop& loop, long in_flight) {
  loop.http = loop.engine.backends(loop.program).http->on_loop();
  loop.under_way = static_cast<std::size_t>(in_flight);
  for (long i = 0; i < in_flight; ++i) {
    loop.runs.push_back(std::make_unique<Run>());
    begin(loop, *loop.runs.back());
  }
  while (true) {
    auto next = loop.http.work->turn();
    if (!loop.answers.empty()) {
      for (auto& [run, answer] : std::exchange(loop.answers, {})) {
        fnstack::EffectResult result = answer.ok() ? fnstack::EffectResult(std::move(answer).value())
                                                   : fnstack::EffectResult(std::move(answer).error());
        run->machine->resume(run->waits_for, std::move(result), 0);
        advance(loop, *run);
      }
      continue;
    }
    if (loop.under_way == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (next <= now) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<std::chrono::steady_clock::duration>(next - now, std::chrono::minutes(1)));
    pollfd polled{loop.http.work->descriptor(), POLLIN, 0};
    ::poll(&polled, 1, static_cast<int>(left.count()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::atomic<long> left = bench::argument(argc, argv, 1, 10'000);
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
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "w3.json", text);
  std::atomic<long> posted = 0;
  const bench::Stopwatch watch;
  std::vector<std::thread> threads;
  for (long i = 0; i < loops; ++i) {
    const long share = in_flight / loops + (i < in_flight % loops ? 1 : 0);
    threads.emplace_back([&, share] {
      Loop loop{engine, program, left, posted};
      drive(loop, share);
    });
  }
  for (std::thread& thread : threads) thread.join();
  watch.report(std::to_string(posted) + " posted");
}
