#include "expr/parser_words.hpp"

#include <iterator>

#include "base/in_quotes.hpp"
#include "base/utf8.hpp"

namespace fnstack::expr {
namespace {

using base::in_quotes;

struct Word {
  std::string_view word, hint;
};
constexpr Word infix_words[] = {{"and", "write \"&&\""},
                                {"or", "write \"||\""},
                                {"is", "write \"===\""},
                                {"not", "write \"!(a in b)\" or \"a !== b\""},
                                {"eq", "write \"===\""},
                                {"instanceof", "there is no \"instanceof\""},
                                {"if", "write \"condition ? a : b\""}};
constexpr Word prefix_words[] = {
    {"new", "there is no \"new\""},
    {"typeof", "there is no \"typeof\"; compare with null, or use filters such as is_numeric"},
    {"void", "there is no \"void\""},
    {"delete", "nothing can be deleted in an expression"},
    {"await", "there is no \"await\": steps run one after the other"},
    {"yield", "there is no \"yield\""},
    {"async", "there is no \"async\": steps run one after the other"},
    {"not", "write \"!\""}};

template <std::size_t n>
std::string_view hint_in(const Word (&words)[n], std::string_view wanted) noexcept {
  for (const Word& word : words) {
    if (word.word == wanted) return word.hint;
  }
  return {};
}

}  // namespace

std::string_view hint_for_infix(std::string_view word) noexcept { return hint_in(infix_words, word); }
std::string_view hint_for_prefix(std::string_view word) noexcept { return hint_in(prefix_words, word); }

bool ParserWords::expect(Punctuator punctuator, std::string_view expected) {
  if (accept(punctuator)) return true;
  std::string hint;
  if (peek().kind == Token::Kind::name) hint = hint_for_infix(word(peek()));
  unexpected(peek(), expected, std::move(hint));
  return false;
}

std::string ParserWords::describe(const Token& token) const {
  if (token.kind == Token::Kind::end) return "the end";
  constexpr std::size_t longest = 40;
  const std::string_view text = word(token);
  if (text.size() > longest) return in_quotes(std::string(base::whole_code_points(text, longest)) + "…");
  return token.kind == Token::Kind::text ? std::string(text) : in_quotes(text);
}

void ParserWords::report(Diagnostic::Severity severity, const char* code, Span span, std::string message,
                         std::string hint) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = code;
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.source = place_.source;
  diagnostic.span = place_.span(offset_ + span.begin, offset_ + span.end);
  diagnostics_.add(std::move(diagnostic));
}

std::uint32_t ParserWords::fail(Span span, std::string message, std::string hint, const char* code) {
  if (!broken_) report(Diagnostic::Severity::error, code, span, std::move(message), std::move(hint));
  failed_ = broken_ = true;
  return no_node;
}

void ParserWords::complain(const char* code, Span span, std::string message, std::string hint) {
  if (!broken_) report(Diagnostic::Severity::error, code, span, std::move(message), std::move(hint));
  failed_ = true;
}

std::uint32_t ParserWords::unexpected(const Token& token, std::string_view expected, std::string hint) {
  if (token.kind == Token::Kind::error) return fail(token.span, "expression: " + token.message, token.hint);
  return fail(token.span, "expression: expected " + std::string(expected) + ", got " + describe(token),
              std::move(hint));
}

}  // namespace fnstack::expr
