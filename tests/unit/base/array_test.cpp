// Array: a block of its own for each, copied whole and moved as a pointer.
#include "base/array.hpp"

#include <fnstack/value.hpp>

#include "support/catch.hpp"

using fnstack::Value;
using fnstack::base::Array;

TEST_CASE("an array holds as many values as it was made with, each null at first") {
  static_assert(sizeof(Array<Value>) == sizeof(void*));
  const Array<Value> none;
  CHECK(none.size() == 0);
  CHECK(none.begin() == none.end());
  CHECK(Array<Value>(0).data() == nullptr);
  Array<Value> three(3);
  REQUIRE(three.size() == 3);
  for (const Value& value : three) CHECK(value.is_null());
}

TEST_CASE("a copy of an array has elements of its own, a move takes them") {
  const std::string text(100, 'x');
  Array<Value> first(2);
  first[1] = Value(text);
  Array<Value> copy = first;
  copy[0] = Value(1);
  CHECK(first[0].is_null());
  CHECK(copy[1] == Value(text));
  Array<Value> moved = std::move(copy);
  CHECK(copy.size() == 0);  // NOLINT(bugprone-use-after-move): that is what is promised
  CHECK(moved[0] == Value(1));
  moved = first;
  CHECK(moved[0].is_null());
  CHECK(moved[1] == Value(text));
  moved = Array<Value>();
  CHECK(moved.size() == 0);
}
