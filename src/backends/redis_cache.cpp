// The Redis cache as a Cache: commands are spelled on the sender's thread, the rest is the loop's.
#include <memory>
#include <optional>
#include <utility>

#include <fnstack/backends/redis.hpp>

#include "backends/loop_thread.hpp"
#include "backends/redis_commands.hpp"
#include "backends/redis_loop.hpp"

namespace fnstack {
namespace {

using backends::RedisLoop;

// To a loop, or to the thread around one.
template <class Target>
void send_to(Target& target, CacheCommand command, std::int64_t max_reply_bytes, const Call& call, Reply<Value> reply) {
  auto exchange = backends::RedisExchange::make(std::move(command), call.now_ms, max_reply_bytes);
  if (!exchange) return reply(std::move(exchange).error());
  target.send(RedisLoop::make_job(std::move(*exchange), call, std::move(reply)));
}

class LoopCache final : public Cache {
 public:
  LoopCache(std::int64_t max_reply_bytes, std::shared_ptr<RedisLoop> loop)
      : max_reply_bytes_(max_reply_bytes), loop_(std::move(loop)) {}

  void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
    send_to(*loop_, std::move(command), max_reply_bytes_, call, std::move(reply));
  }

 private:
  const std::int64_t max_reply_bytes_;
  const std::shared_ptr<RedisLoop> loop_;
};

class RedisCache final : public Cache {
 public:
  explicit RedisCache(RedisOptions options)
      : options_(std::make_shared<const RedisOptions>(std::move(options))),
        thread_(std::make_shared<backends::LoopThread<RedisLoop>>(
            "fnstack-redis", [options = options_] { return RedisLoop::open(options); })) {}
  ~RedisCache() override { thread_->stop(); }

  void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
    send_to(*thread_, std::move(command), options_->max_reply_bytes, call, std::move(reply));
  }

  // Without descriptors to be had none: the thread's way then says so to each command.
  OnLoop<Cache> on_loop() override {
    auto loop = RedisLoop::open(options_);
    if (!loop) return {};
    return {std::make_shared<LoopCache>(options_->max_reply_bytes, *loop), *loop};
  }

 private:
  const std::shared_ptr<const RedisOptions> options_;
  const std::shared_ptr<backends::LoopThread<RedisLoop>> thread_;
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
