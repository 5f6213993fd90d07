// KeyList: the same list of keys is known again, and never changes while it is held.
#include "base/key_list.hpp"

#include <utility>
#include <vector>

#include "support/catch.hpp"

using fnstack::Value;
using fnstack::base::KeyList;

TEST_CASE("a key list is known again in all objects that share it", "[key_list]") {
  const Value model = Value::object({{"a", 1}, {"b", 2}});
  const KeyList keys(model);
  std::vector<Value> values{3, 4};
  CHECK(keys.is_of(model));
  CHECK(keys.is_of(Value::object_like(model, values)));
  CHECK_FALSE(keys.is_of(Value::object({{"a", 1}, {"b", 2}})));
  CHECK_FALSE(keys.is_of(Value::array({1, 2})));
  CHECK_FALSE(keys.is_of(Value()));

  KeyList moved;
  CHECK_FALSE(moved.is_of(Value::object()));
  CHECK_FALSE(moved.is_of(Value()));
  moved = KeyList(model);
  CHECK(moved.is_of(model));
  CHECK(KeyList(std::move(moved)).is_of(model));
}

TEST_CASE("a key list that is held does not change with the object", "[key_list]") {
  Value object = Value::object({{"a", 1}, {"b", 2}});
  const KeyList keys(object);
  SECTION("one more") { object.set("c", 3); }
  SECTION("one less") { object.erase("a"); }
  SECTION("another object in its place") {
    object = Value();
    object = Value::object({{"c", 1}, {"d", 2}});
  }
  CHECK_FALSE(keys.is_of(object));
}
