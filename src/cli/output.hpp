// What the command says: results to stdout, all else to stderr.
#pragma once

#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack::cli {

// To stdout, flushed. False if it can't be written, which stderr then says.
[[nodiscard]] bool print(std::string_view text);
// "fnstack: ..." to stderr, made fit for a terminal.
void complain(std::string_view message);
// complain, and the status for bad usage.
[[nodiscard]] int refuse(std::string_view message);
// As it is, to stderr.
void tell(std::string_view text);
// "2 errors, 1 warning"; empty if there is nothing.
[[nodiscard]] std::string count_of(const Diagnostics& diagnostics);

}  // namespace fnstack::cli
