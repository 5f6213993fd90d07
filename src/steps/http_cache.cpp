#include "steps/http_cache.hpp"

#include <algorithm>
#include <vector>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "base/utf8.hpp"
#include "steps/http_request.hpp"
#include "steps/response_body.hpp"

namespace fnstack::steps {

namespace {

// Each byte as the code point of that number, and back: how a body that is no text can stand in JSON.
Value bytes_as_text(std::string_view bytes) { return decode_text(bytes, "text/plain; charset=iso-8859-1"); }

std::optional<std::string> text_as_bytes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = base::code_point_length(text, i);
    if (length == 0) return std::nullopt;
    const std::uint32_t code = base::code_point_at(text, i, length);
    if (code > 0xFF) return std::nullopt;
    out += static_cast<char>(code);
    i += length;
  }
  return out;
}

}  // namespace

std::string cache_key(const HttpRequest& request, std::string_view identity) {
  std::vector<std::string> headers;
  for (const auto& [name, text] : request.headers) headers.push_back(base::ascii_lower(name) + ":" + text);
  std::sort(headers.begin(), headers.end());
  std::vector<std::string_view> parts{request.method, request.url, request.connection, identity};
  parts.insert(parts.end(), headers.begin(), headers.end());
  return "http:" + base::sha256_hex(parts);
}

bool may_store(const HttpResponse& response) {
  return response.status == 200 &&
         base::ascii_lower(header(response, "cache-control")).find("no-store") == std::string::npos;
}

CacheCommand store_command(const std::string& key, const StoredResponse& stored, std::int64_t ttl_s, bool revalidates) {
  constexpr std::int64_t day_s = 86'400;
  Value headers = Value::array();
  for (const auto& [name, text] : stored.response.headers) {
    headers.push_back(Value::array({Value(name), bytes_as_text(text)}));
  }
  const bool is_text = base::is_utf8(stored.response.body);
  Value document = Value::object({{"status", Value(stored.response.status)},
                                  {"stored_ms", Value(stored.stored_ms)},
                                  {"headers", std::move(headers)}});
  document.set(is_text ? "text" : "bytes", is_text ? Value(stored.response.body) : bytes_as_text(stored.response.body));
  CacheCommand command;
  command.kind = CacheCommand::Kind::set;
  command.key = key;
  command.text = to_json(document);
  command.ttl_s = ttl_s + (revalidates && has_validator(stored.response) ? day_s : 0);
  return command;
}

std::optional<StoredResponse> read_stored(std::string_view text) {
  const auto document = parse_json(text);
  if (!document.ok() || !document->is_object()) return std::nullopt;
  StoredResponse stored;
  const Value& status = document->get("status");
  const Value& when = document->get("stored_ms");
  const Value& headers = document->get("headers");
  if (!status.is_integer() || status.as_integer() != 200 || !when.is_integer() || !headers.is_array()) {
    return std::nullopt;
  }
  stored.response.status = 200;
  stored.stored_ms = when.as_integer();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto value = text_as_bytes(headers[i][1].as_string());
    if (!headers[i][0].is_string() || !headers[i][1].is_string() || !value) return std::nullopt;
    stored.response.headers.emplace_back(std::string(headers[i][0].as_string()), *value);
  }
  if (const Value* body = document->find("text"); body != nullptr && body->is_string()) {
    stored.response.body = std::string(body->as_string());
  } else if (auto bytes = text_as_bytes(document->get("bytes").as_string());
             bytes && document->get("bytes").is_string()) {
    stored.response.body = std::move(*bytes);
  } else {
    return std::nullopt;
  }
  return stored;
}

bool has_validator(const HttpResponse& response) {
  return !header(response, "etag").empty() || !header(response, "last-modified").empty();
}

void revalidate(HttpRequest& request, const HttpResponse& stored) {
  const std::string_view tag = header(stored, "etag");
  const std::string_view modified = header(stored, "last-modified");
  if (!tag.empty() && header_of(request, "if-none-match").empty()) {
    request.headers.emplace_back("If-None-Match", std::string(tag));
  }
  if (!modified.empty() && header_of(request, "if-modified-since").empty()) {
    request.headers.emplace_back("If-Modified-Since", std::string(modified));
  }
}

void refresh(StoredResponse& stored, const HttpResponse& not_modified, std::int64_t now_ms) {
  stored.stored_ms = now_ms;
  for (const auto& [name, text] : not_modified.headers) {
    // These describe a body, and a 304 has none.
    if (name == "content-length" || name == "content-type" || name == "content-encoding") continue;
    const std::string& again = name;  // clang 14 captures no structured binding
    std::erase_if(stored.response.headers, [&](const auto& known) { return known.first == again; });
  }
  for (const auto& [name, text] : not_modified.headers) {
    if (name == "content-length" || name == "content-type" || name == "content-encoding") continue;
    stored.response.headers.emplace_back(name, text);
  }
}

}  // namespace fnstack::steps
