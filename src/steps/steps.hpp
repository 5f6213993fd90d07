// One function for each built-in step kind, listed in steps.def; nothing registers itself, because a static
// library would drop it.
#pragma once

#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

// Cold: called once, one after another, so their code belongs side by side.
#define X(name) [[nodiscard, gnu::cold]] StepKind name();
#include "steps/steps.def"
#undef X

}  // namespace fnstack::steps
