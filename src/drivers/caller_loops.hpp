// CallerLoops: loops for runs on their callers' threads. A loop keeps its connections from run to run and performs
// requests on the caller's thread: nothing is handed to a backend's thread and back. More callers at once than there
// are loops, and backends that work on no loop, go by the backends' own threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <fnstack/driver.hpp>

#include "drivers/run_loop.hpp"

namespace fnstack::drivers {

class CallerLoops {
 public:
  // The backends and what the options refer to outlive it.
  CallerLoops(const Backends& backends, RunLoopOptions options);
  ~CallerLoops();
  CallerLoops(const CallerLoops&) = delete;
  CallerLoops& operator=(const CallerLoops&) = delete;

  // Any thread: runs it there, to its end. Its on_done is not called.
  [[nodiscard]] Outcome run(NewRun run);

 private:
  struct Loop;

  // Null: all are lent, or there is nothing that would work on one.
  [[nodiscard]] std::unique_ptr<Loop> borrow();

  const Backends& backends_;
  const RunLoopOptions options_;
  const std::size_t most_;
  std::atomic<std::size_t> loops_ = 0;    // lent and idle ones
  std::atomic<bool> is_worth_it_ = true;  // until a look at the backends says otherwise
  std::mutex mutex_;                      // of what follows
  // The last one that came back is the first to be lent again: its connections are warm.
  std::vector<std::unique_ptr<Loop>> idle_;
};

}  // namespace fnstack::drivers
