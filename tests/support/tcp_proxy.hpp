// A TCP proxy on loopback that a test stands between a client and its server, and that can cut, stall or hold back
// what passes. Knows no protocol.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <thread>

namespace fnstack_test {

class TcpProxy {
 public:
  enum class Verdict {
    pass,
    drop,          // say nothing, go on
    cut,           // this piece does not pass, both sides are closed
    pass_then_cut  // it passes to the other side, whose answer does not come back
  };
  // Asked for each piece of bytes as it came, on the connection's thread. from_client: else from the server.
  using Judge = std::function<Verdict(bool from_client, std::string_view bytes)>;

  TcpProxy(int server_port, Judge judge = {});
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] int connections() const noexcept { return accepted_.load(); }
  void stall(bool on);   // bytes wait in the proxy; new connections are accepted, and wait too
  void cut_all();        // closes every connection that is open
  void refuse(bool on);  // new connections are closed at once

 private:
  struct Pair {
    int client = -1, server = -1;
    std::thread thread;
    std::atomic<bool> done{false};
  };
  void accept_all();
  void carry(Pair& pair);
  [[nodiscard]] bool forward(Pair& pair, bool from_client);
  void reap(bool all);

  const int server_port_;
  const Judge judge_;
  int listener_ = -1, port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stalled_{false}, refusing_{false}, closing_{false};
  std::mutex mutex_;
  std::list<Pair> pairs_;
  std::thread acceptor_;
};

}  // namespace fnstack_test
