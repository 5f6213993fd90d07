#include "support/postgres_server.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <pqxx/pqxx>
#include <stdexcept>
#include <thread>

#include "support/loopback.hpp"

namespace fnstack_test {
namespace {

namespace fs = std::filesystem;

std::string binaries() {
  std::vector<std::string> folders;
  const char* path = ::getenv("PATH");
  for (std::string rest = path != nullptr ? path : ""; !rest.empty();) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    folders.push_back(rest.substr(0, colon));
    rest.erase(0, std::min(colon + 1, rest.size()));
  }
  std::error_code ignored;
  std::vector<std::string> versions;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    versions.push_back((entry.path() / "bin").string());
  std::sort(versions.rbegin(), versions.rend());
  folders.insert(folders.end(), versions.begin(), versions.end());
  for (const std::string& folder : folders) {
    if (::access((folder + "/initdb").c_str(), X_OK) == 0 && ::access((folder + "/postgres").c_str(), X_OK) == 0)
      return folder;
  }
  return {};
}

// PostgreSQL refuses to run as root.
const passwd* unprivileged_user() {
  if (::geteuid() != 0) return nullptr;
  if (const passwd* user = ::getpwnam("postgres")) return user;
  return ::getpwnam("nobody");
}

// The folder on the way to `path` that is closed to the user, if there is one: a minimal system's root may be.
std::string closed_to(const passwd& user, const fs::path& path) {
  for (fs::path at = path; !at.empty(); at = at.parent_path()) {
    struct stat status {};
    if (::stat(at.c_str(), &status) == 0 && status.st_uid != user.pw_uid && (status.st_mode & S_IXOTH) == 0)
      return at.string();
    if (at == at.parent_path()) break;
  }
  return {};
}

// A child that dies with us, its output in a file. Everything is prepared before the fork.
pid_t spawn(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const passwd* user = unprivileged_user();
  const uid_t uid = user != nullptr ? user->pw_uid : 0;
  const gid_t gid = user != nullptr ? user->pw_gid : 0;
  std::vector<std::string> settings{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
  // After setuid, which would take it back.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::getppid() != parent) ::_exit(125);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(file, 1);
  ::dup2(file, 2);
  for (int descriptor = 3; descriptor < 256; ++descriptor) ::close(descriptor);
  if (::chdir("/") != 0) ::_exit(124);
  ::execve(arguments[0], arguments.data(), environment.data());
  ::_exit(127);
}

// "state ppid …" of /proc/PID/stat, what follows the name; empty: there is no such process.
std::string process_state(const fs::path& folder) {
  std::ifstream stat(folder / "stat");
  std::string line;
  std::getline(stat, line);
  const std::size_t close = line.rfind(')');
  return close == std::string::npos || close + 2 >= line.size() ? std::string() : line.substr(close + 2);
}

bool is_running(pid_t process) {
  const std::string state = process_state(fs::path("/proc") / std::to_string(process));
  return !state.empty() && state[0] != 'Z';
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string state = process_state(entry.path());
    if (state.size() > 2 && std::atoi(state.c_str() + 2) == parent) found.push_back(std::atoi(name.c_str()));
  }
  return found;
}

}  // namespace

