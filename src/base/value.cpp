#include <fnstack/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/value_node.hpp"

namespace fnstack {

static_assert(sizeof(void*) == 8, "the layout of Value is made for 64 bits");

constinit const Value Value::shared_null{};

// --- nodes -----------------------------------------------------------------------------------------------------

namespace {

void* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

// True if nobody else holds the node. Nobody can come by another reference meanwhile, but from the asking handle.
bool is_sole(const std::atomic<std::uint32_t>& references) noexcept {
  return references.load(std::memory_order_acquire) == 1;
}

// Takes one reference away; true if it was the last. The plain load saves the dear operation where, as nearly
// always, there is one owner.
bool drop(std::atomic<std::uint32_t>& references) noexcept {
  return is_sole(references) || references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

// Takes back the references that objects held on their shapes; for objects of one shape in a row at once.
class ShapeReferences {
 public:
  ShapeReferences() = default;
  ShapeReferences(const ShapeReferences&) = delete;
  ShapeReferences& operator=(const ShapeReferences&) = delete;
  ~ShapeReferences() { release(); }
  void add(base::Shape* shape) noexcept {
    if (shape != shape_) release();
    shape_ = shape;
    ++count_;
  }

 private:
  void release() noexcept {
    if (shape_ != nullptr) shape_->release(count_);
    count_ = 0;
  }
  base::Shape* shape_ = nullptr;
  std::uint32_t count_ = 0;
};

std::size_t grown(std::size_t capacity, std::size_t needed) noexcept {
  const std::size_t more = capacity < 1024 ? capacity * 2 : capacity + capacity / 2;
  return std::max({needed, more, std::size_t{4}});
}

}  // namespace

Value::Access::TextNode* Value::Access::make_text(std::string_view text, std::size_t capacity) {
  if (capacity > static_cast<std::size_t>(PTRDIFF_MAX) - sizeof(TextNode)) throw std::bad_alloc();
  auto* node = new (allocate(sizeof(TextNode) + capacity)) TextNode{};
  node->references.store(1, std::memory_order_relaxed);
  node->spare = static_cast<std::uint32_t>(std::min<std::size_t>(capacity - text.size(), UINT32_MAX));
  node->size = text.size();
  if (!text.empty()) std::memcpy(content(node), text.data(), text.size());
  return node;
}

Value::Access::ListNode* Value::Access::make_list(Tag tag, std::size_t capacity) {
  static_assert(sizeof(ObjectNode) == object_head);
  if (capacity > UINT32_MAX) throw std::bad_alloc();
  void* block = allocate(head_size(tag) + capacity * sizeof(Value));
  ListNode* node = nullptr;
  if (tag == Tag::object) {
    auto* object = new (block) ObjectNode{};
    object->shape = nullptr;
    node = object;
  } else {
    node = new (block) ListNode{};
  }
  node->references.store(1, std::memory_order_relaxed);
  node->depth.store(1, std::memory_order_relaxed);
  node->bytes = 16;
  node->count = 0;
  node->capacity = static_cast<std::uint32_t>(capacity);
  return node;
}

Value::Access::ListNode* Value::Access::resize_list(ListNode* node, Tag tag, std::size_t capacity) {
  if (capacity > UINT32_MAX) {
    if (node->count == UINT32_MAX) throw std::bad_alloc();
    capacity = UINT32_MAX;
  }
  void* block = std::realloc(static_cast<void*>(node), head_size(tag) + capacity * sizeof(Value));
  if (block == nullptr) throw std::bad_alloc();
  node = static_cast<ListNode*>(block);
  node->capacity = static_cast<std::uint32_t>(capacity);
  return node;
}

// Without recursion and without memory of its own: the nodes still to be taken apart are chained through their
// field `bytes`, their tag stands in `depth`.
void Value::Access::destroy(Tag tag, void* dead) noexcept {
  if (tag < Tag::array) {
    std::free(dead);
    return;
  }
  auto* node = static_cast<ListNode*>(dead);
  ListNode* chain = nullptr;
  ShapeReferences shapes;
  for (;;) {
    Value* item = items(node, tag);
    for (Value* end = item + node->count; item != end; ++item) {
      if (!item->owns_node()) continue;
      void* inner = item->payload_.node;
      if (!drop(*static_cast<std::atomic<std::uint32_t>*>(inner))) continue;
      if (item->tag() < Tag::array) {
        std::free(inner);
        continue;
      }
      auto* next = static_cast<ListNode*>(inner);
      next->bytes = reinterpret_cast<std::uintptr_t>(chain);
      next->depth.store(static_cast<std::uint32_t>(item->tag()), std::memory_order_relaxed);
      chain = next;
    }
    if (tag == Tag::object) shapes.add(static_cast<ObjectNode*>(node)->shape);
    std::free(node);
    if (chain == nullptr) return;
    node = chain;
    tag = static_cast<Tag>(node->depth.load(std::memory_order_relaxed));
    chain = reinterpret_cast<ListNode*>(static_cast<std::uintptr_t>(node->bytes));
  }
}

Value::Access::ListNode* Value::Access::own_list(Value& value, std::size_t extra) {
  const Tag tag = value.tag();
  ListNode* node = list(value);
  const std::size_t needed = std::size_t{node->count} + extra;
  if (is_sole(node->references)) {
    if (needed > node->capacity) {
      node = resize_list(node, tag, grown(node->capacity, needed));
      value.payload_.node = node;
    }
    return node;
  }
  ListNode* copy = make_list(tag, extra == 0 ? needed : grown(node->count, needed));
  copy->depth.store(node->depth.load(std::memory_order_relaxed), std::memory_order_relaxed);
  copy->bytes = node->bytes;
  copy->count = node->count;
  const Value* from = items(node, tag);
  Value* to = items(copy, tag);
  for (std::uint32_t i = 0; i < node->count; ++i) new (to + i) Value(from[i]);
  if (tag == Tag::object) {
    base::Shape* shape = static_cast<ObjectNode*>(node)->shape;
    if (shape != nullptr) shape->retain();
    static_cast<ObjectNode*>(copy)->shape = shape;
  }
  value.payload_.node = copy;
  if (drop(node->references)) destroy(tag, node);
  return copy;
}

// The node's sizes after a value of this size and depth has left it (and stands in it no more).
void Value::Access::taken_out(ListNode* node, Tag tag, std::uint64_t bytes, std::uint32_t depth) noexcept {
  if (node->bytes != most_bytes) {
    node->bytes -= bytes;
  } else {  // saturated: only counting anew can tell
    std::uint64_t sum = 16;
    if (tag == Tag::object) {
      if (const auto* shape = static_cast<ObjectNode*>(node)->shape) sum += shape->key_bytes();
    }
    const Value* item = items(node, tag);
    for (std::uint32_t i = 0; i < node->count; ++i) sum = add(sum, item[i].byte_size());
    node->bytes = sum;
  }
  const std::uint32_t now = node->depth.load(std::memory_order_relaxed);
  if (depth > 0 && depth + 1 >= (now & ~stale_depth)) node->depth.store(now | stale_depth, std::memory_order_relaxed);
}

void Value::release() noexcept {
  if (drop(*static_cast<std::atomic<std::uint32_t>*>(payload_.node))) Access::destroy(tag(), payload_.node);
}

// Elements are never stale themselves: their depth was asked for when they came in, and what has come in is
// changed no more. Several threads may come here for one node; they write the same.
std::uint32_t Value::measure_depth() const noexcept {
  // No element is deeper than the bound allows: the first that reaches it settles the matter.
  const std::uint32_t bound = list_node()->depth.load(std::memory_order_relaxed) & ~stale_depth;
  const std::uint32_t most = bound == stale_depth - 1 ? bound : bound - 1;
  std::uint32_t deepest = 0;
  const Value* item = items();
  for (std::size_t i = 0; i < size() && deepest < most; ++i) deepest = std::max(deepest, item[i].depth());
  const std::uint32_t depth = deepest == stale_depth - 1 ? deepest : deepest + 1;
  list_node()->depth.store(depth, std::memory_order_relaxed);
  return depth;
}

// --- making ----------------------------------------------------------------------------------------------------

Value::Value(std::string_view text) {
  if (text.size() <= inline_capacity) {
    Access::set_inline(*this, text);
  } else {
    payload_.node = Access::make_text(text, text.size());
    meta_ = meta_of(Tag::text);
  }
}

Value Value::bytes(std::string_view content) {
  return Access::adopt(Tag::bytes, Access::make_text(content, content.size()));
}

Value Value::array() { return Access::adopt(Tag::array, Access::make_list(Tag::array, 0)); }

Value Value::array(std::initializer_list<Value> items) {
  Value result;
  result.reserve(items.size());
  for (const Value& item : items) result.push_back(item);
  return result;
}

Value Value::array(std::vector<Value> items) {
  Value result;
  result.reserve(items.size());
  for (Value& item : items) result.push_back(std::move(item));
  return result;
}

Value Value::object() { return Access::adopt(Tag::object, Access::make_list(Tag::object, 0)); }

Value Value::object(std::initializer_list<std::pair<std::string_view, Value>> members) {
  Value result = Access::adopt(Tag::object, Access::make_list(Tag::object, members.size()));
  for (const auto& [key, value] : members) result.set(key, value);
  return result;
}

Value Value::object_like(const Value& model, std::span<Value> values) {
  const std::size_t count = std::min(model.is_object() ? model.size() : 0, values.size());
  if (!model.is_object() || count != model.size()) return object();
  Value result = Access::adopt(Tag::object, Access::make_list(Tag::object, count));
  auto* node = Access::object(result);
  node->shape = Access::object(model)->shape;
  if (node->shape != nullptr) {
    node->shape->retain();
    node->bytes += node->shape->key_bytes();
  }
  Value* to = Access::items(node, Tag::object);
  for (std::size_t i = 0; i < count; ++i) {
    node->bytes = Access::add(node->bytes, values[i].byte_size());
    Access::raise_depth(node, values[i].depth());
    new (to + i) Value(std::move(values[i]));
    ++node->count;
  }
  return result;
}

Value Value::headers() {
  Value result = object();
  Access::object(result)->shape = base::Shape::make(true);
  return result;
}

// --- reading ---------------------------------------------------------------------------------------------------

const Value* Value::find(std::string_view key) const noexcept {
  if (!is_object()) return nullptr;
  const std::size_t position = Access::position(*this, key);
  return position == base::Shape::npos ? nullptr : items() + position;
}

const Value& Value::get(std::string_view key) const noexcept {
  const Value* found = find(key);
  return found == nullptr ? shared_null : *found;
}

std::string_view Value::key_at(std::size_t position) const noexcept {
  if (!is_object() || position >= size()) return {};
  return Access::object(*this)->shape->key(position);
}

bool Value::keys_ignore_case() const noexcept {
  if (!is_object()) return false;
  const base::Shape* shape = Access::object(*this)->shape;
  return shape != nullptr && shape->ignore_case();
}

// --- changing --------------------------------------------------------------------------------------------------

void Value::push_back(Value element) {
  if (!is_array()) *this = array();
  ListNode* node = Access::own_list(*this, 1);
  node->bytes = Access::add(node->bytes, element.byte_size());
  Access::raise_depth(node, element.depth());
  new (Access::items(node, Tag::array) + node->count) Value(std::move(element));
  ++node->count;
}

void Value::set(std::string_view key, Value value) {
  if (!is_object()) {
    const std::string kept(key);  // it may be this value's own text
    *this = object();
    set(kept, std::move(value));
    return;
  }
  if (const std::size_t position = Access::position(*this, key); position != base::Shape::npos) {
    set_at(position, std::move(value));
    return;
  }
  std::string kept;
  const ListNode* before = list_node();
  if (!is_sole(before->references) || before->count == before->capacity) {
    kept = key;  // the node will move, and the key may stand in it
    key = kept;
  }
  auto* node = static_cast<ObjectNode*>(Access::own_list(*this, 1));
  node->shape = node->shape == nullptr ? base::Shape::make() : base::Shape::own(node->shape);
  node->shape->add(key);
  node->bytes = Access::add(Access::add(node->bytes, key.size()), value.byte_size());
  Access::raise_depth(node, value.depth());
  new (Access::items(node, Tag::object) + node->count) Value(std::move(value));
  ++node->count;
}

bool Value::erase(std::string_view key) {
  if (!is_object()) {
    *this = object();
    return false;
  }
  const std::size_t position = Access::position(*this, key);
  if (position == base::Shape::npos) return false;
  const std::size_t key_size = key_at(position).size();
  auto* node = static_cast<ObjectNode*>(Access::own_list(*this, 0));
  node->shape = base::Shape::own(node->shape);
  node->shape->remove(position);
  Value* item = Access::items(node, Tag::object);
  const Value gone = std::move(item[position]);
  --node->count;
  std::memmove(static_cast<void*>(item + position), item + position + 1, (node->count - position) * sizeof(Value));
  Access::taken_out(node, Tag::object, gone.byte_size() + key_size, gone.depth());
  return true;
}

void Value::set_at(std::size_t position, Value value) {
  if (position >= size()) return;
  ListNode* node = Access::own_list(*this, 0);
  Value& place = Access::items(node, tag())[position];
  const std::uint64_t bytes = place.byte_size();
  const std::uint32_t depth = place.depth();
  place.swap(value);  // the old one goes at the end, when nothing of this one is in use
  const std::uint64_t new_bytes = place.byte_size();
  const std::uint32_t new_depth = place.depth();
  if (node->bytes == Access::most_bytes) {
    Access::taken_out(node, tag(), bytes, depth);  // counts what stands there now
  } else {
    node->bytes = Access::add(node->bytes - bytes, new_bytes);
    if (depth > new_depth) Access::taken_out(node, tag(), 0, depth);
  }
  Access::raise_depth(node, new_depth);
}

Value Value::take_at(std::size_t position) {
  if (position >= size()) return {};
  ListNode* node = Access::own_list(*this, 0);
  Value& place = Access::items(node, tag())[position];
  Value taken = std::move(place);
  if (taken.owns_node() || taken.byte_size() != 16) {
    Access::taken_out(node, tag(), taken.byte_size() - 16, taken.depth());
  }
  return taken;
}

void Value::erase_at(std::size_t position) {
  if (!is_array()) *this = array();
  if (position >= size()) return;
  ListNode* node = Access::own_list(*this, 0);
  Value* item = Access::items(node, Tag::array);
  const Value gone = std::move(item[position]);
  --node->count;
  std::memmove(static_cast<void*>(item + position), item + position + 1, (node->count - position) * sizeof(Value));
  Access::taken_out(node, Tag::array, gone.byte_size(), gone.depth());
}

void Value::reserve(std::size_t elements) {
  if (!is_array()) {
    *this = Access::adopt(Tag::array, Access::make_list(Tag::array, elements));
    return;
  }
  ListNode* node = Access::own_list(*this, 0);
  if (elements > node->capacity) payload_.node = Access::resize_list(node, Tag::array, elements);
}

void Value::append(std::string_view text) {
  if (!is_string()) {
    *this = Value(text);  // reads `text` before the old value goes
    return;
  }
  if (text.empty()) return;
  const std::string_view own = as_string();
  const std::size_t size = own.size() + text.size();
  if (tag() == Tag::text) {
    auto* node = Access::text(*this);
    if (is_sole(node->references) && node->spare >= text.size()) {
      std::memcpy(Access::content(node) + node->size, text.data(), text.size());
      node->size = size;
      node->spare -= static_cast<std::uint32_t>(text.size());
      return;
    }
  } else if (size <= inline_capacity) {
    char joined[inline_capacity];
    std::memcpy(joined, own.data(), own.size());
    std::memcpy(joined + own.size(), text.data(), text.size());
    Access::set_inline(*this, {joined, size});
    return;
  }
  auto* node = Access::make_text(own, std::max(size, own.size() + own.size() / 2 + 16));
  std::memcpy(Access::content(node) + own.size(), text.data(), text.size());
  node->size = size;
  node->spare -= static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), node->spare));
  *this = Access::adopt(Tag::text, node);
}

