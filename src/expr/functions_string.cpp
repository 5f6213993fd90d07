// ECMAScript's string methods. Positions and lengths count code points.
#include <algorithm>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/utf8.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::string {
namespace {

// Limits for widths and counts, so that sizes computed from them can't overflow.
constexpr std::int64_t far_beyond_any_limit = std::int64_t{1} << 40;

std::uint64_t times(std::int64_t count, std::uint64_t bytes) noexcept {
  if (count > far_beyond_any_limit || bytes > static_cast<std::uint64_t>(far_beyond_any_limit)) return UINT64_MAX;
  std::uint64_t product = 0;
  return __builtin_mul_overflow(static_cast<std::uint64_t>(count), bytes, &product) ? UINT64_MAX : product;
}

std::int64_t length_of(std::string_view text) noexcept { return static_cast<std::int64_t>(count_code_points(text)); }

Result<Value> pad(Invocation& call, bool at_start) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t width = in.whole_or(1, 0, "length");
  const std::string_view fill = in.text_or(2, " ", "the fill text");
  if (in.failed()) return in.error();
  const std::int64_t missing = width - std::min(width, length_of(value));
  if (missing <= 0 || fill.empty()) return Value(value);
  const std::int64_t fill_length = length_of(fill);
  const std::uint64_t size = times(missing / fill_length, fill.size());
  if (!call.fits(size) || !call.charge(0, size)) return call.failure();
  std::string padding;
  padding.reserve(size + fill.size());
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
    while (last > 0 && value.size() - last < 4 && base::continues_code_point(value[last])) --last;
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

Result<Value> nothing_of(Invocation& call, std::string_view hint) { return call.error(hint); }

}  // namespace

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

}  // namespace fnstack::expr::functions::string
