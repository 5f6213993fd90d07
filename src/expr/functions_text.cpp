// Filters for text.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "base/url.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::text {
namespace {

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

}  // namespace

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

// Only paths, never expressions: the text may come from anywhere. What is put in is not looked at again.
Result<Value> replace_template_vars(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const Value& variables = in.object(1, "the values");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size())) return call.failure();
  std::string out;
  std::size_t copied = 0;
  Meter meter(call);
  for (std::size_t open = value.find("{{"); open != std::string_view::npos; open = value.find("{{", copied)) {
    const std::size_t close = value.find("}}", open + 2);
    if (close == std::string_view::npos) break;
    const std::string_view path = expr::trim(value.substr(open + 2, close - open - 2));
    const Value* found = find_path(variables, path);
    out += value.substr(copied, open - copied);
    if (found != nullptr) {
      if (found->is_bytes())
        return call.error("bytes can't be joined with text; encode them first, as |base64_encode does");
      if (!meter.add(1, found->byte_size()) || !call.fits(out.size() + found->byte_size() / 8)) return call.failure();
      append_text(out, *found);
    }
    copied = close + 2;
    if (!meter.add(8, path.size()) || !call.fits(out.size())) return call.failure();
  }
  out += value.substr(copied);
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> truncate(Invocation& call) {
  Reader in(call);
  const std::string_view value = in.text(0);
  const std::int64_t length = in.whole(1, "the length");
  const std::string_view end = in.text_or(2, "...", "the end");
  if (in.failed()) return in.error();
  if (!call.charge(0, value.size() + end.size())) return call.failure();
  if (length < 0) return call.error("expected a length of 0 or more, got a negative one");
  if (static_cast<std::int64_t>(count_code_points(value)) <= length) return Value(value);
  const std::int64_t kept = length - std::min(length, static_cast<std::int64_t>(count_code_points(end)));
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
                        std::string(base::kind_in_words(call[argument])));
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
