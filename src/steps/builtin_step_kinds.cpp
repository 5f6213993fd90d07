#include "steps/steps.hpp"

namespace fnstack {

const StepKinds& builtin_step_kinds() {
  static const StepKinds kinds = [] {
    StepKinds all;
#define X(name) static_cast<void>(all.add(steps::name()));
#include "steps/steps.def"
#undef X
    return all;
  }();
  return kinds;
}

}  // namespace fnstack
