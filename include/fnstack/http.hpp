// HttpClient: EXTENSION. One exchange per send(). fnstack/backends/curl.hpp has the real one; the scripted one
// here is for tests and examples.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

namespace fnstack {

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any thread. A status of 400 and more is an answer, not an error. Errors: `network`, `timeout`, `blocked`,
  // `limit`, `validation`. Must not block when it is meant for an event loop.
  virtual void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) = 0;
  // The same client with connections of its own for one loop, if it can work on that loop's thread.
  [[nodiscard]] virtual OnLoop<HttpClient> on_loop() { return {}; }
};

// Keeps what the policies of requests share between runs (effect.hpp's HttpPolicy): circuit breakers, rate limits,
// OAuth tokens, requests under way. Never sleeps: what has to wait is an error with not_before_ms, by the time of
// the call. Engine puts it around its HttpClient; a host with a loop of its own does so itself. Any thread. On a loop
// requests without a policy stay on it; the others share with all loops, and their replies come from any thread.
[[nodiscard]] std::shared_ptr<HttpClient> resilient_http(std::shared_ptr<HttpClient> inner);

// Answers from a function, inline. Any thread if the function allows it.
[[nodiscard]] std::shared_ptr<HttpClient> callback_http(std::function<Result<HttpResponse>(const HttpRequest&)> answer);

// Answers from a list, in order, and remembers what was asked. A request beyond the list is an error `network`.
class ScriptedHttp : public HttpClient {
 public:
  virtual void push(Result<HttpResponse> answer) = 0;
  [[nodiscard]] virtual std::vector<HttpRequest> requests() const = 0;
};
[[nodiscard]] std::shared_ptr<ScriptedHttp> scripted_http();

}  // namespace fnstack
