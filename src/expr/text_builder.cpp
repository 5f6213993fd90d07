#include "expr/text_builder.hpp"

#include <string>

#include <fnstack/json.hpp>

#include "base/url.hpp"

namespace fnstack::expr {
namespace {

// A control character becomes six characters of JSON, any byte three of a form: sizes are estimated by these
// first, and counted only if the estimate does not fit.
constexpr std::uint64_t json_growth = 6;

std::uint64_t json_string_size(std::string_view text) noexcept {
  std::uint64_t size = text.size() + 2;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f') {
      size += 1;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      size += json_growth - 1;
    }
  }
  return size;
}

bool needs_json_escape(std::string_view text) noexcept {
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return true;
  }
  return false;
}

// Recursion is bounded by value_depth; what is deeper than any value may be counts as endless.
constexpr int max_depth = 1'000;

std::uint64_t sized(const Value& value, std::uint64_t cap, int depth) {
  if (value.is_string()) return json_string_size(value.as_string());
  if (!value.is_container()) return to_json(value).size();
  if (depth > max_depth) return cap + 1;
  std::uint64_t size = 2 + (value.size() > 0 ? value.size() - 1 : 0);
  for (std::size_t i = 0; i < value.size() && size <= cap; ++i) {
    if (value.is_object()) size += json_string_size(value.key_at(i)) + 1;
    size += sized(value[i], cap, depth + 1);
  }
  return size;
}

}  // namespace

std::uint64_t json_size(const Value& value, std::uint64_t cap) { return sized(value, cap, 0); }

void TextBuilder::spill(std::string_view text) {
  if (!spilled_.is_string()) spilled_.assign_text("");
  spilled_.append(std::string_view(buffer_.data(), used_));
  used_ = 0;
  if (text.size() < buffer_.size()) {
    std::memcpy(buffer_.data(), text.data(), text.size());
    used_ = text.size();
  } else {
    spilled_.append(text);
  }
}

bool TextBuilder::append_other(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return true;
    case Value::Kind::boolean:
      return append(std::string_view(value.as_boolean() ? "true" : "false"));
    case Value::Kind::array:
    case Value::Kind::object:
      return append_json(value);
    default:
      return append(to_text(value));
  }
}

bool TextBuilder::has_room_for_json(const Value& value) const {
  return value.byte_size() <= room_ / json_growth || json_size(value, room_) <= room_;
}

bool TextBuilder::append_json(const Value& value) {
  if (value.is_integer()) return append(value.as_integer());
  if (!has_room_for_json(value)) return false;
  std::string text;
  fnstack::append_json(text, value);
  return append(text);
}

bool TextBuilder::append_json_escaped(std::string_view text) {
  if (!needs_json_escape(text)) return append(text);
  if (text.size() > room_ / json_growth && json_string_size(text) - 2 > room_) return false;
  std::string literal;
  append_json_string(literal, text);
  return append(std::string_view(literal).substr(1, literal.size() - 2));
}

bool TextBuilder::append_form_encoded(std::string_view text) {
  if (text.size() > room_) return false;  // it only grows, three-fold at most
  std::string encoded;
  fnstack::append_form_encoded(encoded, text);
  return append(encoded);
}

void TextBuilder::move_into(Value& out) {
  const std::string_view rest(buffer_.data(), used_);
  if (!spilled_.is_string()) {
    out.assign_text(rest);
    return;
  }
  spilled_.append(rest);
  out = std::move(spilled_);
}

void TextBuilder::append_to(Value& out) {
  if (spilled_.is_string()) out.append(spilled_.as_string());
  out.append(std::string_view(buffer_.data(), used_));
}

Error TextBuilder::over_limit() const {
  return make_error(error_type::limit, "the text of a template would be larger than value_bytes, " +
                                           std::to_string(value_bytes_) + " bytes");
}

}  // namespace fnstack::expr
