// Shapes: the ways a definition may be laid out (DIALECT 1.3). Recognition looks at the form alone; what the step names
// mean, and so whether prose merely has a definition's form, is not known here. Entry point: read_shapes.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>

#include "definition/draft.hpp"

namespace fnstack::definition {

// The definitions of a document; none: it is no definition.
[[nodiscard]] std::vector<Recognised> read_shapes(const std::shared_ptr<const Node>& document, const SourcePtr& source,
                                                  const std::function<bool(std::string_view)>& is_step_kind,
                                                  Diagnostics& diagnostics);

// "not-a-definition": why this document is none, and where stacks stand inside it.
[[nodiscard]] Diagnostic not_a_definition(const Node& root, const SourcePtr& source, Diagnostic::Severity severity);

}  // namespace fnstack::definition
