// fnstack::curl_http: the client as its host holds it. The work is done by CurlLoop.
#include <fnstack/backends/curl.hpp>

#include <utility>

#include "backends/curl_loop.hpp"
#include "backends/curl_policy.hpp"

namespace fnstack {
namespace {

class CurlHttp final : public HttpClient {
 public:
  explicit CurlHttp(backends::CurlPolicy policy) : loop_(std::make_shared<backends::CurlLoop>(std::move(policy))) {}
  ~CurlHttp() override { loop_->stop(); }

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    loop_->send(std::move(request), call, std::move(reply));
  }

 private:
  std::shared_ptr<backends::CurlLoop> loop_;
};

// For options that can't be used: says so to whoever asks.
class MisconfiguredHttp final : public HttpClient {
 public:
  explicit MisconfiguredHttp(Error error) : error_(std::move(error)) {}
  void send(HttpRequest, const Call&, Reply<HttpResponse> reply) override { reply(error_); }

 private:
  Error error_;
};

}  // namespace

Result<Done> check(const CurlOptions& options) {
  Result<backends::CurlPolicy> policy = backends::make_policy(options);
  if (!policy) return std::move(policy).error();
  return Done{};
}

std::shared_ptr<HttpClient> curl_http(CurlOptions options) {
  Result<backends::CurlPolicy> policy = backends::make_policy(std::move(options));
  if (!policy) return std::make_shared<MisconfiguredHttp>(std::move(policy).error());
  return std::make_shared<CurlHttp>(std::move(policy).value());
}

}  // namespace fnstack
