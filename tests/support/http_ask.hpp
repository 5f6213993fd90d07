// Asking an HttpClient and waiting for the answer, as tests do it.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fnstack/http.hpp>

namespace fnstack_test {

// The answer, and whether it was the only one.
class Pending {
 public:
  Pending() : state_(std::make_shared<State>()) {}

  [[nodiscard]] fnstack::Reply<fnstack::HttpResponse> reply() {
    return fnstack::Reply<fnstack::HttpResponse>([state = state_](fnstack::Result<fnstack::HttpResponse> result) {
      state->answer.set_value(std::move(result));  // a second answer throws
    });
  }
  // A bound on the test itself; what waits that long is lost.
  [[nodiscard]] fnstack::Result<fnstack::HttpResponse> get() {
    auto future = state_->answer.get_future();
    if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
      return fnstack::make_error("no answer", "the client never answered");
    }
    return future.get();
  }

 private:
  struct State {
    std::promise<fnstack::Result<fnstack::HttpResponse>> answer;
  };
  std::shared_ptr<State> state_;
};

inline fnstack::Result<fnstack::HttpResponse> ask(fnstack::HttpClient& client, fnstack::HttpRequest request,
                                                  const fnstack::Call& call = {}) {
  Pending pending;
  client.send(std::move(request), call, pending.reply());
  return pending.get();
}

inline fnstack::HttpRequest get(std::string url) {
  fnstack::HttpRequest request;
  request.shown_url = url.substr(0, url.find('?'));
  request.url = std::move(url);
  return request;
}

inline fnstack::HttpRequest with_body(std::string method, std::string url, std::string body) {
  fnstack::HttpRequest request = get(std::move(url));
  request.method = std::move(method);
  request.has_body = true;
  request.body = std::move(body);
  return request;
}

// "200 body", or "type: message": the whole of what came, for one comparison.
inline std::string summary(const fnstack::Result<fnstack::HttpResponse>& result) {
  if (!result) return result.error().type + ": " + result.error().message;
  return std::to_string(result->status) + " " + result->body;
}

}  // namespace fnstack_test
