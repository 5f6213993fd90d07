// The opt-in conversion between Value and nlohmann/json.
#include <fnstack/nlohmann.hpp>

#include <cstdint>
#include <string>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

using fnstack::from_nlohmann;
using fnstack::to_nlohmann;
using fnstack::Value;
using Json = nlohmann::ordered_json;

TEST_CASE("both ways every kind stays what it is", "[nlohmann]") {
  const std::string text =
      R"({"z":null,"a":[true,false,-5,9223372036854775807,1.5,"text",[],{}],"m":{"k":{"d":["longer than fourteen"]}}})";
  const Json json = Json::parse(text);
  const Value value = from_nlohmann(json);
  CHECK(fnstack::to_json(value) == text);
  CHECK(to_nlohmann(value).dump() == text);
  CHECK(to_nlohmann(value) == json);
  for (const char* scalar : {"null", "true", "-1", "2.5", "\"x\"", "[]", "{}"}) {
    CHECK(to_nlohmann(from_nlohmann(Json::parse(scalar))).dump() == scalar);
  }
  // a plain nlohmann::json sorts its keys
  CHECK(to_nlohmann<nlohmann::json>(Value::object({{"b", 1}, {"a", 2}})).dump() == R"({"a":2,"b":1})");
  CHECK(fnstack::to_json(from_nlohmann(nlohmann::json{{"x", 1}})) == R"({"x":1})");
}

TEST_CASE("numbers beyond int64 and bytes", "[nlohmann]") {
  CHECK(from_nlohmann(Json(UINT64_MAX)) == Value(18446744073709551616.0));
  CHECK(from_nlohmann(Json(std::uint64_t{5})).is_integer());
  const Json binary = Json::binary({0, 255, 1});
  CHECK(from_nlohmann(binary) == Value::bytes(std::string_view("\0\xff\x01", 3)));
  CHECK(to_nlohmann(from_nlohmann(binary)) == binary);
}

TEST_CASE("depth is no danger", "[nlohmann]") {
  Value value = Value::array();
  for (int i = 0; i < 100'000; ++i) {
    Value outer = Value::array();
    outer.push_back(std::move(value));
    value = std::move(outer);
  }
  const Value back = from_nlohmann(to_nlohmann(value));
  CHECK((back == value));
}
