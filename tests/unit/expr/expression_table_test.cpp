// The tables tests/cases/expressions.csv (the language) and functions.csv (its functions), row by row.
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/json.hpp>

#include "expr/variables.hpp"
#include "support/catch.hpp"

namespace fnstack::expr {
namespace {

struct Row {
  std::string table;
  int line = 0;
  std::string expression, variables, value;
};

std::vector<Row> read_rows(const std::string& table) {
  std::vector<Row> rows;
  std::ifstream file(FNSTACK_TEST_DATA "/cases/" + table);
  REQUIRE(file.is_open());
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t last = line.rfind(" ; ");
    const std::size_t first = last == std::string::npos ? last : line.rfind(" ; ", last - 1);
    INFO(table << ":" << number << ": " << line);
    REQUIRE(first != std::string::npos);
    rows.push_back(
        {table, number, line.substr(0, first), line.substr(first + 3, last - first - 3), line.substr(last + 3)});
  }
  return rows;
}

void check_rows(const std::string& table) {
  for (const Row& row : read_rows(table)) {
    INFO(row.table << ":" << row.line << ": " << row.expression << " ; " << row.variables);
    const Result<Value> variables = parse_json(row.variables);
    REQUIRE(variables.ok());
    // A fixed time and seed, so that rows may name what follows from them.
    Random random;
    Scope scope;
    scope.now_ms = 1'700'000'000'000;
    scope.random = &random;
    const Result<Value> result = evaluate_text(row.expression, *variables, scope);
    constexpr std::string_view error_mark = "error: ";
    if (row.value.starts_with(error_mark)) {
      std::string got = result.ok() ? to_json(*result) : result.error().type;
      if (!result.ok() && row.value.find(' ', error_mark.size()) != std::string::npos)
        got += ' ' + result.error().message;
      CHECK(got == row.value.substr(error_mark.size()));
      continue;
    }
    const Result<Value> expected = parse_json(row.value);
    REQUIRE(expected.ok());
    CHECK((result.ok() ? to_json(*result) : result.error().message) == to_json(*expected));
  }
}

TEST_CASE("the table of expressions") { check_rows("expressions.csv"); }
TEST_CASE("the table of functions") { check_rows("functions.csv"); }

}  // namespace
}  // namespace fnstack::expr
