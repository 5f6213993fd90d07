#include "definition/words.hpp"

#include <fnstack/json.hpp>

namespace fnstack::definition {
namespace {

bool is_number(std::string_view token) noexcept {
  if (token.empty() || token.size() > 9) return false;
  for (const char c : token) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

}  // namespace

std::string_view kind_words(const Node& node) noexcept {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return node.scalar.as_boolean() ? "true" : "false";
    case Node::Kind::number:
      return "a number";
    case Node::Kind::string:
      return "text";
    case Node::Kind::array:
      return "a list";
    case Node::Kind::object:
      return "an object";
  }
  return "something else";
}

std::string place_words(const Source& source, std::uint32_t offset) {
  const Position place = source.position(offset);
  return "line " + std::to_string(place.line) + ", column " + std::to_string(place.column);
}

std::string pointer(std::string_view parent, std::string_view key) {
  std::string out;
  out.reserve(parent.size() + key.size() + 1);
  out.append(parent).push_back('/');
  for (const char c : key) {
    if (c == '~') {
      out.append("~0");
    } else if (c == '/') {
      out.append("~1");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string pointer(std::string_view parent, std::size_t index) {
  return std::string(parent) + '/' + std::to_string(index);
}

std::string path_words(std::string_view json_pointer) {
  std::string out;
  while (!json_pointer.empty()) {
    json_pointer.remove_prefix(1);  // the slash
    const std::string_view token = json_pointer.substr(0, json_pointer.find('/'));
    json_pointer.remove_prefix(token.size());
    if (is_number(token)) {
      // The elements of a stack that has no key of its own are "steps" to people.
      if (out.empty()) out.append("steps");
      out.append("[").append(token).append("]");
      continue;
    }
    if (!out.empty()) out.push_back('.');
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] == '~' && i + 1 < token.size()) {
        out.push_back(token[++i] == '1' ? '/' : '~');
      } else {
        out.push_back(token[i]);
      }
    }
  }
  return out;
}

Span mark(const Node& node) noexcept {
  if (node.kind != Node::Kind::array && node.kind != Node::Kind::object) return node.span;
  return Span{node.span.begin, node.span.begin + 1};
}

Diagnostic make_diagnostic(Diagnostic::Severity severity, const char* code, const SourcePtr& source, Span span,
                           std::string path, std::string message, std::string hint) {
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

}  // namespace fnstack::definition
