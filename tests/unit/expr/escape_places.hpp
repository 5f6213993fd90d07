// What the tests of escaping share: one function for each kind of place, from template and variables (JSON) to
// the text that results, or "<type>: <message>"; what is refused when compiling is "check: <messages>".
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <fnstack/json.hpp>

#include "expr/escape.hpp"
#include "support/catch.hpp"
#include "unit/expr/vars.hpp"

namespace fnstack_test {

inline constexpr std::size_t url_bytes = 8192;
inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view form_type = "application/x-www-form-urlencoded";

inline std::string check_failed(const fnstack::Diagnostics& diagnostics) { return "check: " + messages(diagnostics); }

inline std::optional<fnstack::expr::Template> parsed(std::string_view text, fnstack::Diagnostics& diagnostics) {
  return fnstack::expr::parse_template(text, fnstack::TextPlace{}, diagnostics);
}

inline std::string url_of(std::string_view text, Vars& vars, std::string_view query = {}, std::size_t limit = url_bytes,
                          bool for_messages = false) {
  fnstack::Diagnostics diagnostics;
  const std::optional<fnstack::expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const std::optional<fnstack::expr::UrlTemplate> compiled =
      fnstack::expr::compile_url(*pieces, fnstack::TextPlace{}, diagnostics);
  if (!compiled) return check_failed(diagnostics);
  const fnstack::expr::UrlTemplate bound = fnstack::expr::bind(*compiled, vars.resolver());
  const fnstack::Result<fnstack::expr::RenderedUrl> url = fnstack::expr::render_url(bound, vars.scope(), query, limit);
  if (!url.ok()) return shown(url.error());
  return for_messages ? url->shown : url->url;
}
inline std::string url(std::string_view text, std::string_view vars = "{}", std::string_view query = {}) {
  Vars variables(vars);
  return url_of(text, variables, query);
}
inline std::string shown_url(std::string_view text, std::string_view vars = "{}", std::string_view query = {}) {
  Vars variables(vars);
  return url_of(text, variables, query, url_bytes, true);
}

inline std::string body_of(std::string_view text, Vars& vars, std::string_view content_type, bool literal_type) {
  fnstack::Diagnostics diagnostics;
  const std::optional<fnstack::expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const auto compiled =
      fnstack::expr::compile_body(*pieces, literal_type ? content_type : "", fnstack::TextPlace{}, diagnostics);
  if (!compiled) return check_failed(diagnostics);
  const fnstack::expr::BodyTemplate bound = fnstack::expr::bind(*compiled, vars.resolver());
  const fnstack::Result<fnstack::Value> body = fnstack::expr::render_body(bound, vars.scope(), content_type);
  if (!body.ok()) return shown(body.error());
  return body->is_string() ? std::string(body->as_string()) : "value " + fnstack::to_json(*body);
}
inline std::string json_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, json_type, false);
}
inline std::string form_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, form_type, false);
}
inline std::string text_body(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return body_of(text, variables, "text/plain", false);
}

inline std::string header_of(std::string_view name, std::string_view text, Vars& vars, std::size_t limit = 8192) {
  fnstack::Diagnostics diagnostics;
  const std::optional<fnstack::expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const fnstack::expr::Template bound = fnstack::expr::bind(*pieces, vars.resolver());
  const fnstack::Result<std::optional<std::string>> value =
      fnstack::expr::render_header(bound, vars.scope(), name, limit);
  if (!value.ok()) return shown(value.error());
  return value->has_value() ? **value : "left out";
}
inline std::string header(std::string_view text, std::string_view vars = "{}") {
  Vars variables(vars);
  return header_of("X-A", text, variables);
}

inline std::string headers(std::string_view json, bool from_data, std::size_t limit = 8192) {
  const auto list = fnstack::expr::check_headers(Vars::read(json), from_data, limit);
  if (!list.ok()) return shown(list.error());
  std::string out;
  for (const auto& [name, value] : *list) out += name + ": " + value + "\n";
  return out;
}

inline std::string cache_key(std::string_view text, std::string_view vars = "{}", std::size_t limit = 1024) {
  Vars variables(vars);
  fnstack::Diagnostics diagnostics;
  const std::optional<fnstack::expr::Template> pieces = parsed(text, diagnostics);
  if (!pieces) return check_failed(diagnostics);
  const fnstack::expr::Template bound = fnstack::expr::bind(*pieces, variables.resolver());
  const fnstack::Result<std::string> key = fnstack::expr::render_cache_key(bound, variables.scope(), limit);
  return key.ok() ? *key : shown(key.error());
}

template <class T>
inline std::string outcome(const fnstack::Result<T>& result) {
  if (!result.ok()) return shown(result.error());
  std::ostringstream out;
  out << *result;
  return out.str();
}
inline std::string outcome(const std::optional<fnstack::Error>& error) { return error ? shown(*error) : "fine"; }

inline bool failed(std::string_view outcome) {
  for (const char* type : {"check: ", "validation: ", "blocked: ", "limit: "}) {
    if (outcome.starts_with(type)) return true;
  }
  return false;
}

}  // namespace fnstack_test
