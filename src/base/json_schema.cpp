// A schema is compiled into documents for valijson: the whole, and one for each place that a $ref, propertyNames or
// patternProperties leads to. In each of their schemas stands one keyword of our own, `own_keyword`, whose constraint
// does what valijson does not get to see: SchemaRules, references and patterns. So valijson resolves no reference, runs
// no regular expression and parses nothing that is deeper than `deepest_schema`.
#include "base/json_schema.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <deque>
#include <exception>
#include <map>
#include <new>
#include <set>
#include <utility>
#include <vector>

// valijson includes <iostream> and uses none of it. With GCC 12 that would set up the standard streams and their locale
// in every process that links us: half a megabyte, a tenth of a millisecond. This is libstdc++'s mark that it is there.
#define _GLIBCXX_IOSTREAM 1
#include <istream>
#include <ostream>

#include "base/in_quotes.hpp"
#include "base/json_schema_adapter.hpp"
#include "base/json_schema_rules.hpp"
#include "base/safe_text.hpp"
#include "base/suggest.hpp"

#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace fnstack::base {

namespace schema {

constexpr const char* own_keyword = "fnstack";

// Schemas within schemas of one document; valijson recurses over them.
constexpr std::uint32_t deepest_schema = 64;
// Over all documents, a place that is referred to counted once more.
constexpr std::size_t most_schemas = 10'000;
// Levels of schema that may be under way at once, which bounds the stack: about 2 KB each.
constexpr int most_levels = 1'000;
// Values looked at, each once for each schema that applies to it: seconds at most.
constexpr std::int64_t most_effort = 2'000'000;
// When telling what is wrong: failures after which nobody looks on, and problems that are told.
constexpr std::size_t most_failures = 10'000;
constexpr std::size_t most_told = 5;
constexpr std::size_t longest_place = 200;

// Ends a check at once.
struct Stop {
  const char* reason;
};

struct Document {
  std::unique_ptr<valijson::Schema> schema;
  int levels = 0;
};

struct Pattern {
  std::shared_ptr<const re2::RE2> pattern;
  std::size_t document;
};

// What stands behind one own_keyword.
struct Own {
  SchemaRules rules;
  std::optional<std::size_t> reference;
  std::optional<std::size_t> names;
  std::vector<Pattern> patterns;
  // With patterns, of members that are neither known nor match one.
  std::optional<std::size_t> other_members;
  std::set<std::string, std::less<>> known_members;
};

struct Check {
  const std::vector<Document>& documents;
  std::int64_t effort = most_effort;
  int levels = 0;
  std::size_t failures = 0;
};

// A problem travels through valijson as the text of an error: the value it is about, the way from there, what it is.
constexpr char mark = '\x01';
struct Problem {
  const Value* base = nullptr;
  std::string way;  // a JSON pointer from base
  std::string text;
};

std::string coded(const Problem& problem) {
  char address[32];
  std::snprintf(address, sizeof address, "%llx",
                static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(problem.base)));
  return mark + std::string(address) + mark + problem.way + mark + problem.text;
}

// A name is any text, a mark too: it stands in the middle and is what is left between first and last.
std::optional<Problem> decoded(const std::string& text) {
  if (text.empty() || text.front() != mark) return std::nullopt;
  const std::size_t address_end = text.find(mark, 1);
  const std::size_t way_end = text.rfind(mark);
  if (address_end == std::string::npos || way_end <= address_end) return std::nullopt;
  std::uintptr_t address = 0;
  std::from_chars(text.data() + 1, text.data() + address_end, address, 16);
  return Problem{reinterpret_cast<const Value*>(address), text.substr(address_end + 1, way_end - address_end - 1),
                 text.substr(way_end + 1)};
}

