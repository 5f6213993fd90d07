#include "backends/postgres_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace fnstack::backends {
namespace {

constexpr std::size_t longest_text = 1'000'000;
constexpr std::size_t most_bindings = 65'535;

constexpr std::array<std::string_view, 26> refused{
    "ABORT",   "BEGIN", "CHECKPOINT", "CLOSE",     "CLUSTER", "COMMIT", "COPY",     "DEALLOCATE", "DECLARE",
    "DISCARD", "END",   "EXECUTE",    "FETCH",     "LISTEN",  "LOAD",   "LOCK",     "MOVE",       "PREPARE",
    "RELEASE", "RESET", "ROLLBACK",   "SAVEPOINT", "SET",     "START",  "UNLISTEN", "VACUUM"};

bool is_letter(char letter) noexcept {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
         static_cast<unsigned char>(letter) >= 0x80;
}
bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }
bool is_blank(char letter) noexcept {
  return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r' || letter == '\f' || letter == '\v';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void scan() {
    while (at_ < text_.size()) step();
  }

  std::vector<std::size_t> marks;  // places of ?
  std::size_t greatest = 0;        // of $n
  bool began = false, several = false, returns = false, writes = false;
  std::string first_word;
  std::size_t begin = 0;                     // of the statement
  std::size_t end = std::string_view::npos;  // its semicolon

 private:
  [[nodiscard]] char next() const noexcept { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  void step() {
    const char letter = text_[at_];
    if (is_blank(letter)) {
      ++at_;
    } else if (letter == '-' && next() == '-') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (letter == '/' && next() == '*') {
      skip_comment();
    } else if (letter == ';') {
      if (end == std::string_view::npos && began) end = at_;
      ++at_;
    } else {
      // Something is there, and a statement has ended before it.
      several = several || end != std::string_view::npos;
      if (!began) begin = at_;
      began = true;
      token(letter);
    }
  }

  void token(char letter) {
    if (letter == '\'' || letter == '"') {
      skip_quoted(letter, false);
    } else if (is_letter(letter)) {
      word();
    } else if (letter == '$') {
      dollar();
    } else if (is_digit(letter)) {
      while (at_ < text_.size() && (is_digit(text_[at_]) || is_letter(text_[at_]) || text_[at_] == '.')) ++at_;
    } else {
      if (letter == '?') marks.push_back(at_);
      ++at_;
    }
  }

  void skip_quoted(char quote, bool escapes) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (escapes && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (next() != quote) break;
        ++at_;
      }
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void skip_comment() {
    int depth = 0;  // they nest
    do {
      if (text_.compare(at_, 2, "/*") == 0) {
        ++depth;
        at_ += 2;
      } else if (text_.compare(at_, 2, "*/") == 0) {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0 && at_ < text_.size());
    at_ = std::min(at_, text_.size());
  }

  void word() {
    const std::size_t from = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '$')) ++at_;
    const std::string_view found = text_.substr(from, at_ - from);
    if (first_word.empty()) first_word = base::ascii_upper(found);
    const std::string name = found.size() <= 9 ? base::ascii_upper(found) : std::string();
    returns = returns || name == "RETURNING";
    writes = writes || name == "INSERT" || name == "UPDATE" || name == "DELETE" || name == "MERGE";
    if ((found == "E" || found == "e") && at_ < text_.size() && text_[at_] == '\'') skip_quoted('\'', true);
  }

  void dollar() {
    if (is_digit(next())) {
      std::size_t number = 0;
      const auto [stop, problem] = std::from_chars(text_.data() + at_ + 1, text_.data() + text_.size(), number);
      greatest = std::max(greatest, problem == std::errc() ? number : SIZE_MAX);
      at_ = static_cast<std::size_t>(stop - text_.data());
      return;
    }
    // $tag$ … $tag$
    std::size_t tag_end = at_ + 1;
    while (tag_end < text_.size() && (is_letter(text_[tag_end]) || is_digit(text_[tag_end]))) ++tag_end;
    if (tag_end >= text_.size() || text_[tag_end] != '$') {
      ++at_;
      return;
    }
    const std::string_view tag = text_.substr(at_, tag_end + 1 - at_);
    const std::size_t close = text_.find(tag, tag_end + 1);
    at_ = close == std::string_view::npos ? text_.size() : close + tag.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Error invalid(std::string message) { return make_error(error_type::validation, "sql: " + std::move(message)); }

}  // namespace

Result<PgText> read_pg_text(std::string_view text, std::size_t bindings) {
  if (text.find('\0') != std::string_view::npos) return invalid("the text has a NUL character in it");
  if (!base::is_utf8(text)) return invalid("expected text in UTF-8");
  if (text.size() > longest_text)
    return make_error(error_type::limit, "sql: the text is longer than " + std::to_string(longest_text) + " bytes");
  Scanner scanner(text);
  scanner.scan();
  if (scanner.several) return invalid("expected one statement, got several");
  PgText read;
  read.first_word = scanner.first_word;
  read.returns = scanner.returns;
  read.writes = scanner.writes && read.first_word == "WITH";
  read.gives_rows = read.first_word == "SELECT" || read.first_word == "VALUES" || read.first_word == "TABLE" ||
                    read.first_word == "WITH";
  if (std::find(refused.begin(), refused.end(), read.first_word) != refused.end()) {
    return make_error(error_type::database,
                      "sql: this kind of statement is refused: transactions belong in a Database Transaction step, and "
                      "what changes the session is not for definitions");
  }
  for (std::size_t& mark : scanner.marks) mark -= scanner.begin;
  text = text.substr(scanner.begin, scanner.end == std::string_view::npos ? scanner.end : scanner.end - scanner.begin);
  if (!scanner.began) {
    return invalid("expected a statement, got an empty text");
  }
  std::size_t needed = scanner.greatest;
  if (scanner.greatest > 0 || bindings == 0) {
    read.text = text;
  } else {
    needed = scanner.marks.size();
    std::size_t from = 0;
    for (std::size_t number = 0; number < scanner.marks.size(); ++number) {
      read.text += text.substr(from, scanner.marks[number] - from);
      read.text += '$' + std::to_string(number + 1);
      from = scanner.marks[number] + 1;
    }
    read.text += text.substr(from);
  }
  if (needed > most_bindings) return invalid("more than " + std::to_string(most_bindings) + " places for bindings");
  if (needed != bindings)
    return invalid("expected " + std::to_string(needed) + " bindings, got " + std::to_string(bindings));
  return read;
}

}  // namespace fnstack::backends
