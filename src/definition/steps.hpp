// Steps as they stand in a definition: which objects are steps and which arrays are stacks, and the steps of a block.
// What a step's name means is not known here. Entry point: read_steps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>

namespace fnstack::definition {

// `$schema`, `fnstack` and keys beginning `x-`: allowed anywhere, never count for a shape.
[[nodiscard]] bool is_annotation(std::string_view key) noexcept;

// The member if it is text, else null.
[[nodiscard]] const Node* find_text(const Node& node, std::string_view key) noexcept;

// An object with a "function".
[[nodiscard]] bool is_step(const Node& node) noexcept;
// An array meant as a stack: a step is in it. That the others are steps too is checked when it is read.
[[nodiscard]] bool is_stack(const Node& node) noexcept;
// May a definition's stack stand under this key?
[[nodiscard]] bool is_stack_key(std::string_view key) noexcept;

// What a step calls itself by its "step"; empty: nothing.
[[nodiscard]] std::string label_of(const Node& step);

// The steps of a block: an array of steps, one step alone, or null for none. Anything else is reported, and so is
// every element that is no step; none is passed over. `path` is the node's JSON pointer, `context` what the
// diagnostics say as theirs.
[[nodiscard]] std::vector<Step> read_steps(const Node& node, std::string path, const SourcePtr& source,
                                           Diagnostics& diagnostics, std::string_view context = {});

// Where a step stands, for a diagnostic: `fetch_orders, steps[2] "Charge card"`.
[[nodiscard]] std::string step_context(const Definition& definition, const Step& step);

}  // namespace fnstack::definition