void append_step(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

// From 1.1 on valijson says where it is as a JSON pointer; before, as a list of "<root>", "[name]" …
template <class ValijsonError>
std::string way_of(const ValijsonError& error) {
  if constexpr (requires { error.jsonPointer; }) {
    return error.jsonPointer;
  } else {
    std::string way;
    for (std::size_t i = 1; i < error.context.size(); ++i) {
      const std::string_view step = error.context[i];
      append_step(way, step.size() >= 2 ? step.substr(1, step.size() - 2) : step);
    }
    return way;
  }
}

// What valijson itself finds: a choice that failed. The rest of its messages repeat what was said further inside.
std::string_view in_our_words(std::string_view text) {
  const auto has = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("exactly one")) return "matches more than one schema of oneOf";
  if (has("anyOf")) return "matches no schema of anyOf";
  if (has("oneOf")) return "matches no schema of oneOf";
  if (has("'not'")) return "matches the schema that not excludes";
  if (has("'contains'")) return "no element matches the schema of contains";
  return {};
}

std::vector<Problem> problems_of(const valijson::ValidationResults& results, const Value& base) {
  std::vector<Problem> problems;
  for (const auto& error : results) {
    if (auto problem = decoded(error.description)) {
      problems.push_back(std::move(*problem));
    } else if (const std::string_view text = in_our_words(error.description); !text.empty()) {
      problems.push_back({&base, way_of(error), std::string(text)});
    }
  }
  return problems;
}

bool check_document(std::size_t index, const Value& value, Check& check, valijson::ValidationResults* results) {
  const Document& document = check.documents[index];
  check.levels += document.levels;
  if (check.levels > most_levels) throw Stop{"is nested too deep for this schema"};
  valijson::Validator validator;
  const bool fine = validator.validate(*document.schema, ValueAdapter(value, &check), results);
  check.levels -= document.levels;
  return fine;
}

// The second argument of PolyConstraint::validate, which is another type in 1.1.
template <class Function>
struct SecondArgument;
template <class Class, class Answer, class First, class Second, class Third>
struct SecondArgument<Answer (Class::*)(First, Second, Third) const> {
  using type = Second;
};
using Place = SecondArgument<decltype(&valijson::constraints::PolyConstraint::validate)>::type;

class OwnConstraint final : public valijson::constraints::PolyConstraint {
 public:
  explicit OwnConstraint(std::shared_ptr<const Own> own) : own_(std::move(own)) {}

  bool validate(const valijson::adapters::Adapter& target, Place /*place*/,
                valijson::ValidationResults* results) const override {
    const auto& adapter = dynamic_cast<const ValueAdapter&>(target);
    const Value& value = adapter.value();
    Check& check = *adapter.check();
    --check.effort;
    std::vector<std::string> texts;
    bool fine = own_->rules.check(value, check.effort, results != nullptr ? &texts : nullptr);
    if (check.effort < 0) throw Stop{"is too large to be checked by this schema"};
    for (std::string& text : texts) tell(results, {&value, "", std::move(text)});
    if (!fine && results == nullptr) return false;
    if (own_->reference) fine = follow(*own_->reference, value, check, results) && fine;
    if (value.is_object()) {
      if (own_->names) fine = check_names(value, check, results) && fine;
      if (!own_->patterns.empty()) fine = check_members(value, check, results) && fine;
    }
    if (results != nullptr && (check.failures > most_failures || results->numErrors() > most_failures)) throw Stop{""};
    if (results != nullptr && !fine) ++check.failures;
    return fine;
  }

 private:
  static void tell(valijson::ValidationResults* results, const Problem& problem) {
    if (results != nullptr) results->pushError({}, coded(problem));
  }

  static bool follow(std::size_t document, const Value& value, Check& check, valijson::ValidationResults* results) {
    if (results == nullptr) return check_document(document, value, check, nullptr);
    valijson::ValidationResults inner;
    const bool fine = check_document(document, value, check, &inner);
    if (!fine) {
      for (const Problem& problem : problems_of(inner, value)) tell(results, problem);
    }
    return fine;
  }

