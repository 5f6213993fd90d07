#include "expr/lexer.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace fnstack::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool continues_name(char c) { return starts_name(c) || is_digit(c); }

using base::digit_value;
using base::hex_digit;

// from_chars only says "out of range": is it beyond infinity's side or beyond zero's? The place of the first
// digit that counts, and the exponent, tell.
bool is_huge(std::string_view text) {
  long long scale = 0;
  bool fraction = false;
  bool significant = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      fraction = true;
    } else if (!significant) {
      significant = text[i] != '0';
      if (fraction) --scale;
    } else if (!fraction) {
      ++scale;
    }
  }
  if (i < text.size()) {
    const bool negative = text.substr(i + 1).starts_with('-');
    long long exponent = 0;
    for (const char c : text.substr(i + 1)) {
      if (is_digit(c) && exponent < 1'000'000'000) exponent = exponent * 10 + (c - '0');
    }
    scale += negative ? -exponent : exponent;
  }
  return scale > 0;
}

struct Spelling {
  std::string_view text;
  Punctuator punctuator;
};
// Longest first where one begins like another.
constexpr Spelling spellings[] = {{"===", Punctuator::strict_equal}, {"!==", Punctuator::strict_not_equal},
                                  {"...", Punctuator::ellipsis},     {"==", Punctuator::equal},
                                  {"!=", Punctuator::not_equal},     {"=>", Punctuator::arrow},
                                  {"<=", Punctuator::less_equal},    {">=", Punctuator::greater_equal},
                                  {"&&", Punctuator::and_and},       {"||", Punctuator::or_or},
                                  {"??", Punctuator::coalesce},      {"**", Punctuator::star_star},
                                  {"(", Punctuator::open_paren},     {")", Punctuator::close_paren},
                                  {"[", Punctuator::open_bracket},   {"]", Punctuator::close_bracket},
                                  {"{", Punctuator::open_brace},     {"}", Punctuator::close_brace},
                                  {",", Punctuator::comma},          {".", Punctuator::dot},
                                  {"?", Punctuator::question},       {":", Punctuator::colon},
                                  {"|", Punctuator::pipe},           {"=", Punctuator::assign},
                                  {"!", Punctuator::bang},           {"+", Punctuator::plus},
                                  {"-", Punctuator::minus},          {"*", Punctuator::star},
                                  {"/", Punctuator::slash},          {"%", Punctuator::percent},
                                  {"<", Punctuator::less},           {">", Punctuator::greater}};

// What JavaScript has and this language leaves out, longest first.
struct Missing {
  std::string_view text;
  std::string_view message, hint;
};
constexpr std::string_view assigns = "an expression can't assign";
constexpr std::string_view to_assign = "to compare write \"===\"; to change a variable use an Update Variable step";
constexpr std::string_view bitwise = "there are no bitwise operators";
constexpr Missing missing[] = {
    {">>>=", assigns, to_assign},
    {"**=", assigns, to_assign},
    {"<<=", assigns, to_assign},
    {">>=", assigns, to_assign},
    {"&&=", assigns, to_assign},
    {"||=", assigns, to_assign},
    {"?\?=", assigns, to_assign},
    {">>>", bitwise, ""},
    {"//", "an expression can't hold a comment", ""},
    {"/*", "an expression can't hold a comment", ""},
    {"++", assigns, "to add write \"x + 1\"; a sign after an operator needs a blank: \"x + +y\""},
    {"--", assigns, "to subtract write \"x - 1\"; a sign after an operator needs a blank: \"x - -y\""},
    {"+=", assigns, to_assign},
    {"-=", assigns, to_assign},
    {"*=", assigns, to_assign},
    {"/=", assigns, to_assign},
    {"%=", assigns, to_assign},
    {"&=", assigns, to_assign},
    {"|=", assigns, to_assign},
    {"^=", assigns, to_assign},
    {"<<", bitwise, ""},
    {">>", bitwise, ""},
    {"&", bitwise, "for \"and\" write \"&&\""},
    {"^", bitwise, "for a power write \"**\""},
    {"~", bitwise, "to join texts write \"+\""},
    {"`", "there are no template literals", "join with \"+\", or write text with {{ }} around each value"},
    {";", "an expression is one value, without \";\"", ""}};

}  // namespace

