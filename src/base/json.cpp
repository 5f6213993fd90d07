// JSON text to Value. simdjson reads what it can read, which is nearly everything, five times as fast as others;
// what it refuses is read again by JsonReader, which knows the numbers, surrogates and depths that simdjson does
// not take, and says where an error is. Entry point: parse_json.
#include <fnstack/json.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

#include <simdjson.h>

#include "base/json_builder.hpp"
#include "base/json_reader.hpp"
#include "base/shape.hpp"
#include "base/value_node.hpp"

namespace fnstack {
namespace {

using base::JsonBuilder;

// simdjson's nesting, and with it that of the calls below. Deeper text is for JsonReader.
constexpr std::size_t deepest_dom = 256;
// A parser's buffers take about 15 bytes for each byte of text; bigger ones are not kept.
constexpr std::size_t biggest_kept_text = std::size_t{64} << 10;

enum class Outcome { read, refused, read_otherwise };

using Access = Value::Access;
using base::Shape;

// The lists of keys of the objects read last on this thread, two for each depth: guesses that are confirmed key by key,
// so that the records of a page, and of the pages after it, share one. What is large is forgotten with its document.
class KnownShapes {
 public:
  KnownShapes() = default;
  KnownShapes(const KnownShapes&) = delete;
  KnownShapes& operator=(const KnownShapes&) = delete;
  ~KnownShapes() {
    for (Pair& pair : pairs_) {
      for (Shape* shape : pair) {
        if (shape != nullptr) shape->release();
      }
    }
  }

  // One of `size` keys that begins so, with a reference for the caller; or null.
  [[nodiscard]] Shape* guess(std::size_t depth, std::size_t size, std::string_view first) noexcept {
    for (Shape* shape : at(depth)) {
      if (shape != nullptr && shape->size() == size && shape->is_key(0, first)) {
        shape->retain();
        return shape;
      }
    }
    return nullptr;
  }
  void remember(std::size_t depth, Shape* shape) noexcept {
    Pair& pair = at(depth);
    if (pair[0] == shape) return;
    if (pair[1] != shape) {
      shape->retain();
      if (pair[1] != nullptr) pair[1]->release();
      pair[1] = shape;
      some_large_ = some_large_ || is_large(*shape);
    }
    std::swap(pair[0], pair[1]);
  }
  void forget_large() noexcept {
    if (!some_large_) return;
    some_large_ = false;
    for (Pair& pair : pairs_) {
      for (Shape*& shape : pair) {
        if (shape != nullptr && is_large(*shape)) std::exchange(shape, nullptr)->release();
      }
    }
  }

 private:
  using Pair = std::array<Shape*, 2>;
  static bool is_large(const Shape& shape) noexcept { return shape.size() > 64 || shape.key_bytes() > 2'048; }
  Pair& at(std::size_t depth) noexcept { return pairs_[std::min(depth, pairs_.size() - 1)]; }

  std::array<Pair, 16> pairs_{};
  bool some_large_ = false;
};

// simdjson's document as a Value, counted as JsonBuilder counts. Each container is one block of memory whose size is
// known before, so nothing is moved. After anything but `read` the value is only good for being destroyed.
class DomReader {
 public:
  DomReader(const JsonLimits& limits, KnownShapes& known) : limits_(limits), known_(known) {}
  ~DomReader() { known_.forget_large(); }
  DomReader(const DomReader&) = delete;
  DomReader& operator=(const DomReader&) = delete;

  Outcome read(const simdjson::dom::element& element, Value& out, std::size_t depth = 0);
  [[nodiscard]] bool fits() noexcept {
    if (total_ > limits_.bytes) refusal_ = JsonBuilder::Refusal::bytes;
    return total_ <= limits_.bytes;
  }
  [[nodiscard]] JsonBuilder::Refusal refusal() const noexcept { return refusal_; }

 private:
  // simdjson's count of a container stops here.
  static constexpr std::size_t uncounted = 0xff'ffff;

  // Makes a scalar at `place`, where there is no value yet. False: it is none, and nothing was made.
  bool make_scalar(const simdjson::dom::element& element, Value* place);
  // Makes the next item of a container, `deepest` of whose items so far is the deepest.
  Outcome add_item(const simdjson::dom::element& element, Access::ListNode* node, Value* place, std::size_t depth,
                   std::uint32_t& deepest);
  Outcome read_array(const simdjson::dom::array& from, Value& out, std::size_t depth);
  Outcome read_object(const simdjson::dom::object& from, Value& out, std::size_t depth);
  Outcome begin(std::size_t size, std::size_t depth);
  Outcome end(Access::ListNode* node, std::uint64_t before, std::uint32_t deepest);