  bool check_names(const Value& value, Check& check, valijson::ValidationResults* results) const {
    bool fine = true;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Value name(value.key_at(i));
      if (check_document(*own_->names, name, check, nullptr)) continue;
      tell(results, {&value, "", "the name " + base::in_quotes(value.key_at(i)) + " is not as propertyNames says"});
      fine = false;
    }
    return fine;
  }

  bool check_members(const Value& value, Check& check, valijson::ValidationResults* results) const {
    bool fine = true;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string_view name = value.key_at(i);
      bool known = own_->known_members.find(name) != own_->known_members.end();
      for (const Pattern& one : own_->patterns) {
        check.effort -= 1 + static_cast<std::int64_t>(name.size() / 64);
        if (!matches(*one.pattern, name)) continue;
        known = true;
        fine = follow(one.document, value[i], check, results) && fine;
      }
      if (!known && own_->other_members) fine = follow(*own_->other_members, value[i], check, results) && fine;
      if (check.effort < 0) throw Stop{"is too large to be checked by this schema"};
    }
    return fine;
  }

  valijson::constraints::Constraint* cloneInto(void* memory) const override {
    return new (memory) OwnConstraint(*this);
  }
  std::size_t sizeOf() const override { return sizeof(OwnConstraint); }

  std::shared_ptr<const Own> own_;
};

class OwnBuilder final : public valijson::ConstraintBuilder {
 public:
  explicit OwnBuilder(const std::vector<std::shared_ptr<const Own>>& owns) : owns_(owns) {}
  valijson::constraints::Constraint* make(const valijson::adapters::Adapter& index) const override {
    return new OwnConstraint(owns_.at(static_cast<std::size_t>(index.getInteger())));
  }

 private:
  const std::vector<std::shared_ptr<const Own>>& owns_;
};

constexpr std::string_view annotations[] = {
    "title",      "description", "default",  "examples",        "example",
    "$schema",    "$id",         "$comment", "readOnly",        "writeOnly",
    "deprecated", "definitions", "$defs",    "contentEncoding", "contentMediaType"};
constexpr std::string_view applicators[] = {"$ref",
                                            "allOf",
                                            "anyOf",
                                            "oneOf",
                                            "not",
                                            "if",
                                            "then",
                                            "else",
                                            "items",
                                            "additionalItems",
                                            "contains",
                                            "properties",
                                            "patternProperties",
                                            "additionalProperties",
                                            "propertyNames"};

