// What the implementations of functions share: reading arguments, charging costs, looking into elements, order,
// numbers. At the end the implementations are declared, a namespace for each subject; the table names them.
//
// Two ways of reading arguments meet here. Methods and globals follow ECMAScript: a number where text is needed is
// its text, a list is its JSON text, missing is the default. Filters are for data from elsewhere: null stays null
// in filters on text and numbers, and is an empty list or object in filters on those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "expr/arithmetic.hpp"
#include "expr/expression.hpp"
#include "expr/functions.hpp"

namespace fnstack::expr::functions {

// A whole double within 2^53 becomes an integer: what ECMAScript prints alike is kept exact from here on.
[[nodiscard]] Value number_value(double number) noexcept;
// ECMAScript's StringToNumber; integers within int64 exact. Null: it is no number, or not a finite one.
[[nodiscard]] Value text_to_number(std::string_view text);
// Exact for two integers unless int64 overflows.
[[nodiscard]] Value add_numbers(const Value& left, const Value& right) noexcept;
// -1, 0 or 1; exact between int64 and double.
[[nodiscard]] int compare_numbers(const Value& left, const Value& right) noexcept;
// A total order over all values, for sorting: numbers, then text, booleans, the rest; null comes last.
[[nodiscard]] int compare_values(const Value& left, const Value& right);

// Reads arguments. The first that does not fit leaves its error and makes all further answers empty, so that a
// function reads everything and asks once.
class Reader {
 public:
  explicit Reader(Invocation& call) : call_(call) {}

  // Text; numbers and booleans as their text. `parameter` names the argument in messages; none for the value itself.
  [[nodiscard]] std::string_view text(std::size_t position, std::string_view parameter = {});
  [[nodiscard]] std::string_view text_or(std::size_t position, std::string_view fallback, std::string_view parameter);
  // The same; containers as JSON text (ECMAScript's ToString under deviation 3), null as "null".
  [[nodiscard]] std::string_view any_text(std::size_t position, std::string_view parameter = {});
  // Text or bytes; containers as JSON text: what hashes and encodings take.
  [[nodiscard]] std::string_view octets(std::size_t position, std::string_view parameter = {});
  // ECMAScript's ToIntegerOrInfinity, cut to int64. Numeric text counts; null is an error.
  [[nodiscard]] std::int64_t whole(std::size_t position, std::string_view parameter);
  [[nodiscard]] std::int64_t whole_or(std::size_t position, std::int64_t fallback, std::string_view parameter);
  // A number, or text or a boolean that ECMAScript reads as one.
  [[nodiscard]] Value numeric(std::size_t position, std::string_view parameter = {});
  [[nodiscard]] double number(std::size_t position, std::string_view parameter = {}) {
    return numeric(position, parameter).as_number();
  }
  // A list; null is an empty one. Points to the argument or to a shared empty list.
  [[nodiscard]] const Value& list(std::size_t position, std::string_view parameter = {});
  [[nodiscard]] const Value& object(std::size_t position, std::string_view parameter = {});

  void fail(std::string_view message);
  void expected(std::string_view what, std::size_t position, std::string_view parameter);
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] Error error() { return std::move(*error_); }

 private:
  [[nodiscard]] std::string_view keep(const Value& value);

  Invocation& call_;
  std::optional<Error> error_;
  std::deque<std::string> kept_;  // views into it stay valid as it grows
};

// Collects small costs and charges them in batches: one call of charge each 64 elements or 1 KiB.
class Meter {
 public:
  explicit Meter(Invocation& call) : call_(call) {}
  // False: over the limit; return call.failure().
  [[nodiscard]] bool add(std::uint64_t elements, std::uint64_t bytes = 0) {
    elements_ += elements;
    bytes_ += bytes;
    if (elements_ < 64 && bytes_ < 1024) return true;
    const bool within = call_.charge(elements_, bytes_);
    elements_ = bytes_ = 0;
    return within;
  }
  // left == right, charged by what has to be looked at.
  [[nodiscard]] bool compare(const Value& left, const Value& right, bool& equal);

 private:
  Invocation& call_;
  std::uint64_t elements_ = 0;
  std::uint64_t bytes_ = 0;
};

// A dotted path, "a.b[0].c" or "a.b.0.c"; a member with exactly the whole name goes first. Null: nothing there.
[[nodiscard]] const Value* find_path(const Value& value, std::string_view path);
[[nodiscard]] std::vector<std::string> split_path(std::string_view path);

