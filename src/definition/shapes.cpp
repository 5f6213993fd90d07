#include "definition/shapes.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fnstack/json.hpp>

#include "base/utf8.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

// Two levels of wrappers occur; more than this is no definition. Together with the limit on names it keeps the paths of
// steps short, whatever a stranger nests.
constexpr int most_wrappers = 8;

constexpr std::int64_t language_version = 1;

// How many places a "not a definition" lists, and how long each may be.
constexpr std::size_t most_places = 5;
constexpr std::size_t longest_place = 120;

// The member that holds a definition's stack. An array without a step is one only if it is empty, or if the
// object says by a function_name that it is a definition.
const Member* find_stack(const Node& object) noexcept {
  const Member* empty = nullptr;
  const Member* other = nullptr;
  for (const Member& member : object.members) {
    if (member.value.kind != Node::Kind::array || !is_stack_key(member.key)) continue;
    if (is_stack(member.value)) return &member;
    const Member*& place = member.value.items.empty() ? empty : other;
    if (place == nullptr) place = &member;
  }
  if (empty != nullptr) return empty;
  return find_text(object, "function_name") != nullptr ? other : nullptr;
}

// ---- recognition

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

// ---- what is not a definition

std::string shortened(const std::string& place) {
  if (place.size() <= longest_place) return place;
  return std::string(base::whole_code_points(place, longest_place)) + "…";
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

std::vector<Recognised> read_shapes(const std::shared_ptr<const Node>& document, const SourcePtr& source,
                                    const std::function<bool(std::string_view)>& is_step_kind,
                                    Diagnostics& diagnostics) {
  Recogniser recogniser(is_step_kind);
  std::vector<Recognised> definitions;
  if (recogniser.resolve(*document, {}, {}, 0)) {
    for (const Draft& draft : recogniser.drafts) {
      definitions.push_back(read_draft(draft, document, source, diagnostics));
    }
  }
  for (const auto& [version, path] : recogniser.versions) {
    if (version->scalar.is_integer() && version->scalar.as_integer() == language_version) continue;
    const std::string got =
        version->kind == Node::Kind::number ? to_text(version->scalar) : std::string(kind_words(*version));
    diagnostics.add(
        make_diagnostic(Diagnostic::Severity::error, "version", source, mark(*version), path,
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
  return make_diagnostic(severity, "not-a-definition", source, mark(root), {}, std::move(message), std::move(hint));
}

}  // namespace fnstack::definition
