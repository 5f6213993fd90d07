// What the README shows: its definitions load, the source document's twelve run, and no word of either is copied by
// hand. The README's first program is built and run by the build itself.
#include <fstream>
#include <iterator>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"

using namespace fnstack;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("the README's definitions load without a complaint") {
  const Engine engine;
  const Compiled compiled = engine.load("README.md", read(FNSTACK_TEST_DATA "/../README.md"));
  CHECK(compiled.diagnostics.to_text() == "");
  REQUIRE(!compiled.program.empty());
  CHECK(compiled.program.flows() == std::vector<std::string>{"customer_of_order"});
}

TEST_CASE("the source document loads as it is: twelve definitions and a note") {
  const Engine engine;
  const Compiled compiled = engine.load("seed.md", read(FNSTACK_TEST_DATA "/cases/documentation/seed.md"));
  CHECK(!compiled.diagnostics.has_errors());
  REQUIRE(!compiled.program.empty());
  CHECK(compiled.program.flows().size() == 12);
  for (const Diagnostic& diagnostic : compiled.diagnostics.items()) {
    INFO(to_text(diagnostic));
    const bool expected = diagnostic.code == "unknown-function" || diagnostic.severity == Diagnostic::Severity::note;
    CHECK(expected);
  }
}