void Value::assign_text(std::string_view text) {
  if (tag() == Tag::text) {
    auto* node = Access::text(*this);
    const std::size_t capacity = node->size + node->spare;
    // A much too large block is given back rather than kept for a short text.
    if (is_sole(node->references) && text.size() <= capacity && (capacity <= 4096 || text.size() >= capacity / 4)) {
      if (!text.empty()) std::memmove(Access::content(node), text.data(), text.size());
      node->spare = static_cast<std::uint32_t>(std::min<std::size_t>(capacity - text.size(), UINT32_MAX));
      node->size = text.size();
      return;
    }
  }
  *this = Value(text);
}

// --- comparing -------------------------------------------------------------------------------------------------

namespace {

bool same_number(std::int64_t integer, double number) noexcept {
  // 2^63 is the first double beyond int64; within, the comparison is made where both are exact.
  if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) return false;
  return std::trunc(number) == number && static_cast<std::int64_t>(number) == integer;
}

struct Pair {
  const Value* left;
  const Value* right;
  std::size_t next;
};

enum class Verdict { different, same, look_inside };

Verdict compare(const Value& left, const Value& right) noexcept {
  using Kind = Value::Kind;
  if (left.is_number() && right.is_number()) {
    bool same = false;
    if (left.is_integer() && right.is_integer()) {
      same = left.as_integer() == right.as_integer();
    } else if (left.is_integer()) {
      same = same_number(left.as_integer(), right.as_number());
    } else if (right.is_integer()) {
      same = same_number(right.as_integer(), left.as_number());
    } else {
      same = left.as_number() == right.as_number();
    }
    return same ? Verdict::same : Verdict::different;
  }
  if (left.kind() != right.kind()) return Verdict::different;
  switch (left.kind()) {
    case Kind::null:
      return Verdict::same;
    case Kind::boolean:
      return left.as_boolean() == right.as_boolean() ? Verdict::same : Verdict::different;
    case Kind::string:
    case Kind::bytes:
      return left.as_string() == right.as_string() ? Verdict::same : Verdict::different;
    default:
      break;
  }
  if (&left == &right || (left.size() == 0 && right.size() == 0)) return Verdict::same;
  // Equal contents have equal sizes, whichever way they are stored.
  return left.size() == right.size() && left.byte_size() == right.byte_size() ? Verdict::look_inside
                                                                              : Verdict::different;
}

}  // namespace

