#include "cli/upstreams.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"

namespace fnstack_test {

using Json = nlohmann::ordered_json;

MockServices::MockServices() {
  const std::string port_file = directory_.file("port");
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(125);
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
    ::execl(FNSTACK_MOCK_SERVICES, FNSTACK_MOCK_SERVICES, "--port-file", port_file.c_str(), nullptr);
    ::_exit(127);
  }
  // Polled: it may be seen before its port is in it.
  for (int wait = 0; wait < 1'000 && (port_.empty() || port_.back() != '\n'); ++wait) {
    port_ = std::filesystem::exists(port_file) ? read_file(port_file) : "";
    if (port_.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  while (!port_.empty() && port_.back() == '\n') port_.pop_back();
}

MockServices::~MockServices() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::vector<std::string> MockServices::options() const {
  const std::string root = std::filesystem::path(FNSTACK_TEST_DATA).parent_path().string();
  std::vector<std::string> words{"--env-file", root + "/examples/demo/demo.env"};
  for (const char* host : {"api.stripe.com", "api.hubapi.com", "demo-shop.myshopify.com"}) {
    words.emplace_back("--rewrite");
    words.push_back("https://" + std::string(host) + "=" + origin());
  }
  return words;
}

Reports::Reports() {
  // As many threads as there can be runs at once and connections left over from earlier ones.
  server_.new_task_queue = [] { return new httplib::ThreadPool(32); };
  server_.set_tcp_nodelay(true);
  server_.Post("/stored", [this](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    {
      const std::lock_guard lock(mutex_);
      stored_.insert(body.at("run").get<std::string>());
      ++stored_in_a_row_;
    }
    changed_.notify_all();
    response.set_content("{}", "application/json");
  });
  server_.Post("/caught", [this](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    {
      std::unique_lock lock(mutex_);
      caught_.push_back({body.at("type"), body.at("message"), body.at("status_code")});
      stored_in_a_row_ = 0;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !held_; });
    }
    response.set_content("{}", "application/json");
  });
  port_ = server_.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { server_.listen_after_bind(); });
  while (!server_.is_running()) std::this_thread::yield();
}

Reports::~Reports() {
  hold_caught(false);
  server_.stop();
  thread_.join();
}

bool Reports::wait_for_stored(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return stored_.size() >= count; });
}

bool Reports::wait_for_caught(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return caught_.size() >= count; });
}

void Reports::hold_caught(bool held) {
  {
    const std::lock_guard lock(mutex_);
    held_ = held;
  }
  changed_.notify_all();
}

std::set<std::string> Reports::stored() const {
  const std::lock_guard lock(mutex_);
  return stored_;
}

std::vector<Reports::Caught> Reports::caught() const {
  const std::lock_guard lock(mutex_);
  return caught_;
}

std::size_t Reports::stored_at_the_end() const {
  const std::lock_guard lock(mutex_);
  return stored_in_a_row_;
}

std::string telling_definition(const std::string& function, const std::string& parameters, const Reports& reports) {
  const auto tell = [&](const char* what, Json body) {
    return Json{{"function", "External API Request"},
                {"url", "http://" + reports.address() + what},
                {"method", "POST"},
                {"body", std::move(body)}};
  };
  const Json call{
      {"function", "Custom Function"}, {"custom_function", function}, {"parameters", Json::parse(parameters)}};
  const Json caught = tell("/caught", {{"run", "{{run.id}}"},
                                       {"type", "{{error.type}}"},
                                       {"status_code", "{{error.status_code}}"},
                                       {"message", "{{error.message}}"}});
  return Json{{"steps", Json::array({Json{{"function", "Try-Catch"},
                                          {"try_steps", Json::array({call, tell("/stored", {{"run", "{{run.id}}"}})})},
                                          {"catch_steps", Json::array({caught})}}})}}
      .dump();
}

}  // namespace fnstack_test
