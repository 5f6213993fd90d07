#include "support/tcp_proxy.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/loopback.hpp"

namespace fnstack_test {
namespace {

// How long a thread looks at its sockets before it asks whether it is to end.
constexpr int look_ms = 20;

int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(static_cast<std::uint16_t>(port));
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return socket;
  }
  ::close(socket);
  return -1;
}

}  // namespace

TcpProxy::TcpProxy(int server_port, Judge judge) : server_port_(server_port), judge_(std::move(judge)) {
  std::uint16_t port = 0;
  listener_ = listening_socket(port);
  port_ = port;
  acceptor_ = std::thread([this] { accept_all(); });
}

TcpProxy::~TcpProxy() {
  closing_ = true;
  acceptor_.join();
  ::close(listener_);
  reap(true);
}

void TcpProxy::stall(bool on) { stalled_ = on; }
void TcpProxy::refuse(bool on) { refusing_ = on; }

void TcpProxy::cut_all() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) {
    if (pair.done) continue;
    ::shutdown(pair.client, SHUT_RDWR);
    ::shutdown(pair.server, SHUT_RDWR);
  }
}

void TcpProxy::accept_all() {
  while (!closing_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, look_ms) <= 0) {
      reap(false);
      continue;
    }
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++accepted_;
    const int server = refusing_ ? -1 : connect_to(server_port_);
    if (server < 0) {
      ::close(client);
      continue;
    }
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard lock(mutex_);
    Pair& pair = pairs_.emplace_back();
    pair.client = client;
    pair.server = server;
    pair.thread = std::thread([this, &pair] { carry(pair); });
  }
}

void TcpProxy::carry(Pair& pair) {
  while (!closing_) {
    if (stalled_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(look_ms));
      continue;
    }
    pollfd waiting[2]{{pair.client, POLLIN, 0}, {pair.server, POLLIN, 0}};
    if (::poll(waiting, 2, look_ms) <= 0) continue;
    if (stalled_) continue;
    if (waiting[0].revents != 0 && !forward(pair, true)) break;
    if (waiting[1].revents != 0 && !forward(pair, false)) break;
  }
  ::shutdown(pair.client, SHUT_RDWR);
  ::shutdown(pair.server, SHUT_RDWR);
  pair.done = true;
}

bool TcpProxy::forward(Pair& pair, bool from_client) {
  char buffer[16'384];
  const ssize_t got = ::recv(from_client ? pair.client : pair.server, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  const std::string_view bytes(buffer, static_cast<std::size_t>(got));
  const Verdict verdict = judge_ ? judge_(from_client, bytes) : Verdict::pass;
  const int to = from_client ? pair.server : pair.client;
  switch (verdict) {
    case Verdict::pass:
      return send_all(to, bytes);
    case Verdict::drop:
      return true;
    case Verdict::cut:
      return false;
    case Verdict::pass_then_cut:
      if (send_all(to, bytes)) {
        // Until the other side has answered, so that what was asked has been done.
        pollfd waiting{to, POLLIN, 0};
        (void)::poll(&waiting, 1, 5'000);
      }
      return false;
  }
  return false;
}

void TcpProxy::reap(bool all) {
  std::list<Pair> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = pairs_.begin(); at != pairs_.end();) {
      auto next = std::next(at);
      if (all || at->done) ended.splice(ended.end(), pairs_, at);
      at = next;
    }
  }
  for (Pair& pair : ended) {
    pair.thread.join();
    ::close(pair.client);
    ::close(pair.server);
  }
}

}  // namespace fnstack_test
