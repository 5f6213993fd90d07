// One turn of the loop: take over what was sent and what other threads left, read what came, expire, hand waiting
// commands to connections, write. Sockets come first: an idle connection that died is seen before it is given work.
// Replies are called with no lock held; one may send again, stop other calls, or drop the cache.
#include "backends/redis_loop.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "backends/loop_thread.hpp"
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
// In the poll set, beside the numbers of the links.
constexpr std::uint32_t the_bell = std::numeric_limits<std::uint32_t>::max();

Error cache_error(std::string message) { return make_error(error_type::cache, std::move(message)); }

bool watch(int epoll_fd, int operation, int fd, std::uint32_t events, std::uint32_t number) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = number;
  return ::epoll_ctl(epoll_fd, operation, fd, &event) == 0;
}

}  // namespace

Error RedisLoop::start_failure(const std::string& why) {
  return cache_error("the Redis cache could not start: " + why);
}

Error RedisLoop::shut_down_error() { return make_error(error_type::cancelled, "the Redis cache was shut down"); }

Result<std::shared_ptr<RedisLoop>> RedisLoop::open(std::shared_ptr<const RedisOptions> options) {
  std::shared_ptr<RedisLoop> loop(new RedisLoop(std::move(options)));
  const int bell = loop->door_->bell.descriptor();
  if (loop->epoll_fd_ < 0 || bell < 0 || !watch(loop->epoll_fd_, EPOLL_CTL_ADD, bell, EPOLLIN, the_bell)) {
    return start_failure(std::generic_category().message(errno));
  }
  return loop;
}

RedisLoop::RedisLoop(std::shared_ptr<const RedisOptions> options)
    : options_(std::move(options)),
      address_(shown_address(*options_)),
      door_(std::make_shared<Door>()),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      links_(options_->connections),
      next_expiry_(Time::max()) {}

RedisLoop::~RedisLoop() {
  std::vector<Job> jobs = std::move(incoming_);
  for (Job& job : waiting_) jobs.push_back(std::move(job));
  for (Link& link : links_) {
    link.connection.reset();
    for (Job& job : link.in_flight) jobs.push_back(std::move(job));
  }
  for (const Job& job : jobs) {
    if (job->reply) answer(*job, shut_down_error());
  }
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

RedisLoop::Job RedisLoop::make_job(RedisExchange exchange, const Call& call, Reply<Value> reply) {
  return Job(new Command{std::move(exchange), call.stop, call.deadline, std::move(reply), Clock::now()});
}

void RedisLoop::refuse(Job job, Error error) { job->reply(std::move(error)); }

void RedisLoop::send(Job job) {
  job->size = job->exchange.bytes().size();
  if (outstanding_ >= options_->max_queue || (outstanding_ > 0 && outstanding_bytes_ + job->size > max_queue_bytes)) {
    refuse(std::move(job),
           cache_error("the queue to Redis is full: " + std::to_string(outstanding_) + " commands wait for an answer"));
    return;
  }
  ++outstanding_;
  outstanding_bytes_ += job->size;
  incoming_.push_back(std::move(job));
}

void RedisLoop::cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(door_->mutex);
    door_->stopped.push_back(id);
  }
  door_->bell.ring();
}

// ---- a turn

RedisLoop::Time RedisLoop::turn() {
  const auto self = shared_from_this();  // a reply may let go of it
  door_->bell.awake();
  take_over();
  poll_once(0);
  expire(Clock::now());
  hand_out();
  const Time next = next_turn();
  return door_->bell.may_sleep() ? next : Time::min();
}

void RedisLoop::wait_and_turn() {
  const auto self = shared_from_this();
  take_over();
  expire(Clock::now());
  hand_out();
  int wait_ms = 0;
  const Time next = next_turn();
  if (next == Time::max()) {
    wait_ms = -1;
  } else if (next != Time::min()) {
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
    wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }
  poll_once(wait_ms != 0 && door_->bell.may_sleep() ? wait_ms : 0);
  door_->bell.awake();
}

