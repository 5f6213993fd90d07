// Every bad definition below tests/cases/errors, NAME.json (or .jsonc, .md), and the whole text of what `check` says
// about it, NAME.txt.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <fnstack/fnstack.hpp>

#include "support/catch.hpp"

using namespace fnstack;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string diagnostics_of(const std::filesystem::path& path) {
  const SourcePtr source = Source::make(path.filename().string(), read_file(path));
  const StepKinds& kinds = builtin_step_kinds();
  Module module = parse(source, [&](std::string_view name) { return kinds.find(name) != nullptr; });
  Compiled compiled = compile(std::move(module.definitions), kinds);
  Diagnostics all = std::move(module.diagnostics);
  for (const Diagnostic& diagnostic : compiled.diagnostics.items()) all.add(diagnostic);
  all.sort();
  return all.to_text();
}

}  // namespace

TEST_CASE("what is wrong with a definition, in whole words") {
  std::set<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(FNSTACK_TEST_DATA) / "cases/errors")) {
    if (entry.path().extension() != ".txt") files.insert(entry.path());
  }
  REQUIRE(files.size() >= 25);
  for (const std::filesystem::path& file : files) {
    std::filesystem::path expected = file;
    expected.replace_extension(".txt");
    INFO(file.filename().string());
    CHECK(diagnostics_of(file) == read_file(expected));
  }
}