  const JsonLimits& limits_;
  KnownShapes& known_;
  std::uint64_t total_ = 0;  // byte_size of all that came so far; far from its end, as simdjson's texts are below 4 GiB
  JsonBuilder::Refusal refusal_ = JsonBuilder::Refusal::none;
};

Outcome DomReader::begin(std::size_t size, std::size_t depth) {
  if (depth >= limits_.depth) {
    refusal_ = JsonBuilder::Refusal::depth;
    return Outcome::refused;
  }
  if (size >= uncounted) return Outcome::read_otherwise;
  total_ += 16;
  if (!fits()) return Outcome::refused;
  if (size > (limits_.bytes - total_) / sizeof(Value)) {  // refused before the memory is asked for
    refusal_ = JsonBuilder::Refusal::bytes;
    return Outcome::refused;
  }
  return Outcome::read;
}

Outcome DomReader::end(Access::ListNode* node, std::uint64_t before, std::uint32_t deepest) {
  node->bytes = total_ - before;
  node->depth.store(deepest + 1, std::memory_order_relaxed);
  return fits() ? Outcome::read : Outcome::refused;
}

Outcome DomReader::read_array(const simdjson::dom::array& from, Value& out, std::size_t depth) {
  const std::uint64_t before = total_;
  const std::size_t size = from.size();
  if (const Outcome begun = begin(size, depth); begun != Outcome::read) return begun;
  Access::ListNode* node = Access::make_list(Access::Tag::array, size);
  out = Access::adopt(Access::Tag::array, node);
  Value* item = Access::items(node, Access::Tag::array);
  std::uint32_t deepest = 0;
  for (const simdjson::dom::element element : from) {
    const Outcome outcome = add_item(element, node, item++, depth, deepest);
    if (outcome != Outcome::read) return outcome;
  }
  return end(node, before, deepest);
}

Outcome DomReader::read_object(const simdjson::dom::object& from, Value& out, std::size_t depth) {
  const std::uint64_t before = total_;
  const std::size_t size = from.size();
  if (const Outcome begun = begin(size, depth); begun != Outcome::read) return begun;
  auto* node = static_cast<Access::ObjectNode*>(Access::make_list(Access::Tag::object, size));
  out = Access::adopt(Access::Tag::object, node);
  Value* const items = Access::items(node, Access::Tag::object);
  Shape*& shape = node->shape;
  bool guessing = true;
  std::uint32_t deepest = 0;
  for (const auto& field : from) {
    const std::uint32_t here = node->count;
    if (here == 0) {
      shape = known_.guess(depth, size, field.key);
      guessing = shape != nullptr;
      if (!guessing) shape = Shape::make();
    }
    if (guessing && !shape->is_key(here, field.key)) {
      Shape* own = Shape::make_prefix(*shape, here);
      std::exchange(shape, own)->release();
      guessing = false;
    }
    if (!guessing) {
      if (const std::size_t found = shape->find(field.key); found != Shape::npos) {  // again: this value counts
        total_ -= items[found].byte_size();
        items[found] = Value();
        if (const Outcome outcome = read(field.value, items[found], depth + 1); outcome != Outcome::read)
          return outcome;
        continue;
      }
      shape->add(field.key);
    }
    const Outcome outcome = add_item(field.value, node, items + here, depth, deepest);
    if (outcome != Outcome::read) return outcome;
  }
  if (shape != nullptr) total_ += shape->key_bytes();
  if (node->count < size) {
    // Some came twice: rarely, so the room is looked at, and the depth taken, once more.
    deepest = 0;
    for (std::uint32_t i = 0; i < node->count; ++i) deepest = std::max(deepest, items[i].depth());
  }
  if (shape != nullptr) known_.remember(depth, shape);
  return end(node, before, deepest);
}

bool DomReader::make_scalar(const simdjson::dom::element& element, Value* place) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::STRING: {
      const std::string_view text = element.get_string().value_unsafe();
      new (place) Value(text);
      total_ += text.size();
      break;
    }
    case Type::INT64:
      new (place) Value(element.get_int64().value_unsafe());
      break;
    case Type::UINT64:
      new (place) Value(element.get_uint64().value_unsafe());
      break;
    case Type::DOUBLE:
      new (place) Value(element.get_double().value_unsafe());
      break;
    case Type::BOOL:
      new (place) Value(element.get_bool().value_unsafe());
      break;
    case Type::NULL_VALUE:
      new (place) Value();
      break;
    default:
      return false;
  }
  total_ += 16;
  return true;
}

Outcome DomReader::add_item(const simdjson::dom::element& element, Access::ListNode* node, Value* place,
                            std::size_t depth, std::uint32_t& deepest) {
  const bool is_scalar = make_scalar(element, place);
  if (!is_scalar) new (place) Value();
  ++node->count;
  if (is_scalar) return Outcome::read;
  const Outcome outcome = read(element, *place, depth + 1);
  deepest = std::max(deepest, place->depth());
  return outcome;
}

// `out` is null.
Outcome DomReader::read(const simdjson::dom::element& element, Value& out, std::size_t depth) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::ARRAY:
      return read_array(element.get_array().value_unsafe(), out, depth);
    case Type::OBJECT:
      return read_object(element.get_object().value_unsafe(), out, depth);
    default:  // false: kinds of number that newer versions of simdjson may tell
      return make_scalar(element, &out) ? Outcome::read : Outcome::read_otherwise;
  }
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

Outcome read_with_simdjson(std::string_view text, const JsonLimits& limits, Value& out, JsonBuilder::Refusal& refusal) {
  thread_local KnownShapes known;
  Parser parser(text);
  simdjson::dom::element root;
  if (!parser.parse(text, root)) return Outcome::read_otherwise;
  DomReader reader(limits, known);
  Outcome outcome = reader.read(root, out);
  if (outcome == Outcome::read && !reader.fits()) outcome = Outcome::refused;  // one that is no container
  refusal = reader.refusal();
  return outcome;
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
    Value value;
    auto refusal = JsonBuilder::Refusal::none;
    const Outcome outcome = read_with_simdjson(body, limits, value, refusal);
    if (outcome == Outcome::read) return value;
    if (outcome == Outcome::refused) return limit_error(refusal, limits);
  }
  JsonBuilder builder(limits);
  base::JsonReader reader(body, builder);
  if (reader.read()) return builder.take();
  if (builder.refusal() != JsonBuilder::Refusal::none) return limit_error(builder.refusal(), limits);
  return make_error(error_type::validation, reader.message());
}

}  // namespace fnstack
