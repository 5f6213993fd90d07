// A small HTTP proxy on loopback: forwards requests with an absolute target and tunnels for CONNECT, to loopback only,
// and remembers what it was asked for. One thread a connection. Entry point: ProxyServer.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fnstack_test {

class ProxyServer {
 public:
  // Names are not resolved: whatever host is asked for, its port on loopback is meant.
  ProxyServer();
  ~ProxyServer();  // ends every connection
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // "GET http://host:port/path" and "CONNECT host:port", in order of arrival.
  [[nodiscard]] std::vector<std::string> asked() const;

 private:
  void accept_all();
  void serve(int client);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::map<int, bool> open_;  // descriptors of both sides
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace fnstack_test
