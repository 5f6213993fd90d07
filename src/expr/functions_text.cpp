// Functions on text: ECMAScript's string methods, and the filters for text. Positions and lengths count code points.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fnstack/json.hpp>

#include "base/url.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::text {
namespace {

// Limits for widths and counts, so that sizes computed from them can't overflow.
constexpr std::int64_t far_beyond_any_limit = std::int64_t{1} << 40;

std::uint64_t times(std::int64_t count, std::uint64_t bytes) noexcept {
  if (count > far_beyond_any_limit || bytes > static_cast<std::uint64_t>(far_beyond_any_limit)) return UINT64_MAX;
  std::uint64_t product = 0;
  return __builtin_mul_overflow(static_cast<std::uint64_t>(count), bytes, &product) ? UINT64_MAX : product;
}

std::int64_t length_of(std::string_view text) noexcept { return static_cast<std::int64_t>(count_code_points(text)); }

Result<Value> mapped(Invocation& call, std::string (*map)(std::string_view)) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  // Upper case of one code point has at most three, each of at most three bytes.
  if (!call.charge(0, value.size()) || !call.fits(value.size())) return call.failure();
  return Value(map(value));
}

Result<Value> pad(Invocation& call, bool at_start) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t width = in.whole_or(1, 0, "length");
  const std::string_view fill = in.text_or(2, " ", "the fill text");
  if (in.failed()) return in.error();
  const std::int64_t missing = width - std::min(width, length_of(value));
  if (missing <= 0 || fill.empty()) return Value(value);
  const std::int64_t fill_length = length_of(fill);
  const std::uint64_t size = times(missing / fill_length + 1, fill.size());
  if (!call.fits(size) || !call.charge(0, size)) return call.failure();
  std::string padding;
  padding.reserve(size);
  for (std::int64_t left = missing; left > 0; left -= fill_length) {
    padding += left >= fill_length ? fill : code_points(fill, 0, static_cast<std::size_t>(left));
  }
  std::string out = at_start ? std::move(padding) + std::string(value) : std::string(value) + padding;
  return Value(std::move(out));
}

std::string_view strip(std::string_view value, std::string_view characters, bool start, bool end) {
  const auto is_one = [&](const CodePoint& point) {
    for (std::size_t at = 0; at < characters.size();) {
      const CodePoint other = code_point_at(characters, at);
      if (other.value == point.value && other.size == point.size) return point.value != 0xFFFD || point.size == 3;
      at += other.size;
    }
    return false;
  };
  while (start && !value.empty()) {
    const CodePoint point = code_point_at(value, 0);
    if (!is_one(point)) break;
    value.remove_prefix(point.size);
  }
  while (end && !value.empty()) {
    std::size_t last = value.size() - 1;
    while (last > 0 && value.size() - last < 4 && (static_cast<unsigned char>(value[last]) & 0xC0U) == 0x80U) --last;
    const CodePoint point = code_point_at(value, last);
    if (point.size != value.size() - last || !is_one(point)) break;
    value.remove_suffix(point.size);
  }
  return value;
}

Result<Value> trimmed(Invocation& call, bool start, bool end) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const bool own = call.given(1) && !call[1].is_null();
  const std::string_view characters = in.text_or(1, "", "the characters");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size() + (own ? characters.size() * 4 : 0))) return call.failure();
  if (own) {
    if (characters.size() > 64) return call.error("expected at most 64 bytes of characters to trim");
    return Value(strip(value, characters, start, end));
  }
  std::string_view rest = value;
  if (start) rest = expr::trim_start(rest);
  if (end) rest = expr::trim_end(rest);
  return Value(rest);
}

// ECMAScript's GetSubstitution for a literal search text.
void append_substitution(std::string& out, std::string_view replacement, std::string_view value, std::size_t at,
                         std::size_t size) {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    if (replacement[i] != '$' || (next != '$' && next != '&' && next != '`' && next != '\'')) {
      out += replacement[i];
      continue;
    }
    ++i;
    if (next == '$') out += '$';
    if (next == '&') out += value.substr(at, size);
    if (next == '`') out += value.substr(0, at);
    if (next == '\'') out += value.substr(at + size);
  }
}

// Where `search` next occurs at or after `from`; an empty one between any two code points, the end included.
std::size_t next_match(std::string_view value, std::string_view search, std::size_t from) noexcept {
  if (from > value.size()) return std::string_view::npos;
  return value.find(search, from);
}

