// `fnstack eval`: one template against named values, or one a line of stdin. Entry point: eval.
#include <optional>
#include <random>
#include <utility>
#include <variant>

#include <fnstack/clock.hpp>
#include <fnstack/json.hpp>

#include "base/utf8.hpp"
#include "cli/cli.hpp"
#include "cli/input.hpp"
#include "cli/output.hpp"
#include "expr/template.hpp"
#include "expr/variables.hpp"

namespace fnstack::cli {
namespace {

struct Failure {
  Error error;
  std::optional<std::size_t> column;  // in code points of the template, from 1
};
using Answer = std::variant<Value, Failure>;

std::size_t column_of(std::string_view text, std::size_t offset) {
  return 1 + base::code_points_in(text.substr(0, offset));
}

// Which hole the error comes from: evaluated once more, one after the other, from the same beginning.
std::optional<std::size_t> failing_column(std::string_view text, const expr::Template& bound, expr::Scope scope,
                                          expr::Random random) {
  scope.random = &random;
  for (const expr::Piece& piece : bound.pieces) {
    if (!piece.is_hole()) continue;
    if (!expr::evaluate(piece.hole, scope)) return column_of(text, piece.hole.span().begin);
  }
  return std::nullopt;  // the holes are good, but not the text they make
}

Answer evaluate(std::string_view text, const Value& names, expr::Random& random) {
  if (!base::is_utf8(text)) return Failure{make_error(error_type::validation, "template: not UTF-8"), {}};
  Diagnostics diagnostics;
  const std::optional<expr::Template> parsed = expr::parse_template(text, {}, diagnostics);
  if (!parsed || diagnostics.has_errors()) {
    for (const Diagnostic& item : diagnostics.items()) {
      if (item.severity != Diagnostic::Severity::error) continue;
      return Failure{make_error(error_type::expression, item.message), column_of(text, item.span.begin)};
    }
    return Failure{make_error(error_type::expression, "the template can't be read"), 1};
  }
  const expr::Variables variables(names);
  const expr::Template bound = expr::bind(*parsed, variables.resolver());
  expr::Scope scope;
  scope.slots = variables.slots();
  scope.now_ms = system_clock()->now_ms();
  scope.random = &random;
  const expr::Scope scope_before = scope;
  const expr::Random random_before = random;
  Result<Value> value = expr::render(bound, scope);
  if (value) return std::move(*value);
  return Failure{std::move(value).error(), failing_column(text, bound, scope_before, random_before)};
}

expr::Random new_random() {
  expr::Random random;
  std::random_device system;
  for (std::uint8_t& byte : random.seed) byte = static_cast<std::uint8_t>(system());
  return random;
}

std::string line_of(const Answer& answer) {
  Value line = Value::object();
  if (const Value* value = std::get_if<Value>(&answer)) {
    line.set("value", *value);
  } else {
    const Failure& failure = std::get<Failure>(answer);
    line.set("error", Value::object({{"type", Value(failure.error.type)},
                                     {"message", Value(failure.error.message)},
                                     {"column", failure.column ? Value(*failure.column) : Value()}}));
  }
  return to_json(line) + "\n";
}

Answer evaluate_line(std::string_view line, expr::Random& random) {
  const auto refused = [](std::string message) {
    return Failure{make_error(error_type::validation, std::move(message)), {}};
  };
  // One level more than the values in it may have, and one for `vars` itself.
  const Result<Value> item = parse_json(line, {.depth = JsonLimits{}.depth + 1});
  if (!item) return Failure{item.error(), {}};
  if (!item->is_object()) return refused("expected an object {\"template\", \"vars\"}");
  const Value* text = item->find("template");
  if (text == nullptr) return refused("missing \"template\"");
  if (!text->is_string()) return refused("\"template\": expected text");
  const Value& vars = item->get("vars");
  if (!vars.is_null() && !vars.is_object()) return refused("\"vars\": expected an object");
  return evaluate(text->as_string(), vars.is_null() ? Value::object() : vars, random);
}

// An answer for each line that is not blank, at once; what is wrong with one concerns no other.
int eval_batch() {
  expr::Random random = new_random();
  LineReader lines;
  std::string line;
  bool too_long = false;
  while (lines.next(line, too_long)) {
    if (!too_long && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Answer answer = too_long
                              ? Answer(Failure{make_error(error_type::limit, "the line is longer than 64 MiB"), {}})
                              : evaluate_line(line, random);
    if (!print(line_of(answer))) return status_failed;
  }
  if (lines.error() != 0) return refuse("can't read stdin: " + system_reason(lines.error()));
  return status_ok;
}

}  // namespace

int eval(const EvalCommand& command) {
  if (command.batch) {
    if (command.text || command.vars) return refuse("eval: --batch reads templates and vars from stdin; give neither");
    return eval_batch();
  }
  if (!command.text) return refuse("eval: expected a template, or --batch");
  Value vars = Value::object();
  if (command.vars) {
    Result<Value> given = read_object("--vars", *command.vars, false, {});
    if (!given) return refuse(given.error().message);
    vars = std::move(*given);
  }
  expr::Random random = new_random();
  const Answer answer = evaluate(*command.text, vars, random);
  if (const Value* value = std::get_if<Value>(&answer))
    return print(to_json(*value) + "\n") ? status_ok : status_failed;
  const Failure& failure = std::get<Failure>(answer);
  complain((failure.column ? "column " + std::to_string(*failure.column) + ": " : "") + failure.error.message);
  return status_failed;
}

}  // namespace fnstack::cli
