#include "cli/output.hpp"

#include <cerrno>
#include <cstdio>
#include <string>

#include "base/safe_text.hpp"
#include "cli/cli.hpp"
#include "cli/input.hpp"

namespace fnstack::cli {

bool print(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  complain("can't write the result: " + system_reason(errno));
  return false;
}

void tell(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void complain(std::string_view message) {
  std::string line = "fnstack: ";
  base::append_safe(line, message);
  line += '\n';
  tell(line);
}

int refuse(std::string_view message) {
  complain(message);
  return status_usage;
}

std::string count_of(const Diagnostics& diagnostics) {
  std::size_t counts[3] = {};
  for (const Diagnostic& item : diagnostics.items()) ++counts[static_cast<std::size_t>(item.severity)];
  static constexpr std::string_view names[] = {"error", "warning", "note"};
  std::string text;
  for (std::size_t i = 0; i < 3; ++i) {
    if (counts[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(counts[i]) + " " + std::string(names[i]) + (counts[i] == 1 ? "" : "s");
  }
  return text;
}

}  // namespace fnstack::cli
