#include "base/json_schema_rules.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>
#include <unordered_map>
#include <utility>

#include <re2/re2.h>

#include <fnstack/json.hpp>

#include "base/in_quotes.hpp"
#include "base/suggest.hpp"
#include "base/utf8.hpp"

namespace fnstack::base {
namespace {

constexpr std::int64_t pattern_memory = std::int64_t{1} << 20;
constexpr std::size_t longest_pattern = 4096;

constexpr std::string_view type_names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
enum : unsigned { null_bit = 1, boolean_bit = 2, integer_bit = 4, number_bit = 8, string_bit = 16 };
constexpr unsigned array_bit = 32;
constexpr unsigned object_bit = 64;

struct Format {
  std::string_view name;
  std::string_view pattern;  // of the whole text
};

#define FNSTACK_DATE "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
#define FNSTACK_TIME \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define FNSTACK_OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define FNSTACK_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
// The grammars of RFC 3339, 5321 (without quoted local parts), 3986 (scheme and allowed characters), 4122, 2673, 1123.
constexpr Format formats[] = {
    {"date-time", FNSTACK_DATE "[Tt]" FNSTACK_TIME},
    {"date", FNSTACK_DATE},
    {"time", FNSTACK_TIME},
    {"email", "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@" FNSTACK_LABEL "(?:\\." FNSTACK_LABEL ")*"},
    {"uri", "[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
    {"ipv4", "(?:" FNSTACK_OCTET "\\.){3}" FNSTACK_OCTET},
    {"hostname", FNSTACK_LABEL "(?:\\." FNSTACK_LABEL ")*"},
};
#undef FNSTACK_DATE
#undef FNSTACK_TIME
#undef FNSTACK_OCTET
#undef FNSTACK_LABEL

std::string_view kind_name(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return "boolean";
    case Value::Kind::integer:
    case Value::Kind::number:
      return "number";
    case Value::Kind::string:
      return "text";
    case Value::Kind::bytes:
      return "bytes";
    case Value::Kind::array:
      return "array";
    case Value::Kind::object:
      break;
  }
  return "object";
}

bool is_whole(const Value& value) noexcept {
  if (value.is_integer()) return true;
  return value.is_number() && std::isfinite(value.as_number()) && std::trunc(value.as_number()) == value.as_number();
}

unsigned types_of(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
      return null_bit;
    case Value::Kind::boolean:
      return boolean_bit;
    case Value::Kind::integer:
    case Value::Kind::number:
      return is_whole(value) ? integer_bit | number_bit : number_bit;
    case Value::Kind::string:
      return string_bit;
    case Value::Kind::bytes:
      return 0;
    case Value::Kind::array:
      return array_bit;
    case Value::Kind::object:
      break;
  }
  return object_bit;
}

// "number or null"; a string is what is called text everywhere else.
std::string types_in_words(unsigned types) {
  std::string out;
  for (std::size_t i = 0; i < std::size(type_names); ++i) {
    if ((types & 1U << i) == 0) continue;
    if (!out.empty()) out += " or ";
    out += type_names[i] == "string" ? "text" : type_names[i];
  }
  return out;
}

bool less(const Value& left, const Value& right) noexcept {
  if (left.is_integer() && right.is_integer()) return left.as_integer() < right.as_integer();
  return left.as_number() < right.as_number();
}

bool is_multiple(const Value& value, const Value& divisor) noexcept {
  if (value.is_integer() && divisor.is_integer()) return value.as_integer() % divisor.as_integer() == 0;
  const double quotient = value.as_number() / divisor.as_number();
  if (!std::isfinite(quotient)) return false;
  // 0.3 is a multiple of 0.1, although their quotient as doubles is no integer.
  return std::fabs(quotient - std::round(quotient)) <= 4 * DBL_EPSILON * std::max(1.0, std::fabs(quotient));
}

// The same for equal values.
std::size_t hash_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return 1;
    case Value::Kind::boolean:
      return value.as_boolean() ? 2 : 3;
    case Value::Kind::integer:
    case Value::Kind::number:
      return std::hash<double>()(value.as_number() + 0.0);
    case Value::Kind::string:
    case Value::Kind::bytes:
      return std::hash<std::string_view>()(value.as_string());
    case Value::Kind::array:
    case Value::Kind::object:
      break;
  }
  // Equal containers have equally many elements, of an equal size; what is in them is compared.
  return value.size() * 1'000'003 + static_cast<std::size_t>(value.byte_size());
}

