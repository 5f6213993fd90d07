#include "base/json_builder.hpp"

#include <algorithm>

namespace fnstack::base {

JsonBuilder::~JsonBuilder() {
  for (const Open& open : open_) {
    if (open.shape != nullptr) open.shape->release();
    const Value gone = Access::adopt(open.tag, open.node);
  }
  for (Shape* shape : last_) {
    if (shape != nullptr) shape->release();
  }
}

bool JsonBuilder::begin(Access::Tag tag, std::size_t expected) {
  if (open_.size() >= limits_.depth) {
    refusal_ = Refusal::depth;
    return false;
  }
  if (!count(16)) return false;
  if (expected > (limits_.bytes - total_) / sizeof(Value)) {  // refused before the memory is asked for
    refusal_ = Refusal::bytes;
    return false;
  }
  Shape* guess = nullptr;
  const std::size_t depth = open_.size();
  if (depth >= last_.size()) last_.resize(depth + 1, nullptr);
  if (tag == Access::Tag::object) guess = last_[depth];
  if (open_.size() == open_.capacity()) open_.reserve(std::max<std::size_t>(16, open_.size() * 2));
  Access::ListNode* node = Access::make_list(tag, expected);
  if (guess != nullptr) guess->retain();
  open_.push_back({tag, guess != nullptr, guess, 0, node});
  return true;
}

bool JsonBuilder::key(std::string_view name) {
  Open& open = open_.back();
  const std::uint32_t here = open.node->count;
  if (open.guessing) {
    if (here < open.shape->size() && open.shape->is_key(here, name)) {
      open.position = here;
      return count(name.size());
    }
    Shape* own = Shape::make_prefix(*open.shape, here);
    open.shape->release();
    open.shape = own;
    open.guessing = false;
  }
  if (open.shape == nullptr) open.shape = Shape::make();
  const std::size_t found = open.shape->find(name);
  if (found != Shape::npos) {  // again: this value counts, at that place
    open.position = static_cast<std::uint32_t>(found);
    return true;
  }
  open.shape->add(name);
  open.position = here;
  return count(name.size());
}

bool JsonBuilder::value(Value value) { return count(value.byte_size()) && place(std::move(value)); }

bool JsonBuilder::place(Value value) {
  if (open_.empty()) {
    result_ = std::move(value);
    return true;
  }
  Open& open = open_.back();
  Access::ListNode* node = open.node;
  if (open.tag == Access::Tag::object && open.position < node->count) {
    Value& old = Access::items(node, open.tag)[open.position];
    total_ -= old.byte_size();
    old = std::move(value);
    return true;
  }
  if (node->count == node->capacity) {
    node = Access::resize_list(node, open.tag, std::max<std::size_t>(4, std::size_t{node->capacity} * 2));
    open.node = node;
  }
  new (Access::items(node, open.tag) + node->count) Value(std::move(value));
  ++node->count;
  return true;
}

bool JsonBuilder::end() {
  Open& open = open_.back();
  const std::size_t depth = open_.size() - 1;
  if (open.guessing && open.shape->size() != open.node->count) {
    Shape* own = open.node->count == 0 ? nullptr : Shape::make_prefix(*open.shape, open.node->count);
    open.shape->release();
    open.shape = own;
  }
  // A list that grew by guessing gives back what it does not need.
  if (open.node->capacity - open.node->count > open.node->count / 4 + 4) {
    open.node = Access::resize_list(open.node, open.tag, open.node->count);
  }
  Access::ListNode* node = open.node;
  std::uint64_t bytes = 16 + (open.shape == nullptr ? 0 : open.shape->key_bytes());
  std::uint32_t deepest = 0;
  const Value* item = Access::items(node, open.tag);
  for (std::uint32_t i = 0; i < node->count; ++i) {
    bytes = Access::add(bytes, item[i].byte_size());
    deepest = std::max(deepest, item[i].depth());
  }
  node->bytes = bytes;
  node->depth.store(0, std::memory_order_relaxed);
  Access::raise_depth(node, deepest);
  if (open.shape != nullptr) {
    if (last_[depth] != open.shape) {
      if (last_[depth] != nullptr) last_[depth]->release();
      last_[depth] = open.shape;
      open.shape->retain();
    }
    static_cast<Access::ObjectNode*>(node)->shape = open.shape;
  }
  Value done = Access::adopt(open.tag, node);
  open_.pop_back();
  return place(std::move(done));
}

}  // namespace fnstack::base
