// resilient_http: an HttpClient around another that keeps what requests share between runs. A request passes, in this
// order and each only if its policy asks for it: requests under way with the same key, circuit breaker, rate limit,
// OAuth token, and is sent. What the parts decide is theirs; here is only how they follow each other.
//
// Locks: State::mutex_ guards all states and is never held while a reply is called or a request is sent. An Exchange
// belongs to one thread at a time, handed on from reply to reply. Nothing recurses further than one exchange's few
// stages: who waited is answered in a loop, and a request is sent again at most once.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <fnstack/http.hpp>

#include "backends/circuit_breaker.hpp"
#include "backends/deadline_watch.hpp"
#include "backends/http_redirect.hpp"
#include "backends/in_seconds.hpp"
#include "backends/keyed_states.hpp"
#include "backends/oauth2.hpp"
#include "backends/rate_limit_headers.hpp"
#include "backends/single_flight.hpp"
#include "backends/token_bucket.hpp"
#include "base/in_quotes.hpp"

namespace fnstack {
namespace {

using backends::BreakerState;
using backends::BucketState;
using backends::Flight;
using backends::Waiter;
using SteadyTime = std::chrono::steady_clock::time_point;

// So many may wait for one answer or one token.
constexpr std::size_t most_waiters = 10'000;
constexpr std::int64_t longest_timeout_ms = 86'400'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct TokenState {
  std::string access_token;  // empty: none
  std::int64_t good_until_ms = 0;
  std::string refresh_token;  // the latest one, if an answer brought one
  std::shared_ptr<Flight<std::string>> flight;
};

std::string place_of(const HttpRequest& request) {
  return request.method + (request.shown_url.empty() ? "" : " " + request.shown_url) + ": ";
}

Error located(const std::string& place, Error error) {
  error.message = place + error.message;
  return error;
}

// The run's time, as it was when its call was made and as long as that is ago. Short times count as none: with a
// clock that stands still (a virtual one) the same thing then happens at the same moment each time.
class RunTime {
 public:
  explicit RunTime(std::int64_t now_ms) : now_ms_(now_ms), began_(std::chrono::steady_clock::now()) {}
  [[nodiscard]] SteadyTime began() const noexcept { return began_; }
  [[nodiscard]] std::int64_t now_ms() const {
    const auto passed = std::chrono::steady_clock::now() - began_;
    return now_ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(passed).count() / 100 * 100;
  }

 private:
  std::int64_t now_ms_;
  SteadyTime began_;
};

// What all requests of one client share.
struct State {
  explicit State(std::shared_ptr<HttpClient> client) : inner(std::move(client)) {}

  [[nodiscard]] std::shared_ptr<HttpClient> client() {
    const std::lock_guard lock(mutex);
    return inner;
  }
  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) {
    const auto target = client();
    if (target) return target->send(std::move(request), call, std::move(reply));
    reply(located(place_of(request), make_error(error_type::cancelled, "the HTTP client was shut down")));
  }

  std::mutex mutex;
  std::shared_ptr<HttpClient> inner;  // guarded by mutex, as are all until the blank line; null: shut down
  backends::KeyedStates<BreakerState> breakers;
  backends::KeyedStates<BucketState> buckets;
  backends::KeyedStates<TokenState> tokens;
  std::unordered_map<std::string, std::shared_ptr<Flight<HttpResponse>>> under_way;

  const std::shared_ptr<backends::DeadlineWatch> watch = std::make_shared<backends::DeadlineWatch>();
};

SteadyTime deadline_of(const HttpRequest& request, const Call& call, SteadyTime began) {
  const std::int64_t timeout_ms = std::clamp<std::int64_t>(request.timeout_ms, 0, longest_timeout_ms);
  return std::min(call.deadline, began + std::chrono::milliseconds(timeout_ms));
}

Error cancelled_error() { return make_error(error_type::cancelled, "cancelled"); }

Error timeout_error(SteadyTime began, SteadyTime deadline) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - began).count();
  return make_error(error_type::timeout, "timed out after " + std::to_string(std::max<std::int64_t>(ms, 0)) + " ms");
}

// ---- tokens

