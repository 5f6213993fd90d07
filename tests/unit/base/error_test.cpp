// Errors as `{{error}}` shows them; diagnostics as people read them.
#include <fnstack/error.hpp>

#include <string>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

using fnstack::Diagnostic;
using fnstack::Diagnostics;
using fnstack::Error;
using fnstack::Source;
using fnstack::Value;

namespace {

Diagnostic at(const std::string& text, std::uint32_t begin, std::uint32_t end, const std::string& message = "wrong") {
  Diagnostic diagnostic;
  diagnostic.message = message;
  diagnostic.source = Source::make("a.json", text);
  diagnostic.span = {begin, end};
  return diagnostic;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("every type has a status code", "[error]") {
  CHECK(fnstack::status_of("network") == 502);
  CHECK(fnstack::status_of("timeout") == 504);
  CHECK(fnstack::status_of("blocked") == 403);
  CHECK(fnstack::status_of("validation") == 400);
  CHECK(fnstack::status_of("not_found") == 404);
  for (const char* type : {"http", "expression", "database", "cache", "limit", "function", "unknown_function", "thrown",
                           "cancelled", "inputerror", ""}) {
    CHECK(fnstack::status_of(type) == 500);
  }
}

TEST_CASE("an error's value", "[error]") {
  Error error = fnstack::make_error(fnstack::error_type::timeout, "GET https://a.example/: no answer in 30 s");
  CHECK(to_json(to_value(error)) ==
        R"({"type":"timeout","message":"GET https://a.example/: no answer in 30 s","status_code":504,)"
        R"("headers":null,"response":null,"step":""})");
  error.type = "http";
  error.status_code = 429;
  error.headers = Value::object({{"retry-after", "5"}});
  error.response = Value::object({{"why", "too many"}});
  error.step = "\"Charge\" (External API Request), pay, steps[0]";
  const Value value = to_value(error);
  CHECK(value.get("status_code") == Value(429));
  CHECK(value.get("headers").get("Retry-After") == Value("5"));
  CHECK(value.get("response") == error.response);
  CHECK(value.get("step") == Value(error.step));
}

TEST_CASE("a diagnostic as it is printed", "[error]") {
  const std::string text = repeat("\n", 13) + "      \"catch_step\": [\n";
  Diagnostic diagnostic = at(text, 19, 31, "Try-Catch: unknown field \"catch_step\"; did you mean \"catch_steps\"?");
  diagnostic.source = Source::make("orders.json", text);
  diagnostic.path = "/steps/2/catch_step";
  diagnostic.context = "fetch_orders, steps[2] \"Charge card\"";
  const std::string head =
      "orders.json:14:7: error: Try-Catch: unknown field \"catch_step\"; did you mean \"catch_steps\"?\n"
      "  14 |       \"catch_step\": [\n"
      "     |       ^~~~~~~~~~~~\n";
  CHECK(to_text(diagnostic) == head + "  in fetch_orders, steps[2] \"Charge card\" (/steps/2/catch_step)\n");
  diagnostic.hint = "write catch_steps";
  CHECK(to_text(diagnostic) ==
        head + "  in fetch_orders, steps[2] \"Charge card\" (/steps/2/catch_step)\n  hint: write catch_steps\n");
  diagnostic.context.clear();
  CHECK(to_text(diagnostic) == head + "  at /steps/2/catch_step\n  hint: write catch_steps\n");
  diagnostic.path.clear();
  diagnostic.hint.clear();
  diagnostic.context = "fetch_orders";
  CHECK(to_text(diagnostic) == head + "  in fetch_orders\n");
}

TEST_CASE("a diagnostic without a source", "[error]") {
  Diagnostic diagnostic;
  diagnostic.severity = Diagnostic::Severity::warning;
  diagnostic.message = "nothing here";
  CHECK(to_text(diagnostic) == "warning: nothing here\n");
  diagnostic.severity = Diagnostic::Severity::note;
  CHECK(to_text(diagnostic) == "note: nothing here\n");
}

TEST_CASE("the caret stands under the span", "[error]") {
  // an empty span, the end of the line, a span over several lines
  CHECK(to_text(at("abc\ndef", 1, 1)) == "a.json:1:2: error: wrong\n  1 | abc\n    |  ^\n");
  CHECK(to_text(at("abc\ndef", 3, 3)) == "a.json:1:4: error: wrong\n  1 | abc\n    |    ^\n");
  CHECK(to_text(at("abc\ndef", 1, 6)) == "a.json:1:2: error: wrong\n  1 | abc\n    |  ^~\n");
  CHECK(to_text(at("abc\ndef", 7, 9)) == "a.json:2:4: error: wrong\n  2 | def\n    |    ^\n");
  CHECK(to_text(at("", 0, 0)) == "a.json:1:1: error: wrong\n  1 |\n    | ^\n");
  // tabs stay tabs; wide letters take two columns; combining marks none
  CHECK(to_text(at("\t\tab", 2, 4)) == "a.json:1:3: error: wrong\n  1 | \t\tab\n    | \t\t^~\n");
  CHECK(to_text(at("\u6f22\u5b57x", 6, 7)) == "a.json:1:3: error: wrong\n  1 | \u6f22\u5b57x\n    |     ^\n");
  CHECK(to_text(at("\u6f22\u5b57x", 3, 6)) == "a.json:1:2: error: wrong\n  1 | \u6f22\u5b57x\n    |   ^~\n");
  CHECK(to_text(at("e\u0301x", 3, 4)) == "a.json:1:3: error: wrong\n  1 | e\u0301x\n    |  ^\n");
  // a byte order mark is not shown
  CHECK(to_text(at("\xEF\xBB\xBFx", 3, 4)) == "a.json:1:1: error: wrong\n  1 | x\n    | ^\n");
}

TEST_CASE("nothing in a diagnostic reaches a terminal as a command", "[error]") {
  CHECK(to_text(at("a\x1b[31mb\x7f\u202e\xff", 0, 1, "got \"\x1b[2J\n\u202ex\xff\"")) ==
        "a.json:1:1: error: got \"\\u001b[2J\\n\\u202ex\uFFFD\"\n"
        "  1 | a\u241b[31mb\uFFFD\uFFFD\uFFFD\n"
        "    | ^\n");
}

TEST_CASE("long lines are cut around the place", "[error]") {
  const std::string text = repeat("0123456789", 1000);
  CHECK(to_text(at(text, 5000, 5003)) == "a.json:1:5001: error: wrong\n  1 | ..." + repeat("0123456789", 16) +
                                             "...\n    | " + std::string(83, ' ') + "^~~\n");
  CHECK(to_text(at(text, 0, 10000)) ==
        "a.json:1:1: error: wrong\n  1 | " + repeat("0123456789", 16) + "...\n    | ^" + std::string(159, '~') + "\n");
  CHECK(to_text(at(text, 9999, 10000)) ==
        "a.json:1:10000: error: wrong\n  1 | ..." + text.substr(9919) + "\n    | " + std::string(83, ' ') + "^\n");
  const std::string euros = repeat("\u20ac", 500);
  CHECK(to_text(at(euros, 900, 903)) ==
        "a.json:1:301: error: wrong\n  1 | ..." + repeat("\u20ac", 160) + "...\n    | " + std::string(83, ' ') + "^\n");
  // 160 columns are not cut
  CHECK(to_text(at(text.substr(0, 160), 159, 160)) ==
        "a.json:1:160: error: wrong\n  1 | " + text.substr(0, 160) + "\n    | " + std::string(159, ' ') + "^\n");
}

TEST_CASE("diagnostics are sorted by file, then place, and keep their order otherwise", "[error]") {
  Diagnostics diagnostics;
  CHECK(diagnostics.empty());
  Diagnostic other = at("xyz", 0, 1, "b1");
  other.source = Source::make("b.json", "xyz");
  diagnostics.add(other);
  diagnostics.add(at("xyz", 2, 3, "a3"));
  diagnostics.add(at("xyz", 0, 1, "a1"));
  diagnostics.add(at("xyz", 0, 2, "a1 again"));
  for (const auto severity : {Diagnostic::Severity::error}) CHECK(diagnostics.items()[0].severity == severity);
  diagnostics.sort();
  CHECK(diagnostics.to_text() ==
        "a.json:1:1: error: a1\n  1 | xyz\n    | ^\n"
        "a.json:1:1: error: a1 again\n  1 | xyz\n    | ^~\n"
        "a.json:1:3: error: a3\n  1 | xyz\n    |   ^\n"
        "b.json:1:1: error: b1\n  1 | xyz\n    | ^\n");
  CHECK(diagnostics.has_errors());
  Diagnostics warnings;
  other.severity = Diagnostic::Severity::warning;
  warnings.add(other);
  CHECK_FALSE(warnings.has_errors());
  CHECK_FALSE(warnings.empty());
}
