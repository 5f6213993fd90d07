// One connection to Redis: opened blocking, then never blocking again. It moves bytes and reads replies; what they are
// for it does not know. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <fnstack/backends/redis.hpp>

#include "backends/redis_wire.hpp"

struct redisContext;

namespace fnstack::backends {

class RedisConnection {
 public:
  // Name resolution, connect and TLS: up to connect_timeout_ms for each, as far as the system lets it be bounded.
  [[nodiscard]] static Result<std::unique_ptr<RedisConnection>> open(const RedisOptions& options);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  [[nodiscard]] int fd() const noexcept;
  // Goes out with the next flush().
  void append(std::string_view bytes) { out_ += bytes; }
  [[nodiscard]] bool wants_to_write() const noexcept;
  // As much as the socket takes. False: the connection is lost.
  bool flush();
  // What there is, up to a bound that is fair to others. False: the connection is lost.
  bool fill();
  RedisReader::Next next(RedisReply& reply) { return reader_.next(reply); }
  // Why it was lost: "Server closed the connection".
  [[nodiscard]] std::string trouble() const;

 private:
  RedisConnection(redisContext* context, std::int64_t max_reply_bytes);

  redisContext* context_;
  RedisReader reader_;
  bool tls_ = false;
  std::string trouble_;  // why our own write failed
  std::string out_;
  std::size_t sent_ = 0;     // of out_, written
  std::size_t pending_ = 0;  // of out_ after sent_: hiredis has it but did not write all of it
};

// "127.0.0.1:6379", "unix:/run/redis.sock".
[[nodiscard]] std::string shown_address(const RedisOptions& options);

}  // namespace fnstack::backends
