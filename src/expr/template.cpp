// Templates: find the holes (parse_template), fill them (render, render_into).
#include "expr/template.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/first_problems.hpp"
#include "base/utf8.hpp"
#include "expr/nodes.hpp"
#include "expr/text_builder.hpp"

namespace fnstack::expr {
namespace {

constexpr std::size_t max_words = 60;  // code points of a hole that a message repeats

// A << that no >> closes is text, which is known only after a look at all the rest. So many looks in vain, and
// the rest of the string is taken to have no holes of this spelling: a bound on quadratic work.
constexpr int max_looks = 64;

// Where the hole ends whose content begins at `begin`: at the first `close` outside quotes and, for "}}",
// outside braces. The offset of `close`, or npos; then `open_quote` is the quote that was never closed, or 0.
std::size_t find_close(std::string_view text, std::size_t begin, std::string_view close, char& open_quote) noexcept {
  std::size_t depth = 0;
  open_quote = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (open_quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == open_quote) {
        open_quote = 0;
      }
    } else if (c == '\'' || c == '"') {
      open_quote = c;
    } else if (depth == 0 && c == close[0] && text.substr(i, 2) == close) {
      return i;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && depth > 0) {
      --depth;
    }
  }
  return std::string_view::npos;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string words_of(std::string_view open, std::string_view inner, std::string_view close) {
  while (!inner.empty() && is_blank(inner.front())) inner.remove_prefix(1);
  while (!inner.empty() && is_blank(inner.back())) inner.remove_suffix(1);
  std::string out(open);
  std::size_t points = 0;
  for (const char c : inner) {
    if (!base::continues_code_point(c) && points++ == max_words) {
      out += "…";
      break;
    }
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  out += close;
  return out;
}

class Reader {
 public:
  Reader(std::string_view text, const TextPlace& place, Diagnostics& diagnostics, const ParseOptions& options)
      : text_(text), place_(place), diagnostics_(diagnostics), options_(options) {
    options_.slot_syntax = false;
  }

  std::optional<Template> read() {
    // Finding a problem's place takes a walk through the literal: not for more of them than are told about.
    const std::size_t most = diagnostics_.items().size() + static_cast<std::size_t>(most_problems);
    while (const std::optional<std::size_t> open = next_open()) {
      if (diagnostics_.items().size() > most) return std::nullopt;
      const bool braces = text_[*open] == '{';
      const std::string_view close = braces ? "}}" : ">>";
      char open_quote = 0;
      std::size_t end = find_close(text_, *open + 2, close, open_quote);
      if (end == std::string_view::npos && !braces) {
        if (open_quote == 0 || text_.find(close, *open + 2) == std::string_view::npos) {
          if (++looks_ == max_looks) angles_are_text_ = true;
          position_ = *open + 2;
          continue;
        }
      }
      if (end == std::string_view::npos) {
        unterminated(*open, close, open_quote);
        return std::nullopt;
      }
      add_literal(*open);
      add_hole(*open, end, close);
      literal_begin_ = position_ = end + 2;
    }
    add_literal(text_.size());
    if (failed_) return std::nullopt;
    return std::move(result_);
  }

 private:
  std::optional<std::size_t> next_open() noexcept {
    for (std::size_t i = position_; i + 1 < text_.size(); ++i) {
      if (text_[i] == '{' && text_[i + 1] == '{') return i;
      if (text_[i] == '<' && text_[i + 1] == '<' && !angles_are_text_) return i;
    }
    return std::nullopt;
  }

  void add_literal(std::size_t end) {
    if (end == literal_begin_) return;
    Piece piece;
    piece.literal = text_.substr(literal_begin_, end - literal_begin_);
    piece.span = {static_cast<std::uint32_t>(literal_begin_), static_cast<std::uint32_t>(end)};
    result_.pieces.push_back(std::move(piece));
  }

  void add_hole(std::size_t open, std::size_t end, std::string_view close) {
    const std::string_view inner = text_.substr(open + 2, end - open - 2);
    if (inner.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      complain(open, end + 2,
               "empty template, expected an expression between " + braces_of(open) + " and " + std::string(close),
               "for the braces themselves write {{ '" + braces_of(open) + "' }}");
      return;
    }
    std::optional<Expression> expression = parse(inner, open + 2, place_, diagnostics_, options_);
    if (!expression) {
      failed_ = true;
      return;
    }
    Piece piece;
    piece.hole = std::move(*expression);
    piece.span = {static_cast<std::uint32_t>(open), static_cast<std::uint32_t>(end + 2)};
    piece.words = words_of(braces_of(open), inner, close);
    result_.pieces.push_back(std::move(piece));
  }

  void unterminated(std::size_t open, std::string_view close, char open_quote) {
    std::string message = "unterminated " + braces_of(open) + ", expected " + std::string(close);
    if (open_quote != 0) message += std::string("; the quote ") + open_quote + " is never closed";
    complain(open, open + 2, std::move(message), "for the braces themselves write {{ '" + braces_of(open) + "' }}");
  }

  std::string braces_of(std::size_t open) const { return std::string(text_.substr(open, 2)); }

  void complain(std::size_t begin, std::size_t end, std::string message, std::string hint) {
    Diagnostic diagnostic;
    diagnostic.code = "template";
    diagnostic.message = std::move(message);
    diagnostic.hint = std::move(hint);
    diagnostic.source = place_.source;
    diagnostic.span = place_.span(begin, end);
    diagnostics_.add(std::move(diagnostic));
    failed_ = true;
  }

  std::string_view text_;
  const TextPlace& place_;
  Diagnostics& diagnostics_;
  ParseOptions options_;
  Template result_;
  std::size_t position_ = 0;       // where the search for the next hole begins
  std::size_t literal_begin_ = 0;  // text from here on is in no piece yet
  int looks_ = 0;
  bool angles_are_text_ = false;
  bool failed_ = false;
};

}  // namespace

bool Template::is_constant() const noexcept {
  return pieces.empty() || (pieces.size() == 1 && !pieces.front().is_hole());
}

bool Template::is_single_hole() const noexcept { return pieces.size() == 1 && pieces.front().is_hole(); }

bool may_hold_template(std::string_view text) noexcept {
  return text.find("{{") != std::string_view::npos || text.find("<<") != std::string_view::npos;
}

std::optional<Template> parse_template(std::string_view text, const TextPlace& place, Diagnostics& diagnostics,
                                       const ParseOptions& options) {
  return Reader(text, place, diagnostics, options).read();
}

Template bind(const Template& parsed, const Resolver& resolve) {
  Template bound = parsed;
  for (Piece& piece : bound.pieces) {
    if (!piece.is_hole()) continue;
    piece.hole = expr::bind(piece.hole, resolve);  // qualified: std::bind would be found too
    piece.slot = piece.hole.slot();
  }
  return bound;
}

Result<Value> render(const Template& bound, Scope& scope) {
  if (bound.is_single_hole()) return evaluate(bound.pieces.front().hole, scope);
  Value out;
  if (std::optional<Error> error = render_into(bound, scope, out)) return std::move(*error);
  return out;
}

std::optional<Error> render_into(const Template& bound, Scope& scope, Value& out) {
  Failure error;
  Value scratch;
  if (bound.is_single_hole()) {
    const Value* value = evaluate_borrowed(bound.pieces.front().hole, scope, scratch, error);
    if (value == nullptr) return std::move(*error);
    if (value == &scratch) {
      out = std::move(scratch);
    } else {
      out = *value;
    }
    return std::nullopt;
  }
  // A text that begins with itself, as in a loop that puts one together, is appended to in place.
  const std::uint32_t first_slot = bound.pieces.empty() ? Reference::none : bound.pieces.front().slot;
  const bool appends = first_slot != Reference::none && scope.slots + first_slot == &out && out.is_string();
  TextBuilder text(scope.limits.value_bytes);
  if (appends && !text.begin_after(out.as_string().size())) return text.over_limit();
  for (const Piece& piece : bound.pieces) {
    if (appends && &piece == &bound.pieces.front()) continue;
    if (!piece.is_hole()) {
      if (!text.append(piece.literal)) return text.over_limit();
      continue;
    }
    const Value* value =
        piece.slot != Reference::none ? scope.slots + piece.slot : evaluate_borrowed(piece.hole, scope, scratch, error);
    if (value == nullptr) return std::move(*error);
    if (value->is_bytes()) {
      return make_error(error_type::expression, "template: hole " + piece.words +
                                                    " holds bytes, which can't be joined with text; expected text");
    }
    if (!text.append_text(*value)) return text.over_limit();
  }
  scope.steps += text.size() / 1024;
  if (appends) {
    text.append_to(out);
  } else {
    text.move_into(out);
  }
  return std::nullopt;
}

}  // namespace fnstack::expr
