// One turn of the loop: wait for sockets, read what came, take over what other threads left, expire, hand waiting
// commands to connections, write. Sockets come first: an idle connection that died is seen before it is given work.
// Replies are called with no lock held; one may send again, stop other calls, or drop the cache.
#include "backends/redis_loop.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <system_error>
#include <utility>

#include "backends/redis_errors.hpp"

namespace fnstack::backends {
namespace {

using std::chrono::milliseconds;

// Enough for one write to carry all that is there; what is beyond goes to the next connection.
constexpr std::size_t pipeline = 256;
// A connection whose oldest command waits so long is slow: others take another one, if there is.
constexpr milliseconds slow(20);
constexpr milliseconds first_pause(20), longest_pause(1'000);
// All commands that wait together.
constexpr std::size_t max_queue_bytes = std::size_t{256} << 20;

Error cache_error(std::string message) { return make_error(error_type::cache, std::move(message)); }
Error shut_down_error() { return make_error(error_type::cancelled, "the Redis cache was shut down"); }
Error start_failure(const std::string& why) { return cache_error("the Redis cache could not start: " + why); }

// Signals are the host's: the threads made meanwhile inherit an empty set. And writing to a closed connection gives an
// error there rather than SIGPIPE.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

RedisLoop::RedisLoop(RedisOptions options)
    : options_(std::move(options)), address_(shown_address(options_)), links_(options_.connections) {
  next_expiry_ = Time::max();
}

RedisLoop::~RedisLoop() {
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

// ---- any thread

void RedisLoop::send(RedisExchange exchange, const Call& call, Reply<Value> reply) {
  const Time now = Clock::now();
  std::optional<Error> error;
  if (call.stop.stop_requested()) {
    error = make_error(error_type::cancelled, "cancelled");
  } else if (call.deadline <= now) {
    error = make_error(error_type::timeout, "cache: the time was up before the command was sent to Redis");
  } else {
    JobPtr job(new Job{std::move(exchange), call, std::move(reply), {}, {}, 0, 0, false, {}, {}});
    job->deadline = std::min(call.deadline, now + milliseconds(options_.command_timeout_ms));
    job->size = job->exchange.bytes().size();
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      error = shut_down_error();
    } else if (outstanding_ >= options_.max_queue ||
               (outstanding_ > 0 && outstanding_bytes_ + job->size > max_queue_bytes)) {
      error =
          cache_error("the queue to Redis is full: " + std::to_string(outstanding_) + " commands wait for an answer");
    } else if (!running_) {
      error = start_thread();
    }
    if (!error) {
      ++outstanding_;
      outstanding_bytes_ += job->size;
      job->id = next_id_++;
      incoming_.push_back(std::move(job));
      wake_locked();
      return;
    }
    reply = std::move(job->reply);
  }
  reply(std::move(*error));
}

void RedisLoop::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_locked();
    thread = std::move(thread_);
  }
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();  // it holds this object until it is done
  else
    thread.join();
}

std::optional<Error> RedisLoop::start_thread() {
  if (wake_fd_ < 0) wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return start_failure(std::generic_category().message(errno));
  const WithoutSignals without;
  try {
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
    running_ = true;
  } catch (const std::system_error& failure) {
    return start_failure(failure.code().message());
  }
  return std::nullopt;
}

void RedisLoop::cancel(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  stopped_.push_back(id);
  wake_locked();
}

void RedisLoop::wake_locked() {
  if (!sleeping_) return;
  sleeping_ = false;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

// ---- the loop's thread

void RedisLoop::run() {
  pthread_setname_np(pthread_self(), "fnstack-redis");
  while (take_over()) {
    expire(Clock::now());
    hand_out();
    poll_once();
  }
  shut_down();
}

bool RedisLoop::take_over() {
  std::vector<JobPtr> jobs;
  std::vector<std::uint64_t> stopped;
  std::vector<Opened> connections;
  {
    const std::lock_guard lock(mutex_);
    sleeping_ = false;
    if (stopping_) return false;
    jobs.swap(incoming_);
    stopped.swap(stopped_);
    connections.swap(opened_);
  }
  for (Opened& connection : connections) opened(std::move(connection));
  for (JobPtr& job : jobs) accept(std::move(job));
  for (const std::uint64_t id : stopped) give_up(id);
  return true;
}

void RedisLoop::accept(JobPtr job) {
  next_expiry_ = std::min(next_expiry_, job->deadline);
  Job& accepted = *job;
  waiting_.push_back(std::move(job));
  // Requested already: it is called here and now, and heard with the next turn.
  if (accepted.call.stop.stop_possible()) accepted.on_stop.emplace(accepted.call.stop, Stop{this, accepted.id});
}

// ---- connecting

void RedisLoop::connect(std::size_t at) {
  Link& link = links_[at];
  link.state = Link::State::connecting;
  link.give_up = Clock::now() + milliseconds(options_.connect_timeout_ms);
  link.answered_once = false;
  const std::uint64_t attempt = ++link.attempt;
  try {
    std::thread([self = shared_from_this(), at, attempt] {
      pthread_setname_np(pthread_self(), "fnstack-connect");
      auto connection = RedisConnection::open(self->options_);
      const std::lock_guard lock(self->mutex_);
      if (self->stopping_) return;
      self->opened_.push_back(Opened{at, attempt, std::move(connection)});
      self->wake_locked();
    }).detach();
  } catch (const std::system_error& failure) {
    connecting_failed(link, start_failure(failure.code().message()));
  }
}

void RedisLoop::opened(Opened opened) {
  Link& link = links_[opened.link];
  if (link.state != Link::State::connecting || link.attempt != opened.attempt) return;  // too late
  if (!opened.connection) {
    connecting_failed(link, std::move(opened.connection).error());
    return;
  }
  link.connection = std::move(*opened.connection);
  greet(link);
}

void RedisLoop::greet(Link& link) {
  std::string bytes;
  if (!options_.password.empty()) {
    link.greeting.push_back("AUTH");
    const bool formatted = options_.user.empty() ? append_command(bytes, {"AUTH", options_.password})
                                                 : append_command(bytes, {"AUTH", options_.user, options_.password});
    if (!formatted) throw std::bad_alloc();
  }
  if (options_.database != 0) {
    link.greeting.push_back("SELECT");
    if (!append_command(bytes, {"SELECT", std::to_string(options_.database)})) throw std::bad_alloc();
  }
  if (link.greeting.empty()) {
    link.state = Link::State::ready;
    return;
  }
  link.state = Link::State::greeting;
  link.connection->append(bytes);
  if (!link.connection->flush()) lose(link, link.connection->trouble(), std::nullopt);
}

bool RedisLoop::greeted(Link& link, const RedisReply& reply) {
  const std::string what = link.greeting.front();
  if (reply.type != RedisReply::Type::status) {
    connecting_failed(link,
                      reply.type == RedisReply::Type::error
                          ? redis_refusal(reply.text, what)
                          : cache_error(what + ": Redis answered with another type of reply than the command has"));
    return false;
  }
  link.greeting.erase(link.greeting.begin());
  if (link.greeting.empty()) link.state = Link::State::ready;
  return true;
}

void RedisLoop::connecting_failed(Link& link, Error error) {
  link.state = Link::State::closed;
  link.connection.reset();
  link.greeting.clear();
  refused_ = error;
  pause();
  const bool others =
      std::any_of(links_.begin(), links_.end(), [](const Link& other) { return other.state != Link::State::closed; });
  if (others) return;
  std::deque<JobPtr> jobs;
  jobs.swap(waiting_);
  for (const JobPtr& job : jobs) answer(*job, error);
}

void RedisLoop::pause() {
  next_attempt_ = Clock::now() + std::min(longest_pause, first_pause * (1 << std::min(failures_, 10)));
  ++failures_;
}

// ---- commands

void RedisLoop::hand_out() {
  while (!waiting_.empty()) {
    Link* link = choose();
    if (link == nullptr) break;
    JobPtr job = std::move(waiting_.front());
    waiting_.pop_front();
    transmit(*link, std::move(job));
  }
  for (Link& link : links_) {
    if (link.state != Link::State::ready || !link.connection->wants_to_write()) continue;
    if (!link.connection->flush()) lose(link, link.connection->trouble(), std::nullopt);
  }
}

// The first connection as long as it keeps up, so that commands leave together; then the others.
RedisLoop::Link* RedisLoop::choose() {
  const Time now = Clock::now();
  Link* fallback = nullptr;
  bool connecting = false;
  std::size_t closed = links_.size();
  for (std::size_t at = 0; at < links_.size(); ++at) {
    Link& link = links_[at];
    if (link.state == Link::State::ready) {
      if (link.in_flight.size() >= pipeline) continue;
      if (link.in_flight.empty() || now - link.in_flight.front()->sent < slow) return &link;
      if (fallback == nullptr || link.in_flight.size() < fallback->in_flight.size()) fallback = &link;
    } else if (link.state == Link::State::closed) {
      closed = std::min(closed, at);
    } else {
      connecting = true;
    }
  }
  if (!connecting && closed < links_.size() && now >= next_attempt_) connect(closed);
  return fallback;
}

void RedisLoop::transmit(Link& link, JobPtr job) {
  job->sent = Clock::now();
  job->replies.clear();
  link.connection->append(job->exchange.bytes());
  link.in_flight.push_back(std::move(job));
}

void RedisLoop::read(Link& link) {
  const bool alive = link.connection->fill();
  while (link.connection) {
    RedisReply reply;
    const RedisReader::Next next = link.connection->next(reply);
    if (next == RedisReader::Next::reply) {
      if (link.state == Link::State::greeting) {
        if (!greeted(link, reply)) return;
      } else if (link.in_flight.empty()) {
        lose(link, "Redis sent a reply that nobody asked for", std::nullopt);
        return;
      } else {
        replied(link, std::move(reply));
      }
      continue;
    }
    if (next == RedisReader::Next::need_more) break;
    const bool too_big = next == RedisReader::Next::too_big;
    std::string why = too_big ? "a reply of Redis was too large" : "Redis sent what is no reply of its protocol";
    Error error = too_big ? make_error(error_type::limit,
                                       "a reply of Redis is larger than " + std::to_string(options_.max_reply_bytes) +
                                           " bytes (max_reply_bytes) or has more than a million parts")
                          : cache_error(address_ + " answered with what is no reply of Redis' protocol");
    lose(link, why, std::move(error));
    return;
  }
  if (link.connection && !alive) lose(link, link.connection->trouble(), std::nullopt);
}

void RedisLoop::replied(Link& link, RedisReply reply) {
  Job& job = *link.in_flight.front();
  job.replies.push_back(std::move(reply));
  if (job.replies.size() < job.exchange.replies()) return;
  link.answered_once = true;
  failures_ = 0;
  refused_.reset();
  JobPtr owned = std::move(link.in_flight.front());
  link.in_flight.pop_front();
  if (!owned->reply) return;  // answered before
  auto result = owned->exchange.advance(owned->replies);
  if (result) {
    answer(*owned, std::move(*result));
  } else {
    transmit(link, std::move(owned));
  }
}

void RedisLoop::lose(Link& link, const std::string& why, std::optional<Error> first) {
  if (link.state == Link::State::greeting) {
    connecting_failed(link,
                      first ? std::move(*first) : cache_error("can't connect to Redis at " + address_ + ": " + why));
    return;
  }
  link.state = Link::State::closed;
  link.connection.reset();
  if (!link.answered_once) {
    // A server that takes connections and drops them is no better than one that refuses them.
    pause();
  }
  std::deque<JobPtr> jobs;
  jobs.swap(link.in_flight);
  std::vector<JobPtr> again;
  for (JobPtr& job : jobs) {
    if (!job->reply) continue;
    if (first) {
      answer(*job, *std::exchange(first, std::nullopt));
    } else if (!job->repeated && job->exchange.repeatable()) {
      job->repeated = true;
      job->exchange.restart();
      again.push_back(std::move(job));
    } else {
      answer(*job, cache_error(std::string(job->exchange.name()) + ": the connection to Redis at " + address_ +
                               " was lost (" + why + ")" +
                               (job->exchange.repeatable() ? "" : "; whether it was performed is not known")));
    }
  }
  for (auto job = again.rbegin(); job != again.rend(); ++job) waiting_.push_front(std::move(*job));
}

void RedisLoop::answer(Job& job, Result<Value> result) {
  --outstanding_;
  outstanding_bytes_ -= job.size;
  job.on_stop.reset();
  Reply<Value> reply = std::move(job.reply);
  reply(std::move(result));
}

// ---- time

void RedisLoop::give_up(std::uint64_t id) {
  const auto is_it = [id](const JobPtr& job) { return job->id == id; };
  const auto stopped = make_error(error_type::cancelled, "cancelled");
  if (const auto found = std::find_if(waiting_.begin(), waiting_.end(), is_it); found != waiting_.end()) {
    const JobPtr job = std::move(*found);
    waiting_.erase(found);
    answer(*job, stopped);
    return;
  }
  for (Link& link : links_) {
    const auto found = std::find_if(link.in_flight.begin(), link.in_flight.end(), is_it);
    if (found == link.in_flight.end()) continue;
    if ((*found)->reply) answer(**found, stopped);
    return;
  }
}

void RedisLoop::expire(Time now) {
  for (Link& link : links_) {
    if ((link.state == Link::State::connecting || link.state == Link::State::greeting) && link.give_up <= now) {
      connecting_failed(link, cache_error("can't connect to Redis at " + address_ + ": it did not answer within " +
                                          std::to_string(options_.connect_timeout_ms) + " ms"));
    }
  }
  if (now < next_expiry_) return;
  // Seldom: deadlines lie seconds ahead, and the soonest one moves on with every look.
  next_expiry_ = Time::max();
  const std::string within = " within " + std::to_string(options_.command_timeout_ms) + " ms";
  const auto late = [&](Job& job, const char* what) {
    const bool own = job.call.deadline <= job.deadline;
    answer(job, make_error(error_type::timeout, std::string(job.exchange.name()) + ": " + what +
                                                    (own ? " before the time was up" : within)));
  };
  std::vector<JobPtr> gone;
  for (JobPtr& job : waiting_) {
    if (job->deadline <= now)
      gone.push_back(std::move(job));
    else
      next_expiry_ = std::min(next_expiry_, job->deadline);
  }
  if (!gone.empty()) std::erase(waiting_, nullptr);
  for (const JobPtr& job : gone) {
    if (refused_)
      answer(*job, *refused_);
    else
      late(*job, "there was no connection to Redis");
  }
  for (Link& link : links_) {
    for (JobPtr& job : link.in_flight) {
      if (job->reply && job->deadline <= now) late(*job, "Redis did not answer");
      if (job->reply) next_expiry_ = std::min(next_expiry_, job->deadline);
    }
    if (link.in_flight.empty()) continue;
    // Silent or stuck for so long: what comes later would be waited for in vain by all behind it. The first was sent a
    // moment after its deadline was set, so with that it goes.
    const Job& first = *link.in_flight.front();
    const Time stuck = first.sent + milliseconds(options_.command_timeout_ms);
    if (stuck <= now || (!first.reply && stuck <= now + slow)) {
      lose(link, "it did not answer" + within, std::nullopt);
    } else {
      next_expiry_ = std::min(next_expiry_, stuck);
    }
  }
}

int RedisLoop::wait_ms(Time now) {
  Time next = next_expiry_;
  bool can_connect = true;
  for (const Link& link : links_) {
    if (link.state == Link::State::connecting || link.state == Link::State::greeting) {
      next = std::min(next, link.give_up);
      can_connect = false;
    }
    // What waits goes to any connection that has room, or to another one when this one turns out slow.
    if (link.state == Link::State::ready) can_connect = false;
  }
  if (!waiting_.empty() && can_connect) next = std::min(next, next_attempt_);
  const std::lock_guard lock(mutex_);
  if (stopping_ || !incoming_.empty() || !stopped_.empty() || !opened_.empty()) return 0;
  if (next == Time::max()) {
    sleeping_ = true;
    return -1;
  }
  const auto left = std::chrono::ceil<milliseconds>(next - now).count();
  if (left <= 0) return 0;
  sleeping_ = true;
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

void RedisLoop::poll_once() {
  std::vector<pollfd> polled;
  polled.reserve(links_.size() + 1);
  polled.push_back(pollfd{wake_fd_, POLLIN, 0});
  std::vector<Link*> of;
  for (Link& link : links_) {
    if (!link.connection) continue;
    const int events = POLLIN | (link.connection->wants_to_write() ? POLLOUT : 0);
    polled.push_back(pollfd{link.connection->fd(), static_cast<short>(events), 0});
    of.push_back(&link);
  }
  if (::poll(polled.data(), polled.size(), wait_ms(Clock::now())) <= 0) return;
  if (polled[0].revents != 0) {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &ignored, sizeof ignored);
  }
  for (std::size_t i = 0; i < of.size(); ++i) {
    Link& link = *of[i];
    const int events = polled[i + 1].revents;
    if (events == 0 || !link.connection) continue;
    // First what came: after a failed write nothing can be read any more.
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) read(link);
    if ((events & POLLOUT) == 0 || !link.connection || link.connection->flush()) continue;
    lose(link, link.connection->trouble(), std::nullopt);
  }
}

void RedisLoop::shut_down() {
  std::vector<JobPtr> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(incoming_);
    opened_.clear();
  }
  for (JobPtr& job : waiting_) jobs.push_back(std::move(job));
  waiting_.clear();
  for (Link& link : links_) {
    link.connection.reset();
    for (JobPtr& job : link.in_flight) jobs.push_back(std::move(job));
    link.in_flight.clear();
  }
  for (const JobPtr& job : jobs) {
    if (job->reply) answer(*job, shut_down_error());
  }
}

}  // namespace fnstack::backends
