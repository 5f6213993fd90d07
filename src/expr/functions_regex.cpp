// Regular expressions, on RE2: time linear in the text, memory bounded, no look-around and no back-references.
// A pattern is bare ('^a+$') or between slashes with flags ('/^a+$/i').
#include <memory>
#include <string>
#include <utility>

#include <re2/re2.h>

#include <fnstack/json.hpp>

#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::regex {
namespace {

// For the program and its automata. Patterns that need more are refused.
constexpr std::int64_t memory_budget = std::int64_t{1} << 20;
constexpr std::size_t max_pattern_bytes = 4096;

struct Pattern {
  std::string body;
  bool ignore_case = false;
  bool multi_line = false;
  bool dot_all = false;
  bool global = false;
};

// '/body/flags' taken apart. Text between slashes whose end is no set of flags (a path) is a bare pattern.
Pattern read_pattern(std::string_view text) {
  Pattern bare;
  bare.body = std::string(text);
  if (text.size() < 3 || text.front() != '/') return bare;
  const std::size_t end = text.rfind('/');
  if (end == 0) return bare;
  Pattern pattern;
  pattern.body = std::string(text.substr(1, end - 1));
  for (const char flag : text.substr(end + 1)) {
    switch (flag) {
      case 'i':
        pattern.ignore_case = true;
        break;
      case 'm':
        pattern.multi_line = true;
        break;
      case 's':
        pattern.dot_all = true;
        break;
      case 'g':
        pattern.global = true;
        break;
      case 'u':
        break;  // always so
      default:
        return bare;
    }
  }
  return pattern;
}

// ECMAScript's (?<name> in the spelling that every RE2 knows.
std::string translated(std::string_view body) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\\' && i + 1 < body.size()) {
      out += body[i++];
    } else if (body[i] == '[') {
      in_class = true;
    } else if (body[i] == ']') {
      in_class = false;
    } else if (!in_class && body.substr(i).starts_with("(?<") && i + 3 < body.size() && body[i + 3] != '=' &&
               body[i + 3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out += body[i];
  }
  return out;
}

re2::StringPiece piece(std::string_view text) { return re2::StringPiece(text.data(), text.size()); }

// A compiled pattern and the text it is used on.
class Matcher {
 public:
  // The pattern stands at `position`, the text at 0.
  Matcher(Invocation& call, std::size_t position) : in_(call) {
    text_ = in_.any_text(0);
    const std::string_view pattern = in_.text(position, "the pattern");
    if (in_.failed()) {
      error_ = in_.error();
      return;
    }
    if (pattern.size() > max_pattern_bytes) {
      error_ = call.error("the pattern is longer than 4096 bytes");
      return;
    }
    const Pattern parts = read_pattern(pattern);
    global_ = parts.global;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(memory_budget);
    options.set_case_sensitive(!parts.ignore_case);
    options.set_dot_nl(parts.dot_all);
    const std::string source = (parts.multi_line ? "(?m)" : "") + translated(parts.body);
    compiled_ = std::make_unique<RE2>(piece(source), options);
    if (!compiled_->ok()) {
      std::string message = "the pattern is invalid: " + compiled_->error();
      if (compiled_->error_code() == RE2::ErrorBadPerlOp) message += " (there is no look-around)";
      if (compiled_->error_code() == RE2::ErrorBadEscape) message += " (there are no back-references)";
      error_ = call.error(message);
      return;
    }
    // Compiling costs by the program's size; so does matching where the automaton outgrows its budget.
    const auto size = static_cast<std::uint64_t>(compiled_->ProgramSize());
    if (!call.charge(size, text_.size() * (1 + size / 64))) error_ = call.failure();
  }

  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] Error error() { return std::move(*error_); }
  [[nodiscard]] bool global() const noexcept { return global_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::size_t groups() const noexcept { return groups_.size(); }
  [[nodiscard]] const RE2& compiled() const noexcept { return *compiled_; }

  // The next match from a byte offset on.
  bool match(std::size_t from) {
    if (groups_.empty()) groups_.resize(static_cast<std::size_t>(compiled_->NumberOfCapturingGroups()) + 1);
    if (from > text_.size()) return false;
    return compiled_->Match(piece(text_), from, text_.size(), RE2::UNANCHORED, groups_.data(),
                            static_cast<int>(groups_.size()));
  }
  // A group of the last match; an unset one has no data.
  [[nodiscard]] std::string_view group(std::size_t number) const {
    if (number >= groups_.size()) return {};
    return std::string_view(groups_[number].data(), groups_[number].size());
  }
  [[nodiscard]] Value group_value(std::size_t number) const {
    const std::string_view found = group(number);
    return found.data() == nullptr ? Value() : Value(found);
  }
  [[nodiscard]] std::size_t begin() const { return static_cast<std::size_t>(groups_[0].data() - text_.data()); }
  // Where to look for the next match: behind this one, and at least one code point on.
  [[nodiscard]] std::size_t next() const {
    const std::size_t end = begin() + groups_[0].size();
    if (!groups_[0].empty()) return end;
    return end < text_.size() ? end + code_point_at(text_, end).size : end + 1;
  }
  [[nodiscard]] Value all_groups() const {
    std::vector<Value> found;
    for (std::size_t i = 0; i < groups_.size(); ++i) found.push_back(group_value(i));
    return Value::array(std::move(found));
  }

 private:
  Reader in_;
  std::string_view text_;
  std::unique_ptr<RE2> compiled_;
  bool global_ = false;
  std::vector<re2::StringPiece> groups_;
  std::optional<Error> error_;
};

