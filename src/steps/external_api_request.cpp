// "External API Request": one HTTP exchange; the result is the decoded body, a status of 400 or more an error.
#include <fnstack/json.hpp>

#include "expr/escape.hpp"
#include "steps/response_body.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

// The body's bytes, and the Content-Type it gets if the author gave none.
std::optional<Error> set_body(HttpRequest& request, const Value& body, std::string_view content_type) {
  if (body.is_null()) return std::nullopt;
  request.has_body = true;
  const char* implied = nullptr;
  if (body.is_container()) {
    if (expr::is_form_type(content_type)) {
      auto form = expr::encode_form(body);
      if (!form) return std::move(form).error();
      request.body = std::move(*form);
    } else if (!content_type.empty() && !expr::is_json_type(content_type)) {
      return wrong("body: a list or an object needs a JSON or form Content-Type, got \"" + std::string(content_type) +
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
    implied = expr::is_json_type(content_type) || content_type.empty() ? "application/json" : nullptr;
  }
  if (content_type.empty() && implied != nullptr) request.headers.emplace_back("Content-Type", implied);
  return std::nullopt;
}

Result<Effect> request(Fields& fields) {
  HttpRequest request;
  request.url = std::string(fields["url"].get("url").as_string());
  request.shown_url = std::string(fields["url"].get("shown").as_string());
  const Value& headers = fields["headers"];
  for (std::size_t i = 0; i < headers.size(); ++i) {
    request.headers.emplace_back(std::string(headers.key_at(i)), std::string(headers[i].as_string()));
  }
  if (auto error = set_body(request, fields["body"], headers.get("content-type").as_string())) return std::move(*error);
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
  const Value& output = fields["output"];
  if (output.as_string() != "body" && output.as_string() != "full")
    return wrong("output: expected \"body\" or \"full\"");
  return Effect(std::move(request));
}

Result<Value> reply(Fields& fields, EffectReply answer) {
  const HttpResponse& response = std::get<HttpResponse>(answer);
  auto body = decode_body(response, fields.limits());
  const bool is_failure = response.status >= 400;
  if (is_failure && fields["error_on_status"].as_boolean()) {
    Error error = make_error(error_type::http, "HTTP " + std::to_string(response.status) + " from " +
                                                   std::string(fields["url"].get("shown").as_string()));
    error.status_code = response.status;
    error.headers = headers_value(response);
    error.response = body.ok() ? std::move(*body) : decode_text(response.body, header(response, "content-type"));
    return error;
  }
  if (!body) {
    if (is_failure && body.error().type == error_type::http) body.error().status_code = response.status;
    body.error().headers = headers_value(response);
    return body;
  }
  if (fields["output"].as_string() != "full") return body;
  return Value::object({{"status", response.status}, {"headers", headers_value(response)}, {"body", std::move(*body)}});
}

}  // namespace

StepKind external_api_request() {
  return {
      .name = "External API Request",
      .aliases = {"api_request", "http_request", "HTTP Request"},
      .doc =
          "One HTTP exchange. The result is the decoded body; a status of 400 or more raises an error of type `http`.",
      .group = "Services",
      .fields =
          {{.name = "url",
            .type = FieldType::url,
            .required = true,
            .doc = "absolute, http or https; values in it are escaped by their place"},
           {.name = "method", .type = FieldType::method, .doc = "GET, or POST when there is a body"},
           {.name = "headers", .type = FieldType::headers, .doc = "an object; a null value leaves its header out"},
           {.name = "query_parameters",
            .aliases = {"query", "query_params"},
            .type = FieldType::query,
            .doc = "an object; null leaves out, a list repeats the name"},
           {.name = "body",
            .aliases = {"data"},
            .type = FieldType::body,
            .doc = "an object or list goes as JSON (or form, if the Content-Type says so), text as it is"},
           {.name = "timeout",
            .type = FieldType::number,
            .default_value = 30'000,
            .doc = "milliseconds, for the whole exchange"},
           {.name = "output",
            .type = FieldType::literal,
            .default_value = "body",
            .doc = "body, or full: {status, headers, body}"},
           {.name = "error_on_status",
            .type = FieldType::boolean,
            .default_value = true,
            .doc = "false: a status of 400 or more is a result like any other"},
           {.name = "ssl_verify",
            .aliases = {"ssl_verification", "verify_ssl"},
            .type = FieldType::boolean,
            .default_value = true,
            .doc = "false has no effect unless the host allows it"},
           {.name = "execution_mode", .type = FieldType::annotation, .doc = "accepted; the request is made at once"}},
      .request = request,
      .reply = reply};
}

}  // namespace fnstack::steps
