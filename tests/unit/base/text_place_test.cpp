// Offsets in decoded strings, back to the text they were written in.
#include "base/text_place.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"

using fnstack::Source;
using fnstack::Span;
using fnstack::TextPlace;

namespace {

// The source text of the decoded bytes [begin, end) of a literal that has "x: " before it.
std::string shown(std::string_view literal, std::size_t begin, std::size_t end) {
  const std::string text = "x: " + std::string(literal) + " ";
  const TextPlace place{Source::make("a", text), {3, static_cast<std::uint32_t>(text.size() - 1)}};
  const Span span = place.span(begin, end);
  return std::string(text.substr(span.begin, span.end - span.begin)) + "@" + std::to_string(span.begin);
}

}  // namespace

TEST_CASE("a plain literal is shifted by its quote", "[text_place]") {
  CHECK(shown(R"("hello {{name}}")", 6, 14) == "{{name}}@10");
  CHECK(shown(R"("hello")", 0, 0) == "@4");
  CHECK(shown(R"("hello")", 5, 5) == "@9");
  CHECK(shown(R"("hello")", 5, 99) == "@9");
  CHECK(shown(R"("")", 0, 1) == "@4");
}

TEST_CASE("escapes before the place are counted as written", "[text_place]") {
  CHECK(shown(R"("a\"b{{x}}")", 3, 8) == "{{x}}@8");
  CHECK(shown(R"("\u00e9{{x}}")", 2, 7) == "{{x}}@10");
  CHECK(shown(R"("\u20ac{{x}}")", 3, 8) == "{{x}}@10");
  CHECK(shown(R"("\ud83d\ude00{{x}}")", 4, 9) == "{{x}}@16");
  CHECK(shown(R"("\ud83d{{x}}")", 3, 8) == "{{x}}@10");
  CHECK(shown("\"\u00e9{{x}}\"", 2, 7) == "{{x}}@6");
}

TEST_CASE("escapes inside the place belong to it", "[text_place]") {
  CHECK(shown(R"("{{ \"a\" }}")", 0, 9) == R"({{ \"a\" }}@4)");
  CHECK(shown(R"("{{ \"a\" }}")", 3, 6) == R"(\"a\"@7)");
  CHECK(shown(R"("a\u00e9b")", 1, 3) == R"(\u00e9@5)");
  CHECK(shown(R"("a\u00e9b")", 2, 3) == R"(\u00e9@5)");
}

TEST_CASE("without a source offsets are the text's own", "[text_place]") {
  CHECK(TextPlace{}.span(2, 5) == Span{2, 5});
  CHECK(TextPlace{}.span(5, 2) == Span{5, 5});
}