// $1, $<name>, $&, $$ as in ECMAScript; \1 and ${1} as in PHP.
void append_replacement(std::string& out, std::string_view replacement, const Matcher& matcher) {
  const auto digit = [&](std::size_t i) {
    return i < replacement.size() && replacement[i] >= '0' && replacement[i] <= '9' ? replacement[i] - '0' : -1;
  };
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const char c = replacement[i];
    const char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    if ((c == '$' || c == '\\') && digit(i + 1) >= 0) {
      auto number = static_cast<std::size_t>(digit(i + 1));
      std::size_t used = 1;
      if (digit(i + 2) >= 0 && number * 10 + static_cast<std::size_t>(digit(i + 2)) < matcher.groups()) {
        number = number * 10 + static_cast<std::size_t>(digit(i + 2));
        used = 2;
      }
      if (number < matcher.groups()) {
        out += matcher.group(number);
        i += used;
        continue;
      }
    } else if (c == '$' && (next == '&' || next == '$')) {
      if (next == '$') {
        out += '$';
      } else {
        out += matcher.group(0);
      }
      ++i;
      continue;
    } else if (c == '$' && (next == '<' || next == '{')) {
      const std::size_t close = replacement.find(next == '<' ? '>' : '}', i);
      if (close != std::string_view::npos) {
        const std::string name(replacement.substr(i + 2, close - i - 2));
        const auto& names = matcher.compiled().NamedCapturingGroups();
        const auto found = names.find(name);
        const bool number =
            !name.empty() && name.size() <= 2 && name.find_first_not_of("0123456789") == std::string::npos;
        if (found != names.end() || number) {
          out += matcher.group(found != names.end() ? static_cast<std::size_t>(found->second)
                                                    : static_cast<std::size_t>(std::stoi(name)));
          i = close;
          continue;
        }
      }
    }
    out += c;
  }
}

}  // namespace

Result<Value> matches(Invocation& call) {
  if (call[0].is_null()) return Value(false);
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  return Value(matcher.match(0));
}

Result<Value> first_match(Invocation& call) {
  if (call[0].is_null()) return Value();
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  return matcher.match(0) ? matcher.all_groups() : Value();
}

Result<Value> all_matches(Invocation& call) {
  if (call[0].is_null()) return Value::array();
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  std::vector<Value> found;
  std::uint64_t bytes = 16;
  Meter meter(call);
  for (std::size_t from = 0; matcher.match(from); from = matcher.next()) {
    found.push_back(matcher.all_groups());
    bytes += found.back().byte_size();
    if (!meter.add(matcher.groups() + 8, matcher.group(0).size()) || !call.fits(bytes)) return call.failure();
  }
  return Value::array(std::move(found));
}

// ECMAScript's match: with the flag g all matched texts, without it the first match and its groups, or null.
Result<Value> method_match(Invocation& call) {
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  if (!matcher.global()) return matcher.match(0) ? matcher.all_groups() : Value();
  std::vector<Value> found;
  std::uint64_t bytes = 16;
  Meter meter(call);
  for (std::size_t from = 0; matcher.match(from); from = matcher.next()) {
    found.push_back(matcher.group_value(0));
    bytes += found.back().byte_size();
    if (!meter.add(8, matcher.group(0).size()) || !call.fits(bytes)) return call.failure();
  }
  return found.empty() ? Value() : Value::array(std::move(found));
}

Result<Value> method_search(Invocation& call) {
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  if (!matcher.match(0)) return Value(-1);
  return Value(count_code_points(matcher.text().substr(0, matcher.begin())));
}

Result<Value> replace(Invocation& call) {
  if (call[0].is_null()) return Value();
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  Reader in(call);
  const bool arrow = call.is_arrow(2);
  const std::string_view replacement = arrow ? std::string_view() : in.text_or(2, "", "the new text");
  if (in.failed()) return in.error();
  std::string out;
  std::size_t copied = 0;
  Meter meter(call);
  const std::string_view text = matcher.text();
  for (std::size_t from = 0; matcher.match(from); from = matcher.next()) {
    const std::size_t before = out.size();
    out += text.substr(copied, matcher.begin() - copied);
    if (arrow) {
      std::vector<Value> arguments;
      for (std::size_t i = 0; i < matcher.groups(); ++i) arguments.push_back(matcher.group_value(i));
      Value result;
      if (!call.call_arrow(2, arguments, result)) return call.failure();
      append_text(out, result);
    } else {
      append_replacement(out, replacement, matcher);
    }
    copied = matcher.begin() + matcher.group(0).size();
    if (!meter.add(8, out.size() - before) || !call.fits(out.size())) return call.failure();
  }
  out += text.substr(copied);
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> split(Invocation& call) {
  if (call[0].is_null()) return Value();
  Matcher matcher(call, 1);
  if (matcher.failed()) return matcher.error();
  std::vector<Value> parts;
  std::size_t copied = 0;
  Meter meter(call);
  const std::string_view text = matcher.text();
  for (std::size_t from = 0; matcher.match(from); from = matcher.next()) {
    const std::size_t end = matcher.begin() + matcher.group(0).size();
    if (end == copied || (matcher.group(0).empty() && end >= text.size())) continue;  // nothing between
    parts.emplace_back(text.substr(copied, matcher.begin() - copied));
    copied = end;
    if (!meter.add(8) || !call.fits(parts.size() * 16)) return call.failure();
  }
  parts.emplace_back(text.substr(copied));
  return Value::array(std::move(parts));
}

Result<Value> quote(Invocation& call) {
  Reader in(call);
  const std::string_view text = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}/-").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

}  // namespace fnstack::expr::functions::regex
