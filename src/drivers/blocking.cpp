// The blocking driver: one machine on the caller's thread.
#include <fnstack/driver.hpp>

#include "drivers/run_loop.hpp"

namespace fnstack {

Outcome run_blocking(Machine& machine, const Backends& backends, const DriveOptions& options) {
  drivers::NewRun run;
  run.machine = std::move(machine);
  run.give_back = &machine;
  run.stop = options.stop;
  run.timeout_ms = options.timeout_ms;
  run.wall_s = options.wall_s;
  return drivers::run_here(std::move(run), backends, {.mask = options.mask});
}

}  // namespace fnstack
