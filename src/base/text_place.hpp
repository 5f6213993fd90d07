// TextPlace: where a decoded string stands in a source, so that an offset inside `{{ }}` can be shown at its
// line and column even when escapes (\", \u00e9) came before it.
#pragma once

#include <cstddef>

#include <fnstack/source.hpp>

namespace fnstack {

struct TextPlace {
  SourcePtr source;  // null: no source (a template from the command line); offsets are then the text's own
  Span literal;      // the JSON string literal, quotes included

  // The source span of the decoded bytes [begin, end).
  [[nodiscard]] Span span(std::size_t begin, std::size_t end) const;
};

}  // namespace fnstack
