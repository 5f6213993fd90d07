// The upstream of W2, a process of its own: GET /data?page=N&per_page=K over keep-alive answers {"data": [K records],
// "has_next_page": N < PAGES}, 12 KB for K = 100. Pages are made before the first request, so that the measured
// side does not wait for them.  page_server PAGES PER_PAGE PORT_FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string page_text(long page, long per_page, long pages) {
  std::string body = "{\"data\":[";
  for (long i = 0; i < per_page; ++i) {
    const long id = (page - 1) * per_page + i + 1;
    const auto number = std::to_string(id);
    body += i == 0 ? "" : ",";
    body += "{\"id\":" + number + ",\"name\":\"customer " + number + "\",\"email\":\"customer" + number +
            "@example.com\",\"active\":" + (id % 3 == 0 ? "false" : "true") +
            ",\"balance\":" + std::to_string(id % 1000) + ".25,\"city\":\"Stockholm\"}";
  }
  body += "],\"page\":" + std::to_string(page) + ",\"has_next_page\":" + (page < pages ? "true" : "false") + "}";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

bool send_all(int socket, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const auto n = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

// Bodies of requests are not looked for: these are GETs.
void serve(int socket, const std::vector<std::string>& answers) {
  std::string in;
  char buffer[16384];
  for (;;) {
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) {
      const auto n = ::recv(socket, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      in.append(buffer, static_cast<std::size_t>(n));
      continue;
    }
    const auto line = in.substr(0, in.find("\r\n"));
    auto at = line.find("?page=");  // not per_page=
    if (at == std::string::npos) at = line.find("&page=");
    const long page = at == std::string::npos ? 1 : std::strtol(line.c_str() + at + 6, nullptr, 10);
    in.erase(0, end + 4);
    if (page < 1 || static_cast<std::size_t>(page) > answers.size()) {
      if (!send_all(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) break;
    } else if (!send_all(socket, answers[static_cast<std::size_t>(page - 1)])) {
      break;
    }
  }
  ::close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: page_server PAGES PER_PAGE PORT_FILE\n");
    return 2;
  }
  const long pages = std::atol(argv[1]), per_page = std::atol(argv[2]);
  std::vector<std::string> answers;
  for (long page = 1; page <= pages; ++page) answers.push_back(page_text(page, per_page, pages));

  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 64) != 0 || ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::perror("page_server");
    return 1;
  }
  std::ofstream(argv[3]) << ntohs(address.sin_port) << "\n";
  for (;;) {
    const int socket = ::accept(listener, nullptr, nullptr);
    if (socket < 0) return 1;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(serve, socket, std::cref(answers)).detach();
  }
}
