// The functions of the language: filters (x|name), the same ones called (name(x)), methods (x.name()), Math.*
// and the other globals. One table; a row is a function. Entry points: find_function, find_method.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "expr/expression.hpp"

namespace fnstack::expr {

// One call, as an implementation sees it. Argument 0 is the filtered value or the method's receiver.
// Named arguments are put at their parameter's position already; those left out are null and not given.
class Invocation {
 public:
  virtual ~Invocation() = default;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }  // positions filled, the last given one included
  [[nodiscard]] bool given(std::size_t position) const noexcept { return position < count_ && given_[position]; }
  [[nodiscard]] const Value& operator[](std::size_t position) const noexcept {
    return position < count_ ? arguments_[position] : null_;
  }
  [[nodiscard]] Value take(std::size_t position) noexcept {
    return position < count_ ? std::move(arguments_[position]) : Value();
  }

  // An arrow function stands at this position (its Value is null there).
  [[nodiscard]] virtual bool is_arrow(std::size_t position) const noexcept = 0;
  // Calls it. False: it failed, and the implementation returns failure() at once.
  [[nodiscard]] virtual bool call_arrow(std::size_t position, std::span<const Value> arguments, Value& result) = 0;
  // The same with `total` as first argument, which gets the result: in place where the arrow adds to it.
  [[nodiscard]] virtual bool fold_arrow(std::size_t position, Value& total, std::span<const Value> more) = 0;
  [[nodiscard]] virtual Error failure() = 0;

  // Costs for `elements` and `bytes` handled (a step each 64 elements or 1 KiB). False: over the limit; return
  // failure().
  [[nodiscard]] virtual bool charge(std::uint64_t elements, std::uint64_t bytes = 0) = 0;
  // Would a value of this logical size, or so deep, be allowed? Asked before building it. False: return failure().
  [[nodiscard]] virtual bool fits(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual bool fits_depth(std::uint64_t depth) = 0;
  // Argument 0 is the variable that gets the result, for a function that can change it in place. It costs what is
  // changed, and is not taken before all that can fail is done.
  [[nodiscard]] bool is_in_place() const noexcept { return is_in_place_; }

  [[nodiscard]] virtual Scope& scope() noexcept = 0;
  // The name as the author wrote it, for messages.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  // An Error of type `expression`: "name: message".
  [[nodiscard]] Error error(std::string_view message) const;

 protected:
  Value* arguments_ = nullptr;
  const bool* given_ = nullptr;
  std::size_t count_ = 0;
  std::string_view name_;
  bool is_in_place_ = false;
  Value null_;
};

using Implementation = Result<Value> (*)(Invocation&);

struct Function {
  std::string_view name;     // "split"; for Math and other namespaces "Math.ceil", "Object.keys"
  std::string_view aliases;  // blank-separated
  std::string_view
      parameters;        // blank-separated names, the value itself first: "value separator?"; ? optional, * any number
  std::string_view doc;  // one line
  Implementation implementation;
};

// A filter or global function by name or alias; null if there is none.
[[nodiscard]] const Function* find_function(std::string_view name) noexcept;
// A method: the receiver's kind decides at run time (text.slice, array.slice); null if that kind has none.
[[nodiscard]] const Function* find_method(Value::Kind receiver, std::string_view name) noexcept;
// Is this the name of a method of any kind? For "did you mean" while parsing.
[[nodiscard]] bool is_method_name(std::string_view name) noexcept;
[[nodiscard]] std::span<const Function> all_functions() noexcept;
[[nodiscard]] std::span<const Function>
all_methods() noexcept;  // named "string.slice", "array.slice", "object.…", "number.…"

}  // namespace fnstack::expr
