#include "expr/unicode.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

TEST_CASE("upper and lower case follow SpecialCasing") {
  CHECK(to_upper("straße ŉ ǰ ΐ և ẖ ﬃ ᾳ ᾼ ῷ") ==
        "STRASSE \u02bcN J\u030c \u0399\u0308\u0301 \u0535\u0552 H\u0331 FFI \u0391\u0399 \u0391\u0399 "
        "\u03a9\u0342\u0399");
  CHECK(to_lower("İI") == "i̇i");
  CHECK(to_upper("\xFF"
                 "a\xC3") ==
        "\xFF"
        "A\xC3");
  CHECK(to_lower("\xFF"
                 "A\xC3") ==
        "\xFF"
        "a\xC3");
}

TEST_CASE("a sigma at the end of a word is a final one") {
  CHECK(to_lower("ΟΔΟΣ ΣΑΣ Σ ΑΣ. ΑΣ:Β ΑΣ·") == "οδος σας σ ας. ασ:β ας·");
}

TEST_CASE("code points") {
  CHECK(count_code_points("aé😀") == 3);
  CHECK(count_code_points("a\xFF\xC3") == 3);
  CHECK(offset_of("aé😀", 2) == 3);
  CHECK(offset_of("aé", 9) == 3);
  CHECK(code_points("aé😀b", 1, 3) == "é😀");
  CHECK(code_points("abc", 2, 1).empty());
  CHECK(code_points("abc", 5, 9).empty());
}

TEST_CASE("every code point of a text, whatever stands around it") {
  std::string text;
  std::vector<std::string> points;
  for (int ascii = 0; ascii < 20; ++ascii) {
    for (const char* odd : {"é", "😀", "\xFF", "€"}) {
      for (int i = 0; i < ascii; ++i) points.emplace_back(1, static_cast<char>('a' + i));
      points.emplace_back(odd);
    }
  }
  for (const std::string& point : points) text += point;
  CHECK(count_code_points(text) == points.size());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    REQUIRE(offset_of(text, i) == offset);
    REQUIRE(code_points(text, i, i + 1) == points[i]);
    REQUIRE(count_code_points(std::string_view(text).substr(0, offset)) == i);
    offset += points[i].size();
  }
  CHECK(offset_of(text, points.size()) == text.size());
}

TEST_CASE("white space is ECMAScript's") {
  CHECK(trim("\u00a0\u1680\u2003\u2028\u3000\ufeff x \t\v\f\r\n") == "x");
  CHECK(trim("\u200bx\u0085") == "\u200bx\u0085");
  CHECK(trim("  ").empty());
  CHECK(trim_start(" x ") == "x ");
  CHECK(trim_end(" x ") == " x");
  CHECK(trim_end("x\x80") == "x\x80");
}

TEST_CASE("texts are ordered by UTF-16 code units") {
  CHECK(compare_text("a", "b") < 0);
  CHECK(compare_text("a", "a") == 0);
  CHECK(compare_text("ab", "a") > 0);
  CHECK(compare_text("\uffff", "😀") > 0);
  CHECK(compare_text("\ud7ff", "😀") < 0);
  CHECK(compare_text("\ue000", "\uffff") < 0);
}

TEST_CASE("normal forms and accents") {
  std::string out;
  CHECK(normalize("e\u0301", "NFC", out));
  CHECK(out == "é");
  CHECK(normalize("\xFF", "NFC", out));
  CHECK(out == "\xFF");
  CHECK_FALSE(normalize("a", "nfc", out));
  CHECK(without_accents("Ångström Łódź Þór ß") == "Angstrom Lodz THor ss");
}

}  // namespace
}  // namespace fnstack::expr
