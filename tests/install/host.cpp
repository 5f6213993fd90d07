// The ten lines to a first result, against an installed library.
#include <fnstack/fnstack.hpp>
#include <iostream>

int main() {
  fnstack::Engine engine;
  const auto loaded =
      engine.load("greet.json", R"({"function": "Response", "body": {"text": "hello {{inputs.name}}"}})");
  if (loaded.program.empty()) return 1;
  const auto outcome = engine.run(loaded.program, fnstack::Value::object({{"name", "world"}}));
  if (!outcome.response) return 1;
  std::cout << fnstack::to_json(outcome.response->body) << "\n";
}
