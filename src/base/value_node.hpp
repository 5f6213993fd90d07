// The inside of a Value, for the files that make or read nodes directly: value.cpp and the JSON builder.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

#include <fnstack/value.hpp>

#include "base/shape.hpp"
#include "base/word.hpp"

namespace fnstack {

struct Value::ObjectNode : ListNode {
  base::Shape* shape;  // null: no keys yet
};

struct Value::Access {
  using Tag = Value::Tag;
  using TextNode = Value::TextNode;
  using ListNode = Value::ListNode;
  using ObjectNode = Value::ObjectNode;

  static constexpr std::uint64_t most_bytes = std::numeric_limits<std::uint64_t>::max();

  static Tag tag(const Value& value) noexcept { return value.tag(); }
  static TextNode* text(const Value& value) noexcept { return static_cast<TextNode*>(value.payload_.node); }
  static ListNode* list(const Value& value) noexcept { return static_cast<ListNode*>(value.payload_.node); }
  static ObjectNode* object(const Value& value) noexcept { return static_cast<ObjectNode*>(list(value)); }
  static char* content(TextNode* node) noexcept { return reinterpret_cast<char*>(node + 1); }
  static Value* items(ListNode* node, Tag tag) noexcept {
    return reinterpret_cast<Value*>(reinterpret_cast<char*>(node) + head_size(tag));
  }
  static std::size_t head_size(Tag tag) noexcept { return tag == Tag::array ? sizeof(ListNode) : object_head; }

  // A handle for a node that has a reference to spare.
  static Value adopt(Tag tag, void* node) noexcept {
    Value value;
    value.payload_.node = node;
    value.meta_ = meta_of(tag);
    return value;
  }
  static void set_inline(Value& value, std::string_view text) noexcept {
    const std::size_t head = text.size() < 8 ? text.size() : 8;
    value.payload_.integer = static_cast<std::int64_t>(base::first_word(text.data(), head));
    value.meta_ = base::first_word(text.data() + head, text.size() - head) | meta_of(Tag::text_inline, text.size());
  }

  static TextNode* make_text(std::string_view text, std::size_t capacity);
  // Empty, with room for `capacity` values.
  static ListNode* make_list(Tag tag, std::size_t capacity);
  // The block, moved, with another capacity, which must not be below its count. For a sole owner.
  static ListNode* resize_list(ListNode* node, Tag tag, std::size_t capacity);

  static std::uint64_t add(std::uint64_t left, std::uint64_t right) noexcept {
    return left > most_bytes - right ? most_bytes : left + right;
  }
  // What a value that comes in does to its container's depth.
  static void raise_depth(ListNode* node, std::uint32_t child) noexcept {
    const std::uint32_t now = node->depth.load(std::memory_order_relaxed);
    const std::uint32_t wanted = child == stale_depth - 1 ? child : child + 1;
    if (wanted >= (now & ~stale_depth)) node->depth.store(wanted, std::memory_order_relaxed);
  }

  // The node, which only `value` owns afterwards, with room for `extra` more values.
  static ListNode* own_list(Value& value, std::size_t extra);
  static void destroy(Tag tag, void* node) noexcept;
  static void taken_out(ListNode* node, Tag tag, std::uint64_t bytes, std::uint32_t depth) noexcept;
  static std::size_t position(const Value& object, std::string_view key) noexcept {
    const base::Shape* shape = Access::object(object)->shape;
    return shape == nullptr ? base::Shape::npos : shape->find(key);
  }
  // The member of an object; null if there is none.
  static const Value* find(const Value& object, const base::PreparedKey& key) noexcept {
    ObjectNode* const node = Access::object(object);
    if (node->shape == nullptr) return nullptr;
    const std::size_t position = node->shape->find(key);
    return position == base::Shape::npos ? nullptr : items(node, Tag::object) + position;
  }
};

}  // namespace fnstack
