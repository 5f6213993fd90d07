// TLS on a connection of hiredis, with the certificate checked against the host's name: hiredis itself does not look at
// the name. Entry point: start_tls. In builds without hiredis' library for TLS it answers with an error.
#pragma once

#include <optional>

#include <fnstack/backends/redis.hpp>

struct redisContext;

namespace fnstack::backends {

// Blocking, bounded by the context's own timeouts.
[[nodiscard]] std::optional<Error> start_tls(redisContext* context, const RedisOptions& options);

}  // namespace fnstack::backends
