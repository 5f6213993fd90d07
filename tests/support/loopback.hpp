// Sockets of 127.0.0.1 for the servers of tests. What can't be had ends the test program.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace fnstack_test {

[[nodiscard]] inline sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A socket that is bound to a free port, which `port` becomes.
[[nodiscard]] inline int bound_socket(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback_address(0);
  socklen_t length = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::abort();
  }
  port = ntohs(address.sin_port);
  return fd;
}

[[nodiscard]] inline int listening_socket(std::uint16_t& port, int backlog = 1024) {
  const int fd = bound_socket(port);
  if (::listen(fd, backlog) != 0) std::abort();
  return fd;
}

// A port where nothing listens.
[[nodiscard]] inline std::uint16_t unused_port() {
  std::uint16_t port = 0;
  ::close(bound_socket(port));
  return port;
}

// False: the other side is gone.
inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// A port that is listened at and where nobody takes a connection: its queue is full, so the kernel lets further
// handshakes wait.
class FullQueue {
 public:
  FullQueue() : listener_(listening_socket(port_, 0)) {
    const sockaddr_in address = loopback_address(port_);
    for (int i = 0; i < 4; ++i) {
      queued_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(queued_.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  ~FullQueue() {
    for (const int fd : queued_) ::close(fd);
    ::close(listener_);
  }
  FullQueue(const FullQueue&) = delete;
  FullQueue& operator=(const FullQueue&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  int listener_;
  std::vector<int> queued_;
};

}  // namespace fnstack_test
