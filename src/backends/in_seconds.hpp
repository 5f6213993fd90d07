// in_seconds: how messages of this folder say a length of time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace fnstack::backends {

// "0.3 s", "12 s": rounded up, so that whoever waits that long has waited long enough; tenths below ten seconds.
[[nodiscard]] inline std::string in_seconds(std::int64_t ms) {
  const std::int64_t tenths = (std::max<std::int64_t>(ms, 1) + 99) / 100;
  if (tenths >= 100) return std::to_string((tenths + 9) / 10) + " s";
  if (tenths % 10 == 0) return std::to_string(tenths / 10) + " s";
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace fnstack::backends