std::size_t step_over(std::string_view value, std::size_t at, std::size_t size) noexcept {
  if (size > 0) return at + size;
  return at < value.size() ? at + code_point_at(value, at).size : at + 1;
}

Result<Value> replaced(Invocation& call, bool all) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(value);
  const std::string_view search = in.any_text(1, "the text to replace");
  const bool arrow = call.is_arrow(2);
  const std::string_view replacement = arrow || call[2].is_null() ? std::string_view() : in.any_text(2, "the new text");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  std::string out;
  std::size_t copied = 0;
  Meter meter(call);
  for (std::size_t at = next_match(value, search, 0); at != std::string_view::npos;) {
    out += value.substr(copied, at - copied);
    const std::size_t before = out.size();
    if (arrow) {
      const Value arguments[] = {Value(search), Value(count_code_points(value.substr(0, at))), Value(value)};
      Value result;
      if (!meter.add(0, at) || !call.call_arrow(2, arguments, result)) return call.failure();
      out += to_text(result);
    } else {
      append_substitution(out, replacement, value, at, search.size());
    }
    if (!meter.add(1, out.size() - before) || !call.fits(out.size())) return call.failure();
    copied = at + search.size();
    if (!all) break;
    at = next_match(value, search, step_over(value, at, search.size()));
  }
  out += value.substr(copied);
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

// A literal replacement of all occurrences, without `$` patterns. False: over the limit.
bool replace_plain(Invocation& call, std::string& value, std::string_view search, std::string_view replacement) {
  if (search.empty()) return true;
  if (!call.charge(0, value.size())) return false;
  std::string out;
  std::size_t copied = 0;
  Meter meter(call);
  for (std::size_t at = value.find(search); at != std::string::npos; at = value.find(search, copied)) {
    out.append(value, copied, at - copied);
    out += replacement;
    copied = at + search.size();
    if (!meter.add(1, replacement.size()) || !call.fits(out.size())) return false;
  }
  out.append(value, copied, std::string::npos);
  value = std::move(out);
  return call.fits(value.size());
}

enum class Search : std::uint8_t { starts, ends, anywhere };

// The filters starts_with, ends_with and contains on text, with or without regard to case.
Result<Value> searched(Invocation& call, Search kind, bool ignore_case) {
  Reader in(call);
  if (call[0].is_null() || call[1].is_null()) return Value(false);
  std::string_view value = in.text(0);
  std::string_view search = in.text(1, "the text to look for");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  ignore_case = ignore_case || is_truthy(call[2]);
  std::string folded_value;
  std::string folded_search;
  if (ignore_case) {
    value = folded_value = expr::to_lower(value);
    search = folded_search = expr::to_lower(search);
  }
  switch (kind) {
    case Search::starts:
      return Value(value.starts_with(search));
    case Search::ends:
      return Value(value.ends_with(search));
    case Search::anywhere:
      break;
  }
  return Value(value.find(search) != std::string_view::npos);
}

Result<Value> position(Invocation& call, bool ignore_case) {
  Reader in(call);
  if (call[0].is_null() || call[1].is_null()) return Value(-1);
  std::string value(in.text(0));
  std::string search(in.text(1, "the text to look for"));
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  if (ignore_case) {
    value = expr::to_lower(value);
    search = expr::to_lower(search);
  }
  const std::size_t at = value.find(search);
  return at == std::string::npos ? Value(-1) : Value(count_code_points(std::string_view(value).substr(0, at)));
}

bool is_ascii_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Without tags and comments; an unfinished tag goes to the end of the text.
std::string without_tags(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char next = i + 1 < value.size() ? value[i + 1] : '\0';
    const bool tag = value[i] == '<' && (next == '/' || next == '!' || next == '?' || is_ascii_word(next));
    if (!tag) {
      out += value[i];
      continue;
    }
    if (value.substr(i).starts_with("<!--")) {
      const std::size_t close = value.find("-->", i + 4);
      if (close == std::string_view::npos) break;
      i = close + 2;
      continue;
    }
    char quote = '\0';
    for (++i; i < value.size(); ++i) {
      if (quote != '\0') {
        if (value[i] == quote) quote = '\0';
      } else if (value[i] == '"' || value[i] == '\'') {
        quote = value[i];
      } else if (value[i] == '>') {
        break;
      }
    }
  }
  return out;
}

struct FormatSpec {
  bool left = false;
  bool zero = false;
  bool plus = false;
  std::size_t width = 0;
  int precision = -1;
};

