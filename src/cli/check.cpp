// `fnstack check`: everything wrong with the given files, which may call one another's functions. Entry point: check.
#include <set>
#include <utility>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>
#include <fnstack/program.hpp>
#include <fnstack/step_kind.hpp>

#include "base/safe_text.hpp"
#include "base/severity_name.hpp"
#include "cli/cli.hpp"
#include "cli/input.hpp"
#include "cli/output.hpp"

namespace fnstack::cli {
namespace {

// One object a line, so that a person can read it too.
std::string to_json_array(const Diagnostics& diagnostics) {
  std::string json = "[";
  for (const Diagnostic& item : diagnostics.items()) {
    const Position place = item.source ? item.source->position(item.span.begin) : Position{};
    json += json.size() == 1 ? "\n " : ",\n ";
    append_json(json, Value::object({{"file", item.source ? Value(item.source->name()) : Value()},
                                     {"line", Value(place.line)},
                                     {"column", Value(place.column)},
                                     {"severity", Value(base::severity_name(item.severity))},
                                     {"code", Value(item.code)},
                                     {"message", Value(item.message)},
                                     {"hint", Value(item.hint)},
                                     {"path", Value(item.path)}}));
  }
  json += json.size() == 1 ? "]\n" : "\n]\n";
  return json;
}

// "orders.json: 2 definitions: fetch_orders, charge_card"
std::string summary_of(const std::string& file, const std::vector<Definition>& definitions) {
  std::string line;
  base::append_safe(line, file);
  line += ": " + (definitions.empty() ? "no" : std::to_string(definitions.size())) + " definition";
  if (definitions.size() != 1) line += 's';
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    line += i == 0 ? ": " : ", ";
    if (!definitions[i].names.empty()) base::append_safe(line, definitions[i].names[0]);
  }
  return line + "\n";
}

}  // namespace

int check(const CheckCommand& command) {
  const StepKinds& kinds = builtin_step_kinds();
  const auto is_step_kind = [&kinds](std::string_view name) { return kinds.find(name) != nullptr; };
  const Limits limits;
  std::vector<Definition> definitions;
  Diagnostics diagnostics;
  std::string summary;
  std::set<std::string> files;
  for (const std::string& file : command.files) {
    if (!files.insert(file).second) continue;
    const Result<SourcePtr> source = read_source(file, limits.definition_bytes);
    if (!source) return refuse(source.error().message);
    Module module = parse(*source, is_step_kind, limits);
    summary += summary_of(file, module.definitions);
    for (const Diagnostic& item : module.diagnostics.items()) diagnostics.add(item);
    for (Definition& definition : module.definitions) definitions.push_back(std::move(definition));
  }
  const Compiled compiled = compile(std::move(definitions), kinds);
  for (Diagnostic item : compiled.diagnostics.items()) {
    // Two files that define the same name can't be linked, but may have nothing to do with each other. (Within one
    // file it is an error, which the reader tells.)
    if (item.code == "name-twice") item.severity = Diagnostic::Severity::warning;
    diagnostics.add(std::move(item));
  }
  diagnostics.sort();

  const std::string counts = count_of(diagnostics);
  if (command.json) tell(summary);
  if (!counts.empty()) tell(counts + "\n");
  const bool printed = command.json || !diagnostics.empty()
                           ? print(command.json ? to_json_array(diagnostics) : diagnostics.to_text())
                           : true;
  return printed && !diagnostics.has_errors() ? status_ok : status_failed;
}

}  // namespace fnstack::cli
