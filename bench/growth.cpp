// Does cost grow with the work and no faster? Each row does n, 2 n, 4 n and 8 n of something in one process and is
// told in CPU time; a row whose cost at 8 n is much more than eight times that at n is marked, and the exit status
// is 1.
//
//   bench_growth [WORD] [--json FILE]        WORD: only rows with it in their name
#include "growth.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>

#include "host.hpp"

namespace bench {

fnstack::Limits boundless() {
  fnstack::Limits limits;
  for (const auto name : fnstack::Limits::names()) limits.set(name, std::int64_t{1} << 31);
  limits.steps = limits.live_bytes = limits.value_bytes = std::int64_t{1} << 40;
  limits.definition_nesting = 512;
  limits.call_depth = limits.strands = std::int64_t{1} << 30;
  return limits;
}

Work running(const std::string& definition, fnstack::Value inputs, fnstack::EngineOptions options) {
  options.limits = boundless();
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  const auto program = load(*engine, "growth.json", definition);
  return [engine, program, inputs = std::move(inputs)] { (void)run(*engine, program, inputs); };
}

Work loading(std::string definition, Expected expected) {
  fnstack::EngineOptions options;
  options.limits = boundless();
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  return [engine, expected, text = std::move(definition)] {
    const auto compiled = engine->load("growth.json", text);
    const std::string told = compiled.diagnostics.to_text();
    if (compiled.program.empty() != (expected == Expected::errors)) give_up("growth.json: not as expected: " + told);
  };
}

namespace {

double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// The least of three, each of so many times in a row that the clock's grain and a cold start do not count.
double cost_of(const Work& work) {
  constexpr double long_enough = 0.01;
  double least = 0;
  for (int round = 0; round < 3; ++round) {
    const double begin = cpu_now();
    long times = 0;
    double taken = 0;
    do {
      work();
      ++times;
      taken = cpu_now() - begin;
    } while (taken < long_enough);
    const double each = taken / static_cast<double>(times);
    least = round == 0 ? each : std::min(least, each);
  }
  return least;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
  std::string only;
  std::string json_file;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_file = argv[++i];
    } else if (argv[i][0] != '-') {
      only = argv[i];
    } else {
      std::fprintf(stderr, "usage: bench_growth [WORD] [--json FILE]\n");
      return 2;
    }
  }
  // What is freed stays with the process: the cost of getting pages again and again is not told here.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::vector<bench::Growth> rows;
  bench::add_loops(rows);
  bench::add_expressions(rows);
  bench::add_texts(rows);
  bench::add_runs(rows);

  int steep = 0;
  auto report = fnstack::Value::array();
  std::printf("%-46s %8s %10s %10s %10s %10s %7s\n", "CPU time, ms", "n", "n", "2 n", "4 n", "8 n", "8 n / n");
  for (const auto& row : rows) {
    if (row.name.find(only) == std::string::npos) continue;
    std::array<double, 4> costs{};
    auto listed = fnstack::Value::array();
    for (std::size_t i = 0; i < costs.size(); ++i) {
      costs[i] = bench::cost_of(row.begin(row.n << i));
      listed.push_back(costs[i] * 1e3);
    }
    const double ratio = costs[3] / costs[0];
    const bool is_steep = row.most > 0 && ratio > row.most;
    steep += is_steep ? 1 : 0;
    std::printf("%-46s %8ld %10.3f %10.3f %10.3f %10.3f %7.1f%s\n", row.name.c_str(), row.n, costs[0] * 1e3,
                costs[1] * 1e3, costs[2] * 1e3, costs[3] * 1e3, ratio, is_steep ? "  STEEP" : "");
    std::fflush(stdout);
    report.push_back(fnstack::Value::object(
        {{"row", row.name}, {"n", row.n}, {"ms", std::move(listed)}, {"ratio", ratio}, {"steep", is_steep}}));
  }
  if (!json_file.empty()) std::ofstream(json_file) << fnstack::to_pretty_json(report) << "\n";
  std::printf("%zu rows, %d of them steep\n", report.size(), steep);
  return steep == 0 ? 0 : 1;
}
