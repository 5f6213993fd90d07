// What every command has: help, the version, and words for what was typed wrong.
#include "cli/command.hpp"
#include "support/catch.hpp"

namespace {

using namespace fnstack_test;

std::string refused(const std::vector<std::string>& arguments) {
  const Said said = fnstack(arguments);
  CHECK(said.status == 2);
  CHECK(said.out == "");
  return said.err;
}

}  // namespace

TEST_CASE("help and version are results") {
  for (const auto& arguments :
       {std::vector<std::string>{"--help"}, {"run", "--help"}, {"check", "--help"}, {"eval", "--help"}}) {
    const Said said = fnstack(arguments);
    CHECK(said.status == 0);
    CHECK(said.err == "");
    CHECK_THAT(said.out, contains("Usage: fnstack "));
  }
  const std::string help = fnstack({"run", "--help"}).out;
  for (const char* option : {"--flow", "--inputs", "--env ", "--env-file", "--functions", "--cache", "--database",
                             "--rewrite", "--allow-host", "--allow-private", "--skip-waits", "--timeout", "--limit",
                             "--trace", "--repeat", "--concurrency"}) {
    CHECK_THAT(help, contains(option));
  }
  const Said version = fnstack({"--version"});
  CHECK(version.status == 0);
  CHECK_THAT(version.out, starts_with("fnstack "));
}

TEST_CASE("bad usage says what was meant") {
  CHECK(refused({}) == "fnstack: expected a command: run, check or eval\ntry: fnstack --help\n");
  CHECK(refused({"rnu", "x.json"}) ==
        "fnstack: there is no command \"rnu\"; did you mean \"run\"?\ntry: fnstack --help\n");
  CHECK(refused({"weather"}) ==
        "fnstack: there is no command \"weather\"; expected run, check or eval\ntry: fnstack --help\n");
  CHECK(refused({"run", "x.json", "--flo=a"}) ==
        "fnstack: run: there is no option \"--flo\"; did you mean \"--flow\"?\ntry: fnstack run --help\n");
  CHECK(refused({"run", "x.json", "y.json"}) ==
        "fnstack: run: one argument too many: \"y.json\"\ntry: fnstack run --help\n");
  CHECK(refused({"run", "x.json", "--flow"}) ==
        "fnstack: run: --flow: expected a value after it\ntry: fnstack run --help\n");
  CHECK(refused({"run", "x.json", "--flow", "a", "--flow", "b"}) ==
        "fnstack: run: --flow: given twice\ntry: fnstack run --help\n");
  CHECK(refused({"run"}) == "fnstack: run: file is required\ntry: fnstack run --help\n");
}

TEST_CASE("an option that repeats takes one value each time") {
  CHECK(refused({"run", "--env", "A=1", "--env", "B=2", "no-such-file.json"}) ==
        "fnstack: can't read \"no-such-file.json\": no such file or directory\n");
}

TEST_CASE("the reference of steps is made from the tables") {
  const Said said = fnstack({"reference"});
  CHECK(said.status == 0);
  for (const char* name : {"External API Request", "Try-Catch", "Data Caching (Redis)", "Add Record"}) {
    CHECK_THAT(said.out, contains(name));
  }
}
