#include "steps/http_exchange.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "base/url.hpp"
#include "expr/arithmetic.hpp"
#include "expr/escape.hpp"
#include "expr/expression.hpp"
#include "steps/http_auth.hpp"
#include "steps/http_cache.hpp"
#include "steps/http_request.hpp"
#include "steps/paginate.hpp"
#include "steps/response_body.hpp"
#include "steps/retry.hpp"

namespace fnstack::steps {

namespace {

using Turn = StepKind::Turn;

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

// One call of the conversation. The state is null for a request that nothing is repeated for, else an object:
//   phase    what the answer is to: "look", "send", "sleep", "store"
//   attempt  how many have been made for this page
//   page     from 1;  url  of a later page;  items  of the pages before
//   key      the idempotency key;  cache_key;  stored  the cached text that is being asked about, or to be given
class Exchange {
 public:
  Exchange(const HttpKind& kind, Fields& fields, Value& state) : kind_(kind), fields_(fields), state_(state) {}

  Result<Turn> go_on(std::optional<EffectResult> answer);

 private:
  [[nodiscard]] bool is_cached() const { return fields_.given("cache"); }
  [[nodiscard]] bool is_paginated() const { return fields_.given("paginate"); }
  void set(std::string_view name, Value value) {
    if (state_.is_null()) state_ = Value::object();
    state_.set(std::string(name), std::move(value));
  }
  [[nodiscard]] std::int64_t count(std::string_view name, std::int64_t otherwise) const {
    const Value& value = state_.get(name);
    return value.is_integer() ? value.as_integer() : otherwise;
  }

  Result<HttpRequest> described();
  Result<HttpRequest> request();
  std::optional<Error> complete(HttpRequest& request);
  Result<std::shared_ptr<const HttpPolicy>> policy(const HttpRequest& request);
  Result<std::string> key_of(const HttpRequest& request);

  Result<Turn> begin_page();
  Result<Turn> looked(const EffectResult& answer);
  Result<Turn> send();
  Result<Turn> sent(EffectResult answer);
  Result<Turn> sleep(std::int64_t ms);
  Result<Turn> answered(const HttpResponse& response);
  Result<Turn> store(StoredResponse stored);
  Result<Turn> finish_page(const HttpResponse& response);
  Result<Turn> take_page(const HttpResponse& response, Value content);

