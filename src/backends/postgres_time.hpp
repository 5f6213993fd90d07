// Dates and times between PostgreSQL's text (ISO, UTC) and microseconds since 1970. Knows no column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fnstack::backends {

// "2024-02-29", "2024-02-29 12:30:00.25", "2024-02-29T12:30:00Z", "… +02:00", "… BC"; without a zone it is UTC.
// Nothing for anything else, "infinity" among it. Beyond microseconds, digits are cut.
[[nodiscard]] std::optional<std::int64_t> read_timestamp(std::string_view text) noexcept;

// "2024-02-29 12:30:00.25+00". Nothing beyond the years that PostgreSQL has.
[[nodiscard]] std::optional<std::string> write_timestamp(std::int64_t microseconds);
[[nodiscard]] std::optional<std::string> write_timestamp_ms(std::int64_t milliseconds);

// Towards the past, also before 1970.
[[nodiscard]] constexpr std::int64_t floor_divide(std::int64_t number, std::int64_t by) noexcept {
  return number / by - (number % by < 0 ? 1 : 0);
}

}  // namespace fnstack::backends
