// SIGINT and SIGTERM as a request to stop, while one of these lives. The second signal ends the process.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace fnstack::cli {

class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  int pipe_[2] = {-1, -1};
  struct sigaction before_int_ = {}, before_term_ = {};
  std::thread thread_;
};

}  // namespace fnstack::cli
