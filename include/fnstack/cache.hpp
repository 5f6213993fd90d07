// Cache: EXTENSION. Keys are bytes, values JSON text, as effect.hpp's CacheCommand says.
#pragma once

#include <functional>
#include <memory>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

namespace fnstack {

class Cache {
 public:
  virtual ~Cache() = default;
  // Any thread. Time for expiry and age is call.now_ms where the backend keeps time itself. Errors: `cache`, `limit`,
  // `timeout`, `validation`.
  virtual void send(CacheCommand command, const Call& call, Reply<Value> reply) = 0;
  // The same cache with connections of its own for one loop, if it can work on that loop's thread.
  [[nodiscard]] virtual OnLoop<Cache> on_loop() { return {}; }
};

// In this process, gone with it. Any thread.
[[nodiscard]] std::shared_ptr<Cache> memory_cache();
[[nodiscard]] std::shared_ptr<Cache> callback_cache(std::function<Result<Value>(const CacheCommand&)> answer);

}  // namespace fnstack