template <std::size_t n>
bool among(const std::string_view (&words)[n], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool is_annotation(std::string_view keyword) { return among(annotations, keyword) || keyword.starts_with("x-"); }

class Compiler {
 public:
  explicit Compiler(const Value& root) : root_(root) {}

  std::optional<Error> compile() {
    if (root_.depth() > 2 * deepest_schema) return wrong("", "it is nested too deep");
    document_of(root_, "");
    for (std::size_t i = 0; i < places_.size(); ++i) {
      levels_ = 0;
      deepest_ = 0;
      current_ = i;
      Value cleaned;
      if (auto error = clean(*places_[i].schema, places_[i].place, true, cleaned)) return error;
      if (auto error = populate(cleaned)) return error;
    }
    return check_circles();
  }

  std::vector<Document> take() { return std::move(documents_); }

 private:
  struct SchemaPlace {
    const Value* schema;
    std::string place;                      // a JSON pointer
    std::vector<std::size_t> same_value{};  // documents that are applied to the same value
  };

  static Error wrong(const std::string& place, std::string_view reason) {
    std::string message = "schema: ";
    if (!place.empty()) {
      base::append_safe(message, std::string_view(place).substr(0, longest_place));
      message += ": ";
    }
    return make_error(error_type::validation, message + std::string(reason));
  }

  static std::string inside(const std::string& place, std::string_view name) {
    std::string out = place;
    append_step(out, name);
    return out;
  }

  std::size_t document_of(const Value& schema, std::string place) {
    const auto [known, is_new] = numbers_.emplace(&schema, places_.size());
    if (is_new) places_.push_back({&schema, std::move(place)});
    return known->second;
  }

  // The schema as valijson gets it. `same`: it is applied to the value that the document is applied to.
  std::optional<Error> clean(const Value& schema, const std::string& place, bool same, Value& out) {
    if (++schemas_ > most_schemas) return wrong(place, "there are more than 10000 schemas");
    if (++levels_ > static_cast<int>(deepest_schema)) return wrong(place, "it is nested deeper than 64 schemas");
    deepest_ = std::max(deepest_, levels_);
    auto own = std::make_shared<Own>();
    out = Value::object();
    if (schema.is_boolean()) {
      if (!schema.as_boolean()) own->rules.refuse_all();
    } else if (!schema.is_object()) {
      return wrong(place, "expected a schema: an object, true or false");
    } else if (auto error = clean_members(schema, place, same, *own, out)) {
      return error;
    }
    out.set(own_keyword, Value(owns_.size()));
    owns_.push_back(std::move(own));
    --levels_;
    return std::nullopt;
  }

  std::optional<Error> clean_members(const Value& schema, const std::string& place, bool same, Own& own, Value& out) {
    const bool is_reference = schema.find("$ref") != nullptr;
    for (std::size_t i = 0; i < schema.size(); ++i) {
      const std::string_view keyword = schema.key_at(i);
      if (is_annotation(keyword)) continue;
      if (is_reference && keyword != "$ref") {
        return wrong(place, base::in_quotes(keyword) + " has no effect beside $ref; put both into allOf");
      }
      const std::string here = inside(place, keyword);
      std::optional<Error> error;
      if (SchemaRules::knows(keyword)) {
        error = own.rules.read(keyword, schema[i],
                               "schema: " + (place.empty() ? "" : place + ": ") + std::string(keyword) + ": ");
        if (!error && keyword == "dependencies") error = clean_dependencies(schema[i], here, same, out);
      } else if (keyword == "$ref") {
        error = refer(schema[i], place, same, own);
      } else if (keyword == "patternProperties" || keyword == "propertyNames") {
        error = clean_names(keyword, schema, schema[i], here, own);
      } else if (keyword == "additionalProperties") {
        // Beside patterns only who knows them can tell which members are left.
        if (schema.find("patternProperties") == nullptr) error = clean_one(keyword, schema[i], here, false, out);
      } else if (among(applicators, keyword)) {
        error = clean_applicator(keyword, schema[i], here, same, out);
      } else {
        error = wrong(place, unknown(keyword));
      }
      if (error) return error;
    }
    return std::nullopt;
  }

  static std::string unknown(std::string_view keyword) {
    std::vector<std::string_view> known(std::begin(applicators), std::end(applicators));
    known.insert(known.end(), std::begin(annotations), std::end(annotations));
    for (const std::string_view word :
         {"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
          "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties",
          "maxProperties", "required", "dependencies"}) {
      known.push_back(word);
    }
    const auto near = suggest(keyword, known);
    return "unknown keyword " + base::in_quotes(keyword) +
           (near ? "; did you mean " + base::in_quotes(*near) + "?" : "; JSON Schema's draft 7 has none of this name");
  }

  std::optional<Error> clean_one(std::string_view keyword, const Value& schema, const std::string& place, bool same,
                                 Value& out) {
    Value cleaned;
    if (auto error = clean(schema, place, same, cleaned)) return error;
    out.set(keyword, std::move(cleaned));
    return std::nullopt;
  }

  std::optional<Error> clean_list(std::string_view keyword, const Value& list, const std::string& place, bool same,
                                  Value& out) {
    Value cleaned_list = Value::array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      Value cleaned;
      if (auto error = clean(list[i], inside(place, std::to_string(i)), same, cleaned)) return error;
      cleaned_list.push_back(std::move(cleaned));
    }
    out.set(keyword, std::move(cleaned_list));
    return std::nullopt;
  }

  std::optional<Error> clean_map(std::string_view keyword, const Value& map, const std::string& place, bool same,
                                 Value& out) {
    if (!map.is_object()) return wrong(place, "expected an object of schemas");
    Value cleaned_map = Value::object();
    for (std::size_t i = 0; i < map.size(); ++i) {
      const std::string_view name = map.key_at(i);
      if (map[i].is_array()) continue;  // a list of names in dependencies
      // valijson keeps names as C strings.
      if (name.find('\0') != std::string_view::npos) return wrong(place, "a name has a NUL character");
      Value cleaned;
      if (auto error = clean(map[i], inside(place, name), same, cleaned)) return error;
      cleaned_map.set(name, std::move(cleaned));
    }
    if (cleaned_map.size() > 0) out.set(keyword, std::move(cleaned_map));
    return std::nullopt;
  }

  std::optional<Error> clean_dependencies(const Value& map, const std::string& place, bool same, Value& out) {
    return clean_map("dependencies", map, place, same, out);
  }

  std::optional<Error> clean_applicator(std::string_view keyword, const Value& value, const std::string& place,
                                        bool same, Value& out) {
    if (keyword == "allOf" || keyword == "anyOf" || keyword == "oneOf") {
      if (!value.is_array() || value.size() == 0) return wrong(place, "expected a list of at least one schema");
      return clean_list(keyword, value, place, same, out);
    }
    if (keyword == "properties") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i].is_array()) return wrong(inside(place, value.key_at(i)), "expected a schema, got a list");
      }
      return clean_map(keyword, value, place, false, out);
    }
    if (keyword == "items" && value.is_array()) return clean_list(keyword, value, place, false, out);
    const bool is_inside = keyword == "items" || keyword == "additionalItems" || keyword == "contains";
    return clean_one(keyword, value, place, same && !is_inside, out);
  }

  std::optional<Error> clean_names(std::string_view keyword, const Value& schema, const Value& value,
                                   const std::string& place, Own& own) {
    if (keyword == "propertyNames") {
      own.names = document_of(value, place);
      return std::nullopt;
    }
    if (!value.is_object()) return wrong(place, "expected an object of schemas");
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto pattern = compile_schema_pattern(value.key_at(i), "schema: " + place + ": ");
      if (!pattern) return std::move(pattern).error();
      own.patterns.push_back({std::move(*pattern), document_of(value[i], inside(place, value.key_at(i)))});
    }
    const Value& known = schema.get("properties");
    for (std::size_t i = 0; i < known.size(); ++i) own.known_members.emplace(known.key_at(i));
    if (const Value* const other = schema.find("additionalProperties")) {
      own.other_members = document_of(*other, place.substr(0, place.rfind('/')) + "/additionalProperties");
      // Without a pattern there is nobody who would apply it.
      if (own.patterns.empty()) own.patterns.push_back({*compile_schema_pattern("a^", ""), *own.other_members});
    }
    return std::nullopt;
  }

  std::optional<Error> refer(const Value& reference, const std::string& place, bool same, Own& own) {
    if (!reference.is_string()) return wrong(place, "$ref: expected text");
    const std::string_view text = reference.as_string();
    if (text != "#" && !text.starts_with("#/")) {
      return wrong(place, "$ref: expected a place in this document such as \"#/definitions/name\"; nothing is fetched");
    }
    const Value* target = &root_;
    std::string target_place;
    for (std::size_t begin = 1; begin < text.size();) {
      const std::size_t end = std::min(text.find('/', begin + 1), text.size());
      const std::string name = unescaped(text.substr(begin + 1, end - begin - 1));
      const Value* next = target->is_object() ? target->find(name) : nullptr;
      if (target->is_array() && !name.empty() && name.size() < 7 &&
          name.find_first_not_of("0123456789") == std::string::npos) {
        const auto index = static_cast<std::size_t>(std::stoul(name));
        if (index < target->size()) next = &(*target)[index];
      }
      if (next == nullptr) return wrong(place, "$ref: there is no " + base::in_quotes(text) + " in this schema");
      target = next;
      append_step(target_place, name);
      begin = end;
    }
    own.reference = document_of(*target, std::move(target_place));
    if (same) places_[current_].same_value.push_back(*own.reference);
    return std::nullopt;
  }

  // %XX, then ~1 and ~0.
  static std::string unescaped(std::string_view token) {
    std::string plain;
    for (std::size_t i = 0; i < token.size(); ++i) {
      unsigned byte = 0;
      if (token[i] == '%' && i + 2 < token.size() &&
          std::from_chars(token.data() + i + 1, token.data() + i + 3, byte, 16).ptr == token.data() + i + 3) {
        plain += static_cast<char>(byte);
        i += 2;
      } else {
        plain += token[i];
      }
    }
    std::string out;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (plain[i] == '~' && i + 1 < plain.size() && (plain[i + 1] == '0' || plain[i + 1] == '1')) {
        out += plain[++i] == '0' ? '~' : '/';
      } else {
        out += plain[i];
      }
    }
    return out;
  }

  std::optional<Error> populate(const Value& cleaned) {
    Document document;
    document.schema = std::make_unique<valijson::Schema>();
    document.levels = deepest_;
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.addConstraintBuilder(own_keyword, new OwnBuilder(owns_));
    try {
      parser.populateSchema(ValueAdapter(cleaned), *document.schema);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& problem) {
      return wrong(places_[current_].place, problem.what());
    }
    documents_.push_back(std::move(document));
    return std::nullopt;
  }

  // References that lead back without going into the value would never end. Kahn's algorithm: what can't be put in
  // order is a circle, or leads to one.
  std::optional<Error> check_circles() const {
    std::vector<std::size_t> incoming(places_.size(), 0);
    for (const SchemaPlace& one : places_) {
      for (const std::size_t to : one.same_value) ++incoming[to];
    }
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < incoming.size(); ++i) {
      if (incoming[i] == 0) ready.push_back(i);
    }
    while (!ready.empty()) {
      const std::size_t from = ready.back();
      ready.pop_back();
      for (const std::size_t to : places_[from].same_value) {
        if (--incoming[to] == 0) ready.push_back(to);
      }
    }
    const auto circle = std::find_if(incoming.begin(), incoming.end(), [](std::size_t left) { return left > 0; });
    if (circle == incoming.end()) return std::nullopt;
    return wrong(places_[static_cast<std::size_t>(circle - incoming.begin())].place,
                 "$ref leads in a circle without going into the value");
  }

  const Value& root_;
  std::deque<SchemaPlace> places_;  // one a document; grows while one of them is read
  std::map<const Value*, std::size_t> numbers_;
  std::vector<std::shared_ptr<const Own>> owns_;
  std::vector<Document> documents_;
  std::size_t current_ = 0;
  std::size_t schemas_ = 0;
  int levels_ = 0;
  int deepest_ = 0;
};

