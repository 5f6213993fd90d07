// Runs the workloads of DESIGN 9 side by side with their hand-written twins and prints a table of ratios, and JSON.
// Each program is a process of its own; the sides take turns, so that a busy moment of the machine hits both; medians.
//
//   bench_run FOLDER [--rounds N] [--only W2] [--json FILE]       FOLDER: where the bench programs are
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Side {
  std::string name;  // "fnstack", or what it is set against
  std::vector<std::string> command;
};

// One line of the table: fnstack's figure, the other's, and what their ratio should at most be.
struct Workload {
  std::string name, what;
  std::string figure;  // the key in a program's line, or in a Google Benchmark report
  double target = 0;   // fnstack / other; 0: told, not judged
  std::vector<Side> sides;
  double scale = 1;  // to the unit shown
  std::string unit;
  std::vector<std::string> server = {};  // started before; its port file's content replaces "PORT" in commands
  bool absolute = false;                 // the target is of fnstack's figure itself, as shown
  int more_rounds = 1;  // so many times: a process of a few milliseconds wants more than one of a second
};

struct Finished {
  int status = -1;
  std::string output;
  double seconds = 0;
  double peak_rss_mb = 0;
};

pid_t start(const std::vector<std::string>& command, int output) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (output >= 0) dup2(output, STDOUT_FILENO);
    execvp(words[0], words.data());
    _exit(127);
  }
  return child;
}

Finished finish(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  Finished result;
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = start(command, ends[1]);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.output.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  rusage usage{};
  wait4(child, &result.status, 0, &usage);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.peak_rss_mb = static_cast<double>(usage.ru_maxrss) / 1024.0;
  return result;
}

double median(std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  const auto middle = figures.size() / 2;
  return figures.size() % 2 == 1 ? figures[middle] : (figures[middle - 1] + figures[middle]) / 2;
}

// The figure a program's output tells, and the result that both sides must agree on. "process" asks for the process
// itself: seconds from start to end; "process_rss" for its memory.
std::optional<double> figure_of(const Workload& workload, const Finished& run, std::string& result) {
  if (workload.figure == "process" || workload.figure == "process_rss") {
    result = run.output;
    return workload.figure == "process" ? run.seconds : run.peak_rss_mb;
  }
  const auto line = Json::parse(run.output, nullptr, false);
  if (line.is_discarded()) return std::nullopt;
  if (line.contains("benchmarks")) {
    for (const auto& benchmark : line["benchmarks"]) {
      if (benchmark["name"] == workload.figure) return benchmark["cpu_time"].get<double>();
    }
    return std::nullopt;
  }
  result = line.value("result", std::string());
  return line.contains(workload.figure) ? std::optional(line[workload.figure].get<double>()) : std::nullopt;
}