std::size_t blank_at_start(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto c = static_cast<unsigned char>(text[0]);
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (c < 0x80) return 0;
  if (text.starts_with("\xC2\xA0")) return 2;
  for (const std::string_view blank : {"\xEF\xBB\xBF", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                       "\xE2\x81\x9F", "\xE3\x80\x80"}) {
    if (text.starts_with(blank)) return 3;
  }
  // U+2000 to U+200A.
  if (text.size() >= 3 && text.starts_with("\xE2\x80") && static_cast<unsigned char>(text[2]) >= 0x80 &&
      static_cast<unsigned char>(text[2]) <= 0x8A) {
    return 3;
  }
  return 0;
}

bool parse_decimal(std::string_view text, Value& out) {
  std::size_t i = 0;
  while (i < text.size() && is_digit(text[i])) ++i;
  std::size_t digits = i;
  const bool whole = i == text.size();
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && is_digit(text[i]); ++i) ++digits;
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t first = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (i == first) return false;
  }
  if (i != text.size()) return false;
  const char* end = text.data() + text.size();
  if (whole) {
    std::int64_t integer = 0;
    if (std::from_chars(text.data(), end, integer).ec == std::errc()) {
      out = Value(integer);
      return true;
    }
  }
  double number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc::result_out_of_range) {
    number = is_huge(text) ? std::numeric_limits<double>::infinity() : 0.0;
  }
  out = Value(number);
  return true;
}

bool parse_prefixed(std::string_view text, Value& out) {
  if (text.size() < 3 || text[0] != '0') return false;
  const char letter = text[1];
  const int base = letter == 'x' || letter == 'X'   ? 16
                   : letter == 'o' || letter == 'O' ? 8
                   : letter == 'b' || letter == 'B' ? 2
                                                    : 0;
  if (base == 0) return false;
  std::uint64_t integer = 0;
  double number = 0;
  bool exact = true;
  for (const char c : text.substr(2)) {
    const int digit = digit_value(c);
    if (digit < 0 || digit >= base) return false;
    if (integer > (static_cast<std::uint64_t>(INT64_MAX) - static_cast<std::uint64_t>(digit)) /
                      static_cast<std::uint64_t>(base)) {
      exact = false;
    }
    if (exact) integer = integer * static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(digit);
    number = number * base + digit;
  }
  out = exact ? Value(static_cast<std::int64_t>(integer)) : Value(number);
  return true;
}

Token Lexer::make(Token::Kind kind, std::size_t begin) const {
  Token token;
  token.kind = kind;
  token.span = Span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_)};
  return token;
}

Token Lexer::fail(std::size_t begin, std::size_t end, std::string message, std::string hint) {
  failed_ = true;
  failure_ = make(Token::Kind::error, begin);
  failure_.span.end = static_cast<std::uint32_t>(end);
  failure_.message = std::move(message);
  failure_.hint = std::move(hint);
  return failure_;
}

void Lexer::skip_blanks() {
  while (const std::size_t length = blank_at_start(text_.substr(at_))) at_ += length;
}

Token Lexer::number() {
  const std::size_t begin = at_;
  Value literal;
  bool good = false;
  if (text_[at_] == '0' && continues_name(at(at_ + 1)) && at(at_ + 1) != 'e' && at(at_ + 1) != 'E') {
    while (continues_name(at(at_))) ++at_;
    good = parse_prefixed(text_.substr(begin, at_ - begin), literal);
  } else {
    const auto digits = [&] {
      while (is_digit(at(at_)) ||
             (at(at_) == '_' && at_ > begin && is_digit(text_[at_ - 1]) && is_digit(at(at_ + 1)))) {
        ++at_;
      }
    };
    digits();
    if (at(at_) == '.') {
      ++at_;
      digits();
    }
    if (at(at_) == 'e' || at(at_) == 'E') {
      const std::size_t sign = at(at_ + 1) == '+' || at(at_ + 1) == '-' ? 1 : 0;
      if (is_digit(at(at_ + 1 + sign))) {
        at_ += 1 + sign;
        digits();
      }
    }
    if (continues_name(at(at_))) {
      while (continues_name(at(at_))) ++at_;
    } else {
      std::string digits_only;
      for (const char c : text_.substr(begin, at_ - begin)) {
        if (c != '_') digits_only.push_back(c);
      }
      good = parse_decimal(digits_only, literal);
    }
  }
  const std::string written(text_.substr(begin, at_ - begin));
  if (!good) return fail(begin, at_, "\"" + written + "\" is no number");
  if (!std::isfinite(literal.as_number()))
    return fail(begin, at_, "\"" + written + "\" is beyond the range of numbers");
  Token token = make(Token::Kind::number, begin);
  token.literal = std::move(literal);
  return token;
}

