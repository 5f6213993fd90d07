#include "drivers/event_loop.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "drivers/loop_backends.hpp"

namespace fnstack::drivers {

namespace {

thread_local bool is_loop = false;

std::size_t threads_of(const EventLoopOptions& options) {
  // Time that is not real may pass only when nothing is under way anywhere; one loop knows that.
  if (options.backends.clock && options.backends.clock != system_clock()) return 1;
  if (options.threads > 0) return options.threads;
  return std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace

bool is_loop_thread() noexcept { return is_loop; }

void call_on_done(std::function<void(Outcome)>& on_done, Outcome outcome) noexcept {
  if (!on_done) return;
  try {
    on_done(std::move(outcome));
  } catch (...) {
  }
}

thread_local EventLoop::Worker* EventLoop::own_worker = nullptr;

// ---------------------------------------------------------------- a thread

Result<Value> EventLoop::Worker::start_run(const Program& program, StartRun start) {
  return loop.options_.start_run(program, std::move(start));
}

void EventLoop::Worker::run_ending() {
  --runs;
  --loop.runs_;
}

void EventLoop::run_ended() {
  if (--open_ > 0 || waiting_ == 0) return;
  const std::lock_guard lock(mutex_);
  ended_.notify_all();
}

void EventLoop::work(Worker& worker) {
  is_loop = true;
  own_worker = &worker;
  const Inbox::OnThread here(*worker.inbox);
  LoopBackends own = backends_of_loop(options_.backends);
  if (database_) own.backends.database = database_;
  RunLoopOptions options;
  options.mask = options_.mask;
  options.host = &worker;
  options.works = own.works;
  // What all loops share gets from each its part.
  const std::size_t most = std::max<std::size_t>(options_.max_effects, 1);
  for (std::size_t i = 0; i < own.works.size(); ++i) {
    options.most[i] = own.works[i] ? most : std::max<std::size_t>(most / threads_, 1);
  }
  RunLoop loop(worker.inbox, own.backends, std::move(options));
  for (;;) {
    loop.turn();
    if (worker.is_over && loop.is_empty()) break;
    loop.wait();
  }
  own_worker = nullptr;
}

EventLoop::Worker* EventLoop::add_worker() {
  const std::lock_guard lock(mutex_);
  const std::size_t place = started_;
  if (place == threads_ || is_stopping_) return nullptr;
  if (place == 0 && options_.backends.database) database_ = options_.backends.database->not_blocking();
  auto worker = std::make_unique<Worker>(*this);
  if (!worker->inbox->open_descriptor()) return nullptr;
  try {
    worker->thread =
        std::thread([self = shared_from_this(), owner = options_.owner.lock(), to = worker.get()] { self->work(*to); });
  } catch (const std::system_error&) {
    return nullptr;
  }
  workers_[place] = std::move(worker);
  ++started_;
  return workers_[place].get();
}

// ---------------------------------------------------------------- all of them

EventLoop::EventLoop(EventLoopOptions options)
    : options_(std::move(options)), threads_(threads_of(options_)), workers_(threads_) {}

EventLoop::~EventLoop() { shut_down(); }

EventLoop::Worker* EventLoop::choose() {
  Worker* fewest = nullptr;
  const std::size_t started = started_;
  for (std::size_t i = 0; i < started; ++i) {
    if (fewest == nullptr || workers_[i]->runs < fewest->runs) fewest = workers_[i].get();
  }
  if (own_worker != nullptr && &own_worker->loop == this) {
    // Going on here costs least, unless this thread has far more to do than another.
    const std::size_t spare = started < threads_ ? 0 : fewest->runs.load();
    if (own_worker->runs <= 2 * spare + 16) return own_worker;
  }
  if (fewest != nullptr && (fewest->runs == 0 || started == threads_)) return fewest;
  Worker* const added = add_worker();
  return added != nullptr ? added : fewest;
}

std::optional<Outcome> EventLoop::try_start(NewRun& run) {
  if (runs_.fetch_add(1) >= options_.max_runs) {
    --runs_;
    return ended_early(Outcome::Status::failed, error_type::limit,
                       "max_runs: " + std::to_string(options_.max_runs) + " runs are under way already");
  }
  ++open_;
  Worker* const worker = is_stopping_ ? nullptr : choose();
  if (worker == nullptr) {
    --runs_;
    run_ended();
    if (is_stopping_)
      return ended_early(Outcome::Status::cancelled, error_type::cancelled, "the engine is shutting down");
    return ended_early(Outcome::Status::failed, error_type::limit, "the system gives no thread for an event loop");
  }
  ++worker->runs;
  worker->inbox->post(std::move(run));
  return std::nullopt;
}

void EventLoop::start(NewRun run) {
  if (auto outcome = try_start(run)) call_on_done(run.on_done, std::move(*outcome));
}

void EventLoop::cancel_all() {
  const std::size_t started = started_;
  for (std::size_t i = 0; i < started; ++i) workers_[i]->inbox->post_as_stranger(CancelAll{});
}

bool EventLoop::drain() {
  if (is_loop_thread()) return false;
  ++waiting_;
  {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return open_ == 0; });
  }
  --waiting_;
  return true;
}

void EventLoop::shut_down() {
  if (is_stopping_.exchange(true)) return;
  {
    const std::lock_guard lock(mutex_);  // whoever adds a thread has done so, or finds that it is too late
  }
  cancel_all();
  const bool is_here = own_worker != nullptr && &own_worker->loop == this;
  if (!is_here) {
    ++waiting_;
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return open_ == 0; });
  }
  const std::size_t started = started_;
  for (std::size_t i = 0; i < started; ++i) {
    Worker& worker = *workers_[i];
    worker.is_over = true;
    worker.inbox->wake();
    if (is_here) {
      worker.thread.detach();
    } else {
      worker.thread.join();
    }
  }
}

}  // namespace fnstack::drivers
