#include "support/proxy_server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "support/loopback.hpp"

namespace fnstack_test {
namespace {

// What one side has goes to the other. False: it is gone.
bool pass_on(int from, int to) {
  char bytes[16384];
  const auto got = ::recv(from, bytes, sizeof bytes, 0);
  return got > 0 && send_all(to, {bytes, static_cast<std::size_t>(got)});
}

std::uint16_t port_of(const std::string& authority) {
  const std::size_t colon = authority.rfind(':');
  return colon == std::string::npos ? 80 : static_cast<std::uint16_t>(std::atoi(authority.c_str() + colon + 1));
}

}  // namespace

ProxyServer::ProxyServer() {
  listener_ = listening_socket(port_);
  acceptor_ = std::thread([this] { accept_all(); });
}

ProxyServer::~ProxyServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [fd, is_open] : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::vector<std::string> ProxyServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void ProxyServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_[fd] = true;
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

// One tunnel, or one connection to one server: a client that goes elsewhere is expected to open another.
void ProxyServer::serve(int client) {
  std::string head;
  int server = -1;
  char bytes[16384];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const auto got = ::recv(client, bytes, sizeof bytes, 0);
    if (got <= 0) break;
    head.append(bytes, static_cast<std::size_t>(got));
  }
  const std::size_t blank = head.find(' ');
  const std::size_t end = head.find(' ', blank + 1);
  if (end != std::string::npos) {
    const std::string method = head.substr(0, blank);
    const std::string target = head.substr(blank + 1, end - blank - 1);
    const std::size_t host = method == "CONNECT" ? 0 : std::string("http://").size();
    const std::string authority = target.substr(host, target.find('/', host) - host);
    const sockaddr_in address = loopback_address(port_of(authority));
    server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool up = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(method + " " + target);
      open_[server] = true;
      up = up && !stopping_;
    }
    if (method == "CONNECT") {
      up = up && send_all(client, "HTTP/1.1 200 Connection established\r\n\r\n");
    } else {
      // One request a connection, so that each is seen here.
      head.replace(blank + 1, target.size(), target.substr(host + authority.size()));
      head.insert(head.find("\r\n") + 2, "Connection: close\r\n");
      up = up && send_all(server, head);
    }
    while (up) {
      pollfd sides[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(sides, 2, -1) <= 0) break;
      if (sides[0].revents != 0) up = pass_on(client, server);
      if (up && sides[1].revents != 0) up = pass_on(server, client);
    }
  }
  const std::lock_guard lock(mutex_);
  for (const int fd : {client, server}) {
    if (fd < 0) continue;
    open_.erase(fd);
    ::close(fd);
  }
}

}  // namespace fnstack_test
