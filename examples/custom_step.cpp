// A step kind of the host's own, and a function of the host. The kind's fields are checked like the built-in ones:
// a misspelt field gets a "did you mean".
#include <iostream>

#include <fnstack/fnstack.hpp>

namespace {

constexpr const char* definition = R"json([
  {"function": "Shorten", "text": "{{inputs.title}}", "length": 12, "output_variable": "short"},
  {"function": "audit", "what": "shortened a title", "output_variable": "entry"},
  {"function": "Response", "body": {"title": "{{short}}", "entry": "{{entry}}"}}
])json";

fnstack::StepKind shorten() {
  using namespace fnstack;
  return {.name = "Shorten",
          .doc = "Cuts a text to a length in bytes.",
          .group = "Text",
          .fields = {{.name = "text", .type = FieldType::text, .required = true, .doc = "what to cut"},
                     {.name = "length", .type = FieldType::integer, .default_value = 80, .doc = "bytes to keep"}},
          .compute = [](Fields& fields) -> Result<Value> {
            if (fields["length"].as_integer() < 0)
              return make_error(error_type::validation, "length: expected 0 or more");
            return Value(fields["text"].as_string().substr(0, static_cast<std::size_t>(fields["length"].as_integer())));
          }};
}

}  // namespace

int main() {
  fnstack::Engine engine;
  if (!engine.add_step_kind(shorten())) return 1;
  int entries = 0;
  engine.add_function("audit", [&entries](const fnstack::Value& arguments) -> fnstack::Result<fnstack::Value> {
    std::cerr << "audit: " << arguments.get("what").as_string() << "\n";
    return fnstack::Value(++entries);
  });

  const auto loaded = engine.load("titles.json", definition);
  std::cerr << loaded.diagnostics.to_text();
  if (loaded.program.empty()) return 1;
  const auto outcome = engine.run(loaded.program, fnstack::Value::object({{"title", "The old man and the sea"}}));
  if (!outcome.response) return 1;
  std::cout << fnstack::to_json(outcome.response->body) << "\n";
}
