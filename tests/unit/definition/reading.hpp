// What the tests of the definition reader share: texts in, summaries and whole messages out.
#pragma once

#include <fnstack/definition.hpp>
#include <set>
#include <string>
#include <string_view>

namespace fnstack_test {

// A few step kinds; the reader needs to tell them from the names that a text defines.
inline bool is_step_kind(std::string_view name) {
  static const std::set<std::string> kinds = {
      "external_api_request", "create_variable", "loop", "for_each", "try_catch", "response", "add_record"};
  return kinds.count(fnstack::fold_name(name)) > 0;
}

inline fnstack::Module parse(std::string text, std::string name = "flow.json", const fnstack::Limits& limits = {}) {
  return fnstack::parse(fnstack::Source::make(std::move(name), std::move(text)), is_step_kind, limits);
}

// Every diagnostic: line:column severity code message [hint] (path) {context}
inline std::string problems(const fnstack::Module& module) {
  std::string out;
  for (const fnstack::Diagnostic& item : module.diagnostics.items()) {
    const fnstack::Position place = item.source->position(item.span.begin);
    const char* const severity = item.severity == fnstack::Diagnostic::Severity::error     ? "error"
                                 : item.severity == fnstack::Diagnostic::Severity::warning ? "warning"
                                                                                           : "note";
    out += std::to_string(place.line) + ":" + std::to_string(place.column) + " " + severity + " " + item.code + ": " +
           item.message;
    if (!item.hint.empty()) out += " [" + item.hint + "]";
    if (!item.path.empty()) out += " (" + item.path + ")";
    if (!item.context.empty()) out += " {" + item.context + "}";
    out += "\n";
  }
  return out;
}
inline std::string problems(std::string text, std::string name = "flow.json") {
  return problems(parse(std::move(text), std::move(name)));
}

// Every definition: names and path, its steps by label and path.
inline std::string summary(const fnstack::Module& module) {
  std::string out;
  for (const fnstack::Definition& definition : module.definitions) {
    for (std::size_t i = 0; i < definition.names.size(); ++i) out += (i > 0 ? " = " : "") + definition.names[i];
    if (definition.anonymous) out += " anonymous";
    if (definition.headed) out += " headed";
    out += " @" + definition.path + ":";
    for (const fnstack::Step& step : definition.steps) {
      out += " ";
      if (!step.label.empty()) out += step.label + "=";
      out += step.path.empty() ? "." : step.path;
    }
    out += "\n";
  }
  return out;
}
inline std::string summary(std::string text, std::string name = "flow.json") {
  return summary(parse(std::move(text), std::move(name)));
}

}  // namespace fnstack_test
