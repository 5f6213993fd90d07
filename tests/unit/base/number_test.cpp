// Numbers as text: the expected texts are what ECMA-262's Number::toString gives.
#include "base/number.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "support/catch.hpp"

using fnstack::Value;
using fnstack::base::NumberText;

namespace {

std::string text_of(double number) {
  std::string out;
  fnstack::base::append_number(out, number);
  return out;
}

}  // namespace

TEST_CASE("doubles print as ECMAScript prints them", "[number]") {
  const std::pair<double, const char*> known[] = {
      {0.0, "0"},
      {-0.0, "0"},
      {1.0, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {0.1 + 0.2, "0.30000000000000004"},
      {100.0, "100"},
      {123456.789, "123456.789"},
      {1e20, "100000000000000000000"},
      {123456789012345680000.0, "123456789012345680000"},
      {1e21, "1e+21"},
      {1.5e21, "1.5e+21"},
      {-1e21, "-1e+21"},
      {1e-6, "0.000001"},
      {1.5e-6, "0.0000015"},
      {1e-7, "1e-7"},
      {1.25e-7, "1.25e-7"},
      {-1e-7, "-1e-7"},
      {1e100, "1e+100"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {9007199254740991.0, "9007199254740991"},
      {9007199254740992.0, "9007199254740992"},
      {9007199254740994.0, "9007199254740994"},
      {9223372036854775808.0, "9223372036854776000"},
      {4.35, "4.35"},
      {0.000001234, "0.000001234"},
      {1.0 / 3.0, "0.3333333333333333"},
      {2e-3, "0.002"},
      {1e16, "10000000000000000"},
      {12345678901234567890.0, "12345678901234567000"},
      {std::numeric_limits<double>::infinity(), "Infinity"},
      {-std::numeric_limits<double>::infinity(), "-Infinity"},
      {std::nan(""), "NaN"},
  };
  for (const auto& [number, text] : known) CHECK(text_of(number) == text);
}

TEST_CASE("what is printed reads back as the same double", "[number]") {
  std::mt19937_64 random(20'26);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    Value back;
    REQUIRE(fnstack::base::read_number(text_of(number), back) == NumberText::read);
    REQUIRE(back.as_number() == number);
  }
}

TEST_CASE("number text is read exactly", "[number]") {
  const auto read = [](const char* text) {
    Value value("none");
    REQUIRE(fnstack::base::read_number(text, value) == NumberText::read);
    return value;
  };
  CHECK(read("0").is_integer());
  CHECK(read("-0").is_integer());
  CHECK(read("9223372036854775807") == Value(INT64_MAX));
  CHECK(read("-9223372036854775808").as_integer() == INT64_MIN);
  CHECK(read("9223372036854775808").as_number() == 9223372036854775808.0);
  CHECK_FALSE(read("9223372036854775808").is_integer());
  CHECK(read("123456789012345678901234567890").as_number() == 123456789012345678901234567890.0);
  CHECK_FALSE(read("1.0").is_integer());
  CHECK(read("1.0") == Value(1));
  CHECK(read("1e3").as_number() == 1000.0);
  CHECK(read("1E+3").as_number() == 1000.0);
  CHECK(read("-1.25e-2").as_number() == -0.0125);
  CHECK(read("1e-400").as_number() == 0.0);
  CHECK(std::signbit(read("-1e-400").as_number()));
  CHECK(read("0e999999999999999999999").as_number() == 0.0);
  CHECK(read("0.0000000000000000000000000001e-99999999999999999999").as_number() == 0.0);
  CHECK(read((std::string(400, '0').insert(0, "0.") + "1e401").c_str()).as_number() == 1.0);
}

TEST_CASE("what is no number of JSON's grammar is refused", "[number]") {
  Value value;
  for (const char* text : {"", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "0x1", "1 ", " 1", "NaN", "1_000"}) {
    CHECK(fnstack::base::read_number(text, value) == NumberText::malformed);
  }
  for (const char* text : {"1e309", "-1e309", "1e400", "1e99999999999999999999"}) {
    CHECK(fnstack::base::read_number(text, value) == NumberText::out_of_range);
  }
  CHECK(fnstack::base::read_number(std::string(400, '9'), value) == NumberText::out_of_range);
  CHECK(fnstack::base::number_length("12.5e3xyz") == 6);
  CHECK(fnstack::base::number_length("12.e3") == 2);
  CHECK(fnstack::base::number_length("1e+") == 1);
}