// One conversion of sprintf; false: an unknown one.
bool append_conversion(std::string& out, char conversion, FormatSpec spec, const Value& argument) {
  std::string body;
  bool negative = false;
  bool numeric = true;
  const Value number = argument.is_number()   ? argument
                       : argument.is_string() ? text_to_number(argument.as_string())
                                              : Value(argument.as_boolean() ? 1 : 0);
  const double real = number.as_number();
  switch (conversion) {
    case 's':
      body = to_text(argument);
      if (spec.precision >= 0) body = code_points(body, 0, static_cast<std::size_t>(spec.precision));
      numeric = false;
      break;
    case 'd':
    case 'i':
      body = number.is_integer() ? to_text(number) : fixed_text(Value(std::trunc(real)), 0, true);
      if (body.starts_with('-')) body.erase(0, 1);
      negative = real < 0;
      break;
    case 'f':
    case 'F':
      body = fixed_text(number.is_null() ? Value(0) : number, spec.precision < 0 ? 6 : spec.precision, true);
      negative = real < 0;
      break;
    case 'x':
      body = radix_text(std::trunc(std::fabs(real)), 16);
      negative = real < 0;
      break;
    case 'X':
      body = expr::to_upper(radix_text(std::trunc(std::fabs(real)), 16));
      negative = real < 0;
      break;
    case 'o':
      body = radix_text(std::trunc(std::fabs(real)), 8);
      negative = real < 0;
      break;
    case 'b':
      body = radix_text(std::trunc(std::fabs(real)), 2);
      negative = real < 0;
      break;
    default:
      return false;
  }
  std::string sign = negative ? "-" : spec.plus && numeric ? "+" : "";
  const std::size_t used = sign.size() + count_code_points(body);
  const std::size_t padding = spec.width > used ? spec.width - used : 0;
  if (spec.left) {
    out += sign + body + std::string(padding, ' ');
  } else if (spec.zero && numeric) {
    out += sign + std::string(padding, '0') + body;
  } else {
    out += std::string(padding, ' ') + sign + body;
  }
  return true;
}

Result<Value> nothing_of(Invocation& call, std::string_view hint) { return call.error(hint); }

}  // namespace

// ---- Methods of strings.

Result<Value> at(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  std::int64_t index = in.whole_or(1, 0, "the position");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  if (index < 0) index += length_of(value);
  if (index < 0 || index >= static_cast<std::int64_t>(value.size())) return Value();
  const std::size_t offset = offset_of(value, static_cast<std::size_t>(index));
  return offset < value.size() ? Value(value.substr(offset, code_point_at(value, offset).size)) : Value();
}

Result<Value> char_at(Invocation& call) {
  Reader in(call);
  const std::int64_t index = in.whole_or(1, 0, "the position");
  if (in.failed()) return in.error();
  if (index < 0) return Value("");
  Result<Value> found = at(call);
  return found.ok() && found->is_null() ? Result<Value>(Value("")) : std::move(found);
}

Result<Value> code_point(Invocation& call) {
  Result<Value> found = char_at(call);
  if (!found.ok()) return found;
  if (found->as_string().empty()) return Value();
  return Value(static_cast<std::int64_t>(code_point_at(found->as_string(), 0).value));
}

Result<Value> concat(Invocation& call) {
  Reader in(call);
  std::uint64_t size = 0;
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (call[i].is_null()) continue;
    parts.push_back(in.any_text(i));
    size += parts.back().size();
  }
  if (in.failed()) return in.error();
  if (!call.charge(parts.size(), size) || !call.fits(size)) return call.failure();
  Value out = call.take(0);
  if (!out.is_string()) out = Value(parts.empty() ? std::string_view() : parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) out.append(parts[i]);
  return out;
}

Result<Value> method_ends_with(Invocation& call) {
  Reader in(call);
  std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(false);
  const std::string_view search = in.any_text(1);
  const std::int64_t end = in.whole_or(2, INT64_MAX, "the end");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  value = code_points(value, 0, end < 0 ? 0 : static_cast<std::size_t>(end));
  return Value(value.ends_with(search));
}

