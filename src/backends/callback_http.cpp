// callback_http: an HttpClient that is a function of the host.
#include <exception>
#include <string>
#include <utility>

#include <fnstack/http.hpp>

namespace fnstack {
namespace {

class CallbackHttp final : public HttpClient {
 public:
  explicit CallbackHttp(std::function<Result<HttpResponse>(const HttpRequest&)> answer) : answer_(std::move(answer)) {}

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    if (call.stop.stop_requested()) return reply(make_error(error_type::cancelled, "cancelled"));
    reply(ask(request));
  }

 private:
  // What the host's function throws ends here.
  Result<HttpResponse> ask(const HttpRequest& request) const {
    if (!answer_) return make_error(error_type::network, "callback_http was given no function");
    try {
      return answer_(request);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return make_error(error_type::network, "the function given to callback_http threw: " + std::string(error.what()));
    } catch (...) {
      return make_error(error_type::network, "the function given to callback_http threw");
    }
  }

  std::function<Result<HttpResponse>(const HttpRequest&)> answer_;
};

}  // namespace

std::shared_ptr<HttpClient> callback_http(std::function<Result<HttpResponse>(const HttpRequest&)> answer) {
  return std::make_shared<CallbackHttp>(std::move(answer));
}

}  // namespace fnstack
