#include "definition/shapes.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "definition/parameters.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

constexpr std::string_view stack_keys[] = {"steps", "function_stack", "workflow", "stack"};

// What a definition calls itself, the best first (DIALECT 1.2).
constexpr std::string_view identity_keys[] = {"function_name", "workflow_name",      "action_name", "middleware_name",
                                              "trigger_name",  "scheduled_function", "name"};

// Two levels of wrappers occur; more than this is no definition. Together with the next limit it keeps the paths of
// steps short, whatever a stranger nests.
constexpr int most_wrappers = 8;
constexpr std::size_t longest_name = 256;

constexpr std::int64_t language_version = 1;

// How many of an array's elements that are no steps are reported one by one.
constexpr std::size_t most_bad_elements = 20;
// How many places a "not a definition" lists, and how long each may be.
constexpr std::size_t most_places = 5;
constexpr std::size_t longest_place = 120;

template <std::size_t n>
bool contains(const std::string_view (&keys)[n], std::string_view key) noexcept {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

const Node* find_text(const Node& node, std::string_view key) noexcept {
  const Node* const value = node.find(key);
  return value != nullptr && value->kind == Node::Kind::string ? value : nullptr;
}

bool is_step(const Node& node) noexcept { return find_text(node, "function") != nullptr; }

// An array meant as a stack: a step is in it. That the others are steps too is checked when it is read.
bool is_stack(const Node& node) noexcept {
  return node.kind == Node::Kind::array && std::any_of(node.items.begin(), node.items.end(), is_step);
}

// The member that holds a definition's stack. An array without a step is one only if it is empty, or if the
// object says by a function_name that it is a definition.
const Member* find_stack(const Node& object) noexcept {
  const Member* empty = nullptr;
  const Member* other = nullptr;
  for (const Member& member : object.members) {
    if (member.value.kind != Node::Kind::array || !contains(stack_keys, member.key)) continue;
    if (is_stack(member.value)) return &member;
    const Member*& place = member.value.items.empty() ? empty : other;
    if (place == nullptr) place = &member;
  }
  if (empty != nullptr) return empty;
  return find_text(object, "function_name") != nullptr ? other : nullptr;
}

Diagnostic make(Diagnostic::Severity severity, const char* code, const SourcePtr& source, Span span, std::string path,
                std::string message, std::string hint = {}) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = code;
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.source = source;
  diagnostic.span = span;
  diagnostic.path = std::move(path);
  return diagnostic;
}

// ---- recognition

struct Draft {
  enum class Form { stack, step, definition, headed, named_steps };
  Form form;
  const Node* node;
  const Member* stack;  // of a definition or a function-headed one
  std::string path;
  std::vector<const Member*> keys;  // what it stands under, the innermost first
};

class Recogniser {
 public:
  explicit Recogniser(const std::function<bool(std::string_view)>& is_step_kind) : is_step_kind_(is_step_kind) {}

  // Adds the drafts of the definitions in `node`; false, and nothing added: it is none.
  bool resolve(const Node& node, const std::string& path, std::vector<const Member*> keys, int wrappers) {
    if (is_stack(node)) return add(Draft::Form::stack, node, nullptr, path, std::move(keys));
    if (node.kind != Node::Kind::object || wrappers > most_wrappers) return false;
    const Node* const version = node.find("fnstack");
    if (version != nullptr) versions.emplace_back(version, pointer(path, "fnstack"));

    const Member* const stack = find_stack(node);
    if (is_step(node)) {
      if (is_headed(node)) return add(Draft::Form::headed, node, stack, path, std::move(keys));
      return add(Draft::Form::step, node, nullptr, path, std::move(keys));
    }
    if (stack != nullptr) return add(Draft::Form::definition, node, stack, path, std::move(keys));

    std::vector<const Member*> members;
    for (const Member& member : node.members) {
      if (is_annotation(member.key)) continue;
      members.push_back(&member);
    }
    if (members.empty()) return false;
    const auto all = [&](const auto& holds) { return std::all_of(members.begin(), members.end(), holds); };
    if (all([&](const Member* member) { return is_step(member->value) && !is_headed(member->value); })) {
      if (!short_names(members)) return false;
      if (members.size() == 1) keys.insert(keys.begin(), members.front());
      return add(Draft::Form::named_steps, node, nullptr, path, std::move(keys));
    }
    if (members.size() == 1 && members.front()->value.kind != Node::Kind::object &&
        members.front()->value.kind != Node::Kind::array) {
      return false;
    }
    if (members.size() == 1) {
      if (!is_stack(members.front()->value) && members.front()->value.kind == Node::Kind::array) return false;
      if (!short_names(members)) return false;
      keys.insert(keys.begin(), members.front());
      return resolve(members.front()->value, pointer(path, members.front()->key), std::move(keys), wrappers + 1);
    }
    return resolve_module(members, path, wrappers);
  }