Result<Value> method_starts_with(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(false);
  const std::string_view search = in.any_text(1);
  const std::int64_t from = std::max<std::int64_t>(in.whole_or(2, 0, "the position"), 0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  return Value(value.substr(offset_of(value, static_cast<std::size_t>(from))).starts_with(search));
}

Result<Value> includes(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(false);
  const std::string_view search = in.any_text(1);
  const std::int64_t from = std::max<std::int64_t>(in.whole_or(2, 0, "the position"), 0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  return Value(value.find(search, offset_of(value, static_cast<std::size_t>(from))) != std::string_view::npos);
}

Result<Value> index_of(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(-1);
  const std::string_view search = in.any_text(1);
  const std::int64_t from = std::max<std::int64_t>(in.whole_or(2, 0, "the position"), 0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  const std::size_t found = value.find(search, offset_of(value, static_cast<std::size_t>(from)));
  return found == std::string_view::npos ? Value(-1) : Value(count_code_points(value.substr(0, found)));
}

Result<Value> last_index_of(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (call[1].is_null()) return Value(-1);
  const std::string_view search = in.any_text(1);
  const std::int64_t from = std::max<std::int64_t>(in.whole_or(2, INT64_MAX, "the position"), 0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  const std::size_t found = value.rfind(search, offset_of(value, static_cast<std::size_t>(from)));
  return found == std::string_view::npos ? Value(-1) : Value(count_code_points(value.substr(0, found)));
}

Result<Value> locale_compare(Invocation& call) {
  return nothing_of(call, "there are no locales; compare with a < b ? -1 : 1, or use |sort_by('field')");
}

Result<Value> normalize(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::string_view form = in.text_or(1, "NFC", "the form");
  if (in.failed()) return in.error();
  // A code point decomposes to at most 18 (U+FDFA in NFKD).
  if (!call.charge(0, value.size() * 4) || !call.fits(value.size() * 4)) return call.failure();
  std::string out;
  if (!expr::normalize(value, form, out)) return call.error("expected the form NFC, NFD, NFKC or NFKD");
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> pad_start(Invocation& call) { return pad(call, true); }
Result<Value> pad_end(Invocation& call) { return pad(call, false); }

Result<Value> repeat(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t count = in.whole(1, "the count");
  if (in.failed()) return in.error();
  if (count < 0) return call.error("expected a count of 0 or more, got a negative one");
  if (value.empty()) return Value("");
  const std::uint64_t size = times(count, value.size());
  if (!call.fits(size) || !call.charge(0, size)) return call.failure();
  std::string out;
  out.reserve(size);
  for (std::int64_t i = 0; i < count; ++i) out += value;
  return Value(std::move(out));
}

Result<Value> method_replace(Invocation& call) { return replaced(call, false); }
Result<Value> method_replace_all(Invocation& call) { return replaced(call, true); }

Result<Value> slice(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t start = in.whole_or(1, 0, "the start");
  const std::int64_t end = in.whole_or(2, INT64_MAX, "the end");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  const std::size_t length = count_code_points(value);
  return Value(code_points(value, relative(start, length), relative(end, length)));
}

Result<Value> split(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const bool whole = call[1].is_null();
  const std::string_view separator = whole ? std::string_view() : in.any_text(1, "the separator");
  const std::int64_t limit = in.whole_or(2, INT64_MAX, "the limit");
  if (in.failed()) return in.error();
  if (limit < 0) return call.error("expected a limit of 0 or more, got a negative one");
  std::vector<Value> parts;
  const auto full = [&] { return static_cast<std::int64_t>(parts.size()) >= limit; };
  if (!call.charge(0, value.size())) return call.failure();
  if (whole) {
    if (!full()) parts.emplace_back(value);
    return Value::array(std::move(parts));
  }
  Meter meter(call);
  if (separator.empty()) {
    if (!call.fits(std::uint64_t{16} * std::min<std::uint64_t>(value.size(), static_cast<std::uint64_t>(limit)))) {
      return call.failure();
    }
    for (std::size_t i = 0; i < value.size() && !full();) {
      const std::size_t size = code_point_at(value, i).size;
      parts.emplace_back(value.substr(i, size));
      i += size;
      if (!meter.add(1)) return call.failure();
    }
    return Value::array(std::move(parts));
  }
  std::size_t from = 0;
  while (!full()) {
    const std::size_t found = value.find(separator, from);
    parts.emplace_back(value.substr(from, found == std::string_view::npos ? found : found - from));
    if (!meter.add(1) || !call.fits(parts.size() * 16)) return call.failure();
    if (found == std::string_view::npos) break;
    from = found + separator.size();
  }
  return Value::array(std::move(parts));
}

Result<Value> substring(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t first = std::max<std::int64_t>(in.whole_or(1, 0, "the start"), 0);
  const std::int64_t second = std::max<std::int64_t>(in.whole_or(2, INT64_MAX, "the end"), 0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  return Value(code_points(value, static_cast<std::size_t>(std::min(first, second)),
                           static_cast<std::size_t>(std::max(first, second))));
}

Result<Value> substr(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t start = in.whole_or(1, 0, "the start");
  const std::int64_t length = in.whole_or(2, INT64_MAX, "the length");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  if (length <= 0) return Value("");
  const std::size_t begin = relative(start, count_code_points(value));
  return Value(code_points(value, begin, begin + static_cast<std::size_t>(length)));
}

Result<Value> upper(Invocation& call) { return mapped(call, expr::to_upper); }
Result<Value> lower(Invocation& call) { return mapped(call, expr::to_lower); }
Result<Value> trim(Invocation& call) { return trimmed(call, true, true); }
Result<Value> trim_start(Invocation& call) { return trimmed(call, true, false); }
Result<Value> trim_end(Invocation& call) { return trimmed(call, false, true); }

// ---- Filters.

Result<Value> capitalize(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  std::string out;
  bool in_word = false;
  for (std::size_t i = 0; i < value.size();) {
    const CodePoint point = code_point_at(value, i);
    const std::string_view here = value.substr(i, point.size);
    if (in_word) {
      out += here;
    } else {
      out += expr::to_upper(here);
    }
    in_word = !is_space(point.value);
    i += point.size;
  }
  return Value(std::move(out));
}

Result<Value> upper_first(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  if (value.empty()) return Value("");
  const std::size_t first = code_point_at(value, 0).size;
  return Value(expr::to_upper(value.substr(0, first)).append(value.substr(first)));
}

Result<Value> starts_with(Invocation& call) { return searched(call, Search::starts, false); }
Result<Value> istarts_with(Invocation& call) { return searched(call, Search::starts, true); }
Result<Value> ends_with(Invocation& call) { return searched(call, Search::ends, false); }
Result<Value> iends_with(Invocation& call) { return searched(call, Search::ends, true); }
Result<Value> contains(Invocation& call) { return searched(call, Search::anywhere, false); }
Result<Value> icontains(Invocation& call) { return searched(call, Search::anywhere, true); }
Result<Value> iindex(Invocation& call) { return position(call, true); }
Result<Value> index(Invocation& call) { return position(call, false); }

Result<Value> replace(Invocation& call) {
  Reader in(call);
  std::string value(in.text(0));
  if (in.failed()) return in.error();
  if (call[1].is_object()) {
    const Value pairs = call[1];
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (!replace_plain(call, value, pairs.key_at(i), to_text(pairs[i]))) return call.failure();
    }
    return Value(std::move(value));
  }
  const std::string_view search = in.text(1, "the text to replace");
  const std::string_view replacement = in.text_or(2, "", "the new text");
  if (in.failed()) return in.error();
  if (!replace_plain(call, value, search, replacement)) return call.failure();
  return Value(std::move(value));
}

Result<Value> truncate(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t length = in.whole(1, "the length");
  const std::string_view end = in.text_or(2, "...", "the end");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size() + end.size())) return call.failure();
  if (length < 0) return call.error("expected a length of 0 or more, got a negative one");
  if (length_of(value) <= length) return Value(value);
  const std::int64_t kept = length - std::min(length, length_of(end));
  return Value(std::string(code_points(value, 0, static_cast<std::size_t>(kept)))
                   .append(code_points(end, 0, static_cast<std::size_t>(length))));
}

Result<Value> word_count(Invocation& call) {
  Reader in(call);
  const std::string_view value = call[0].is_null() ? std::string_view() : in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  std::int64_t words = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < value.size();) {
    const CodePoint point = code_point_at(value, i);
    const bool space = is_space(point.value);
    if (!space && !in_word) ++words;
    in_word = !space;
    i += point.size;
  }
  return Value(words);
}

Result<Value> slugify(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::string_view separator = in.text_or(1, "-", "the separator");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size() * 4)) return call.failure();
  const std::string plain = expr::to_lower(without_accents(value));
  std::string out;
  bool gap = false;
  for (std::size_t i = 0; i < plain.size();) {
    const CodePoint point = code_point_at(plain, i);
    if (!is_word(point.value)) {
      gap = true;
    } else {
      if (gap && !out.empty()) out += separator;
      gap = false;
      out.append(plain, i, point.size);
    }
    i += point.size;
  }
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> unaccent(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size() * 4)) return call.failure();
  return Value(without_accents(value));
}

