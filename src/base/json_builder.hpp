// JsonBuilder: a Value out of what a reader of JSON tells it, in one block of memory for each container, with the
// limits kept. Knows no text.
//
// The keys of an object are guessed to be those of the last object at the same depth, and confirmed one by one:
// so a page of records shares one list of keys, and only a new list is looked through for repeated keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <fnstack/json.hpp>

#include "base/value_node.hpp"

namespace fnstack::base {

class JsonBuilder {
 public:
  enum class Refusal { none, depth, bytes };

  explicit JsonBuilder(const JsonLimits& limits) : limits_(limits) {}
  JsonBuilder(const JsonBuilder&) = delete;
  JsonBuilder& operator=(const JsonBuilder&) = delete;
  ~JsonBuilder();

  // Each answers false if a limit is passed; the builder can only be destroyed then. `expected`: how many values
  // will come, if known.
  bool begin_array(std::size_t expected) { return begin(Value::Access::Tag::array, expected); }
  bool begin_object(std::size_t expected) { return begin(Value::Access::Tag::object, expected); }
  bool key(std::string_view name);
  bool value(Value value);
  bool end();  // of the innermost container

  [[nodiscard]] std::size_t depth() const noexcept { return open_.size(); }
  [[nodiscard]] bool in_array() const noexcept { return open_.back().tag == Value::Access::Tag::array; }
  // The document, once it is whole.
  [[nodiscard]] Value take() { return std::move(result_); }
  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }

 private:
  using Access = Value::Access;
  struct Open {
    Access::Tag tag;
    bool guessing;           // shape is another object's, confirmed up to the node's count
    Shape* shape;            // null: no key yet; with a reference of its own
    std::uint32_t position;  // of the value to come
    Access::ListNode* node;  // its count is always that of its values
  };

  bool begin(Access::Tag tag, std::size_t expected);
  bool place(Value value);
  bool count(std::uint64_t bytes) {
    total_ = Access::add(total_, bytes);
    if (total_ <= limits_.bytes) return true;
    refusal_ = Refusal::bytes;
    return false;
  }

  JsonLimits limits_;
  std::uint64_t total_ = 0;  // byte_size of all that came so far
  Refusal refusal_ = Refusal::none;
  std::vector<Open> open_;
  std::vector<Shape*> last_;  // by depth
  Value result_;
};

}  // namespace fnstack::base
