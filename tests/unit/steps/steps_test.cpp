// Every case below tests/cases/steps: as it is, from a copy of the machine taken at each effect, and from a machine
// written out and read back at each effect.
#include "support/case_runner.hpp"
#include "support/catch.hpp"

using namespace fnstack;

TEST_CASE("the cases of the step kinds") {
  const auto cases = testing::read_cases("steps");
  REQUIRE(cases.size() >= 10);
  for (const testing::Case& test : cases) {
    INFO(test.name);
    CHECK(testing::run_case(test) == "");
    CHECK(testing::run_case(test, [](Machine& machine, const Program&, const Start&) {
            Machine copy = machine;
            machine = std::move(copy);
          }) == "");
    CHECK(testing::run_case(test, [](Machine& machine, const Program& program, const Start& start) {
            const std::string snapshot = machine.snapshot();
            auto restored = Machine::restore(program, snapshot, start);
            REQUIRE(std::holds_alternative<Machine>(restored));
            machine = std::move(std::get<Machine>(restored));
            REQUIRE(machine.snapshot() == snapshot);
          }) == "");
  }
}