  std::vector<Draft> drafts;
  std::vector<std::pair<const Node*, std::string>> versions;
  std::string culprit;    // what keeps a module from being one, as a pointer
  bool too_long = false;  // a name is

 private:
  // A function-headed definition: `function` is the name being defined, not a step kind.
  bool is_headed(const Node& node) const {
    const Node* const function = find_text(node, "function");
    return function != nullptr && find_stack(node) != nullptr &&
           !(is_step_kind_ && is_step_kind_(function->scalar.as_string()));
  }

  bool short_names(const std::vector<const Member*>& members) {
    const bool ok = std::all_of(members.begin(), members.end(),
                                [](const Member* member) { return member->key.size() <= longest_name; });
    too_long = too_long || !ok;
    return ok;
  }

  // Several named definitions: stacks only, or at least one object and every object a definition.
  bool resolve_module(const std::vector<const Member*>& members, const std::string& path, int wrappers) {
    const std::size_t before = drafts.size();
    bool all_stacks = true;
    bool any_object = false;
    const Member* failed = nullptr;
    if (!short_names(members)) return false;
    for (const Member* const member : members) {
      const bool object = member->value.kind == Node::Kind::object;
      const bool stack = is_stack(member->value);
      // An empty array beside stacks is an empty stack.
      const bool empty = member->value.kind == Node::Kind::array && member->value.items.empty();
      all_stacks = all_stacks && (stack || empty);
      if (stack) {
        add(Draft::Form::stack, member->value, nullptr, pointer(path, member->key), {member});
      } else if (object) {
        if (resolve(member->value, pointer(path, member->key), {member}, wrappers + 1)) {
          any_object = true;
        } else if (failed == nullptr) {
          failed = member;
        }
      }
    }
    const bool found = drafts.size() > before;
    if (found && all_stacks) {
      drafts.resize(before);
      for (const Member* const member : members) {
        add(Draft::Form::stack, member->value, nullptr, pointer(path, member->key), {member});
      }
      return true;
    }
    if (any_object && failed == nullptr) return true;
    if (any_object && culprit.empty()) culprit = pointer(path, failed->key);
    drafts.resize(before);
    return false;
  }

  bool add(Draft::Form form, const Node& node, const Member* stack, std::string path, std::vector<const Member*> keys) {
    drafts.push_back(Draft{form, &node, stack, std::move(path), std::move(keys)});
    return true;
  }

  const std::function<bool(std::string_view)>& is_step_kind_;
};

// ---- steps

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

std::string label_of(const Node& step) {
  const Node* const label = step.find("step");
  if (label == nullptr || (label->kind != Node::Kind::string && label->kind != Node::Kind::number)) return {};
  return to_text(label->scalar);
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
    diagnostic =
        make(Diagnostic::Severity::error, "wrong-type", source, mark(node), std::move(path),
             prefix + "expected a step, got " + std::string(kind_words(node)), "a step is an object with \"function\"");
  } else if (const Node* const function = node.find("function")) {
    std::string function_path = pointer(path, "function");
    diagnostic = make(Diagnostic::Severity::error, "wrong-type", source, mark(*function), std::move(function_path),
                      prefix + "\"function\": expected text, got " + std::string(kind_words(*function)));
  } else {
    const Member* const meant = meant_as_function(node);
    diagnostic = make(Diagnostic::Severity::error, "missing-function", source, mark(node), std::move(path),
                      prefix + "step without \"function\"",
                      meant != nullptr ? "write \"function\" for " + in_quotes(meant->key)
                                       : "give its \"function\", or move what is a note into \"description\"");
  }
  diagnostic.context = std::string(context);
  diagnostics.add(std::move(diagnostic));
  return std::nullopt;
}

// ---- from draft to definition

class Builder {
 public:
  Builder(const std::shared_ptr<const Node>& document, const SourcePtr& source, Diagnostics& diagnostics)
      : document_(document), source_(source), diagnostics_(diagnostics) {}

  Recognised build(const Draft& draft) {
    Recognised result;
    Definition& definition = result.definition;
    definition.source = source_;
    definition.span = draft.node->span;
    definition.node = draft.node;
    definition.path = draft.path;
    definition.document = document_;
    result.names = names_of(draft);
    const std::string context = result.names.empty() ? std::string() : result.names.front().name;
    switch (draft.form) {
      case Draft::Form::stack:
      case Draft::Form::step:
        definition.steps = read_steps(*draft.node, draft.path, source_, diagnostics_, context);
        break;
      case Draft::Form::named_steps:
        for (const Member& member : draft.node->members) {
          if (is_annotation(member.key)) continue;
          Step step{label_of(member.value), &member.value, pointer(draft.path, member.key)};
          if (step.label.empty()) step.label = member.key;
          definition.steps.push_back(std::move(step));
        }
        break;
      case Draft::Form::definition:
      case Draft::Form::headed:
        read_metadata(draft, context, definition);
        break;
    }
    return result;
  }

