// The Redis cache as a Cache: commands are spelled on the sender's thread, the rest is the loop's.
#include <memory>
#include <optional>
#include <utility>

#include <fnstack/backends/redis.hpp>

#include "backends/redis_commands.hpp"
#include "backends/redis_loop.hpp"

namespace fnstack {
namespace {

class RedisCache final : public Cache {
 public:
  explicit RedisCache(RedisOptions options)
      : max_reply_bytes_(options.max_reply_bytes), loop_(std::make_shared<backends::RedisLoop>(std::move(options))) {}
  ~RedisCache() override { loop_->stop(); }

  void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
    auto exchange = backends::RedisExchange::make(std::move(command), call.now_ms, max_reply_bytes_);
    if (!exchange) {
      reply(std::move(exchange).error());
      return;
    }
    loop_->send(std::move(*exchange), call, std::move(reply));
  }

 private:
  const std::int64_t max_reply_bytes_;
  const std::shared_ptr<backends::RedisLoop> loop_;
};

// What a cache with wrong options is.
class WrongCache final : public Cache {
 public:
  explicit WrongCache(Error error) : error_(std::move(error)) {}
  void send(CacheCommand, const Call&, Reply<Value> reply) override { reply(error_); }

 private:
  const Error error_;
};

}  // namespace

std::shared_ptr<Cache> redis_cache(RedisOptions options) {
  if (auto fine = check(options); !fine) return std::make_shared<WrongCache>(std::move(fine).error());
  return std::make_shared<RedisCache>(std::move(options));
}

}  // namespace fnstack