// The JSON pointer of a value that stands in `root`, by its address.
std::string pointer_to(const Value& root, const Value* wanted) {
  std::vector<std::pair<const Value*, std::size_t>> way = {{&root, 0}};
  while (!way.empty()) {
    auto& [value, next] = way.back();
    if (value == wanted) break;
    if (next < value->size()) {
      const Value* const inner = &(*value)[next];
      ++next;
      way.emplace_back(inner, 0);
    } else {
      way.pop_back();
    }
  }
  std::string pointer;
  for (std::size_t i = 0; i + 1 < way.size(); ++i) {
    const auto& [value, next] = way[i];
    append_step(pointer, value->is_object() ? value->key_at(next - 1) : std::string_view(std::to_string(next - 1)));
  }
  return pointer;
}

std::string in_one_line(const std::vector<Problem>& problems, const Value& root, bool more) {
  std::vector<std::string> lines;
  std::size_t left = 0;
  for (const Problem& problem : problems) {
    if (lines.size() == most_told) {
      ++left;
      continue;
    }
    std::string line;
    base::append_safe(line, pointer_to(root, problem.base) + problem.way);
    if (line.size() > longest_place) {
      std::size_t end = longest_place;
      while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
      line.resize(end);
      line += "…";
    }
    if (!line.empty()) line += ": ";
    line += problem.text;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
  }
  if (lines.empty()) return "does not match the schema";
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += "; ";
    out += line;
  }
  if (more) {
    out += "; and more";
  } else if (left > 0) {
    out += "; and " + std::to_string(left) + " more";
  }
  return out;
}

}  // namespace schema

struct JsonSchema::Compiled {
  std::vector<schema::Document> documents;  // the first is the whole
};

Result<JsonSchema> JsonSchema::compile(const Value& schema) {
  schema::Compiler compiler(schema);
  if (auto error = compiler.compile()) return std::move(*error);
  auto compiled = std::make_shared<Compiled>();
  compiled->documents = compiler.take();
  return JsonSchema(std::move(compiled));
}

std::optional<std::string> JsonSchema::check(const Value& value) const {
  valijson::ValidationResults results;
  bool more = false;
  try {
    schema::Check quick{compiled_->documents};
    if (schema::check_document(0, value, quick, nullptr)) return std::nullopt;
    schema::Check telling{compiled_->documents};
    schema::check_document(0, value, telling, &results);
  } catch (const schema::Stop& stop) {
    if (*stop.reason != '\0') return stop.reason;
    more = true;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& problem) {
    return "can't be checked: " + std::string(problem.what());
  }
  return schema::in_one_line(schema::problems_of(results, value), value, more);
}

}  // namespace fnstack::base
