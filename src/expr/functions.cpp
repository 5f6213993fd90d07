// The one table of functions: a row is a function, its names, its parameters and what it is for. The implementations
// stand in functions_SUBJECT.cpp, namespace functions::SUBJECT. Entry points: find_function, find_method.
//
// To add one: its implementation, its row here, and rows in tests/cases/functions.csv.
#include "expr/functions.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "expr/functions_parts.hpp"

namespace fnstack::expr {
namespace {

using namespace functions;

// Every filter, which is callable as a function too, and every global.
constexpr Function function_rows[] = {
    // clang-format off
    // ---- Text. Null stays null, but for questions: they answer false, 0 or -1.
    {"length", "count strlen size", "value", "code points of text, elements of a list or object; of null 0", list::length},
    {"upper", "uppercase to_upper strtoupper", "text", "in upper case", or_null<string::upper>},
    {"lower", "lowercase to_lower strtolower", "text", "in lower case", or_null<string::lower>},
    {"capitalize", "title ucwords", "text", "each word with a capital first letter; the other letters stay", or_null<text::capitalize>},
    {"ucfirst", "upper_first", "text", "with a capital first letter", or_null<text::upper_first>},
    {"trim", "", "text characters?", "without white space, or the characters named, at both ends", or_null<string::trim>},
    {"ltrim", "trim_start", "text characters?", "trim at the start", or_null<string::trim_start>},
    {"rtrim", "trim_end", "text characters?", "trim at the end", or_null<string::trim_end>},
    {"starts_with", "", "text search ignore_case?", "does the text begin so?", text::starts_with},
    {"istarts_with", "", "text search", "starts_with without regard to case", text::istarts_with},
    {"ends_with", "", "text search ignore_case?", "does the text end so?", text::ends_with},
    {"iends_with", "", "text search", "ends_with without regard to case", text::iends_with},
    {"icontains", "", "text search", "contains, for text, without regard to case", text::icontains},
    {"iindex", "", "text search", "index, for text, without regard to case", text::iindex},
    {"replace", "", "text search replacement?", "all occurrences replaced, literally; an object gives several pairs", or_null<text::replace>},
    {"replace_template_vars", "", "text values", "each {{path}} in the text replaced by what stands there in an object; nothing for null", or_null<text::replace_template_vars>},
    {"split", "explode", "text separator limit?", "a list of the parts between separators", or_null<string::split>},
    {"substring", "", "text start end?", "from start up to end, as the method substring", or_null<string::substring>},
    {"substr", "", "text start length?", "that many code points from start", or_null<string::substr>},
    {"truncate", "", "text length end?", "cut to a length, with \"...\" or another end counted in", or_null<text::truncate>},
    {"repeat", "", "text count", "the text so many times", or_null<string::repeat>},
    {"pad_start", "padStart lpad", "text length fill?", "filled at the start up to a length", or_null<string::pad_start>},
    {"pad_end", "padEnd rpad", "text length fill?", "filled at the end up to a length", or_null<string::pad_end>},
    {"word_count", "", "text", "number of words; of null 0", text::word_count},
    {"slugify", "slug", "text separator?", "for addresses: lower case without accents, words joined by -", or_null<text::slugify>},
    {"unaccent", "", "text", "without accents: é becomes e, ß becomes ss", or_null<text::unaccent>},
    {"normalize", "", "text form?", "in the Unicode form NFC, NFD, NFKC or NFKD", or_null<string::normalize>},
    {"strip_tags", "strip_html striptags", "text", "without HTML tags and comments; this is no escaping", or_null<text::strip_tags>},
    {"sanitize", "", "text", "trimmed, without HTML tags and control characters; this is no escaping", or_null<text::sanitize>},
    {"escape_html", "escape htmlspecialchars", "text", "& < > \" and ' as HTML entities", or_null<text::escape_html>},
    {"addslashes", "", "text", "a backslash before quotes and backslashes", or_null<text::add_slashes>},
    {"sprintf", "", "format values*", "the format with %s %d %f %x %X %o %b filled in, width and precision as in C", or_null<text::sprintf>},
    {"is_email", "is_valid_email", "value", "is it text that looks like an address of mail?", text::is_email},
    {"is_url", "is_valid_url", "value", "is it an absolute http or https URL?", text::is_url},
    {"file_extension", "", "name", "what follows the last dot of a file name, in lower case", or_null<text::file_extension>},
    {"filesize", "", "bytes", "a number of bytes for people: \"1.5 MB\"", or_null<text::file_size>},

    // ---- Text or lists. A null list is an empty one where a list comes out, else null stays null.
    {"at", "nth", "value position", "the element or code point there, counted from the end if negative", array::at},
    {"first", "", "value", "the first element or code point; null if there is none", list::first},
    {"last", "", "value", "the last element or code point; null if there is none", list::last},
    {"slice", "array_slice", "value start? end?", "from start up to end, negative ones counted from the end", list::slice},
    {"reverse", "", "value", "the other way round", list::reverse},
    {"append", "array_push push", "value items*", "a list with the items behind it; a text with more text", list::append},
    {"prepend", "unshift array_unshift", "value items*", "a list with the items before it; a text with more text", list::prepend},
    {"concat", "", "value more*", "lists, or texts, one behind the other", list::concat},
    {"remove", "", "value item", "a list without elements equal to the item; a text without that text", list::remove},
    {"contains", "", "value item", "does a list hold the item, a text the text, an object the key?", list::contains},
    {"in", "in_array", "value holder", "is the value in the list, the text, among the keys?", list::in},
    {"index", "index_of", "value item", "where the item or text first stands; -1 if nowhere", list::index},

    // ---- Lists. Null is an empty list. A field is a dotted path, a path with filters, or an arrow function.
    {"join", "implode", "list separator?", "as text, with a separator between (a comma)", array::join},
    {"limit", "take", "list count", "the first so many elements", list::limit},
    {"skip", "offset drop", "list count", "without the first so many elements", list::skip},
    {"batch", "chunk", "list size fill?", "lists of so many elements each; the last one filled up if a fill is given", list::batch},
    {"map", "", "list attribute fields*", "that field of each element; with several fields an object of them", query::map},
    {"pluck", "", "list attribute", "that field of each element", query::map},
    {"where", "select filter array_filter filter_array", "list attribute operator? value?", "elements whose field is true, or equals a value, or compares so with it", query::where},
    {"reject", "", "list attribute operator? value?", "the elements that where leaves out", query::reject},
    {"partition", "", "list attribute operator? value?", "two lists: what where keeps, and the rest", query::partition},
    {"find", "", "list attribute operator? value?", "the first element that where keeps", query::find},
    {"find_index", "findIndex", "list attribute operator? value?", "where the first element that where keeps stands; else -1", query::find_index},
    {"some", "any has_any", "list attribute operator? value?", "does where keep any element?", query::some},
    {"every", "all", "list attribute operator? value?", "does where keep all elements?", query::every},
    {"reduce", "", "list function start?", "folded by (total, item, index) => …", array::reduce},
    {"group_by", "", "list attribute", "an object: each value of the field with the list of its elements", query::group_by},
    {"count_by", "", "list attribute", "an object: each value of the field with the number of its elements", query::count_by},
    {"index_by", "key_by", "list attribute", "an object: each value of the field with its last element", query::index_by},
    {"sort", "", "list attribute? direction?", "in order, by a field or by (a, b) => …; nulls last; stable", query::sort},
    {"sort_by", "", "list attribute direction?", "in order of a field or an x => key, asc or desc; nulls last; stable", query::sort_by},
    {"unique", "array_unique uniq distinct", "list attribute?", "without repetitions, of the elements or of a field", query::unique},
    {"sum", "array_sum", "list attribute?", "the total, of the elements or of a field; null ones are left out", query::sum},
    {"average", "avg mean", "list attribute?", "the mean, of the elements or of a field; of none null", query::average},
    {"median", "", "list attribute?", "the middle value, of the elements or of a field; of none null", query::median},
    {"product", "", "list attribute?", "all multiplied, the elements or a field", query::product},
    {"min", "array_min", "value others*", "the least of a list, of a field of its elements, or of the arguments; nulls are left out", query::min},
    {"max", "array_max", "value others*", "the greatest, as min", query::max},
    {"flatten", "", "list depth?", "lists within the list dissolved, all of them or so many levels", list::flatten},
    {"union", "", "list others*", "what is in any of the lists, each once", list::union_of},
    {"intersect", "intersection array_intersect", "list other", "what is in both lists", list::intersect},
    {"diff", "difference array_diff", "value other", "what is in the list and not in the other; of objects {field: {old, new}}", list::difference},
    {"overlaps", "", "list other", "do the lists have an element in common?", list::overlaps},
    {"fill", "", "list value start? end?", "a list with the value in all places from start up to end", array::fill},
    {"filter_empty", "compact", "value", "without null, false, empty text, lists and objects", list::filter_empty},
    {"filter_null", "", "value", "without nulls", list::filter_null},
    {"range", "", "start end? step?", "range(3) is [0, 1, 2]; range(1, 3) is [1, 2, 3]", list::range},
    {"shuffle", "", "list", "in random order", list::shuffle},
    {"random_item", "array_rand", "list", "a random element; of none null", list::random_item},
    {"safe_array", "to_list", "value", "a list as it is, null as an empty one, else a list of the value", list::safe_array},
    {"first_notnull", "coalesce", "value others*", "the first value that is not null, of the arguments or of one list", list::first_not_null},
    {"first_notempty", "", "value others*", "the first value that is not empty, of the arguments or of one list", list::first_not_empty},
    {"default", "", "value fallback", "the value; for null and empty text the fallback", list::default_value},
    {"is_empty", "empty", "value", "is it null, false, an empty text, list or object?", list::is_empty_value},

    // ---- Objects. Null is an empty object.
    {"keys", "object_keys array_keys", "object", "the list of its keys", object::keys},
    {"values", "object_values array_values", "object", "the list of its values", object::values},
    {"entries", "object_entries", "object", "the list of its [key, value] pairs", object::entries},
    {"from_entries", "create_object_from_entries", "list", "an object of [key, value] pairs", object::from_entries},
    {"create_object", "", "keys values", "an object of a list of keys and a list of values", object::create_object},
    {"fill_keys", "", "keys value", "an object with the value under each key", object::fill_keys},
    {"pick", "", "object fields*", "only these fields", object::pick},
    {"unpick", "omit", "object fields*", "without these fields", object::unpick},
    {"get", "", "object path default?", "what stands at the path; the default if nothing or null", object::get},
    {"has", "", "object path", "does anything, be it null, stand at the path?", object::has},
    {"set", "", "object path value", "with the value at the path", object::set},
    {"set_conditional", "", "object path value condition", "set, if the condition is true", object::set_conditional},
    {"set_ifnotnull", "", "object path value", "set, if the value is not null", object::set_if_not_null},
    {"set_ifnotempty", "", "object path value", "set, if the value is not empty", object::set_if_not_empty},
    {"unset", "", "object path", "without what stands at the path", object::unset},
    {"map_values", "", "object filter", "each value through an arrow function, a filter or a field", object::map_values},
    {"merge", "", "value others*", "objects, the later ones winning; or lists, one behind the other", object::merge},
    {"merge_recursive", "deep_merge", "value others*", "merge, objects within objects too", object::merge_recursive},

    // ---- Numbers.
    {"round", "", "number precision?", "to so many decimals, halves away from zero; null stays null", or_null<math::round>},
    {"floor", "", "number", "the whole number below; null stays null", or_null<math::floor>},
    {"ceil", "ceiling", "number", "the whole number above; null stays null", or_null<math::ceil>},
    {"abs", "", "number", "without sign; null stays null", or_null<math::abs>},
    {"number_format", "", "number decimals? point? separator?", "with so many decimals and thousands separated: \"1,234.50\"; null stays null", or_null<math::number_format>},
    {"add", "", "number other", "the sum", math::add},
    {"subtract", "", "number other", "the difference", math::subtract},
    {"multiply", "", "number other", "the product", math::multiply},
    {"divide", "", "number other", "the quotient", math::divide},
    {"modulus", "mod", "number other", "the remainder, with the sign of the first", math::modulus},
    {"pow", "", "number exponent", "the power", math::pow},
    {"sqrt", "", "number", "the square root", math::sqrt},
    {"exp", "", "number", "e to that power", math::exp},
    {"ln", "", "number", "the natural logarithm", math::log},
    {"log", "", "number", "the natural logarithm", math::log},
    {"log10", "", "number", "the decimal logarithm", math::log10},
    {"sin", "", "number", "trigonometry, in radians", math::sin},
    {"cos", "", "number", "trigonometry, in radians", math::cos},
    {"tan", "", "number", "trigonometry, in radians", math::tan},
    {"asin", "", "number", "trigonometry, in radians", math::asin},
    {"acos", "", "number", "trigonometry, in radians", math::acos},
    {"atan", "", "number", "trigonometry, in radians", math::atan},
    {"sinh", "", "number", "hyperbolic functions", math::sinh},
    {"cosh", "", "number", "hyperbolic functions", math::cosh},
    {"tanh", "", "number", "hyperbolic functions", math::tanh},
    {"asinh", "", "number", "hyperbolic functions", math::asinh},
    {"acosh", "", "number", "hyperbolic functions", math::acosh},
    {"atanh", "", "number", "hyperbolic functions", math::atanh},
    {"deg2rad", "", "degrees", "degrees as radians", math::degrees_to_radians},
    {"rad2deg", "", "radians", "radians as degrees", math::radians_to_degrees},
    {"even", "is_even", "number", "is it even?", math::even},
    {"odd", "is_odd", "number", "is it odd?", math::odd},
    {"percentage", "calculate_percentage", "part whole", "how many percent of the whole the part is", math::percentage},
    {"random_number", "random_integer random_int", "least? greatest?", "a random whole number, both bounds included; with one argument from 0", math::random_number},
    {"random_decimal", "random_float", "least? greatest?", "a random number from 0 to 1, or within the bounds", math::random_decimal},

    // ---- Time. A timestamp is epoch milliseconds; text that is a date will do. Zones are UTC or offsets such as '+02:00'.
    {"now", "", "", "the present time", time::now},
    {"date", "format_date format_timestamp format_time", "timestamp format? timezone?", "as text, by PHP's letters ('Y-m-d H:i:s')", or_null<time::format>},
    {"timestamp", "to_timestamp parse_timestamp strtotime", "value format? timezone?", "a timestamp of a text: ISO 8601, as HTTP writes dates, or by a format of PHP's letters", or_null<time::parse>},
    {"to_iso", "", "timestamp", "as 2024-02-29T12:00:00.000Z", or_null<time::to_iso>},
    {"to_http_date", "", "timestamp", "as Thu, 29 Feb 2024 12:00:00 GMT", or_null<time::to_http>},
    {"transform_timestamp", "", "timestamp change", "moved as in words: '-7 days', '+1 month 2 hours', '3 weeks ago', 'today'", or_null<time::transform>},
    {"add_ms", "add_ms_to_timestamp add_milliseconds", "timestamp amount", "so many ms later", or_null<time::add_ms>},
    {"add_seconds", "add_secs_to_timestamp", "timestamp amount", "so many seconds later", or_null<time::add_seconds>},
    {"add_minutes", "", "timestamp amount", "so many minutes later", or_null<time::add_minutes>},
    {"add_hours", "", "timestamp amount", "so many hours later", or_null<time::add_hours>},
    {"add_days", "", "timestamp amount", "so many days later", or_null<time::add_days>},
    {"add_weeks", "", "timestamp amount", "so many weeks later", or_null<time::add_weeks>},
    {"add_months", "", "timestamp amount", "so many months later; a day that the month lacks becomes its last", or_null<time::add_months>},
    {"add_years", "", "timestamp amount", "so many years later; a day that the month lacks becomes its last", or_null<time::add_years>},
    {"subtract_ms", "subtract_milliseconds", "timestamp amount", "so many ms earlier", or_null<time::subtract_ms>},
    {"subtract_seconds", "", "timestamp amount", "so many seconds earlier", or_null<time::subtract_seconds>},
    {"subtract_minutes", "", "timestamp amount", "so many minutes earlier", or_null<time::subtract_minutes>},
    {"subtract_hours", "", "timestamp amount", "so many hours earlier", or_null<time::subtract_hours>},
    {"subtract_days", "", "timestamp amount", "so many days earlier", or_null<time::subtract_days>},
    {"subtract_weeks", "", "timestamp amount", "so many weeks earlier", or_null<time::subtract_weeks>},
    {"subtract_months", "", "timestamp amount", "so many months earlier; a day that the month lacks becomes its last", or_null<time::subtract_months>},
    {"subtract_years", "", "timestamp amount", "so many years earlier; a day that the month lacks becomes its last", or_null<time::subtract_years>},
    {"start_of_hour", "", "timestamp timezone?", "when its hour began", or_null<time::start_of_hour>},
    {"end_of_hour", "", "timestamp timezone?", "the last millisecond of its hour", or_null<time::end_of_hour>},
    {"start_of_day", "", "timestamp timezone?", "when its day began", or_null<time::start_of_day>},
    {"end_of_day", "", "timestamp timezone?", "the last millisecond of its day", or_null<time::end_of_day>},
    {"start_of_week", "", "timestamp timezone?", "when its week began (on Monday)", or_null<time::start_of_week>},
    {"end_of_week", "", "timestamp timezone?", "the last millisecond of its week", or_null<time::end_of_week>},
    {"start_of_month", "", "timestamp timezone?", "when its month began", or_null<time::start_of_month>},
    {"end_of_month", "", "timestamp timezone?", "the last millisecond of its month", or_null<time::end_of_month>},
    {"start_of_year", "", "timestamp timezone?", "when its year began", or_null<time::start_of_year>},
    {"end_of_year", "", "timestamp timezone?", "the last millisecond of its year", or_null<time::end_of_year>},
    {"timestamp_year", "year", "timestamp timezone?", "its year", or_null<time::year>},
    {"timestamp_month", "month", "timestamp timezone?", "its month, 1 to 12", or_null<time::month>},
    {"timestamp_week", "week_of_year", "timestamp timezone?", "its ISO 8601 week", or_null<time::week>},
    {"timestamp_day_of_month", "day_of_month", "timestamp timezone?", "its day of the month", or_null<time::day>},
    {"timestamp_day_of_week", "day_of_week", "timestamp timezone?", "its day of the week, Sunday is 0", or_null<time::day_of_week>},
    {"timestamp_day_of_year", "day_of_year", "timestamp timezone?", "its day of the year, from 1", or_null<time::day_of_year>},
    {"timestamp_hour", "hour", "timestamp timezone?", "its hour", or_null<time::hour>},
    {"timestamp_minute", "minute", "timestamp timezone?", "its minute", or_null<time::minute>},
    {"timestamp_second", "second", "timestamp timezone?", "its second", or_null<time::second>},
    {"to_seconds", "", "timestamp", "whole seconds since the epoch", or_null<time::to_seconds>},
    {"to_minutes", "", "timestamp", "whole minutes since the epoch", or_null<time::to_minutes>},
    {"to_hours", "", "timestamp", "whole hours since the epoch", or_null<time::to_hours>},
    {"to_days", "", "timestamp", "whole days since the epoch", or_null<time::to_days>},
    {"to_ms", "", "timestamp", "milliseconds since the epoch: the timestamp itself", or_null<time::parse>},
    {"date_diff", "", "later earlier unit?", "the whole units between, 'days' unless named", or_null<time::difference>},
    {"is_future_date", "is_future", "timestamp", "is it after the present time?", or_null<time::is_future>},
    {"is_past_date", "is_past", "timestamp", "is it before the present time?", or_null<time::is_past>},
    {"is_date", "", "value", "is it text that can be read as a date?", time::is_date},

    // ---- Encodings and hashes, of text or bytes. Null stays null.
    {"base64_encode", "", "value", "in base64", or_null<codec::base64_encode>},
    {"base64_decode", "", "text", "the text, or bytes, that base64 of either alphabet stands for", or_null<codec::base64_decode>},
    {"base64url_encode", "base64_encode_urlsafe", "value", "in the base64 of URLs, without padding", or_null<codec::base64url_encode>},
    {"base64url_decode", "base64_decode_urlsafe", "text", "the text, or bytes, that base64 of either alphabet stands for", or_null<codec::base64_decode>},
    {"hex_encode", "bin2hex to_hex", "value", "in hex", or_null<codec::hex_encode>},
    {"hex_decode", "hex2bin from_hex", "text", "the text, or bytes, that the hex stands for", or_null<codec::hex_decode>},
    {"url_encode", "urlencode url_encode_rfc3986 rawurlencode", "value", "percent-encoded: letters, digits and -._~ stay", or_null<codec::url_encode>},
    {"form_encode", "", "value", "as forms encode: a blank is +", or_null<codec::form_encode>},
    {"url_decode", "urldecode", "text", "percent-decoded, + as a blank", or_null<codec::url_decode>},
    {"url_decode_rfc3986", "rawurldecode", "text", "percent-decoded, + stays", or_null<codec::url_decode_rfc3986>},
    {"querystring_parse", "", "text", "an object of the parameters; a[b]=1 and a[]=1 nest", or_null<codec::querystring_parse>},
    {"querystring", "build_query http_build_query", "object", "the parameters, encoded; lists repeat the name, nulls are left out", or_null<codec::querystring>},
    {"md5", "", "value encoding?", "the digest, in hex, base64, base64url or bytes; not for passwords", or_null<codec::md5>},
    {"sha1", "", "value encoding?", "the digest, in hex, base64, base64url or bytes; not for passwords", or_null<codec::sha1>},
    {"sha256", "", "value encoding?", "the digest, in hex, base64, base64url or bytes; not for passwords", or_null<codec::sha256>},
    {"sha384", "", "value encoding?", "the digest, in hex, base64, base64url or bytes; not for passwords", or_null<codec::sha384>},
    {"sha512", "", "value encoding?", "the digest, in hex, base64, base64url or bytes; not for passwords", or_null<codec::sha512>},
    {"hash", "", "value algorithm? encoding?", "the digest of a named algorithm: hash('sha256'); not for passwords", or_null<codec::hash>},
    {"hmac_md5", "", "value key encoding?", "the keyed digest, in hex, base64, base64url or bytes", or_null<codec::hmac_md5>},
    {"hmac_sha1", "", "value key encoding?", "the keyed digest, in hex, base64, base64url or bytes", or_null<codec::hmac_sha1>},
    {"hmac_sha256", "", "value key encoding?", "the keyed digest, in hex, base64, base64url or bytes", or_null<codec::hmac_sha256>},
    {"hmac_sha384", "", "value key encoding?", "the keyed digest, in hex, base64, base64url or bytes", or_null<codec::hmac_sha384>},
    {"hmac_sha512", "", "value key encoding?", "the keyed digest, in hex, base64, base64url or bytes", or_null<codec::hmac_sha512>},
    {"secure_compare", "hash_equals", "left right", "are they the same, in a time that does not tell where they differ?", codec::secure_compare},
    {"json_encode", "", "value pretty?", "as JSON text, compact or with line breaks", json::json_encode},
    {"json", "", "value", "as JSON text; outermost in a hole it stands unescaped", json::json_encode},
    {"json_decode", "", "text", "what the JSON text says", json::json_parse},
    {"csv_parse", "", "text header? separator?", "objects by the header line; lists if header is false", or_null<json::csv_parse>},
    {"csv_create", "", "list separator?", "CSV text of objects, with a header line, or of lists", json::csv_create},
    {"generate_uuid", "create_uuid", "", "a new random UUID (version 4)", codec::uuid},
    {"generate_token", "generate_secret random_bytes", "bytes? encoding?", "32 or so many random bytes, in hex, base64, base64url or bytes", codec::random_token},

    // ---- Regular expressions: linear in time, without look-around and back-references. Bare or as /…/flags.
    {"regex_matches", "regex_match matches test", "text pattern", "does the pattern occur?", regex::matches},
    {"regex_get_first_match", "regex_first", "text pattern", "the first match and its groups, or null", regex::first_match},
    {"regex_get_all_matches", "regex_all", "text pattern", "each match and its groups", regex::all_matches},
    {"regex_replace", "", "text pattern replacement?", "all matches replaced; $1 and $<name> are groups; an arrow function gets them", regex::replace},
    {"regex_split", "", "text pattern", "the parts between matches", regex::split},
    {"regex_quote", "", "text", "so that it matches itself", or_null<regex::quote>},

    // ---- Conversions and kinds.
    {"to_text", "text string", "value", "as text; null stays null", convert::to_text},
    {"to_int", "int integer intval", "value", "as a whole number, cut; null stays null", convert::to_int},
    {"to_decimal", "decimal float number to_number", "value", "as a number; null stays null", convert::to_number},
    {"to_bool", "bool boolean", "value", "true, 1, yes, on and false, 0, no, off and what is true otherwise", convert::to_bool},
    {"is_numeric", "", "value", "is it a number or numeric text?", convert::is_numeric},
    {"is_null", "", "value", "is it null?", convert::is_null},
    {"is_text", "is_string", "value", "is it text?", convert::is_text},
    {"is_number", "is_decimal is_float", "value", "is it a number?", convert::is_number},
    {"is_int", "is_integer", "value", "is it a whole number?", convert::is_integer},
    {"is_bool", "is_boolean", "value", "is it true or false?", convert::is_boolean},
    {"is_array", "is_list", "value", "is it a list?", array::is_array},
    {"is_object", "", "value", "is it an object?", convert::is_object},
    {"type", "typeof", "value", "null, boolean, number, text, bytes, list or object", convert::type_name},
    {"hexdec", "", "text", "the number that the hex digits are", or_null<convert::hex_to_number>},
    {"bindec", "", "text", "the number that the binary digits are", or_null<convert::binary_to_number>},
    {"octdec", "", "text", "the number that the octal digits are", or_null<convert::octal_to_number>},
    {"dechex", "", "number", "the number in hex", or_null<convert::number_to_hex>},
    {"decbin", "", "number", "the number in binary", or_null<convert::number_to_binary>},
    {"decoct", "", "number", "the number in octal", or_null<convert::number_to_octal>},
    {"equals", "", "value other", "as ==", convert::equals},
    {"not_equals", "", "value other", "as !=", convert::not_equals},
    {"greater_than", "", "value other", "as >", convert::greater_than},
    {"greater_than_or_equal", "", "value other", "as >=", convert::at_least},
    {"less_than", "", "value other", "as <", convert::less_than},
    {"less_than_or_equal", "", "value other", "as <=", convert::at_most},
    {"not", "", "value", "as !", convert::negated},
    {"raw", "", "value", "as it is; outermost in a hole it stands unescaped", convert::identity},
    {"host", "", "value", "as it is; outermost in a hole dots may stand in a host", convert::identity},
    {"path", "", "value", "as it is; outermost in a hole slashes may stand in a path", convert::identity},
    {"sql_esc", "", "value", "as it is: values in SQL are always bound", convert::identity},

    // ---- ECMAScript's globals.
    {"Number", "", "value?", "as a number; null where ECMAScript says NaN, and for null", convert::number},
    {"String", "", "value?", "as text", convert::string},
    {"Boolean", "", "value?", "is it true?", convert::boolean},
    {"parseInt", "Number.parseInt", "text radix?", "the whole number at the start; null if there is none", convert::parse_int},
    {"parseFloat", "Number.parseFloat", "text", "the number at the start; null if there is none", convert::parse_float},
    {"isNaN", "", "value", "does Number give null?", convert::global_is_nan},
    {"isFinite", "", "value", "does Number give a number?", convert::global_is_finite},
    {"Number.isInteger", "", "value", "is it a whole number?", convert::is_integer},
    {"Number.isSafeInteger", "", "value", "is it a whole number within 2^53?", convert::is_safe_integer},
    {"Number.isFinite", "", "value", "is it a number?", convert::number_is_finite},
    {"Number.isNaN", "", "value", "never: there is no NaN", convert::number_is_nan},
    {"Array.isArray", "", "value", "is it a list?", array::is_array},
    {"Array.from", "", "value function?", "a list of a list, a text, or {length: n}, each through the arrow function", array::array_from},
    {"Array.of", "", "items*", "a list of the arguments", array::array_of},
    {"Object.keys", "", "value", "the list of its keys", object::object_keys},
    {"Object.values", "", "value", "the list of its values", object::object_values},
    {"Object.entries", "", "value", "the list of its [key, value] pairs", object::object_entries},
    {"Object.fromEntries", "", "list", "an object of [key, value] pairs", object::from_entries},
    {"Object.assign", "", "target sources*", "an object with the fields of all, the later ones winning", object::assign},
    {"Object.hasOwn", "", "object key", "has it this key?", object::has_own},
    {"Object.groupBy", "", "list function", "an object: what the arrow function gives, with the list of its elements", query::group_by},
    {"JSON.parse", "", "text reviver?", "what the JSON text says", json::json_parse},
    {"JSON.stringify", "", "value replacer? indent?", "as JSON text; the replacer is a list of names", json::json_stringify},
    {"encodeURIComponent", "", "text", "percent-encoded but for letters, digits and -_.!~*'()", codec::encode_uri_component},
    {"decodeURIComponent", "", "text", "percent-decoded; malformed text is an error", codec::decode_uri_component},
    {"encodeURI", "", "text", "percent-encoded but for what has a meaning in URLs", codec::encode_uri},
    {"decodeURI", "", "text", "percent-decoded but for what has a meaning in URLs", codec::decode_uri},
    {"Math.abs", "", "number", "without sign", math::abs},
    {"Math.sign", "", "number", "-1, 0 or 1", math::sign},
    {"Math.floor", "", "number", "the whole number below", math::floor},
    {"Math.ceil", "", "number", "the whole number above", math::ceil},
    {"Math.trunc", "", "number", "the whole part", math::trunc},
    {"Math.sqrt", "", "number", "the square root", math::sqrt},
    {"Math.cbrt", "", "number", "the cube root", math::cbrt},
    {"Math.exp", "", "number", "e to that power", math::exp},
    {"Math.expm1", "", "number", "exp(x) - 1", math::expm1},
    {"Math.log", "", "number", "the natural logarithm", math::log},
    {"Math.log1p", "", "number", "log(1 + x)", math::log1p},
    {"Math.log2", "", "number", "the binary logarithm", math::log2},
    {"Math.log10", "", "number", "the decimal logarithm", math::log10},
    {"Math.fround", "", "number", "the nearest float of 32 bits", math::fround},
    {"Math.clz32", "", "number", "leading zero bits of 32", math::clz32},
    {"Math.round", "", "number", "the nearest whole number, halves up", math::math_round},
    {"Math.sin", "", "number", "trigonometry, in radians", math::sin},
    {"Math.cos", "", "number", "trigonometry, in radians", math::cos},
    {"Math.tan", "", "number", "trigonometry, in radians", math::tan},
    {"Math.asin", "", "number", "trigonometry, in radians", math::asin},
    {"Math.acos", "", "number", "trigonometry, in radians", math::acos},
    {"Math.atan", "", "number", "trigonometry, in radians", math::atan},
    {"Math.sinh", "", "number", "hyperbolic functions", math::sinh},
    {"Math.cosh", "", "number", "hyperbolic functions", math::cosh},
    {"Math.tanh", "", "number", "hyperbolic functions", math::tanh},
    {"Math.asinh", "", "number", "hyperbolic functions", math::asinh},
    {"Math.acosh", "", "number", "hyperbolic functions", math::acosh},
    {"Math.atanh", "", "number", "hyperbolic functions", math::atanh},
    {"Math.atan2", "", "y x", "the angle of a point", math::atan2},
    {"Math.pow", "", "base exponent", "the power", math::pow},
    {"Math.hypot", "", "numbers*", "the root of the sum of squares", math::hypot},
    {"Math.imul", "", "left right", "the product in 32 bits", math::imul},
    {"Math.min", "", "numbers*", "the least argument", math::math_min},
    {"Math.max", "", "numbers*", "the greatest argument", math::math_max},
    {"Math.random", "", "", "a random number from 0 up to 1", math::random},
    // clang-format on
};

// Methods, by the receiver's kind. Arguments beyond the named ones are ignored, as in ECMAScript.
constexpr Function method_rows[] = {
    // clang-format off
    // ---- Strings.
    {"string.at", "", "text position?", "the code point there, from the end if negative; null if there is none", string::at},
    {"string.charAt", "", "text position?", "the code point there, or empty text", string::char_at},
    {"string.charCodeAt", "", "text position?", "the number of the code point there, or null", string::code_point},
    {"string.codePointAt", "", "text position?", "the number of the code point there, or null", string::code_point},
    {"string.concat", "", "text more*", "with more text behind it; null adds nothing", string::concat},
    {"string.endsWith", "", "text search end?", "does it end so?", string::method_ends_with},
    {"string.includes", "", "text search from?", "does it hold the text?", string::includes},
    {"string.indexOf", "", "text search from?", "where the text first stands; -1 if nowhere", string::index_of},
    {"string.lastIndexOf", "", "text search from?", "where the text last stands; -1 if nowhere", string::last_index_of},
    {"string.localeCompare", "", "text other", "not here: there are no locales", string::locale_compare},
    {"string.match", "", "text pattern", "the first match and its groups; with the flag g all matches; null if none", regex::method_match},
    {"string.normalize", "", "text form?", "in a Unicode form", string::normalize},
    {"string.padEnd", "", "text length fill?", "filled at the end up to a length", string::pad_end},
    {"string.padStart", "", "text length fill?", "filled at the start up to a length", string::pad_start},
    {"string.repeat", "", "text count", "so many times", string::repeat},
    {"string.replace", "", "text search replacement", "the first occurrence replaced; $& and the like work", string::method_replace},
    {"string.replaceAll", "", "text search replacement", "all occurrences replaced", string::method_replace_all},
    {"string.search", "", "text pattern", "where the pattern first matches; -1 if nowhere", regex::method_search},
    {"string.slice", "", "text start? end?", "from start up to end, from the end if negative", string::slice},
    {"string.split", "", "text separator? limit?", "the parts between separators", string::split},
    {"string.startsWith", "", "text search from?", "does it begin so?", string::method_starts_with},
    {"string.substr", "", "text start length?", "so many code points from start", string::substr},
    {"string.substring", "", "text start end?", "from the lesser up to the greater position", string::substring},
    {"string.toLowerCase", "toLocaleLowerCase", "text", "in lower case", string::lower},
    {"string.toUpperCase", "toLocaleUpperCase", "text", "in upper case", string::upper},
    {"string.toString", "valueOf", "text", "itself", convert::to_string},
    {"string.trim", "", "text", "without white space at both ends", string::trim},
    {"string.trimEnd", "trimRight", "text", "without white space at the end", string::trim_end},
    {"string.trimStart", "trimLeft", "text", "without white space at the start", string::trim_start},

    // ---- Arrays.
    {"array.at", "", "list position?", "the element there, from the end if negative", array::at},
    {"array.concat", "", "list more*", "with lists and elements behind it", array::method_concat},
    {"array.entries", "", "list", "[index, element] pairs", array::method_entries},
    {"array.every", "", "list function", "is it true for all elements?", array::method_every},
    {"array.fill", "", "list value start? end?", "with the value in places from start up to end", array::fill},
    {"array.filter", "", "list function", "the elements for which it is true", array::method_filter},
    {"array.find", "", "list function", "the first element for which it is true; null if none", array::method_find},
    {"array.findIndex", "", "list function", "where that element stands; -1 if nowhere", array::method_find_index},
    {"array.findLast", "", "list function", "the last element for which it is true", array::method_find_last},
    {"array.findLastIndex", "", "list function", "where that element stands", array::method_find_last_index},
    {"array.flat", "", "list depth?", "lists within it dissolved, one level or so many", array::method_flat},
    {"array.flatMap", "", "list function", "map, then flat", array::method_flat_map},
    {"array.forEach", "", "list function", "not here: it would have no effect", array::no_for_each},
    {"array.includes", "", "list item from?", "does it hold the item?", array::method_includes},
    {"array.indexOf", "", "list item from?", "where the item first stands; -1 if nowhere", array::method_index_of},
    {"array.join", "", "list separator?", "as text, with a separator between", array::join},
    {"array.keys", "", "list", "the indices", array::method_keys},
    {"array.lastIndexOf", "", "list item from?", "where the item last stands; -1 if nowhere", array::method_last_index_of},
    {"array.map", "", "list function", "what it gives for each element", array::method_map},
    {"array.pop", "", "list", "not here: nothing mutates", array::no_pop},
    {"array.push", "", "list items*", "not here: nothing mutates", array::no_push},
    {"array.reduce", "", "list function start?", "folded from the first element on", array::reduce},
    {"array.reduceRight", "", "list function start?", "folded from the last element on", array::reduce_right},
    {"array.reverse", "toReversed", "list", "the other way round, as a new list", array::method_reverse},
    {"array.shift", "", "list", "not here: nothing mutates", array::no_shift},
    {"array.slice", "", "list start? end?", "from start up to end, from the end if negative", array::method_slice},
    {"array.some", "", "list function", "is it true for any element?", array::method_some},
    {"array.sort", "toSorted", "list comparator?", "in order, as a new list; stable; as text without a comparator", array::method_sort},
    {"array.splice", "", "list start count items*", "not here: nothing mutates", array::no_splice},
    {"array.toSpliced", "", "list start? count? items*", "with some elements left out and others put there", array::method_to_spliced},
    {"array.toString", "", "list", "its JSON text", convert::to_string},
    {"array.unshift", "", "list items*", "not here: nothing mutates", array::no_unshift},
    {"array.values", "", "list", "itself", array::method_values},
    {"array.with", "", "list position item", "with another element there", array::method_with},

    // ---- The rest.
    {"object.hasOwnProperty", "", "object key", "has it this key?", object::has_own},
    {"object.toString", "", "object", "its JSON text", convert::to_string},
    {"number.toExponential", "", "number digits?", "as 1.5e+3", math::to_exponential},
    {"number.toFixed", "", "number digits?", "with so many decimals", math::to_fixed},
    {"number.toPrecision", "", "number digits?", "with so many significant digits", math::to_precision},
    {"number.toString", "", "number radix?", "as text, to a radix from 2 to 36", math::to_string},
    {"number.valueOf", "", "number", "itself", convert::identity},
    {"boolean.toString", "", "boolean", "true or false", convert::to_string},
    {"boolean.valueOf", "", "boolean", "itself", convert::identity},
    // clang-format on
};

using Index = std::unordered_map<std::string, const Function*>;

// Calls visit with each blank-separated word.
template <class Visit>
void each_word(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const std::size_t blank = std::min(words.find(' '), words.size());
    visit(words.substr(0, blank));
    words.remove_prefix(std::min(blank + 1, words.size()));
  }
}

const Index& function_index() {
  static const Index index = [] {
    Index out;
    for (const Function& row : function_rows) {
      out.emplace(row.name, &row);
      each_word(row.aliases, [&](std::string_view alias) { out.emplace(alias, &row); });
    }
    return out;
  }();
  return index;
}

// Under "kind.name", and each bare name too.
const Index& method_index() {
  static const Index index = [] {
    Index out;
    for (const Function& row : method_rows) {
      const std::size_t dot = row.name.find('.');
      const std::string prefix(row.name.substr(0, dot + 1));
      out.emplace(row.name, &row);
      out.emplace(row.name.substr(dot + 1), &row);
      each_word(row.aliases, [&](std::string_view alias) {
        out.emplace(prefix + std::string(alias), &row);
        out.emplace(alias, &row);
      });
    }
    return out;
  }();
  return index;
}

const Function* look_up(const Index& index, const std::string& name) {
  const auto found = index.find(name);
  return found != index.end() ? found->second : nullptr;
}

std::string_view prefix_of(Value::Kind kind) noexcept {
  switch (kind) {
    case Value::Kind::string:
      return "string.";
    case Value::Kind::array:
      return "array.";
    case Value::Kind::object:
      return "object.";
    case Value::Kind::integer:
    case Value::Kind::number:
      return "number.";
    case Value::Kind::boolean:
      return "boolean.";
    case Value::Kind::null:
    case Value::Kind::bytes:
      break;
  }
  return {};
}

}  // namespace

const Function* find_function(std::string_view name) noexcept { return look_up(function_index(), std::string(name)); }

const Function* find_method(Value::Kind receiver, std::string_view name) noexcept {
  const std::string_view prefix = prefix_of(receiver);
  return prefix.empty() ? nullptr : look_up(method_index(), std::string(prefix).append(name));
}

bool is_method_name(std::string_view name) noexcept {
  return name.find('.') == std::string_view::npos && look_up(method_index(), std::string(name)) != nullptr;
}

std::span<const Function> all_functions() noexcept { return function_rows; }
std::span<const Function> all_methods() noexcept { return method_rows; }

}  // namespace fnstack::expr
