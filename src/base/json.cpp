// JSON text to Value. simdjson reads what it can read, which is nearly everything, five times as fast as others;
// what it refuses is read again by JsonReader, which knows the numbers, surrogates and depths that simdjson does
// not take, and says where an error is. Entry point: parse_json.
#include <fnstack/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
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
      for (Known& known : pair) known.forget();
    }
  }

  // One of `size` keys that begins so, with a reference for the caller; or null.
  [[nodiscard]] Shape* guess(std::size_t depth, std::size_t size, std::string_view first) noexcept {
    for (Known& known : at(depth)) {
      if (known.shape != nullptr && known.shape->size() == size && known.shape->is_key(0, first)) return known.lend();
    }
    return nullptr;
  }
  void remember(std::size_t depth, Shape* shape) noexcept {
    Pair& pair = at(depth);
    if (pair[0].shape == shape) return;
    if (pair[1].shape != shape) {
      pair[1].forget();
      pair[1].shape = shape;
      shape->retain();
      some_large_ = some_large_ || is_large(*shape);
    }
    std::swap(pair[0], pair[1]);
  }
  void forget_large() noexcept {
    if (!some_large_) return;
    some_large_ = false;
    for (Pair& pair : pairs_) {
      for (Known& known : pair) {
        if (known.shape != nullptr && is_large(*known.shape)) known.forget();
      }
    }
  }

 private:
  // References to lend are taken many at a time: that is one dear operation for all of them.
  struct Known {
    Shape* shape = nullptr;
    std::uint32_t to_lend = 0;

    Shape* lend() noexcept {
      constexpr std::uint32_t many = 64;
      if (to_lend == 0) shape->retain(to_lend = many);
      --to_lend;
      return shape;
    }
    void forget() noexcept {
      if (shape != nullptr) shape->release(1 + to_lend);
      *this = {};
    }
  };
  using Pair = std::array<Known, 2>;
  static bool is_large(const Shape& shape) noexcept { return shape.size() > 64 || shape.key_bytes() > 2'048; }
  Pair& at(std::size_t depth) noexcept { return pairs_[std::min(depth, pairs_.size() - 1)]; }

  std::array<Pair, 16> pairs_{};
  bool some_large_ = false;
};

// simdjson's document as a Value, counted as JsonBuilder counts. Each container is one block of memory whose size is
// known before, so nothing is moved. After anything but `read` the value is only good for being destroyed.
//
// It reads the tape that the document is kept on, front to back and each word once, where simdjson's iterators look at
// a word two or three times. A word has a type, a letter, in its highest byte and 56 bits of payload (simdjson's
// doc/tape.md; the same in versions 3.0 to 4.6):
//   l u d     the number is the next word
//   "         where the text is: 32 bits of length, then the bytes
//   [ {       24 bits of count, 32 of where it ends;  ] }  the end;  an object's keys and values take turns
//   t f n     nothing more
static_assert(simdjson::SIMDJSON_VERSION_MAJOR <= 4, "compare this simdjson's doc/tape.md with TapeReader");
class TapeReader {
 public:
  TapeReader(const simdjson::dom::document& document, const JsonLimits& limits, KnownShapes& known)
      : at_(document.tape.get() + 1), texts_(document.string_buf.get()), limits_(limits), known_(known) {}
  ~TapeReader() { known_.forget_large(); }
  TapeReader(const TapeReader&) = delete;
  TapeReader& operator=(const TapeReader&) = delete;

  // Of what comes next. `out` is null.
  Outcome read(Value& out, std::size_t depth = 0);
  [[nodiscard]] bool fits() noexcept {
    if (total_ > limits_.bytes) refusal_ = JsonBuilder::Refusal::bytes;
    return total_ <= limits_.bytes;
  }
  [[nodiscard]] JsonBuilder::Refusal refusal() const noexcept { return refusal_; }

 private:
  // simdjson's count of a container stops here.
  static constexpr std::uint64_t uncounted = 0xff'ffff;

