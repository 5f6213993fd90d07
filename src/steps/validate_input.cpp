// "Validate Input" (also "Validate Query Parameters"): checks values by rules and raises one error that tells
// everything wrong with them. Values are never quoted in it: they may be passwords.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "base/utf8.hpp"
#include "definition/words.hpp"
#include "expr/expression.hpp"
#include "expr/template.hpp"
#include "program/lowering.hpp"
#include "steps/formula.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

// Schemas within schemas (items, properties).
constexpr int deepest_schema = 16;
// Failures that are told; a list of a million wrong elements is no news.
constexpr std::size_t most_failures = 100;
constexpr std::size_t most_in_message = 5;

struct Word {
  std::string_view spelling;
  std::string_view meaning;
};

constexpr Word type_words[] = {
    {"any", "any"},        {"json", "any"},     {"text", "text"},       {"string", "text"},   {"number", "number"},
    {"decimal", "number"}, {"float", "number"}, {"integer", "integer"}, {"int", "integer"},   {"boolean", "boolean"},
    {"bool", "boolean"},   {"array", "array"},  {"list", "array"},      {"object", "object"}, {"email", "email"},
    {"url", "url"},        {"uri", "url"},      {"date", "date"},       {"datetime", "date"}, {"timestamp", "date"},
};

constexpr Word rule_words[] = {
    {"type", "type"},
    {"format", "type"},
    {"required", "required"},
    {"optional", "optional"},
    {"default", "default"},
    {"min", "min"},
    {"minimum", "min"},
    {"max", "max"},
    {"maximum", "max"},
    {"min_length", "min_length"},
    {"minlength", "min_length"},
    {"max_length", "max_length"},
    {"maxlength", "max_length"},
    {"min_items", "min_items"},
    {"max_items", "max_items"},
    {"pattern", "pattern"},
    {"regex", "pattern"},
    {"enum", "enum"},
    {"in", "enum"},
    {"one_of", "enum"},
    {"values", "enum"},
    {"options", "enum"},
    {"items", "items"},
    {"properties", "properties"},
    {"schema", "properties"},
    {"message", "message"},
    {"description", ""},
};

template <std::size_t n>
const Word* find_word(const Word (&words)[n], std::string_view spelling) {
  const std::string folded = fold_name(spelling);
  const auto* const found = std::find_if(words, words + n, [&](const Word& word) { return word.spelling == folded; });
  return found == words + n ? nullptr : found;
}

template <std::size_t n>
std::string unknown(const Word (&words)[n], std::string_view what, std::string_view spelling) {
  std::vector<std::string_view> known;
  for (const Word& word : words) known.push_back(word.spelling);
  const auto near = suggest(spelling, known);
  return "unknown " + std::string(what) + " " + definition::in_quotes(spelling) + did_you_mean(near);
}

// A rule of a field by its meaning, under whichever name it was given; null if it is not.
const Value& rule(const Value& rules, std::string_view meaning) {
  static const Value none;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Word* const word = find_word(rule_words, rules.key_at(i));
    if (word != nullptr && word->meaning == meaning) return rules[i];
  }
  return none;
}

std::string_view type_of(const Value& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return value.is_string() ? "text" : "bytes";
}

class Validation {
 public:
  explicit Validation(const Limits& limits) : limits_(limits) {}

  // The values that the schema names, converted to the types it names.
  Value object(const Value& values, const Value& schema, const std::string& place, int depth) {
    Value valid = Value::object();
    for (std::size_t i = 0; i < schema.size(); ++i) {
      const std::string name(schema.key_at(i));
      const Value* const given = values.find(name);
      Value checked =
          field(given == nullptr ? Value() : *given, schema[i], place.empty() ? name : place + "." + name, depth);
      if (given != nullptr || !checked.is_null()) valid.set(name, std::move(checked));
    }
    return valid;
  }

  void schema_error(std::string message) {
    if (!schema_error_) schema_error_ = make_error(error_type::validation, "schema: " + std::move(message));
  }

