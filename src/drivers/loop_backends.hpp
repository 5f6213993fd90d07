// LoopBackends: the backends of one loop. Those that can do their work on its thread do so, with connections of their
// own; the others are the ones that all share.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include <fnstack/driver.hpp>

#include "drivers/inbox.hpp"

namespace fnstack::drivers {

struct LoopBackends {
  Backends backends;
  std::array<std::shared_ptr<LoopWork>, 3> works;  // by Counted; null: not on the loop's thread

  [[nodiscard]] bool any_works() const noexcept {
    return std::any_of(works.begin(), works.end(), [](const auto& work) { return work != nullptr; });
  }
};

[[nodiscard]] inline LoopBackends backends_of_loop(const Backends& shared) {
  LoopBackends own{shared, {}};
  const auto take_over = [&](auto& backend, Counted counted) {
    if (!backend) return;
    auto on_loop = backend->on_loop();
    if (!on_loop.backend) return;
    backend = std::move(on_loop.backend);
    own.works[static_cast<std::size_t>(counted)] = std::move(on_loop.work);
  };
  take_over(own.backends.http, Counted::http);
  take_over(own.backends.cache, Counted::cache);
  return own;
}

}  // namespace fnstack::drivers
