// StepDefaults: fields that the host gives to every step of a kind that lacks them, compiled once for a program. They
// are written as in a definition, but see no variables: only env, inputs, run, timestamp and uuid.
// Entry point: compile_defaults.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include <fnstack/program.hpp>

namespace fnstack::program {

struct ProgramData;

// For each kind one operand a field; none: no default.
using StepDefaults = std::map<const StepKind*, std::vector<std::uint32_t>>;

// What is wrong with the text goes to `diagnostics`.
[[nodiscard]] StepDefaults compile_defaults(ProgramData& data, const StepKinds& kinds, const CompileOptions& options,
                                            Diagnostics& diagnostics);

}  // namespace fnstack::program