Error wrong(const std::string& place, std::string_view reason) {
  return make_error(error_type::validation, place + std::string(reason));
}

Error unexpected(const std::string& place, std::string_view expected, const Value& value) {
  return wrong(place, "expected " + std::string(expected) + ", got " + std::string(kind_name(value)));
}

std::optional<Error> read_count(const Value& value, const std::string& place, std::optional<std::int64_t>& out) {
  if (!is_whole(value) || value.as_number() < 0 || value.as_number() > 9e18) {
    return unexpected(place, "a whole number from 0", value);
  }
  out = value.is_integer() ? value.as_integer() : static_cast<std::int64_t>(value.as_number());
  return std::nullopt;
}

std::optional<Error> read_number(const Value& value, const std::string& place, std::optional<Value>& out) {
  if (!value.is_number() || !std::isfinite(value.as_number())) return unexpected(place, "a number", value);
  out = value;
  return std::nullopt;
}

std::optional<Error> read_names(const Value& value, const std::string& place, std::vector<std::string>& out) {
  if (!value.is_array()) return unexpected(place, "a list of names", value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_string()) return unexpected(place, "a list of names", value[i]);
    out.emplace_back(value[i].as_string());
  }
  return std::nullopt;
}

std::optional<Error> read_types(const Value& value, const std::string& place, unsigned& out) {
  const Value list = value.is_array() ? value : Value::array({value});
  if (list.size() == 0) return wrong(place, "the list is empty");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string()) return unexpected(place, "the name of a type", list[i]);
    const auto* const found = std::find(std::begin(type_names), std::end(type_names), list[i].as_string());
    if (found == std::end(type_names)) {
      const auto near = suggest(list[i].as_string(), type_names);
      return wrong(place, "unknown type " + base::in_quotes(list[i].as_string()) +
                              (near ? "; did you mean " + base::in_quotes(*near) + "?"
                                    : "; expected null, boolean, integer, number, string, array or object"));
    }
    out |= 1U << (found - type_names);
  }
  return std::nullopt;
}

