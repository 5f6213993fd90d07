// Perform: one effect to the backend it is for. Every driver goes through here, so an effect means the same thing
// everywhere. A Reply is made of the type that the backend wants, and only where one is wanted: `replies` makes it,
// called once with std::type_identity<T>.
#pragma once

#include <exception>
#include <memory>
#include <thread>
#include <type_traits>

#include <fnstack/driver.hpp>

namespace fnstack::drivers {

// The effects that need a clock are the driver's own: here they are answered after clock.sleep, inline.
template <class Replies>
void perform(Effect&& effect, const Call& call, const Backends& backends, Replies replies) {
  const auto refuse = [&replies](const char* type, std::string message) {
    replies(std::type_identity<Value>())(make_error(type, std::move(message)));
  };
  std::visit(
      [&](auto&& asked) {
        using T = std::decay_t<decltype(asked)>;
        if constexpr (std::is_same_v<T, HttpRequest>) {
          if (!backends.http) {
            return refuse(error_type::network,
                          "no HTTP client is set up; give EngineOptions::http one, such as curl_http()");
          }
          backends.http->send(std::move(asked), call, replies(std::type_identity<HttpResponse>()));
        } else if constexpr (std::is_same_v<T, CacheCommand>) {
          if (!backends.cache) {
            return refuse(error_type::cache, "no cache is set up; give EngineOptions::cache one");
          }
          backends.cache->send(std::move(asked), call, replies(std::type_identity<Value>()));
        } else if constexpr (std::is_same_v<T, DatabaseCommand>) {
          if (!backends.database) {
            return refuse(error_type::database, "no database is set up; give EngineOptions::database one");
          }
          backends.database->send(std::move(asked), call, replies(std::type_identity<Value>()));
        } else if constexpr (std::is_same_v<T, Sleep>) {
          const auto clock = backends.clock ? backends.clock : system_clock();
          clock->sleep(asked.duration_ms, call.stop);
          replies(std::type_identity<Value>())(Value());
        } else if constexpr (std::is_same_v<T, HostCall>) {
          const HostFunction* function = backends.host_function ? backends.host_function(asked.function) : nullptr;
          if (function == nullptr) {
            return refuse(error_type::unknown_function, "unknown custom function \"" + asked.function + "\"");
          }
          // What a host function throws is its own failure, not the run's. The reply it held is dropped while the
          // stack unwinds: that is not its answer, the handler below gives it.
          auto shared = std::make_shared<Reply<Value>>(replies(std::type_identity<Value>()));
          Reply<Value> answer([shared, thread = std::this_thread::get_id(),
                               unwinding = std::uncaught_exceptions()](Result<Value> result) {
            if (std::this_thread::get_id() == thread && std::uncaught_exceptions() > unwinding) return;
            (*shared)(std::move(result));
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
          refuse(error_type::function, "outside events are not performed by this driver");
        } else {
          static_assert(std::is_same_v<T, StartRun>);
          if (!backends.start_run) return refuse(error_type::function, "this driver starts no background tasks");
          replies(std::type_identity<Value>())(backends.start_run(std::move(asked)));
        }
      },
      std::move(effect));
}

}  // namespace fnstack::drivers
