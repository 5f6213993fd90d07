// W2 in fnstack: the pagination flow as it stands in examples/flows.  bench_w2 PORT
#include <fnstack/backends/curl.hpp>

#include "host.hpp"
#include "measure.hpp"

int main(int argc, char** argv) {
  const auto port = std::to_string(bench::argument(argc, argv, 1, 0));
  const auto text = bench::read_file(FNSTACK_FLOWS "/06_pagination.jsonc");
  const bench::Stopwatch watch;
  fnstack::EngineOptions options;
  options.http = fnstack::curl_http({.rewrites = {{"https://api.service.com", "http://127.0.0.1:" + port}}});
  // 5,000 pages are meant to fit.
  options.limits.value_bytes = options.limits.live_bytes = std::int64_t{4} << 30;
  const fnstack::Engine engine(std::move(options));
  const auto program = bench::load(engine, "06_pagination.jsonc", text);
  const auto outcome = bench::run(engine, program, fnstack::Value::object());
  const auto& records = outcome.variables.get("all_results");
  watch.report(std::to_string(records.size()) + " records, last " +
               std::to_string(records[records.size() - 1].get("id").as_integer()));
}
