// One function for each built-in step kind, listed in steps.def; nothing registers itself, because a static
// library would drop it.
#pragma once

#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

#define X(name) [[nodiscard]] StepKind name();
#include "steps/steps.def"
#undef X

}  // namespace fnstack::steps
