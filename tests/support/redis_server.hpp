// A redis-server of a test's own: in a temporary folder, on a free port of loopback and a unix socket, gone with this
// object. Where none is installed start() answers null and says so in a line that begins with SKIPPED.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_directory.hpp"

namespace fnstack_test {

class RedisServer {
 public:
  // `options` as redis-server takes them: {"--requirepass", "secret"}. port 0: a free one.
  static std::unique_ptr<RedisServer> start(std::vector<std::string> options = {}, std::uint16_t port = 0);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string socket() const { return directory_.file("redis.sock"); }

  void kill();           // SIGKILL, and waits for its end
  void begin_restart();  // after kill(); until wait_until_ready() it may refuse or be loading
  bool wait_until_ready();
  void freeze();
  void thaw();
  // From now on, of every connection that does not know it; those that there are end. "": none.
  void demand_password(const std::string& password);

  // Beside the cache under test: the raw reply to one command, "$1\r\n5\r\n"; empty: no answer.
  std::string command(std::initializer_list<std::string_view> arguments) const;

 private:
  RedisServer(std::vector<std::string> options, std::uint16_t port);

  TemporaryDirectory directory_;
  std::vector<std::string> options_;
  std::uint16_t port_;
  pid_t process_ = -1;
  std::string password_;
};

}  // namespace fnstack_test
