// Any bytes from an upstream give a response or an error of a documented type, never a crash, a hang or a secret in a
// message. The bytes go through the whole client: a socket, libcurl, our reader and decoder. The first byte picks the
// method and how the bytes are cut into packets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <fnstack/backends/curl.hpp>

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

// One connection after the other: reads a request's head, writes the bytes in turn, closes.
class Upstream {
 public:
  Upstream() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      fail("no listener");
    }
    port_ = ntohs(address.sin_port);
    std::thread([this] { serve(); }).detach();
  }

  [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void set(std::string bytes, std::size_t piece) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
    piece_ = piece;
  }

 private:
  void serve() {
    while (true) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      std::string bytes;
      std::size_t piece = 0;
      {
        const std::lock_guard lock(mutex_);
        bytes = bytes_;
        piece = piece_;
      }
      std::string_view left = bytes;
      while (!left.empty()) {
        const std::string_view part = left.substr(0, piece);
        if (::send(fd, part.data(), part.size(), MSG_NOSIGNAL) < 0) break;
        left.remove_prefix(part.size());
      }
      ::close(fd);
    }
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string bytes_;
  std::size_t piece_ = 1;
};

// An answer may have the word by itself, and messages repeat some of its words: then they tell nothing.
bool says_secret(std::string bytes) {
  for (char& c : bytes) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return bytes.find("secret") != std::string::npos;
}

void check(const fnstack::Result<fnstack::HttpResponse>& result, bool answer_says_secret) {
  if (result.ok()) {
    if (result->status < 200 || result->status > 599) fail("status " + std::to_string(result->status));
    if (result->body.size() > 1'000'000) fail("a body beyond the limit");
    for (const auto& [name, value] : result->headers) {
      for (const char c : name) {
        if (c >= 'A' && c <= 'Z') fail("a header name with capitals");
      }
      if (value.find('\n') != std::string::npos) fail("a header value with a line break");
    }
    return;
  }
  const fnstack::Error& error = result.error();
  if (error.type != "network" && error.type != "limit" && error.type != "blocked")
    fail(error.type + ": " + error.message);
  if (!answer_says_secret && error.message.find("secret") != std::string::npos)
    fail("a query in a message: " + error.message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* upstream = new Upstream;
  static auto* client = [] {
    fnstack::CurlOptions options;
    options.allow_hosts = {upstream->origin().substr(7)};
    return new std::shared_ptr<fnstack::HttpClient>(fnstack::curl_http(options));
  }();
  if (size == 0) return 0;
  constexpr const char* methods[] = {"GET", "HEAD", "OPTIONS", "GET"};
  constexpr std::size_t pieces[] = {1'000'000, 7, 64, 1000};
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 16) != 0) bytes = "HTTP/1.1 200 OK\r\n" + bytes;  // deeper, sooner
  if ((data[0] & 32) != 0) bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bytes;
  const bool answer_says_secret = says_secret(bytes);
  upstream->set(std::move(bytes), pieces[data[0] >> 2 & 3]);
  fnstack::HttpRequest request;
  request.method = methods[data[0] & 3];
  request.url = upstream->origin() + "/?token=secret";
  request.shown_url = upstream->origin() + "/";
  request.max_response_bytes = 1'000'000;
  request.timeout_ms = 20'000;  // nothing above stalls: running into it is a finding
  std::promise<fnstack::Result<fnstack::HttpResponse>> answer;
  (*client)->send(std::move(request), {},
                  fnstack::Reply<fnstack::HttpResponse>([&](auto result) { answer.set_value(std::move(result)); }));
  check(answer.get_future().get(), answer_says_secret);
  return 0;
}
