// One table of the faults that a test program went through, printed when it ends. Entry point: note_fault().
#pragma once

#include <chrono>
#include <string>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>

namespace fnstack_test {

void note_fault(const std::string& name, const std::string& outcome, std::chrono::steady_clock::duration took);

// The outcome is the error's type, or the status.
inline void note_fault(const std::string& name, const fnstack::Result<fnstack::HttpResponse>& result,
                       std::chrono::steady_clock::time_point began) {
  note_fault(name, result.ok() ? std::to_string(result->status) : result.error().type,
             std::chrono::steady_clock::now() - began);
}

}  // namespace fnstack_test
