#include "base/kind_in_words.hpp"

namespace fnstack::base {

std::string_view kind_in_words(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return "a boolean";
    case Value::Kind::integer:
    case Value::Kind::number:
      return "a number";
    case Value::Kind::string:
      return "text";
    case Value::Kind::bytes:
      return "bytes";
    case Value::Kind::array:
      return "a list";
    case Value::Kind::object:
      return "an object";
  }
  return "a value";
}

}  // namespace fnstack::base
