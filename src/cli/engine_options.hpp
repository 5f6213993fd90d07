// From what was typed to what an Engine is made of: backends, limits, env, clock. What this build was made without
// is said here, once. Entry points: engine_options, read_limits.
#pragma once

#include <string>
#include <vector>

#include <fnstack/engine.hpp>
#include <fnstack/limits.hpp>

#include "cli/cli.hpp"

namespace fnstack::cli {

// NAME=VALUE, each.
[[nodiscard]] Result<Limits> read_limits(const std::vector<std::string>& typed);
// All but observers. Opens nothing yet: a backend does that when the first effect needs it.
[[nodiscard]] Result<EngineOptions> engine_options(const RunCommand& command);

}  // namespace fnstack::cli
