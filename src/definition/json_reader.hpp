// JSON reader: JSON with // and /* */ comments and trailing commas, strict otherwise, into nodes that know their
// place. Several documents may follow one another. It does not know what a definition is.
// Entry point: read_documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>

namespace fnstack::definition {

struct Document {
  std::shared_ptr<const Node> root;  // null: it has a syntax error, which was reported
};

// What all documents of a text share.
struct ReadBudget {
  std::int64_t nodes = 0;    // values that may still be read
  std::int64_t nesting = 0;  // containers within containers
  // Errors worth reading; a text that is no definition at all would yield one a line.
  int syntax_errors = 50;
  int duplicate_keys = 50;
  bool exhausted = false;  // nodes or errors ran out, which was reported: nothing more is to be read
};

// Reads the documents that stand in `region` of the source; `end_words` names its end ("the end of the text").
// One syntax error is reported for each document; reading goes on where the next one evidently begins, at a line's
// start after a line that is a closing bracket. Of equal keys in one object the second is reported and both are kept.
[[nodiscard]] std::vector<Document> read_documents(const SourcePtr& source, Span region, std::string_view end_words,
                                                   ReadBudget& budget, Diagnostics& diagnostics);

// The offset of the first byte from `begin` on that is neither white space nor comment. An unclosed comment counts
// as such a byte.
[[nodiscard]] std::size_t skip_blank(std::string_view text, std::size_t begin) noexcept;

}  // namespace fnstack::definition
