// A great many short runs, and the memory of the process: what it holds after the last is what it held after the first
// ten thousand, whatever definitions and data they bring along.
//
//   bench_soak [RUNS] [PART]        1,000,000 runs of each part; PART: only parts with it in their name
#include <atomic>
#include <fnstack/backends/sqlite.hpp>
#include <functional>
#include <semaphore>

#include "host.hpp"
#include "measure.hpp"
#include "resident.hpp"

namespace {

using fnstack::Value;

// What runs do everywhere: templates, a loop, an error caught, a call, a cache and records that are deleted again.
constexpr const char* usual = R"json({"function_name": "main", "steps": [
    {"function": "Create Variable", "variable_name": "label", "value": "run {{inputs.n}} of {{run.id}}"},
    {"function": "Create Variable", "variable_name": "total", "value": 0},
    {"function": "Loop", "times": 3, "loop_item_variable": "i", "steps": [
      {"function": "Math", "operation": "add", "value1": "{{total}}", "value2": "{{i}}", "output_variable": "total"}]},
    {"function": "Try-Catch",
     "try_steps": [{"function": "Throw Error", "message": "no {{label}}"}],
     "catch_steps": [{"function": "Create Variable", "variable_name": "why", "value": "{{error.message}}"}]},
    {"function": "Custom Function", "custom_function": "twice", "parameters": {"a": "{{total}}"}, "output_variable": "b"},
    {"function": "Cache Set", "key": "k{{inputs.n % 100}}", "value": "{{label}}", "ttl": 60},
    {"function": "Cache Get", "key": "k{{inputs.n % 100}}", "output_variable": "cached"},
    {"function": "Add Record", "table": "items", "data": {"name": "{{label}}"}, "output_variable": "row"},
    {"function": "Delete Record", "table": "items", "record_id": "{{row.id}}"},
    {"function": "Response", "body": {"label": "{{label}}", "b": "{{b}}"}}]}
  {"function_name": "twice", "steps": [{"function": "Return Value", "value": "{{inputs.a * 2}}"}]})json";

// Branches, and asynchronous calls that nobody awaits.
constexpr const char* strands = R"json({"function_name": "main", "steps": [
    {"function": "Parallel", "branches": [[{"function": "Wait", "seconds": 1}], [{"function": "Return Value", "value": 1}]],
     "mode": "first", "output_variable": "x"},
    {"function": "Custom Function", "custom_function": "twice", "parameters": {"a": 1}, "execution_mode": "async",
     "output_variable": "id"}]}
  {"function_name": "twice", "steps": [{"function": "Wait", "seconds": 5}, {"function": "Return Value", "value": 1}]})json";

// Something new in each run that somebody might remember for ever: keys, patterns, names.
constexpr const char* strange = R"json({"function_name": "main", "steps": [
    {"function": "Cache Set", "key": "key {{inputs.n}}", "value": "a value of some length for {{inputs.n}}", "ttl": 1},
    {"function": "Data Caching", "operation": "ratelimit", "key": "limit {{inputs.n}}", "max": 3, "ttl": 1},
    {"function": "Create Variable", "variable_name": "a", "value": "{{ 'x' + inputs.n|regex_matches('^x' + inputs.n + '[a-z]?') }}"},
    {"function": "Create Variable", "variable_name": "b", "value": "{{ [{x: 1}]|map('x|add(' + inputs.n + ')') }}"},
    {"function": "External API Request", "url": "https://a.example/{{inputs.n}}", "output_variable": "c",
     "circuit_breaker": {"key": "breaker {{inputs.n}}"}, "rate_limit": {"requests": 5, "key": "rate {{inputs.n}}"},
     "cache": {"ttl": 1}},
    {"function": "Wait", "seconds": 2}]})json";

