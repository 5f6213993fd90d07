// Random expressions, answered by JavaScript's own operators under the language's deviations: node runs
// tests/support/javascript_oracle.js, and every answer must be the same. FNSTACK_ORACLE_COUNT and
// FNSTACK_ORACLE_SEED in the environment say how many and which.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <fnstack/json.hpp>

#include "expr/variables.hpp"
#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

struct ClosePipe {
  void operator()(std::FILE* pipe) const noexcept { pclose(pipe); }
};
using Pipe = std::unique_ptr<std::FILE, ClosePipe>;

bool read_line(std::FILE* pipe, std::string& line) {
  line.clear();
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) {
    line += part.data();
    if (line.back() == '\n') {
      line.pop_back();
      return true;
    }
  }
  return !line.empty();
}

// A number from the environment.
unsigned long setting(const char* name, unsigned long fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoul(text, nullptr, 10);
}

TEST_CASE("random expressions give what JavaScript gives") {
  if (std::system("command -v node >/dev/null 2>&1") != 0) {
    WARN("skipped: there is no node to compare with");
    return;
  }
  const unsigned long count = setting("FNSTACK_ORACLE_COUNT", 5'000);
  const unsigned long seed = setting("FNSTACK_ORACLE_SEED", 1);
  const std::string command =
      "node '" FNSTACK_TEST_DATA "/support/javascript_oracle.js' " + std::to_string(seed) + " " + std::to_string(count);
  const Pipe pipe(popen(command.c_str(), "r"));
  REQUIRE(pipe != nullptr);

  unsigned long compared = 0;
  unsigned long errors = 0;
  int different = 0;
  std::string line;
  std::string differences;  // the first twenty say enough
  while (read_line(pipe.get(), line)) {
    const Result<Value> row = parse_json(line);
    REQUIRE(row.ok());
    const std::string_view expression = row->get("e").as_string();
    const Result<Value> variables = parse_json(row->get("v").as_string());
    REQUIRE(variables.ok());
    const Value* answer = row->find("x");
    Scope scope;
    const Result<Value> result = evaluate_text(expression, *variables, scope);
    ++compared;
    if (answer == nullptr) ++errors;
    const std::string expected(answer == nullptr ? "an error" : answer->as_string());
    std::string got = result.ok() ? to_json(*result) : result.error().message;
    const bool same = answer == nullptr ? !result.ok() && result.error().message.starts_with("cannot ")
                                        : result.ok() && got == expected;
    if (same || ++different > 20) continue;
    differences += std::string(expression) + "\n  with       " + std::string(row->get("v").as_string()) +
                   "\n  JavaScript " + expected + "\n  fnstack    " + got + '\n';
  }
  INFO(differences);
  CHECK(different == 0);
  CHECK(compared == count);
  // Most have a value: a generator that only made errors would prove nothing.
  CHECK(errors * 2 < count);
}

}  // namespace
}  // namespace fnstack::expr
