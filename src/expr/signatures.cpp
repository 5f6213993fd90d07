#include "expr/signatures.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/in_quotes.hpp"
#include "base/suggest.hpp"

namespace fnstack::expr {
namespace {

using base::in_quotes;

struct Parameter {
  std::string_view name;
  bool optional = false;
  bool any_number = false;
};
std::vector<Parameter> parameters_of(const Function& function) {
  std::vector<Parameter> out;
  std::string_view rest = function.parameters;
  while (!rest.empty()) {
    const std::size_t blank = rest.find(' ');
    Parameter parameter;
    parameter.name = rest.substr(0, blank);
    rest.remove_prefix(blank == rest.npos ? rest.size() : blank + 1);
    while (parameter.name.ends_with('?') || parameter.name.ends_with('*')) {
      parameter.optional = true;
      parameter.any_number |= parameter.name.ends_with('*');
      parameter.name.remove_suffix(1);
    }
    out.push_back(parameter);
  }
  return out;
}

enum class Names { functions, methods };
std::vector<std::string_view> known_names(Names which, std::string_view space = {}) {
  std::vector<std::string_view> out;
  const auto add = [&](std::string_view name) {
    const std::size_t dot = name.find('.');
    if (which == Names::methods) {
      out.push_back(dot == name.npos ? name : name.substr(dot + 1));
    } else if (space.empty() ? dot == name.npos : name.substr(0, dot) == space) {
      out.push_back(name);
    }
  };
  for (const Function& function : which == Names::methods ? all_methods() : all_functions()) {
    add(function.name);
    std::string_view rest = function.aliases;
    while (!rest.empty()) {
      const std::size_t blank = rest.find(' ');
      add(rest.substr(0, blank));
      rest.remove_prefix(blank == rest.npos ? rest.size() : blank + 1);
    }
  }
  return out;
}

// For hints: "it is map(list, attribute, fields…)".
std::string signature(const Call& call, const std::vector<Parameter>& parameters) {
  std::string out = "it is " + call.name + "(";
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += ", ";
    out += parameters[i].name;
    out += parameters[i].any_number ? "…" : parameters[i].optional ? "?" : "";
  }
  return out + ")";
}

}  // namespace

bool is_namespace(std::string_view name) {
  return std::any_of(all_functions().begin(), all_functions().end(), [&](const Function& function) {
    return function.name.size() > name.size() && function.name[name.size()] == '.' && function.name.starts_with(name);
  });
}

CallMistake unknown_function(std::string_view name, std::string_view what) {
  CallMistake mistake;
  mistake.message = "unknown " + std::string(what) + " " + in_quotes(name);
  const std::size_t dot = name.find('.');
  if (name == "function") {
    mistake.hint = "write an arrow function: x => x.name";
  } else if (is_method_name(name)) {
    mistake.hint = in_quotes(name) + " is a method: write x." + std::string(name) + "(…)";
  } else if (const auto near = suggest(
                 name, known_names(Names::functions, dot == name.npos ? std::string_view() : name.substr(0, dot)))) {
    mistake.message += did_you_mean(near);
  }
  return mistake;
}

CallMistake unknown_method(std::string_view name, std::string_view receiver) {
  CallMistake mistake;
  mistake.message = "unknown method " + in_quotes(name);
  if (receiver == "Date" && name == "now") {
    mistake.hint = "write now()";
  } else if (find_function(name) != nullptr) {
    mistake.hint = in_quotes(name) + " is a filter: write x|" + std::string(name);
  } else if (const auto near = suggest(name, known_names(Names::methods))) {
    mistake.message += did_you_mean(near);
  }
  return mistake;
}

std::optional<CallMistake> place_arguments(Call& call, std::span<const NamedArgument> named) {
  const std::vector<Parameter> parameters = parameters_of(*call.function);
  const auto mistake = [&](std::string message, const NamedArgument* at = nullptr, std::uint32_t node = no_node) {
    return CallMistake{call.name + ": " + std::move(message), signature(call, parameters), at, node};
  };
  if (call.spread) {  // the number of arguments is known at run time only
    if (named.empty()) return std::nullopt;
    return mistake("\"...\" and named arguments can't stand together", &named[0]);
  }
  const std::size_t given_count = call.arguments.size();
  if (given_count > parameters.size() && (parameters.empty() || !parameters.back().any_number)) {
    return mistake("expected at most " + std::to_string(parameters.size()) +
                       (parameters.size() == 1 ? " argument" : " arguments") + ", got " +
                       std::to_string(given_count + named.size()),
                   nullptr, call.arguments[parameters.size()].node);
  }
  std::vector<bool> given(std::max(parameters.size(), given_count));
  std::fill_n(given.begin(), given_count, true);
  for (const NamedArgument& argument : named) {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& parameter) { return parameter.name == argument.name; });
    if (found == parameters.end()) {
      std::vector<std::string_view> names;
      for (const Parameter& parameter : parameters) names.push_back(parameter.name);
      std::string message = "unknown argument " + in_quotes(argument.name);
      message += did_you_mean(suggest(argument.name, names));
      return mistake(std::move(message), &argument);
    }
    const auto position = static_cast<std::size_t>(found - parameters.begin());
    if (given[position]) return mistake("argument " + in_quotes(argument.name) + " is given twice", &argument);
    given[position] = true;
    call.arguments.push_back({argument.node, static_cast<std::uint32_t>(position)});
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!given[i] && !parameters[i].optional) return mistake("missing argument " + in_quotes(parameters[i].name));
  }
  return std::nullopt;
}

}  // namespace fnstack::expr
