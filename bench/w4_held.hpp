// What both sides of W4's requests ask its server, over a connection of their own; and room for their sockets.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {

// As many files as are allowed; ends the program, saying so, if they are fewer than needed.
inline void allow_files(long needed) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (static_cast<long>(files.rlim_cur) >= needed) return;
  std::fprintf(stderr, "bench: %ld open files are needed, %ld are allowed\n", needed,
               static_cast<long>(files.rlim_cur));
  std::exit(1);
}

// The body of the answer to a GET.
inline std::string ask(const std::string& port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port.c_str())));
  std::string answer;
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char buffer[1024];
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      const ssize_t n = recv(socket, buffer, sizeof buffer, 0);
      if (n > 0) answer.assign(buffer, static_cast<std::size_t>(n));
    }
  }
  close(socket);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? std::string() : answer.substr(body + 4);
}
inline long held(const std::string& port) { return std::atol(ask(port, "/held").c_str()); }

}  // namespace bench
