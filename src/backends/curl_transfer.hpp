// One exchange over libcurl, redirects included: sets up a handle for each hop, takes what it delivers, and says what
// it means. It knows nothing of threads and polling. Entry points: begin(), prepare(), hop_done().
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

#include "backends/curl_policy.hpp"
#include "backends/http_redirect.hpp"
#include "backends/response_reader.hpp"
#include "base/box.hpp"

namespace fnstack::backends {

using SteadyTime = std::chrono::steady_clock::time_point;

// Told about every socket that a transfer opens; they outlive transfers.
class SocketKeeper {
 public:
  virtual void opened(int fd) = 0;
  virtual void closing(int fd) = 0;

 protected:
  ~SocketKeeper() = default;
};

class Transfer {
 public:
  Transfer(HttpRequest request, const Call& call, Reply<HttpResponse> reply);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Checks the request once more: what is wrong with it must not reach libcurl, which sends CR and LF as they are.
  [[nodiscard]] std::optional<Error> begin(const CurlPolicy& policy);
  // Sets `easy`, a handle without settings, up for the current hop.
  [[nodiscard]] std::optional<Error> prepare(CURL* easy, const CurlPolicy& policy, SocketKeeper& keeper);
  // The handle is out of its multi. The exchange's result, or nothing if another hop is to be prepared.
  [[nodiscard]] std::optional<Result<HttpResponse>> hop_done(CURLcode code);

  [[nodiscard]] Error timed_out() const;
  [[nodiscard]] Error cancelled() const;
  // Calls nobody back after this but the reply.
  void answer(Result<HttpResponse> result);

  [[nodiscard]] SteadyTime deadline() const noexcept { return deadline_; }
  // The one that the request names; only after begin() found nothing wrong.
  [[nodiscard]] const CurlConnection* connection() const noexcept { return connection_; }
  [[nodiscard]] const std::stop_token& stop_token() const noexcept { return stop_; }

  // The loop's part.
  std::uint64_t id = 0;
  CURL* easy = nullptr;
  void* shard = nullptr;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;

 private:
  struct Callbacks;
  [[nodiscard]] ResponseReader& reader();
  [[nodiscard]] Error located(Error error) const;
  [[nodiscard]] Error failure(CURLcode code) const;
  [[nodiscard]] std::optional<Error> check_headers() const;
  [[nodiscard]] curl_slist* build_headers(const CurlPolicy& policy, bool rewritten, bool posts);

  HttpRequest request_;
  std::stop_token stop_;
  Reply<HttpResponse> reply_;
  const SteadyTime started_;
  SteadyTime deadline_;

  const CurlConnection* connection_ = nullptr;
  Hop hop_;
  std::uint32_t redirects_ = 0;

  // Of the current hop.
  const CurlPolicy* policy_ = nullptr;
  SocketKeeper* keeper_ = nullptr;
  bool guarded_ = true;  // false: rewritten, or through a proxy
  int attempts_ = 0;
  int sockets_ = 0;
  std::unique_ptr<Error> refused_;  // by a callback of ours, before libcurl's own code says so
  base::Box<std::string> blocked_;
  std::unique_ptr<ResponseReader> reader_;  // null before the first bytes: many just wait
  std::string header_text_;                 // what the lines of the list point into
  std::vector<curl_slist> header_list_;
  std::unique_ptr<char[]> detail_;  // libcurl's words about TLS
};

}  // namespace fnstack::backends
