#include "machine/snapshot_bytes.hpp"

#include <cstring>

namespace fnstack::machine {

void SnapshotWriter::value(const Value& given) {
  out_ += static_cast<char>(given.kind());
  switch (given.kind()) {
    case Value::Kind::null:
      return;
    case Value::Kind::boolean:
      return flag(given.as_boolean());
    case Value::Kind::integer:
      return integer(given.as_integer());
    case Value::Kind::number: {
      const double real = given.as_number();
      char raw[sizeof(real)];
      std::memcpy(raw, &real, sizeof(real));
      out_.append(raw, sizeof(raw));
      return;
    }
    case Value::Kind::string:
    case Value::Kind::bytes:
      return text(given.as_string());
    case Value::Kind::array:
      number(given.size());
      for (std::size_t i = 0; i < given.size(); ++i) value(given[i]);
      return;
    case Value::Kind::object:
      flag(given.keys_ignore_case());
      number(given.size());
      for (std::size_t i = 0; i < given.size(); ++i) {
        text(given.key_at(i));
        value(given[i]);
      }
      return;
  }
}

void SnapshotWriter::error(const Error& given) {
  text(given.type);
  text(given.message);
  integer(given.status_code);
  value(given.headers);
  value(given.response);
  text(given.step);
  flag(given.fatal);
  flag(given.restart_transaction);
  integer(given.not_before_ms);
}

Value SnapshotReader::value_at(int depth) {
  const std::string_view tag = bytes(1);
  if (!ok_ || depth > deepest_) {
    ok_ = false;
    return {};
  }
  switch (static_cast<Value::Kind>(tag[0])) {
    case Value::Kind::null:
      return {};
    case Value::Kind::boolean:
      return Value(flag());
    case Value::Kind::integer:
      return Value(integer());
    case Value::Kind::number: {
      double real = 0;
      const std::string_view raw = bytes(sizeof(real));
      if (ok_) std::memcpy(&real, raw.data(), sizeof(real));
      return Value(real);
    }
    case Value::Kind::string:
      return Value(text());
    case Value::Kind::bytes:
      return Value::bytes(text());
    case Value::Kind::array: {
      const std::size_t size = count();
      Value array = Value::array();
      for (std::size_t i = 0; ok_ && i < size; ++i) array.push_back(value_at(depth + 1));
      return array;
    }
    case Value::Kind::object: {
      Value object = flag() ? Value::headers() : Value::object();
      const std::size_t size = count();
      for (std::size_t i = 0; ok_ && i < size; ++i) {
        const std::string_view key = text();
        object.set(key, value_at(depth + 1));
      }
      return object;
    }
  }
  ok_ = false;
  return {};
}

Error SnapshotReader::error() {
  Error error;
  error.type = std::string(text());
  error.message = std::string(text());
  error.status_code = static_cast<int>(integer());
  error.headers = value();
  error.response = value();
  error.step = std::string(text());
  error.fatal = flag();
  error.restart_transaction = flag();
  error.not_before_ms = integer();
  return error;
}

}  // namespace fnstack::machine
