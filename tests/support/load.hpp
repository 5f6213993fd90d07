// A text as a program, for tests that are not about what is wrong with it.
#pragma once

#include <string>

#include <fnstack/engine.hpp>

#include "support/catch.hpp"

namespace fnstack::testing {

[[nodiscard]] inline Program load(const Engine& engine, const std::string& text) {
  Compiled compiled = engine.load("test.json", text);
  INFO(compiled.diagnostics.to_text());
  REQUIRE(!compiled.program.empty());
  return compiled.program;
}

}  // namespace fnstack::testing
