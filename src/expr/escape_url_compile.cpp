// A URL with holes, read once: which form it has, what each hole stands for, and whether anything could make a valid
// URL of it. Fills nothing. Entry point: compile_url.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "base/url.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"
#include "expr/escape_url_places.hpp"

namespace fnstack::expr {
namespace {

using Form = UrlTemplate::Form;
using Slot = UrlTemplate::Slot;

bool begins_with_scheme(std::string_view text) noexcept {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (text.size() < scheme.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < scheme.size(); ++i) same = same && base::ascii_lower(text[i]) == scheme[i];
    if (same) return true;
  }
  return false;
}

class Compiler {
 public:
  Compiler(const Template& parsed, const TextPlace& place, Diagnostics& diagnostics)
      : place_(place), diagnostics_(diagnostics) {
    result_.text = parsed;
  }

  std::optional<UrlTemplate> compile() {
    const std::vector<Piece>& pieces = result_.text.pieces;
    if (pieces.empty()) {
      error(Piece{}, "the URL is empty, expected http:// or https:// at its start");
      return std::nullopt;
    }
    if (result_.text.is_single_hole()) return whole();
    if (!classify()) return std::nullopt;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].is_hole()) {
        if (!add_hole(i)) return std::nullopt;
      } else {
        read_literal(std::string_view(pieces[i].literal).substr(i == decided_by_ ? skipped_ : 0));
      }
    }
    if (failed_ || !is_possible()) return std::nullopt;
    return std::move(result_);
  }

 private:
  enum class Where { host, address, port, path, query, fragment };

  std::optional<UrlTemplate> whole() {
    Piece& piece = result_.text.pieces.front();
    result_.form = Form::whole;
    UrlTemplate::Hole hole{Slot::whole, OptOut::none};
    if (opt_out_of(piece.hole) == OptOut::raw) {  // it is taken as it is anyway
      hole.opt_out = OptOut::raw;
      piece.hole = piece.hole.without_opt_out();
    }
    if (piece.hole.is_concatenation()) {
      complain(diagnostics_, place_, piece, Diagnostic::Severity::warning, "glued-url",
               "the URL is one template that joins text with +: its parts are not escaped",
               "write the parts as text with holes: https://host/{{a}}?q={{b}}");
    }
    result_.holes.push_back(hole);
    return std::move(result_);
  }

  // The form, the place behind what decided it, and how much of the deciding literal is read by that.
  bool classify() {
    const std::vector<Piece>& pieces = result_.text.pieces;
    const Piece& first = pieces[0];
    if (!first.is_hole()) {
      if (begins_with_scheme(first.literal)) {
        result_.form = Form::literal;
        where_ = Where::host;
        skipped_ = first.literal.find("://") + 3;
        return true;
      }
      const Result<Url> parsed = parse_url(filled("a"));
      error(first, parsed.ok() ? "the URL: expected http:// or https:// at its start"
                               : "the URL: " + without_prefix(parsed.error().message));
      return false;
    }
    const Piece& second = pieces[1];
    if (second.is_hole()) {
      error(second,
            "the URL: hole " + second.words + " follows hole " + first.words +
                " at the start, so that no one knows what it stands for",
            "give the whole URL by one hole, or write https:// and the host as text");
      return false;
    }
    if (second.literal.starts_with("://")) {
      result_.form = Form::scheme;
      decided_by_ = 1;
      skipped_ = 3;
      return true;
    }
    if (second.literal.front() == '/' || second.literal.front() == '?') {
      result_.form = Form::base;
      where_ = Where::path;
      return true;
    }
    error(second,
          "the URL: text after the base hole " + first.words +
              " must begin with / or ?, as anything else could change the host",
          "write https:// and the host as text, or put a / after the hole");
    return false;
  }

  void read_literal(std::string_view text) {
    for (const char c : text) {
      switch (where_) {
        case Where::host:
          if (c == ':') where_ = Where::port;
          if (c == '[') where_ = Where::address;
          break;
        case Where::address:
          if (c == ']') where_ = Where::host;
          break;
        default:
          break;
      }
      const bool in_authority = where_ == Where::host || where_ == Where::address || where_ == Where::port;
      if (c == '/' && in_authority) where_ = Where::path;
      if (c == '?' && (in_authority || where_ == Where::path)) where_ = Where::query;
      if (c == '#') where_ = Where::fragment;
    }
  }

  bool add_hole(std::size_t position) {
    Piece& piece = result_.text.pieces[position];
    UrlTemplate::Hole hole;
    if (position == 0) {
      hole.slot = result_.form == Form::scheme ? Slot::scheme : Slot::base;
    } else {
      switch (where_) {
        case Where::host:
          hole.slot = Slot::host;
          break;
        case Where::port:
          hole.slot = Slot::port;
          if (!stands_alone_as_port(position)) {
            error(piece, "the URL's port: hole " + piece.words + " must be the whole port");
            return false;
          }
          break;
        case Where::path:
        case Where::query:
          hole.slot = where_ == Where::path ? Slot::path : Slot::query;
          if (splits_escape(position)) {
            error(piece, std::string(place_of(hole.slot)) + ": hole " + piece.words + " stands within a percent escape",
                  "write %25 for a percent sign");
            return false;
          }
          break;
        case Where::fragment:
          error(piece, "the URL: hole " + piece.words + " stands in the fragment, which is never sent",
                "take the # and what follows it away, or write %23 for the sign itself");
          return false;
        default:
          error(piece, "the URL's host: hole " + piece.words + " stands within [ ]; give an IPv6 address as text");
          return false;
      }
    }
    const OptOut wanted = opt_out_of(piece.hole);
    if (applies(wanted, hole.slot)) {
      hole.opt_out = wanted;
      piece.hole = piece.hole.without_opt_out();
    } else if (wanted != OptOut::none && wanted != OptOut::json) {  // json is an ordinary function elsewhere
      error(piece, std::string(place_of(hole.slot)) + ": " + std::string(name_of(wanted)) + " does not apply here",
            hole.slot == Slot::host ? "host lets dots through" : "");
      return false;
    }
    result_.holes.push_back(hole);
    return true;
  }

  static bool applies(OptOut opt_out, Slot slot) noexcept {
    switch (slot) {
      case Slot::host:
        return opt_out == OptOut::host;
      case Slot::path:
        return opt_out == OptOut::path || opt_out == OptOut::raw;
      case Slot::query:
        return opt_out == OptOut::json || opt_out == OptOut::raw;
      case Slot::base:
        return opt_out == OptOut::raw;  // taken as it is anyway
      default:
        return false;
    }
  }

  bool stands_alone_as_port(std::size_t position) const noexcept {
    const std::vector<Piece>& pieces = result_.text.pieces;
    if (pieces[position - 1].is_hole() || pieces[position - 1].literal.back() != ':') return false;
    if (position + 1 == pieces.size()) return true;
    const Piece& next = pieces[position + 1];
    return !next.is_hole() && std::string_view("/?#").find(next.literal.front()) != std::string_view::npos;
  }

  bool splits_escape(std::size_t position) const noexcept {
    const std::string_view before = result_.text.pieces[position - 1].literal;
    const std::size_t percent = before.rfind('%');
    return percent != std::string_view::npos && before.size() - percent < 3;
  }

  // The text with something harmless in each hole.
  std::string filled(std::string_view in_host) const {
    std::string out;
    std::size_t hole = 0;
    for (const Piece& piece : result_.text.pieces) {
      if (!piece.is_hole()) {
        out += piece.literal;
        continue;
      }
      const Slot slot = hole < result_.holes.size() ? result_.holes[hole].slot : Slot::path;
      ++hole;
      out += slot == Slot::scheme ? "https" : slot == Slot::base ? "https://a" : slot == Slot::port ? "1" : in_host;
    }
    return out;
  }

  bool is_origin_literal() const noexcept {
    return std::all_of(result_.holes.begin(), result_.holes.end(), [](const UrlTemplate::Hole& hole) {
      return hole.slot == Slot::path || hole.slot == Slot::query;
    });
  }

  // Is there anything that makes a valid URL of it? A letter and a digit are tried: {{x}}.0.0.1 needs the digit.
  bool is_possible() {
    Result<Url> parsed = parse_url(filled("a"));
    if (parsed.ok() && is_origin_literal()) result_.origin = *parsed;
    if (parsed.ok() || parse_url(filled("1")).ok()) return true;
    error(result_.text.pieces.front(), "the URL: " + without_prefix(parsed.error().message));
    return false;
  }

  void error(const Piece& piece, std::string message, std::string hint = {}) {
    complain(diagnostics_, place_, piece, Diagnostic::Severity::error, "url", std::move(message), std::move(hint));
    failed_ = true;
  }

  const TextPlace& place_;
  Diagnostics& diagnostics_;
  UrlTemplate result_;
  Where where_ = Where::host;
  std::size_t decided_by_ = 0;  // the piece that holds "://" ...
  std::size_t skipped_ = 0;     // ... up to here
  bool failed_ = false;
};

}  // namespace

std::optional<UrlTemplate> compile_url(const Template& parsed, const TextPlace& place, Diagnostics& diagnostics) {
  std::optional<UrlTemplate> compiled = Compiler(parsed, place, diagnostics).compile();
  if (compiled && compiled->text.is_constant()) {
    Scope nothing;
    Result<RenderedUrl> rendered = render_url(*compiled, nothing, {}, SIZE_MAX);
    if (rendered.ok()) compiled->constant = std::move(*rendered);
  }
  return compiled;
}

UrlTemplate bind(const UrlTemplate& compiled, const Resolver& resolve) {
  UrlTemplate bound = compiled;
  bound.text = expr::bind(compiled.text, resolve);
  return bound;
}

}  // namespace fnstack::expr
