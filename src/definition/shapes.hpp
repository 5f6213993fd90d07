// Shapes: the ways a definition may be laid out (DIALECT 1.3), and what its metadata says. Recognition looks at the
// form alone; what the step names mean, and so whether prose merely has a definition's form, is not known here.
// Entry points: read_shapes for a document, read_steps for a block of steps within a step.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>

namespace fnstack::definition {

// `$schema`, `fnstack` and keys beginning `x-`: allowed anywhere, never count for a shape.
[[nodiscard]] bool is_annotation(std::string_view key) noexcept;

// The steps of a block: an array of steps, one step alone, or null for none. Anything else is reported, and so is
// every element that is no step; none is passed over. `path` is the node's JSON pointer, `context` what the
// diagnostics say as theirs.
[[nodiscard]] std::vector<Step> read_steps(const Node& node, std::string path, const SourcePtr& source,
                                           Diagnostics& diagnostics, std::string_view context = {});

// Where a step stands, for a diagnostic: `fetch_orders, steps[2] "Charge card"`.
[[nodiscard]] std::string step_context(const Definition& definition, const Step& step);

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

// The definitions of a document; none: it is no definition.
[[nodiscard]] std::vector<Recognised> read_shapes(const std::shared_ptr<const Node>& document, const SourcePtr& source,
                                                  const std::function<bool(std::string_view)>& is_step_kind,
                                                  Diagnostics& diagnostics);

// "not-a-definition": why this document is none, and where stacks stand inside it.
[[nodiscard]] Diagnostic not_a_definition(const Node& root, const SourcePtr& source, Diagnostic::Severity severity);

}  // namespace fnstack::definition