std::unique_ptr<PostgresServer> PostgresServer::start(std::vector<std::string> settings) {
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  server->binaries_ = binaries();
  server->settings_ = std::move(settings);
  if (server->binaries_.empty()) {
    std::cout << "SKIPPED: postgres: no initdb and postgres on PATH or under /usr/lib/postgresql\n" << std::flush;
    return nullptr;
  }
  if (::geteuid() == 0 && unprivileged_user() == nullptr) {
    std::cout << "SKIPPED: postgres: it does not run as root, and there is no user postgres or nobody\n" << std::flush;
    return nullptr;
  }
  if (const passwd* user = unprivileged_user()) {
    for (const fs::path& path : {fs::path(server->binaries_), fs::temp_directory_path()}) {
      const std::string closed = closed_to(*user, path);
      if (closed.empty()) continue;
      std::cout << "SKIPPED: postgres: it does not run as root, and " << closed << " is closed to the user "
                << user->pw_name << "\n"
                << std::flush;
      return nullptr;
    }
  }
  if (!server->initialise() || !server->run()) {
    std::ifstream log(server->directory_ + "/log");
    const std::string said((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
    throw std::runtime_error("the PostgreSQL server did not start: " + said);
  }
  return server;
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

bool PostgresServer::initialise() {
  std::string name = (fs::temp_directory_path() / "fnstack-postgres-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return false;
  directory_ = name;
  if (const passwd* user = unprivileged_user()) {
    if (::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) return false;
  }
  const pid_t child = spawn({binaries_ + "/initdb", "-D", directory_ + "/data", "-U", "fnstack", "-A", "trust", "-E",
                             "UTF8", "--no-locale", "--no-sync", "--no-instructions"},
                            directory_ + "/log");
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool PostgresServer::run() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (port_ == 0) port_ = unused_port();
    std::vector<std::string> words{
        binaries_ + "/postgres", "-D", directory_ + "/data", "-k", directory_, "-h", "127.0.0.1", "-p",
        std::to_string(port_)};
    for (const std::string& setting : {std::string("fsync=off"), std::string("shared_buffers=16MB"),
                                       std::string("max_wal_size=128MB"), std::string("logging_collector=off")}) {
      words.insert(words.end(), {"-c", setting});
    }
    for (const std::string& setting : settings_) words.insert(words.end(), {"-c", setting});
    process_ = spawn(words, directory_ + "/log");
    if (process_ <= 0) return false;
    for (int wait = 0; wait < 1'500; ++wait) {
      if (answers()) return true;
      int status = 0;
      if (::waitpid(process_, &status, WNOHANG) == process_) {
        process_ = -1;
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (process_ > 0) return false;
    if (attempt < 3) port_ = 0;  // somebody else was faster
  }
  return false;
}

bool PostgresServer::answers() const {
  try {
    pqxx::connection connection(url());
    pqxx::nontransaction direct(connection);
    direct.exec("SELECT 1");
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void PostgresServer::stop() noexcept {
  if (process_ <= 0) return;
  thaw();
  ::kill(process_, SIGQUIT);  // at once, its children too
  int status = 0;
  for (int wait = 0; wait < 500; ++wait) {
    if (::waitpid(process_, &status, WNOHANG) != 0) {
      process_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill();
}

void PostgresServer::freeze() const {
  if (process_ <= 0) return;  // -1 would be everybody
  for (const pid_t child : children_of(process_)) ::kill(child, SIGSTOP);
  ::kill(process_, SIGSTOP);
}

void PostgresServer::thaw() const {
  if (process_ <= 0) return;
  ::kill(process_, SIGCONT);
  for (const pid_t child : children_of(process_)) ::kill(child, SIGCONT);
}

void PostgresServer::kill() {
  if (process_ <= 0) return;
  const auto children = children_of(process_);
  ::kill(process_, SIGKILL);
  for (const pid_t child : children) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  // Not our children: so looked for, until their connections are closed.
  for (const pid_t child : children) {
    for (int wait = 0; wait < 2'000 && is_running(child); ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void PostgresServer::restart() {
  std::error_code ignored;
  fs::remove(directory_ + "/data/postmaster.pid", ignored);
  if (!run()) throw std::runtime_error("the PostgreSQL server did not start again");
}

std::string PostgresServer::url(const std::string& database, int port) const {
  return "postgresql://fnstack@127.0.0.1:" + std::to_string(port != 0 ? port : port_) + "/" + database;
}

std::string PostgresServer::by_hand(const std::string& text, const std::string& database) const {
  return PostgresClient(url(database)).run(text);
}

std::string PostgresServer::create_database() {
  const std::string name = "t" + std::to_string(++databases_);
  (void)by_hand("CREATE DATABASE " + name);
  return name;
}

struct PostgresClient::Connection {
  explicit Connection(const std::string& url) : connection(url), direct(connection) {}
  pqxx::connection connection;
  pqxx::nontransaction direct;
};

PostgresClient::PostgresClient(const std::string& url) : connection_(std::make_unique<Connection>(url)) {}
PostgresClient::~PostgresClient() = default;

std::string PostgresClient::run(const std::string& text) {
  std::string out;
  const pqxx::result rows = connection_->direct.exec(text);
  for (const auto& row : rows) out += (row[0].is_null() ? "NULL" : std::string(row[0].c_str())) + "\n";
  return out;
}

}  // namespace fnstack_test
