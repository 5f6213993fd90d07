// The words of an expression as the parser takes them, with as much foresight as it wants, and the telling of what is
// wrong with them. Knows no grammar and makes no nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/error.hpp>
#include <fnstack/source.hpp>

#include "base/text_place.hpp"
#include "expr/lexer.hpp"
#include "expr/nodes.hpp"

namespace fnstack::expr {

// What to write for a word that other languages have where this one has a sign; empty: it is no such word.
[[nodiscard]] std::string_view hint_for_infix(std::string_view word) noexcept;   // between two values: "and"
[[nodiscard]] std::string_view hint_for_prefix(std::string_view word) noexcept;  // before a value: "typeof"

class ParserWords {
 public:
  // `offset`: of `text` in the literal at `place`.
  ParserWords(std::string_view text, std::size_t offset, const TextPlace& place, Diagnostics& diagnostics,
              bool slot_syntax)
      : text_(text), offset_(offset), place_(place), diagnostics_(diagnostics), lexer_(text, slot_syntax) {}

  // ---- words
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  // The next word, or one behind it; valid until a word is taken.
  const Token& peek(std::size_t ahead = 0) {
    while (tokens_.size() <= ahead) tokens_.push_back(lexer_.next());
    return tokens_[ahead];
  }
  Token take() {
    peek();
    Token token = std::move(tokens_.front());
    tokens_.pop_front();
    last_end_ = token.span.end;
    return token;
  }
  // Takes the next word if it is this.
  bool accept(Punctuator punctuator) {
    if (!peek().is(punctuator)) return false;
    take();
    return true;
  }
  // The same, and a mistake if it is not. `expected` is what the message calls it.
  bool expect(Punctuator punctuator, std::string_view expected);
  // As it is written.
  [[nodiscard]] std::string_view word(const Token& token) const {
    return text_.substr(token.span.begin, token.span.end - token.span.begin);
  }
  bool peek_word(std::string_view wanted) { return peek().kind == Token::Kind::name && word(peek()) == wanted; }
  // Of the last word taken.
  [[nodiscard]] std::uint32_t last_end() const noexcept { return last_end_; }
  [[nodiscard]] Span template_in_quotes() const noexcept { return lexer_.template_in_quotes(); }

  // ---- mistakes
  void report(Diagnostic::Severity severity, const char* code, Span span, std::string message, std::string hint);
  // A mistake in the grammar ends the parse: what follows can't be read with any certainty. Always no_node.
  std::uint32_t fail(Span span, std::string message, std::string hint = {}, const char* code = "syntax");
  // A mistake after which the rest can still be read.
  void complain(const char* code, Span span, std::string message, std::string hint = {});
  // fail: `expected` should have stood where `token` stands.
  std::uint32_t unexpected(const Token& token, std::string_view expected, std::string hint = {});
  // Was there a mistake?
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] std::string describe(const Token& token) const;

  std::string_view text_;
  std::size_t offset_;
  const TextPlace& place_;
  Diagnostics& diagnostics_;
  Lexer lexer_;
  std::deque<Token> tokens_;
  std::uint32_t last_end_ = 0;
  bool failed_ = false;
  bool broken_ = false;  // the rest can't be read
};

}  // namespace fnstack::expr
