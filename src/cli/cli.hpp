// cli: the `fnstack` command, one function a subcommand. What was typed comes in as text, just as it was typed;
// what it means, and whether it is sensible, is each command's own business. main.cpp alone knows how a command
// line is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fnstack::cli {

// The exit statuses, a stable contract.
inline constexpr int status_ok = 0;      // completed; checked clean, or with warnings only
inline constexpr int status_failed = 1;  // failed or cancelled; a definition with errors, for check
inline constexpr int status_usage = 2;   // bad usage, an unreadable file; an invalid definition, for run

struct RunCommand {
  std::string file;
  std::optional<std::string> flow, inputs, cache, database, timeout, trace, repeat, concurrency;
  std::vector<std::string> env, env_files, functions, rewrites, allow_hosts, limits;
  bool allow_private = false;
  bool skip_waits = false;
};

struct CheckCommand {
  std::vector<std::string> files;
  bool json = false;
};

struct EvalCommand {
  std::optional<std::string> text, vars;
  bool batch = false;
};

[[nodiscard]] int run(const RunCommand& command);
[[nodiscard]] int check(const CheckCommand& command);
[[nodiscard]] int eval(const EvalCommand& command);
[[nodiscard]] int reference();  // the reference page of all steps, in Markdown

}  // namespace fnstack::cli
