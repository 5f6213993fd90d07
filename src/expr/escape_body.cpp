// Text bodies with holes. compile_body reads the literal text once as JSON, to know where each hole stands in it;
// render_body chooses the encoder by the final Content-Type. As a form every place is the same.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/kind_in_words.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"
#include "expr/text_builder.hpp"

namespace fnstack::expr {
namespace {

using JsonSlot = BodyTemplate::JsonSlot;

constexpr std::string_view place_json = "JSON body";
constexpr std::string_view place_form = "form body";
constexpr std::string_view place_text = "text body";

using base::same_word;

// "Application/JSON; charset=utf-8" -> "Application/JSON"
std::string_view essence_of(std::string_view content_type) noexcept {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && (content_type.front() == ' ' || content_type.front() == '\t')) {
    content_type.remove_prefix(1);
  }
  while (!content_type.empty() && (content_type.back() == ' ' || content_type.back() == '\t')) {
    content_type.remove_suffix(1);
  }
  return content_type;
}

// Follows JSON text character by character, holes in between. After the first character that JSON does not have
// there it is broken for good, and every hole behind it stands elsewhere.
class JsonFollower {
 public:
  void read(std::string_view text) {
    for (const char c : text) {
      if (state_ == State::broken) return;
      read(c);
    }
  }

  // Where a hole at this point stands. A raw hole may stand anywhere; it is taken for what would fit there.
  JsonSlot hole(bool raw) {
    switch (state_) {
      case State::string:
        if (after_backslash_ || hex_digits_ > 0) break;
        return JsonSlot::in_string;
      case State::value:
      case State::first_value:
        state_ = State::after_hole;
        return JsonSlot::value;
      case State::first_key:
      case State::key:
        if (raw) state_ = State::after_value;
        break;
      default:
        break;
    }
    if (!raw) state_ = State::broken;
    return JsonSlot::elsewhere;
  }

  // The character that was read last followed a value hole and does not fit: 1{{x}}2 would be another number.
  [[nodiscard]] bool take_glued() noexcept { return std::exchange(glued_, false); }

 private:
  enum class State {
    value,        // a value must come
    first_value,  // after [: a value or ]
    first_key,    // after {: a key or }
    key,          // after a comma in an object
    colon,
    after_value,  // a comma, ] or }; at the top nothing
    after_hole,   // the same, right after a hole that is the value
    string,
    word,  // within a number, true, false or null
    broken
  };

  void read(char c) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    switch (state_) {
      case State::string:
        read_in_string(c);
        return;
      case State::word:
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '+' || c == '-' || c == 'E') return;
        state_ = State::after_value;
        break;
      default:
        break;
    }
    if (blank) return;
    switch (state_) {
      case State::first_value:
        if (c == ']') {
          close();
          return;
        }
        [[fallthrough]];
      case State::value:
        begin_value(c);
        return;
      case State::first_key:
        if (c == '}') {
          close();
          return;
        }
        [[fallthrough]];
      case State::key:
        if (c == '"') {
          begin_string(true);
        } else {
          state_ = State::broken;
        }
        return;
      case State::colon:
        state_ = c == ':' ? State::value : State::broken;
        return;
      default:
        after_value(c);
    }
  }

  void begin_value(char c) {
    if (c == '"') {
      begin_string(false);
    } else if (c == '[') {
      open_.push_back(c);
      state_ = State::first_value;
    } else if (c == '{') {
      open_.push_back(c);
      state_ = State::first_key;
    } else if (c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n') {
      state_ = State::word;
    } else {
      state_ = State::broken;
    }
  }

  void begin_string(bool is_key) {
    state_ = State::string;
    is_key_ = is_key;
  }

  void read_in_string(char c) {
    if (hex_digits_ > 0) {
      const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      --hex_digits_;
      if (!hex) state_ = State::broken;
    } else if (after_backslash_) {
      after_backslash_ = false;
      if (c == 'u') hex_digits_ = 4;
      if (std::string_view("\"\\/bfnrtu").find(c) == std::string_view::npos) state_ = State::broken;
    } else if (c == '\\') {
      after_backslash_ = true;
    } else if (c == '"') {
      state_ = is_key_ ? State::colon : State::after_value;
    }
  }

  void after_value(char c) {
    const bool after_hole = state_ == State::after_hole;
    const char open = open_.empty() ? '\0' : open_.back();
    if (c == ',' && open == '[') {
      state_ = State::value;
    } else if (c == ',' && open == '{') {
      state_ = State::key;
    } else if (c == ']' && open == '[') {
      close();
    } else if (c == '}' && open == '{') {
      close();
    } else {
      glued_ = after_hole;
      state_ = State::broken;
    }
  }

  void close() {
    open_.pop_back();
    state_ = State::after_value;
  }

  State state_ = State::value;
  std::string open_;  // the brackets around this point
  bool is_key_ = false;
  bool after_backslash_ = false;
  int hex_digits_ = 0;  // of a \u escape, still to come
  bool glued_ = false;
};

// ---- rendering

enum class Reading { text, form, json };

Reading reading_of(std::string_view content_type) {
  if (is_form_type(content_type)) return Reading::form;
  return is_json_type(content_type) ? Reading::json : Reading::text;
}

std::string_view place_of(Reading reading) noexcept {
  return reading == Reading::form ? place_form : reading == Reading::json ? place_json : place_text;
}

// One hole of a body. The writers answer false if the text would become too long.
class HoleWriter {
 public:
  HoleWriter(TextBuilder& out, Reading reading) : out_(out), reading_(reading) {}