// At a backslash. Adds what it stands for.
bool Lexer::escape(std::string& out, Token& failed) {
  const std::size_t begin = at_;
  const auto hex = [&](std::size_t count, std::uint32_t& point) {
    point = 0;
    for (std::size_t i = 0; i < count; ++i, ++at_) {
      const int digit = hex_digit(at(at_));
      if (digit < 0) return false;
      point = point * 16 + static_cast<std::uint32_t>(digit);
    }
    return true;
  };
  const auto unicode = [&](std::uint32_t& point) {  // behind \u
    if (at(at_) != '{') return hex(4, point);
    point = 0;
    ++at_;
    if (at(at_) == '}') return false;
    for (; at(at_) != '}'; ++at_) {
      const int digit = hex_digit(at(at_));
      if (digit < 0) return false;
      point = point * 16 + static_cast<std::uint32_t>(digit);
      if (point > 0x10FFFF) return false;
    }
    ++at_;
    return true;
  };
  const char c = at(at_ + 1);
  at_ += 2;
  std::uint32_t point = 0;
  bool good = true;
  switch (c) {
    case 'n':
      out.push_back('\n');
      break;
    case 't':
      out.push_back('\t');
      break;
    case 'r':
      out.push_back('\r');
      break;
    case 'b':
      out.push_back('\b');
      break;
    case 'f':
      out.push_back('\f');
      break;
    case 'v':
      out.push_back('\v');
      break;
    case '\n':
      break;
    case '\r':
      if (at(at_) == '\n') ++at_;
      break;
    case 'x':
      good = hex(2, point);
      if (good) base::append_code_point(out, point);
      break;
    case 'u':
      good = unicode(point);
      if (good && point >= 0xD800 && point <= 0xDBFF && at(at_) == '\\' && at(at_ + 1) == 'u') {
        const std::size_t second = at_;
        std::uint32_t low = 0;
        at_ += 2;
        if (unicode(low) && low >= 0xDC00 && low <= 0xDFFF) {
          point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
        } else {
          at_ = second;
        }
      }
      if (good) base::append_code_point(out, point);
      break;
    default:
      if (c == '0' && !is_digit(at(at_))) {
        out.push_back('\0');
      } else if (is_digit(c)) {
        good = false;
      } else {
        --at_;  // the character itself, however many bytes it has
        const std::size_t length = base::code_point_length(text_, at_);
        if (length == 0) {
          failed = fail(at_, at_ + 1, "text is not valid UTF-8");
          return false;
        }
        // An escaped line or paragraph separator continues the line, as a line feed does.
        const std::string_view character = text_.substr(at_, length);
        if (character != "\xE2\x80\xA8" && character != "\xE2\x80\xA9") out.append(character);
        at_ += length;
      }
  }
  if (!good) {
    if (at_ > text_.size()) at_ = text_.size();
    failed = fail(begin, at_, "bad escape \"" + std::string(text_.substr(begin, at_ - begin)) + "\" in text",
                  "\\n \\t \\r \\b \\f \\v \\0 \\xHH \\uHHHH \\u{H} are known; any other character stands for itself");
  }
  return good;
}

