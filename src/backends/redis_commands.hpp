// RedisExchange: one CacheCommand as what goes to Redis and what its replies mean. Touches no socket and knows no
// thread: whoever has a connection sends bytes(), collects as many replies and gives them to advance().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>

#include "backends/redis_reply.hpp"

namespace fnstack::backends {

class RedisExchange {
 public:
  // Errors: `validation`. `max_bytes` bounds what `keys` collects.
  [[nodiscard]] static Result<RedisExchange> make(CacheCommand command, std::int64_t now_ms, std::int64_t max_bytes);

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t replies() const noexcept { return expected_; }
  // All replies to bytes(). The answer; or nothing: there are new bytes() to send.
  [[nodiscard]] std::optional<Result<Value>> advance(std::vector<RedisReply>& replies);
  // May be sent again although it may have been performed. After that begin with restart().
  [[nodiscard]] bool repeatable() const noexcept;
  void restart();
  // For messages: "get".
  [[nodiscard]] std::string_view name() const noexcept;

 private:
  RedisExchange(CacheCommand command, std::int64_t now_ms, std::int64_t max_bytes);

  void send(std::initializer_list<std::string_view> arguments);
  void first_round();
  std::optional<Result<Value>> refused(const RedisReply& reply);
  std::optional<Result<Value>> got(const std::vector<RedisReply>& replies);
  std::optional<Result<Value>> scanned(RedisReply& reply);
  Result<Value> wrong_type(const RedisReply& type) const;
  Result<Value> counted(const RedisReply& reply) const;
  Result<Value> rate_limited(const RedisReply& reply) const;
  Result<Value> listed(RedisReply& reply) const;

  CacheCommand command_;
  std::int64_t now_ms_;
  std::int64_t max_bytes_;
  std::string bytes_;
  std::size_t expected_ = 0;
  bool asks_type_ = false;          // what went out last is TYPE, to explain a refusal
  std::vector<std::string> found_;  // keys: so far
  std::int64_t found_bytes_ = 0;
};

}  // namespace fnstack::backends
