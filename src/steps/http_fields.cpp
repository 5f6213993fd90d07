#include "steps/http_fields.hpp"

#include <iterator>
#include <string_view>

#include "expr/template.hpp"
#include "program/lowering.hpp"

namespace fnstack::steps {

namespace {

constexpr std::string_view auth_ways[] = {
    "auth.bearer",         "auth.basic", "auth.api_key",  "auth.oauth2_client_credentials",
    "auth.oauth2_refresh", "auth.hmac",  "auth.aws_sigv4"};

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "get" || method == "head" ||
         method == "options";
}

// The method as far as it is known when compiling; "" if a template decides.
std::string known_method(const program::Lowering& step) {
  if (step.given("method")) {
    const std::string method = step.literal("method");
    return expr::may_hold_template(method) ? "" : method;
  }
  const StepKind& kind = step.kind();
  if (kind.position_of("method") < kind.fields.size()) return step.given("body") ? "POST" : "GET";
  // A GraphQL document without a mutation does no more harm than a GET.
  return step.literal("query").find("mutation") == std::string::npos ? "GET" : "POST";
}

bool sets_idempotency_header(const program::Lowering& step) {
  const Node* const headers = step.node("headers");
  if (headers == nullptr) return false;
  if (headers->kind != Node::Kind::object) return true;  // they come from data: nobody knows
  for (const Member& header : headers->members) {
    if (fold_name(header.key) == "idempotency_key") return true;
  }
  return false;
}

}  // namespace

