// Runs a definition file against real HTTP and SQLite, with {{env.X}} taken from the variables named on the command
// line: run_file FILE [ENV_NAME...]. Inputs come as JSON on standard input, if it is not a terminal.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fnstack/backends/curl.hpp>
#include <fnstack/backends/sqlite.hpp>
#include <fnstack/fnstack.hpp>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: run_file FILE [ENV_NAME...] < inputs.json\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  if (!file) {
    std::cerr << argv[1] << ": can't be read\n";
    return 2;
  }
  std::string text{std::istreambuf_iterator<char>(file), {}};

  fnstack::EngineOptions options;
  options.http = fnstack::curl_http();
  auto database = fnstack::sqlite_database({.path = "run_file.db"});
  if (!database) {
    std::cerr << database.error().message << "\n";
    return 1;
  }
  options.database = *database;
  for (int i = 2; i < argc; ++i) {
    if (const char* value = std::getenv(argv[i])) options.env.set(argv[i], value);
  }

  fnstack::Engine engine(std::move(options));
  auto loaded = engine.load(argv[1], std::move(text));
  std::cerr << loaded.diagnostics.to_text();
  if (loaded.program.empty()) return 2;

  fnstack::Value inputs = fnstack::Value::object();
  if (!isatty(STDIN_FILENO)) {
    const std::string given{std::istreambuf_iterator<char>(std::cin), {}};
    if (!given.empty()) {
      auto parsed = fnstack::parse_json(given);
      if (!parsed) {
        std::cerr << "inputs: " << parsed.error().message << "\n";
        return 2;
      }
      inputs = *parsed;
    }
  }

  const fnstack::Outcome outcome = engine.run(loaded.program, inputs);
  if (outcome.error) std::cerr << outcome.error->step << ": " << outcome.error->message << "\n";
  const fnstack::Value result = outcome.response ? outcome.response->body : outcome.variables;
  std::cout << fnstack::to_pretty_json(result) << "\n";
  return outcome.status == fnstack::Outcome::Status::completed ? 0 : 1;
}
