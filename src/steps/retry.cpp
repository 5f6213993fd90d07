#include "steps/retry.hpp"

#include <algorithm>
#include <charconv>

#include <fnstack/json.hpp>

#include "base/http_date.hpp"
#include "base/in_quotes.hpp"
#include "steps/response_body.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

constexpr std::string_view repeatable_types[] = {"network", "timeout", "http"};

// "5xx": every status of that class.
bool is_status_class(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '5' && text.substr(1) == "xx";
}

std::optional<Error> check_on(const Value& on) {
  if (!on.is_array()) return wrong("retry: on: expected a list of statuses and error types");
  for (std::size_t i = 0; i < on.size(); ++i) {
    const Value& entry = on[i];
    if (entry.is_integer() && entry.as_integer() >= 100 && entry.as_integer() <= 599) continue;
    if (entry.is_string() &&
        (is_status_class(entry.as_string()) || std::find(std::begin(repeatable_types), std::end(repeatable_types),
                                                         entry.as_string()) != std::end(repeatable_types))) {
      continue;
    }
    return wrong("retry: on: expected a status, one such as \"5xx\", \"network\", \"timeout\" or \"http\", got " +
                 base::in_quotes(to_text(entry)));
  }
  return std::nullopt;
}

bool is_usual_status(int status) { return status == 429 || (status >= 502 && status <= 504); }

bool matches(const Value& on, std::string_view type, int status) {
  if (on.is_null()) {
    return status != 0 ? is_usual_status(status) : type == error_type::network || type == error_type::timeout;
  }
  for (std::size_t i = 0; i < on.size(); ++i) {
    const Value& entry = on[i];
    if (status != 0 && entry.is_integer() && entry.as_integer() == status) return true;
    if (!entry.is_string()) continue;
    const std::string_view text = entry.as_string();
    if (is_status_class(text)) {
      if (status / 100 == text[0] - '0') return true;
    } else if (status != 0 ? text == "http" && status >= 400 : text == type) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<Retry> read_retry(const Fields& fields) {
  Retry retry;
  if (!fields.given("retry")) return retry;
  const auto whole = [&](std::string_view name, std::int64_t least, std::int64_t most,
                         std::int64_t& out) -> std::optional<Error> {
    const Value& given = fields[name];
    if (given.is_null()) return std::nullopt;
    if (given.as_integer() < least || given.as_integer() > most) {
      return wrong(std::string(name) + ": expected " + std::to_string(least) + " to " + std::to_string(most) +
                   ", got " + to_text(given));
    }
    out = given.as_integer();
    return std::nullopt;
  };
  constexpr std::int64_t day_ms = 86'400'000;
  retry.attempts = 3;
  if (auto error = whole("retry.attempts", 1, 100, retry.attempts)) return std::move(*error);
  if (auto error = whole("retry.initial_ms", 0, day_ms, retry.initial_ms)) return std::move(*error);
  if (auto error = whole("retry.max_ms", 0, day_ms, retry.max_ms)) return std::move(*error);
  retry.on = fields["retry.on"];
  if (!retry.on.is_null()) {
    if (auto error = check_on(retry.on)) return std::move(*error);
  }
  const std::string_view backoff = fields["retry.backoff"].as_string();
  if (backoff != "exponential" && backoff != "fixed") {
    return wrong("retry: backoff: expected \"exponential\" or \"fixed\", got " +
                 base::in_quotes(to_text(fields["retry.backoff"])));
  }
  retry.exponential = backoff == "exponential";
  retry.jitter = fields["retry.jitter"].as_boolean();
  retry.respect_retry_after = fields["retry.respect_retry_after"].as_boolean();
  retry.unsafe = fields["retry.unsafe"].as_boolean();
  return retry;
}

std::optional<std::int64_t> retry_after_ms(std::string_view text, std::int64_t now_ms) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // Beyond any wait that is allowed, and still exact in milliseconds.
    constexpr std::int64_t longest_s = std::int64_t{100} * 366 * 86'400;
    if (code != std::errc() || seconds > longest_s) seconds = longest_s;
    return seconds * 1000;
  }
  const auto until = base::parse_http_date(text);
  if (!until) return std::nullopt;
  return std::max<std::int64_t>(0, *until - now_ms);
}

std::optional<std::int64_t> next_attempt_ms(const Retry& retry, std::int64_t attempts_made,
                                            const Result<HttpResponse>& outcome, bool may_repeat, std::int64_t now_ms,
                                            std::int64_t most_retry_after_s, std::uint64_t random) {
  if (attempts_made >= retry.attempts) return std::nullopt;
  const bool not_sent = !outcome.ok() && outcome.error().not_before_ms != 0;
  if (!may_repeat && !retry.unsafe && !not_sent) return std::nullopt;
  const int status = outcome.ok() ? outcome->status : 0;
  if (!matches(retry.on, outcome.ok() ? std::string_view() : std::string_view(outcome.error().type), status)) {
    return std::nullopt;
  }
  std::int64_t delay = std::min(retry.initial_ms, retry.max_ms);
  for (std::int64_t i = 1; retry.exponential && i < attempts_made && delay < retry.max_ms; ++i) {
    delay = delay > retry.max_ms / 2 ? retry.max_ms : delay * 2;
  }
  // Between half of it and all of it, so that many that failed together do not come back together.
  if (retry.jitter && delay > 1) delay -= static_cast<std::int64_t>(random % static_cast<std::uint64_t>(delay / 2 + 1));
  std::int64_t asked = 0;
  if (not_sent) {
    asked = std::max<std::int64_t>(0, outcome.error().not_before_ms - now_ms);
  } else if (outcome.ok() && retry.respect_retry_after) {
    asked = retry_after_ms(header(*outcome, "retry-after"), now_ms).value_or(0);
  }
  if (asked > most_retry_after_s * 1000) return std::nullopt;
  return std::max(delay, asked);
}

}  // namespace fnstack::steps
