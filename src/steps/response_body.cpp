#include "steps/response_body.hpp"

#include <algorithm>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "expr/escape.hpp"

namespace fnstack::steps {

namespace {

// The charset parameter of a media type, lower case, quotes off; empty if there is none.
std::string charset_of(std::string_view content_type) {
  const std::string type = base::ascii_lower(content_type);
  std::size_t at = type.find(';');
  while (at != std::string::npos) {
    std::size_t begin = type.find_first_not_of("; \t", at);
    if (begin == std::string::npos) break;
    const std::size_t end = std::min(type.find(';', begin), type.size());
    std::string_view parameter(type.data() + begin, end - begin);
    if (parameter.starts_with("charset=")) {
      parameter.remove_prefix(8);
      while (!parameter.empty() && (parameter.back() == ' ' || parameter.back() == '"')) parameter.remove_suffix(1);
      while (!parameter.empty() && parameter.front() == '"') parameter.remove_prefix(1);
      return std::string(parameter);
    }
    at = end == type.size() ? std::string::npos : end;
  }
  return {};
}

std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return text;
}

bool is_binary_type(std::string_view content_type) {
  const std::string type = base::ascii_lower(content_type);
  for (std::string_view prefix : {"image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf",
                                  "application/zip", "application/gzip"}) {
    if (type.starts_with(prefix) && !type.starts_with("image/svg")) return true;
  }
  return false;
}

}  // namespace

std::string_view header(const HttpResponse& response, std::string_view lower_case_name) noexcept {
  for (const auto& [name, value] : response.headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

Value headers_value(const HttpResponse& response) {
  Value headers = Value::headers();
  for (const auto& [name, text] : response.headers) {
    const Value value =
        decode_text(text, "").is_string() ? Value(text) : decode_text(text, "text/plain; charset=iso-8859-1");
    const Value* known = headers.find(name);
    if (name == "set-cookie") {
      Value list = known == nullptr ? Value::array() : *known;
      list.push_back(value);
      headers.set(name, std::move(list));
    } else if (known == nullptr) {
      headers.set(name, value);
    } else {
      headers.set(name, Value(std::string(known->as_string()) + ", " + std::string(value.as_string())));
    }
  }
  return headers;
}

Value decode_text(std::string_view bytes, std::string_view content_type) {
  const std::string charset = charset_of(content_type);
  if (charset.empty() || charset == "utf-8" || charset == "utf8" || charset == "us-ascii" || charset == "ascii") {
    const std::string_view text = without_mark(bytes);
    return base::is_utf8(text) ? Value(text) : Value::bytes(bytes);
  }
  if (charset == "iso-8859-1" || charset == "latin1" || charset == "iso8859-1") {
    std::string text;
    text.reserve(bytes.size());
    for (char c : bytes) base::append_code_point(text, static_cast<unsigned char>(c));
    return Value(text);
  }
  return Value::bytes(bytes);
}

Result<Value> decode_body(const HttpResponse& response, const Limits& limits) {
  if (response.body.empty()) return Value();
  const std::string_view content_type = header(response, "content-type");
  JsonLimits json;
  json.depth = static_cast<std::uint32_t>(limits.value_depth);
  json.bytes = static_cast<std::uint64_t>(limits.value_bytes);
  const bool is_json = expr::is_json_type(content_type);
  if (is_json || content_type.empty()) {
    const std::string_view text = without_mark(response.body);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return is_json ? Value() : Value(text);
    if (is_json || text[first] == '{' || text[first] == '[') {
      auto parsed = parse_json(text, json);
      if (parsed.ok()) return parsed;
      if (is_json) {
        if (parsed.error().type == error_type::limit) return parsed;
        Error error = make_error(
            error_type::http, "the response is no JSON, although its Content-Type says so: " + parsed.error().message);
        error.status_code = 502;
        error.response = decode_text(response.body, content_type);
        return error;
      }
    }
  }
  if (is_binary_type(content_type)) return Value::bytes(response.body);
  return decode_text(response.body, content_type);
}

}  // namespace fnstack::steps