void RedisLoop::take_over() {
  std::vector<std::uint64_t> stopped;
  std::vector<Opened> connections;
  {
    const std::lock_guard lock(door_->mutex);
    stopped.swap(door_->stopped);
    connections.swap(door_->opened);
  }
  for (Opened& connection : connections) opened(std::move(connection));
  std::vector<Job> jobs;
  jobs.swap(incoming_);
  for (Job& job : jobs) accept(std::move(job));
  for (const std::uint64_t id : stopped) give_up(id);
}

void RedisLoop::accept(Job job) {
  if (job->stop.stop_requested()) return answer(*job, make_error(error_type::cancelled, "cancelled"));
  if (job->call_deadline <= job->received) {
    return answer(*job, make_error(error_type::timeout, "cache: the time was up before the command was sent to Redis"));
  }
  job->id = next_id_++;
  job->deadline = std::min(job->call_deadline, job->received + milliseconds(options_->command_timeout_ms));
  next_expiry_ = std::min(next_expiry_, job->deadline);
  Command& accepted = *job;
  waiting_.push_back(std::move(job));
  // Requested already: it is called here and now, and heard with the next turn.
  if (accepted.stop.stop_possible()) accepted.on_stop.emplace(accepted.stop, Stop{this, accepted.id});
}

// ---- connecting

