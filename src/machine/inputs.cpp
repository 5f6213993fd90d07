// A function's inputs on their way in: declared types checked, defaults filled in, names bound to slots.
#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "machine/machine_state.hpp"

namespace fnstack::machine {

namespace {

// True: the value fits, perhaps converted.
bool fits(const std::string& type, Value& value) {
  if (type == "any") return true;
  if (type == "text") return value.is_string();
  if (type == "boolean") {
    if (value.is_string() && (value.as_string() == "true" || value.as_string() == "false"))
      value = Value(value.as_string() == "true");
    return value.is_boolean();
  }
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "timestamp") return value.is_number() || value.is_string();
  const Value number = value.is_string() ? expr::to_number(value) : value;
  if (!number.is_number()) return false;
  if (type == "integer" && !number.is_integer()) return false;
  value = number;
  return true;
}

}  // namespace

std::optional<Error> bind_inputs(const program::ProgramData& data, expr::Scope& scope, const Limits& limits,
                                 Frame& frame, Value inputs) {
  const program::FunctionInfo& function = data.functions[frame.function];
  if (inputs.is_null()) inputs = Value::object();
  if (!inputs.is_object())
    return make_error(error_type::validation,
                      "inputs: expected an object, got " + std::string(base::kind_in_words(inputs)));
  if (inputs.depth() > limits.value_depth)
    return limit_error("value_depth", limits.value_depth, "the inputs are nested", "deep", false);
  if (inputs.byte_size() > static_cast<std::uint64_t>(limits.value_bytes)) {
    return limit_error("value_bytes", limits.value_bytes, "the inputs take", "bytes", false);
  }
  frame.slots[program::slot::inputs] = inputs;
  for (const program::ParameterInfo& parameter : function.parameters) {
    const Value* given = inputs.find(parameter.name);
    if (given == nullptr || given->is_null()) {
      if (parameter.default_value != program::none) {
        scope.slots = frame.slots.data();
        program::Surroundings surroundings;
        surroundings.limits = &limits;
        Value value;
        if (auto error = program::evaluate(data.operands[parameter.default_value], scope, surroundings, value))
          return error;
        inputs.set(parameter.name, std::move(value));
      } else if (parameter.required) {
        return make_error(error_type::validation, "inputs: missing \"" + parameter.name + "\"");
      }
      continue;
    }
    Value value = *given;
    if (!fits(parameter.type, value)) {
      return make_error(error_type::validation, "inputs: \"" + parameter.name + "\": expected " + parameter.type +
                                                    ", got " + std::string(base::kind_in_words(*given)));
    }
    inputs.set(parameter.name, std::move(value));
  }
  for (const auto& [name, slot] : function.inputs) frame.slots[slot] = inputs.get(name);
  frame.slots[program::slot::inputs] = std::move(inputs);
  return std::nullopt;
}

}  // namespace fnstack::machine