// SQL is written in the definition, so a new text is a new definition.
std::string statement_of(long n) {
  return R"([{"function": "Direct Database Query", "sql": "SELECT )" + std::to_string(n) +
         R"( AS n", "output_variable": "rows"}, {"function": "Create Variable", "variable_name": ")" + "v" +
         std::to_string(n) + R"(", "value": "{{rows[0].n + inputs.w)" + std::to_string(n) + R"(}}"}])";
}

struct Part {
  std::string name;
  long share;  // one of so many of the runs asked for
  std::function<std::function<void(long)>()> begin;
};

std::function<void(long)> running(const char* definition) {
  fnstack::EngineOptions options;
  options.clock = fnstack::manual_clock(1'800'000'000'000);
  options.http = fnstack::callback_http([](const fnstack::HttpRequest&) -> fnstack::Result<fnstack::HttpResponse> {
    return fnstack::HttpResponse{200, {{"content-type", "application/json"}}, R"({"a": [1, 2, 3]})"};
  });
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  const auto program = bench::load(*engine, "soak.json", definition);
  return [engine, program](long n) {
    fnstack::RunOptions run;
    run.flow = "main";
    const auto outcome = engine->run(program, Value::object({{"n", n}}), run);
    if (outcome.error) bench::give_up(outcome.error->message);
  };
}

// The same on the event loop, a hundred at a time.
std::function<void(long)> starting(const char* definition) {
  fnstack::EngineOptions options;
  options.loop_threads = 1;
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  const auto program = bench::load(*engine, "soak.json", definition);
  auto failed = std::make_shared<std::atomic<bool>>(false);
  auto under_way = std::make_shared<std::counting_semaphore<>>(100);
  return [engine, program, failed, under_way](long n) {
    under_way->acquire();
    fnstack::RunOptions run;
    run.flow = "main";
    engine->start(
        program, Value::object({{"n", n}}),
        [failed, under_way](const fnstack::Outcome& outcome) {
          if (outcome.error) *failed = true;
          under_way->release();
        },
        run);
    if (*failed) bench::give_up("a run on the loop failed");
  };
}

std::function<void(long)> loading() {
  auto database = fnstack::sqlite_database({.path = ":memory:"});
  if (!database) bench::give_up(database.error().message);
  fnstack::EngineOptions options;
  options.database = *database;
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  return [engine](long n) {
    const auto program = bench::load(*engine, "soak.json", statement_of(n));
    (void)bench::run(*engine, program, Value::object({{"w" + std::to_string(n), 1}}));
  };
}

}  // namespace

int main(int argc, char** argv) {
  const long runs = bench::argument(argc, argv, 1, 1'000'000);
  const std::string only = argc > 2 ? argv[2] : "";
  const std::vector<Part> parts{{"short runs", 1, [] { return running(usual); }},
                                {"short runs on the event loop", 1, [] { return starting(usual); }},
                                {"branches and calls left behind", 2, [] { return running(strands); }},
                                {"new keys, patterns and policies in each", 5, [] { return running(strange); }},
                                {"a new definition with new SQL in each", 5, loading}};
  constexpr double tolerance_mb = 1.0;
  int grown = 0;
  std::printf("%-42s %10s %14s %14s %9s\n", "MB resident", "runs", "after 10,000", "at the end", "us a run");
  for (const auto& part : parts) {
    if (part.name.find(only) == std::string::npos) continue;
    const long count = std::max(runs / part.share, 20'000L);
    const auto run = part.begin();
    const double began = bench::cpu_seconds();
    double early = 0;
    for (long n = 0; n < count; ++n) {
      if (n == 10'000) early = bench::resident_mb();
      run(n);
    }
    const double late = bench::resident_mb();
    const bool grows = late > early + tolerance_mb;
    grown += grows ? 1 : 0;
    std::printf("%-42s %10ld %14.2f %14.2f %9.2f%s\n", part.name.c_str(), count, early, late,
                (bench::cpu_seconds() - began) * 1e6 / static_cast<double>(count), grows ? "  GROWS" : "");
    std::fflush(stdout);
  }
  return grown == 0 ? 0 : 1;
}
