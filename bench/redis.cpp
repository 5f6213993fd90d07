// The Redis of W5: a redis-server on a free port of loopback with the value in it; tells its port in a file and ends
// when it is told to.  bench_redis PORT_FILE
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "w5_value.hpp"

namespace {

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

bool put_value(int port) {
  // Of 20 ms each.
  for (int turn = 0; turn < 250; ++turn) {
    redisContext* redis = redisConnect("127.0.0.1", port);
    if (redis != nullptr && redis->err == 0) {
      const std::string key = bench::cached_key, value = bench::cached_value();
      const char* words[] = {"SET", key.c_str(), value.c_str()};
      const std::size_t lengths[] = {3, key.size(), value.size()};
      auto* reply = static_cast<redisReply*>(redisCommandArgv(redis, 3, words, lengths));
      const bool stored = reply != nullptr && reply->type == REDIS_REPLY_STATUS;
      freeReplyObject(reply);
      redisFree(redis);
      return stored;
    }
    if (redis != nullptr) redisFree(redis);
    ::usleep(20'000);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int port = free_port();
  const std::string text = std::to_string(port);
  // Asked to end, this program ends at once and the server with it.
  const pid_t server = ::fork();
  if (server == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::freopen("/dev/null", "w", stdout);
    ::execlp("redis-server", "redis-server", "--port", text.c_str(), "--bind", "127.0.0.1", "--save", "",
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (!put_value(port)) {
    ::kill(server, SIGKILL);
    return 1;
  }
  std::ofstream(argv[1]) << port << "\n";
  ::waitpid(server, nullptr, 0);
}