  static char type_of(std::uint64_t word) noexcept { return static_cast<char>(word >> 56); }
  [[nodiscard]] std::string_view text_of(std::uint64_t word) const noexcept {
    const std::uint8_t* const text = texts_ + (word & 0xff'ffff'ffff'ffff);
    std::uint32_t length = 0;
    std::memcpy(&length, text, sizeof length);
    return {reinterpret_cast<const char*>(text) + sizeof length, length};
  }

  // Not made a part of read(), so that read() is small and can be made a part of the loops over items.
  [[gnu::noinline]] Outcome read_container(std::uint64_t word, Value& out, std::size_t depth);
  Outcome read_array(std::size_t size, Value& out, std::size_t depth);
  Outcome read_object(std::size_t size, Value& out, std::size_t depth);
  // Reads the container's next item, `deepest` of whose items so far is the deepest.
  Outcome add_item(Access::ListNode* node, Value* place, std::size_t depth, std::uint32_t& deepest);
  Outcome begin(std::size_t size, std::size_t depth);
  Outcome end(Access::ListNode* node, std::uint64_t before, std::uint32_t deepest);

  const std::uint64_t* at_;
  const std::uint8_t* const texts_;
  const JsonLimits& limits_;
  KnownShapes& known_;
  std::uint64_t total_ = 0;  // byte_size of all that came so far; far from its end, as simdjson's texts are below 4 GiB
  JsonBuilder::Refusal refusal_ = JsonBuilder::Refusal::none;
};

inline Outcome TapeReader::read(Value& out, std::size_t depth) {
  const std::uint64_t word = *at_++;
  total_ += sizeof(Value);
  switch (type_of(word)) {
    case '"': {
      const std::string_view text = text_of(word);
      new (&out) Value(text);
      total_ += text.size();
      return Outcome::read;
    }
    case 'l':
      new (&out) Value(static_cast<std::int64_t>(*at_++));
      return Outcome::read;
    case 'u':
      new (&out) Value(*at_++);
      return Outcome::read;
    case 'd':
      new (&out) Value(std::bit_cast<double>(*at_++));
      return Outcome::read;
    case 't':
    case 'f':
      new (&out) Value(type_of(word) == 't');
      return Outcome::read;
    case 'n':
      return Outcome::read;
    default:
      return read_container(word, out, depth);
  }
}

Outcome TapeReader::begin(std::size_t size, std::size_t depth) {
  if (depth >= limits_.depth) {
    refusal_ = JsonBuilder::Refusal::depth;
    return Outcome::refused;
  }
  if (size >= uncounted) return Outcome::read_otherwise;
  if (!fits()) return Outcome::refused;
  if (size > (limits_.bytes - total_) / sizeof(Value)) {  // refused before the memory is asked for
    refusal_ = JsonBuilder::Refusal::bytes;
    return Outcome::refused;
  }
  return Outcome::read;
}

Outcome TapeReader::end(Access::ListNode* node, std::uint64_t before, std::uint32_t deepest) {
  ++at_;
  node->bytes = total_ - before;
  node->depth.store(deepest + 1, std::memory_order_relaxed);
  return fits() ? Outcome::read : Outcome::refused;
}

Outcome TapeReader::add_item(Access::ListNode* node, Value* place, std::size_t depth, std::uint32_t& deepest) {
  new (place) Value();
  ++node->count;
  const Outcome outcome = read(*place, depth + 1);
  if (place->is_container()) deepest = std::max(deepest, place->depth());
  return outcome;
}

Outcome TapeReader::read_array(std::size_t size, Value& out, std::size_t depth) {
  const std::uint64_t before = total_ - sizeof(Value);
  if (const Outcome begun = begin(size, depth); begun != Outcome::read) return begun;
  Access::ListNode* node = Access::make_list(Access::Tag::array, size);
  new (&out) Value(Access::adopt(Access::Tag::array, node));
  Value* item = Access::items(node, Access::Tag::array);
  std::uint32_t deepest = 0;
  while (type_of(*at_) != ']') {
    const Outcome outcome = add_item(node, item++, depth, deepest);
    if (outcome != Outcome::read) return outcome;
  }
  return end(node, before, deepest);
}

Outcome TapeReader::read_object(std::size_t size, Value& out, std::size_t depth) {
  const std::uint64_t before = total_ - sizeof(Value);
  if (const Outcome begun = begin(size, depth); begun != Outcome::read) return begun;
  auto* node = static_cast<Access::ObjectNode*>(Access::make_list(Access::Tag::object, size));
  new (&out) Value(Access::adopt(Access::Tag::object, node));
  Value* const items = Access::items(node, Access::Tag::object);
  Shape* shape = nullptr;  // as node->shape
  bool guessing = true;
  std::uint32_t deepest = 0;
  while (type_of(*at_) != '}') {
    const std::string_view key = text_of(*at_++);
    const std::uint32_t here = node->count;
    if (here == 0) {
      shape = known_.guess(depth, size, key);
      guessing = shape != nullptr;
      if (!guessing) shape = Shape::make();
      node->shape = shape;
    } else if (guessing && !shape->is_key(here, key)) {
      node->shape = Shape::make_prefix(*shape, here);
      std::exchange(shape, node->shape)->release();
      guessing = false;
    }
    if (!guessing) {
      if (const std::size_t found = shape->find(key); found != Shape::npos) {  // again: this value counts
        total_ -= items[found].byte_size();
        items[found] = Value();
        if (const Outcome outcome = read(items[found], depth + 1); outcome != Outcome::read) return outcome;
        continue;
      }
      shape->add(key);
    }
    const Outcome outcome = add_item(node, items + here, depth, deepest);
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

Outcome TapeReader::read_container(std::uint64_t word, Value& out, std::size_t depth) {
  const std::size_t count = word >> 32 & uncounted;
  if (type_of(word) == '[') return read_array(count, out, depth);
  if (type_of(word) == '{') return read_object(count, out, depth);
  return Outcome::read_otherwise;  // kinds of number that newer versions of simdjson may tell
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

  // Valid as long as the parser; null: simdjson does not take the text.
  [[nodiscard]] const simdjson::dom::document* parse(std::string_view text) {
    if (kept_->capacity() < text.size() || kept_->max_depth() != deepest_dom) {
      if (kept_->allocate(text.size(), deepest_dom) != simdjson::SUCCESS) return nullptr;
    }
    return kept_->parse(text.data(), text.size(), true).error() == simdjson::SUCCESS ? &kept_->doc : nullptr;
  }

 private:
  static thread_local std::unique_ptr<simdjson::dom::parser> kept_;
  bool big_;
};

thread_local std::unique_ptr<simdjson::dom::parser> Parser::kept_;

Outcome read_with_simdjson(std::string_view text, const JsonLimits& limits, Value& out, JsonBuilder::Refusal& refusal) {
  thread_local KnownShapes known;
  Parser parser(text);
  const simdjson::dom::document* const document = parser.parse(text);
  if (document == nullptr) return Outcome::read_otherwise;
  TapeReader reader(*document, limits, known);
  Outcome outcome = reader.read(out);
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
