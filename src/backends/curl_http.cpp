// fnstack::curl_http: the client as its host holds it. The work is done by CurlLoop.
#include <fnstack/backends/curl.hpp>

#include <utility>

#include "backends/curl_loop.hpp"
#include "backends/curl_policy.hpp"
#include "backends/loop_thread.hpp"

namespace fnstack {
namespace {

using backends::CurlLoop;
using backends::CurlPolicy;
using backends::Transfer;

class LoopHttp final : public HttpClient {
 public:
  explicit LoopHttp(std::shared_ptr<CurlLoop> loop) : loop_(std::move(loop)) {}

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    loop_->send(std::make_unique<Transfer>(std::move(request), call, std::move(reply)));
  }

 private:
  const std::shared_ptr<CurlLoop> loop_;
};

class CurlHttp final : public HttpClient {
 public:
  explicit CurlHttp(CurlPolicy policy)
      : policy_(std::make_shared<const CurlPolicy>(std::move(policy))),
        thread_(std::make_shared<backends::LoopThread<CurlLoop>>(
            "fnstack-http", [policy = policy_] { return CurlLoop::open(policy); })) {}
  ~CurlHttp() override { thread_->stop(); }

  void send(HttpRequest request, const Call& call, Reply<HttpResponse> reply) override {
    thread_->send(std::make_unique<Transfer>(std::move(request), call, std::move(reply)));
  }

  // Without descriptors to be had none: the thread's way then says so to each request.
  OnLoop<HttpClient> on_loop() override {
    auto loop = CurlLoop::open(policy_);
    if (!loop) return {};
    return {std::make_shared<LoopHttp>(*loop), *loop};
  }

 private:
  const std::shared_ptr<const CurlPolicy> policy_;
  const std::shared_ptr<backends::LoopThread<CurlLoop>> thread_;
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
