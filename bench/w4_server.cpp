// The upstream of W4's requests, a process of its own: it answers none before it is told to. GET /held answers how many
// requests are held, GET /release answers all of them; every other request is held.  bench_w4_server PORT_FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::map<int, std::string> requests;  // what has come of them, by socket
std::vector<int> held;

bool answer(int socket, const std::string& body) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

void forget(int socket) {
  requests.erase(socket);
  close(socket);
}

void read_from(int socket) {
  char buffer[4096];
  const ssize_t n = recv(socket, buffer, sizeof buffer, 0);
  if (n <= 0) return forget(socket);
  std::string& request = requests[socket];
  request.append(buffer, static_cast<std::size_t>(n));
  if (request.find("\r\n\r\n") == std::string::npos) return;
  const std::string line = request.substr(0, request.find("\r\n"));
  request.clear();
  bool ok = true;
  if (line.find(" /held ") != std::string::npos) {
    ok = answer(socket, std::to_string(held.size()));
  } else if (line.find(" /release ") != std::string::npos) {
    for (const int waiting : held) {
      if (!answer(waiting, R"({"ok":true})")) forget(waiting);
    }
    held.clear();
    ok = answer(socket, "0");
  } else {
    held.push_back(socket);
  }
  if (!ok) forget(socket);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 1;
  }
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::ofstream(argv[1]) << ntohs(address.sin_port) << "\n";
  std::vector<epoll_event> events(256);
  for (;;) {
    const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int from = events[static_cast<std::size_t>(i)].data.fd;
      if (from != listener) {
        read_from(from);
        continue;
      }
      const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      event.data.fd = socket;
      epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
    }
  }
}
