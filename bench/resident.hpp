// How much memory of this process is in RAM.
#pragma once

#include <unistd.h>

#include <cstdio>

namespace bench {

inline double resident_bytes() {
  long total = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}
inline double resident_mb() { return resident_bytes() / 1048576.0; }

}  // namespace bench