  // What is wrong, if anything is.
  std::optional<Error> error() {
    if (schema_error_) return std::move(schema_error_);
    if (failures_.size() == 0) return std::nullopt;
    std::string message;
    for (std::size_t i = 0; i < std::min(failures_.size(), most_in_message); ++i) {
      message += (i == 0 ? "" : "; ") + std::string(failures_[i].get("field").as_string()) + ": " +
                 std::string(failures_[i].get("message").as_string());
    }
    if (failures_.size() > most_in_message) {
      message += "; and " + std::to_string(failures_.size() - most_in_message) + " more";
    }
    Error error = make_error(error_type::validation, std::move(message));
    error.response = Value::object({{"errors", std::move(failures_)}});
    return error;
  }

 private:
  void fail(const std::string& place, const Value& rules, std::string_view rule_name, std::string message) {
    if (failures_.size() >= most_failures) return;
    const Value& own = rule(rules, "message");
    if (own.is_string()) message = std::string(own.as_string());
    failures_.push_back(
        Value::object({{"field", Value(place)}, {"rule", Value(rule_name)}, {"message", Value(std::move(message))}}));
  }

  Value field(Value value, const Value& given_rules, const std::string& place, int depth) {
    Value rules = given_rules;
    if (rules.is_string()) {
      if (find_word(type_words, rules.as_string()) == nullptr) {
        schema_error(place + ": expected an object of rules or the name of a type, got text");
        return value;
      }
      rules = Value::object({{"type", std::move(rules)}});
    }
    if (!rules.is_object()) {
      schema_error(place + ": expected an object of rules, got " + std::string(type_of(rules)));
      return value;
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (find_word(rule_words, rules.key_at(i)) == nullptr) {
        schema_error(place + ": " + unknown(rule_words, "rule", rules.key_at(i)));
        return value;
      }
    }
    const auto is_blank = [&] { return value.is_null() || (value.is_string() && value.as_string().empty()); };
    if (const Value& fallback = rule(rules, "default"); is_blank() && !fallback.is_null()) value = fallback;
    if (is_blank()) {
      if (expr::is_truthy(rule(rules, "required"))) fail(place, rules, "required", "is required");
      return value;
    }
    if (!convert(value, rules, place)) return value;
    check_size(value, rules, place);
    check_choice(value, rules, place);
    check_inside(value, rules, place, depth);
    return value;
  }

  // False: it is of another type, and the other rules say nothing about it.
  bool convert(Value& value, const Value& rules, const std::string& place) {
    const Value& name = rule(rules, "type");
    if (name.is_null()) return true;
    const Word* const word = find_word(type_words, name.as_string());
    if (word == nullptr) {
      schema_error(place + ": " + unknown(type_words, "type", name.as_string()));
      return false;
    }
    const std::string_view type = word->meaning;
    const auto expected = [&](std::string_view what) {
      fail(place, rules, "type", "expected " + std::string(what) + ", got " + std::string(type_of(value)));
      return false;
    };
    if (type == "text") return value.is_string() || expected("text");
    if (type == "boolean") {
      if (value.is_boolean()) return true;
      // A query parameter is text whatever it means.
      if (value.is_string() && (value.as_string() == "true" || value.as_string() == "false")) {
        value = Value(value.as_string() == "true");
        return true;
      }
      return expected("a boolean");
    }
    if (type == "number" || type == "integer") {
      const Value number = value.is_string() || value.is_number() ? expr::to_number(value) : Value();
      const bool whole = type == "integer";
      if (number.is_null()) return expected(whole ? "a whole number" : "a number");
      if (whole && !number.is_integer() && std::floor(number.as_number()) != number.as_number()) {
        fail(place, rules, "type", "expected a whole number");
        return false;
      }
      value = number;
      return true;
    }
    if (type == "array") return value.is_array() || expected("a list");
    if (type == "object") return value.is_object() || expected("an object");
    static const Formula is_email("is_email(value)", {"value"});
    static const Formula is_url("is_url(value)", {"value"});
    static const Formula is_date("is_date(value)", {"value"});
    if (type == "email") return ask(value, is_email) || expected_form(place, rules, "an address of mail");
    if (type == "url") return ask(value, is_url) || expected_form(place, rules, "an http or https URL");
    if (type == "date") return value.is_integer() || ask(value, is_date) || expected_form(place, rules, "a date");
    return true;
  }

  bool expected_form(const std::string& place, const Value& rules, std::string_view what) {
    fail(place, rules, "type", "expected " + std::string(what));
    return false;
  }

