// Markdown: finds the fenced blocks of a text. Their places are those of the whole text, so that what is read in
// them needs no translation. Nothing else of Markdown is known here, and nothing of what stands in a fence.
// Entry points: is_markdown, find_fences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fnstack/source.hpp>

namespace fnstack::definition {

struct Fence {
  std::string tag;  // the first word behind the opening marks, in small letters; may be empty
  Span opening;     // the line that opens it, without its line break
  Span content;     // the lines between; to the end of the text if it is never closed
};

// By the file's name, or by how the text begins: "---", "#", or a fence before any JSON.
[[nodiscard]] bool is_markdown(std::string_view name, std::string_view text);

[[nodiscard]] std::vector<Fence> find_fences(std::string_view text);

}  // namespace fnstack::definition
