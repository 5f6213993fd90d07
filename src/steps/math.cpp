// "Math": arithmetic on two values or on a list. Numeric text counts as its number; integers stay integers.
#include <cmath>

#include <fnstack/definition.hpp>
#include "base/in_quotes.hpp"
#include "expr/expression.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

Result<Value> number_of(const Value& value, std::string_view field) {
  if (value.is_integer() || value.is_number()) return value;
  Value number = value.is_string() ? expr::to_number(value) : Value();
  if (!number.is_number()) {
    const std::string got = value.is_null()     ? "null"
                            : value.is_string() ? "text that is none"
                                                : base::json_beginning(value, 40);
    return wrong(std::string(field) + ": expected a number, got " + got);
  }
  return number;
}

// A double that holds a whole number is one, as long as an integer can hold it.
Value whole(double value) {
  if (value >= -9007199254740992.0 && value <= 9007199254740992.0) return Value(static_cast<std::int64_t>(value));
  return Value(value);
}

Result<Value> rounded(const Value& number, double (*round)(double)) {
  if (number.is_integer()) return number;
  return whole(round(number.as_number()));
}

// Reads `a.b` of each element, or the element itself.
Result<Value> fold(Fields& fields, std::string_view operation) {
  const Value& values = fields["values"];
  if (operation == "count") {
    if (values.is_null()) return Value(0);
    if (!values.is_array()) return wrong("values: expected a list");
    return Value(static_cast<std::int64_t>(values.size()));
  }
  if (!values.is_array() && !values.is_null()) return wrong("values: expected a list");
  const std::string_view attribute = fields["attribute"].as_string();
  Value total = Value(operation == "product" ? 1 : 0);
  Value least;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& element = attribute.empty() ? values[i] : values[i].get(attribute);
    auto number = number_of(element, "values[" + std::to_string(i) + "]");
    if (!number) return number;
    if (operation == "min" || operation == "max") {
      const bool better = least.is_null() || (operation == "min" ? number->as_number() < least.as_number()
                                                                 : number->as_number() > least.as_number());
      if (better) least = *number;
      continue;
    }
    auto next = expr::arithmetic(operation == "product" ? '*' : '+', total, *number);
    if (!next) return next;
    total = std::move(*next);
  }
  if (operation == "min" || operation == "max") return least;
  if (operation != "average" && operation != "avg") return total;
  if (values.size() == 0) return Value();
  return expr::arithmetic('/', total, Value(static_cast<std::int64_t>(values.size())));
}

// Of two integers these are integers, if 64 bits hold them.
char plain_arithmetic(std::string_view operation) {
  if (operation == "add" || operation == "addition" || operation == "+") return '+';
  if (operation == "subtract" || operation == "sub" || operation == "subtraction" || operation == "-") return '-';
  if (operation == "multiply" || operation == "mul" || operation == "multiplication" || operation == "*") return '*';
  return 0;
}

char arithmetic_of(std::string_view operation) {
  if (const char plain = plain_arithmetic(operation); plain != 0) return plain;
  if (operation == "divide" || operation == "div" || operation == "division" || operation == "/") return '/';
  if (operation == "modulo" || operation == "mod" || operation == "modulus" || operation == "%") return '%';
  if (operation == "power" || operation == "pow" || operation == "**") return '^';
  return 0;
}

Result<Value> compute(Fields& fields) {
  // Positions in the table below: this step stands in loops.
  const Value& operation_value = fields.at(0);
  const std::string_view operation = operation_value.as_string();
  const char op = arithmetic_of(operation);
  if (op == 0) {
    for (std::string_view of_list : {"sum", "count", "average", "avg", "product"}) {
      if (operation == of_list) return fold(fields, operation);
    }
    if ((operation == "min" || operation == "max") && fields.given("values")) return fold(fields, operation);
  }
  auto left = number_of(fields.at(1), "value1");
  if (!left) return left;
  const bool one = operation == "ceiling" || operation == "ceil" || operation == "floor" || operation == "round" ||
                   operation == "abs" || operation == "negate" || operation == "sqrt";
  if (one) {
    // ceiling of two values is that of their quotient.
    if (fields.given("value2") && !fields.at(2).is_null()) {
      auto right = number_of(fields.at(2), "value2");
      if (!right) return right;
      left = expr::arithmetic('/', *left, *right);
      if (!left) return left;
    }
    if (operation == "ceiling" || operation == "ceil") return rounded(*left, std::ceil);
    if (operation == "floor") return rounded(*left, std::floor);
    // As Math.round: halves go up.
    if (operation == "round")
      return rounded(*left,
                     [](double value) { return std::floor(value) + (value - std::floor(value) >= 0.5 ? 1.0 : 0.0); });
    if (operation == "negate") return expr::arithmetic('-', Value(0), *left);
    if (operation == "sqrt") {
      if (left->as_number() < 0) return wrong("value1: no square root of a negative number");
      return Value(std::sqrt(left->as_number()));
    }
    return left->as_number() < 0 ? expr::arithmetic('-', Value(0), *left) : std::move(left);
  }
  auto right = number_of(fields.at(2), "value2");
  if (!right) return right;
  if (op != 0) return expr::arithmetic(op, *left, *right);
  if (operation == "min") return left->as_number() <= right->as_number() ? std::move(left) : std::move(right);
  if (operation == "max") return left->as_number() >= right->as_number() ? std::move(left) : std::move(right);
  if (operation == "bitwise_and" || operation == "bitwise_or" || operation == "bitwise_xor") {
    if (!left->is_integer() || !right->is_integer()) return wrong("value1, value2: expected whole numbers");
    const std::int64_t a = left->as_integer();
    const std::int64_t b = right->as_integer();
    return Value(operation == "bitwise_and" ? a & b : operation == "bitwise_or" ? a | b : a ^ b);
  }
  return wrong("operation: unknown operation \"" + std::string(operation).substr(0, 60) + "\"");
}

}  // namespace

StepKind math() {
  return {
      .name = "Math",
      .doc =
          "Arithmetic: numeric text counts as its number, integers stay integers, anything that is no number is an "
          "error.",
      .group = "Data",
      .fields =
          {{.name = "operation",
            .type = FieldType::text,
            .required = true,
            .doc = "add, subtract, multiply, divide, modulo, power, min, max, ceiling, floor, round, abs, negate, "
                   "sqrt, bitwise_and, bitwise_or, bitwise_xor; of `values`: sum, product, average, count, min, max"},
           {.name = "value1", .aliases = {"value", "a", "number"}, .doc = "the left operand"},
           {.name = "value2", .aliases = {"b"}, .doc = "the right operand; ceiling, floor, round: the divisor"},
           {.name = "values", .aliases = {"array", "list"}, .doc = "a list"},
           {.name = "attribute", .aliases = {"field"}, .type = FieldType::text, .doc = "of each element of the list"}},
      .arithmetic = plain_arithmetic,
      .left = 1,
      .right = 2,
      .compute = compute};
}

}  // namespace fnstack::steps