Result<Value> strip_tags(Invocation& call) { return mapped(call, without_tags); }

Result<Value> sanitize(Invocation& call) {
  return mapped(call, [](std::string_view value) {
    std::string plain = without_tags(value);
    std::erase_if(plain, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
    });
    return std::string(expr::trim(plain));
  });
}

Result<Value> escape_html(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  std::string out;
  for (const char c : value) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> is_email(Invocation& call) {
  if (!call[0].is_string()) return Value(false);
  const std::string_view value = call[0].as_string();
  if (!call.charge(0, value.size())) return call.failure();
  const std::size_t at_sign = value.find('@');
  if (at_sign == std::string_view::npos || at_sign == 0 || at_sign > 64 || value.size() > 254) return Value(false);
  const std::string_view local = value.substr(0, at_sign);
  std::string_view domain = value.substr(at_sign + 1);
  const bool local_fits = std::all_of(local.begin(), local.end(), [](char c) {
    return is_ascii_word(c) || std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
  });
  if (!local_fits || local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) {
    return Value(false);
  }
  if (domain.find('.') == std::string_view::npos) return Value(false);
  while (true) {
    const std::size_t dot = domain.find('.');
    const std::string_view label = domain.substr(0, dot);
    const bool fits = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      std::all_of(label.begin(), label.end(), [](char c) { return is_ascii_word(c) || c == '-'; });
    if (!fits) return Value(false);
    if (dot == std::string_view::npos) return Value(label.size() >= 2);
    domain.remove_prefix(dot + 1);
  }
}

Result<Value> is_url(Invocation& call) {
  if (!call[0].is_string()) return Value(false);
  if (!call.charge(0, call[0].as_string().size())) return call.failure();
  return Value(parse_url(call[0].as_string()).ok());
}

Result<Value> file_extension(Invocation& call) {
  Reader in(call);
  std::string_view value = in.text(0);
  if (in.failed()) return in.error();
  if (const std::size_t slash = value.find_last_of("/\\"); slash != std::string_view::npos)
    value.remove_prefix(slash + 1);
  const std::size_t dot = value.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return Value("");
  return Value(expr::to_lower(value.substr(dot + 1)));
}

Result<Value> file_size(Invocation& call) {
  Reader in(call);
  double size = in.number(0);
  if (in.failed()) return in.error();
  if (size < 0) return call.error("expected a number of bytes, got a negative number");
  static constexpr const char* units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(units)) {
    size /= 1024;
    ++unit;
  }
  std::string out = fixed_text(Value(size), unit == 0 ? 0 : 1, false);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return Value(out + " " + units[unit]);
}

