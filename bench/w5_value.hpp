// What both sides of W5 find in the cache. bench_redis puts it there.
#pragma once

#include <string>

namespace bench {

inline constexpr const char* cached_key = "rates";

// JSON of about 1 KB.
inline std::string cached_value() {
  std::string text = R"({"age":17,"items":[)";
  for (int i = 0; i < 20; ++i) {
    if (i > 0) text += ',';
    text += R"({"id":)" + std::to_string(1000 + i) + R"(,"name":"Item number )" + std::to_string(i) + R"(","ok":true})";
  }
  return text + "]}";
}

}  // namespace bench
