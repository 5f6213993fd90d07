// Value: kinds, sharing, sizes, and data as deep and as wide as anyone may make it.
#include <fnstack/value.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

using fnstack::Value;
using Kind = fnstack::Value::Kind;

namespace {

const std::string long_text = "longer than fourteen bytes";

Value nested(std::size_t levels) {
  Value value = Value::array();
  for (std::size_t i = 1; i < levels; ++i) {
    if (i % 2 == 0) {
      Value outer = Value::array();
      outer.push_back(std::move(value));
      value = std::move(outer);
    } else {
      Value outer = Value::object();
      outer.set("k", std::move(value));
      value = std::move(outer);
    }
  }
  return value;
}

}  // namespace

TEST_CASE("a Value is of the kind it was made of", "[value]") {
  CHECK(Value().kind() == Kind::null);
  CHECK(Value(nullptr).kind() == Kind::null);
  CHECK(Value(true).kind() == Kind::boolean);
  CHECK(Value(1).kind() == Kind::integer);
  CHECK(Value(1U).kind() == Kind::integer);
  CHECK(Value(std::size_t{1}).kind() == Kind::integer);
  CHECK(Value(1.0).kind() == Kind::number);
  CHECK(Value("a").kind() == Kind::string);
  CHECK(Value(long_text).kind() == Kind::string);
  CHECK(Value::bytes("a").kind() == Kind::bytes);
  CHECK(Value::array().kind() == Kind::array);
  CHECK(Value::object().kind() == Kind::object);
  CHECK(Value::headers().kind() == Kind::object);

  CHECK(Value(INT64_MIN).as_integer() == INT64_MIN);
  CHECK(Value(std::uint64_t{INT64_MAX}).as_integer() == INT64_MAX);
  CHECK(Value(std::uint64_t{UINT64_MAX}).kind() == Kind::number);
  CHECK(Value(std::uint64_t{UINT64_MAX}).as_number() == 18446744073709551616.0);
  CHECK(Value(7).as_number() == 7.0);
  CHECK(Value(true).as_boolean());
}

TEST_CASE("asking for another kind gives nothing", "[value]") {
  const Value text("text");
  CHECK_FALSE(text.as_boolean());
  CHECK(text.as_integer() == 0);
  CHECK(text.as_number() == 0.0);
  CHECK(text.size() == 0);
  CHECK(text[0].is_null());
  CHECK(text.find("a") == nullptr);
  CHECK(text.get("a").is_null());
  CHECK(text.key_at(0).empty());
  CHECK(Value(1.5).as_integer() == 0);
  CHECK(Value(1).as_string().empty());
  CHECK(Value::array({1})[1].is_null());
  CHECK(Value::object().key_at(0).empty());
}

TEST_CASE("strings of every length around the inline limit keep their bytes", "[value]") {
  std::string text;
  for (std::size_t length = 0; length <= 40; ++length) {
    const Value value(text);
    const Value copy = value;
    CHECK(value.as_string() == text);
    CHECK(copy.as_string() == text);
    CHECK(value == copy);
    CHECK(value.byte_size() == 16 + length);
    text += length % 5 == 0 ? '\0' : static_cast<char>('a' + length % 26);
  }
}

TEST_CASE("copies share and never see each other change", "[value]") {
  Value first = Value::object({{"list", Value::array({1, 2, 3})}, {"name", long_text}});
  const Value second = first;
  first.set("name", "other");
  first.set("more", 1);
  Value list = first.take_at(0);
  list.push_back(4);
  first.set_at(0, list);
  list.push_back(5);
  CHECK(to_json(first) == R"({"list":[1,2,3,4],"name":"other","more":1})");
  CHECK(to_json(second) == R"({"list":[1,2,3],"name":"longer than fourteen bytes"})");
  CHECK(to_json(list) == "[1,2,3,4,5]");

  Value text(long_text);
  const Value kept = text;
  text.append("!");
  CHECK(text.as_string() == long_text + "!");
  CHECK(kept.as_string() == long_text);
  text = kept;
  text.assign_text("another text that is long");
  CHECK(kept.as_string() == long_text);
}

