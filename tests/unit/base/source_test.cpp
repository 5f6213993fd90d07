// Places in a text, as people count them.
#include <fnstack/source.hpp>

#include <string>
#include <utility>

#include "support/catch.hpp"

using fnstack::Source;

namespace {

std::string place(const Source& source, std::uint32_t offset) {
  const auto position = source.position(offset);
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

}  // namespace

TEST_CASE("lines and columns count from 1, columns in code points", "[source]") {
  const auto source = Source::make("a.json", "ab\n\u00e9\u20ac\U0001F600x\n");
  CHECK(source->name() == "a.json");
  CHECK(place(*source, 0) == "1:1");
  CHECK(place(*source, 2) == "1:3");
  CHECK(place(*source, 3) == "2:1");
  CHECK(place(*source, 5) == "2:2");
  CHECK(place(*source, 6) == "2:2");  // inside the euro sign
  CHECK(place(*source, 8) == "2:3");
  CHECK(place(*source, 12) == "2:4");
  CHECK(place(*source, 14) == "3:1");
  CHECK(place(*source, 4000) == "3:1");
}

TEST_CASE("lines end with LF, CR LF or CR", "[source]") {
  const auto source = Source::make("a", "one\r\ntwo\rthree\n\nfive");
  CHECK(source->line(0).empty());
  CHECK(source->line(1) == "one");
  CHECK(source->line(2) == "two");
  CHECK(source->line(3) == "three");
  CHECK(source->line(4).empty());
  CHECK(source->line(5) == "five");
  CHECK(source->line(6).empty());
  CHECK(place(*source, 5) == "2:1");
  CHECK(place(*source, 9) == "3:1");
  CHECK(place(*source, 16) == "5:1");
}

TEST_CASE("a byte order mark takes no column", "[source]") {
  const auto source = Source::make("a", "\xEF\xBB\xBF{}\n{}");
  CHECK(source->text().size() == 8);
  CHECK(place(*source, 0) == "1:1");
  CHECK(place(*source, 3) == "1:1");
  CHECK(place(*source, 4) == "1:2");
  CHECK(place(*source, 6) == "2:1");
}

TEST_CASE("an empty text has one line", "[source]") {
  const auto source = Source::make("a", "");
  CHECK(place(*source, 0) == "1:1");
  CHECK(source->line(1).empty());
}
