// Drivers: the loop between a machine and the backends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <fnstack/backend.hpp>
#include <fnstack/cache.hpp>
#include <fnstack/clock.hpp>
#include <fnstack/database.hpp>
#include <fnstack/http.hpp>
#include <fnstack/machine.hpp>
#include <fnstack/observer.hpp>

namespace fnstack {

// Performs one call of a host function; answers once.
using HostFunction = std::function<void(Value arguments, const Call& call, Reply<Value> reply)>;

// All that effects need. A missing backend makes its effects errors that say so.
struct Backends {
  std::shared_ptr<HttpClient> http = {};
  std::shared_ptr<Cache> cache = {};
  std::shared_ptr<Database> database = {};
  std::shared_ptr<Clock> clock = {};  // none: the system's
  std::function<const HostFunction*(std::string_view name)> host_function = {};
  std::function<Result<Value>(StartRun)> start_run = {};  // takes the run over; its id
  std::vector<std::shared_ptr<Observer>> observers = {};
};

// Asks the backend that the effect is for. Sleep, host calls and started runs too, so that every driver and
// wrapper performs in one way; a Sleep answers inline after clock.sleep.
void perform(Effect effect, const Call& call, const Backends& backends, Reply<EffectReply> reply);

struct DriveOptions {
  std::stop_token stop = {};         // cancels the run
  std::int64_t wall_s = 300;         // without time spent in Wait; the run then ends as failed, type `limit`
  std::int64_t timeout_ms = 0;       // of everything, by the real clock; 0: none; failed, type `limit`
  const SecretMask* mask = nullptr;  // applied to what observers are told
};

// Runs the machine on the caller's thread to its end. Effects of several strands are under way together.
// The answer is the machine's outcome; a machine with a fault answers with a failed outcome saying so.
[[nodiscard]] Outcome run_blocking(Machine& machine, const Backends& backends, const DriveOptions& options = {});

}  // namespace fnstack
