#include "base/json_reader.hpp"

#include "base/number.hpp"
#include "base/utf8.hpp"

namespace fnstack::base {

void JsonReader::skip_blanks() noexcept {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

bool JsonReader::read_hex(unsigned& code) {
  code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = peek();
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A' + 10);
    } else {
      return fail("expected four hexadecimal digits after \\u");
    }
    code = code << 4 | digit;
  }
  return true;
}

// After the backslash.
bool JsonReader::read_escape() {
  const char c = peek();
  switch (c) {
    case '"':
    case '\\':
    case '/':
      string_ += c;
      break;
    case 'b':
      string_ += '\b';
      break;
    case 'f':
      string_ += '\f';
      break;
    case 'n':
      string_ += '\n';
      break;
    case 'r':
      string_ += '\r';
      break;
    case 't':
      string_ += '\t';
      break;
    case 'u': {
      ++at_;
      unsigned code = 0;
      if (!read_hex(code)) return false;
      if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
        const std::size_t second = at_;
        at_ += 2;
        unsigned low = 0;
        if (!read_hex(low)) return false;
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else {
          at_ = second;  // a lone surrogate; the other escape stands for itself
        }
      }
      append_code_point(string_, code);
      return true;
    }
    default:
      return fail("unknown escape in a string");
  }
  ++at_;
  return true;
}

// At the opening quote.
bool JsonReader::read_string() {
  string_.clear();
  ++at_;
  for (;;) {
    if (at_ == text_.size()) return fail("the string has no end");
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c < 0x20) return fail("a control character in a string must be escaped");
    if (c == '\\') {
      ++at_;
      if (!read_escape()) return false;
      continue;
    }
    const std::size_t length = code_point_length(text_, at_);
    if (length == 0) return fail("the text is not UTF-8");
    string_.append(text_, at_, length);
    at_ += length;
  }
}

bool JsonReader::read_scalar() {
  const char c = peek();
  if (c == '"') return read_string() && builder_.value(Value(std::string_view(string_)));
  if (c == '-' || (c >= '0' && c <= '9')) {
    const std::size_t length = number_length(text_.substr(at_));
    Value number;
    switch (read_number(text_.substr(at_, length), number)) {
      case NumberText::malformed:
        return fail("expected a digit after the minus sign");
      case NumberText::out_of_range:
        return fail("the number is too big");
      case NumberText::read:
        break;
    }
    at_ += length;
    const char after = peek();
    if ((after >= '0' && after <= '9') || after == '.' || after == 'e' || after == 'E') {
      return fail("the number is malformed");
    }
    return builder_.value(std::move(number));
  }
  const auto word = [&](std::string_view name) {
    if (text_.substr(at_, name.size()) != name) return false;
    at_ += name.size();
    return true;
  };
  if (word("true")) return builder_.value(Value(true));
  if (word("false")) return builder_.value(Value(false));
  if (word("null")) return builder_.value(Value());
  return fail("expected a value");
}

bool JsonReader::read_key() {
  if (peek() != '"') return fail("expected a key in double quotes");
  if (!read_string() || !builder_.key(string_)) return false;
  skip_blanks();
  if (peek() != ':') return fail("expected \":\" after the key");
  ++at_;
  return true;
}

bool JsonReader::read() {
  skip_blanks();
  if (at_ == text_.size()) return fail("expected a value, got nothing");
  for (;;) {
    // Here a value begins.
    skip_blanks();
    const char c = peek();
    if (c == '[' || c == '{') {
      if (!(c == '[' ? builder_.begin_array(0) : builder_.begin_object(0))) return false;
      ++at_;
      skip_blanks();
      if (peek() != (c == '[' ? ']' : '}')) {
        if (c == '{' && !read_key()) return false;
        continue;
      }
    } else {
      if (!read_scalar()) return false;
      skip_blanks();
    }
    // Here one has ended, or an empty container is about to.
    for (;;) {
      if (builder_.depth() == 0) {
        if (at_ != text_.size()) return fail("expected the end after the value");
        return true;
      }
      const bool in_array = builder_.in_array();
      if (peek() == ',') {
        ++at_;
        skip_blanks();
        if (!in_array && !read_key()) return false;
        break;
      }
      if (peek() != (in_array ? ']' : '}'))
        return fail(in_array ? "expected \",\" or \"]\"" : "expected \",\" or \"}\"");
      ++at_;
      if (!builder_.end()) return false;
      skip_blanks();
    }
  }
}

std::string JsonReader::message() const {
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : text_.substr(0, at_)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  return "JSON, line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + problem_;
}

}  // namespace fnstack::base
