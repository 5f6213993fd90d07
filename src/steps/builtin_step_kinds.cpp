#include <memory>

#include "steps/steps.hpp"

namespace fnstack {

const StepKinds& builtin_step_kinds() {
  // Never destroyed: it would be the most of what a process does at its end.
  static const StepKinds* const kinds = [] {
    auto all = std::make_unique<StepKinds>();
#define X(name) static_cast<void>(all->add(steps::name()));
#include "steps/steps.def"
#undef X
    return all.release();
  }();
  return *kinds;
}

}  // namespace fnstack