// Fetches a token for all who wait in `flight`. It is nobody's own: it ends with its last waiter, not its first.
void fetch_token(const std::shared_ptr<State>& state, const std::shared_ptr<TokenState>& slot,
                 const std::shared_ptr<Flight<std::string>>& flight, const std::shared_ptr<const HttpPolicy>& policy,
                 const HttpRequest& for_request, const Call& for_call) {
  const OAuth2& oauth2 = *policy->oauth2;
  std::string refresh_token;
  {
    const std::lock_guard lock(state->mutex);
    refresh_token = slot->refresh_token;
  }
  Result<HttpRequest> made = backends::token_request(oauth2, refresh_token);
  Call call;
  call.effect_id = for_call.effect_id;
  call.stop = flight->stop();
  call.now_ms = for_call.now_ms;
  const auto done = [state, slot, flight](Result<std::string> token, std::optional<backends::Token> answer,
                                          std::int64_t now_ms, bool refresh_refused) {
    {
      const std::lock_guard lock(state->mutex);
      if (slot->flight == flight) slot->flight.reset();
      if (refresh_refused) slot->refresh_token.clear();  // the next one begins with what the definition says
      if (answer) {
        slot->access_token = answer->access_token;
        slot->good_until_ms = answer->lifetime_ms < 0 ? never : now_ms + backends::usable_ms(answer->lifetime_ms);
        if (!answer->refresh_token.empty()) slot->refresh_token = std::move(answer->refresh_token);
      }
    }
    if (!token) token.error().message = "no access token: " + token.error().message;
    flight->finish(std::move(token));
  };
  if (!made) return done(std::move(made).error(), std::nullopt, 0, false);
  HttpRequest request = std::move(made).value();
  request.connection = for_request.connection;
  request.verify_tls = for_request.verify_tls;
  HttpRequest shown;
  shown.shown_url = request.shown_url;
  Reply<HttpResponse> reply([done, policy, shown, time = RunTime(call.now_ms),
                             refreshed = !refresh_token.empty()](Result<HttpResponse> response) {
    if (!response) {
      // Of the error the words and the type: what came back from there is nobody's business.
      Error error = make_error("", std::move(response.error().message));
      error.type = std::move(response.error().type);
      return done(std::move(error), std::nullopt, 0, false);
    }
    Result<backends::Token> token = backends::read_token(*policy->oauth2, shown, *response);
    if (!token) {
      const bool refused = refreshed && response->status >= 400 && response->status < 500;
      return done(std::move(token).error(), std::nullopt, 0, refused);
    }
    std::string text = token->access_token;
    done(std::move(text), std::move(token).value(), time.now_ms(), false);
  });
  state->send(std::move(request), call, std::move(reply));
}

