// Definition: a function stack as its text says it, with the place of everything. What the step names mean is
// not known here; `compile` (program.hpp) checks and links definitions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/source.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

struct Member;

// JSON as written: order of keys and the span of every value kept. Numbers are read as Value reads them.
struct Node {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  Span span;                    // of the value; for strings the quotes are included
  Value scalar;                 // null, boolean, number or string
  std::vector<Node> items;      // of an array
  std::vector<Member> members;  // of an object

  [[nodiscard]] const Node* find(std::string_view key) const noexcept;  // a member's value, or null
};

struct Member {
  std::string key;
  Span key_span;  // quotes included
  Node value;
};

// One object with a "function" key. `node` points into the definition's document.
struct Step {
  std::string label;  // its `step` field, or its key among named steps; may be empty
  const Node* node = nullptr;
  std::string path;  // JSON pointer from the document's root: "/steps/2"
};

// One declared input (DIALECT 4.33, section 1.2).
struct Parameter {
  std::string name;
  std::string type = "any";  // canonical: any text number integer boolean object array timestamp
  bool required = false;
  const Node* default_value = nullptr;  // may hold templates
  Span span;
};

// One runnable stack of steps.
struct Definition {
  // What it can be called by, best first: function_name (or workflow_name, action_name, middleware_name,
  // trigger_name, scheduled_function, name; the `function` of a function-headed definition), the wrapper's key,
  // the endpoint. An anonymous one has only its position among the file's documents, "1", and can't be called.
  std::vector<std::string> names;
  bool anonymous = false;
  SourcePtr source;
  Span span;                   // of the definition's own value
  const Node* node = nullptr;  // that value, for metadata nobody here reads: schedule, table, events …
  std::string path;            // JSON pointer of that value in its document
  std::vector<Step> steps;
  std::vector<Parameter> parameters;
  const Node* response = nullptr;  // the definition-level `response`, or null
  // Function-headed (DIALECT 1.1, H): its first name is its `function`, which is no step kind (a misspelt one, maybe);
  // the arguments that it carries beside its stack are defaults of its inputs.
  bool headed = false;
  std::vector<const Member*> default_inputs;
  std::shared_ptr<const Node> document;  // keeps the nodes alive
};

// A text's definitions, in order, and what is wrong with it.
struct Module {
  std::vector<Definition> definitions;
  Diagnostics diagnostics;
};

// Reads a text: JSON with comments and trailing commas, several documents, or Markdown (a name ending in .md or
// .markdown, or a text that begins with "---" or "#", or one that holds a fence at a line's start and no JSON
// before it): its fences tagged json, jsonc, javascript, js or untagged. Any text gives definitions or
// diagnostics, nothing else. Definitions with errors in them are given too, so that the compiler can report what
// else is wrong; none of them may run while `diagnostics.has_errors()`.
// `is_step_kind` tells whether a name (as written) is a step kind: shapes depend on it (DIALECT 1.3, rule 3a).
// Of `limits` those of a definition count; nesting is never allowed beyond 512, since trees are walked recursively.
[[nodiscard]] Module parse(const SourcePtr& source, const std::function<bool(std::string_view)>& is_step_kind,
                           const Limits& limits = {});

// How names of steps and fields are compared: lower case, each run of other characters than letters and digits
// one "_", none at the ends (DIALECT 2.0). Characters beyond ASCII count as letters and are kept as they are.
[[nodiscard]] std::string fold_name(std::string_view name);

}  // namespace fnstack