Token Lexer::quoted(char quote) {
  const std::size_t begin = at_;
  std::string out;
  ++at_;
  for (;;) {
    if (at_ >= text_.size()) {
      return fail(begin, text_.size(), std::string("text has no closing ") + (quote == '"' ? "\"" : "'"));
    }
    const char c = text_[at_];
    if (c == quote) break;
    if (c == '\n' || c == '\r') {
      return fail(at_, at_ + 1, "line break inside quoted text", "write \\n (in a JSON string: \\\\n)");
    }
    if (c == '\\') {
      if (at_ + 1 >= text_.size()) {
        return fail(begin, text_.size(), std::string("text has no closing ") + (quote == '"' ? "\"" : "'"));
      }
      Token failed;
      if (!escape(out, failed)) return failed;
      continue;
    }
    const std::size_t length = base::code_point_length(text_, at_);
    if (length == 0) return fail(at_, at_ + 1, "text is not valid UTF-8");
    out.append(text_.substr(at_, length));
    at_ += length;
  }
  ++at_;
  Token token = make(Token::Kind::text, begin);
  if (slot_syntax_ && template_in_quotes_.end == 0) {
    const std::string_view raw = text_.substr(begin, at_ - begin);
    if ((raw.find("{{") != raw.npos && raw.find("}}") != raw.npos) ||
        (raw.find("<<") != raw.npos && raw.find(">>") != raw.npos)) {
      template_in_quotes_ = token.span;
    }
  }
  token.literal = Value(out);
  return token;
}

Token Lexer::punctuator() {
  const std::size_t begin = at_;
  const auto give = [&](Punctuator punctuator, std::size_t length) {
    at_ += length;
    Token token = make(Token::Kind::punctuator, begin);
    token.punctuator = punctuator;
    return token;
  };
  const auto close = [&] {
    if (!open_.empty()) open_.pop_back();
  };
  if (slot_syntax_) {
    const char innermost = open_.empty() ? '\0' : open_.back();
    if (starts("{{") || starts("<<")) {
      open_.push_back(starts("{{") ? 'T' : 'S');
      return give(Punctuator::open_hole, 2);
    }
    if ((innermost == 'T' && starts("}}")) || (innermost == 'S' && starts(">>"))) {
      close();
      return give(Punctuator::close_hole, 2);
    }
  }
  // `a?.5:1` is a condition, `a?.b` a path.
  if (starts("?.") && !is_digit(at(at_ + 2))) return give(Punctuator::question_dot, 2);
  for (const Missing& unknown : missing) {
    if (!starts(unknown.text)) continue;
    const bool known = unknown.text == "&" && at(at_ + 1) == '&';
    if (!known) {
      return fail(begin, begin + unknown.text.size(),
                  "unexpected \"" + std::string(unknown.text) + "\": " + std::string(unknown.message),
                  std::string(unknown.hint));
    }
  }
  for (const Spelling& spelling : spellings) {
    if (!starts(spelling.text)) continue;
    const char c = spelling.text[0];
    if (spelling.text.size() == 1) {
      if (c == '(' || c == '[' || c == '{') open_.push_back(c);
      if (c == ')' || c == ']' || c == '}') close();
    }
    return give(spelling.punctuator, spelling.text.size());
  }
  const std::size_t length = base::code_point_length(text_, at_);
  if (length == 0) return fail(begin, begin + 1, "text is not valid UTF-8");
  const std::string_view character = text_.substr(begin, length);
  std::string hint;
  if (character == "\xE2\x80\x98" || character == "\xE2\x80\x99" || character == "\xE2\x80\x9C" ||
      character == "\xE2\x80\x9D") {
    hint = "write straight quotes: ' or \"";
  } else if (length > 1) {
    hint = "names are of A-Z, a-z, 0-9, _ and $; other keys are read as x['key']";
  }
  if (length == 1 && (character[0] < ' ' || character[0] == 0x7F)) {
    return fail(begin, begin + 1, "unexpected control character");
  }
  return fail(begin, begin + length, "unexpected \"" + std::string(character) + "\"", hint);
}

Token Lexer::next() {
  if (failed_) return failure_;
  skip_blanks();
  if (at_ >= text_.size()) return make(Token::Kind::end, at_);
  const char c = text_[at_];
  if (is_digit(c) || (c == '.' && is_digit(at(at_ + 1)))) return number();
  if (c == '\'' || c == '"') return quoted(c);
  if (starts_name(c)) {
    const std::size_t begin = at_;
    while (continues_name(at(at_))) ++at_;
    return make(Token::Kind::name, begin);
  }
  return punctuator();
}

}  // namespace fnstack::expr