  const HttpKind& kind_;
  Fields& fields_;
  Value& state_;
};

// ---------------------------------------------------------------- the request

// As the author described it, at the page's URL: nothing secret is added yet.
Result<HttpRequest> Exchange::described() {
  auto built = kind_.build(fields_);
  if (!built) return built;
  if (const Value& url = state_.get("url"); url.is_string()) built->url = std::string(url.as_string());
  return built;
}

// With what is the same on every attempt.
Result<HttpRequest> Exchange::request() {
  auto built = described();
  if (!built) return built;
  const Value& given = fields_["idempotency_key"];
  if (!given.is_null() && !(given.is_boolean() && !given.as_boolean())) {
    if (given.is_container()) return wrong("idempotency_key: expected text or true");
    if (state_.get("key").is_null()) {
      // Each page is a request of its own.
      const std::int64_t page = count("page", 1);
      const std::string text = given.is_boolean() ? fields_.effect_id() : to_text(given);
      set("key", Value(given.is_boolean() || page == 1 ? text : text + ":" + std::to_string(page)));
    }
    const Value header = Value::object({{"Idempotency-Key", state_.get("key")}});
    auto checked = expr::check_headers(header, true, static_cast<std::size_t>(fields_.limits().header_bytes));
    if (!checked) return std::move(checked).error();
    if (!header_of(*built, "idempotency-key").empty()) {
      return wrong("idempotency_key: the headers have an Idempotency-Key too; keep one");
    }
    for (auto& pair : *checked) built->headers.push_back(std::move(pair));
  }
  // A next page's URL may repeat the key that the last one was asked with.
  if (state_.get("url").is_string() && fields_["auth.api_key.in"].as_string() == "query") {
    built->url = without_parameter(built->url, to_text(fields_["auth.api_key.name"]));
  }
  if (auto error = set_credentials(fields_, *built)) return std::move(*error);
  return built;
}

Result<std::string> Exchange::key_of(const HttpRequest& request) {
  if (const Value& own = fields_["cache.key"]; own.is_string()) {
    // Each page has its own entry.
    const std::int64_t page = count("page", 1);
    return std::string(own.as_string()) + (page > 1 ? ":" + std::to_string(page) : "");
  }
  return cache_key(request, identity_of(fields_));
}

Result<std::shared_ptr<const HttpPolicy>> Exchange::policy(const HttpRequest& request) {
  auto oauth2 = read_oauth2(fields_);
  if (!oauth2) return std::move(oauth2).error();
  const bool breaks = fields_.given("circuit_breaker");
  const bool limits = fields_.given("rate_limit");
  if (!breaks && !limits && !*oauth2 && !is_cached()) return std::shared_ptr<const HttpPolicy>();
  auto policy = std::make_shared<HttpPolicy>();
  policy->oauth2 = std::move(*oauth2);
  const auto key = [&](std::string_view field) {
    const Value& given = fields_[field];
    if (!given.is_null()) return to_text(given);
    auto url = parse_url(request.url);
    return url.ok() ? url->origin() : std::string();
  };
  const auto seconds = [&](std::string_view field, std::int64_t& ms) -> std::optional<Error> {
    const double given = fields_[field].is_number() ? fields_[field].as_number() : 0;
    if (!(given >= 0.001) || given > 86'400) {
      return wrong(std::string(field) + ": expected seconds from 0.001 to 86400, got " + to_text(fields_[field]));
    }
    ms = static_cast<std::int64_t>(given * 1000);
    return std::nullopt;
  };
  const auto number = [&](std::string_view field, std::int64_t& out) -> std::optional<Error> {
    const Value& given = fields_[field];
    if (!given.is_integer() || given.as_integer() < 1 || given.as_integer() > 1'000'000) {
      return wrong(std::string(field) + ": expected 1 to 1000000, got " + to_text(given));
    }
    out = given.as_integer();
    return std::nullopt;
  };
  if (breaks) {
    CircuitBreaker& breaker = policy->circuit_breaker.emplace();
    breaker.key = key("circuit_breaker.key");
    if (auto error = number("circuit_breaker.failures", breaker.failures)) return std::move(*error);
    if (auto error = number("circuit_breaker.window_s", breaker.window_s)) return std::move(*error);
    if (auto error = number("circuit_breaker.open_s", breaker.open_s)) return std::move(*error);
  }
  if (limits) {
    RateLimit& limit = policy->rate_limit.emplace();
    limit.key = key("rate_limit.key");
    if (auto error = number("rate_limit.requests", limit.requests)) return std::move(*error);
    if (auto error = seconds("rate_limit.per_seconds", limit.period_ms)) return std::move(*error);
    if (fields_.given("rate_limit.burst")) {
      if (auto error = number("rate_limit.burst", limit.burst)) return std::move(*error);
    }
  }
  if (is_cached()) policy->share_key = std::string(state_.get("cache_key").as_string());
  return std::shared_ptr<const HttpPolicy>(std::move(policy));
}

// What is added for this attempt.
std::optional<Error> Exchange::complete(HttpRequest& request) {
  if (const Value& stored = state_.get("stored"); stored.is_string()) {
    if (const auto known = read_stored(stored.as_string())) revalidate(request, known->response);
  }
  auto shared = policy(request);
  if (!shared) return std::move(shared).error();
  request.policy = std::move(*shared);
  return sign(fields_, request, fields_.now_ms());
}

// ---------------------------------------------------------------- page, attempt, wait

Result<Turn> Exchange::begin_page() {
  if (!is_cached()) return send();
  auto first = request();
  if (!first) return std::move(first).error();
  if (first->method != "GET") return wrong("cache: only a GET can be cached, not a " + first->method);
  const std::int64_t ttl_s = fields_["cache.ttl"].is_integer() ? fields_["cache.ttl"].as_integer() : 0;
  if (ttl_s < 1 || ttl_s > 366 * 86'400) return wrong("cache.ttl: expected seconds from 1 to 31622400");
  auto key = key_of(*first);
  if (!key) return std::move(key).error();
  CacheCommand command;
  command.kind = CacheCommand::Kind::get;
  command.key = *key;
  set("cache_key", Value(*key));
  set("phase", "look");
  return Turn(Effect(std::move(command)));
}

Result<Turn> Exchange::looked(const EffectResult& answer) {
  // A cache that is down is like one that has nothing: the upstream is asked.
  const Value* found = answer.ok() ? std::get_if<Value>(&*answer) : nullptr;
  const Value text = found == nullptr ? Value() : found->get("text");
  const auto stored = text.is_string() ? read_stored(text.as_string()) : std::nullopt;
  if (stored) {
    const std::int64_t age_ms = fields_.now_ms() - stored->stored_ms;
    if (age_ms >= 0 && age_ms < fields_["cache.ttl"].as_integer() * 1000) return finish_page(stored->response);
    if (fields_["cache.etag"].as_boolean() && has_validator(stored->response)) set("stored", text);
  }
  return send();
}

Result<Turn> Exchange::send() {
  auto next = request();
  if (!next) return std::move(next).error();
  if (auto error = complete(*next)) return std::move(*error);
  if (!state_.is_null()) set("phase", "send");
  return Turn(Effect(std::move(*next)));
}

Result<Turn> Exchange::sleep(std::int64_t ms) {
  set("phase", "sleep");
  return Turn(Effect(Sleep{ms}));
}

Result<Turn> Exchange::sent(EffectResult answer) {
  Result<HttpResponse> outcome = answer.ok() ? Result<HttpResponse>(std::move(std::get<HttpResponse>(*answer)))
                                             : Result<HttpResponse>(std::move(answer).error());
  if (!outcome.ok() && outcome.error().type == error_type::limit && outcome.error().not_before_ms > 0) {
    // The rate limit says when it is this request's turn. That is no failed attempt.
    const std::int64_t wait_ms = std::max<std::int64_t>(0, outcome.error().not_before_ms - fields_.now_ms());
    if (wait_ms > fields_.limits().retry_after_s * 1000) return std::move(outcome).error();
    return sleep(wait_ms);
  }
  const std::int64_t attempts = count("attempt", 0) + 1;
  auto retry = read_retry(fields_);
  if (!retry) return std::move(retry).error();
  if (attempts < retry->attempts) {
    auto repeated = request();
    if (!repeated) return std::move(repeated).error();
    const bool may_repeat = kind_.is_safe(fields_, *repeated) || !header_of(*repeated, "idempotency-key").empty();
    std::uint64_t random = 0;
    std::uint8_t bytes[8];
    fields_.random_bytes(bytes, sizeof(bytes));
    for (const std::uint8_t byte : bytes) random = random << 8 | byte;
    const auto delay = next_attempt_ms(*retry, attempts, outcome, may_repeat, fields_.now_ms(),
                                       fields_.limits().retry_after_s, random);
    if (delay) {
      set("attempt", Value(attempts));
      return sleep(*delay);
    }
  }
  if (!outcome.ok()) return std::move(outcome).error();
  return answered(*outcome);
}

Result<Turn> Exchange::answered(const HttpResponse& response) {
  if (!is_cached()) return finish_page(response);
  if (response.status == 304 && state_.get("stored").is_string()) {
    if (auto stored = read_stored(state_.get("stored").as_string())) {
      refresh(*stored, response, fields_.now_ms());
      return store(std::move(*stored));
    }
  }
  if (!may_store(response)) return finish_page(response);
  return store(StoredResponse{response, fields_.now_ms()});
}

Result<Turn> Exchange::store(StoredResponse stored) {
  CacheCommand command = store_command(std::string(state_.get("cache_key").as_string()), stored,
                                       fields_["cache.ttl"].as_integer(), fields_["cache.etag"].as_boolean());
  set("stored", Value(command.text));
  set("phase", "store");
  return Turn(Effect(std::move(command)));
}

// ---------------------------------------------------------------- results

Result<Turn> Exchange::finish_page(const HttpResponse& response) {
  auto content = kind_.content(fields_, response);
  if (!content) return std::move(content).error();
  if (fields_.given("expect") && response.status < 400) {
    if (auto problem = fields_.mismatch("expect.schema", *content)) {
      Error error =
          make_error(error_type::http, "the answer of " + std::string(fields_["url"].get("shown").as_string()) +
                                           " is not what the schema expects: " + *problem);
      error.status_code = 502;
      error.headers = headers_value(response);
      error.response = std::move(*content);
      return error;
    }
  }
  if (is_paginated()) return take_page(response, std::move(*content));
  if (fields_["output"].as_string() != "full") return Turn(std::move(*content));
  return Turn(Value::object(
      {{"status", Value(response.status)}, {"headers", headers_value(response)}, {"body", std::move(*content)}}));
}

Result<Turn> Exchange::take_page(const HttpResponse& response, Value content) {
  const std::int64_t page = count("page", 1);
  const Value full =
      Value::object({{"status", Value(response.status)}, {"headers", headers_value(response)}, {"body", content}});
  // Held here alone, so that the list grows in place.
  Value items = state_.get("items");
  set("items", Value());
  if (items.is_null()) items = Value::array();
  Value found = std::move(content);
  if (fields_.given("paginate.items")) {
    const auto known = static_cast<std::int64_t>(items.size());
    Value locals[] = {full, Value(page), Value(known)};
    auto given = fields_.evaluate("paginate.items", locals);
    if (!given) return std::move(given).error();
    found = std::move(*given);
  }
  if (!found.is_null() && !found.is_array()) {
    return wrong("paginate: expected the page's items as a list, got " + std::string(base::kind_in_words(found)) +
                 "; \"items\" says where it is");
  }
  items.reserve(items.size() + found.size());
  for (std::size_t i = 0; i < found.size(); ++i) items.push_back(found[i]);
  const auto known = static_cast<std::int64_t>(items.size());

  auto here = described();
  if (!here) return std::move(here).error();
  Value next;
  if (fields_.given("paginate.next")) {
    Value locals[] = {full, Value(page), Value(known)};
    auto given = fields_.evaluate("paginate.next", locals);
    if (!given) return std::move(given).error();
    next = std::move(*given);
  } else if (fields_["paginate.link_header"].as_boolean()) {
    for (const auto& [name, text] : response.headers) {
      if (name == "link" && next.is_null()) {
        const std::string_view target = link_target(text, "next");
        if (!target.empty()) next = Value(target);
      }
    }
  }
  auto url = next_page(here->url, next);
  if (!url) return std::move(url).error();
  if (!*url) {
    if (fields_["output"].as_string() != "full") return Turn(std::move(items));
    return Turn(Value::object(
        {{"status", Value(response.status)}, {"headers", headers_value(response)}, {"body", std::move(items)}}));
  }
  if ((*url)->size() > static_cast<std::size_t>(fields_.limits().url_bytes)) {
    return make_error(error_type::limit, "url_bytes: the next page's URL takes more than " +
                                             std::to_string(fields_.limits().url_bytes) + " bytes");
  }
  const Value& most = fields_["paginate.max_pages"];
  if (most.is_integer() && page >= most.as_integer()) {
    return make_error(error_type::limit,
                      "paginate: there are more than " + to_text(most) + " pages; max_pages allows more");
  }
  state_ = Value::object({{"page", Value(page + 1)}, {"url", Value(**url)}});
  state_.set("items", std::move(items));
  return begin_page();
}

Result<Turn> Exchange::go_on(std::optional<EffectResult> answer) {
  if (!answer) return begin_page();
  const std::string_view phase = state_.get("phase").as_string();
  if (phase == "look") return looked(*answer);
  if (phase == "sleep") {
    if (!answer->ok()) return std::move(*answer).error();
    return send();
  }
  if (phase == "store") {
    // Whether it could be stored or not, this is the answer.
    const auto stored = read_stored(state_.get("stored").as_string());
    if (!stored) return make_error(error_type::cache, "the response could not be kept");
    return finish_page(stored->response);
  }
  return sent(std::move(*answer));
}

}  // namespace

Result<Turn> converse_http(const HttpKind& kind, Fields& fields, Value& state, std::optional<EffectResult> answer) {
  return Exchange(kind, fields, state).go_on(std::move(answer));
}

}  // namespace fnstack::steps
