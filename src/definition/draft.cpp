#include "definition/draft.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ascii.hpp"
#include "definition/parameters.hpp"
#include "definition/steps.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

// What a definition calls itself, the best first (DIALECT 1.2).
constexpr std::string_view identity_keys[] = {"function_name", "workflow_name",      "action_name", "middleware_name",
                                              "trigger_name",  "scheduled_function", "name"};

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
    Diagnostic diagnostic = make_diagnostic(Diagnostic::Severity::error, code, source_, span, std::move(path),
                                            std::move(message), std::move(hint));
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
          names.back().method = method != nullptr ? base::ascii_upper(method->scalar.as_string()) : "GET";
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
      if (is_stack_key(member.key) && is_stack(member.value)) {
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

}  // namespace

Recognised read_draft(const Draft& draft, const std::shared_ptr<const Node>& document, const SourcePtr& source,
                      Diagnostics& diagnostics) {
  return Builder(document, source, diagnostics).build(draft);
}

}  // namespace fnstack::definition
