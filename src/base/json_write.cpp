// Value to JSON text and to text. Iterative: the nesting of a value is never the nesting of calls.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <fnstack/json.hpp>

#include "base/base64.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

namespace fnstack {
namespace {

// Beyond this many levels lines are indented no further, or deep data would print as mostly blanks.
constexpr std::size_t deepest_indent = 64;

// True if one of eight bytes is a control, a quote, a backslash or not ASCII.
bool needs_care(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
  constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  const std::uint64_t controls = (word - ones * 0x20) & ~word & highs;
  return ((word & highs) | controls | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\'))) != 0;
}

// Nothing in it needs care.
bool is_plain(std::string_view text) noexcept {
  std::uint64_t word = 0x2020'2020'2020'2020;
  if (text.empty()) return true;
  if (text.size() < sizeof(word)) {
    std::memcpy(&word, text.data(), text.size());
    return !needs_care(word);
  }
  const char* const last = text.data() + text.size() - sizeof(word);
  for (const char* at = text.data(); at < last; at += sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    if (needs_care(word)) return false;
  }
  std::memcpy(&word, last, sizeof(word));  // some of them once more
  return !needs_care(word);
}

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      static constexpr char hex[] = "0123456789abcdef";
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
}

void append_scalar(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      out += value.as_boolean() ? "true" : "false";
      return;
    case Value::Kind::integer:
      base::append_integer(out, value.as_integer());
      return;
    case Value::Kind::number:
      if (std::isfinite(value.as_number())) {
        base::append_number(out, value.as_number());
      } else {
        out += "null";
      }
      return;
    case Value::Kind::string:
      append_json_string(out, value.as_string());
      return;
    case Value::Kind::bytes:
      out += '"';
      base::append_base64(out, value.as_string());
      out += '"';
      return;
    default:
      out += "null";
  }
}

struct Open {
  const Value* container;
  std::size_t next;
};

void break_line(std::string& out, std::size_t levels, std::size_t indent) {
  out += '\n';
  out.append(std::min(levels, deepest_indent) * indent, ' ');
}

// indent 0: all on one line.
void write(std::string& out, const Value& value, std::size_t indent) {
  if (!value.is_container()) {
    append_scalar(out, value);
    return;
  }
  std::vector<Open> open;
  const Value* entering = &value;
  for (;;) {
    if (entering != nullptr) {
      out += entering->is_array() ? '[' : '{';
      open.push_back({entering, 0});
      entering = nullptr;
    }
    auto& [container, next] = open.back();
    const bool is_array = container->is_array();
    if (next == container->size()) {
      open.pop_back();
      if (indent > 0 && next > 0) break_line(out, open.size(), indent);
      out += is_array ? ']' : '}';
      if (open.empty()) return;
      continue;
    }
    if (next > 0) out += ',';
    if (indent > 0) break_line(out, open.size(), indent);
    if (!is_array) {
      append_json_string(out, container->key_at(next));
      out += ':';
      if (indent > 0) out += ' ';
    }
    const Value& item = (*container)[next++];
    if (item.is_container()) {
      entering = &item;
    } else {
      append_scalar(out, item);
    }
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (is_plain(text)) {
    out += text;
    out += '"';
    return;
  }
  std::size_t plain = 0;  // what has been looked at but not written begins here
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      if (!needs_care(word)) {
        i += 8;
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const std::size_t length = c < 0x80 ? 1 : base::code_point_length(text, i);
    if (c >= 0x80 && length > 0) {
      i += length;
      continue;
    }
    out.append(text, plain, i - plain);
    if (c < 0x80) {
      append_escaped(out, c);
    } else {
      out += base::replacement_character;  // JSON is UTF-8; what is not can't be written as it is
    }
    plain = ++i;
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_json(std::string& out, const Value& value) { write(out, value, 0); }

std::string to_json(const Value& value) {
  std::string out;
  // About what most values take; what is large grows by itself.
  out.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(value.byte_size(), 4'096)));
  append_json(out, value);
  return out;
}

std::string to_pretty_json(const Value& value, int indent) {
  std::string out;
  write(out, value, static_cast<std::size_t>(std::clamp(indent, 0, 10)));  // JSON.stringify's bounds
  return out;
}

void append_text(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return;
    case Value::Kind::string:
      out += value.as_string();
      return;
    case Value::Kind::bytes:
      base::append_base64(out, value.as_string());
      return;
    case Value::Kind::integer:
    case Value::Kind::number:
      base::append_number(out, value);
      return;
    default:
      append_json(out, value);
  }
}

std::string to_text(const Value& value) {
  std::string out;
  append_text(out, value);
  return out;
}

}  // namespace fnstack
