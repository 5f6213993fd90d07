// Opt-in: Value to and from nlohmann::ordered_json (or any other nlohmann::basic_json), for hosts that have their
// data there. Not part of fnstack.hpp; the library itself does not need nlohmann/json.
//
// Order of keys, 64-bit integers and binary data are kept. Not recursive over the data's nesting.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <fnstack/value.hpp>

namespace fnstack {

template <class Json = nlohmann::ordered_json>
[[nodiscard]] Json to_nlohmann(const Value& value) {
  struct Open {
    const Value* from;
    Json* to;
    std::size_t next;
  };
  const auto scalar = [](const Value& from) -> Json {
    switch (from.kind()) {
      case Value::Kind::boolean:
        return Json(from.as_boolean());
      case Value::Kind::integer:
        return Json(from.as_integer());
      case Value::Kind::number:
        return Json(from.as_number());
      case Value::Kind::string:
        return Json(std::string(from.as_string()));
      case Value::Kind::bytes: {
        const std::string_view content = from.as_string();
        return Json::binary(typename Json::binary_t::container_type(content.begin(), content.end()));
      }
      case Value::Kind::array:
        return Json(Json::value_t::array);
      case Value::Kind::object:
        return Json(Json::value_t::object);
      case Value::Kind::null:
        break;
    }
    return Json(nullptr);
  };
  Json result = scalar(value);
  std::vector<Open> open;
  if (value.is_container()) open.push_back({&value, &result, 0});
  while (!open.empty()) {
    Open& top = open.back();
    if (top.next == top.from->size()) {
      open.pop_back();
      continue;
    }
    const std::size_t position = top.next++;
    const Value& item = (*top.from)[position];
    Json* place = nullptr;
    if (top.from->is_array()) {
      top.to->push_back(scalar(item));
      place = &top.to->back();
    } else {
      // Each key comes once, so no search for it: in an ordered_json that would be a search for each key.
      auto& members = top.to->template get_ref<typename Json::object_t&>();
      place = &members.emplace(std::string(top.from->key_at(position)), scalar(item)).first->second;
    }
    // `place` stays valid: its container grows only after what stands in it is done.
    if (item.is_container()) open.push_back({&item, place, 0});
  }
  return result;
}

template <class Json = nlohmann::ordered_json>
[[nodiscard]] Value from_nlohmann(const Json& json) {
  struct Open {
    typename Json::const_iterator next, end;
    Value to;
    std::string key;  // of the member in work
  };
  const auto scalar = [](const Json& from) -> Value {
    switch (from.type()) {
      case Json::value_t::boolean:
        return Value(from.template get<bool>());
      case Json::value_t::number_integer:
        return Value(from.template get<std::int64_t>());
      case Json::value_t::number_unsigned:
        return Value(from.template get<std::uint64_t>());
      case Json::value_t::number_float:
        return Value(from.template get<double>());
      case Json::value_t::string:
        return Value(std::string_view(from.template get_ref<const typename Json::string_t&>()));
      case Json::value_t::binary: {
        const auto& content = from.get_binary();
        return Value::bytes({reinterpret_cast<const char*>(content.data()), content.size()});
      }
      case Json::value_t::array:
        return Value::array();
      case Json::value_t::object:
        return Value::object();
      default:  // null and discarded
        return Value();
    }
  };
  Value done = scalar(json);
  if (!json.is_structured()) return done;
  std::vector<Open> open;
  open.push_back({json.begin(), json.end(), std::move(done), {}});
  for (;;) {
    Open& top = open.back();
    if (top.next == top.end) {
      done = std::move(top.to);
      open.pop_back();
      if (open.empty()) return done;
      Open& outer = open.back();
      if (outer.to.is_array()) {
        outer.to.push_back(std::move(done));
      } else {
        outer.to.set(outer.key, std::move(done));
      }
      continue;
    }
    const Json& item = *top.next;
    if (top.to.is_object()) top.key = top.next.key();
    ++top.next;
    Value inner = scalar(item);
    if (item.is_structured()) {
      open.push_back({item.begin(), item.end(), std::move(inner), {}});
    } else if (top.to.is_array()) {
      top.to.push_back(std::move(inner));
    } else {
      top.to.set(top.key, std::move(inner));
    }
  }
}

}  // namespace fnstack
