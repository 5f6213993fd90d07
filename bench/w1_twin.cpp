// W1 by hand, over variables as a C++ host without an interpreter would keep dynamic data: nlohmann JSON in a map.
// N times { if i < half mode = a else mode = b; total += i; i += 1; label = item-{i}-{mode}-{total} }.
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "measure.hpp"

int main(int argc, char** argv) {
  const long n = bench::argument(argc, argv, 1, 1'000'000);
  const bench::Stopwatch watch;
  std::map<std::string, nlohmann::json> variables{{"i", 0},      {"total", 0},    {"mode", ""},
                                                  {"label", ""}, {"half", n / 2}, {"n", n}};
  auto& i = variables["i"];
  auto& total = variables["total"];
  auto& mode = variables["mode"];
  auto& label = variables["label"];
  const auto& half = variables["half"];
  const auto& end = variables["n"];
  while (i < end) {
    if (i < half) {
      mode = "a";
    } else {
      mode = "b";
    }
    total = total.get<long>() + i.get<long>();
    i = i.get<long>() + 1;
    label = "item-" + std::to_string(i.get<long>()) + "-" + mode.get_ref<const std::string&>() + "-" +
            std::to_string(total.get<long>());
  }
  watch.report(label.get_ref<const std::string&>());
}
