#include "definition/steps.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

constexpr std::string_view stack_keys[] = {"steps", "function_stack", "workflow", "stack"};

// How many of an array's elements that are no steps are reported one by one.
constexpr std::size_t most_bad_elements = 20;

// The end of a pointer from its last key on, as people write it: "true_steps[1]".
std::string place_of(const std::string& path) {
  std::size_t begin = path.size();
  while (begin > 0) {
    const std::size_t slash = path.rfind('/', begin - 1);
    if (slash == std::string::npos) break;
    begin = slash;
    if (slash + 1 < path.size() && !(path[slash + 1] >= '0' && path[slash + 1] <= '9')) break;
  }
  return path_words(std::string_view(path).substr(begin));
}

// A key that was probably meant as "function".
const Member* meant_as_function(const Node& object) {
  for (const Member& member : object.members) {
    if (member.value.kind != Node::Kind::string) continue;
    const std::string folded = fold_name(member.key);
    static constexpr std::string_view wanted = "function";
    if (folded == wanted || folded == "func" || suggest(folded, std::vector<std::string_view>{wanted})) return &member;
  }
  return nullptr;
}

// The step that stands at `path`, or nothing after a report.
std::optional<Step> read_step(const Node& node, std::string path, const SourcePtr& source, Diagnostics& diagnostics,
                              std::string_view context) {
  if (is_step(node)) {
    Step step;
    step.label = label_of(node);
    step.node = &node;
    step.path = std::move(path);
    return step;
  }
  Diagnostic diagnostic;
  const std::string place = place_of(path);
  const std::string prefix = place.empty() ? std::string() : place + ": ";
  if (node.kind != Node::Kind::object) {
    diagnostic = make_diagnostic(Diagnostic::Severity::error, "wrong-type", source, mark(node), std::move(path),
                                 prefix + "expected a step, got " + std::string(kind_words(node)),
                                 "a step is an object with \"function\"");
  } else if (const Node* const function = node.find("function")) {
    std::string function_path = pointer(path, "function");
    diagnostic =
        make_diagnostic(Diagnostic::Severity::error, "wrong-type", source, mark(*function), std::move(function_path),
                        prefix + "\"function\": expected text, got " + std::string(kind_words(*function)));
  } else {
    const Member* const meant = meant_as_function(node);
    diagnostic =
        make_diagnostic(Diagnostic::Severity::error, "missing-function", source, mark(node), std::move(path),
                        prefix + "step without \"function\"",
                        meant != nullptr ? "write \"function\" for " + in_quotes(meant->key)
                                         : "give its \"function\", or move what is a note into \"description\"");
  }
  diagnostic.context = std::string(context);
  diagnostics.add(std::move(diagnostic));
  return std::nullopt;
}

}  // namespace

bool is_annotation(std::string_view key) noexcept {
  return key == "$schema" || key == "fnstack" || key.substr(0, 2) == "x-";
}

const Node* find_text(const Node& node, std::string_view key) noexcept {
  const Node* const value = node.find(key);
  return value != nullptr && value->kind == Node::Kind::string ? value : nullptr;
}

bool is_step(const Node& node) noexcept { return find_text(node, "function") != nullptr; }

bool is_stack(const Node& node) noexcept {
  return node.kind == Node::Kind::array && std::any_of(node.items.begin(), node.items.end(), is_step);
}

bool is_stack_key(std::string_view key) noexcept {
  return std::find(std::begin(stack_keys), std::end(stack_keys), key) != std::end(stack_keys);
}

std::string label_of(const Node& step) {
  const Node* const label = step.find("step");
  if (label == nullptr || (label->kind != Node::Kind::string && label->kind != Node::Kind::number)) return {};
  return to_text(label->scalar);
}

std::vector<Step> read_steps(const Node& node, std::string path, const SourcePtr& source, Diagnostics& diagnostics,
                             std::string_view context) {
  std::vector<Step> steps;
  if (node.kind == Node::Kind::null) return steps;
  if (node.kind == Node::Kind::object) {
    if (auto step = read_step(node, std::move(path), source, diagnostics, context)) steps.push_back(std::move(*step));
    return steps;
  }
  const std::string place = place_of(path);
  const std::string prefix = place.empty() ? std::string() : place + ": ";
  const auto report = [&](std::string message) {
    Diagnostic diagnostic = make_diagnostic(Diagnostic::Severity::error, "wrong-type", source, mark(node), path,
                                            prefix + std::move(message), "a step is an object with \"function\"");
    diagnostic.context = std::string(context);
    diagnostics.add(std::move(diagnostic));
  };
  if (node.kind != Node::Kind::array) {
    report("expected a list of steps, got " + std::string(kind_words(node)));
    return steps;
  }
  std::size_t bad = 0;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (bad >= most_bad_elements && !is_step(node.items[i])) {
      ++bad;
      continue;
    }
    auto step = read_step(node.items[i], pointer(path, i), source, diagnostics, context);
    if (step) {
      steps.push_back(std::move(*step));
    } else {
      ++bad;
    }
  }
  if (bad > most_bad_elements) report(std::to_string(bad - most_bad_elements) + " more elements that are no steps");
  return steps;
}

std::string step_context(const Definition& definition, const Step& step) {
  std::string out;
  if (!definition.names.empty()) {
    out = definition.anonymous ? "definition " + definition.names.front() : definition.names.front();
  }
  std::string_view path = step.path;
  if (path.substr(0, definition.path.size()) == definition.path) path.remove_prefix(definition.path.size());
  const std::string place = path_words(path);
  if (!place.empty()) out += (out.empty() ? "" : ", ") + place;
  if (!step.label.empty() && step.label != place) out += " " + in_quotes(step.label);
  return out;
}

}  // namespace fnstack::definition
