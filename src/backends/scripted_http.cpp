// scripted_http: answers from a list and remembers what was asked, for tests and examples.
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include <fnstack/http.hpp>

namespace fnstack {
namespace {

class ScriptedHttpList final : public ScriptedHttp {
 public:
  void push(Result<HttpResponse> answer) override {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
  }

  std::vector<HttpRequest> requests() const override {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    if (call.stop.stop_requested()) return reply(make_error(error_type::cancelled, "cancelled"));
    reply(next_answer(std::move(request)));
  }

 private:
  Result<HttpResponse> next_answer(HttpRequest request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    if (answers_.empty()) {
      const HttpRequest& last = requests_.back();
      return make_error(error_type::network, last.method + (last.shown_url.empty() ? "" : " " + last.shown_url) +
                                                 ": the script has no answer left; this is request number " +
                                                 std::to_string(requests_.size()));
    }
    Result<HttpResponse> answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  mutable std::mutex mutex_;
  std::deque<Result<HttpResponse>> answers_;
  std::vector<HttpRequest> requests_;
};

}  // namespace

std::shared_ptr<ScriptedHttp> scripted_http() { return std::make_shared<ScriptedHttpList>(); }

}  // namespace fnstack
