// What `{{env.X}}` sees: --env and --env-file, and nothing of the process environment that is not named. Messages
// never hold a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::cli {

// An env file's text: lines K=V; blank lines and lines that begin with # are skipped, so is what follows a blank
// and # after a value without quotes; single or double quotes around a value are taken off, and nothing within
// them is special. Adds to `env`; of a repeated name the last counts. `name` is for messages.
[[nodiscard]] Result<Done> read_env_text(std::string_view name, std::string_view text, Value& env);

// Files first, then what was typed: K=V, or NAME for the process environment's.
[[nodiscard]] Result<Value> read_env(const std::vector<std::string>& files, const std::vector<std::string>& typed);

}  // namespace fnstack::cli
