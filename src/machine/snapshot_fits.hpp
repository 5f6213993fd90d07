// A state that was read from bytes nobody vouches for: does it fit together? Each strand, join and call that another
// names has to be there, as what it is named for, and to stand at an instruction of its kind: what is executed later
// relies on it.
#pragma once

#include "machine/machine_state.hpp"

namespace fnstack::machine {

[[nodiscard]] bool fits(const Machine::State& state);

}  // namespace fnstack::machine
