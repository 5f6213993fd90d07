// "GraphQL Request": one operation by POST (GraphQL over HTTP); the result is its data, `errors` in the answer raise.
#include <fnstack/json.hpp>

#include "base/in_quotes.hpp"
#include "steps/http_exchange.hpp"
#include "steps/http_fields.hpp"
#include "steps/http_request.hpp"
#include "steps/response_body.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<HttpRequest> build(Fields& fields) {
  Value body = Value::object({{"query", fields["query"]}});
  if (const Value& variables = fields["variables"]; !variables.is_null()) {
    if (!variables.is_object()) return make_error(error_type::validation, "variables: expected an object");
    body.set("variables", variables);
  }
  if (const Value& name = fields["operation_name"]; !name.is_null()) body.set("operationName", name);
  auto request = build_request(fields, body);
  if (request.ok() && header_of(*request, "accept").empty()) {
    request->headers.emplace_back("Accept", "application/graphql-response+json, application/json");
  }
  return request;
}

// `errors` as the specification has them: a list with a message each.
Error graphql_error(Fields& fields, const HttpResponse& response, Value body) {
  const Value& errors = body.get("errors");
  std::string message = "GraphQL: " + std::to_string(errors.size()) + (errors.size() == 1 ? " error" : " errors") +
                        " from " + std::string(fields["url"].get("shown").as_string());
  const Value& first = errors[0].get("message");
  if (first.is_string()) message += "; the first: " + base::in_quotes(first.as_string());
  Error error = make_error(error_type::http, std::move(message));
  error.status_code = response.status >= 400 ? response.status : 502;
  error.headers = headers_value(response);
  error.response = std::move(body);
  return error;
}

Result<Value> content(Fields& fields, const HttpResponse& response) {
  // An answer of a status of 400 or more may say in `errors` why.
  auto body = decode_body(response, fields.limits());
  const bool raises = fields["error_on_errors"].as_boolean();
  if (body.ok() && body->get("errors").is_array() && body->get("errors").size() > 0 && raises) {
    return graphql_error(fields, response, std::move(*body));
  }
  auto checked = http_content(fields, response);
  if (!checked) return checked;
  if (!checked->is_object()) {
    Error error = make_error(error_type::http, "GraphQL: the answer is no object");
    error.status_code = 502;
    error.headers = headers_value(response);
    error.response = std::move(*checked);
    return error;
  }
  return raises ? Result<Value>(checked->get("data")) : checked;
}

// A document without a mutation can be sent twice. Reading the word where it is only a name or a text errs on the
// safe side.
bool is_safe(const Fields& fields, const HttpRequest&) {
  return fields["query"].as_string().find("mutation") == std::string_view::npos;
}

constexpr HttpKind kind = {build, content, is_safe};

Result<StepKind::Turn> converse(Fields& fields, Value& state, std::optional<EffectResult> answer) {
  return converse_http(kind, fields, state, std::move(answer));
}

}  // namespace

StepKind graphql_request() {
  StepKind step{
      .name = "GraphQL Request",
      .aliases = {"graphql"},
      .doc = "One GraphQL operation. The result is its `data`; `errors` in the answer raise an error of type `http`.",
      .group = "Services",
      .fields = {{.name = "url", .type = FieldType::url, .required = true, .doc = "of the endpoint"},
                 {.name = "query",
                  .type = FieldType::literal,
                  .required = true,
                  .doc = "the document, as it is: what varies belongs in variables"},
                 {.name = "variables", .doc = "an object"},
                 {.name = "operation_name",
                  .aliases = {"operationname"},
                  .type = FieldType::text,
                  .doc = "which of the document's operations"},
                 {.name = "headers",
                  .type = FieldType::headers,
                  .doc = "an object; a null value leaves its header out"},
                 {.name = "error_on_errors",
                  .type = FieldType::boolean,
                  .default_value = true,
                  .doc = "false: the result is the whole answer, {data, errors, extensions}"}},
      .converse = converse,
      .check = check_http_fields};
  append_http_fields(step.fields);
  return step;
}

}  // namespace fnstack::steps