std::string count_text(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::int64_t code_points(std::string_view text) noexcept {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// Says it, if somebody wants to know; false always.
bool tell(std::vector<std::string>* problems, std::string text) {
  if (problems != nullptr) problems->push_back(std::move(text));
  return false;
}

constexpr std::string_view keywords[] = {
    "type",        "enum",          "const",         "minimum",  "maximum",     "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf",  "minLength",     "maxLength",     "pattern",  "format",      "minItems",         "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "required", "dependencies"};

}  // namespace

Result<std::shared_ptr<const re2::RE2>> compile_schema_pattern(std::string_view pattern, const std::string& place) {
  if (pattern.size() > longest_pattern) return wrong(place, "the pattern is longer than 4096 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory);
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) {
    std::string message = "the pattern is invalid: " + compiled->error();
    if (compiled->error_code() == re2::RE2::ErrorBadPerlOp) message += " (there is no look-around)";
    if (compiled->error_code() == re2::RE2::ErrorBadEscape) message += " (there are no back-references and no \\u)";
    return wrong(place, message);
  }
  return std::shared_ptr<const re2::RE2>(std::move(compiled));
}

bool matches(const re2::RE2& pattern, std::string_view text) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

bool SchemaRules::knows(std::string_view keyword) noexcept {
  return std::find(std::begin(keywords), std::end(keywords), keyword) != std::end(keywords);
}

std::optional<Error> SchemaRules::read(std::string_view keyword, const Value& value, const std::string& place) {
  if (keyword == "type") return read_types(value, place, types_);
  if (keyword == "enum") {
    if (!value.is_array() || value.size() == 0) return unexpected(place, "a list of at least one value", value);
    allowed_.emplace();
    for (std::size_t i = 0; i < value.size(); ++i) allowed_->push_back(value[i]);
    return std::nullopt;
  }
  if (keyword == "const") {
    constant_ = value;
    return std::nullopt;
  }
  if (keyword == "minimum") return read_number(value, place, minimum_);
  if (keyword == "maximum") return read_number(value, place, maximum_);
  if (keyword == "exclusiveMinimum") return read_number(value, place, above_);
  if (keyword == "exclusiveMaximum") return read_number(value, place, below_);
  if (keyword == "multipleOf") {
    if (!value.is_number() || !(value.as_number() > 0)) return unexpected(place, "a number above 0", value);
    return read_number(value, place, multiple_of_);
  }
  if (keyword == "minLength") return read_count(value, place, min_length_);
  if (keyword == "maxLength") return read_count(value, place, max_length_);
  if (keyword == "minItems") return read_count(value, place, min_items_);
  if (keyword == "maxItems") return read_count(value, place, max_items_);
  if (keyword == "minProperties") return read_count(value, place, min_members_);
  if (keyword == "maxProperties") return read_count(value, place, max_members_);
  if (keyword == "required") return read_names(value, place, required_);
  if (keyword == "uniqueItems") {
    if (!value.is_boolean()) return unexpected(place, "true or false", value);
    unique_ = value.as_boolean();
    return std::nullopt;
  }
  if (keyword == "dependencies") {
    if (!value.is_object()) return unexpected(place, "an object", value);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!value[i].is_array()) continue;  // a schema
      Dependency& one = dependencies_.emplace_back();
      one.name = value.key_at(i);
      if (auto error = read_names(value[i], place, one.needed)) return error;
    }
    return std::nullopt;
  }
  if (!value.is_string()) return unexpected(place, "text", value);
  if (keyword == "pattern") {
    auto pattern = compile_schema_pattern(value.as_string(), place);
    if (!pattern) return std::move(pattern).error();
    pattern_ = std::move(*pattern);
    return std::nullopt;
  }
  const auto* const format = std::find_if(std::begin(formats), std::end(formats),
                                          [&](const Format& known) { return known.name == value.as_string(); });
  if (format == std::end(formats)) {
    return wrong(place, "the format " + base::in_quotes(value.as_string()) +
                            " is not known; expected date-time, date, time, email, uri, uuid, ipv4 or hostname, or use "
                            "pattern");
  }
  format_name_ = format->name;
  auto pattern = compile_schema_pattern("^(?:" + std::string(format->pattern) + ")$", place);
  if (!pattern) return std::move(pattern).error();
  format_ = std::move(*pattern);
  return std::nullopt;
}

bool SchemaRules::check_number(const Value& value, std::vector<std::string>* problems) const {
  bool fine = true;
  const auto bound = [&](const std::optional<Value>& limit, bool broken, const char* words) {
    if (broken) fine = tell(problems, std::string("expected a number ") + words + " " + to_text(*limit));
  };
  bound(minimum_, minimum_ && less(value, *minimum_), "of at least");
  bound(maximum_, maximum_ && less(*maximum_, value), "of at most");
  bound(above_, above_ && !less(*above_, value), "above");
  bound(below_, below_ && !less(value, *below_), "below");
  bound(multiple_of_, multiple_of_ && !is_multiple(value, *multiple_of_), "that is a multiple of");
  return fine;
}

