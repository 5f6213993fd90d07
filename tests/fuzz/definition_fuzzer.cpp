// Any text gives definitions or diagnostics, nothing else: no crash, no hang, and never neither of the two. The
// first byte says whether the text is read as Markdown.
#include <fnstack/definition.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_step_kind(std::string_view name) {
  const std::string folded = fnstack::fold_name(name);
  return folded == "loop" || folded == "for_each" || folded == "response" || folded == "try_catch";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto source = fnstack::Source::make((data[0] & 1U) != 0 ? "f.md" : "f.json", text);
  const fnstack::Module module = fnstack::parse(source, is_step_kind);

  require(!module.definitions.empty() || module.diagnostics.has_errors());
  for (const fnstack::Definition& definition : module.definitions) {
    require(!definition.names.empty() && definition.node != nullptr && definition.document != nullptr);
    require(definition.span.begin < definition.span.end && definition.span.end <= text.size());
    for (const fnstack::Step& step : definition.steps) {
      require(step.node != nullptr && step.node->find("function") != nullptr);
      require(step.node->span.begin >= definition.span.begin && step.node->span.end <= definition.span.end);
    }
  }
  for (const fnstack::Diagnostic& diagnostic : module.diagnostics.items()) {
    require(!diagnostic.message.empty() && !diagnostic.code.empty());
    require(diagnostic.span.begin <= diagnostic.span.end && diagnostic.span.end <= text.size());
  }
  if (text.size() < 4'096) require(module.diagnostics.empty() == module.diagnostics.to_text().empty());
  return 0;
}