Result<Value> add_slashes(Invocation& call) {
  return mapped(call, [](std::string_view value) {
    std::string out;
    for (const char c : value) {
      if (c == '\'' || c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  });
}

Result<Value> sprintf(Invocation& call) {
  Reader in(call);
  const std::string_view format = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(call.count(), format.size())) return call.failure();
  std::string out;
  std::size_t argument = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (i + 1 < format.size() && format[i + 1] == '%') {
      out += '%';
      ++i;
      continue;
    }
    FormatSpec spec;
    for (++i; i < format.size() && std::string_view("-0+").find(format[i]) != std::string_view::npos; ++i) {
      if (format[i] == '-') spec.left = true;
      if (format[i] == '0') spec.zero = true;
      if (format[i] == '+') spec.plus = true;
    }
    const char* const end = format.data() + format.size();
    std::uint16_t width = 0;
    i = static_cast<std::size_t>(std::from_chars(format.data() + i, end, width).ptr - format.data());
    spec.width = width;
    if (i < format.size() && format[i] == '.') {
      std::uint16_t precision = 0;
      i = static_cast<std::size_t>(std::from_chars(format.data() + i + 1, end, precision).ptr - format.data());
      spec.precision = std::min<int>(precision, 1000);
    }
    if (i >= format.size()) return call.error("the format ends within a conversion");
    if (argument >= call.count()) return call.error("the format asks for more values than are given");
    if (call[argument].is_container() && format[i] != 's') {
      return call.error("expected a number for a conversion of the format, got " +
                        std::string(kind_name(call[argument])));
    }
    const std::size_t before = out.size();
    if (!append_conversion(out, format[i], spec, call[argument++])) {
      return call.error("the format knows %s, %d, %f, %x, %X, %o, %b and %%");
    }
    if (!call.charge(1, out.size() - before) || !call.fits(out.size())) return call.failure();
  }
  return Value(std::move(out));
}

}  // namespace fnstack::expr::functions::text
