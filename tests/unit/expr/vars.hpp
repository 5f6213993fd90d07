// Variables for tests of templates: each top-level name of a JSON object becomes a slot.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/json.hpp>

#include "expr/expression.hpp"
#include "support/catch.hpp"

namespace fnstack_test {

class Vars {
 public:
  explicit Vars(std::string_view json) : Vars(read(json)) {}
  template <class T>
  requires std::same_as<T, fnstack::Value>  // a string literal is JSON text, no Value
  explicit Vars(const T& object) {
    for (std::size_t i = 0; i < object.size(); ++i) {
      names_.emplace_back(object.key_at(i));
      slots_.push_back(object[i]);
    }
  }
  Vars(const Vars&) = delete;

  // A name that is no variable means null.
  fnstack::expr::Resolver resolver() const {
    return [this](const fnstack::expr::NameUse& use) {
      fnstack::expr::Reference reference;
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (names_[i] != use.name) continue;
        reference.kind = fnstack::expr::Reference::Kind::slot;
        reference.index = static_cast<std::uint32_t>(i);
      }
      return reference;
    };
  }
  fnstack::expr::Scope& scope() {
    scope_.slots = slots_.data();
    return scope_;
  }
  fnstack::Value& slot(std::size_t position) { return slots_[position]; }

  static fnstack::Value read(std::string_view json) {
    fnstack::Result<fnstack::Value> value = fnstack::parse_json(json);
    REQUIRE(value.ok());
    return *value;
  }

 private:
  std::vector<std::string> names_;
  std::vector<fnstack::Value> slots_;
  fnstack::expr::Scope scope_;
};

// "type: message"
inline std::string shown(const fnstack::Error& error) { return error.type + ": " + error.message; }

// The messages, one a line, a warning marked as one.
inline std::string messages(const fnstack::Diagnostics& diagnostics) {
  std::string out;
  for (const fnstack::Diagnostic& item : diagnostics.items()) {
    if (!out.empty()) out += '\n';
    if (item.severity == fnstack::Diagnostic::Severity::warning) out += "warning: ";
    out += item.message;
  }
  return out;
}

}  // namespace fnstack_test