 private:
  void report(const char* code, Span span, std::string path, const std::string& context, std::string message,
              std::string hint = {}) {
    Diagnostic diagnostic =
        make(Diagnostic::Severity::error, code, source_, span, std::move(path), std::move(message), std::move(hint));
    diagnostic.context = context;
    diagnostics_.add(std::move(diagnostic));
  }

  std::vector<GivenName> names_of(const Draft& draft) {
    std::vector<GivenName> names;
    const auto give = [&](std::string_view name, Span span, const std::string& path) {
      if (name.size() > longest_name) {
        report("limit", span, path, {},
               "a definition's name has at most " + std::to_string(longest_name) + " bytes, this one has " +
                   std::to_string(name.size()));
        return false;
      }
      const bool known =
          std::any_of(names.begin(), names.end(), [&](const GivenName& given) { return given.name == name; });
      if (!known) names.push_back(GivenName{std::string(name), span, false, {}});
      return true;
    };
    const Node& node = *draft.node;
    if (draft.form == Draft::Form::headed) {
      const Node* const function = node.find("function");
      give(function->scalar.as_string(), function->span, pointer(draft.path, "function"));
    }
    if (draft.form == Draft::Form::definition) {
      for (const std::string_view key : identity_keys) {
        const Node* const value = node.find(key);
        if (value == nullptr) continue;
        const std::string path = pointer(draft.path, key);
        const bool text = value->kind == Node::Kind::string && !value->scalar.as_string().empty();
        if (text) {
          give(value->scalar.as_string(), value->span, path);
        } else if (key == identity_keys[0]) {
          report("wrong-type", mark(*value), path, {},
                 std::string(key) + ": expected a name, got " +
                     (value->kind == Node::Kind::string ? "empty text" : std::string(kind_words(*value))));
        }
      }
    }
    for (const Member* const key : draft.keys) {
      if (!key->key.empty()) give(key->key, key->key_span, draft.path);
    }
    if (draft.form == Draft::Form::definition) {
      const Node* const endpoint = find_text(node, "endpoint");
      if (endpoint != nullptr && !endpoint->scalar.as_string().empty()) {
        const std::size_t before = names.size();
        give(endpoint->scalar.as_string(), endpoint->span, pointer(draft.path, "endpoint"));
        if (names.size() > before) {
          names.back().is_endpoint = true;
          const Node* const method = find_text(node, "method");
          names.back().method = method != nullptr ? std::string(method->scalar.as_string()) : "GET";
          for (char& c : names.back().method) {
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
          }
        }
      }
    }
    return names;
  }

  void read_metadata(const Draft& draft, const std::string& context, Definition& definition) {
    const bool headed = draft.form == Draft::Form::headed;
    definition.headed = headed;
    const Member* signature = nullptr;
    for (const Member& member : draft.node->members) {
      if (&member == draft.stack || is_annotation(member.key)) continue;
      if (contains(stack_keys, member.key) && is_stack(member.value)) {
        report("duplicate-field", member.key_span, pointer(draft.path, member.key), context,
               in_quotes(draft.stack->key) + " and " + in_quotes(member.key) +
                   ": a definition has one stack, this one has two",
               "keep one, or make two definitions of them");
      } else if ((member.key == "parameters" || member.key == "inputs") && (!headed || is_container(member.value))) {
        if (signature != nullptr) {
          report("duplicate-field", member.key_span, pointer(draft.path, member.key), context,
                 in_quotes(signature->key) + " and " + in_quotes(member.key) + " both declare the inputs",
                 "keep one of them");
          continue;
        }
        signature = &member;
        definition.parameters =
            read_parameters(member, pointer(draft.path, member.key), source_, context, diagnostics_);
      } else if (member.key == "response") {
        definition.response = &member.value;
      } else if (headed && member.key != "function") {
        definition.default_inputs.push_back(&member);
      }
    }
    definition.steps =
        read_steps(draft.stack->value, pointer(draft.path, draft.stack->key), source_, diagnostics_, context);
  }

  static bool is_container(const Node& node) noexcept {
    return node.kind == Node::Kind::object || node.kind == Node::Kind::array;
  }

  const std::shared_ptr<const Node>& document_;
  const SourcePtr& source_;
  Diagnostics& diagnostics_;
};