void append_http_fields(std::vector<Field>& fields) {
  Field all[] = {
      {.name = "timeout",
       .type = FieldType::number,
       .default_value = 30'000,
       .doc = "milliseconds, for each exchange as a whole"},
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
      {.name = "connection",
       .type = FieldType::text,
       .doc = "one that the host has named: its proxy, certificates and certificate authority"},
      {.name = "retry", .type = FieldType::options, .doc = "makes a failed request again; without it none is"},
      {.name = "retry.attempts",
       .aliases = {"retry.max_attempts"},
       .type = FieldType::integer,
       .default_value = 3,
       .doc = "all together, 1 to 100"},
      {.name = "retry.on",
       .doc = "statuses, \"5xx\", \"network\", \"timeout\", \"http\"; else network, timeout, 429, 502, 503, 504"},
      {.name = "retry.backoff",
       .type = FieldType::literal,
       .default_value = "exponential",
       .doc = "exponential (each wait twice the last) or fixed"},
      {.name = "retry.initial_ms",
       .aliases = {"retry.delay_ms"},
       .type = FieldType::integer,
       .default_value = 500,
       .doc = "the first wait"},
      {.name = "retry.max_ms", .type = FieldType::integer, .default_value = 30'000, .doc = "the longest wait"},
      {.name = "retry.jitter",
       .type = FieldType::boolean,
       .default_value = true,
       .doc = "each wait is between half of it and all of it"},
      {.name = "retry.respect_retry_after",
       .type = FieldType::boolean,
       .default_value = true,
       .doc = "waits at least as long as Retry-After says; longer than the limit retry_after_s: no retry"},
      {.name = "retry.unsafe",
       .type = FieldType::boolean,
       .default_value = false,
       .doc = "methods other than GET, HEAD and OPTIONS too, even without an idempotency key"},
      {.name = "idempotency_key",
       .doc = "sent as Idempotency-Key, the same on every attempt; true: one made from the run and the step"},
      {.name = "circuit_breaker",
       .type = FieldType::options,
       .doc = "after some failures in a row nothing is sent for a while; shared by all runs of the engine"},
      {.name = "circuit_breaker.key", .type = FieldType::text, .doc = "who shares it; else the URL's origin"},
      {.name = "circuit_breaker.failures", .type = FieldType::integer, .default_value = 5, .doc = "that open it"},
      {.name = "circuit_breaker.window_s",
       .type = FieldType::integer,
       .default_value = 60,
       .doc = "within which they happen"},
      {.name = "circuit_breaker.open_s", .type = FieldType::integer, .default_value = 30, .doc = "how long it is open"},
      {.name = "rate_limit",
       .type = FieldType::options,
       .doc = "waits for its turn; shared by all runs of the engine; heeds RateLimit headers"},
      {.name = "rate_limit.requests", .type = FieldType::integer, .required = true, .doc = "in each period"},
      {.name = "rate_limit.per_seconds",
       .aliases = {"rate_limit.period_s"},
       .type = FieldType::number,
       .default_value = 1,
       .doc = "the period"},
      {.name = "rate_limit.burst", .type = FieldType::integer, .doc = "at once; else as many as requests"},
      {.name = "rate_limit.key", .type = FieldType::text, .doc = "who shares it; else the URL's origin"},
      {.name = "auth", .type = FieldType::options, .doc = "one way to say who is asking"},
      {.name = "auth.bearer", .type = FieldType::text, .doc = "a token, sent as Authorization: Bearer"},
      {.name = "auth.basic", .type = FieldType::options, .doc = "RFC 7617"},
      {.name = "auth.basic.username", .type = FieldType::text, .required = true, .doc = "without a colon"},
      {.name = "auth.basic.password", .type = FieldType::text, .required = true, .doc = "may be empty"},
      {.name = "auth.api_key", .type = FieldType::options, .doc = "a key in a header or in the query"},
      {.name = "auth.api_key.name",
       .type = FieldType::text,
       .default_value = "X-API-Key",
       .doc = "of the header or query parameter"},
      {.name = "auth.api_key.value", .type = FieldType::text, .required = true, .doc = "the key"},
      {.name = "auth.api_key.in", .type = FieldType::literal, .default_value = "header", .doc = "header or query"},
      {.name = "auth.oauth2_client_credentials",
       .type = FieldType::options,
       .doc = "RFC 6749 section 4.4; the token is kept until it expires, and fetched anew after a 401"},
      {.name = "auth.oauth2_client_credentials.token_url",
       .type = FieldType::text,
       .required = true,
       .doc = "where tokens are fetched"},
      {.name = "auth.oauth2_client_credentials.client_id",
       .type = FieldType::text,
       .required = true,
       .doc = "of the client"},
      {.name = "auth.oauth2_client_credentials.client_secret",
       .type = FieldType::text,
       .required = true,
       .doc = "of the client"},
      {.name = "auth.oauth2_client_credentials.scope",
       .type = FieldType::text,
       .doc = "words with blanks between them"},
      {.name = "auth.oauth2_client_credentials.audience", .type = FieldType::text, .doc = "if the server asks for one"},
      {.name = "auth.oauth2_client_credentials.credentials_in",
       .type = FieldType::literal,
       .default_value = "header",
       .doc = "header (HTTP Basic) or body"},
      {.name = "auth.oauth2_refresh",
       .type = FieldType::options,
       .doc = "RFC 6749 section 6; a new refresh token in the answer takes the old one's place"},
      {.name = "auth.oauth2_refresh.token_url",
       .type = FieldType::text,
       .required = true,
       .doc = "where tokens are fetched"},
      {.name = "auth.oauth2_refresh.client_id", .type = FieldType::text, .required = true, .doc = "of the client"},
      {.name = "auth.oauth2_refresh.client_secret", .type = FieldType::text, .doc = "of the client"},
      {.name = "auth.oauth2_refresh.refresh_token", .type = FieldType::text, .required = true, .doc = "the first one"},
      {.name = "auth.oauth2_refresh.scope", .type = FieldType::text, .doc = "words with blanks between them"},
      {.name = "auth.oauth2_refresh.credentials_in",
       .type = FieldType::literal,
       .default_value = "header",
       .doc = "header (HTTP Basic) or body"},
      {.name = "auth.hmac",
       .type = FieldType::options,
       .doc = "a signature over the request, made anew for each attempt"},
      {.name = "auth.hmac.secret", .type = FieldType::text, .required = true, .doc = "the key"},
      {.name = "auth.hmac.key_id", .type = FieldType::text, .doc = "sent as X-Key-Id"},
      {.name = "auth.hmac.algorithm",
       .type = FieldType::literal,
       .default_value = "sha256",
       .doc = "sha256, sha512 or sha1"},
      {.name = "auth.hmac.header", .type = FieldType::text, .default_value = "X-Signature", .doc = "for the signature"},
      {.name = "auth.hmac.timestamp_header",
       .type = FieldType::text,
       .default_value = "X-Timestamp",
       .doc = "for the time, Unix seconds"},
      {.name = "auth.hmac.encoding", .type = FieldType::literal, .default_value = "hex", .doc = "hex or base64"},
      {.name = "auth.hmac.prefix", .type = FieldType::text, .doc = "before the signature: \"sha256=\""},
      {.name = "auth.hmac.payload",
       .type = FieldType::literal,
       .default_value = "request",
       .doc = "request (method, path, query, time, the body's hash) or body"},
      {.name = "auth.aws_sigv4",
       .type = FieldType::options,
       .doc = "AWS Signature Version 4, made anew for each attempt"},
      {.name = "auth.aws_sigv4.access_key_id", .type = FieldType::text, .required = true, .doc = "the key's name"},
      {.name = "auth.aws_sigv4.secret_access_key", .type = FieldType::text, .required = true, .doc = "the key"},
      {.name = "auth.aws_sigv4.session_token", .type = FieldType::text, .doc = "with temporary credentials"},
      {.name = "auth.aws_sigv4.region", .type = FieldType::text, .required = true, .doc = "such as eu-central-1"},
      {.name = "auth.aws_sigv4.service", .type = FieldType::text, .required = true, .doc = "such as s3"},
      {.name = "expect",
       .type = FieldType::options,
       .doc = "what a good answer looks like; another is an error `http`, 502"},
      {.name = "expect.schema",
       .type = FieldType::schema,
       .required = true,
       .doc = "a JSON Schema (draft 7), written out, for the decoded body"},
  };
  fields.insert(fields.end(), std::make_move_iterator(std::begin(all)), std::make_move_iterator(std::end(all)));
}

void append_fetch_fields(std::vector<Field>& fields) {
  const std::vector<std::string> locals = {"response", "page", "count"};
  Field all[] = {
      {.name = "paginate",
       .type = FieldType::options,
       .doc =
           "fetches page after page; the result is one list. `response` (status, headers, body), `page` (from 1) and "
           "`count` (of items so far) can be read in its templates"},
      {.name = "paginate.next",
       .doc = "one {{ }} whose value is the next URL, or an object of query parameters; null ends",
       .locals = locals},
      {.name = "paginate.link_header",
       .type = FieldType::boolean,
       .default_value = false,
       .doc = "the next URL is the Link header's, rel=\"next\" (RFC 8288)"},
      {.name = "paginate.items", .doc = "one {{ }} whose value is the page's list; else the body", .locals = locals},
      {.name = "paginate.max_pages",
       .type = FieldType::integer,
       .default_value = 1'000,
       .doc = "more are an error `limit`"},
      {.name = "cache",
       .type = FieldType::options,
       .doc = "keeps answers of GET requests in the engine's cache; equal requests under way share one exchange"},
      {.name = "cache.ttl", .aliases = {"cache.ttl_s"}, .type = FieldType::integer, .required = true, .doc = "seconds"},
      {.name = "cache.key",
       .type = FieldType::cache_key,
       .doc = "else one made from method, URL, headers and credentials"},
      {.name = "cache.etag",
       .type = FieldType::boolean,
       .default_value = true,
       .doc = "asks with ETag and Last-Modified whether an old answer still holds"},
  };
  fields.insert(fields.end(), std::make_move_iterator(std::begin(all)), std::make_move_iterator(std::end(all)));
}

void check_http_fields(program::Lowering& step) {
  if (step.given("auth")) {
    std::size_t ways = 0;
    for (const std::string_view way : auth_ways) ways += step.given(way) ? 1U : 0U;
    if (ways != 1) {
      step.error("bad-value",
                 ways == 0 ? "\"auth\": expected one of bearer, basic, api_key, oauth2_client_credentials, "
                             "oauth2_refresh, hmac, aws_sigv4"
                           : "\"auth\": several ways are given; keep one",
                 step.node("auth"));
    }
  }
  const std::string method = known_method(step);
  if (step.given("retry") && !method.empty() && !is_safe(method) && !step.given("idempotency_key") &&
      !step.given("retry.unsafe") && !sets_idempotency_header(step)) {
    step.warning("no-retry", "\"retry\": a " + method + " is made again only if that can do no harm",
                 step.node("retry"), "give an \"idempotency_key\", or \"unsafe\": true");
  }
  if (step.given("cache") && !method.empty() && method != "GET" && method != "get") {
    step.error("bad-value", "\"cache\": only a GET can be cached, not a " + method, step.node("cache"));
  }
  if (step.given("paginate") && !step.given("paginate.next") && !step.given("paginate.link_header")) {
    step.error("missing-field", "\"paginate\": missing field \"next\" or \"link_header\"", step.node("paginate"));
  }
}

}  // namespace fnstack::steps