  [[nodiscard]] bool ask(const Value& value, const Formula& question) const {
    const auto answer = question(std::span(&value, 1), limits_);
    return answer.ok() && answer->is_boolean() && answer->as_boolean();
  }

  // `min` and `max` mean the number, the characters of a text, the elements of a list.
  void check_size(const Value& value, const Value& rules, const std::string& place) {
    const bool text = value.is_string();
    const bool list = value.is_array();
    Value size = value;
    std::string_view unit;
    if (text) {
      size = Value(static_cast<std::int64_t>(base::code_points_in(value.as_string())));
      unit = " characters";
    } else if (list) {
      size = Value(static_cast<std::int64_t>(value.size()));
      unit = " elements";
    } else if (!value.is_number()) {
      return;
    }
    bound(size, "min", true, "", unit, rules, place);
    bound(size, "max", false, "", unit, rules, place);
    const std::string_view suffix = text ? "_length" : list ? "_items" : "";
    if (suffix.empty()) return;
    bound(size, "min", true, suffix, unit, rules, place);
    bound(size, "max", false, suffix, unit, rules, place);
    if (list) {
      bound(size, "min", true, "_length", unit, rules, place);
      bound(size, "max", false, "_length", unit, rules, place);
    }
  }

  void bound(const Value& size, std::string_view side, bool least, std::string_view suffix, std::string_view unit,
             const Value& rules, const std::string& place) {
    const std::string name = std::string(side) + std::string(suffix);
    const Value& given = rule(rules, name);
    if (given.is_null()) return;
    const Value limit = given.is_string() || given.is_number() ? expr::to_number(given) : Value();
    if (limit.is_null()) {
      schema_error(place + ": " + name + ": expected a number");
      return;
    }
    const bool both = size.is_integer() && limit.is_integer();
    const bool below = both ? size.as_integer() < limit.as_integer() : size.as_number() < limit.as_number();
    const bool above = both ? size.as_integer() > limit.as_integer() : size.as_number() > limit.as_number();
    if (least ? !below : !above) return;
    fail(place, rules, name,
         std::string("expected at ") + (least ? "least " : "most ") + to_text(limit) + std::string(unit));
  }

  void check_choice(const Value& value, const Value& rules, const std::string& place) {
    const Value& pattern = rule(rules, "pattern");
    if (!pattern.is_null()) {
      if (!value.is_string()) {
        fail(place, rules, "pattern", "expected text that fits the pattern");
      } else {
        static const Formula matches("regex_matches(value, pattern)", {"value", "pattern"});
        const std::array<Value, 2> arguments{value, pattern};
        const auto answer = matches(arguments, limits_);
        if (!answer.ok()) {
          schema_error(place + ": pattern: " + answer.error().message);
        } else if (!expr::is_truthy(*answer)) {
          fail(place, rules, "pattern", "does not fit the pattern");
        }
      }
    }
    const Value& choices = rule(rules, "enum");
    if (choices.is_null()) return;
    if (!choices.is_array()) {
      schema_error(place + ": enum: expected a list");
      return;
    }
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (choices[i] == value) return;
    }
    const std::string all = to_json(choices);
    fail(place, rules, "enum",
         "expected one of " + (all.size() > 500 ? std::string(base::whole_code_points(all, 500)) + "…" : all));
  }

  void check_inside(Value& value, const Value& rules, const std::string& place, int depth) {
    const Value& items = rule(rules, "items");
    const Value& properties = rule(rules, "properties");
    if (items.is_null() && properties.is_null()) return;
    if (depth >= deepest_schema) {
      schema_error(place + ": schemas stand at most " + std::to_string(deepest_schema) + " deep in each other");
      return;
    }
    if (value.is_array() && !items.is_null()) {
      Value list = Value::array();
      for (std::size_t i = 0; i < value.size(); ++i) {
        list.push_back(field(value[i], items, place + "[" + std::to_string(i) + "]", depth + 1));
      }
      value = std::move(list);
    }
    if (value.is_object() && !properties.is_null()) {
      if (!properties.is_object()) {
        schema_error(place + ": properties: expected an object");
        return;
      }
      Value converted = object(value, properties, place, depth + 1);
      for (std::size_t i = 0; i < converted.size(); ++i) value.set(converted.key_at(i), converted[i]);
    }
  }

  const Limits& limits_;
  Value failures_ = Value::array();
  std::optional<Error> schema_error_;
};

