#include "base/first_problems.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace fnstack {

void keep_first_problems(Diagnostics& diagnostics) {
  diagnostics.sort();
  Diagnostics kept;
  int errors = 0;
  int others = 0;
  int dropped = 0;
  SourcePtr source;
  for (const Diagnostic& diagnostic : diagnostics.items()) {
    int& count = diagnostic.severity == Diagnostic::Severity::error ? errors : others;
    if (count++ < most_problems) {
      kept.add(diagnostic);
      continue;
    }
    ++dropped;
    source = diagnostic.source;
  }
  if (dropped == 0) return;
  Diagnostic rest;
  rest.severity = Diagnostic::Severity::note;
  rest.code = "too-many";
  rest.message = std::to_string(dropped) + " more problems are not listed";
  if (source != nullptr) {
    const auto end = static_cast<std::uint32_t>(source->text().size());
    rest.span = Span{end, end};
  }
  rest.source = std::move(source);
  kept.add(std::move(rest));
  diagnostics = std::move(kept);
}

}  // namespace fnstack
