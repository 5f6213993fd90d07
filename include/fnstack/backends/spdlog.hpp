// An observer that writes log lines (component fnstack::spdlog).
//
//   options.observers.push_back(fnstack::spdlog_observer(spdlog::default_logger()));
#pragma once

#include <memory>

#include <fnstack/observer.hpp>

namespace spdlog {
class logger;
}

namespace fnstack {

// One line an event. Levels: `info` what a definition logs, and a run's end; `error` a run that failed; `warn` a
// caught error, a warning, a cancelled run; `debug` effects and a run's start; `trace` steps. The logger's own level
// decides which are written, and costs nothing for the others. Texts are masked as all events are, controls are
// escaped, and a line is cut at 8 KiB. Any thread, if the logger's sinks are of the _mt kind.
[[nodiscard]] std::shared_ptr<Observer> spdlog_observer(std::shared_ptr<spdlog::logger> logger);

}  // namespace fnstack