  std::optional<Error> write(const Piece& piece, const BodyTemplate::Hole& hole, const Value& value) {
    if (reading_ == Reading::json && hole.json_slot == JsonSlot::elsewhere && hole.opt_out != OptOut::raw) {
      return refused_hole(place_json, piece, elsewhere);
    }
    const bool as_json =
        hole.opt_out == OptOut::json ||
        (reading_ == Reading::json && hole.json_slot == JsonSlot::value && hole.opt_out != OptOut::raw);
    if (!as_json) {
      if (value.is_bytes()) return refused_hole(place_of(reading_), piece, "is bytes, which can't be joined with text");
      if (reading_ == Reading::form && value.is_container()) {
        return refused_hole(place_form, piece,
                            "is " + std::string(base::kind_in_words(value)) +
                                ", expected text, a number or a boolean; write it as json(…) to send its JSON text");
      }
    }
    const bool written = as_json ? write_json(hole, value) : write_text(hole, value);
    if (!written) return out_.over_limit();
    return std::nullopt;
  }

  static constexpr std::string_view elsewhere =
      "stands where JSON has no value; put it in quotes or in the place of a value, or write it as raw(…)";

 private:
  bool write_json(const BodyTemplate::Hole& hole, const Value& value) {
    const bool plain = reading_ == Reading::text || (reading_ == Reading::json && hole.json_slot == JsonSlot::value);
    if (plain) return out_.append_json(value);
    if (!out_.has_room_for_json(value)) return false;
    const std::string text = to_json(value);
    return reading_ == Reading::form ? out_.append_form_encoded(text) : out_.append_json_escaped(text);
  }

  bool write_text(const BodyTemplate::Hole& hole, const Value& value) {
    if (value.is_null()) return true;
    if (reading_ == Reading::text || hole.opt_out == OptOut::raw) return out_.append_text(value);
    if (value.is_string()) return write_encoded(value.as_string());
    if (value.is_container() && !out_.has_room_for_json(value)) return false;
    return write_encoded(to_text(value));
  }

  bool write_encoded(std::string_view text) {
    return reading_ == Reading::form ? out_.append_form_encoded(text) : out_.append_json_escaped(text);
  }

  TextBuilder& out_;
  Reading reading_;
};

}  // namespace

bool is_json_type(std::string_view content_type) noexcept {
  const std::string_view type = essence_of(content_type);
  return same_word(type, "application/json") || (type.size() > 5 && same_word(type.substr(type.size() - 5), "+json") &&
                                                 type.find('/') != std::string_view::npos);
}

bool is_form_type(std::string_view content_type) noexcept {
  return same_word(essence_of(content_type), "application/x-www-form-urlencoded");
}

std::optional<BodyTemplate> compile_body(const Template& parsed, std::string_view media_type, const TextPlace& place,
                                         Diagnostics& diagnostics) {
  BodyTemplate result;
  result.text = parsed;
  JsonFollower json;
  const bool whole = parsed.is_single_hole();
  for (Piece& piece : result.text.pieces) {
    if (!piece.is_hole()) {
      json.read(piece.literal);
    } else {
      BodyTemplate::Hole hole;
      hole.opt_out = opt_out_of(piece.hole);
      // Elsewhere host and path are ordinary functions, and so is json if it makes the whole body.
      const bool strips = hole.opt_out == OptOut::raw || (hole.opt_out == OptOut::json && !whole);
      if (strips) {
        piece.hole = piece.hole.without_opt_out();
      } else {
        hole.opt_out = OptOut::none;
      }
      hole.json_slot = json.hole(hole.opt_out == OptOut::raw);
      result.holes.push_back(hole);
    }
    if (json.take_glued()) result.holes.back().json_slot = JsonSlot::elsewhere;
  }
  const bool is_json = is_json_type(media_type);
  if (whole) {
    const Piece& piece = result.text.pieces.front();
    if (piece.hole.is_concatenation() && (media_type.empty() || is_json || is_form_type(media_type))) {
      complain(diagnostics, place, piece, Diagnostic::Severity::warning, "glued-body",
               "the body is one template that joins text with +: its parts are not escaped",
               "write the parts as text with holes, or the body as an object");
    }
    return result;
  }
  if (!is_json) return result;
  bool possible = true;
  std::size_t position = 0;
  for (const Piece& piece : result.text.pieces) {
    if (!piece.is_hole()) continue;
    const BodyTemplate::Hole& hole = result.holes[position++];
    if (hole.json_slot != JsonSlot::elsewhere || hole.opt_out == OptOut::raw) continue;
    complain(diagnostics, place, piece, Diagnostic::Severity::error, "body",
             std::string(place_json) + ": hole " + piece.words + " " + std::string(HoleWriter::elsewhere));
    possible = false;
  }
  if (!possible) return std::nullopt;
  return result;
}

BodyTemplate bind(const BodyTemplate& compiled, const Resolver& resolve) {
  BodyTemplate bound = compiled;
  bound.text = expr::bind(compiled.text, resolve);
  return bound;
}

Result<Value> render_body(const BodyTemplate& bound, Scope& scope, std::string_view content_type) {
  if (bound.text.is_single_hole()) return evaluate(bound.text.pieces.front().hole, scope);
  TextBuilder out(scope.limits.value_bytes);
  HoleWriter writer(out, reading_of(content_type));
  Value scratch;
  Failure error;
  std::size_t hole = 0;
  for (const Piece& piece : bound.text.pieces) {
    if (!piece.is_hole()) {
      if (!out.append(piece.literal)) return out.over_limit();
      continue;
    }
    const Value* value = evaluate_borrowed(piece.hole, scope, scratch, error);
    if (value == nullptr) return std::move(*error);
    if (auto refused = writer.write(piece, bound.holes[hole++], *value)) return std::move(*refused);
  }
  scope.steps += out.size() / 1024;
  Value body;
  out.move_into(body);
  return body;
}

}  // namespace fnstack::expr