// ---- one request on its way through breaker, rate limit and token

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  // `place`: the name under which the rate limit knows who comes back.
  Exchange(std::shared_ptr<State> state, HttpRequest request, const Call& call, std::string place,
           Reply<HttpResponse> reply)
      : state_(std::move(state)),
        policy_(std::exchange(request.policy, nullptr)),
        request_(std::move(request)),
        call_(call),
        place_(std::move(place)),
        reply_(std::move(reply)),
        time_(call.now_ms),
        deadline_(deadline_of(request_, call, time_.began())) {}
  ~Exchange() { settle(Verdict::neither); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void start() {
    std::optional<Error> error = pass_gates();
    if (error) return finish(std::move(*error), true);
    authorise();
  }

 private:
  enum class Verdict : std::uint8_t { success, failure, neither };

  // Breaker and rate limit.
  std::optional<Error> pass_gates() {
    const std::lock_guard lock(state_->mutex);
    if (policy_->circuit_breaker) {
      const CircuitBreaker& rule = *policy_->circuit_breaker;
      breaker_ = state_->breakers.get(rule.key);
      const std::int64_t now_ms = time_.now_ms();
      const BreakerState::Verdict asked = breaker_->ask(rule, now_ms, request_.timeout_ms);
      if (asked.ticket == 0) return breaker_error(rule, asked, now_ms);
      ticket_ = asked.ticket;
    }
    if (policy_->rate_limit) {
      const RateLimit& rule = *policy_->rate_limit;
      bucket_ = state_->buckets.get(rule.key);
      const std::int64_t now_ms = time_.now_ms();
      const BucketState::Verdict asked = bucket_->take(rule, place_, now_ms);
      if (!asked.allowed) return rate_error(rule, asked.not_before_ms, now_ms);
    }
    return std::nullopt;
  }

  Error breaker_error(const CircuitBreaker& rule, const BreakerState::Verdict& asked, std::int64_t now_ms) const {
    const std::string name = "circuit breaker " + base::in_quotes(rule.key);
    const std::string after =
        " after " + std::to_string(asked.failures) + (asked.failures == 1 ? " failure" : " failures");
    Error error =
        make_error(error_type::network, asked.trying ? name + " is open" + after + " while another request tries"
                                                     : name + " is open for another " +
                                                           backends::in_seconds(asked.not_before_ms - now_ms) + after);
    error.not_before_ms = asked.not_before_ms;
    return located(place_of(request_), std::move(error));
  }

  Error rate_error(const RateLimit& rule, std::int64_t not_before_ms, std::int64_t now_ms) const {
    const std::string period = rule.period_ms >= 1'000 && rule.period_ms % 1'000 == 0
                                   ? std::to_string(rule.period_ms / 1'000) + " s"
                                   : std::to_string(rule.period_ms) + " ms";
    Error error =
        make_error(error_type::limit, "rate limit " + base::in_quotes(rule.key) + ": " + std::to_string(rule.requests) +
                                          (rule.requests == 1 ? " request in " : " requests in ") + period +
                                          "; try again in " + backends::in_seconds(not_before_ms - now_ms));
    error.not_before_ms = not_before_ms;
    return located(place_of(request_), std::move(error));
  }

  // Sends, with a token if one is asked for: the kept one, or the one that is being fetched, by us if by nobody else.
  void authorise() {
    if (!policy_->oauth2) return send_request();
    if (!slot_) {
      const std::string key =
          backends::token_key(*policy_->oauth2) + (request_.verify_tls ? "v" : "-") + request_.connection;
      const std::lock_guard lock(state_->mutex);
      slot_ = state_->tokens.get(key);
    }
    std::string token;
    {
      const std::lock_guard lock(state_->mutex);
      token = kept_token();
    }
    if (!token.empty()) return send_with(std::move(token), true);
    wait_for_token();
  }

  // With the lock held. Empty: there is none that is good.
  std::string kept_token() const { return time_.now_ms() < slot_->good_until_ms ? slot_->access_token : std::string(); }

  void wait_for_token() {
    Reply<std::string> reply([self = shared_from_this()](Result<std::string> token) {
      if (!token) return self->finish(located(place_of(self->request_), std::move(token).error()), true);
      self->send_with(std::move(token).value(), false);
    });
    const auto waiter = Waiter<std::string>::make(std::move(reply), call_.stop, deadline_, state_->watch,
                                                  cancelled_error(), timeout_error(time_.began(), deadline_));
    if (waiter->answered()) return;
    std::shared_ptr<Flight<std::string>> over;
    std::shared_ptr<Flight<std::string>> flight;
    bool is_first = false;
    auto joined = Flight<std::string>::Join::over;
    std::string token;  // that another one has got since we looked
    {
      const std::lock_guard lock(state_->mutex);
      if (slot_->flight) joined = slot_->flight->join(waiter, most_waiters);
      if (joined == Flight<std::string>::Join::over) token = kept_token();
      if (joined == Flight<std::string>::Join::over && token.empty()) {
        // A refresh may use its refresh token up: its answer must not be lost, nor a second one sent meanwhile.
        flight = std::make_shared<Flight<std::string>>(!policy_->oauth2->refresh_token.empty());
        over = std::exchange(slot_->flight, flight);
        joined = flight->join(waiter, most_waiters);
        is_first = true;
      }
    }
    if (joined == Flight<std::string>::Join::full || !token.empty()) {
      const auto alone = std::make_shared<Flight<std::string>>();
      (void)alone->join(waiter, 1);
      if (!token.empty()) return alone->finish(std::move(token));
      return alone->finish(make_error(
          error_type::limit, "more than " + std::to_string(most_waiters) + " requests wait for the same access token"));
    }
    if (is_first) fetch_token(state_, slot_, flight, policy_, request_, call_);
  }

  void send_with(std::string token, bool kept) {
    token_ = std::move(token);
    may_renew_ = kept && !renewed_;
    std::erase_if(request_.headers,
                  [](const auto& header) { return backends::same_word(header.first, "authorization"); });
    request_.headers.emplace_back("Authorization", "Bearer " + token_);
    // The time that the token took is the request's.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return finish(located(place_of(request_), timeout_error(time_.began(), deadline_)), true);
    }
    request_.timeout_ms = std::min<std::int64_t>(request_.timeout_ms, left.count());
    send_request();
  }

  void send_request() {
    HttpRequest sent = may_renew_ ? request_ : std::move(request_);
    if (!may_renew_) {
      // What messages still need of it.
      request_.method = sent.method;
      request_.shown_url = sent.shown_url;
    }
    state_->send(std::move(sent), call_, Reply<HttpResponse>([self = shared_from_this()](Result<HttpResponse> result) {
                   self->answered(std::move(result));
                 }));
  }

  void answered(Result<HttpResponse> result) {
    if (!(may_renew_ && result.ok() && result->status == 401)) return finish(std::move(result), false);
    // The kept token is no longer good: one new one, and the request once more.
    may_renew_ = false;
    renewed_ = true;
    {
      const std::lock_guard lock(state_->mutex);
      if (slot_->access_token == token_) slot_->access_token.clear();
      if (bucket_) bucket_->spend(*policy_->rate_limit, time_.now_ms());
    }
    authorise();
  }

  // `unsent`: the error is one of ours, or of the token's endpoint, and says nothing about the service.
  void finish(Result<HttpResponse> result, bool unsent) {
    Verdict verdict = Verdict::neither;
    if (!unsent && result.ok() && result->status >= 500) verdict = Verdict::failure;
    if (!unsent && result.ok() && result->status < 400) verdict = Verdict::success;
    if (!unsent && !result.ok() &&
        (result.error().type == error_type::network || result.error().type == error_type::timeout)) {
      verdict = Verdict::failure;
    }
    settle(verdict);
    if (bucket_ && result.ok()) {
      const std::int64_t now_ms = time_.now_ms();
      if (const std::int64_t hold_ms = backends::hold_back_ms(*result, now_ms); hold_ms > 0) {
        const std::lock_guard lock(state_->mutex);
        bucket_->hold_until(*policy_->rate_limit, now_ms + hold_ms, now_ms);
      }
    }
    reply_(std::move(result));
  }

  void settle(Verdict verdict) {
    if (ticket_ == 0) return;
    const std::lock_guard lock(state_->mutex);
    if (verdict == Verdict::success)
      breaker_->succeeded(ticket_);
    else if (verdict == Verdict::failure)
      breaker_->failed(*policy_->circuit_breaker, ticket_, time_.now_ms());
    else
      breaker_->neither(ticket_);
    ticket_ = 0;
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<const HttpPolicy> policy_;
  HttpRequest request_;
  const Call call_;
  const std::string place_;
  Reply<HttpResponse> reply_;
  const RunTime time_;
  const SteadyTime deadline_;

  std::shared_ptr<BreakerState> breaker_;
  std::uint64_t ticket_ = 0;
  std::shared_ptr<BucketState> bucket_;
  std::shared_ptr<TokenState> slot_;
  std::string token_;
  bool may_renew_ = false;  // sent with a kept token, for the first time
  bool renewed_ = false;
};

// ---- requests under way with the same key

// Sends for all who wait in the flight of this key. The exchange is nobody's own: if the first one is cancelled the
// others still get its answer, and with the last one it is stopped.
void share(const std::shared_ptr<State>& state, HttpRequest request, const Call& call, Reply<HttpResponse> reply) {
  using Join = Flight<HttpResponse>::Join;
  const std::string key = request.policy->share_key;
  const SteadyTime began = std::chrono::steady_clock::now();
  const SteadyTime deadline = deadline_of(request, call, began);
  const std::string place = place_of(request);
  const auto waiter =
      Waiter<HttpResponse>::make(std::move(reply), call.stop, deadline, state->watch, located(place, cancelled_error()),
                                 located(place, timeout_error(began, deadline)));
  if (waiter->answered()) return;
  std::shared_ptr<Flight<HttpResponse>> over;
  std::shared_ptr<Flight<HttpResponse>> flight;
  Join joined = Join::over;
  {
    const std::lock_guard lock(state->mutex);
    auto& current = state->under_way[key];
    if (current) joined = current->join(waiter, most_waiters);
    if (joined == Join::over) {
      flight = std::make_shared<Flight<HttpResponse>>();
      over = std::exchange(current, flight);
      (void)flight->join(waiter, most_waiters);
    }
  }
  if (joined == Join::joined) return;
  if (joined == Join::full) {
    const auto alone = std::make_shared<Flight<HttpResponse>>();
    (void)alone->join(waiter, 1);
    return alone->finish(located(place, make_error(error_type::limit, "more than " + std::to_string(most_waiters) +
                                                                          " requests wait for the same answer")));
  }
  Call shared_call;
  shared_call.effect_id = call.effect_id;
  shared_call.stop = flight->stop();
  shared_call.now_ms = call.now_ms;
  Reply<HttpResponse> to_all([state, key, flight](Result<HttpResponse> result) {
    {
      const std::lock_guard lock(state->mutex);
      const auto found = state->under_way.find(key);
      if (found != state->under_way.end() && found->second == flight) state->under_way.erase(found);
    }
    flight->finish(std::move(result));
  });
  // Whoever of them comes back first takes the place that was given to all.
  std::make_shared<Exchange>(state, std::move(request), shared_call, "share " + key, std::move(to_all))->start();
}

// "run/0.2" of "run/0.2:7": a strand performs one effect at a time, so this is who comes back.
std::string strand_of(const std::string& effect_id) { return effect_id.substr(0, effect_id.rfind(':')); }

// On a loop: what asks for nothing to be kept goes the loop's way. The rest shares with all loops and threads, so it
// goes theirs, and its replies may come from other threads.
class ResilientOnLoop final : public HttpClient {
 public:
  ResilientOnLoop(std::shared_ptr<HttpClient> shared, std::shared_ptr<HttpClient> on_loop)
      : shared_(std::move(shared)), on_loop_(std::move(on_loop)) {}

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    HttpClient& client = request.policy == nullptr ? *on_loop_ : *shared_;
    client.send(std::move(request), call, std::move(reply));
  }

 private:
  const std::shared_ptr<HttpClient> shared_;
  const std::shared_ptr<HttpClient> on_loop_;
};

