// The upstream of W3, a process of its own: one thread, epoll, HTTP/1.1 with keep-alive. Every GET is answered with 1
// KB of JSON, every POST with a few bytes. It does as little as it can, so as not to be what is measured.
//   http_server PORT_FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string answer(const char* status, const std::string& body) {
  return std::string("HTTP/1.1 ") + status +
         "\r\nContent-Type: application/json\r\nDate: Sat, 03 Jan 2026 10:00:00 GMT\r\nServer: "
         "bench\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string one_kilobyte() {
  std::string body =
      R"({"id":4711,"account":"acc-20931","name":"Ada Lovelace","active":true,"total":250.75,"currency":"EUR","history":[)";
  for (int i = 0; body.size() < 960; ++i) {
    if (i > 0) body += ',';
    body += R"({"number":)" + std::to_string(1000 + i) + R"(,"state":"paid","amount":)" + std::to_string(i * 7) + ".5}";
  }
  return body + "]}";
}

const std::string get_answer = answer("200 OK", one_kilobyte());
const std::string post_answer = answer("201 Created", R"({"id":815,"status":"created"})");

// The length of the body that the head announces.
std::size_t body_length(std::string_view head) {
  for (std::size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    constexpr std::string_view name = "\r\ncontent-length:";
    if (head.size() - at > name.size() && ::strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
      return std::strtoul(head.data() + at + name.size(), nullptr, 10);
    }
  }
  return 0;
}

// Answers all whole requests of `in` with one write. False: the client is gone.
bool serve(int socket, std::string& in) {
  char buffer[16384];
  const auto n = ::recv(socket, buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  in.append(buffer, static_cast<std::size_t>(n));
  std::string out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = in.find("\r\n\r\n", begin);
    if (end == std::string::npos) break;
    const std::string_view head = std::string_view(in).substr(begin, end + 2 - begin);
    const std::size_t whole = end + 4 + body_length(head) - begin;
    if (in.size() - begin < whole) break;
    out += head.starts_with("POST") ? post_answer : get_answer;
    begin += whole;
  }
  in.erase(0, begin);
  // An answer or two fit into any socket's buffer.
  return out.empty() || ::send(socket, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: http_server PORT_FILE\n");
    return 2;
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 4096) != 0 || ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::perror("http_server");
    return 1;
  }
  std::ofstream(argv[1]) << ntohs(address.sin_port) << "\n";
  const int set = ::epoll_create1(0);
  const auto add = [&](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0;
  };
  if (!add(listener)) return 1;
  std::vector<std::string> unread;  // by descriptor
  epoll_event events[512];
  for (;;) {
    const int count = ::epoll_wait(set, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve(fd, unread[static_cast<std::size_t>(fd)])) ::close(fd);
        continue;
      }
      int socket = -1;
      while ((socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (static_cast<std::size_t>(socket) >= unread.size()) unread.resize(static_cast<std::size_t>(socket) + 1);
        unread[static_cast<std::size_t>(socket)].clear();
        add(socket);
      }
    }
  }
}