// ---- what is not a definition

std::string shortened(const std::string& place) {
  if (place.size() <= longest_place) return place;
  std::size_t end = longest_place;
  while (end > 0 && (static_cast<unsigned char>(place[end]) & 0xC0U) == 0x80U) --end;
  return place.substr(0, end) + "…";
}

// The outermost stacks and steps inside a value.
struct Places {
  std::vector<std::string> first;  // as many as are listed
  std::size_t count = 0;

  void add(const std::string& path, const std::string& remark) {
    if (count++ < most_places) first.push_back(shortened(path) + remark);
  }
  std::string words() const {
    std::string out;
    for (const std::string& place : first) out += (out.empty() ? "" : ", ") + place;
    if (count > first.size()) out += " and " + std::to_string(count - first.size()) + " more";
    return out;
  }
};

// Bounded by the nesting that the reader allows.
void collect_stacks(const Node& node, std::string& path, Places& places) {
  if (is_step(node)) {
    places.add(path, {});
    return;
  }
  if (is_stack(node)) {
    const auto no_step = std::find_if_not(node.items.begin(), node.items.end(), is_step);
    const bool whole = no_step == node.items.end();
    places.add(path, whole ? std::string()
                           : " (its element " + std::to_string(no_step - node.items.begin()) + " has no \"function\")");
    return;
  }
  const std::size_t length = path.size();
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    path += '/' + std::to_string(i);
    collect_stacks(node.items[i], path, places);
    path.resize(length);
  }
  for (const Member& member : node.members) {
    if (member.value.items.empty() && member.value.members.empty()) continue;
    path += pointer({}, member.key);
    collect_stacks(member.value, path, places);
    path.resize(length);
  }
}

}  // namespace

bool is_annotation(std::string_view key) noexcept {
  return key == "$schema" || key == "fnstack" || key.substr(0, 2) == "x-";
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
    Diagnostic diagnostic = make(Diagnostic::Severity::error, "wrong-type", source, mark(node), path,
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

std::vector<Recognised> read_shapes(const std::shared_ptr<const Node>& document, const SourcePtr& source,
                                    const std::function<bool(std::string_view)>& is_step_kind,
                                    Diagnostics& diagnostics) {
  Recogniser recogniser(is_step_kind);
  std::vector<Recognised> definitions;
  if (recogniser.resolve(*document, {}, {}, 0)) {
    Builder builder(document, source, diagnostics);
    for (const Draft& draft : recogniser.drafts) definitions.push_back(builder.build(draft));
  }
  for (const auto& [version, path] : recogniser.versions) {
    if (version->scalar.is_integer() && version->scalar.as_integer() == language_version) continue;
    const std::string got =
        version->kind == Node::Kind::number ? to_text(version->scalar) : std::string(kind_words(*version));
    diagnostics.add(make(Diagnostic::Severity::error, "version", source, mark(*version), path,
                         "fnstack: expected language version " + std::to_string(language_version) + ", got " + got));
  }
  return definitions;
}

Diagnostic not_a_definition(const Node& root, const SourcePtr& source, Diagnostic::Severity severity) {
  std::string message;
  std::string hint;
  Places places;
  std::string path;
  collect_stacks(root, path, places);
  if (root.kind == Node::Kind::array && root.items.empty()) {
    message = "nothing to run: the array of steps is empty";
  } else if (root.kind != Node::Kind::array && root.kind != Node::Kind::object) {
    message = "not a definition: expected an object or array, got " + std::string(kind_words(root));
  } else if (places.count > 0) {
    message = "not a definition, though it holds steps at " + places.words();
    // What is a step kind doesn't matter for what is no definition either way.
    const std::function<bool(std::string_view)> any_kind = [](std::string_view) { return true; };
    Recogniser recogniser(any_kind);
    recogniser.resolve(root, {}, {}, 0);
    if (recogniser.too_long) {
      hint = "a definition's name has at most " + std::to_string(longest_name) + " bytes";
    } else if (!recogniser.culprit.empty()) {
      hint = "every object of a module is a definition; " + shortened(recogniser.culprit) + " is none";
    } else {
      hint = places.count == 1 ? "give these steps on their own to run them" : "give one of them on its own to run it";
    }
  } else if (const Node* const function = root.find("function")) {
    message = "not a definition: \"function\": expected text, got " + std::string(kind_words(*function));
  } else {
    message = "not a definition: no steps in it";
    hint = "a definition is a step (an object with \"function\"), a list of steps, or an object with \"steps\"";
  }
  return make(severity, "not-a-definition", source, mark(root), {}, std::move(message), std::move(hint));
}

}  // namespace fnstack::definition
