#include "steps/http_request.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "expr/escape.hpp"
#include "steps/multipart.hpp"
#include "steps/response_body.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

void set_header(HttpRequest& request, std::string_view name, std::string text) {
  std::erase_if(request.headers, [&](const auto& header) { return base::same_word(header.first, name); });
  request.headers.emplace_back(std::string(name), std::move(text));
}

bool is_multipart_type(std::string_view content_type) {
  return base::same_word(content_type.substr(0, content_type.find_first_of("; ")), "multipart/form-data");
}

// The body's bytes, and the Content-Type it gets if the author gave none.
std::optional<Error> set_body(Fields& fields, HttpRequest& request, const Value& body) {
  if (body.is_null()) return std::nullopt;
  const std::string content_type(header_of(request, "content-type"));
  request.has_body = true;
  const char* implied = nullptr;
  if (body.is_container()) {
    if (expr::is_form_type(content_type)) {
      auto form = expr::encode_form(body);
      if (!form) return std::move(form).error();
      request.body = std::move(*form);
    } else if (is_multipart_type(content_type)) {
      std::array<unsigned char, 16> random{};
      fields.random_bytes(random.data(), random.size());
      auto multipart = encode_multipart(body, random, fields.limits());
      if (!multipart) return std::move(multipart).error();
      request.body = std::move(multipart->body);
      set_header(request, "Content-Type", std::move(multipart->content_type));
    } else if (!content_type.empty() && !expr::is_json_type(content_type)) {
      return wrong("body: a list or an object needs a JSON, form or multipart Content-Type, got \"" + content_type +
                   "\"");
    } else {
      request.body = to_json(body);
      implied = "application/json";
    }
  } else if (body.is_bytes()) {
    request.body = std::string(body.as_string());
    implied = "application/octet-stream";
  } else if (body.is_string()) {
    request.body = std::string(body.as_string());
    implied = "text/plain; charset=utf-8";
  } else {
    // A number or boolean is a JSON document of its own.
    request.body = to_json(body);
    implied = "application/json";
  }
  if (content_type.empty() && implied != nullptr) request.headers.emplace_back("Content-Type", implied);
  return std::nullopt;
}

}  // namespace

std::string_view header_of(const HttpRequest& request, std::string_view name) noexcept {
  for (const auto& [known, text] : request.headers) {
    if (base::same_word(known, name)) return text;
  }
  return {};
}

Result<HttpRequest> build_request(Fields& fields, const Value& body) {
  HttpRequest request;
  request.url = std::string(fields["url"].get("url").as_string());
  request.shown_url = std::string(fields["url"].get("shown").as_string());
  const Value& headers = fields["headers"];
  for (std::size_t i = 0; i < headers.size(); ++i) {
    request.headers.emplace_back(std::string(headers.key_at(i)), std::string(headers[i].as_string()));
  }
  if (auto error = set_body(fields, request, body)) return std::move(*error);
  const Value& method = fields["method"];
  request.method = method.is_null() ? (request.has_body ? "POST" : "GET") : std::string(method.as_string());
  if (request.has_body && request.method == "HEAD") return wrong("body: a HEAD request has none");
  const Value& timeout = fields["timeout"];
  if (!timeout.is_null()) {
    const double ms = timeout.as_number();
    if (!(ms >= 1) || ms > 86'400'000)
      return wrong("timeout: expected milliseconds from 1 to 86400000, got " + to_text(timeout));
    request.timeout_ms = static_cast<std::int64_t>(ms);
  }
  request.max_response_bytes = fields.limits().response_bytes;
  request.max_response_headers = fields.limits().response_headers;
  request.max_response_header_bytes = fields.limits().response_header_bytes;
  request.max_redirects = static_cast<std::uint32_t>(fields.limits().redirects);
  request.verify_tls = fields["ssl_verify"].as_boolean();
  request.connection = to_text(fields["connection"]);
  const Value& output = fields["output"];
  if (output.as_string() != "body" && output.as_string() != "full")
    return wrong("output: expected \"body\" or \"full\"");
  return request;
}

Error status_error(const HttpResponse& response, std::string_view shown_url, Value body) {
  Error error =
      make_error(error_type::http, "HTTP " + std::to_string(response.status) + " from " + std::string(shown_url));
  error.status_code = response.status;
  error.headers = headers_value(response);
  error.response = std::move(body);
  return error;
}

Result<Value> http_content(Fields& fields, const HttpResponse& response) {
  auto body = decode_body(response, fields.limits());
  const bool is_failure = response.status >= 400;
  if (is_failure && fields["error_on_status"].as_boolean()) {
    return status_error(response, fields["url"].get("shown").as_string(),
                        body.ok() ? std::move(*body) : decode_text(response.body, header(response, "content-type")));
  }
  if (!body) {
    if (is_failure && body.error().type == error_type::http) body.error().status_code = response.status;
    body.error().headers = headers_value(response);
    return body;
  }
  return body;
}

}  // namespace fnstack::steps
