// W8 in fnstack: a process that links core alone, reads one definition, runs it and prints what it answers.
#include <cstdio>

#include "host.hpp"

int main() {
  const fnstack::Engine engine;
  const auto program =
      bench::load(engine, "greet.json", R"({"function": "Response", "body": {"text": "hello {{inputs.name}}"}})");
  const auto outcome = bench::run(engine, program, fnstack::Value::object({{"name", "world"}}));
  std::printf("%s\n", fnstack::to_json(outcome.response->body).c_str());
}
