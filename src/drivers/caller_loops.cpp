#include "drivers/caller_loops.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "drivers/loop_backends.hpp"

namespace fnstack::drivers {

namespace {

// More than these have no use of the cores; their requests are better off together at the backends' own threads.
std::size_t most_loops() { return std::max<std::size_t>(2 * std::thread::hardware_concurrency(), 4); }

RunLoopOptions with_works(RunLoopOptions options, const LoopBackends& own) {
  options.is_for_one_run = true;
  options.works = own.works;
  return options;
}

}  // namespace

struct CallerLoops::Loop {
  Loop(LoopBackends given, std::shared_ptr<Inbox> to, const RunLoopOptions& options, std::atomic<std::size_t>& loops)
      : own(std::move(given)), inbox(std::move(to)), loop(inbox, own.backends, with_works(options, own)), count(loops) {
    ++count;
  }
  ~Loop() { --count; }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const LoopBackends own;
  const std::shared_ptr<Inbox> inbox;
  RunLoop loop;
  std::atomic<std::size_t>& count;
};

CallerLoops::CallerLoops(const Backends& backends, RunLoopOptions options)
    : backends_(backends), options_(std::move(options)), most_(most_loops()) {}

CallerLoops::~CallerLoops() = default;

std::unique_ptr<CallerLoops::Loop> CallerLoops::borrow() {
  if (!is_worth_it_) return nullptr;
  const std::lock_guard lock(mutex_);
  if (!idle_.empty()) {
    std::unique_ptr<Loop> lent = std::move(idle_.back());
    idle_.pop_back();
    return lent;
  }
  if (loops_ >= most_) return nullptr;
  auto inbox = std::make_shared<Inbox>();
  if (!inbox->open_descriptor()) return nullptr;
  LoopBackends own = backends_of_loop(backends_);
  if (!own.any_works()) {
    is_worth_it_ = false;
    return nullptr;
  }
  return std::make_unique<Loop>(std::move(own), std::move(inbox), options_, loops_);
}

Outcome CallerLoops::run(NewRun run) {
  std::unique_ptr<Loop> lent = borrow();
  if (!lent) return run_here(std::move(run), backends_, options_);
  Outcome outcome = lent->loop.run(std::move(run));
  // One with requests that can't be stopped at once is let go of, which ends them.
  if (lent->loop.settle()) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(lent));
  }
  return outcome;
}

}  // namespace fnstack::drivers
