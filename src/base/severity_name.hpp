// severity_name: what printed diagnostics and those in JSON call how grave they are.
#pragma once

#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack::base {

[[nodiscard]] constexpr std::string_view severity_name(Diagnostic::Severity severity) noexcept {
  switch (severity) {
    case Diagnostic::Severity::warning:
      return "warning";
    case Diagnostic::Severity::note:
      return "note";
    case Diagnostic::Severity::error:
      break;
  }
  return "error";
}

}  // namespace fnstack::base
