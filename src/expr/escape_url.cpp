// Filling the holes of a URL: each value is encoded for its place, and the outcome is parsed again: what a hole was
// filled with must not have moved scheme, host or port. What each hole stands for was settled before. Entry point:
// render_url.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/kind_in_words.hpp"
#include "base/url.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"
#include "expr/escape_url_places.hpp"

namespace fnstack::expr {
namespace {

using Form = UrlTemplate::Form;
using Slot = UrlTemplate::Slot;

constexpr std::string_view hole_shown = "{…}";

class Renderer {
 public:
  Renderer(const UrlTemplate& bound, Scope& scope, std::size_t max_bytes)
      : bound_(bound), scope_(scope), max_bytes_(max_bytes) {}

  Result<RenderedUrl> render(std::string_view query) {
    out_.reserve(256);
    std::optional<Error> error = fill();
    if (!error) error = append_query(query);
    if (error) return std::move(*error);
    Result<Url> url = parse_url(out_);
    if (!url.ok()) return named(std::move(url).error());
    if (bound_.form != Form::whole) {
      error = check_origin(*url);
      if (error) return std::move(*error);
    }
    RenderedUrl rendered{url->text(), url->origin()};
    if (rendered.url.size() > max_bytes_) return over_limit();
    if (shown_path_.empty()) shown_path_ += '/';
    rendered.shown += shown_path_;
    return rendered;
  }

 private:
  enum class Where { authority, path, query, fragment };

  std::optional<Error> fill() {
    Value scratch;
    Failure error;
    std::size_t hole = 0;
    for (const Piece& piece : bound_.text.pieces) {
      if (!piece.is_hole()) {
        if (auto refused = append_literal(piece.literal)) return refused;
      } else {
        const Value* value = evaluate_borrowed(piece.hole, scope_, scratch, error);
        if (value == nullptr) return std::move(*error);
        if (auto refused = append_hole(piece, bound_.holes[hole++], *value)) return refused;
      }
    }
    if (where_ == Where::path) return finish_segment();
    if (where_ == Where::authority) authority_end_ = out_.size();
    return std::nullopt;
  }

  std::optional<Error> append_literal(std::string_view text) {
    if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
      if (auto error = append_literal(text.substr(0, hash))) return error;
      if (where_ == Where::path) {
        if (auto error = finish_segment()) return error;
      }
      if (where_ == Where::authority) authority_end_ = out_.size();
      where_ = Where::fragment;
      return std::nullopt;
    }
    if (where_ == Where::fragment) return std::nullopt;
    if (std::exchange(after_base_, false) && text.front() == '/' && out_.back() == '/') {
      out_.pop_back();
      if (shown_path_ == "/") shown_path_.clear();
    }
    if (!fits(text)) return over_limit();
    if (where_ == Where::authority) {
      // The slashes of "https://" come before the authority.
      std::size_t begin = 0;
      if (out_.empty()) begin = text.find("://") + 3;
      if (bound_.form == Form::scheme && !scheme_read_) begin = 3;
      scheme_read_ = true;
      std::size_t end = begin;
      while (end < text.size() && text[end] != '/' && text[end] != '?') ++end;
      out_ += text.substr(0, end);
      if (end == text.size()) return std::nullopt;
      authority_end_ = out_.size();
      text.remove_prefix(end);
      where_ = Where::path;
    }
    if (where_ == Where::path) {
      const std::size_t end = std::min(text.find('?'), text.size());
      shown_path_ += text.substr(0, end);
      std::string_view path = text.substr(0, end);
      while (true) {
        const std::size_t slash = path.find('/');
        out_ += path.substr(0, slash);
        if (slash == std::string_view::npos) break;
        if (auto error = finish_segment()) return error;
        out_ += '/';
        segment_begin_ = out_.size();
        path.remove_prefix(slash + 1);
      }
      text.remove_prefix(end);
      if (text.empty()) return std::nullopt;
      if (auto error = finish_segment()) return error;
      where_ = Where::query;
    }
    out_ += text;
    return std::nullopt;
  }

