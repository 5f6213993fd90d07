// Step names that belong to a service outside fnstack: definitions written for a cloud use them, and whoever reads
// the message should learn that it is no misspelling (DIALECT 2.2). Entry point: find_foreign_step.
#pragma once

#include <string_view>

namespace fnstack::program {

struct ForeignStep {
  std::string_view names;  // folded, separated by blanks; "expect_*" is a beginning
  std::string_view what;   // "realtime messages": what is not part of fnstack
  std::string_view cure;   // instead of registering a function; may be empty
};

// Null: nobody's.
[[nodiscard]] const ForeignStep* find_foreign_step(std::string_view name);

}  // namespace fnstack::program
