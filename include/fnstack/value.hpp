// Value: the data a function stack works on. JSON's kinds plus 64-bit integers and bytes.
//
// A Value is a 16-byte handle. Null, booleans, numbers and strings of up to 14 bytes live inside it; longer
// strings, arrays and objects live in a reference-counted node that copies of the handle share. Contents are
// never seen to change through another handle: a change to a shared node copies it first, a change by its
// sole owner happens in place. Objects keep the order in which keys were added.
//
// Threads: a Value may be copied, read and destroyed by many threads at once, as an int may; changing one
// handle while another thread reads the same handle is a race.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fnstack {

class Value {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, bytes, array, object };

  constexpr Value() noexcept : payload_{}, meta_(meta_of(Tag::null)) {}
  constexpr Value(std::nullptr_t) noexcept : Value() {}
  Value(double number) noexcept : meta_(meta_of(Tag::number)) { payload_.number = number; }
  Value(std::string_view text);
  Value(const char* text) : Value(std::string_view(text)) {}
  Value(const std::string& text) : Value(std::string_view(text)) {}

  // One constructor for bool and every integer type, so that none converts into another by surprise.
  // An unsigned value beyond int64 becomes a number (double).
  template <class T>
  requires std::is_integral_v<T> Value(T value)
  noexcept : meta_(meta_of(std::is_same_v<T, bool> ? Tag::boolean : Tag::integer)) {
    payload_.integer = static_cast<std::int64_t>(value);
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
      if (value > static_cast<T>(INT64_MAX)) {
        meta_ = meta_of(Tag::number);
        payload_.number = static_cast<double>(value);
      }
    }
  }

  Value(const Value& other) noexcept : payload_(other.payload_), meta_(other.meta_) {
    if (owns_node()) retain();
  }
  Value(Value&& other) noexcept : payload_(other.payload_), meta_(other.meta_) { other.forget(); }
  Value& operator=(const Value& other) noexcept {
    Value copy(other);  // first: `other` may live inside the node that goes
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    Value taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Value() {
    if (owns_node()) release();
  }
  void swap(Value& other) noexcept {
    std::swap(payload_, other.payload_);
    std::swap(meta_, other.meta_);
  }

  // Bytes that are not text: a response in an unknown charset, a BLOB. As JSON they are written in base64.
  static Value bytes(std::string_view content);
  static Value array();
  static Value array(std::initializer_list<Value> items);
  static Value array(std::vector<Value> items);
  static Value object();
  static Value object(std::initializer_list<std::pair<std::string_view, Value>> members);
  // An object with the keys of `model`, an object, and these values, which are moved out; as many as it has
  // keys. The key list is shared: the way to make many records of one form.
  static Value object_like(const Value& model, std::span<Value> values);
  // An object whose keys are looked up without regard to ASCII case: response headers. Copies keep the habit.
  static Value headers();

  [[nodiscard]] Kind kind() const noexcept {
    constexpr Kind kinds[] = {Kind::null,   Kind::boolean, Kind::integer, Kind::number, Kind::string,
                              Kind::string, Kind::bytes,   Kind::array,   Kind::object};
    return kinds[static_cast<std::size_t>(tag())];
  }
  [[nodiscard]] bool is_null() const noexcept { return tag() == Tag::null; }
  [[nodiscard]] bool is_boolean() const noexcept { return tag() == Tag::boolean; }
  [[nodiscard]] bool is_integer() const noexcept { return tag() == Tag::integer; }
  [[nodiscard]] bool is_number() const noexcept { return tag() == Tag::number || tag() == Tag::integer; }
  [[nodiscard]] bool is_string() const noexcept { return tag() == Tag::text_inline || tag() == Tag::text; }
  [[nodiscard]] bool is_bytes() const noexcept { return tag() == Tag::bytes; }
  [[nodiscard]] bool is_array() const noexcept { return tag() == Tag::array; }
  [[nodiscard]] bool is_object() const noexcept { return tag() == Tag::object; }
  [[nodiscard]] bool is_container() const noexcept { return tag() >= Tag::array; }

  // Reading. Each asks for its own kind; for another kind it answers false, 0 or an empty view.
  [[nodiscard]] bool as_boolean() const noexcept { return tag() == Tag::boolean && payload_.integer != 0; }
  [[nodiscard]] std::int64_t as_integer() const noexcept { return tag() == Tag::integer ? payload_.integer : 0; }
  // The number as a double, for both kinds of number.
  [[nodiscard]] double as_number() const noexcept {
    return tag() == Tag::integer ? static_cast<double>(payload_.integer) : tag() == Tag::number ? payload_.number : 0.0;
  }
  // The content of a string or of bytes. Valid until this handle changes or goes.
  [[nodiscard]] std::string_view as_string() const noexcept {
    if (tag() == Tag::text_inline) return {inline_text(), inline_length()};
    if (tag() == Tag::text || tag() == Tag::bytes) return {text_node()->content(), text_node()->size};
    return {};
  }

  // Elements of an array, members of an object, 0 otherwise.
  [[nodiscard]] std::size_t size() const noexcept { return is_container() ? list_node()->count : 0; }
  // The element or the member's value at a position; a shared null beyond the end.
  [[nodiscard]] const Value& operator[](std::size_t position) const noexcept {
    return position < size() ? items()[position] : shared_null;
  }
  // The member named `key`, or null (the pointer) if there is none or this is no object.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  // The member named `key`, or a shared null.
  [[nodiscard]] const Value& get(std::string_view key) const noexcept;
  [[nodiscard]] std::string_view key_at(std::size_t position) const noexcept;
  [[nodiscard]] bool keys_ignore_case() const noexcept;

  // Changing. On another kind than the one named these turn the value into an empty one of that kind first.
  void push_back(Value element);                      // array; amortised O(1) for a sole owner
  void set(std::string_view key, Value value);        // object; replaces in place or adds at the end
  bool erase(std::string_view key);                   // object; false if there was none
  void append(std::string_view text);                 // string; amortised O(1) per byte for a sole owner
  void set_at(std::size_t position, Value value);     // array or object; beyond size() it does nothing
  [[nodiscard]] Value take_at(std::size_t position);  // moves the element out, leaving null: change it, then set_at
  void erase_at(std::size_t position);                // array; those behind it move up; beyond size() it does nothing
  void reserve(std::size_t elements);                 // array
  void assign_text(std::string_view text);            // becomes this string, reusing its own storage when it can

  // Logical size in bytes as if nothing were shared, saturating: what a limit on a value counts. O(1).
  // 16 for each value; plus the content of strings and bytes; plus the keys of objects.
  [[nodiscard]] std::uint64_t byte_size() const noexcept {
    if (!owns_node()) return tag() == Tag::text_inline ? 16 + inline_length() : 16;
    return is_container() ? list_node()->bytes : 16 + std::uint64_t{text_node()->size};
  }
  // 0 for scalars, 1 for containers of scalars or empty ones, and so on. Saturates at 2^31 - 1. O(1), but for
  // the first call after the deepest element was taken out or replaced by a shallower one: that looks at each.
  [[nodiscard]] std::uint32_t depth() const noexcept {
    if (!is_container()) return 0;
    const std::uint32_t depth = list_node()->depth.load(std::memory_order_relaxed);
    return depth & stale_depth ? measure_depth() : depth;
  }
  // depth() > limit, but O(1) as long as a bound that is known anyway is within the limit: the question for whoever
  // changes a value again and again.
  [[nodiscard]] bool is_deeper_than(std::uint32_t limit) const noexcept {
    const bool may_be = is_container() && (list_node()->depth.load(std::memory_order_relaxed) & ~stale_depth) > limit;
    return may_be && depth() > limit;
  }

  // By content; 1 and 1.0 are equal; object members in any order, names without regard to ASCII case only if
  // both sides look up so. Not recursive.
  friend bool operator==(const Value& left, const Value& right);

  struct Access;  // the library's own way in: nothing for hosts

 private:
  friend struct Access;
  // Tags from `text` on own a node; from `array` on, one that holds Values.
  enum class Tag : std::uint8_t { null, boolean, integer, number, text_inline, text, bytes, array, object };

  // A node is one block of malloc'ed memory: a head, then the content. Values may be moved by copying their
  // bytes, so a sole owner's block grows by realloc.
  struct TextNode {
    std::atomic<std::uint32_t> references;
    std::uint32_t spare;  // capacity - size
    std::size_t size;
    [[nodiscard]] const char* content() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  };
  struct ListNode {
    std::atomic<std::uint32_t> references;
    mutable std::atomic<std::uint32_t> depth;  // with the bit stale_depth it is an upper bound only
    std::uint64_t bytes;                       // byte_size, saturating
    std::uint32_t count, capacity;
  };
  struct ObjectNode;  // a ListNode with the list of keys

  static constexpr std::size_t inline_capacity = 14;
  static constexpr std::size_t object_head = sizeof(ListNode) + sizeof(void*);
  static constexpr std::uint32_t stale_depth = 0x8000'0000;
  static constexpr bool little_endian = std::endian::native == std::endian::little;
  static const Value shared_null;

  // The second half of the handle is written as one word, so that a copy right after finds it in one piece: in
  // memory six bytes of inline text, its length, the tag.
  static constexpr std::uint64_t meta_of(Tag tag, std::size_t length = 0) noexcept {
    const auto tag_bits = static_cast<std::uint64_t>(tag);
    return little_endian ? tag_bits << 56 | std::uint64_t{length} << 48 : tag_bits | std::uint64_t{length} << 8;
  }
  [[nodiscard]] Tag tag() const noexcept { return static_cast<Tag>(little_endian ? meta_ >> 56 : meta_ & 0xff); }
  [[nodiscard]] bool owns_node() const noexcept { return tag() >= Tag::text; }
  void forget() noexcept { meta_ = meta_of(Tag::null); }

  [[nodiscard]] const char* inline_text() const noexcept { return reinterpret_cast<const char*>(this); }
  [[nodiscard]] std::size_t inline_length() const noexcept {
    return static_cast<std::size_t>(little_endian ? meta_ >> 48 & 0xff : meta_ >> 8 & 0xff);
  }
  [[nodiscard]] const TextNode* text_node() const noexcept { return static_cast<const TextNode*>(payload_.node); }
  [[nodiscard]] const ListNode* list_node() const noexcept { return static_cast<const ListNode*>(payload_.node); }
  [[nodiscard]] const Value* items() const noexcept {
    const auto* block = static_cast<const char*>(payload_.node);
    return reinterpret_cast<const Value*>(block + (is_array() ? sizeof(ListNode) : object_head));
  }

  // Every node begins with its count of references.
  void retain() const noexcept {
    static_cast<std::atomic<std::uint32_t>*>(payload_.node)->fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;
  [[nodiscard]] std::uint32_t measure_depth() const noexcept;

  union Payload {
    std::int64_t integer;
    double number;
    void* node;
    char text[8];  // the first eight of up to 14 bytes, which go on in meta_
  };
  Payload payload_;
  std::uint64_t meta_;
};

static_assert(sizeof(Value) == 16);

}  // namespace fnstack