  // A segment ends here. Only those with a hole in them are judged; a literal // is the author's.
  std::optional<Error> finish_segment() {
    const Piece* hole = std::exchange(segment_hole_, nullptr);
    if (hole == nullptr) return std::nullopt;
    const std::string_view segment = std::string_view(out_).substr(segment_begin_);
    if (segment.empty()) {
      return refused_hole(place_path, *hole, "is empty; an empty segment would address another resource");
    }
    if (is_dot_segment(segment)) {
      return refused_hole(place_path, *hole, "makes a segment of dots, which would address another resource");
    }
    return std::nullopt;
  }

  std::optional<Error> append_hole(const Piece& piece, const UrlTemplate::Hole& hole, const Value& value) {
    switch (hole.slot) {
      case Slot::whole:
        return append_whole(piece, value);
      case Slot::scheme:
        return append_scheme(piece, value);
      case Slot::base:
        return append_base(piece, value);
      case Slot::host:
        return append_host(piece, value, hole.opt_out == OptOut::host);
      case Slot::port:
        return append_port(piece, value);
      case Slot::path:
        return append_path(piece, value, hole.opt_out);
      case Slot::query:
        return append_in_query(piece, value, hole.opt_out);
    }
    return std::nullopt;
  }

  std::optional<Error> append_whole(const Piece& piece, const Value& value) {
    if (!value.is_string()) return not_text(place_whole, piece, value);
    const std::string_view text = value.as_string();
    out_ = text.substr(0, text.find('#'));
    if (out_.size() > max_bytes_) return over_limit();
    out_ = text;  // the fragment is dropped by the parser, after it has been checked like the rest
    Result<Url> url = parse_url(out_);
    if (!url.ok()) return named(std::move(url).error());
    out_ = url->text();
    authority_end_ = url->origin().size();
    shown_path_ = url->target == "/" ? "/" : "/" + std::string(hole_shown);
    where_ = Where::fragment;
    return std::nullopt;
  }

  std::optional<Error> append_scheme(const Piece& piece, const Value& value) {
    if (!value.is_string() || value.as_string().empty()) return not_text(place_scheme, piece, value);
    std::string scheme(value.as_string().substr(0, 6));
    for (char& c : scheme) c = base::ascii_lower(c);
    if (scheme != "http" && scheme != "https") {
      return make_error(error_type::blocked, std::string(place_scheme) + ": hole " + piece.words +
                                                 " is refused; only http and https are allowed");
    }
    out_ = scheme;
    return std::nullopt;
  }

  std::optional<Error> append_base(const Piece& piece, const Value& value) {
    if (!value.is_string()) return not_text(place_base, piece, value);
    const std::string_view text = value.as_string();
    if (!fits(text)) return over_limit();
    if (text.find_first_of("?#") != std::string_view::npos) {
      return refused_hole(place_base, piece, "has a query or a fragment; expected scheme, host and path only");
    }
    Result<Url> url = parse_url(text);
    if (!url.ok()) return named(std::move(url).error());
    out_ = url->text();
    authority_end_ = url->origin().size();
    shown_path_ = url->target == "/" ? "/" : "/" + std::string(hole_shown);
    where_ = Where::path;
    segment_begin_ = out_.size();
    after_base_ = true;
    return std::nullopt;
  }

