// Lexer: the words of an expression, one at a time. Knows no grammar, except that in slot syntax (conditions)
// `{{` and `<<` open a hole. Entry point: Lexer::next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/source.hpp>
#include <fnstack/value.hpp>

namespace fnstack::expr {

enum class Punctuator : std::uint8_t {
  none,
  open_paren,
  close_paren,
  open_bracket,
  close_bracket,
  open_brace,
  close_brace,
  open_hole,   // {{ or <<, in slot syntax only
  close_hole,  // the }} or >> that closes it
  comma,
  dot,
  question_dot,
  question,
  colon,
  pipe,
  arrow,
  assign,
  ellipsis,
  bang,
  plus,
  minus,
  star,
  slash,
  percent,
  star_star,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  strict_equal,
  strict_not_equal,
  and_and,
  or_or,
  coalesce
};

struct Token {
  enum class Kind : std::uint8_t { end, number, text, name, punctuator, error };
  Kind kind = Kind::end;
  Punctuator punctuator = Punctuator::none;
  Span span;                  // within the lexed text
  Value literal;              // of a number or text
  std::string message, hint;  // of an error

  [[nodiscard]] bool is(Punctuator wanted) const noexcept { return kind == Kind::punctuator && punctuator == wanted; }
};

class Lexer {
 public:
  Lexer(std::string_view text, bool slot_syntax) : text_(text), slot_syntax_(slot_syntax) {}

  // After the end, and after an error, the same token comes for ever.
  [[nodiscard]] Token next();
  // In slot syntax: a text literal that holds {{ or <<, which means nothing there. Empty if there was none.
  [[nodiscard]] Span template_in_quotes() const noexcept { return template_in_quotes_; }

 private:
  void skip_blanks();
  Token number();
  Token quoted(char quote);
  Token punctuator();
  bool escape(std::string& out, Token& failed);
  Token make(Token::Kind kind, std::size_t begin) const;
  Token fail(std::size_t begin, std::size_t end, std::string message, std::string hint = {});
  [[nodiscard]] char at(std::size_t offset) const noexcept { return offset < text_.size() ? text_[offset] : '\0'; }
  [[nodiscard]] bool starts(std::string_view word) const noexcept { return text_.substr(at_).starts_with(word); }

  std::string_view text_;
  std::size_t at_ = 0;
  bool slot_syntax_;
  std::string open_;  // brackets open here, outermost first: ( [ {, and T for {{, S for <<
  Span template_in_quotes_;
  bool failed_ = false;
  Token failure_;
};

// A decimal number as ECMAScript writes it, without sign or blanks: "12", "1.", ".5", "1e3". False if `text` is
// none. Integers of up to 64 bits are exact; what is beyond double's range is an infinity.
[[nodiscard]] bool parse_decimal(std::string_view text, Value& out);
// 0x10, 0o17, 0b11.
[[nodiscard]] bool parse_prefixed(std::string_view text, Value& out);
// Bytes of the blank or line break (as ECMAScript knows them) at the start of `text`; 0 if there is none.
[[nodiscard]] std::size_t blank_at_start(std::string_view text) noexcept;

}  // namespace fnstack::expr
