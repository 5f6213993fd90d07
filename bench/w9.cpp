// W9 in fnstack: the expression and the body of 20 placeholders, compiled once. Google Benchmark.
#include <benchmark/benchmark.h>

#include <fnstack/nlohmann.hpp>
#include <string>
#include <vector>

#include "expr/template.hpp"
#include "host.hpp"
#include "w9_inputs.hpp"

namespace {

using fnstack::Value;

// The one slot holds `inputs`.
fnstack::expr::Reference resolve(const fnstack::expr::NameUse&) {
  return {.kind = fnstack::expr::Reference::Kind::slot, .index = 0};
}

std::vector<Value> inputs() {
  std::vector<Value> values;
  for (const auto& input : bench::w9_inputs()) values.push_back(fnstack::from_nlohmann(input));
  return values;
}

void expression(benchmark::State& state) {
  fnstack::Diagnostics diagnostics;
  const std::string text = bench::w9_expression();
  const auto parsed = fnstack::expr::parse(text, 0, fnstack::TextPlace{}, diagnostics);
  if (!parsed) bench::give_up("the expression does not parse");
  const auto bound = fnstack::expr::bind(*parsed, resolve);
  const auto values = inputs();
  fnstack::expr::Scope scope;
  Value scratch;
  fnstack::expr::Failure error;
  std::size_t turn = 0;
  for (auto _ : state) {
    scope.slots = &values[turn++ % values.size()];
    const Value* answer = fnstack::expr::evaluate_borrowed(bound, scope, scratch, error);
    bool truth = answer->as_boolean();
    benchmark::DoNotOptimize(truth);
  }
}

void body(benchmark::State& state) {
  fnstack::Diagnostics diagnostics;
  const std::string text = bench::w9_template();
  const auto parsed = fnstack::expr::parse_template(text, fnstack::TextPlace{}, diagnostics);
  if (!parsed) bench::give_up("the template does not parse");
  const auto bound = fnstack::expr::bind(*parsed, resolve);
  const auto values = inputs();
  fnstack::expr::Scope scope;
  Value out;
  std::size_t turn = 0;
  for (auto _ : state) {
    scope.slots = &values[turn++ % values.size()];
    if (auto error = fnstack::expr::render_into(bound, scope, out)) bench::give_up(error->message);
    const char* first = out.as_string().data();
    benchmark::DoNotOptimize(first);
  }
  state.counters["bytes"] = static_cast<double>(out.as_string().size());
}

BENCHMARK(expression);
BENCHMARK(body);

}  // namespace

BENCHMARK_MAIN();
