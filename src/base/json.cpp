// JSON text to Value. simdjson reads what it can read, which is nearly everything, five times as fast as others;
// what it refuses is read again by JsonReader, which knows the numbers, surrogates and depths that simdjson does
// not take, and says where an error is. Entry point: parse_json.
#include <fnstack/json.hpp>

#include <memory>
#include <new>

#include <simdjson.h>

#include "base/json_builder.hpp"
#include "base/json_reader.hpp"

namespace fnstack {
namespace {

using base::JsonBuilder;

// simdjson's nesting, and with it that of the calls below. Deeper text is for JsonReader.
constexpr std::size_t deepest_dom = 256;
// A parser's buffers take about 15 bytes for each byte of text; bigger ones are not kept.
constexpr std::size_t biggest_kept_text = std::size_t{64} << 10;

enum class Outcome { read, refused, read_otherwise };

Outcome build(JsonBuilder& builder, const simdjson::dom::element& element);

Outcome build_array(JsonBuilder& builder, const simdjson::dom::array& array) {
  // simdjson's count stops at 2^24 - 1; the builder then grows.
  if (!builder.begin_array(array.size())) return Outcome::refused;
  for (const simdjson::dom::element item : array) {
    if (const Outcome outcome = build(builder, item); outcome != Outcome::read) return outcome;
  }
  return builder.end() ? Outcome::read : Outcome::refused;
}

Outcome build_object(JsonBuilder& builder, const simdjson::dom::object& object) {
  if (!builder.begin_object(object.size())) return Outcome::refused;
  for (const auto& field : object) {
    if (!builder.key(field.key)) return Outcome::refused;
    if (const Outcome outcome = build(builder, field.value); outcome != Outcome::read) return outcome;
  }
  return builder.end() ? Outcome::read : Outcome::refused;
}

Outcome build(JsonBuilder& builder, const simdjson::dom::element& element) {
  using Type = simdjson::dom::element_type;
  bool placed = false;
  switch (element.type()) {
    case Type::ARRAY:
      return build_array(builder, element.get_array().value_unsafe());
    case Type::OBJECT:
      return build_object(builder, element.get_object().value_unsafe());
    case Type::STRING:
      placed = builder.value(Value(element.get_string().value_unsafe()));
      break;
    case Type::INT64:
      placed = builder.value(Value(element.get_int64().value_unsafe()));
      break;
    case Type::UINT64:
      placed = builder.value(Value(element.get_uint64().value_unsafe()));
      break;
    case Type::DOUBLE:
      placed = builder.value(Value(element.get_double().value_unsafe()));
      break;
    case Type::BOOL:
      placed = builder.value(Value(element.get_bool().value_unsafe()));
      break;
    case Type::NULL_VALUE:
      placed = builder.value(Value());
      break;
    default:  // kinds of number that newer versions of simdjson may tell
      return Outcome::read_otherwise;
  }
  return placed ? Outcome::read : Outcome::refused;
}

// One parser for each thread: its buffers are worth keeping while they are small.
class Parser {
 public:
  Parser(std::string_view text) : big_(text.size() > biggest_kept_text) {
    if (kept_ == nullptr) kept_ = std::make_unique<simdjson::dom::parser>();
  }
  ~Parser() {
    if (big_) kept_.reset();
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  [[nodiscard]] bool parse(std::string_view text, simdjson::dom::element& root) {
    if (kept_->capacity() < text.size() || kept_->max_depth() != deepest_dom) {
      if (kept_->allocate(text.size(), deepest_dom) != simdjson::SUCCESS) return false;
    }
    return kept_->parse(text.data(), text.size(), true).get(root) == simdjson::SUCCESS;
  }

 private:
  static thread_local std::unique_ptr<simdjson::dom::parser> kept_;
  bool big_;
};

thread_local std::unique_ptr<simdjson::dom::parser> Parser::kept_;

Outcome read_with_simdjson(std::string_view text, JsonBuilder& builder) {
  Parser parser(text);
  simdjson::dom::element root;
  if (!parser.parse(text, root)) return Outcome::read_otherwise;
  return build(builder, root);
}

Error limit_error(JsonBuilder::Refusal refusal, const JsonLimits& limits) {
  if (refusal == JsonBuilder::Refusal::depth) {
    return make_error(error_type::limit, "JSON: nested deeper than " + std::to_string(limits.depth) + " levels");
  }
  return make_error(error_type::limit, "JSON: a value of more than " + std::to_string(limits.bytes) + " bytes");
}

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string_view body = text.substr(0, 3) == byte_order_mark ? text.substr(byte_order_mark.size()) : text;
  {
    JsonBuilder builder(limits);
    const Outcome outcome = read_with_simdjson(body, builder);
    if (outcome == Outcome::read) return builder.take();
    if (outcome == Outcome::refused) return limit_error(builder.refusal(), limits);
  }
  JsonBuilder builder(limits);
  base::JsonReader reader(body, builder);
  if (reader.read()) return builder.take();
  if (builder.refusal() != JsonBuilder::Refusal::none) return limit_error(builder.refusal(), limits);
  return make_error(error_type::validation, reader.message());
}

}  // namespace fnstack
