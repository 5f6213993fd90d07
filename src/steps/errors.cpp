// "Throw Error" and "Precondition" raise errors of the author's own; "Rollback Transaction" leaves a transaction
// with one.
#include <algorithm>
#include <array>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>

#include "expr/expression.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

struct NamedStatus {
  std::string_view name;
  int status;
};

constexpr std::array<NamedStatus, 16> statuses{{{"standard", 500},
                                                {"error", 500},
                                                {"notfound", 404},
                                                {"not_found", 404},
                                                {"accessdenied", 403},
                                                {"access_denied", 403},
                                                {"forbidden", 403},
                                                {"toomanyrequests", 429},
                                                {"too_many_requests", 429},
                                                {"unauthorized", 401},
                                                {"badrequest", 400},
                                                {"bad_request", 400},
                                                {"inputerror", 400},
                                                {"input_error", 400},
                                                {"validation", 400},
                                                {"conflict", 409}}};

// A numeric code from 400 to 599 is the status; a code that is no number names the type (DESIGN 2).
Error thrown(std::string message, const Value& code) {
  Error error = make_error(error_type::thrown, std::move(message));
  error.status_code = 500;
  const Value number = code.is_string() || code.is_number() ? expr::to_number(code) : Value();
  if (number.is_integer()) {
    if (number.as_integer() >= 400 && number.as_integer() <= 599)
      error.status_code = static_cast<int>(number.as_integer());
  } else if (code.is_string() && !code.as_string().empty()) {
    error.type = std::string(code.as_string());
    const std::string folded = fold_name(error.type);
    for (const NamedStatus& known : statuses) {
      if (known.name == folded) error.status_code = known.status;
    }
  }
  return error;
}

}  // namespace

StepKind throw_error() {
  return {.name = "Throw Error",
          .aliases = {"throw", "raise", "raise_error"},
          .doc = "Raises an error of type `thrown`, or of the type that a `code` which is no number names.",
          .group = "Flow",
          .fields = {{.name = "message", .aliases = {"error", "value"}, .doc = "what went wrong"},
                     {.name = "code",
                      .aliases = {"name", "status_code", "status", "error_type", "type"},
                      .doc = "a status from 400 to 599, or the error's type"},
                     {.name = "payload", .aliases = {"details", "response"}, .doc = "becomes error.response"}},
          .has_result = false,
          .compute = [](Fields& fields) -> Result<Value> {
            Error error = thrown(to_text(fields["message"]), fields["code"]);
            error.response = fields.take("payload");
            return error;
          }};
}

StepKind precondition() {
  return {.name = "Precondition",
          .aliases = {"assert"},
          .doc = "Raises an error unless the condition is true.",
          .group = "Flow",
          .fields = {{.name = "condition",
                      .aliases = {"if"},
                      .type = FieldType::expression,
                      .required = true,
                      .doc = "what must be true"},
                     {.name = "error_type",
                      .aliases = {"type", "code", "status_code"},
                      .default_value = "standard",
                      .doc = "standard 500, notfound 404, accessdenied 403, toomanyrequests 429, unauthorized 401, "
                             "badrequest 400, inputerror 400, or a status"},
                     {.name = "message",
                      .aliases = {"error", "error_message"},
                      .default_value = "precondition failed",
                      .doc = "what the error says"},
                     {.name = "payload", .doc = "becomes error.response"}},
          .has_result = false,
          .compute = [](Fields& fields) -> Result<Value> {
            auto holds = fields.evaluate("condition", {});
            if (!holds) return holds;
            if (expr::is_truthy(*holds)) return Value();
            Error error = thrown(to_text(fields["message"]), fields["error_type"]);
            // The names of the table say a status, not a type of their own.
            error.type = error_type::thrown;
            error.response = fields.take("payload");
            return error;
          }};
}

StepKind rollback_transaction() {
  return {.name = "Rollback Transaction",
          .aliases = {"rollback"},
          .doc = "Raises an error, so that the transaction around it is rolled back.",
          .group = "Records",
          .fields = {{.name = "reason", .aliases = {"message"}, .doc = "what the error says"}},
          .has_result = false,
          .compute = [](Fields& fields) -> Result<Value> {
            const std::string reason = to_text(fields["reason"]);
            return thrown("transaction rolled back" + (reason.empty() ? "" : ": " + reason), Value());
          }};
}

}  // namespace fnstack::steps
