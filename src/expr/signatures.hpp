// Signatures: what the table of functions says about a call in the text: is there such a function, what did the
// author mean instead, which argument goes where. Knows no grammar. Entry points: place_arguments,
// unknown_function, unknown_method.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fnstack/source.hpp>

#include "expr/nodes.hpp"

namespace fnstack::expr {

struct NamedArgument {
  std::string name;
  std::uint32_t node = no_node;
  Span span;  // of the name
};

// Something wrong with a call, and where: at a named argument, at an argument's node, else at the function's name.
struct CallMistake {
  std::string message, hint;
  const NamedArgument* named = nullptr;
  std::uint32_t node = no_node;
};

// Is this the first part of a function's name, as Math is of "Math.ceil"?
[[nodiscard]] bool is_namespace(std::string_view name);
// `what` is "function" or "filter".
[[nodiscard]] CallMistake unknown_function(std::string_view name, std::string_view what);
// `receiver` is the source of what stands before the dot.
[[nodiscard]] CallMistake unknown_method(std::string_view name, std::string_view receiver);
// Adds the named arguments to those of `call` at their parameters' positions, and checks their number.
[[nodiscard]] std::optional<CallMistake> place_arguments(Call& call, std::span<const NamedArgument> named);

}  // namespace fnstack::expr