TEST_CASE("a sole owner changes in place", "[value]") {
  Value list = Value::array();
  list.reserve(100);
  list.push_back(long_text);
  const Value* where = &list[0];
  for (int i = 1; i < 100; ++i) list.push_back(i);
  CHECK(&list[0] == where);
  list.set_at(0, 0);
  CHECK(&list[0] == where);

  Value text(std::string(100, 'a'));
  const char* bytes = text.as_string().data();
  text.assign_text("short");
  CHECK(text.as_string() == "short");
  CHECK(text.as_string().data() == bytes);
  CHECK(text == Value("short"));
  text.append(std::string(90, 'b'));
  CHECK(text.as_string().data() == bytes);
}

TEST_CASE("a huge text's storage is not kept for a short one", "[value]") {
  Value text(std::string(100'000, 'a'));
  text.assign_text("short");
  CHECK(text == Value("short"));
  text.append(std::string(20, 'b'));
  CHECK(text.as_string() == "short" + std::string(20, 'b'));
}

TEST_CASE("changing a value of another kind makes it one of the kind", "[value]") {
  Value value(5);
  value.push_back(1);
  CHECK(to_json(value) == "[1]");
  value.set("a", 1);
  CHECK(to_json(value) == R"({"a":1})");
  value.append("x");
  CHECK(to_json(value) == R"("x")");
  CHECK_FALSE(value.erase("a"));
  CHECK(to_json(value) == "{}");
  value.reserve(3);
  CHECK(to_json(value) == "[]");
  value = nullptr;
  value.set_at(0, 1);
  CHECK(value.is_null());
  CHECK(value.take_at(0).is_null());
}

TEST_CASE("arguments may stand in the value that changes", "[value]") {
  Value list = Value::array({long_text});
  list.push_back(list);
  list.push_back(list[0]);
  CHECK(to_json(list) ==
        R"(["longer than fourteen bytes",["longer than fourteen bytes"],"longer than fourteen bytes"])");
  list = list[1];
  CHECK(to_json(list) == R"(["longer than fourteen bytes"])");

  Value object = Value::object({{"key", "inline key"}});
  for (int i = 0; i < 20; ++i) {
    object.set(object[static_cast<std::size_t>(i)].as_string(), "inline key" + std::to_string(i));
  }
  CHECK(object.size() == 21);
  CHECK(object.key_at(1) == "inline key");
  CHECK(object.key_at(20) == "inline key18");
  object = Value::object({{"one", 1}, {"two", 2}});
  object.set(object.key_at(0).substr(1), 3);
  CHECK(to_json(object) == R"({"one":1,"two":2,"ne":3})");
  CHECK(object.erase(object.key_at(0)));
  CHECK(to_json(object) == R"({"two":2,"ne":3})");

  Value text("ab");
  for (int i = 0; i < 6; ++i) text.append(text.as_string());
  CHECK(text.as_string().size() == 128);
  text.assign_text(text.as_string().substr(1, 100));
  CHECK(text.as_string().substr(0, 4) == "baba");
  CHECK(text.as_string().size() == 100);
  Value key("a key of a string value");
  key.set(key.as_string(), 1);
  CHECK(to_json(key) == R"({"a key of a string value":1})");
}

TEST_CASE("objects keep the order of keys and find them, few or many", "[value]") {
  for (const int count : {1, 7, 8, 9, 10, 100, 5000}) {
    Value object = Value::object();
    for (int i = 0; i < count; ++i) object.set("key" + std::to_string(i * 7), i);
    REQUIRE(object.size() == static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      REQUIRE(object.key_at(static_cast<std::size_t>(i)) == "key" + std::to_string(i * 7));
      REQUIRE(object.get("key" + std::to_string(i * 7)) == Value(i));
    }
    CHECK(object.find("key") == nullptr);
    CHECK(object.find("key1") == nullptr);
    object.set("key0", "new");
    CHECK(object.size() == static_cast<std::size_t>(count));
    CHECK(object[0] == Value("new"));
  }
}

TEST_CASE("keys of all lengths differ by every byte", "[value]") {
  Value object = Value::object();
  std::vector<std::string> keys{""};
  for (std::size_t length = 1; length <= 20; ++length) {
    for (std::size_t place = 0; place < length; ++place) {
      std::string key(length, 'a');
      key[place] = 'b';
      keys.push_back(key);
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Value few = Value::object({{keys[i], 1}});
    for (std::size_t j = 0; j < keys.size(); ++j) REQUIRE((few.find(keys[j]) != nullptr) == (i == j));
    object.set(keys[i], i);
  }
  CHECK(object.size() == keys.size());
}

TEST_CASE("erasing closes the gap", "[value]") {
  Value object = Value::object();
  for (int i = 0; i < 20; ++i) object.set("k" + std::to_string(i), i);
  const Value before = object;
  CHECK(object.erase("k0"));
  CHECK(object.erase("k10"));
  CHECK(object.erase("k19"));
  CHECK_FALSE(object.erase("k19"));
  CHECK(object.size() == 17);
  CHECK(object.key_at(0) == "k1");
  CHECK(object.get("k11") == Value(11));
  CHECK(object.find("k10") == nullptr);
  CHECK(before.size() == 20);
  CHECK(before.get("k10") == Value(10));
  object.set("k10", "back");
  CHECK(object.key_at(17) == "k10");
}

TEST_CASE("header objects ignore the case of keys, copies too", "[value]") {
  Value headers = Value::headers();
  headers.set("Content-Type", "text/html");
  headers.set("content-TYPE", "text/plain");
  CHECK(headers.size() == 1);
  CHECK(headers.key_at(0) == "Content-Type");
  CHECK(headers.get("CONTENT-type") == Value("text/plain"));
  Value copy = headers;
  copy.set("X-1", 1);
  for (int i = 2; i < 20; ++i) copy.set("X-" + std::to_string(i), i);
  CHECK(copy.keys_ignore_case());
  CHECK(copy.get("x-17") == Value(17));
  CHECK(copy.get("content-type") == Value("text/plain"));
  CHECK(copy.erase("x-1"));
  CHECK(headers.find("x-1") == nullptr);
  CHECK_FALSE(Value::object({{"A", 1}}).keys_ignore_case());
  CHECK(Value::object({{"A", 1}}).find("a") == nullptr);
}

TEST_CASE("object_like shares the keys of its model", "[value]") {
  const Value model = Value::object({{"a", 1}, {"b", 2}});
  Value values[] = {Value("x"), Value::array({1})};
  Value made = Value::object_like(model, values);
  CHECK(to_json(made) == R"({"a":"x","b":[1]})");
  CHECK(made.byte_size() == Value::object({{"a", "x"}, {"b", Value::array({1})}}).byte_size());
  CHECK(made.depth() == 2);
  made.set("c", 3);
  CHECK(to_json(model) == R"({"a":1,"b":2})");
  CHECK(to_json(Value::object_like(Value::object(), {})) == "{}");
}

TEST_CASE("byte_size counts as if nothing were shared", "[value]") {
  CHECK(Value().byte_size() == 16);
  CHECK(Value(1).byte_size() == 16);
  CHECK(Value("abc").byte_size() == 19);
  CHECK(Value::bytes("abc").byte_size() == 19);
  Value list = Value::array({1, "abc"});
  CHECK(list.byte_size() == 16 + 16 + 19);
  Value object = Value::object({{"key", list}, {"other", list}});
  CHECK(object.byte_size() == 16 + 3 + 51 + 5 + 51);
  const Value taken = object.take_at(0);
  CHECK(taken == list);
  CHECK(object.byte_size() == 16 + 3 + 16 + 5 + 51);
  object.set_at(0, "ab");
  CHECK(object.byte_size() == 16 + 3 + 18 + 5 + 51);
  object.set("key", Value());
  CHECK(object.erase("other"));
  CHECK(object.byte_size() == 16 + 3 + 16);
  Value inline_taken = Value::array({"abc"});
  CHECK(inline_taken.take_at(0) == Value("abc"));
  CHECK(inline_taken.byte_size() == 32);
}

TEST_CASE("byte_size saturates and comes back", "[value]") {
  Value doubled = Value::array({long_text});
  for (int i = 0; i < 70; ++i) doubled = Value::array({doubled, doubled});
  CHECK(doubled.byte_size() == std::numeric_limits<std::uint64_t>::max());
  Value list = Value::array({1});
  list.push_back(doubled);
  list.push_back(doubled);
  CHECK(list.byte_size() == std::numeric_limits<std::uint64_t>::max());
  list.set_at(1, 2);
  CHECK(list.byte_size() == std::numeric_limits<std::uint64_t>::max());
  CHECK(list.take_at(2).byte_size() == std::numeric_limits<std::uint64_t>::max());
  CHECK(list.byte_size() == 16 + 3 * 16);
  Value object = Value::object({{"big", doubled}, {"small", 1}});
  CHECK(object.erase("big"));
  CHECK(object.byte_size() == 16 + 5 + 16);
}

TEST_CASE("depth follows what comes and goes", "[value]") {
  CHECK(Value(1).depth() == 0);
  CHECK(Value::array().depth() == 1);
  Value list = Value::array({1, Value::array({Value::array()}), Value::array()});
  CHECK(list.depth() == 3);
  Value inner = list.take_at(1);
  CHECK(inner.depth() == 2);
  CHECK(list.depth() == 2);
  list.set_at(1, inner);
  CHECK(list.depth() == 3);
  list.set_at(1, 1);
  CHECK(list.depth() == 2);
  list.set_at(2, 1);
  CHECK(list.depth() == 1);
  Value object = Value::object({{"a", inner}, {"b", 1}});
  CHECK(object.depth() == 3);
  const Value copy = object;
  CHECK(object.erase("a"));
  CHECK(object.depth() == 1);
  CHECK(copy.depth() == 3);
}

TEST_CASE("erasing in any order leaves the index right", "[value]") {
  std::mt19937 random(7);
  Value object = Value::object();
  std::vector<std::string> keys;
  for (int round = 0; round < 4'000; ++round) {
    if (keys.size() < 10 || random() % 2 == 0) {
      std::string key = "key" + std::to_string(round);
      object.set(key, round);
      keys.push_back(std::move(key));
    } else {
      const auto gone = keys.begin() + static_cast<std::ptrdiff_t>(random() % keys.size());
      REQUIRE(object.erase(*gone));
      REQUIRE(object.find(*gone) == nullptr);
      keys.erase(gone);
    }
    if (round % 50 != 0) continue;
    REQUIRE(object.size() == keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      REQUIRE(object.key_at(i) == keys[i]);
      REQUIRE(object.find(keys[i]) == &object[i]);
    }
  }
}

TEST_CASE("erase_at moves up what comes after", "[value]") {
  Value list = Value::array({"a", Value::array({Value::array()}), "c", long_text});
  const Value before = list;
  list.erase_at(1);
  CHECK(to_json(list) == to_json(Value::array({"a", "c", long_text})));
  CHECK(list.depth() == 1);
  CHECK(list.byte_size() == Value::array({"a", "c", long_text}).byte_size());
  list.erase_at(2);
  list.erase_at(0);
  list.erase_at(7);
  CHECK(to_json(list) == R"(["c"])");
  list.erase_at(0);
  CHECK(list.size() == 0);
  CHECK(list.is_array());
  CHECK(before.size() == 4);
}

TEST_CASE("is_deeper_than is exact whatever came and went", "[value]") {
  CHECK_FALSE(Value(1).is_deeper_than(0));
  CHECK(Value::array().is_deeper_than(0));
  Value list = Value::array({1, Value::array({Value::array()}), Value::array()});
  CHECK(list.is_deeper_than(2));
  CHECK_FALSE(list.is_deeper_than(3));
  list.set_at(1, 1);
  CHECK_FALSE(list.is_deeper_than(3));
  CHECK_FALSE(list.is_deeper_than(2));
  CHECK(list.is_deeper_than(1));
  CHECK(list.depth() == 2);
}

TEST_CASE("data 200,000 levels deep is compared, printed, sized and destroyed", "[value]") {
  constexpr std::size_t levels = 200'000;
  const Value left = nested(levels);
  const Value right = nested(levels);
  CHECK(left.depth() == levels);
  CHECK((left == right));
  Value other = right;
  other.set("k", 1);
  CHECK_FALSE((left == other));
  // Of every two levels one is {"k":…}, one […].
  CHECK(to_json(left).size() == levels / 2 * 2 + levels / 2 * 6);
  CHECK_FALSE(to_pretty_json(left).empty());
}

TEST_CASE("equality is by content", "[value]") {
  CHECK(Value(1) == Value(1.0));
  CHECK_FALSE(Value(1) == Value("1"));
  CHECK_FALSE(Value(1) == Value(true));
  CHECK_FALSE(Value() == Value(false));
  CHECK_FALSE(Value("a") == Value::bytes("a"));
  // 2^53 + 1 has no double; the nearest is 2^53.
  CHECK_FALSE(Value(std::int64_t{9007199254740993}) == Value(9007199254740992.0));
  CHECK_FALSE(Value(INT64_MAX) == Value(9223372036854775808.0));
  CHECK(Value(INT64_MIN) == Value(-9223372036854775808.0));
  CHECK_FALSE(Value(1) == Value(1.5));
  CHECK_FALSE(Value(0) == Value(std::nan("")));
  CHECK_FALSE(Value(std::nan("")) == Value(std::nan("")));
  CHECK_FALSE(Value::array() == Value::object());
  CHECK(Value::object() == Value::headers());
  CHECK(Value::object({{"a", 1}, {"b", Value::array({1.0})}}) == Value::object({{"b", Value::array({1})}, {"a", 1}}));
  CHECK_FALSE(Value::object({{"a", 1}}) == Value::object({{"b", 1}}));
  CHECK_FALSE(Value::object({{"a", nullptr}, {"b", 1}}) == Value::object({{"c", nullptr}, {"b", 1}}));
  CHECK_FALSE(Value::array({1, 2}) == Value::array({2, 1}));

  Value upper = Value::headers();
  upper.set("A", 1);
  Value lower = Value::headers();
  lower.set("a", 1);
  CHECK(upper == lower);
  CHECK_FALSE(upper == Value::object({{"a", 1}}));
  CHECK_FALSE(Value::object({{"a", 1}}) == upper);
  CHECK(lower == Value::object({{"a", 1}}));
}

TEST_CASE("threads copy, read and drop one value at once", "[value]") {
  Value shared = Value::object({{"list", Value::array({long_text, Value::array({1})})}});
  Value list = shared.take_at(0);
  CHECK(list.take_at(1).depth() == 1);  // leaves the list's depth to be measured by whoever asks first
  shared.set_at(0, list);
  std::vector<std::thread> threads;
  std::vector<std::size_t> sums(4, 0);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        Value copy = shared;
        sums[t] += copy.get("list")[0].as_string().size() + copy.depth() + list.depth();
        copy.set("more", copy);
        sums[t] += copy.size();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::size_t each = 2000 * (long_text.size() + 2 + 1 + 2);
  CHECK(sums == std::vector<std::size_t>(4, each));
  CHECK(shared.size() == 1);
}
