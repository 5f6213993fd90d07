// Perform: one effect to the backend it is for. Every driver and wrapper goes through here, so an effect means the
// same thing everywhere.
#include <exception>
#include <thread>
#include <type_traits>

#include <fnstack/driver.hpp>

namespace fnstack {

namespace {

// A backend's reply as the machine takes it.
template <class T>
Reply<T> forward(Reply<EffectReply> reply) {
  return Reply<T>([reply = std::move(reply)](Result<T> result) mutable {
    if (result.ok()) {
      reply(EffectReply(std::move(*result)));
    } else {
      reply(std::move(result).error());
    }
  });
}

Error missing(const char* type, const char* what, const char* cure) {
  return make_error(type, std::string("no ") + what + " is set up; " + cure);
}

}  // namespace

void perform(Effect effect, const Call& call, const Backends& backends, Reply<EffectReply> reply) {
  std::visit(
      [&](auto&& asked) {
        using T = std::decay_t<decltype(asked)>;
        if constexpr (std::is_same_v<T, HttpRequest>) {
          if (!backends.http)
            return reply(
                missing(error_type::network, "HTTP client", "give EngineOptions::http one, such as curl_http()"));
          backends.http->send(std::move(asked), call, forward<HttpResponse>(std::move(reply)));
        } else if constexpr (std::is_same_v<T, CacheCommand>) {
          if (!backends.cache) return reply(missing(error_type::cache, "cache", "give EngineOptions::cache one"));
          backends.cache->send(std::move(asked), call, forward<Value>(std::move(reply)));
        } else if constexpr (std::is_same_v<T, DatabaseCommand>) {
          if (!backends.database)
            return reply(missing(error_type::database, "database", "give EngineOptions::database one"));
          backends.database->send(std::move(asked), call, forward<Value>(std::move(reply)));
        } else if constexpr (std::is_same_v<T, Sleep>) {
          const auto clock = backends.clock ? backends.clock : system_clock();
          clock->sleep(asked.duration_ms, call.stop);
          reply(EffectReply(Value()));
        } else if constexpr (std::is_same_v<T, HostCall>) {
          const HostFunction* function = backends.host_function ? backends.host_function(asked.function) : nullptr;
          if (function == nullptr) {
            return reply(
                make_error(error_type::unknown_function, "unknown custom function \"" + asked.function + "\""));
          }
          // What a host function throws is its own failure, not the run's. The reply it held is dropped while the
          // stack unwinds: that is not its answer, the handler below gives it.
          auto shared = std::make_shared<Reply<EffectReply>>(std::move(reply));
          Reply<Value> answer([shared, thread = std::this_thread::get_id(),
                               unwinding = std::uncaught_exceptions()](Result<Value> result) {
            if (std::this_thread::get_id() == thread && std::uncaught_exceptions() > unwinding) return;
            if (result.ok()) {
              (*shared)(EffectReply(std::move(*result)));
            } else {
              (*shared)(std::move(result).error());
            }
          });
          try {
            (*function)(std::move(asked.arguments), call, std::move(answer));
          } catch (const std::bad_alloc&) {
            throw;
          } catch (const std::exception& problem) {
            (*shared)(make_error(error_type::function, asked.function + ": " + problem.what()));
          } catch (...) {
            (*shared)(make_error(error_type::function, asked.function + ": threw something that is no exception"));
          }
        } else if constexpr (std::is_same_v<T, AwaitEvent>) {
          reply(make_error(error_type::function, "outside events are not performed by this driver"));
        } else {
          static_assert(std::is_same_v<T, StartRun>);
          if (!backends.start_run)
            return reply(make_error(error_type::function, "this driver starts no background tasks"));
          auto started = backends.start_run(std::move(asked));
          if (!started) return reply(std::move(started).error());
          reply(EffectReply(std::move(*started)));
        }
      },
      std::move(effect));
}

}  // namespace fnstack
