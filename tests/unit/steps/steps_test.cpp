// Every case below tests/cases/steps, as it is and once more from a copy of the machine taken at each effect.
#include "support/case_runner.hpp"
#include "support/catch.hpp"

using namespace fnstack;

TEST_CASE("the cases of the step kinds") {
  const auto cases = testing::read_cases("steps");
  REQUIRE(cases.size() >= 10);
  for (const testing::Case& test : cases) {
    INFO(test.name);
    CHECK(testing::run_case(test) == "");
    CHECK(testing::run_case(test, [](Machine& machine) {
            Machine copy = machine;
            machine = std::move(copy);
          }) == "");
  }
}
