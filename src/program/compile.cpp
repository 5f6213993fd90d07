// Compile: definitions in, one linked program out. All functions are known by name before the first is built, so
// that they can call each other in any order. Entry point: compile, at the end.
#include <algorithm>
#include <map>
#include <set>

#include <fnstack/program.hpp>

#include "base/digest.hpp"
#include "base/first_problems.hpp"
#include "definition/words.hpp"
#include "program/function_builder.hpp"
#include "program/program_data.hpp"
#include "program/step_defaults.hpp"

namespace fnstack {

namespace program {

namespace {

// Two definitions that answer to one name: the later one is told where the first stands.
void check_names(const std::vector<const Definition*>& definitions, Diagnostics& diagnostics) {
  std::map<std::string_view, const Definition*> known;
  for (const Definition* definition : definitions) {
    if (definition->anonymous) continue;
    for (const std::string& name : definition->names) {
      auto [first, is_new] = known.try_emplace(name, definition);
      // Within one text the reader has told it.
      if (is_new || first->second->source == definition->source) continue;
      const Definition& other = *first->second;
      const Position place = other.source->position(other.span.begin);
      Diagnostic diagnostic;
      diagnostic.code = "name-twice";
      diagnostic.message = "\"" + name + "\" is defined twice; the first is at " + other.source->name() + ":" +
                           std::to_string(place.line) + ":" + std::to_string(place.column);
      diagnostic.source = definition->source;
      diagnostic.span = Span{definition->span.begin, definition->span.begin + 1};
      diagnostic.path = definition->path;
      diagnostics.add(std::move(diagnostic));
    }
  }
}

}  // namespace

const std::string& ProgramData::fingerprint() const {
  std::call_once(fingerprint_made_, [this] {
    const std::string version = "fnstack ops " + std::to_string(op_version);
    std::vector<std::string_view> parts{version};
    for (const FunctionInfo& function : functions) {
      const Span span = function.span;
      parts.push_back(function.source->text().substr(span.begin, span.end - span.begin));
    }
    for (const std::string& name : roots) parts.emplace_back(name);
    if (step_defaults != nullptr) parts.push_back(step_defaults->text());
    fingerprint_ = base::sha256_hex(parts);
  });
  return fingerprint_;
}

void ProgramData::index_functions() {
  for (const bool best : {true, false}) {
    for (std::size_t i = 0; i < functions.size(); ++i) {
      const std::vector<std::string>& names = functions[i].names;
      if (!functions[i].callable) continue;
      for (std::size_t k = best ? 0 : 1; k < (best ? std::min<std::size_t>(names.size(), 1) : names.size()); ++k) {
        function_index.try_emplace(names[k], static_cast<std::uint32_t>(i));
      }
    }
  }
}

std::uint32_t ProgramData::find_function(std::string_view name) const noexcept {
  const auto found = function_index.find(name);
  return found == function_index.end() ? none : found->second;
}

bool ProgramData::is_host_function(std::string_view name) const noexcept {
  for (const std::string& known : host_functions) {
    if (known == name) return true;
  }
  return false;
}

std::string StepInfo::describe() const {
  const std::string place = name + " at " + (path.empty() ? "/" : path);
  return label.empty() ? place : label + ": " + place;
}

}  // namespace program

std::vector<std::string> Program::flows() const {
  std::vector<std::string> names;
  if (empty()) return names;
  for (const program::FunctionInfo& function : data_->functions) {
    if (function.main && !function.names.empty()) names.push_back(function.names[0]);
  }
  return names;
}

bool Program::has(std::string_view name) const { return !empty() && data_->find_function(name) != program::none; }

const std::string& Program::fingerprint() const {
  static const std::string nothing;
  return empty() ? nothing : data_->fingerprint();
}

namespace {

using program::ProgramData;

// Of unknown words with known ones, in search of what was meant: a second or less of it.
constexpr std::size_t most_comparisons = 1'000'000;

// One try at building `all`; `documentation` gets a flag for each.
Diagnostics build(ProgramData& data, const std::vector<const Definition*>& all, std::size_t main_texts,
                  const StepKinds& kinds, const CompileOptions& options, std::vector<bool>& documentation) {
  Diagnostics diagnostics;
  program::check_names(all, diagnostics);
  for (const Definition* definition : all) {
    program::FunctionInfo function;
    function.names = definition->names;
    function.callable = !definition->anonymous;
    function.main = data.functions.size() < main_texts;
    function.source = definition->source;
    function.span = definition->span;
    data.functions.push_back(std::move(function));
  }
  data.index_functions();
  documentation.clear();
  std::size_t comparisons = most_comparisons;
  const program::StepDefaults defaults = program::compile_defaults(data, kinds, options, diagnostics);
  for (std::size_t i = 0; i < all.size(); ++i) {
    program::FunctionBuilder builder(data, static_cast<std::uint32_t>(i), *all[i], kinds, defaults, options,
                                     diagnostics, comparisons);
    builder.build();
    documentation.push_back(builder.reads_like_documentation());
  }
  return diagnostics;
}

Diagnostic reads_like_documentation(const Definition& definition, bool alone) {
  Diagnostic diagnostic;
  diagnostic.severity = alone ? Diagnostic::Severity::error : Diagnostic::Severity::note;
  diagnostic.code = "not-a-definition";
  diagnostic.message =
      "not a definition: no step in it is known and has the fields it needs, so it reads like documentation";
  diagnostic.source = definition.source;
  diagnostic.span = definition::mark(*definition.node);
  diagnostic.path = definition.path;
  if (!definition.anonymous && !definition.names.empty()) diagnostic.context = definition.names[0];
  return diagnostic;
}

}  // namespace

Compiled compile(std::vector<Definition> definitions, const StepKinds& kinds, const CompileOptions& options,
                 std::vector<Definition> libraries) {
  Compiled compiled;
  std::vector<const Definition*> all;
  for (const Definition& definition : definitions) all.push_back(&definition);
  for (const Definition& definition : libraries) all.push_back(&definition);
  std::size_t main_texts = definitions.size();

  std::shared_ptr<ProgramData> data;
  std::vector<bool> documentation;
  std::vector<Diagnostic> notes;
  // Prose beside a definition in the same text is left out with a note, and what is left is built again without it;
  // what has nothing beside it is an error.
  for (const bool may_leave_out : {true, false}) {
    data = std::make_shared<ProgramData>();
    data->host_functions = options.host_functions;
    data->roots = options.roots;
    data->step_defaults = options.step_defaults;
    compiled.diagnostics = build(*data, all, main_texts, kinds, options, documentation);
    std::set<const Source*> texts;  // those with a definition in them
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!documentation[i]) texts.insert(all[i]->source.get());
    }
    std::vector<const Definition*> kept;
    std::size_t kept_main_texts = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (documentation[i] && may_leave_out && texts.count(all[i]->source.get()) > 0) {
        notes.push_back(reads_like_documentation(*all[i], false));
        continue;
      }
      kept_main_texts += i < main_texts ? 1 : 0;
      kept.push_back(all[i]);
    }
    if (kept.size() == all.size()) break;
    all = std::move(kept);
    main_texts = kept_main_texts;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (documentation[i]) compiled.diagnostics.add(reads_like_documentation(*all[i], true));
  }
  for (Diagnostic& note : notes) compiled.diagnostics.add(std::move(note));
  const bool has_errors = compiled.diagnostics.has_errors();
  keep_first_problems(compiled.diagnostics);
  if (!has_errors) compiled.program = Program(std::move(data));
  return compiled;
}

}  // namespace fnstack
