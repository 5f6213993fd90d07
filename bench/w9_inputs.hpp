// The 16 inputs that both sides of W9 rotate through, its expression, and its body of 20
// placeholders: 393 bytes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

inline std::vector<nlohmann::json> w9_inputs() {
  std::vector<nlohmann::json> inputs;
  for (int i = 0; i < 16; ++i) {
    nlohmann::json input = {{"a", {{"b", {{{"c", 1}}, {{"c", 2}}, {{"c", i}}}}}},
                            {"name", i % 5 == 0 ? nlohmann::json() : nlohmann::json("name " + std::to_string(i))}};
    for (int field = 0; field < 20; ++field) {
      const auto key = "field_" + std::to_string(field);
      if (field % 2 == 0) {
        input[key] = i * 1000 + field;
      } else {
        input[key] = "text " + std::to_string(i) + "/" + std::to_string(field);
      }
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// key_0={{inputs.field_0}}&…: plain text, so that neither side escapes.
inline std::string w9_key(int field) { return "property" + std::to_string(field); }
inline std::string w9_template() {
  std::string text;
  for (int field = 0; field < 20; ++field) {
    text += (field == 0 ? "" : ", ") + w9_key(field) + ": {{inputs.field_" + std::to_string(field) + "}}";
  }
  return text;
}
inline const char* w9_expression() { return "inputs.a.b[2].c + 1 > 5 && inputs.name !== null"; }

}  // namespace bench
