// The protocol's two directions, by hiredis: commands into bytes, bytes from a stranger into replies. Touches no
// socket. Entry points: append_command, RedisReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "backends/redis_reply.hpp"

struct redisReader;

namespace fnstack::backends {

// Each argument goes out as the bytes it is. False: no memory.
bool append_command(std::string& out, std::initializer_list<std::string_view> arguments);

// Replies out of bytes, bounded: a reply has at most `max_bytes` bytes and a million elements, nested 7 deep.
class RedisReader {
 public:
  enum class Next { reply, need_more, garbage, too_big };

  explicit RedisReader(std::int64_t max_bytes);
  ~RedisReader();
  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;

  // False: no memory, or garbage before.
  bool feed(std::string_view bytes);
  // After garbage and too_big the reader is of no use any more.
  Next next(RedisReply& reply);

  // For who lets hiredis feed it: the reader itself, to be given back before this object goes; and how much came.
  [[nodiscard]] redisReader* raw() noexcept { return reader_; }
  void was_fed(std::size_t bytes) noexcept { received_ += bytes; }
  [[nodiscard]] std::size_t buffered() const noexcept;

 private:
  redisReader* reader_;
  const std::int64_t max_bytes_;
  std::size_t received_ = 0;  // since the last whole reply
  std::size_t elements_ = 0;  // of the reply that is being read
};

}  // namespace fnstack::backends
