#include "definition/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include <fnstack/json.hpp>

#include "base/utf8.hpp"
#include "definition/words.hpp"

namespace fnstack::definition {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$';
}

bool is_javascript(std::string_view word) noexcept {
  static constexpr std::string_view words[] = {"const", "let",    "var", "function", "export", "import", "async",
                                               "await", "return", "if",  "for",      "class",  "module", "new"};
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// Reads one text's region. A function that answers false has reported a syntax error, which ends the document.
class Reader {
 public:
  Reader(const SourcePtr& source, Span region, std::string_view end_words, ReadBudget& budget, Diagnostics& diagnostics)
      : source_(source),
        text_(source->text().substr(0, region.end)),
        end_words_(end_words),
        budget_(budget),
        diagnostics_(diagnostics),
        at_(region.begin) {}

  std::vector<Document> read() {
    std::vector<Document> documents;
    while (!budget_.exhausted) {
      const bool blanks_closed = skip();
      if (blanks_closed && at_ >= text_.size()) break;
      const std::size_t begin = at_;
      auto root = std::make_shared<Node>();
      path_.clear();
      if (blanks_closed && read_value(*root, 0)) {
        documents.push_back(Document{std::move(root)});
        continue;
      }
      documents.push_back(Document{});
      if (--budget_.syntax_errors <= 0) budget_.exhausted = true;
      if (!find_next_document(begin)) break;
    }
    return documents;
  }

 private:
  struct Level {
    const std::string* key;  // null: an element
    std::size_t index;
  };

  bool at_end() const noexcept { return at_ >= text_.size(); }
  char here() const noexcept { return at_end() ? '\0' : text_[at_]; }
  bool looking_at(std::string_view words) const noexcept { return text_.substr(at_, words.size()) == words; }

  std::string_view word_at(std::size_t begin) const noexcept {
    std::size_t end = begin;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(begin, end - begin);
  }

  // What stands at a place, and how long it is, for "got …".
  std::string found(std::size_t begin, std::size_t& length) const {
    length = 1;
    if (begin >= text_.size()) {
      length = 0;
      return std::string(end_words_);
    }
    if (const std::string_view word = word_at(begin); !word.empty()) {
      length = word.size();
      return in_quotes(word);
    }
    if (text_[begin] == '"') return "a string";
    length = base::code_point_length(text_, begin);
    if (length == 0) {
      length = 1;
      return "a byte that is not UTF-8";
    }
    return in_quotes(text_.substr(begin, length));
  }

  std::string path() const {
    std::string out;
    for (const Level& level : path_) {
      // A key as long as the text would make the path so, too.
      out =
          level.key != nullptr ? pointer(out, std::string_view(*level.key).substr(0, 200)) : pointer(out, level.index);
    }
    return out;
  }

  void report(const char* code, std::size_t begin, std::size_t end, std::string message, std::string hint) {
    Diagnostic diagnostic;
    diagnostic.code = code;
    diagnostic.message = std::move(message);
    diagnostic.hint = std::move(hint);
    diagnostic.source = source_;
    diagnostic.span = Span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    diagnostic.path = path();
    diagnostics_.add(std::move(diagnostic));
  }

  bool fail(std::size_t begin, std::size_t end, std::string message, std::string hint = {}) {
    report("syntax", begin, end, std::move(message), std::move(hint));
    return false;
  }

  bool fail_expected(std::string_view expected, std::string hint = {}) {
    std::size_t length = 0;
    const std::string got = found(at_, length);
    return fail(at_, at_ + length, "expected " + std::string(expected) + ", got " + got, std::move(hint));
  }

  // White space and comments. False: a comment that is never closed.
  bool skip() {
    at_ = skip_blank(text_, at_);
    if (!looking_at("/*")) return true;
    return fail(at_, at_ + 2, "comment without an end", "close it with */");
  }

  bool read_value(Node& node, std::int64_t depth) {
    if (--budget_.nodes < 0) {
      budget_.exhausted = true;
      report("limit", at_, at_ + 1, "more values than the limit definition_nodes allows in one text",
             "split the file, or raise the limit");
      return false;
    }
    const std::size_t begin = at_;
    const bool ok = read_any(node, depth);
    node.span = Span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_)};
    return ok;
  }

  bool read_any(Node& node, std::int64_t depth) {
    const char c = here();
    if (c == '{' || c == '[') {
      if (depth >= budget_.nesting) {
        report("limit", at_, at_ + 1, "nesting deeper than " + std::to_string(budget_.nesting) + " levels",
               "move inner stacks into definitions of their own and call them with Custom Function");
        return false;
      }
      return c == '{' ? read_object(node, depth) : read_array(node, depth);
    }
    if (c == '"') {
      std::string content;
      if (!read_string(content)) return false;
      node.kind = Node::Kind::string;
      node.scalar = Value(content);
      return true;
    }
    if (is_digit(c) || c == '-') return read_number(node);
    return read_word(node);
  }

  bool read_word(Node& node) {
    const std::string_view word = word_at(at_);
    const auto literal = [&](Node::Kind kind, Value value) {
      at_ += word.size();
      node.kind = kind;
      node.scalar = std::move(value);
      return true;
    };
    if (word == "null") return literal(Node::Kind::null, Value());
    if (word == "true") return literal(Node::Kind::boolean, Value(true));
    if (word == "false") return literal(Node::Kind::boolean, Value(false));

    const std::string_view expected = path_.empty() ? "a JSON document" : "a value";
    if (word == "NaN" || word == "Infinity" || word == "undefined" || word == "None" || word == "nil") {
      return fail_expected(expected, "JSON has no " + std::string(word) + "; write null");
    }
    if (word == "True" || word == "False")
      return fail_expected(expected, "JSON writes true and false in small letters");
    if (is_javascript(word)) {
      return fail(at_, at_ + word.size(),
                  "expected " + std::string(expected) + ", got JavaScript code (" + in_quotes(word) + ")",
                  "a definition is JSON: keep the object or array alone, without code around it");
    }
    if (!word.empty()) return fail_expected(expected, "text stands in double quotes");
    return fail_expected(expected, hint_for(here()));
  }

  // A cure for a character that begins no value and no key.
  std::string hint_for(char c) const {
    if (c == '\'') return "strings stand in double quotes";
    if (c == '`')
      return "a template literal is JavaScript; strings stand in double quotes, a line break in them is \\n";
    if (c == '+') return "a number has no plus sign";
    if (c == '.')
      return looking_at("...") ? "nothing can be left out of a definition" : "a number begins with a digit: 0.5";
    if (c == '#') return "comments are // or /* */";
    if (c == ';') return "JSON has no semicolons";
    if (c == ',') return "a value is missing before the comma, or there is one comma too many";
    if (looking_at("\xE2\x80\x9C") || looking_at("\xE2\x80\x9D") || looking_at("\xE2\x80\x9E")) {
      return "strings stand in straight double quotes";
    }
    if (looking_at("\xC2\xA0")) return "this is a no-break space; write an ordinary one";
    return {};
  }

  bool read_array(Node& node, std::int64_t depth) {
    const std::size_t opening = at_++;
    node.kind = Node::Kind::array;
    path_.push_back(Level{nullptr, 0});
    for (;;) {
      if (!skip()) return false;
      if (here() == ']') break;
      if (at_end()) return fail_open("a value or \"]\"", opening);
      path_.back().index = node.items.size();
      node.items.emplace_back();
      if (!read_value(node.items.back(), depth + 1)) return false;
      if (!read_separator(']', opening)) return false;
    }
    path_.pop_back();
    ++at_;
    return true;
  }

  bool read_object(Node& node, std::int64_t depth) {
    const std::size_t opening = at_++;
    node.kind = Node::Kind::object;
    path_.push_back(Level{nullptr, 0});
    std::string key;
    for (;;) {
      if (!skip()) return false;
      if (here() == '}') break;
      if (at_end()) return fail_open("a key or \"}\"", opening);
      const Level inside = path_.back();
      path_.pop_back();  // an error in a key belongs to the object
      const std::size_t key_begin = at_;
      if (!read_key(key)) return false;
      const Span key_span{static_cast<std::uint32_t>(key_begin), static_cast<std::uint32_t>(at_)};
      path_.push_back(inside);
      path_.back().key = &key;
      if (!skip()) return false;
      if (here() != ':') return fail_expected("\":\" after the key " + in_quotes(key));
      ++at_;
      if (!skip()) return false;
      Member member;
      member.key_span = key_span;
      if (!read_value(member.value, depth + 1)) return false;
      member.key = key;
      node.members.push_back(std::move(member));
      if (!read_separator('}', opening)) return false;
    }
    path_.pop_back();
    ++at_;
    report_duplicates(node);
    return true;
  }

  bool read_key(std::string& key) {
    if (here() == '"') {
      key.clear();
      return read_string(key);
    }
    const std::string_view word = word_at(at_);
    if (!word.empty()) {
      return fail(at_, at_ + word.size(), "expected a key in double quotes, got " + in_quotes(word),
                  "write " + in_quotes(word) + ", with the quotes");
    }
    if (here() == '\'') return fail_expected("a key in double quotes", "strings stand in double quotes");
    return fail_expected("a key in double quotes", hint_for(here()));
  }

  // After an element or member: a comma, or the closing bracket, which stays to be read.
  bool read_separator(char closing, std::size_t opening) {
    if (!skip()) return false;
    if (here() == closing) return true;
    if (here() == ',') {
      ++at_;
      return true;
    }
    const std::string expected = std::string("\",\" or \"") + closing + "\"";
    if (at_end()) return fail_unclosed(expected, opening);
    if (here() == '"' || here() == '{' || here() == '[' || is_word(here())) {
      return fail_expected(expected, "a comma is missing before it");
    }
    if (here() == '}' || here() == ']') {
      return fail_expected(expected, std::string("the ") + in_quotes(text_.substr(opening, 1)) + " in " +
                                         place_words(*source_, static_cast<std::uint32_t>(opening)) + " is still open");
    }
    if (here() == '+' || here() == '`') {
      return fail_expected(expected, "JSON does not compute; a value that does stands in \"{{ }}\"");
    }
    return fail_expected(expected, hint_for(here()));
  }

  bool fail_unclosed(std::string_view expected, std::size_t opening) {
    return fail_expected(expected, "the " + in_quotes(text_.substr(opening, 1)) + " in " +
                                       place_words(*source_, static_cast<std::uint32_t>(opening)) + " is never closed");
  }

  // The same where no element has begun: it belongs to the container.
  bool fail_open(std::string_view expected, std::size_t opening) {
    path_.pop_back();
    return fail_unclosed(expected, opening);
  }

  // From the opening quote to beyond the closing one.
  bool read_string(std::string& out) {
    const std::size_t opening = at_++;
    for (;;) {
      // The stretch up to the next byte that means something is taken as a whole.
      const std::size_t begin = at_;
      while (at_ < text_.size()) {
        const auto byte = static_cast<unsigned char>(text_[at_]);
        if (byte == '"' || byte == '\\' || byte < 0x20U || byte >= 0x80U) break;
        ++at_;
      }
      out.append(text_.substr(begin, at_ - begin));
      const char c = here();
      if (at_end() || c == '\n' || c == '\r') {
        return fail(opening, at_, "string without a closing quote",
                    at_end() ? std::string() : "a string ends on its line; a line break in it is written \\n");
      }
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!read_escape(out)) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20U) return fail_control();
      const std::size_t length = base::code_point_length(text_, at_);
      if (length == 0) {
        return fail(at_, at_ + 1, "invalid UTF-8 in a string", "save the file as UTF-8");
      }
      out.append(text_.substr(at_, length));
      at_ += length;
    }
  }

  bool fail_control() {
    static constexpr char digits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(here());
    const std::string code{'0', '0', digits[byte >> 4U], digits[byte & 15U]};
    return fail(at_, at_ + 1, "control character U+" + code + " in a string",
                "write it as " + (byte == '\t' ? std::string("\\t") : "\\u" + code));
  }

  bool read_escape(std::string& out) {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t which = letters.find(c); which != std::string_view::npos && c != '\0') {
      out.push_back(meanings[which]);
      at_ += 2;
      return true;
    }
    if (c == 'u') return read_unicode_escape(out);
    if (at_ + 1 >= text_.size()) return fail(at_, at_ + 1, "string without a closing quote");
    const std::size_t length = std::max<std::size_t>(1, base::code_point_length(text_, at_ + 1));
    const std::string words = static_cast<unsigned char>(c) < 0x20U || base::code_point_length(text_, at_ + 1) == 0
                                  ? "a backslash before a character that can't be escaped"
                                  : "unknown escape \\" + std::string(text_.substr(at_ + 1, length));
    return fail(at_, at_ + 1 + length, words,
                c == '\'' ? "an apostrophe needs no backslash"
                          : "JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u0041; a backslash itself is \\\\");
  }

  // The four digits behind a \u at `begin`; -1: they are not four.
  std::int32_t hex_at(std::size_t begin) const noexcept {
    if (text_.substr(begin, 2) != "\\u" || begin + 6 > text_.size()) return -1;
    std::uint32_t code = 0;
    const char* const first = text_.data() + begin + 2;
    const auto [end, error] = std::from_chars(first, first + 4, code, 16);
    return error == std::errc() && end == first + 4 ? static_cast<std::int32_t>(code) : -1;
  }

  bool read_unicode_escape(std::string& out) {
    const std::int32_t first = hex_at(at_);
    if (first < 0) {
      std::size_t length = 2;
      while (length < 6 && at_ + length < text_.size() && is_word(text_[at_ + length])) ++length;
      return fail(at_, at_ + length, "\\u without four hexadecimal digits");
    }
    auto code = static_cast<std::uint32_t>(first);
    std::size_t length = 6;
    if (code >= 0xD800U && code < 0xE000U) {
      const std::int32_t second = code < 0xDC00U ? hex_at(at_ + 6) : -1;
      if (second < 0xDC00 || second >= 0xE000) {
        return fail(at_, at_ + 6, "lone surrogate " + std::string(text_.substr(at_, 6)),
                    "a character beyond \\uffff is two such escapes, or simply itself");
      }
      code = 0x10000U + ((code - 0xD800U) << 10U) + (static_cast<std::uint32_t>(second) - 0xDC00U);
      length = 12;
    }
    base::append_code_point(out, code);
    at_ += length;
    return true;
  }

  bool read_number(Node& node) {
    const std::size_t begin = at_;
    if (here() == '-') ++at_;
    if (!is_digit(here())) {
      const bool infinity = word_at(at_) == "Infinity";
      return fail_expected("a digit after \"-\"", infinity ? "JSON has no Infinity; write null" : std::string());
    }
    bool whole = true;
    const std::size_t digits = at_;
    skip_digits();
    const bool leading_zero = text_[digits] == '0' && at_ - digits > 1;
    if (here() == '.') {
      whole = false;
      ++at_;
      if (!is_digit(here())) return fail_expected("a digit after the decimal point");
      skip_digits();
    }
    if ((here() == 'e' || here() == 'E') && !leading_zero) {
      whole = false;
      ++at_;
      if (here() == '+' || here() == '-') ++at_;
      if (!is_digit(here())) return fail_expected("a digit in the exponent");
      skip_digits();
    }
    const std::string_view rest = word_at(at_);
    if (leading_zero || !rest.empty()) {
      at_ += rest.size();
      const std::string_view number = text_.substr(begin, at_ - begin);
      std::string hint;
      if (rest.substr(0, 1) == "x" || rest.substr(0, 1) == "X") {
        hint = "numbers are decimal";
      } else if (rest.substr(0, 1) == "_") {
        hint = "digits are not grouped";
      } else if (leading_zero) {
        hint = "a number does not begin with 0; if the zeros matter it is text: " + in_quotes(number);
      } else {
        hint = "if this is text, put it in double quotes";
      }
      return fail(begin, at_, "expected a number, got " + in_quotes(number), std::move(hint));
    }
    return decode_number(node, begin, whole);
  }

  void skip_digits() noexcept {
    while (is_digit(here())) ++at_;
  }

  bool decode_number(Node& node, std::size_t begin, bool whole) {
    const std::string_view number = text_.substr(begin, at_ - begin);
    const char* const end = number.data() + number.size();
    node.kind = Node::Kind::number;
    std::int64_t integer = 0;
    if (whole && number != "-0" && std::from_chars(number.data(), end, integer).ec == std::errc()) {
      node.scalar = Value(integer);
      return true;
    }
    // What is no plain integer is read as Values are read everywhere else.
    Result<Value> value = parse_json(number);
    if (!value.ok()) return fail(begin, at_, "number out of range: " + in_quotes(number));
    node.scalar = std::move(value).value();
    return true;
  }

  void report_duplicates(const Node& object) {
    if (object.members.size() < 2) return;
    // Sorting positions, so that an object of 50,000 keys is no quadratic affair.
    order_.resize(object.members.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t left, std::uint32_t right) {
      const int compared = object.members[left].key.compare(object.members[right].key);
      return compared != 0 ? compared < 0 : left < right;
    });
    std::size_t first = 0;
    for (std::size_t i = 1; i < order_.size(); ++i) {
      const Member& original = object.members[order_[first]];
      const Member& repeated = object.members[order_[i]];
      if (original.key != repeated.key) {
        first = i;
        continue;
      }
      if (--budget_.duplicate_keys < 0) return;
      path_.push_back(Level{&repeated.key, 0});
      report("duplicate-key", repeated.key_span.begin, repeated.key_span.end,
             "duplicate key " + in_quotes(repeated.key) + "; the first is in " +
                 place_words(*source_, original.key_span.begin),
             "rename or remove one of them");
      path_.pop_back();
    }
  }

  // After a syntax error: where the next document evidently begins. False: nowhere.
  bool find_next_document(std::size_t begin) {
    std::size_t line = std::max(at_, begin);
    bool closed = false;  // the last line that is neither empty nor a comment is a closing bracket
    // The line of the error itself may be that bracket.
    while (line > 0 && text_[line - 1] != '\n') --line;
    const std::size_t error_line = line;
    while (line < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', line), text_.size());
      std::string_view content = text_.substr(line, end - line);
      if (closed && line > error_line && !content.empty() && (content.front() == '{' || content.front() == '[')) {
        at_ = line;
        return true;
      }
      while (!content.empty() && (is_blank(content.back()) || content.back() == ';')) content.remove_suffix(1);
      if (content == "}" || content == "]" || content == "})" || content == "])") {
        closed = true;
      } else if (!content.empty() && content.substr(0, 2) != "//") {
        closed = false;
      }
      line = end + 1;
    }
    return false;
  }

  const SourcePtr& source_;
  std::string_view text_;
  std::string_view end_words_;
  ReadBudget& budget_;
  Diagnostics& diagnostics_;
  std::size_t at_;
  std::vector<Level> path_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::size_t skip_blank(std::string_view text, std::size_t begin) noexcept {
  std::size_t at = begin;
  while (at < text.size()) {
    if (is_blank(text[at])) {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const std::size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos) return at;
      at = end + 2;
    } else {
      break;
    }
  }
  return at;
}

std::vector<Document> read_documents(const SourcePtr& source, Span region, std::string_view end_words,
                                     ReadBudget& budget, Diagnostics& diagnostics) {
  return Reader(source, region, end_words, budget, diagnostics).read();
}

}  // namespace fnstack::definition
