// Parameters: a definition's declared inputs in all their notations (DIALECT 1.2, 4.33):
//   {"url": "string"}   {"url": {"type": "text", "required": true}}   [{"name": "url", "type": "text"}]   ["url"]
//   {"url": "{{template}}"} or any value that is no object: a default.
// Entry point: read_parameters.
#pragma once

#include <string>
#include <vector>

#include <fnstack/definition.hpp>

namespace fnstack::definition {

// `declared` is the member `parameters` or `inputs`, `path` its JSON pointer.
[[nodiscard]] std::vector<Parameter> read_parameters(const Member& declared, const std::string& path,
                                                     const SourcePtr& source, const std::string& context,
                                                     Diagnostics& diagnostics);

}  // namespace fnstack::definition
