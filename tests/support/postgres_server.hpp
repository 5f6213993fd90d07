// A PostgreSQL server of a test's own, on a free loopback port in a temporary folder, gone with the object. Needs
// initdb and postgres on PATH or where Debian puts them; says so if they are not there.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace fnstack_test {

class PostgresServer {
 public:
  // Null: none is installed; a line `SKIPPED: postgres …` was printed.
  static std::unique_ptr<PostgresServer> start(std::vector<std::string> settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  // "postgresql://fnstack@127.0.0.1:PORT/DATABASE"; another port for a proxy in front.
  [[nodiscard]] std::string url(const std::string& database = "postgres", int port = 0) const;
  // The folder of its unix socket.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  // Another program's statements, one after another, each answer's first column joined by line ends; throws if one
  // fails.
  std::string by_hand(const std::string& text, const std::string& database = "postgres") const;
  // A new empty database.
  std::string create_database();

  void freeze() const;  // SIGSTOP for the server and all its processes
  void thaw() const;
  void kill();     // kill -9 of all of them
  void restart();  // after kill

 private:
  PostgresServer() = default;
  [[nodiscard]] bool initialise();
  [[nodiscard]] bool run();
  [[nodiscard]] bool answers() const;
  void stop() noexcept;

  std::string binaries_, directory_;
  std::vector<std::string> settings_;
  int port_ = 0;
  pid_t process_ = -1;
  int databases_ = 0;
};

// Statements of another program that stay open: a transaction that holds locks, say.
class PostgresClient {
 public:
  explicit PostgresClient(const std::string& url);
  ~PostgresClient();
  PostgresClient(const PostgresClient&) = delete;
  PostgresClient& operator=(const PostgresClient&) = delete;
  std::string run(const std::string& text);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace fnstack_test