  std::optional<Error> append_host(const Piece& piece, const Value& value, bool dots) {
    if (!is_plain_scalar(value)) return not_scalar(place_host, piece, value, "it would address another host");
    const std::string text = to_text(value);
    if (!fits(text)) return over_limit();
    if (text.empty()) return refused_hole(place_host, piece, "is empty; it would address another host");
    std::string_view rest = text;
    while (true) {
      const std::size_t dot = dots ? rest.find('.') : std::string_view::npos;
      const std::string_view label = rest.substr(0, dot);
      if (auto error = check_label(piece, label, dots)) return error;
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    for (const char c : text) out_ += base::ascii_lower(c);
    return std::nullopt;
  }

  static std::optional<Error> check_label(const Piece& piece, std::string_view label, bool dots) {
    if (label.empty()) return refused_hole(place_host, piece, "has a dot too many");
    if (label.size() > 63) return refused_hole(place_host, piece, "has a label longer than 63 characters");
    for (const char c : label) {
      const char letter = base::ascii_lower(c);
      if ((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-') continue;
      if (c == '.' && !dots) {
        return refused_hole(place_host, piece,
                            "has a dot; expected one label, or write it as host(…) to let several labels through");
      }
      return refused_hole(place_host, piece, "has a character other than letters, digits and inner hyphens");
    }
    if (label.front() == '-' || label.back() == '-') {
      return refused_hole(place_host, piece, "begins or ends with a hyphen");
    }
    return std::nullopt;
  }

  std::optional<Error> append_port(const Piece& piece, const Value& value) {
    constexpr std::string_view expected = "is no integer from 1 to 65535";
    if (value.is_null()) return refused_hole(place_port, piece, "is null, expected an integer from 1 to 65535");
    if (!value.is_number() && !value.is_string()) return refused_hole(place_port, piece, expected);
    const std::string text = to_text(value);
    if (text.empty() || text.size() > 5 || text.front() == '0') return refused_hole(place_port, piece, expected);
    unsigned number = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return refused_hole(place_port, piece, expected);
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number > 65535) return refused_hole(place_port, piece, expected);
    if (!fits(text)) return over_limit();
    out_ += text;
    return std::nullopt;
  }

  std::optional<Error> append_path(const Piece& piece, const Value& value, OptOut opt_out) {
    if (value.is_null()) {
      return refused_hole(place_path, piece, "is null; an empty segment would address another resource");
    }
    if (!is_plain_scalar(value)) return not_scalar(place_path, piece, value, {});
    std::string buffer;
    const std::string_view text = text_of(value, buffer);
    if (!fits(text)) return over_limit();
    segment_hole_ = &piece;
    if (shown_path_.empty()) shown_path_ += '/';
    shown_path_ += hole_shown;
    if (opt_out == OptOut::none) {
      append_percent_encoded(out_, text);
      return std::nullopt;
    }
    if (opt_out == OptOut::path) {
      std::string_view rest = text;
      while (true) {
        const std::size_t slash = rest.find('/');
        append_percent_encoded(out_, rest.substr(0, slash));
        if (slash == std::string_view::npos) return std::nullopt;
        segment_hole_ = &piece;
        if (auto error = finish_segment()) return error;
        out_ += '/';
        segment_begin_ = out_.size();
        segment_hole_ = &piece;
        rest.remove_prefix(slash + 1);
      }
    }
    if (auto error = check_raw(place_path, piece, text, "http://a/")) return error;
    out_ += text;
    const std::size_t question = text.find('?');
    if (const std::size_t slash = text.substr(0, question).rfind('/'); slash != std::string_view::npos) {
      segment_begin_ = out_.size() - text.size() + slash + 1;
      if (slash + 1 == text.size() || slash + 1 == question) segment_hole_ = nullptr;  // a trailing / is meant
    }
    if (question != std::string_view::npos) {
      // What follows is in the query; the segment up to here is judged without it.
      const std::string tail = out_.substr(out_.size() - (text.size() - question));
      out_.resize(out_.size() - tail.size());
      if (auto error = finish_segment()) return error;
      out_ += tail;
      where_ = Where::query;
    }
    return std::nullopt;
  }

  std::optional<Error> append_in_query(const Piece& piece, const Value& value, OptOut opt_out) {
    if (opt_out == OptOut::json) {
      if (value.byte_size() / 8 > max_bytes_) return over_limit();  // its text is at least that long
      const std::string text = to_json(value);
      if (!fits(text)) return over_limit();
      append_percent_encoded(out_, text);
      return std::nullopt;
    }
    if (value.is_null()) return std::nullopt;
    if (!is_plain_scalar(value))
      return not_scalar(place_query, piece, value, "write it as json(…) to send its JSON text");
    std::string buffer;
    const std::string_view text = text_of(value, buffer);
    if (!fits(text)) return over_limit();
    if (opt_out == OptOut::raw) {
      if (auto error = check_raw(place_query, piece, text, "http://a/?")) return error;
      out_ += text;
    } else {
      append_percent_encoded(out_, text);
    }
    return std::nullopt;
  }

  // Raw text has to be a piece of a valid URL already.
  static std::optional<Error> check_raw(std::string_view place, const Piece& piece, std::string_view text,
                                        std::string_view front) {
    if (text.find('#') != std::string_view::npos) {
      return refused_hole(place, piece, "has a #, behind which nothing would be sent; write %23");
    }
    const Result<Url> url = parse_url(std::string(front) + std::string(text));
    if (!url.ok()) return refused_hole(place, piece, "is not fit to be raw: " + without_prefix(url.error().message));
    return std::nullopt;
  }

  std::optional<Error> append_query(std::string_view query) {
    if (query.empty()) return std::nullopt;
    if (!fits(query)) return over_limit();
    if (out_.find('?') == std::string::npos) {
      out_ += '?';
    } else if (out_.back() != '?' && out_.back() != '&') {
      out_ += '&';
    }
    out_ += query;
    return std::nullopt;
  }

  // The second opinion: the parser must have found the authority where the template has it.
  std::optional<Error> check_origin(const Url& url) const {
    if (bound_.origin) {
      if (bound_.origin->same_origin(url)) return std::nullopt;
    } else {
      const Result<Url> fixed = parse_url(std::string_view(out_).substr(0, authority_end_));
      if (fixed.ok() && fixed->same_origin(url)) return std::nullopt;
    }
    return refused(place_whole, "what fills its holes changes scheme, host or port");
  }

  // An error of the parser, with the hole that brought it.
  Error named(Error error) const {
    std::size_t hole = 0;
    for (const Piece& piece : bound_.text.pieces) {
      if (!piece.is_hole()) continue;
      const Slot slot = bound_.holes[hole].slot;
      if (slot == Slot::whole || slot == Slot::base || slot == Slot::host) {
        error.message = std::string(place_of(slot)) + ": hole " + piece.words + ": " + error.message;
        return error;
      }
      ++hole;
    }
    error.message = "the URL: " + without_prefix(error.message);
    return error;
  }

  static Error not_text(std::string_view place, const Piece& piece, const Value& value) {
    return refused_hole(
        place, piece,
        value.is_string() ? "is empty" : "is " + std::string(base::kind_in_words(value)) + ", expected text");
  }
  static Error not_scalar(std::string_view place, const Piece& piece, const Value& value, std::string_view cure) {
    std::string reason = "is " + std::string(base::kind_in_words(value)) + ", expected text, a number or a boolean";
    if (!cure.empty()) reason += "; " + std::string(cure);
    return refused_hole(place, piece, reason);
  }
  static std::string_view text_of(const Value& value, std::string& buffer) {
    if (value.is_string()) return value.as_string();
    buffer = to_text(value);
    return buffer;
  }

  bool fits(std::string_view more) const noexcept {
    return out_.size() <= max_bytes_ && more.size() <= max_bytes_ - out_.size();
  }
  Error over_limit() const { return too_long(place_whole, "url_bytes", max_bytes_); }

  const UrlTemplate& bound_;
  Scope& scope_;
  std::size_t max_bytes_;
  std::string out_;
  std::string shown_path_;
  Where where_ = Where::authority;
  bool scheme_read_ = false;
  bool after_base_ = false;
  std::size_t authority_end_ = 0;
  std::size_t segment_begin_ = 0;
  const Piece* segment_hole_ = nullptr;  // the last hole in the segment that is being built
};

}  // namespace

Result<RenderedUrl> render_url(const UrlTemplate& bound, Scope& scope, std::string_view query, std::size_t max_bytes) {
  if (bound.constant && query.empty() && bound.constant->url.size() <= max_bytes) return *bound.constant;
  return Renderer(bound, scope, max_bytes).render(query);
}

}  // namespace fnstack::expr
