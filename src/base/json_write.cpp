// Value to JSON text and to text. Iterative: the nesting of a value is never the nesting of calls.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fnstack/json.hpp>

#include "base/base64.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"
#include "base/word.hpp"

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

// Blanks in the bytes behind the first `size` of a word, below eight.
std::uint64_t blanks_behind(std::size_t size) noexcept {
  constexpr std::uint64_t blanks = 0x2020'2020'2020'2020;
  return std::endian::native == std::endian::little ? blanks << 8 * size : blanks >> 8 * size;
}

// Gathers what is mostly a few bytes at a time, so that the string need not make room for each of them. finish() comes
// last.
class Writer {
 public:
  explicit Writer(std::string& out) noexcept : out_(out) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void put(char c) {
    *room(1) = c;
    ++at_;
  }
  void put(std::string_view text) {
    if (text.size() > sizeof gathered_) {
      finish();
      out_ += text;
    } else {
      at_ = std::copy(text.begin(), text.end(), room(text.size()));
    }
  }
  void put_string(std::string_view text) {
    if (!put_plain(text)) put_with_care(text);
  }
  void put_scalar(const Value& value);
  void break_line(std::size_t levels, std::size_t indent) {
    finish();
    out_ += '\n';
    out_.append(std::min(levels, deepest_indent) * indent, ' ');
  }
  void finish() {
    out_.append(gathered_, at_);
    at_ = gathered_;
  }

 private:
  // So long a string is put at once.
  static constexpr std::size_t longest_plain = 256;

  // Where the next bytes go, at most sizeof gathered_ of them.
  char* room(std::size_t size) {
    if (static_cast<std::size_t>(gathered_ + sizeof gathered_ - at_) < size) finish();
    return at_;
  }
  bool put_plain(std::string_view text);
  void put_with_care(std::string_view text);
  void put_escaped(unsigned char c);

  std::string& out_;
  char gathered_[512];
  char* at_ = gathered_;
};

// False: something in it needs care, or it is long, and nothing was put.
bool Writer::put_plain(std::string_view text) {
  const std::size_t size = text.size();
  if (size > longest_plain) return false;
  char* const to = room(size + 10) + 1;
  std::uint64_t word = 0;
  if (size < 8) {
    word = base::first_word(text.data(), size);
    if (needs_care(word | blanks_behind(size))) return false;
    std::memcpy(to, &word, 8);
  } else {
    for (std::size_t i = 0; i < size; i += 8) {
      const std::size_t at = std::min(i, size - 8);  // the last eight: some of them once more
      std::memcpy(&word, text.data() + at, 8);
      if (needs_care(word)) return false;
      std::memcpy(to + at, &word, 8);
    }
  }
  to[-1] = '"';
  to[size] = '"';
  at_ = to + size + 1;
  return true;
}

void Writer::put_with_care(std::string_view text) {
  put('"');
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
    put(text.substr(plain, i - plain));
    if (c < 0x80) {
      put_escaped(c);
    } else {
      put(base::replacement_character);  // JSON is UTF-8; what is not can't be written as it is
    }
    plain = ++i;
  }
  put(text.substr(plain));
  put('"');
}

void Writer::put_escaped(unsigned char c) {
  switch (c) {
    case '"':
      return put("\\\"");
    case '\\':
      return put("\\\\");
    case '\b':
      return put("\\b");
    case '\f':
      return put("\\f");
    case '\n':
      return put("\\n");
    case '\r':
      return put("\\r");
    case '\t':
      return put("\\t");
    default: {
      static constexpr char hex[] = "0123456789abcdef";
      put("\\u00");
      put(hex[c >> 4]);
      put(hex[c & 15]);
    }
  }
}

void Writer::put_scalar(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return put(value.as_boolean() ? std::string_view("true") : std::string_view("false"));
    case Value::Kind::integer:
      at_ = base::write_integer(room(base::longest_number), value.as_integer());
      return;
    case Value::Kind::number:
      if (!std::isfinite(value.as_number())) return put("null");
      at_ = base::write_number(room(base::longest_number), value.as_number());
      return;
    case Value::Kind::string:
      return put_string(value.as_string());
    case Value::Kind::bytes:
      put('"');
      finish();
      base::append_base64(out_, value.as_string());
      return put('"');
    default:
      put("null");
  }
}

struct Open {
  const Value* container;
  std::size_t next;
};

// indent 0: all on one line.
void write(std::string& out, const Value& value, std::size_t indent) {
  Writer to(out);
  std::vector<Open> open;
  const Value* entering = &value;
  if (!value.is_container()) {
    to.put_scalar(value);
    entering = nullptr;
  }
  while (entering != nullptr || !open.empty()) {
    if (entering != nullptr) {
      to.put(entering->is_array() ? '[' : '{');
      open.push_back({entering, 0});
      entering = nullptr;
    }
    auto& [container, next] = open.back();
    const bool is_array = container->is_array();
    if (next == container->size()) {
      open.pop_back();
      if (indent > 0 && next > 0) to.break_line(open.size(), indent);
      to.put(is_array ? ']' : '}');
      continue;
    }
    if (next > 0) to.put(',');
    if (indent > 0) to.break_line(open.size(), indent);
    if (!is_array) {
      to.put_string(container->key_at(next));
      to.put(':');
      if (indent > 0) to.put(' ');
    }
    const Value& item = (*container)[next++];
    if (item.is_container()) {
      entering = &item;
    } else {
      to.put_scalar(item);
    }
  }
  to.finish();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  Writer to(out);
  to.put_string(text);
  to.finish();
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
