// From a draft, the outline of a definition that was recognised by its form, to the definition: its names, its metadata
// and its steps. Entry point: read_draft.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>

namespace fnstack::definition {

// Of a definition, and of a wrapper's key. It keeps the paths of steps short.
inline constexpr std::size_t longest_name = 256;

struct Draft {
  enum class Form { stack, step, definition, headed, named_steps };
  Form form;
  const Node* node;
  const Member* stack;  // of a definition or a function-headed one
  std::string path;
  std::vector<const Member*> keys;  // what it stands under, the innermost first
};

// A name of a definition and where it was given.
struct GivenName {
  std::string name;
  Span span;
  bool is_endpoint = false;
  std::string method;  // of an endpoint, upper case
};

struct Recognised {
  Definition definition;         // its `names` are still to be filled from these:
  std::vector<GivenName> names;  // empty: anonymous
};

[[nodiscard]] Recognised read_draft(const Draft& draft, const std::shared_ptr<const Node>& document,
                                    const SourcePtr& source, Diagnostics& diagnostics);

}  // namespace fnstack::definition
