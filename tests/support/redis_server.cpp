#include "support/redis_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "support/loopback.hpp"

namespace fnstack_test {
namespace {

// "": there is none on PATH.
std::string find_server() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "/usr/bin:/bin" : path;
  while (!folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    const std::string candidate = std::string(folder) + "/redis-server";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace

std::unique_ptr<RedisServer> RedisServer::start(std::vector<std::string> options, std::uint16_t port) {
  if (find_server().empty()) {
    std::printf("SKIPPED: redis: there is no redis-server on PATH\n");
    return nullptr;
  }
  std::unique_ptr<RedisServer> server(new RedisServer(std::move(options), port == 0 ? unused_port() : port));
  server->begin_restart();
  if (!server->wait_until_ready()) {
    std::fprintf(stderr, "redis-server did not start\n");
    std::abort();
  }
  return server;
}

RedisServer::RedisServer(std::vector<std::string> options, std::uint16_t port)
    : options_(std::move(options)), port_(port) {}

RedisServer::~RedisServer() { kill(); }

void RedisServer::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisServer::freeze() {
  ::kill(process_, SIGSTOP);
  int status = 0;
  ::waitpid(process_, &status, WUNTRACED);
}

void RedisServer::thaw() { ::kill(process_, SIGCONT); }

void RedisServer::begin_restart() {
  const std::string program = find_server();
  const std::string log = directory_.file("log");
  std::vector<std::string> arguments = {program,     "--port",      std::to_string(port_),
                                        "--bind",    "127.0.0.1",   "--unixsocket",
                                        socket(),    "--dir",       std::filesystem::path(log).parent_path().string(),
                                        "--logfile", log,           "--save",
                                        "",          "--daemonize", "no"};
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when the test itself is killed
    const int nothing = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(nothing, fd);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
}

bool RedisServer::wait_until_ready() {
  // Of 10 ms each.
  for (int turn = 0; turn < 2'000; ++turn) {
    const std::string answer = command({"PING"});
    if (!answer.empty() && answer.compare(0, 8, "-LOADING") != 0) return true;
    int status = 0;
    if (::waitpid(process_, &status, WNOHANG) == process_) {
      process_ = -1;
      return false;
    }
    ::poll(nullptr, 0, 10);
  }
  return false;
}

void RedisServer::demand_password(const std::string& password) {
  (void)command({"CONFIG", "SET", "requirepass", password});
  password_ = password;
  (void)command({"CLIENT", "KILL", "TYPE", "normal"});
}

std::string RedisServer::command(std::initializer_list<std::string_view> arguments) const {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket();
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path));
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    std::string text;
    if (!password_.empty())
      text = "*2\r\n$4\r\nAUTH\r\n$" + std::to_string(password_.size()) + "\r\n" + password_ + "\r\n";
    text += "*" + std::to_string(arguments.size()) + "\r\n";
    for (const std::string_view argument : arguments) {
      text += "$" + std::to_string(argument.size()) + "\r\n" + std::string(argument) + "\r\n";
    }
    // Redis closes after QUIT: so the answer has an end whatever its form.
    text += "*1\r\n$4\r\nQUIT\r\n";
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
      char bytes[4096];
      ssize_t got = 0;
      while ((got = ::recv(fd, bytes, sizeof bytes, 0)) > 0) answer.append(bytes, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  if (!password_.empty() && answer.compare(0, 5, "+OK\r\n") == 0) answer.erase(0, 5);
  // The +OK of QUIT.
  if (answer.size() >= 5 && answer.compare(answer.size() - 5, 5, "+OK\r\n") == 0) answer.resize(answer.size() - 5);
  return answer;
}

}  // namespace fnstack_test
