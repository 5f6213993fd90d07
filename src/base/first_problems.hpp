// How many problems of a text are told: nobody reads more, and a hostile text has as many as it likes.
#pragma once

#include <fnstack/error.hpp>

namespace fnstack {

// Errors and the rest counted apart.
inline constexpr int most_problems = 100;

// Sorted, the first errors and the first warnings and notes are kept; one note says how many are not listed.
void keep_first_problems(Diagnostics& diagnostics);

}  // namespace fnstack