// How a list function looks at an element: an arrow function, a dotted path ('user.id'), a path with filters behind
// it ('created_at|date("H")', names mean the element's fields), or the element itself when no argument is given.
class Selector {
 public:
  Selector(Invocation& call, std::size_t position);
  // An expression over the element, which is called $this in it.
  Selector(Invocation& call, std::string_view expression);

  // The argument does not fit; error() says why.
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] bool is_element() const noexcept { return kind_ == Kind::element; }
  // False: it failed.
  [[nodiscard]] bool select(const Value& element, std::size_t index, Value& result);
  [[nodiscard]] Error error() { return error_ ? std::move(*error_) : call_.failure(); }

 private:
  enum class Kind : std::uint8_t { element, arrow, path, expression };
  void compile(std::string_view text);
  bool evaluate_expression(const Value& element, Value& result);

  Invocation& call_;
  std::size_t position_ = 0;
  Kind kind_ = Kind::element;
  std::string path_;
  Expression expression_;
  std::vector<std::string> names_;
  std::optional<Error> error_;
};

// Distinct values by content: finds equal ones in constant time, charging what it compares.
class ValueSet {
 public:
  explicit ValueSet(Invocation& call) : meter_(call) {}
  // The position under which an equal value was added, or `none` and then it is added. False: over the limit.
  static constexpr std::size_t none = SIZE_MAX;
  [[nodiscard]] bool add(const Value& value, std::size_t& found);
  [[nodiscard]] bool find(const Value& value, std::size_t& found);

 private:
  struct Entry {
    std::uint64_t hash;
    Value value;
  };
  void grow();

  Meter meter_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> table_;  // open addressing; 0 is free, else index + 1
};

// Stable merge sort, safe under any `less`, which may fail. less(later, earlier, answer): does the later one go first?
template <class Less>
[[nodiscard]] bool merge_sort(std::vector<Value>& items, Less less) {
  std::vector<Value> spare(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t low = 0; low < items.size(); low += 2 * width) {
      const std::size_t middle = low + width < items.size() ? low + width : items.size();
      const std::size_t high = low + 2 * width < items.size() ? low + 2 * width : items.size();
      std::size_t left = low;
      std::size_t right = middle;
      for (std::size_t out = low; out < high; ++out) {
        bool take_right = left == middle;
        if (!take_right && right < high && !less(items[right], items[left], take_right)) return false;
        spare[out] = std::move(items[take_right ? right++ : left++]);
      }
    }
    items.swap(spare);
  }
  return true;
}

// `index` counted from the end if negative, cut to 0..size.
[[nodiscard]] inline std::size_t relative(std::int64_t index, std::size_t size) noexcept {
  const auto length = static_cast<std::int64_t>(size);
  if (index < 0) return index + length < 0 || index < -length ? 0 : static_cast<std::size_t>(index + length);
  return index > length ? size : static_cast<std::size_t>(index);
}

// A random integer from 0 up to but without `bound` (0: all 64 bits), from the run's seed. False: there is no source of
// random numbers; return no_random(call).
[[nodiscard]] bool random_below(Invocation& call, std::uint64_t bound, std::uint64_t& result);
[[nodiscard]] Error no_random(Invocation& call);

// A list's elements.
[[nodiscard]] std::vector<Value> elements(const Value& list);
// Text if it is valid UTF-8, else bytes.
[[nodiscard]] Value text_or_bytes(std::string_view content);
// A decimal rounded half away from zero to `decimals` places, without sign. `exact` rounds the double's exact value
// (ECMAScript's toFixed), otherwise its shortest decimal text (what a reader of 1.005 expects).
[[nodiscard]] std::string fixed_text(const Value& number, int decimals, bool exact);
// ECMAScript's Number::toString with a radix from 2 to 36.
[[nodiscard]] std::string radix_text(double number, int radix);

// The text at 0 through a function that at most triples its length.
[[nodiscard]] Result<Value> mapped(Invocation& call, std::string (*map)(std::string_view));

// Filters on text and numbers: null in, null out.
template <Implementation implementation>
[[nodiscard]] Result<Value> or_null(Invocation& call) {
  if (call[0].is_null()) return Value();
  return implementation(call);
}

using Signature = Result<Value>(Invocation&);