Result<Value> compute(Fields& fields) {
  const Value& schema = fields["schema"];
  Validation validation(fields.limits());
  if (!schema.is_object()) {
    return make_error(error_type::validation, "schema: expected an object of rules by field");
  }
  Value values = fields.take("input");
  if (values.is_null()) values = Value::object();
  if (!values.is_object()) {
    return make_error(error_type::validation, "input: expected an object, got " + std::string(type_of(values)));
  }
  Value valid = validation.object(values, schema, "", 0);
  if (auto error = validation.error()) return std::move(*error);
  return valid;
}

// The rules of one field as written.
void check_rules(program::Lowering& step, const Member& field, int depth) {
  const Node& rules = field.value;
  if (rules.kind == Node::Kind::string) {
    const std::string_view text = rules.scalar.as_string();
    if (!expr::may_hold_template(text) && find_word(type_words, text) == nullptr) {
      step.error("bad-value",
                 "schema: " + definition::in_quotes(field.key) + ": expected an object of rules or the name of a type",
                 &rules, "prose checks nothing; write {\"type\": \"text\", \"required\": true}");
    }
    return;
  }
  if (rules.kind != Node::Kind::object) {
    step.error("bad-value", "schema: " + definition::in_quotes(field.key) + ": expected an object of rules", &rules);
    return;
  }
  for (const Member& member : rules.members) {
    if (expr::may_hold_template(member.key)) continue;
    const Word* const word = find_word(rule_words, member.key);
    if (word == nullptr) {
      Node key;
      key.span = member.key_span;
      step.error("bad-value",
                 "schema: " + definition::in_quotes(field.key) + ": " + unknown(rule_words, "rule", member.key), &key);
      continue;
    }
    const Node& value = member.value;
    const bool literal = value.kind == Node::Kind::string && !expr::may_hold_template(value.scalar.as_string());
    if (word->meaning == "type" && literal && find_word(type_words, value.scalar.as_string()) == nullptr) {
      step.error(
          "bad-value",
          "schema: " + definition::in_quotes(field.key) + ": " + unknown(type_words, "type", value.scalar.as_string()),
          &value);
    }
    if (depth >= deepest_schema) continue;
    if (word->meaning == "items") check_rules(step, member, depth + 1);
    if (word->meaning == "properties") {
      for (const Member& property : value.members) check_rules(step, property, depth + 1);
    }
  }
}

void check(program::Lowering& step) {
  static constexpr const char* cure =
      "give rules by field: \"schema\": {\"email\": {\"type\": \"email\", \"required\": true}}";
  if (step.given("validations")) {
    step.error("bad-value", "\"validations\" is prose, which checks nothing", step.node("validations"), cure);
    return;
  }
  const Node* const schema = step.node("schema");
  if (schema == nullptr) {
    step.error("missing-field", "missing field \"schema\"", nullptr, cure);
    return;
  }
  if (schema->kind == Node::Kind::string && expr::may_hold_template(schema->scalar.as_string())) return;
  if (schema->kind != Node::Kind::object) {
    step.error("bad-value", "schema: expected an object of rules by field", schema, cure);
    return;
  }
  for (const Member& field : schema->members) check_rules(step, field, 0);
}

}  // namespace

StepKind validate_input() {
  return {.name = "Validate Input",
          .aliases = {"Validate Inputs", "Validate Query Parameters", "validate"},
          .doc =
              "Checks values by rules; the result is an object of those that the schema names, in the types it names. "
              "What is wrong raises one error of type `validation`, with all failures in `error.response.errors`.",
          .group = "Data",
          .fields = {{.name = "schema",
                      .aliases = {"rules", "fields"},
                      .doc = "rules by field: type, required, default, min, max, min_length, max_length, min_items, "
                             "max_items, pattern, enum, items, properties, message"},
                     {.name = "input",
                      .aliases = {"data", "value", "values"},
                      .doc = "an object; the inputs if not given",
                      .default_template = "{{inputs}}"},
                     {.name = "validations", .type = FieldType::annotation, .doc = "prose is refused"}},
          .compute = compute,
          .check = check};
}

}  // namespace fnstack::steps
