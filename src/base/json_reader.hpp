// JsonReader: a plain reader of JSON (RFC 8259) for the text that simdjson refuses: integers beyond 64 bits, lone
// surrogates, deep nesting, and errors, whose place it tells. Its nesting is the builder's, not that of calls.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json_builder.hpp"

namespace fnstack::base {

class JsonReader {
 public:
  JsonReader(std::string_view text, JsonBuilder& builder) : text_(text), builder_(builder) {}

  // False: the builder refused, or the text is no JSON and message() says why.
  [[nodiscard]] bool read();
  // "JSON, line 2, column 7: expected a value". Nothing of the text is in it: it may be confidential.
  [[nodiscard]] std::string message() const;

 private:
  bool fail(const char* problem) {
    problem_ = problem;
    return false;
  }
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() noexcept;
  bool read_scalar();
  bool read_key();
  bool read_string();
  bool read_escape();
  bool read_hex(unsigned& code);

  std::string_view text_;
  JsonBuilder& builder_;
  std::size_t at_ = 0;
  const char* problem_ = nullptr;
  std::string string_;  // the last one read
};

}  // namespace fnstack::base
