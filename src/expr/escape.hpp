// Context-aware escaping: what fills a hole can't break what stands around it. One compiled kind of template for
// each kind of place. Compile-time refusals are diagnostics, run-time ones errors of type `validation` that name
// the hole and never repeat its value; a refused scheme is `blocked`, what is too long `limit`.
//
// Opt-outs are the outermost filter or call of a hole (raw, host, path, json); rawness is no property of a value.
// Which addresses may be reached is not decided here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "base/url.hpp"
#include "expr/template.hpp"

namespace fnstack::expr {

enum class OptOut : std::uint8_t { none, raw, host, path, json };

// ---- URL: classified from the template alone into whole, scheme, base or literal; each later hole by position.
struct RenderedUrl {
  std::string url;    // checked by a second parse: scheme, host and port are those the literal part fixed
  std::string shown;  // origin and literal path, each hole as {…}, no query: for messages
};
struct UrlTemplate {
  enum class Form : std::uint8_t { whole, scheme, base, literal };
  enum class Slot : std::uint8_t { whole, scheme, base, host, port, path, query };
  struct Hole {
    Slot slot = Slot::whole;
    OptOut opt_out = OptOut::none;  // taken off the hole's expression
  };
  Form form = Form::literal;
  Template text;            // bound or not
  std::vector<Hole> holes;  // one for each piece that is a hole
  // Known when compiling, to save work: the origin if no hole stands in it, the outcome if there is no hole.
  std::optional<Url> origin;
  std::optional<RenderedUrl> constant;
};
// Unknowable places (hole glued to a base, adjacent holes at the start, a hole in the fragment) are diagnostics;
// so is a literal URL that is invalid whatever fills it. A whole-URL hole that is a concatenation is a warning.
[[nodiscard]] std::optional<UrlTemplate> compile_url(const Template& parsed, const TextPlace& place,
                                                     Diagnostics& diagnostics);
[[nodiscard]] UrlTemplate bind(const UrlTemplate& compiled, const Resolver& resolve);
// `query` is appended with ? or &; it is encoded already (see encode_query). `max_bytes`: url_bytes, an error `limit`.
[[nodiscard]] Result<RenderedUrl> render_url(const UrlTemplate& bound, Scope& scope, std::string_view query,
                                             std::size_t max_bytes);

// ---- Query parameters: an evaluated object, or null for none. Lists repeat the name, null is left out, objects
// get bracketed names. A list or an object within a list has no form in a query: an error. Names and values are
// percent-encoded, blank as %20.
[[nodiscard]] Result<std::string> encode_query(const Value& parameters);
// A body object under application/x-www-form-urlencoded: a[b]=c, lists a[0]=…, null left out.
[[nodiscard]] Result<std::string> encode_form(const Value& fields);

// ---- Headers. One value written in the definition: checked, null whole -> left out, null inside text -> error.
// Empty optional: left out. `max_bytes`: header_bytes, of one value.
inline constexpr std::size_t default_header_bytes = 8192;
[[nodiscard]] Result<std::optional<std::string>> render_header(const Template& bound, Scope& scope,
                                                               std::string_view name,
                                                               std::size_t max_bytes = default_header_bytes);
// A map of headers that is evaluated: an object of scalars, or null for none. `from_data`: the whole map was one
// template, so that framing names (Host, Content-Length, Transfer-Encoding, Connection, TE, Trailer, Upgrade,
// Expect, Proxy-*) are refused. Members that are null are left out; the same name twice is refused.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> check_headers(const Value& headers,
                                                                                     bool from_data,
                                                                                     std::size_t max_bytes);
// `from_data`: the name itself holds a template; framing names are refused then.
[[nodiscard]] std::optional<Error> check_header_name(std::string_view name, bool from_data = false);
[[nodiscard]] bool is_framing_header(std::string_view name) noexcept;

// ---- Method: upper case, one of GET HEAD POST PUT PATCH DELETE OPTIONS. Null is an error here: what it defaults
// to is the step's business.
[[nodiscard]] Result<std::string> check_method(const Value& method);

// ---- Text bodies: where each hole stands when the text is read as a form and as JSON; chosen by media type.
struct BodyTemplate {
  enum class JsonSlot : std::uint8_t { in_string, value, elsewhere };
  struct Hole {
    JsonSlot json_slot = JsonSlot::elsewhere;
    OptOut opt_out = OptOut::none;  // raw or json, taken off the hole's expression
  };
  Template text;
  std::vector<Hole> holes;  // one for each piece that is a hole
};
// `media_type` is the literal Content-Type if it is known when compiling, else empty: then a hole at an
// impossible place is a diagnostic instead of an error when the step runs. A whole body that is a concatenation
// is a warning.
[[nodiscard]] std::optional<BodyTemplate> compile_body(const Template& parsed, std::string_view media_type,
                                                       const TextPlace& place, Diagnostics& diagnostics);
[[nodiscard]] BodyTemplate bind(const BodyTemplate& compiled, const Resolver& resolve);
// `content_type` as the header says it, parameters and all. A single hole: its value, unescaped (any kind).
[[nodiscard]] Result<Value> render_body(const BodyTemplate& bound, Scope& scope, std::string_view content_type);
// Media types: application/json and any +json; application/x-www-form-urlencoded. Parameters and case ignored.
[[nodiscard]] bool is_json_type(std::string_view content_type) noexcept;
[[nodiscard]] bool is_form_type(std::string_view content_type) noexcept;

// ---- Cache key: each part bytes as they are; null or empty part, or no scalar: error. max_bytes: cache_key_bytes.
[[nodiscard]] Result<std::string> render_cache_key(const Template& bound, Scope& scope, std::size_t max_bytes);

// ---- SQL identifiers: [A-Za-z_][A-Za-z0-9_]{0,62}. `what` is "table" or "column".
[[nodiscard]] std::optional<Error> check_identifier(std::string_view name, std::string_view what);
// ---- record_id: a number or non-empty text.
[[nodiscard]] std::optional<Error> check_record_id(const Value& id);
// ---- Response status: an integer from 200 to 599 or such text.
[[nodiscard]] Result<int> check_status(const Value& status);

}  // namespace fnstack::expr
