// "Text" (also "Text Manipulation", "Regular Expression"): makes a new text from a text, or asks something about it.
// Each operation is an expression of the language: the functions that templates call do the work.
#include <array>
#include <span>

#include <fnstack/definition.hpp>

#include "base/suggest.hpp"
#include "definition/words.hpp"
#include "program/lowering.hpp"
#include "steps/formula.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

enum Argument : std::size_t { text_, value_, pattern_, replacement_, separator_, start_, end_, length_, arguments };

struct Operation {
  std::string_view names;  // separated by blanks, the canonical one first
  std::string_view formula;
  Argument needs = text_;  // a field that must not be null
};

// A null text stays null, but for questions, which answer as the functions do.
constexpr Operation operations[] = {
    {"lowercase lower to_lower", "text|lower"},
    {"uppercase upper to_upper", "text|upper"},
    {"capitalize", "text|capitalize"},
    {"slug slugify", "text|slugify"},
    {"trim", "value == null ? trim(text) : trim(text, value)"},
    {"ltrim trim_start", "value == null ? ltrim(text) : ltrim(text, value)"},
    {"rtrim trim_end", "value == null ? rtrim(text) : rtrim(text, value)"},
    {"append", "(text ?? '') + value", value_},
    {"prepend", "value + (text ?? '')", value_},
    {"contains", "contains(text ?? '', value)", value_},
    {"icontains", "icontains(text, value)", value_},
    {"starts_with", "starts_with(text, value)", value_},
    {"istarts_with", "istarts_with(text, value)", value_},
    {"ends_with", "ends_with(text, value)", value_},
    {"iends_with", "iends_with(text, value)", value_},
    {"replace", "replace(text, value, replacement ?? '')", value_},
    {"split", "split(text, separator ?? value ?? ',')"},
    {"length", "length(text)"},
    {"substring",
     "end != null ? substring(text, start ?? 0, end) : length != null ? substr(text, start ?? 0, length) : "
     "substring(text, start ?? 0)"},
    {"truncate", "truncate(text, length)", length_},
    {"reverse", "text|reverse"},
    {"regex_match regex_matches regex_test matches match test", "regex_matches(text, pattern)", pattern_},
    {"regex_first_match regex_get_first_match", "regex_get_first_match(text, pattern)", pattern_},
    {"regex_all_matches regex_get_all_matches", "regex_get_all_matches(text, pattern)", pattern_},
    {"regex_replace", "regex_replace(text, pattern, replacement ?? '')", pattern_},
    {"regex_split", "regex_split(text, pattern)", pattern_},
};

constexpr std::array<std::string_view, arguments> field_names{"text",      "value", "pattern", "replacement",
                                                              "separator", "start", "end",     "length"};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> list;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    list.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return list;
}

std::size_t find_operation(std::string_view name) {
  const std::string folded = fold_name(name);
  for (std::size_t i = 0; i < std::size(operations); ++i) {
    for (std::string_view known : words(operations[i].names)) {
      if (known == folded) return i;
    }
  }
  return std::size(operations);
}

const Formula& formula_of(std::size_t operation) {
  static const std::vector<Formula> formulas = [] {
    std::vector<Formula> all;
    for (const Operation& known : operations) {
      all.emplace_back(known.formula, std::initializer_list<std::string_view>{"text", "value", "pattern", "replacement",
                                                                              "separator", "start", "end", "length"});
    }
    return all;
  }();
  return formulas[operation];
}

std::string unknown_operation(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Operation& operation : operations) {
    for (std::string_view spelling : words(operation.names)) known.push_back(spelling);
  }
  const auto near = suggest(name, known);
  return "operation: unknown operation " + definition::in_quotes(name) + did_you_mean(near);
}

Result<Value> compute(Fields& fields) {
  const std::string name(fields["operation"].as_string());
  const std::size_t operation = find_operation(name);
  if (operation == std::size(operations)) return make_error(error_type::validation, unknown_operation(name));
  std::array<Value, arguments> values;
  for (std::size_t i = 0; i < arguments; ++i) values[i] = fields.take(field_names[i]);
  const Argument needs = operations[operation].needs;
  if (needs != text_ && values[needs].is_null()) {
    return make_error(error_type::validation,
                      std::string(field_names[needs]) + ": the operation " + name + " needs it, got null");
  }
  return formula_of(operation)(values, fields.limits());
}

void check(program::Lowering& step) {
  const std::string name = step.literal("operation");
  if (name.empty() || name.find("{{") != std::string::npos || name.find("<<") != std::string::npos) return;
  const std::size_t operation = find_operation(name);
  if (operation == std::size(operations)) {
    step.error("bad-value", unknown_operation(name), step.node("operation"));
    return;
  }
  const Argument needs = operations[operation].needs;
  if (needs != text_ && !step.given(field_names[needs])) {
    step.error("missing-field",
               "missing field \"" + std::string(field_names[needs]) + "\", which the operation " + name + " needs");
  }
}

std::string operations_doc() {
  std::string doc;
  for (const Operation& operation : operations) {
    doc += (doc.empty() ? "" : ", ") + std::string(words(operation.names)[0]);
  }
  return doc;
}

}  // namespace

StepKind text() {
  return {.name = "Text",
          .aliases = {"Text Manipulation", "Regular Expression", "regex", "text_regex"},
          .doc = "Makes a new text from a text, or asks something about it, as `operation` says.",
          .group = "Data",
          .fields = {{.name = "operation", .type = FieldType::text, .required = true, .doc = operations_doc()},
                     {.name = "text",
                      .aliases = {"input", "string", "subject"},
                      .type = FieldType::text,
                      .required = true,
                      .doc = "the text; null stays null"},
                     {.name = "value",
                      .aliases = {"search", "find", "needle", "characters"},
                      .type = FieldType::text,
                      .doc = "what to append, look for, replace or trim away"},
                     {.name = "pattern",
                      .aliases = {"regex", "expression"},
                      .type = FieldType::text,
                      .doc = "regex operations: a pattern, bare or as /…/i"},
                     {.name = "replacement",
                      .aliases = {"replace", "replace_with", "with"},
                      .type = FieldType::text,
                      .doc = "what to put there; nothing if not given"},
                     {.name = "separator",
                      .aliases = {"delimiter"},
                      .type = FieldType::text,
                      .doc = "split: what stands between; a comma if not given"},
                     {.name = "start",
                      .aliases = {"offset"},
                      .type = FieldType::integer,
                      .doc = "substring: the first position, from 0"},
                     {.name = "end", .type = FieldType::integer, .doc = "substring: the position after the last"},
                     {.name = "length",
                      .aliases = {"max_length"},
                      .type = FieldType::integer,
                      .doc = "substring, truncate: how many characters"}},
          .compute = compute,
          .check = check};
}

}  // namespace fnstack::steps
