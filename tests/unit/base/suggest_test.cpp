#include "base/suggest.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fnstack {
namespace {

std::string suggested(std::string_view word, std::vector<std::string_view> candidates) {
  return std::string(suggest(word, candidates).value_or("-"));
}

TEST_CASE("suggest forgives other spellings first, then a third of the letters") {
  CHECK(suggested("catch_step", {"try_steps", "catch_steps"}) == "catch_steps");
  CHECK(suggested("catchSteps", {"catch_step", "catch_steps"}) == "catch_steps");
  CHECK(suggested("lenght", {"length", "tenth"}) == "length");
  CHECK(suggested("spilt", {"slit", "split"}) == "split");
  CHECK(suggested("to_uper", {"upper", "to_upper"}) == "to_upper");
}

TEST_CASE("suggest is silent about what is far") {
  CHECK(suggested("banana", {"split", "join"}) == "-");
  CHECK(suggested("", {"a"}) == "-");
  CHECK(suggested("ab", {"cd", "ax"}) == "-");
  CHECK(suggested("ab", {"A_B"}) == "A_B");
  CHECK(suggested(std::string(1000, 'a'), {"aaaa"}) == "-");
  CHECK(suggested("abc", {}) == "-");
}

}  // namespace
}  // namespace fnstack
