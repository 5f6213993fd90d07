#include "support/fault_table.hpp"

#include <cstdio>
#include <vector>

namespace fnstack_test {
namespace {

struct Fault {
  std::string name;
  std::string outcome;
  double ms;
};

// Printed by its destructor, that is after the last test, whichever Catch2 it is.
struct Table {
  std::vector<Fault> faults;
  ~Table() {
    if (faults.empty()) return;
    std::printf("%-84s %-14s %8s\n", "fault", "outcome", "ms");
    for (const Fault& fault : faults) {
      std::printf("%-84s %-14s %8.1f\n", fault.name.c_str(), fault.outcome.c_str(), fault.ms);
    }
    std::printf("%zu faults\n", faults.size());
  }
};

Table& table() {
  static Table the_table;
  return the_table;
}

}  // namespace

void note_fault(const std::string& name, const std::string& outcome, std::chrono::steady_clock::duration took) {
  table().faults.push_back({name, outcome, std::chrono::duration<double, std::milli>(took).count()});
}

}  // namespace fnstack_test
