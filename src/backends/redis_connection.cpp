#include "backends/redis_connection.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "backends/redis_tls.hpp"

namespace fnstack::backends {
namespace {

// hiredis moves the rest of its buffer to the front after every write: small portions keep that cheap.
constexpr std::size_t portion = std::size_t{256} << 10;
// hiredis reads 16 KB at a time. So many in a row before others have their turn.
constexpr int reads_in_a_row = 16;
constexpr std::size_t one_read = std::size_t{16} << 10;

// TLS writes without a flag against SIGPIPE: while this lives the thread gets none, unless one was due before.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigset_t due;
    sigpending(&due);
    if (sigismember(&due, SIGPIPE) == 1) return;
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    held_ = pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_) == 0;
  }
  ~NoSigpipe() {
    if (!held_) return;
    const timespec at_once{};
    while (sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool held_ = false;
};

Error cannot_connect(const RedisOptions& options, const std::string& why) {
  return make_error(error_type::cache, "can't connect to Redis at " + shown_address(options) + ": " + why);
}

}  // namespace

std::string shown_address(const RedisOptions& options) {
  if (!options.unix_socket.empty()) return "unix:" + options.unix_socket;
  const bool v6 = options.host.find(':') != std::string::npos;
  return (v6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisOptions& options) {
  timeval timeout{};
  timeout.tv_sec = static_cast<decltype(timeout.tv_sec)>(options.connect_timeout_ms / 1000);
  timeout.tv_usec = static_cast<decltype(timeout.tv_usec)>(options.connect_timeout_ms % 1000 * 1000);
  redisContext* context = options.unix_socket.empty()
                              ? redisConnectWithTimeout(options.host.c_str(), options.port, timeout)
                              : redisConnectUnixWithTimeout(options.unix_socket.c_str(), timeout);
  if (context == nullptr) return cannot_connect(options, "no memory");
  if (context->err != 0) {
    const std::string why(context->errstr);
    redisFree(context);
    return cannot_connect(options, why);
  }
  std::unique_ptr<RedisConnection> connection(new RedisConnection(context, options.max_reply_bytes));
  if (options.unix_socket.empty()) redisEnableKeepAlive(context);
  connection->tls_ = options.tls;
  if (options.tls) {
    redisSetTimeout(context, timeout);
    if (auto failed = start_tls(context, options)) return cannot_connect(options, failed->message);
  }
  ::fcntl(context->fd, F_SETFD, FD_CLOEXEC);
  const int flags = ::fcntl(context->fd, F_GETFL);
  if (flags < 0 || ::fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return cannot_connect(options, "the socket can't be made non-blocking");
  }
  context->flags &= ~REDIS_BLOCK;
  return connection;
}

RedisConnection::RedisConnection(redisContext* context, std::int64_t max_reply_bytes)
    : context_(context), reader_(max_reply_bytes) {
  redisReaderFree(context_->reader);
  context_->reader = reader_.raw();
}

RedisConnection::~RedisConnection() {
  context_->reader = nullptr;
  redisFree(context_);
}

int RedisConnection::fd() const noexcept { return static_cast<int>(context_->fd); }

bool RedisConnection::wants_to_write() const noexcept { return sent_ < out_.size(); }

bool RedisConnection::flush() {
  while (sent_ < out_.size()) {
    if (context_->err != 0) return false;
    if (!tls_) {
      // hiredis would copy it, and let a broken connection raise SIGPIPE in a thread that is not ours.
      const ssize_t done = ::send(fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
      if (done < 0) {
        trouble_ = std::generic_category().message(errno);
        return false;
      }
      sent_ += static_cast<std::size_t>(done);
      continue;
    }
    const NoSigpipe no_sigpipe;
    if (pending_ == 0) {
      const std::size_t size = std::min(portion, out_.size() - sent_);
      if (redisAppendFormattedCommand(context_, out_.data() + sent_, size) != REDIS_OK) return false;
      pending_ = size;
    }
    int done = 0;
    if (redisBufferWrite(context_, &done) != REDIS_OK) return false;
    if (done == 0) return true;
    sent_ += std::exchange(pending_, 0);
  }
  out_.clear();
  if (out_.capacity() > 4 * portion) out_.shrink_to_fit();
  sent_ = 0;
  return true;
}

bool RedisConnection::fill() {
  std::optional<NoSigpipe> no_sigpipe;
  if (tls_) no_sigpipe.emplace();
  for (int turn = 0; turn < reads_in_a_row; ++turn) {
    const std::size_t before = reader_.buffered();
    if (redisBufferRead(context_) != REDIS_OK) return false;
    const std::size_t got = reader_.buffered() - before;
    reader_.was_fed(got);
    if (got < one_read) break;
  }
  return true;
}

std::string RedisConnection::trouble() const {
  if (!trouble_.empty()) return trouble_;
  return context_->err != 0 ? context_->errstr : "the connection was lost";
}

}  // namespace fnstack::backends