class ResilientHttp final : public HttpClient, public std::enable_shared_from_this<ResilientHttp> {
 public:
  explicit ResilientHttp(std::shared_ptr<HttpClient> inner)
      : inner_(std::move(inner)), state_(std::make_shared<State>(inner_)) {}

  // What is still under way ends as the inner client sees to it; nothing further is sent.
  ~ResilientHttp() override {
    std::shared_ptr<HttpClient> last;
    const std::lock_guard lock(state_->mutex);
    last.swap(state_->inner);
  }

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    const HttpPolicy* policy = request.policy.get();
    if (policy == nullptr) return inner_->send(std::move(request), call, std::move(reply));
    if (!policy->share_key.empty()) return share(state_, std::move(request), call, std::move(reply));
    std::make_shared<Exchange>(state_, std::move(request), call, strand_of(call.effect_id), std::move(reply))->start();
  }

  OnLoop<HttpClient> on_loop() override {
    OnLoop<HttpClient> inner = inner_->on_loop();
    if (inner.backend) inner.backend = std::make_shared<ResilientOnLoop>(shared_from_this(), std::move(inner.backend));
    return inner;
  }

 private:
  const std::shared_ptr<HttpClient> inner_;
  const std::shared_ptr<State> state_;
};

}  // namespace

std::shared_ptr<HttpClient> resilient_http(std::shared_ptr<HttpClient> inner) {
  // A second one around it would find no policy left to keep.
  if (inner == nullptr || dynamic_cast<ResilientHttp*>(inner.get()) != nullptr) return inner;
  return std::make_shared<ResilientHttp>(std::move(inner));
}

}  // namespace fnstack
