#include "definition/parameters.hpp"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/suggest.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

struct TypeName {
  std::string_view written;
  std::string_view canonical;
};

constexpr TypeName type_names[] = {
    {"any", "any"},
    {"json", "any"},
    {"text", "text"},
    {"string", "text"},
    {"number", "number"},
    {"decimal", "number"},
    {"integer", "integer"},
    {"int", "integer"},
    {"boolean", "boolean"},
    {"bool", "boolean"},
    {"object", "object"},
    {"array", "array"},
    {"list", "array"},
    {"timestamp", "timestamp"},
    {"datetime", "timestamp"},
};

bool holds_template(std::string_view text) noexcept {
  return text.find("{{") != std::string_view::npos || text.find("<<") != std::string_view::npos;
}

class ParameterReader {
 public:
  ParameterReader(const SourcePtr& source, const std::string& context, Diagnostics& diagnostics)
      : source_(source), context_(context), diagnostics_(diagnostics) {}

  std::vector<Parameter> read(const Member& declared, const std::string& path) {
    const Node& node = declared.value;
    in_array_ = node.kind == Node::Kind::array;
    if (node.kind == Node::Kind::object) {
      for (const Member& member : node.members) read_member(member, pointer(path, member.key));
    } else if (in_array_) {
      for (std::size_t i = 0; i < node.items.size(); ++i)
        read_element(declared.key, node.items[i], i, pointer(path, i));
    } else if (node.kind != Node::Kind::null) {
      report(Diagnostic::Severity::error, "wrong-type", node.span, path,
             declared.key + ": expected an object or array that declares inputs, got " + std::string(kind_words(node)));
    }
    return std::move(parameters_);
  }

 private:
  void report(Diagnostic::Severity severity, const char* code, Span span, std::string path, std::string message,
              std::string hint = {}) {
    Diagnostic diagnostic =
        make_diagnostic(severity, code, source_, span, std::move(path), std::move(message), std::move(hint));
    diagnostic.context = context_;
    diagnostics_.add(std::move(diagnostic));
  }

  // {"name": …}
  void read_member(const Member& member, const std::string& path) {
    Parameter parameter;
    parameter.name = member.key;
    parameter.span = member.key_span;
    const Node& value = member.value;
    if (value.kind == Node::Kind::object) {
      read_long_form(parameter, value, path);
    } else if (value.kind == Node::Kind::string && !holds_template(value.scalar.as_string())) {
      read_type(parameter, value, path);
    } else {
      parameter.default_value = &value;
    }
    add(std::move(parameter), path);
  }

  // [{"name": …}, "name"]
  void read_element(const std::string& key, const Node& element, std::size_t index, const std::string& path) {
    const std::string place = key + "[" + std::to_string(index) + "]";
    Parameter parameter;
    if (element.kind == Node::Kind::string) {
      parameter.name = std::string(element.scalar.as_string());
      parameter.span = element.span;
      add(std::move(parameter), path);
      return;
    }
    if (element.kind != Node::Kind::object) {
      report(Diagnostic::Severity::error, "wrong-type", mark(element), path,
             place + ": expected an object that declares an input, got " + std::string(kind_words(element)),
             R"(write {"name": "email", "type": "text", "required": true})");
      return;
    }
    const Node* const name = element.find("name");
    if (name == nullptr) {
      report(Diagnostic::Severity::error, "missing-field", mark(element), path, place + ": missing field \"name\"");
      return;
    }
    if (name->kind != Node::Kind::string) {
      report(Diagnostic::Severity::error, "wrong-type", mark(*name), pointer(path, "name"),
             place + ": \"name\": expected text, got " + std::string(kind_words(*name)));
      return;
    }
    parameter.name = std::string(name->scalar.as_string());
    parameter.span = name->span;
    read_long_form(parameter, element, path);
    add(std::move(parameter), path);
  }

  void read_long_form(Parameter& parameter, const Node& form, const std::string& path) {
    if (const Node* const type = form.find("type")) {
      if (type->kind == Node::Kind::string) {
        read_type(parameter, *type, pointer(path, "type"));
      } else {
        report(Diagnostic::Severity::error, "wrong-type", mark(*type), pointer(path, "type"),
               "input " + in_quotes(parameter.name) + ": \"type\": expected a type's name, got " +
                   std::string(kind_words(*type)));
      }
    }
    const std::optional<bool> required = read_flag(parameter, form, "required", path);
    const std::optional<bool> optional = read_flag(parameter, form, "optional", path);
    if (required && optional && *required == *optional) {
      report(Diagnostic::Severity::error, "contradiction", form.find("optional")->span, pointer(path, "optional"),
             "input " + in_quotes(parameter.name) + ": \"required\" and \"optional\" contradict each other",
             "leave one of them out");
    }
    parameter.required = required ? *required : optional && !*optional;
    parameter.default_value = form.find("default");
  }

  std::optional<bool> read_flag(const Parameter& parameter, const Node& form, std::string_view key,
                                const std::string& path) {
    const Node* const flag = form.find(key);
    if (flag == nullptr) return std::nullopt;
    if (flag->kind == Node::Kind::boolean) return flag->scalar.as_boolean();
    report(Diagnostic::Severity::error, "wrong-type", mark(*flag), pointer(path, key),
           "input " + in_quotes(parameter.name) + ": " + in_quotes(key) + ": expected true or false, got " +
               std::string(kind_words(*flag)));
    return std::nullopt;
  }

  void read_type(Parameter& parameter, const Node& type, const std::string& path) {
    const std::string_view written = type.scalar.as_string();
    const std::string folded = fold_name(written);
    for (const TypeName& name : type_names) {
      if (name.written == folded) {
        parameter.type = std::string(name.canonical);
        return;
      }
    }
    std::vector<std::string_view> known;
    for (const TypeName& name : type_names) known.push_back(name.written);
    const std::optional<std::string_view> near = suggest(folded, known);
    report(Diagnostic::Severity::warning, "unknown-type", type.span, path,
           "input " + in_quotes(parameter.name) + ": unknown type " + in_quotes(written) + did_you_mean(near),
           "it is not checked; types are any, text, number, integer, boolean, object, array and timestamp");
  }

  void add(Parameter parameter, const std::string& path) {
    if (parameter.name.empty() || holds_template(parameter.name)) {
      report(Diagnostic::Severity::error, "bad-name", parameter.span, path,
             "expected an input's name, got " + in_quotes(parameter.name),
             parameter.name.empty() ? std::string() : "a name can't hold a template");
      return;
    }
    const auto [known, is_new] = by_name_.try_emplace(parameter.name, parameters_.size());
    if (!is_new) {
      // In an object this is a duplicate key, which the reader has reported already.
      if (in_array_) {
        report(Diagnostic::Severity::error, "duplicate-parameter", parameter.span, path,
               "input " + in_quotes(parameter.name) + " is declared twice; the first is in " +
                   place_words(*source_, parameters_[known->second].span.begin));
      }
      return;
    }
    parameters_.push_back(std::move(parameter));
  }

  const SourcePtr& source_;
  const std::string& context_;
  Diagnostics& diagnostics_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> by_name_;
  bool in_array_ = false;
};

}  // namespace

std::vector<Parameter> read_parameters(const Member& declared, const std::string& path, const SourcePtr& source,
                                       const std::string& context, Diagnostics& diagnostics) {
  return ParameterReader(source, context, diagnostics).read(declared, path);
}

}  // namespace fnstack::definition
