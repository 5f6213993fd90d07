#include "program/step_defaults.hpp"

#include <fnstack/definition.hpp>

#include "base/suggest.hpp"
#include "definition/json_reader.hpp"
#include "definition/words.hpp"
#include "program/function_builder.hpp"
#include "program/program_data.hpp"

namespace fnstack::program {

namespace {

void report(Diagnostics& diagnostics, const SourcePtr& source, Span span, std::string code, std::string message) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.message = "step defaults: " + std::move(message);
  diagnostic.source = source;
  diagnostic.span = span;
  diagnostics.add(std::move(diagnostic));
}

}  // namespace

StepDefaults compile_defaults(ProgramData& data, const StepKinds& kinds, const CompileOptions& options,
                              Diagnostics& diagnostics) {
  StepDefaults defaults;
  const StepDefaults none_yet;
  const SourcePtr& source = options.step_defaults;
  if (source == nullptr) return defaults;
  definition::ReadBudget budget;
  budget.nodes = options.limits.definition_nodes;
  budget.nesting = options.limits.definition_nesting;
  const Span whole{0, static_cast<std::uint32_t>(source->text().size())};
  const auto documents = definition::read_documents(source, whole, "the end of the text", budget, diagnostics);
  for (const definition::Document& document : documents) {
    if (document.root == nullptr) continue;
    if (document.root->kind != Node::Kind::object) {
      report(diagnostics, source, definition::mark(*document.root), "bad-value",
             "expected an object of step names, got " + std::string(definition::kind_words(*document.root)));
      continue;
    }
    for (const Member& member : document.root->members) {
      const StepKind* const kind = kinds.find(member.key);
      if (kind == nullptr) {
        const auto near = suggest(member.key, kinds.names());
        report(diagnostics, source, member.key_span, "unknown-step",
               "unknown step " + definition::in_quotes(member.key) + did_you_mean(near));
        continue;
      }
      if (kind->lower != nullptr) {
        report(diagnostics, source, member.key_span, "bad-value",
               definition::in_quotes(member.key) + " steers the run: its fields have no defaults");
        continue;
      }
      if (member.value.kind != Node::Kind::object) {
        report(diagnostics, source, definition::mark(member.value), "bad-value",
               definition::in_quotes(member.key) + ": expected an object of fields, got " +
                   std::string(definition::kind_words(member.value)));
        continue;
      }
      Definition pseudo;
      pseudo.names = {"step defaults"};
      pseudo.source = source;
      pseudo.node = &member.value;
      pseudo.span = member.value.span;
      std::size_t comparisons = 10'000;
      FunctionBuilder builder(data, none, pseudo, kinds, none_yet, options, diagnostics, comparisons);
      defaults[kind] = builder.default_operands(member.key, member.value);
    }
  }
  return defaults;
}

}  // namespace fnstack::program
