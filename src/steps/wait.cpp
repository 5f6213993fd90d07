// "Wait": pauses the run for a number of seconds; a Retry-After header can be given as it came.
#include <cmath>

#include <fnstack/json.hpp>

#include "base/http_date.hpp"
#include "base/in_quotes.hpp"
#include "expr/expression.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> request(Fields& fields) {
  const Value& given = fields["duration_seconds"];
  double seconds = 0;
  if (const Value number = given.is_boolean() ? Value() : expr::to_number(given); number.is_number()) {
    seconds = number.as_number();
  } else if (given.is_string()) {
    // The date form of Retry-After (RFC 9110 section 10.2.3): until then.
    const auto until = base::parse_http_date(given.as_string());
    if (!until)
      return make_error(error_type::validation,
                        "duration_seconds: expected seconds or an HTTP date, got text that is neither");
    seconds = std::max(0.0, static_cast<double>(*until - fields.now_ms()) / 1000.0);
  } else {
    return make_error(error_type::validation,
                      "duration_seconds: expected seconds, got " + base::json_beginning(given, 40));
  }
  if (!(seconds >= 0))
    return make_error(error_type::validation,
                      "duration_seconds: expected seconds from 0, got " + to_text(Value(seconds)));
  if (seconds > static_cast<double>(fields.limits().wait_s)) {
    return make_error(error_type::limit,
                      "wait_s: a wait takes more than " + std::to_string(fields.limits().wait_s) + " seconds");
  }
  return Effect(Sleep{static_cast<std::int64_t>(std::llround(seconds * 1000))});
}

}  // namespace

StepKind wait() {
  return {.name = "Wait",
          .aliases = {"sleep", "delay", "pause"},
          .doc = "Pauses the run.",
          .group = "Flow",
          .fields = {{.name = "duration_seconds",
                      .aliases = {"duration", "seconds"},
                      .required = true,
                      .doc = "seconds, as a number or text, or an HTTP date to wait until"}},
          .has_result = false,
          .request = request};
}

}  // namespace fnstack::steps
