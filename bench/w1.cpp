// W1 in fnstack.  bench_w1 ITERATIONS
#include "host.hpp"
#include "measure.hpp"

namespace {

constexpr const char* definition = R"json({
  "function_name": "w1",
  "steps": [
    {"function": "Create Variable", "variable_name": "i", "value": 0},
    {"function": "Create Variable", "variable_name": "total", "value": 0},
    {"function": "Create Variable", "variable_name": "mode", "value": ""},
    {"function": "Create Variable", "variable_name": "label", "value": ""},
    {"function": "Create Variable", "variable_name": "half", "value": "{{inputs.n / 2}}"},
    {"function": "Loop", "condition": "{{i < inputs.n}}", "max_iterations": "{{inputs.n}}", "steps": [
      {"function": "Conditional", "condition": "{{i < half}}",
       "true_steps": [{"function": "Update Variable", "variable_name": "mode", "value": "a"}],
       "false_steps": [{"function": "Update Variable", "variable_name": "mode", "value": "b"}]},
      {"function": "Math", "operation": "add", "value1": "{{total}}", "value2": "{{i}}", "output_variable": "total"},
      {"function": "Math", "operation": "add", "value1": "{{i}}", "value2": 1, "output_variable": "i"},
      {"function": "Update Variable", "variable_name": "label", "value": "item-{{i}}-{{mode}}-{{total}}"}
    ]}
  ]
})json";

}  // namespace

int main(int argc, char** argv) {
  const long n = bench::argument(argc, argv, 1, 1'000'000);
  fnstack::EngineOptions options;
  options.limits.steps = 100 * n;
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "w1.json", definition);
  const bench::Stopwatch watch;
  const auto outcome = bench::run(engine, program, fnstack::Value::object({{"n", n}}));
  watch.report(outcome.variables.get("label").as_string());
}