namespace string {
Signature at, char_at, code_point, concat, method_ends_with, method_starts_with, includes, index_of, last_index_of,
    locale_compare, normalize, pad_start, pad_end, repeat, method_replace, method_replace_all, slice, split, substring,
    substr, upper, lower, trim, trim_start, trim_end;
}  // namespace string

namespace text {
Signature capitalize, upper_first, starts_with, istarts_with, ends_with, iends_with, contains, icontains, iindex, index,
    replace, replace_template_vars, truncate, word_count, slugify, unaccent, strip_tags, sanitize, escape_html,
    is_email, is_url, file_extension, file_size, add_slashes, sprintf;
}  // namespace text

namespace array {
Signature at, method_concat, method_entries, method_keys, method_values, method_every, method_some, fill, method_filter,
    method_find, method_find_index, method_find_last, method_find_last_index, method_flat, method_flat_map,
    method_includes, method_index_of, method_last_index_of, join, method_map, reduce, reduce_right, method_reverse,
    method_slice, method_sort, method_to_spliced, method_with, no_push, no_pop, no_shift, no_unshift, no_splice,
    no_for_each, array_from, array_of, is_array;
}  // namespace array

namespace list {
Signature length, first, last, limit, skip, slice, reverse, batch, append, prepend, concat, flatten, union_of,
    intersect, difference, overlaps, remove, contains, in, index, filter_empty, filter_null, range, random_item,
    shuffle, safe_array, first_not_null, first_not_empty, default_value, is_empty_value;
}  // namespace list

namespace query {
Signature map, where, reject, partition, find, find_index, some, every, group_by, count_by, index_by, sort, sort_by,
    unique, sum, average, product, median, min, max;
}  // namespace query

namespace object {
Signature object_keys, object_values, object_entries, from_entries, assign, has_own, keys, values, entries, pick,
    unpick, get, has, set, set_conditional, set_if_not_null, set_if_not_empty, unset, map_values, merge,
    merge_recursive, create_object, fill_keys;
}  // namespace object

namespace math {
Signature abs, sign, floor, ceil, trunc, math_round, sqrt, cbrt, exp, expm1, log, log1p, log2, log10, sin, cos, tan,
    asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, fround, atan2, hypot, clz32, imul, pow, math_min, math_max,
    random, to_fixed, to_precision, to_exponential, to_string, round, number_format, add, subtract, multiply, divide,
    modulus, even, odd, degrees_to_radians, radians_to_degrees, percentage, random_number, random_decimal;
}  // namespace math

namespace time {
Signature now, format, to_iso, to_http, parse, transform, add_ms, add_seconds, add_minutes, add_hours, add_days,
    add_weeks, add_months, add_years, subtract_ms, subtract_seconds, subtract_minutes, subtract_hours, subtract_days,
    subtract_weeks, subtract_months, subtract_years, start_of_hour, start_of_day, start_of_week, start_of_month,
    start_of_year, end_of_hour, end_of_day, end_of_week, end_of_month, end_of_year, year, month, day, hour, minute,
    second, day_of_week, day_of_year, week, to_seconds, to_minutes, to_hours, to_days, difference, is_future, is_past,
    is_date;
}  // namespace time

namespace codec {
Signature base64_encode, base64url_encode, hex_encode, base64_decode, hex_decode, encode_uri_component, encode_uri,
    decode_uri_component, decode_uri, url_encode, form_encode, url_decode, url_decode_rfc3986, querystring_parse,
    querystring, md5, sha1, sha256, sha384, sha512, hmac_md5, hmac_sha1, hmac_sha256, hmac_sha384, hmac_sha512, hash,
    secure_compare, random_token, uuid;
}  // namespace codec

namespace json {
Signature json_parse, json_stringify, json_encode, csv_parse, csv_create;
}  // namespace json

namespace regex {
Signature matches, first_match, all_matches, method_match, method_search, replace, split, quote;
}  // namespace regex

namespace convert {
Signature number, string, boolean, parse_int, parse_float, is_integer, is_safe_integer, number_is_finite,
    global_is_finite, global_is_nan, to_string, identity, to_text, to_number, to_int, to_bool, is_null, is_text,
    is_number, is_boolean, is_object, is_numeric, type_name, hex_to_number, binary_to_number, octal_to_number,
    number_to_hex, number_to_binary, number_to_octal, equals, not_equals, greater_than, less_than, at_least, at_most,
    negated, number_is_nan;
}  // namespace convert

}  // namespace fnstack::expr::functions
