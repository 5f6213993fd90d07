// http_fields: the fields that every kind speaking HTTP has beside its own: resilience, credentials, connection.
// What they mean is in retry, http_auth, http_cache and paginate; how they work together in http_exchange.
#pragma once

#include <vector>

#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

// retry, circuit_breaker, rate_limit, auth, expect, idempotency_key, connection, timeout, output, ssl_verify …
[[gnu::cold]] void append_http_fields(std::vector<Field>& fields);
// paginate and cache: for requests whose URL says all.
[[gnu::cold]] void append_fetch_fields(std::vector<Field>& fields);

// What the tables can't say about these fields: for StepKind::check.
void check_http_fields(program::Lowering& step);

}  // namespace fnstack::steps