bool SchemaRules::check_text(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const {
  const std::string_view text = value.as_string();
  bool fine = true;
  if (min_length_ || max_length_) {
    const std::int64_t length = code_points(text);
    effort -= static_cast<std::int64_t>(text.size() / 1024);
    if (min_length_ && length < *min_length_) {
      fine = tell(problems, "expected at least " + count_text(*min_length_, "character", "characters") + ", got " +
                                std::to_string(length));
    }
    if (max_length_ && length > *max_length_) {
      fine = tell(problems, "expected at most " + count_text(*max_length_, "character", "characters") + ", got " +
                                std::to_string(length));
    }
  }
  if (pattern_ != nullptr) {
    effort -= static_cast<std::int64_t>(text.size() / 64);
    if (!matches(*pattern_, text)) fine = tell(problems, "the text does not match the pattern");
  }
  if (format_ != nullptr) {
    effort -= static_cast<std::int64_t>(text.size() / 64);
    if (!matches(*format_, text)) fine = tell(problems, "the text is not of the format " + format_name_);
  }
  return fine;
}

bool SchemaRules::check_list(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const {
  const auto size = static_cast<std::int64_t>(value.size());
  bool fine = true;
  if (min_items_ && size < *min_items_) {
    fine = tell(problems, "expected at least " + count_text(*min_items_, "element", "elements") + ", got " +
                              std::to_string(size));
  }
  if (max_items_ && size > *max_items_) {
    fine = tell(problems,
                "expected at most " + count_text(*max_items_, "element", "elements") + ", got " + std::to_string(size));
  }
  if (!unique_) return fine;
  std::unordered_multimap<std::size_t, std::size_t> seen;
  effort -= size;
  for (std::size_t i = 0; i < value.size() && effort >= 0; ++i) {
    const std::size_t hash = hash_of(value[i]);
    const auto [first, last] = seen.equal_range(hash);
    for (auto other = first; other != last && effort >= 0; ++other) {
      effort -= 1 + static_cast<std::int64_t>(value[i].byte_size() / 1024);
      if (value[i] == value[other->second]) {
        return tell(problems,
                    "the elements " + std::to_string(other->second) + " and " + std::to_string(i) + " are the same");
      }
    }
    seen.emplace(hash, i);
  }
  return fine;
}

bool SchemaRules::check_object(const Value& value, std::vector<std::string>* problems) const {
  const auto size = static_cast<std::int64_t>(value.size());
  bool fine = true;
  if (min_members_ && size < *min_members_) {
    fine = tell(problems, "expected at least " + count_text(*min_members_, "member", "members") + ", got " +
                              std::to_string(size));
  }
  if (max_members_ && size > *max_members_) {
    fine = tell(problems,
                "expected at most " + count_text(*max_members_, "member", "members") + ", got " + std::to_string(size));
  }
  for (const std::string& name : required_) {
    if (value.find(name) == nullptr) fine = tell(problems, base::in_quotes(name) + " is missing");
  }
  for (const Dependency& one : dependencies_) {
    if (value.find(one.name) == nullptr) continue;
    for (const std::string& name : one.needed) {
      if (value.find(name) == nullptr) {
        fine = tell(problems, base::in_quotes(name) + " is missing beside " + base::in_quotes(one.name));
      }
    }
  }
  return fine;
}

bool SchemaRules::check(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const {
  if (never_) return tell(problems, "is not allowed here");
  if (types_ != 0 && (types_of(value) & types_) == 0) {
    return tell(problems, "expected " + types_in_words(types_) + ", got " + std::string(kind_name(value)));
  }
  bool fine = true;
  if (constant_ && !(value == *constant_)) fine = tell(problems, "is not the value that const gives");
  if (allowed_) {
    effort -= static_cast<std::int64_t>(allowed_->size() / 8);
    if (std::find(allowed_->begin(), allowed_->end(), value) == allowed_->end()) {
      fine = tell(problems, "is none of the values that enum lists");
    }
  }
  if (!fine && problems == nullptr) return false;
  if (value.is_number()) return check_number(value, problems) && fine;
  if (value.is_string()) return check_text(value, effort, problems) && fine;
  if (value.is_array()) return check_list(value, effort, problems) && fine;
  if (value.is_object()) return check_object(value, problems) && fine;
  return fine;
}

}  // namespace fnstack::base
