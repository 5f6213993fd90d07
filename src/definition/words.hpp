// Words: what the reader's messages are made of, so that all of them quote and name alike. Knows nothing of what is
// being read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fnstack/definition.hpp>

#include "base/in_quotes.hpp"

namespace fnstack::definition {

using base::in_quotes;
// "text", "a number", "an object" …: what stands after "got".
[[nodiscard]] std::string_view kind_words(const Node& node) noexcept;
// "line 3, column 5"
[[nodiscard]] std::string place_words(const Source& source, std::uint32_t offset);

// The JSON pointer one level further down, its key escaped.
[[nodiscard]] std::string pointer(std::string_view parent, std::string_view key);
[[nodiscard]] std::string pointer(std::string_view parent, std::size_t index);
// A pointer as people write paths: "/steps/2/true_steps/0" is "steps[2].true_steps[0]".
[[nodiscard]] std::string path_words(std::string_view json_pointer);

// Where a diagnostic about a whole value points: at its first byte if it is a container, else at all of it.
[[nodiscard]] Span mark(const Node& node) noexcept;

[[nodiscard]] Diagnostic make_diagnostic(Diagnostic::Severity severity, const char* code, const SourcePtr& source,
                                         Span span, std::string path, std::string message, std::string hint = {});

}  // namespace fnstack::definition
