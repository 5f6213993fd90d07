// http_exchange: what a step that speaks HTTP does beyond one request: cached answers, attempts and their waits, pages.
// A conversation (StepKind::converse): it asks for one effect after another, and keeps what it must remember as a
// value, so that a run can be copied, written out and replayed in the midst of it.
//
//   page ─▶ look in the cache ─▶ attempt ─▶ [wait ─▶ attempt]… ─▶ store ─▶ page ─▶ … ─▶ result
//
// Entry point: converse_http.
#pragma once

#include <optional>

#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

// What differs between kinds.
struct HttpKind {
  // The request of the first page.
  Result<HttpRequest> (*build)(Fields& fields);
  // The answer's content, or the error that it is.
  Result<Value> (*content)(Fields& fields, const HttpResponse& response);
  // Does making the request twice do no harm?
  bool (*is_safe)(const Fields& fields, const HttpRequest& request);
};

[[nodiscard]] Result<StepKind::Turn> converse_http(const HttpKind& kind, Fields& fields, Value& state,
                                                   std::optional<EffectResult> answer);

}  // namespace fnstack::steps
