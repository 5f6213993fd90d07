// "External API Request": one HTTP exchange; the result is the decoded body, a status of 400 or more an error.
#include "steps/http_exchange.hpp"
#include "steps/http_fields.hpp"
#include "steps/http_request.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<HttpRequest> build(Fields& fields) { return build_request(fields, fields["body"]); }

bool is_safe(const Fields&, const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
}

constexpr HttpKind kind = {build, http_content, is_safe};

Result<StepKind::Turn> converse(Fields& fields, Value& state, std::optional<EffectResult> answer) {
  return converse_http(kind, fields, state, std::move(answer));
}

}  // namespace

StepKind external_api_request() {
  StepKind step{
      .name = "External API Request",
      .aliases = {"api_request", "http_request", "HTTP Request"},
      .doc =
          "One HTTP exchange. The result is the decoded body; a status of 400 or more raises an error of "
          "type `http`.",
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
            .doc = "an object or list goes as JSON (or as a form or multipart, if the Content-Type "
                   "says so), text as it is"},
           {.name = "execution_mode", .type = FieldType::annotation, .doc = "accepted; the request is made at once"}},
      .converse = converse,
      .check = check_http_fields};
  append_http_fields(step.fields);
  append_fetch_fields(step.fields);
  return step;
}

}  // namespace fnstack::steps
