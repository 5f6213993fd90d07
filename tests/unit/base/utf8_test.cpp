#include "base/utf8.hpp"

#include "support/catch.hpp"

using namespace fnstack::base;

TEST_CASE("the beginning of a text ends with a whole code point") {
  const std::string_view text = "a\u00E4\u20AC\U0001F600";  // of 1, 2, 3 and 4 bytes
  REQUIRE(text.size() == 10);
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t most = 0; most < std::size(ends); ++most) {
    CHECK(whole_code_points(text, most) == text.substr(0, ends[most]));
  }
  CHECK(whole_code_points("\x80\x80\x80", 2).empty());
}

TEST_CASE("code points are counted by their first bytes") {
  CHECK(code_points_in("") == 0);
  CHECK(code_points_in("a\u00E4\u20AC\U0001F600") == 4);
}