bool operator==(const Value& left, const Value& right) {
  Verdict verdict = compare(left, right);
  if (verdict != Verdict::look_inside) return verdict == Verdict::same;
  std::vector<Pair> open{{&left, &right, 0}};
  while (!open.empty()) {
    Pair& pair = open.back();
    if (pair.next == pair.left->size() || pair.left->payload_.node == pair.right->payload_.node) {
      open.pop_back();
      continue;
    }
    const std::size_t position = pair.next++;
    const Value* inner_left = &(*pair.left)[position];
    const Value* inner_right = nullptr;
    if (pair.left->is_array()) {
      inner_right = &(*pair.right)[position];
    } else {
      const std::string_view key = pair.left->key_at(position);
      std::size_t found = position;  // mostly the same form
      if (pair.right->key_at(position) != key) {
        found = Value::Access::position(*pair.right, key);
        if (found == base::Shape::npos) return false;
        const bool ignore_case = pair.left->keys_ignore_case() && pair.right->keys_ignore_case();
        if (!ignore_case && pair.right->key_at(found) != key) return false;
      }
      inner_right = &(*pair.right)[found];
    }
    verdict = compare(*inner_left, *inner_right);
    if (verdict == Verdict::different) return false;
    if (verdict == Verdict::look_inside) open.push_back({inner_left, inner_right, 0});
  }
  return true;
}

}  // namespace fnstack
