// A scripted TCP server on loopback that misbehaves on purpose: it speaks the bytes that a test gives it and counts
// what arrives. One thread a connection; the script of each connection is a function. Entry points: FaultServer,
// Connection.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace fnstack_test {

struct ReceivedRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  int connection = 0;  // counted from 0

  // The values of this lower-case name, joined by ", "; nullopt: none.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

class FaultServer;

class Connection {
 public:
  Connection(FaultServer& server, int fd, int index, ssl_st* tls)
      : server_(server), fd_(fd), index_(index), tls_(tls) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int index() const noexcept { return index_; }
  // The next request with its body (Content-Length only), or nullopt when the client is gone.
  std::optional<ReceivedRequest> read_request();
  // The head of the next request only: the client may still be sending its body.
  std::optional<ReceivedRequest> read_head();
  // What came next, whatever it is: for other protocols than HTTP. nullopt: the client is gone.
  std::optional<std::string> read_bytes() { return read_some(); }
  // False: the client is gone.
  bool write(std::string_view bytes);
  // "HTTP/1.1 200 OK" with Content-Length and the body.
  bool answer(int status, std::string_view body, std::string_view header_lines = "");
  // Stands still until the client closes or the server is stopped.
  void wait_for_close();
  void close();
  void reset();  // RST instead of FIN

 private:
  std::optional<std::string> read_some();

  FaultServer& server_;
  int fd_;
  const int index_;
  ssl_st* tls_;
  std::string buffer_;
};

class FaultServer {
 public:
  using Script = std::function<void(Connection&)>;

  explicit FaultServer(Script script);
  // TLS with this certificate chain and key, PEM files; with a file of authorities it demands that its clients have a
  // certificate of one of them.
  FaultServer(Script script, const std::string& certificate_file, const std::string& key_file,
              const std::string& client_ca_file = "");
  ~FaultServer();  // ends every connection
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string origin() const { return (tls_ ? "https://" : "http://") + address(); }
  [[nodiscard]] std::vector<ReceivedRequest> requests() const;
  [[nodiscard]] std::size_t count(std::string_view method) const;
  [[nodiscard]] int connections() const;
  // Waits until so many connections have ended, their scripts done. False: not within 20 s.
  bool wait_until_ended(int connections);

 private:
  friend class Connection;
  void listen();
  void accept_all();
  void serve(int fd, int index);
  void record(const ReceivedRequest& request);

  Script script_;
  ssl_ctx_st* tls_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedRequest> requests_;
  std::map<int, int> open_;  // index -> descriptor
  std::vector<std::thread> threads_;
  int accepted_ = 0;
  int ended_ = 0;
  bool stopping_ = false;
};

// Answers every connection with these bytes after one request each, then closes.
[[nodiscard]] FaultServer::Script answers_with(std::string bytes);

}  // namespace fnstack_test