class Server {
 public:
  Server(std::vector<std::string> command, const fs::path& port_file) {
    fs::remove(port_file);
    command.push_back(port_file.string());
    pid_ = start(command, -1);
    for (int i = 0; i < 200 && port_.empty(); ++i) {
      std::ifstream in(port_file);
      std::getline(in, port_);
      if (port_.empty() || in.eof()) {
        port_.clear();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
  }
  ~Server() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  const std::string& port() const { return port_; }

 private:
  pid_t pid_ = -1;
  std::string port_;
};

bool on_path(const char* program) {
  std::istringstream path(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(path, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<Workload> workloads(const std::string& folder, const std::string& sources) {
  const auto ours = [&](const char* name, const std::string& argument) {
    return Side{"fnstack", {folder + "/bench_" + name, argument}};
  };
  const auto twin = [&](const char* name, const char* program, const std::string& argument) {
    return Side{name, {folder + "/bench_" + program, argument}};
  };
  const std::string iterations = "1000000", products = "10000", json = "--benchmark_format=json";
  // 5e6 steps: seconds to nanoseconds a step.
  const double a_step = 1e9 / 5e6;
  std::vector<Workload> list;

  if (on_path("luajit")) {
    list.push_back({.name = "W1",
                    .what = "five steps a pass",
                    .figure = "seconds",
                    .target = 1.0,
                    .sides = {ours("w1", iterations), {"LuaJIT", {"luajit", sources + "/w1.lua", iterations}}},
                    .scale = a_step,
                    .unit = "ns a step"});
  }
  // The target is LuaJIT's time; this one is told.
  list.push_back({.name = "W1",
                  .what = "five steps a pass",
                  .figure = "seconds",
                  .sides = {ours("w1", iterations), twin("C++ over nlohmann", "w1_twin", iterations)},
                  .scale = a_step,
                  .unit = "ns a step"});

  for (const std::string pages : {"100", "1000", "5000"}) {
    Workload time{.name = "W2",
                  .what = "pagination, " + pages + " pages",
                  .figure = "seconds",
                  .target = 1.0,
                  .sides = {ours("w2", "PORT"), twin("libcurl + simdjson", "w2_twin", "PORT")},
                  .scale = 1000,
                  .unit = "ms",
                  .server = {folder + "/bench_page_server", pages, "100"},
                  .more_rounds = pages == "100" ? 10 : 1};
    // The upstream shares the cores with both sides, so the processor's time says more.
    Workload cpu = time;
    cpu.figure = "cpu_seconds";
    cpu.unit = "CPU ms";
    Workload memory = time;
    memory.figure = "peak_rss_mb";
    memory.target = pages == "100" ? 0 : 0.7;  // of 100 pages most is libcurl's own
    memory.scale = 1;
    memory.unit = "MB";
    list.push_back(std::move(cpu));
    list.push_back(std::move(time));
    list.push_back(std::move(memory));
  }

  // The target is 0.95 of the twin's runs a second. CPU seconds, as the upstream shares the cores with both sides.
  for (const std::string loops : {"1", "2"}) {
    for (const std::string in_flight : {"1", "64", "1000"}) {
      if (in_flight == "1" && loops == "2") continue;
      const std::string runs = in_flight == "1" ? "5000" : "20000";
      const std::vector<std::string> arguments = {runs, in_flight, loops, "PORT"};
      const auto side = [&](const std::string& name, const std::string& program) {
        Side made{name, {folder + "/" + program}};
        made.command.insert(made.command.end(), arguments.begin(), arguments.end());
        return made;
      };
      Workload cpu{.name = "W3",
                   .what = "requests, " + in_flight + " in flight, " + loops + (loops == "1" ? " loop" : " loops"),
                   .figure = "cpu_seconds",
                   .target = 1.05,
                   .sides = {side("fnstack", "bench_w3"), side("libcurl by hand", "bench_w3_twin")},
                   .scale = 1e6 / std::stod(runs),
                   .unit = "CPU us a run",
                   .server = {folder + "/bench_http_server"}};
      Workload wall = cpu;
      wall.figure = "seconds";
      wall.unit = "us a run";
      list.push_back(std::move(cpu));
      list.push_back(std::move(wall));
    }
  }

  const std::string waiting = "100000", awaiting = "10000";
  list.push_back({.name = "W4",
                  .what = "a run in Wait, of 100,000",
                  .figure = "bytes_each",
                  .target = 600,
                  .sides = {{"fnstack", {folder + "/bench_w4", "wait", waiting}},
                            {"timer and closure", {folder + "/bench_w4_twin", "wait", waiting}}},
                  .unit = "bytes",
                  .absolute = true});
  list.push_back({.name = "W4",
                  .what = "a run awaiting an answer, of 10,000",
                  .figure = "bytes_each",
                  .target = 1.1,
                  .sides = {{"fnstack", {folder + "/bench_w4", "request", awaiting, "PORT"}},
                            {"libcurl", {folder + "/bench_w4_twin", "request", awaiting, "PORT"}}},
                  .unit = "bytes",
                  .server = {folder + "/bench_w4_server"}});

  // The twin with 64 in flight has 64 connections: what fnstack sends in one write it sends in 64.
  if (on_path("redis-server") && fs::exists(folder + "/bench_w5")) {
    for (const std::string in_flight : {"1", "64"}) {
      const std::string runs = in_flight == "1" ? "20000" : "100000";
      list.push_back({.name = "W5",
                      .what = "cached request, " + in_flight + " in flight",
                      .figure = "seconds",
                      .target = 1.05,
                      .sides = {{"fnstack", {folder + "/bench_w5", runs, in_flight, "PORT"}},
                                {"hiredis, blocking", {folder + "/bench_w5_twin", runs, in_flight, "PORT"}}},
                      .scale = 1e6 / std::stod(runs),
                      .unit = "us a run",
                      .server = {folder + "/bench_redis"}});
    }
  }

  list.push_back({.name = "W6",
                  .what = "10,000 products, SQLite",
                  .figure = "seconds",
                  .target = 1.5,
                  .sides = {ours("w6", products), twin("SQLite by hand", "w6_twin", products)},
                  .scale = 1000,
                  .unit = "ms"});

  if (fs::exists(folder + "/bench_w6_postgres")) {
    for (const std::string in_flight : {"1", "64"}) {
      list.push_back({.name = "W6",
                      .what = "10,000 products, PostgreSQL, " + in_flight + " in flight",
                      .figure = "seconds",
                      .target = 1.05,
                      .sides = {{"fnstack", {folder + "/bench_w6_postgres", products, in_flight, "PORT"}},
                                {"libpqxx", {folder + "/bench_w6_postgres_twin", products, in_flight, "PORT"}}},
                      .scale = 1000,
                      .unit = "ms",
                      .server = {folder + "/bench_postgres"}});
    }
  }

  // 3 ms where this twin takes 1.2, and 8 MB.
  Workload process{.name = "W8",
                   .what = "a process from start to end",
                   .figure = "process",
                   .target = 2.5,
                   .sides = {ours("w8", ""), twin("C++", "w8_twin", "")},
                   .scale = 1000,
                   .unit = "ms",
                   .more_rounds = 20};
  Workload resident = process;
  resident.figure = "process_rss";
  resident.target = 8;
  resident.absolute = true;
  resident.scale = 1;
  resident.unit = "MB";
  list.push_back(std::move(process));
  list.push_back(std::move(resident));

  Workload expression{.name = "W9",
                      .what = "expression",
                      .figure = "expression",
                      .target = 30,
                      .sides = {ours("w9", json), twin("C++ over nlohmann", "w9_twin", json)},
                      .unit = "ns",
                      .absolute = true};
  Workload body = expression;
  body.what = body.figure = "body";
  body.target = 300;
  list.push_back(std::move(expression));
  list.push_back(std::move(body));
  return list;
}

struct Measured {
  std::map<std::string, double> medians;
  std::string trouble;
};

Measured measure(const Workload& workload, int rounds, const fs::path& scratch) {
  std::optional<Server> server;
  if (!workload.server.empty()) {
    server.emplace(workload.server, scratch / "port");
    if (server->port().empty()) return {{}, "its server did not start"};
  }
  rounds *= workload.more_rounds;
  std::map<std::string, std::vector<double>> figures;
  std::optional<std::string> agreed;
  for (int round = 0; round < rounds; ++round) {
    for (auto side : workload.sides) {
      for (auto& word : side.command) {
        if (word == "PORT") word = server->port();
      }
      const auto run = finish(side.command);
      std::string result;
      const auto figure = figure_of(workload, run, result);
      if (run.status != 0 || !figure) return {{}, side.name + " failed: " + side.command[0]};
      if (agreed && *agreed != result) return {{}, "the sides disagree: \"" + *agreed + "\" and \"" + result + "\""};
      agreed = result;
      figures[side.name].push_back(*figure);
    }
  }
  Measured measured;
  for (const auto& [name, list] : figures) measured.medians[name] = median(list);
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 5;
  std::string only, json_file, folder;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--rounds" && i + 1 < argc) {
      rounds = std::max(1, std::atoi(argv[++i]));
    } else if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (word == "--json" && i + 1 < argc) {
      json_file = argv[++i];
    } else if (folder.empty() && word[0] != '-') {
      folder = word;
    } else {
      folder.clear();
      break;
    }
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: bench_run FOLDER [--rounds N] [--only W2] [--json FILE]\n");
    return 2;
  }
  std::string scratch_name = (fs::temp_directory_path() / "fnstack-bench-XXXXXX").string();
  if (mkdtemp(scratch_name.data()) == nullptr) return 1;
  const fs::path scratch = scratch_name;
  Json report = Json::array();
  int missed = 0;
  std::printf("%-3s %-44s %12s %12s  %-20s %7s  %s\n", "", "", "fnstack", "other", "", "ratio", "target");
  for (const auto& workload : workloads(folder, FNSTACK_BENCH_SOURCES)) {
    if (!only.empty() && workload.name != only) continue;
    const auto measured = measure(workload, rounds, scratch);
    if (!measured.trouble.empty()) {
      std::printf("%-3s %-44s %s\n", workload.name.c_str(), workload.what.c_str(), measured.trouble.c_str());
      report.push_back({{"workload", workload.name}, {"what", workload.what}, {"trouble", measured.trouble}});
      ++missed;
      continue;
    }
    const auto& other = workload.sides[1].name;
    const double ours = measured.medians.at("fnstack"), theirs = measured.medians.at(other), ratio = ours / theirs;
    const bool met = workload.target == 0 || (workload.absolute ? ours * workload.scale : ratio) <= workload.target;
    std::string target = "-";
    if (workload.target != 0) {
      std::ostringstream text;
      text << "<= ";
      if (workload.absolute) {
        text << workload.target << " " << workload.unit;
      } else {
        text << workload.target << " x";
      }
      text << (met ? "" : "   MISSED");
      target = text.str();
    }
    missed += met ? 0 : 1;
    std::printf("%-3s %-44s %12.2f %12.2f  %-20s %7.2f  %s\n", workload.name.c_str(),
                (workload.what + ", " + workload.unit).c_str(), ours * workload.scale, theirs * workload.scale,
                other.c_str(), ratio, target.c_str());
    std::fflush(stdout);
    report.push_back({{"workload", workload.name},
                      {"what", workload.what},
                      {"unit", workload.unit},
                      {"fnstack", ours * workload.scale},
                      {"other", theirs * workload.scale},
                      {"other_is", other},
                      {"ratio", ratio},
                      {"target_met", met}});
  }
  fs::remove_all(scratch);
  if (!on_path("luajit"))
    std::printf("\nluajit is not installed: W1 was not set against it (apt-get install luajit)\n");
  if (json_file.empty()) {
    std::printf("\n%s\n", report.dump(1).c_str());
  } else {
    std::ofstream(json_file) << report.dump(1) << "\n";
  }
  return missed == 0 ? 0 : 1;
}
