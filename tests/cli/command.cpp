#include "cli/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace fnstack_test {
namespace {

struct Process {
  pid_t id = -1;
  int in = -1, out = -1, err = -1;
};

void fail(const char* what) {
  std::perror(what);
  std::abort();
}

// What the sanitizers and a relocated build need of the environment.
const char* const kept[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS",   "TSAN_OPTIONS",
                            "LSAN_OPTIONS", "LD_LIBRARY_PATH", "TMPDIR"};

Process start(const std::vector<std::string>& arguments, std::vector<std::string> environment) {
  for (const char* name : kept) {
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  }
  std::vector<std::string> all{FNSTACK_COMMAND};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv, envp;
  for (std::string& text : all) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) fail("pipe2");
  // Spawned, not forked: this process has threads, and handlers of signals that a copy of it would answer with.
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  pid_t id = -1;
  errno = ::posix_spawn(&id, argv[0], &actions, nullptr, argv.data(), envp.data());
  if (errno != 0) fail("posix_spawn");
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  return {id, in[1], out[0], err[0]};
}

// Writes `input` and reads both outputs at the same time, so that nobody waits for a full pipe.
Said finish(Process process, const std::string& input) {
  Said said;
  std::size_t written = 0;
  ::fcntl(process.in, F_SETFL, O_NONBLOCK);
  while (process.out >= 0 || process.err >= 0) {
    if (process.in >= 0 && written == input.size()) {
      ::close(process.in);
      process.in = -1;
    }
    pollfd polled[3] = {{process.out, POLLIN, 0}, {process.err, POLLIN, 0}, {process.in, POLLOUT, 0}};
    if (::poll(polled, 3, -1) < 0) {
      if (errno == EINTR) continue;
      fail("poll");
    }
    if (process.in >= 0 && polled[2].revents != 0) {
      const ssize_t count = ::write(process.in, input.data() + written, input.size() - written);
      written = count >= 0 ? written + static_cast<std::size_t>(count) : errno == EAGAIN ? written : input.size();
    }
    int* ends[] = {&process.out, &process.err};
    std::string* texts[] = {&said.out, &said.err};
    for (int i = 0; i < 2; ++i) {
      if (*ends[i] < 0 || polled[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t count = ::read(*ends[i], buffer, sizeof(buffer));
      if (count > 0) {
        texts[i]->append(buffer, static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        ::close(*ends[i]);
        *ends[i] = -1;
      }
    }
  }
  if (process.in >= 0) ::close(process.in);
  int status = 0;
  while (::waitpid(process.id, &status, 0) < 0 && errno == EINTR) {
  }
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return said;
}

}  // namespace

Said fnstack(const std::vector<std::string>& arguments, const std::string& input,
             const std::vector<std::string>& environment) {
  ::signal(SIGPIPE, SIG_IGN);
  return finish(start(arguments, environment), input);
}

Said fnstack_meanwhile(const std::vector<std::string>& arguments, const std::function<void(pid_t)>& meanwhile) {
  ::signal(SIGPIPE, SIG_IGN);
  const Process process = start(arguments, {});
  meanwhile(process.id);
  return finish(process, "");
}

std::vector<std::string> fnstack_dialogue(const std::vector<std::string>& arguments,
                                          const std::vector<std::string>& lines) {
  ::signal(SIGPIPE, SIG_IGN);
  const Process process = start(arguments, {});
  std::vector<std::string> answers;
  for (const std::string& line : lines) {
    const std::string sent = line + "\n";
    if (::write(process.in, sent.data(), sent.size()) != static_cast<ssize_t>(sent.size())) break;
    std::string answer;
    char byte = 0;
    while (::read(process.out, &byte, 1) == 1 && byte != '\n') answer += byte;
    answers.push_back(answer);
  }
  static_cast<void>(finish(process, ""));
  return answers;
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace fnstack_test
