// How valijson sees a Value: its adapter, which reads in place and copies nothing but keys. Each adapter carries the
// check it belongs to. For json_schema.cpp alone; compiles with valijson 1.0 to 1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#ifndef VALIJSON_USE_EXCEPTIONS
#define VALIJSON_USE_EXCEPTIONS 1  // without them it ends the process
#endif
#include <valijson/internal/adapter.hpp>
#include <valijson/internal/basic_adapter.hpp>
#include <valijson/internal/frozen_value.hpp>

#include <fnstack/value.hpp>

namespace fnstack::base::schema {

struct Check;  // one check of one value; null while a schema is compiled

class ValueAdapter;
using Member = std::pair<std::string, ValueAdapter>;

inline const Value& empty_value() {
  static const Value empty;
  return empty;
}

// Walks an array or an object: position in a container.
template <class Element>
class Iterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Element;
  using difference_type = std::ptrdiff_t;
  using pointer = Element*;
  using reference = Element&;

  Iterator(const Value& container, std::size_t position, Check* check)
      : container_(&container), position_(position), check_(check) {}

  Element operator*() const;
  valijson::adapters::DerefProxy<Element> operator->() const { return valijson::adapters::DerefProxy<Element>(**this); }
  bool operator==(const Iterator& other) const { return position_ == other.position_; }
  bool operator!=(const Iterator& other) const { return position_ != other.position_; }
  Iterator& operator++() {
    ++position_;
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++position_;
    return before;
  }
  Iterator& operator--() {
    --position_;
    return *this;
  }
  void advance(std::ptrdiff_t n) { position_ += static_cast<std::size_t>(n); }

 private:
  const Value* container_;
  std::size_t position_;
  Check* check_;
};

template <class Element>
class Container {
 public:
  using const_iterator = Iterator<Element>;
  using iterator = Iterator<Element>;

  Container() : value_(&empty_value()), check_(nullptr) {}
  Container(const Value& value, Check* check) : value_(&value), check_(check) {}

  iterator begin() const { return {*value_, 0, check_}; }
  iterator end() const { return {*value_, value_->size(), check_}; }
  std::size_t size() const { return value_->size(); }
  // Objects only.
  iterator find(const std::string& key) const {
    const Value* const found = value_->find(key);
    if (found == nullptr) return end();
    // Members lie one after the other.
    return {*value_, static_cast<std::size_t>(found - &(*value_)[0]), check_};
  }

 private:
  const Value* value_;
  Check* check_;
};

// A value that valijson would keep. It is asked for none, since `enum` and `const` are not given to it.
class FrozenValue : public valijson::adapters::FrozenValue {
 public:
  explicit FrozenValue(Value value) : value_(std::move(value)) {}
  valijson::adapters::FrozenValue* clone() const override { return new FrozenValue(value_); }
  bool equalTo(const valijson::adapters::Adapter& other, bool strict) const override;

 private:
  Value value_;
};

class ValueReader {
 public:
  ValueReader() : value_(&empty_value()), check_(nullptr) {}
  ValueReader(const Value& value, Check* check) : value_(&value), check_(check) {}

  const Value& value() const { return *value_; }
  Check* check() const { return check_; }

  valijson::adapters::FrozenValue* freeze() const { return new FrozenValue(*value_); }
  std::optional<Container<ValueAdapter>> getArrayOptional() const {
    if (!value_->is_array()) return std::nullopt;
    return Container<ValueAdapter>(*value_, check_);
  }
  std::optional<Container<Member>> getObjectOptional() const {
    if (!value_->is_object()) return std::nullopt;
    return Container<Member>(*value_, check_);
  }
  bool getArraySize(std::size_t& size) const {
    size = value_->size();
    return value_->is_array();
  }
  bool getObjectSize(std::size_t& size) const {
    size = value_->size();
    return value_->is_object();
  }
  bool getBool(bool& result) const {
    result = value_->as_boolean();
    return value_->is_boolean();
  }
  bool getDouble(double& result) const {
    result = value_->as_number();
    return isDouble();
  }
  bool getInteger(std::int64_t& result) const {
    result = value_->as_integer();
    return value_->is_integer();
  }
  bool getString(std::string& result) const {
    result = value_->as_string();
    return value_->is_string();
  }
  static bool hasStrictTypes() { return true; }
  bool isArray() const { return value_->is_array(); }
  bool isBool() const { return value_->is_boolean(); }
  bool isDouble() const { return value_->is_number() && !value_->is_integer(); }
  bool isInteger() const { return value_->is_integer(); }
  bool isNull() const { return value_->is_null(); }
  bool isNumber() const { return value_->is_number(); }
  bool isObject() const { return value_->is_object(); }
  bool isString() const { return value_->is_string(); }

 private:
  const Value* value_;
  Check* check_;
};

class ValueAdapter : public valijson::adapters::BasicAdapter<ValueAdapter, Container<ValueAdapter>, Member,
                                                             Container<Member>, ValueReader> {
 public:
  ValueAdapter() : value_(&empty_value()), check_(nullptr) {}
  explicit ValueAdapter(const Value& value, Check* check = nullptr)
      : BasicAdapter(ValueReader(value, check)), value_(&value), check_(check) {}

  const Value& value() const { return *value_; }
  Check* check() const { return check_; }

 private:
  const Value* value_;
  Check* check_;
};

template <>
inline ValueAdapter Iterator<ValueAdapter>::operator*() const {
  return ValueAdapter((*container_)[position_], check_);
}
template <>
inline Member Iterator<Member>::operator*() const {
  return {std::string(container_->key_at(position_)), ValueAdapter((*container_)[position_], check_)};
}

inline bool FrozenValue::equalTo(const valijson::adapters::Adapter& other, bool strict) const {
  return ValueAdapter(value_).equalTo(other, strict);
}

}  // namespace fnstack::base::schema

namespace valijson::adapters {

template <>
struct AdapterTraits<fnstack::base::schema::ValueAdapter> {
  using DocumentType = fnstack::Value;
  static std::string adapterName() { return "fnstack::Value"; }
};

}  // namespace valijson::adapters
