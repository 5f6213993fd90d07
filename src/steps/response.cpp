// "Response": answers and ends the run, or the enclosing custom function. "Return Value" does so with a value alone;
// "Set Response Header" adds to the answer to come.
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::Op;

void finish(program::Lowering& step, program::ResponseSite site) {
  step.data().response_sites.push_back(site);
  step.emit(Op::make_response, static_cast<std::uint32_t>(step.data().response_sites.size() - 1),
            program::slot::response);
  step.leave_function();
  step.note_terminated();
}

void lower_response(program::Lowering& step) {
  program::ResponseSite site;
  site.status = step.operand("status_code");
  site.headers = step.operand("headers");
  if (step.given("message")) {
    if (step.given("body"))
      step.error("field-twice", "\"body\" and \"message\" exclude each other", step.node("message"));
    Node body;
    body.kind = Node::Kind::object;
    body.span = step.node("message")->span;
    body.members.push_back(*step.member("message"));
    site.body = step.value_of(body, step.path());
  } else {
    site.body = step.operand("body");
  }
  finish(step, site);
}

void lower_return(program::Lowering& step) {
  program::ResponseSite site;
  site.body = step.given("value") ? step.operand("value") : step.constant(Value());
  if (step.return_from_branch(site.body)) {
    step.note_terminated();
    return;
  }
  site.raw_value = true;
  finish(step, site);
}

void lower_header(program::Lowering& step) {
  program::OperandIndex headers = program::none;
  if (step.given("headers")) {
    if (step.given("name") || step.given("value"))
      step.error("field-twice", "\"headers\" and \"name\" exclude each other", step.node("headers"));
    headers = step.operand("headers");
  } else if (step.given("name") && step.given("value")) {
    Node map;
    map.kind = Node::Kind::object;
    map.span = step.node("name")->span;
    map.members.push_back(Member{step.literal("name"), step.node("name")->span, *step.node("value")});
    headers = step.value_of(map, step.path());
  } else {
    step.error("missing-field", "missing field \"name\" with \"value\", or \"headers\"");
    return;
  }
  step.emit(Op::set_headers, headers, program::slot::headers);
}

}  // namespace

StepKind response() {
  return {.name = "Response",
          .aliases = {"Return Response", "return_response"},
          .doc =
              "Answers with status, headers and body and ends the run, or the enclosing custom function, whose result "
              "is the body. In a branch it ends the function that the branch stands in; the other branches are "
              "cancelled.",
          .group = "Flow",
          .fields = {{.name = "status_code",
                      .aliases = {"status"},
                      .doc = "an integer from 200 to 599 or such text; 200 if not given"},
                     {.name = "body", .aliases = {"data"}, .doc = "any value; null if not given"},
                     {.name = "message", .doc = "short for a body {\"message\": …}"},
                     {.name = "headers", .doc = "an object; null values are left out"}},
          .has_result = false,
          .lower = lower_response};
}

StepKind return_value() {
  return {
      .name = "Return Value",
      .aliases = {"return"},
      .doc =
          "Ends the function, or the run, with a value; in a branch (of Parallel, or of a parallel Loop) that branch "
          "alone, whose result the value is.",
      .group = "Flow",
      .fields = {{.name = "value", .aliases = {"body"}, .doc = "any value"}},
      .has_result = false,
      .lower = lower_return};
}

StepKind set_response_header() {
  return {.name = "Set Response Header",
          .aliases = {"set_response_headers", "set_header", "set_headers"},
          .doc = "Adds headers to the Response to come; the Response's own win.",
          .group = "Flow",
          .fields = {{.name = "name", .type = FieldType::text, .doc = "one header's name"},
                     {.name = "value", .type = FieldType::text, .doc = "its value"},
                     {.name = "headers", .doc = "or an object of several"}},
          .has_result = false,
          .lower = lower_header};
}

}  // namespace fnstack::steps