void RedisLoop::connect(std::size_t at) {
  Link& link = links_[at];
  link.state = Link::State::connecting;
  link.give_up = Clock::now() + milliseconds(options_->connect_timeout_ms);
  link.answered_once = false;
  const std::uint64_t attempt = ++link.attempt;
  try {
    const WithoutSignals without;  // writing to a closed connection gives an error then rather than SIGPIPE
    std::thread([door = door_, options = options_, at, attempt] {
      pthread_setname_np(pthread_self(), "fnstack-connect");
      auto connection = RedisConnection::open(*options);
      {
        const std::lock_guard lock(door->mutex);
        door->opened.push_back(Opened{at, attempt, std::move(connection)});
      }
      door->bell.ring();
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
  link.waits_to_write = false;
  if (!watch(epoll_fd_, EPOLL_CTL_ADD, link.connection->fd(), EPOLLIN, static_cast<std::uint32_t>(opened.link))) {
    connecting_failed(link, start_failure(std::generic_category().message(errno)));
    return;
  }
  greet(link);
}

void RedisLoop::greet(Link& link) {
  std::string bytes;
  if (!options_->password.empty()) {
    link.greeting.push_back("AUTH");
    const bool formatted = options_->user.empty() ? append_command(bytes, {"AUTH", options_->password})
                                                  : append_command(bytes, {"AUTH", options_->user, options_->password});
    if (!formatted) throw std::bad_alloc();
  }
  if (options_->database != 0) {
    link.greeting.push_back("SELECT");
    if (!append_command(bytes, {"SELECT", std::to_string(options_->database)})) throw std::bad_alloc();
  }
  if (link.greeting.empty()) {
    link.state = Link::State::ready;
    return;
  }
  link.state = Link::State::greeting;
  link.connection->append(bytes);
  flush(link);
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
  std::deque<Job> jobs;
  jobs.swap(waiting_);
  for (const Job& job : jobs) answer(*job, error);
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
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    transmit(*link, std::move(job));
  }
  for (Link& link : links_) {
    if (link.state == Link::State::ready && link.connection->wants_to_write()) flush(link);
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

void RedisLoop::transmit(Link& link, Job job) {
  job->sent = Clock::now();
  job->replies.clear();
  link.connection->append(job->exchange.bytes());
  link.in_flight.push_back(std::move(job));
}

void RedisLoop::flush(Link& link) {
  if (!link.connection->flush()) {
    lose(link, link.connection->trouble(), std::nullopt);
    return;
  }
  if (link.connection->wants_to_write() == link.waits_to_write) return;
  link.waits_to_write = !link.waits_to_write;
  const std::uint32_t events = EPOLLIN | (link.waits_to_write ? EPOLLOUT : 0U);
  watch(epoll_fd_, EPOLL_CTL_MOD, link.connection->fd(), events, static_cast<std::uint32_t>(&link - links_.data()));
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
                                       "a reply of Redis is larger than " + std::to_string(options_->max_reply_bytes) +
                                           " bytes (max_reply_bytes) or has more than a million parts")
                          : cache_error(address_ + " answered with what is no reply of Redis' protocol");
    lose(link, why, std::move(error));
    return;
  }
  if (link.connection && !alive) lose(link, link.connection->trouble(), std::nullopt);
}

void RedisLoop::replied(Link& link, RedisReply reply) {
  Command& job = *link.in_flight.front();
  job.replies.push_back(std::move(reply));
  if (job.replies.size() < job.exchange.replies()) return;
  link.answered_once = true;
  failures_ = 0;
  refused_.reset();
  Job owned = std::move(link.in_flight.front());
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
  std::deque<Job> jobs;
  jobs.swap(link.in_flight);
  std::vector<Job> again;
  for (Job& job : jobs) {
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

void RedisLoop::answer(Command& job, Result<Value> result) {
  --outstanding_;
  outstanding_bytes_ -= job.size;
  job.on_stop.reset();
  Reply<Value> reply = std::move(job.reply);
  reply(std::move(result));
}

// ---- time

void RedisLoop::give_up(std::uint64_t id) {
  const auto is_it = [id](const Job& job) { return job->id == id; };
  const auto stopped = make_error(error_type::cancelled, "cancelled");
  if (const auto found = std::find_if(waiting_.begin(), waiting_.end(), is_it); found != waiting_.end()) {
    const Job job = std::move(*found);
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
                                          std::to_string(options_->connect_timeout_ms) + " ms"));
    }
  }
  if (now < next_expiry_) return;
  // Seldom: deadlines lie seconds ahead, and the soonest one moves on with every look.
  next_expiry_ = Time::max();
  const std::string within = " within " + std::to_string(options_->command_timeout_ms) + " ms";
  const auto late = [&](Command& job, const char* what) {
    const bool own = job.call_deadline <= job.deadline;
    answer(job, make_error(error_type::timeout, std::string(job.exchange.name()) + ": " + what +
                                                    (own ? " before the time was up" : within)));
  };
  std::vector<Job> gone;
  for (Job& job : waiting_) {
    if (job->deadline <= now)
      gone.push_back(std::move(job));
    else
      next_expiry_ = std::min(next_expiry_, job->deadline);
  }
  if (!gone.empty()) std::erase(waiting_, nullptr);
  for (const Job& job : gone) {
    if (refused_)
      answer(*job, *refused_);
    else
      late(*job, "there was no connection to Redis");
  }
  for (Link& link : links_) {
    for (Job& job : link.in_flight) {
      if (job->reply && job->deadline <= now) late(*job, "Redis did not answer");
      if (job->reply) next_expiry_ = std::min(next_expiry_, job->deadline);
    }
    if (link.in_flight.empty()) continue;
    // Silent or stuck for so long: what comes later would be waited for in vain by all behind it. The first was sent a
    // moment after its deadline was set, so with that it goes.
    const Command& first = *link.in_flight.front();
    const Time stuck = first.sent + milliseconds(options_->command_timeout_ms);
    if (stuck <= now || (!first.reply && stuck <= now + slow)) {
      lose(link, "it did not answer" + within, std::nullopt);
    } else {
      next_expiry_ = std::min(next_expiry_, stuck);
    }
  }
}

// min(): at once.
RedisLoop::Time RedisLoop::next_turn() const {
  if (!incoming_.empty()) return Time::min();
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
  return next;
}

void RedisLoop::poll_once(int timeout_ms) {
  std::array<epoll_event, 16> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u32 == the_bell) {
      door_->bell.silence();
      continue;
    }
    Link& link = links_[event.data.u32];
    // First what came: after a failed write nothing can be read any more.
    if (link.connection && (event.events & ~EPOLLOUT) != 0) read(link);
    if (link.connection && (event.events & EPOLLOUT) != 0) flush(link);
  }
}

}  // namespace fnstack::backends
