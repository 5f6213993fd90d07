// W9 by hand over nlohmann JSON: the expression, and the body of 20 placeholders. Google Benchmark.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "w9_inputs.hpp"

namespace {

void expression(benchmark::State& state) {
  const auto inputs = bench::w9_inputs();
  std::size_t turn = 0;
  for (auto _ : state) {
    const auto& input = inputs[turn++ % inputs.size()];
    bool answer = input["a"]["b"][2]["c"].get<int>() + 1 > 5 && !input["name"].is_null();
    benchmark::DoNotOptimize(answer);
  }
}

void body(benchmark::State& state) {
  const auto inputs = bench::w9_inputs();
  std::vector<std::string> keys, literals;
  for (int field = 0; field < 20; ++field) {
    keys.push_back("field_" + std::to_string(field));
    literals.push_back((field == 0 ? "" : ", ") + bench::w9_key(field) + ": ");
  }
  std::size_t turn = 0, length = 0;
  std::string text;
  for (auto _ : state) {
    const auto& input = inputs[turn++ % inputs.size()];
    text.clear();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      text += literals[i];
      const auto& value = input[keys[i]];
      if (value.is_string()) {
        text += value.get_ref<const std::string&>();
      } else {
        text += std::to_string(value.get<long>());
      }
    }
    const char* first = text.data();
    benchmark::DoNotOptimize(first);
    length = text.size();
  }
  state.counters["bytes"] = static_cast<double>(length);
}

BENCHMARK(expression);
BENCHMARK(body);

}  // namespace

BENCHMARK_MAIN();
