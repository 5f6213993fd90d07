#include "base/ascii.hpp"

#include "support/catch.hpp"

using namespace fnstack::base;

TEST_CASE("ASCII letters change their case, no other byte does") {
  CHECK(ascii_lower("AZ@[`{\xC3\x84 9") == "az@[`{\xC3\x84 9");
  CHECK(ascii_upper("az@[`{\xC3\xA4 9") == "AZ@[`{\xC3\xA4 9");
  CHECK(same_word("Content-Type", "content-TYPE"));
  CHECK_FALSE(same_word("content", "content-type"));
  CHECK_FALSE(same_word("[", "{"));
}

TEST_CASE("digits") {
  CHECK(digit_value('0') == 0);
  CHECK(digit_value('9') == 9);
  CHECK(digit_value('a') == 10);
  CHECK(digit_value('Z') == 35);
  for (const char c : {'/', ':', '@', '[', '`', '{', '\xE1'}) CHECK(digit_value(c) == -1);
  CHECK(hex_digit('F') == 15);
  CHECK(hex_digit('g') == -1);
}
