#include "steps/paginate.hpp"

#include "base/url.hpp"
#include "expr/escape.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

// The query without the parameters that `replaced` names.
std::string without(std::string_view query, const Value& replaced) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty() || replaced.find(percent_decoded(pair.substr(0, pair.find('=')), true)) != nullptr) continue;
    out += (out.empty() ? "" : "&") + std::string(pair);
  }
  return out;
}

Result<std::optional<std::string>> with_query(const std::string& url, const Value& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].is_null()) return std::optional<std::string>();
  }
  auto encoded = expr::encode_query(parameters);
  if (!encoded) return std::move(encoded).error();
  const std::size_t mark = url.find('?');
  std::string query = mark == url.npos ? "" : without(std::string_view(url).substr(mark + 1), parameters);
  if (!query.empty() && !encoded->empty()) query += '&';
  query += *encoded;
  return std::optional<std::string>(url.substr(0, mark) + (query.empty() ? "" : "?" + query));
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool has_word(std::string_view words, std::string_view word) noexcept {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

// The end of a parameter or link that begins at `at`: the next `separator` outside double quotes.
std::size_t end_of(std::string_view text, std::size_t at, std::string_view separators) noexcept {
  bool quoted = false;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && separators.find(text[at]) != separators.npos) {
      return at;
    }
  }
  return text.size();
}

}  // namespace

Result<std::optional<std::string>> next_page(const std::string& url, const Value& next) {
  if (next.is_null() || (next.is_boolean() && !next.as_boolean())) return std::optional<std::string>();
  if (next.is_object()) return with_query(url, next);
  if (!next.is_string()) return wrong("paginate: next: expected a URL, query parameters or null");
  if (next.as_string().empty()) return std::optional<std::string>();
  auto from = parse_url(url);
  if (!from) return std::move(from).error();
  auto to = resolve_url(*from, next.as_string());
  if (!to) {
    to.error().message.insert(0, "paginate: next: ");
    return std::move(to).error();
  }
  if (!to->same_origin(*from)) {
    return make_error(error_type::blocked, "paginate: next: the next page is at another origin than " + from->origin() +
                                               ", which would get this step's headers");
  }
  return std::optional<std::string>(to->text());
}

std::string without_parameter(const std::string& url, std::string_view name) {
  const std::size_t mark = url.find('?');
  if (mark == url.npos) return url;
  const std::string query = without(std::string_view(url).substr(mark + 1), Value::object({{name, Value()}}));
  return url.substr(0, mark) + (query.empty() ? "" : "?" + query);
}

std::string_view link_target(std::string_view header, std::string_view relation) noexcept {
  std::size_t at = 0;
  while (at < header.size()) {
    const std::size_t open = header.find('<', at);
    if (open == header.npos) return {};
    const std::size_t close = header.find('>', open);
    if (close == header.npos) return {};
    const std::string_view target = header.substr(open + 1, close - open - 1);
    const std::size_t link_end = end_of(header, close, ",");
    std::string_view parameters = header.substr(close + 1, link_end - close - 1);
    while (!parameters.empty()) {
      const std::size_t end = end_of(parameters, 0, ";");
      const std::string_view parameter = trimmed(parameters.substr(0, end));
      parameters.remove_prefix(std::min(end + 1, parameters.size()));
      const std::size_t equals = parameter.find('=');
      if (equals == parameter.npos || trimmed(parameter.substr(0, equals)) != "rel") continue;
      std::string_view words = trimmed(parameter.substr(equals + 1));
      if (words.size() >= 2 && words.front() == '"' && words.back() == '"') words = words.substr(1, words.size() - 2);
      if (has_word(words, relation)) return target;
      break;  // only the first rel counts (RFC 8288 section 3.3)
    }
    at = link_end + 1;
  }
  return {};
}

}  // namespace fnstack::steps
