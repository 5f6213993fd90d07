// The proleptic Gregorian calendar: timestamps (epoch milliseconds) to dates and back, dates as text read and written.
// Time zones are offsets in milliseconds. Knows no values, no calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fnstack::expr {

inline constexpr std::int64_t ms_per_second = 1000;
inline constexpr std::int64_t ms_per_minute = 60 * ms_per_second;
inline constexpr std::int64_t ms_per_hour = 60 * ms_per_minute;
inline constexpr std::int64_t ms_per_day = 24 * ms_per_hour;
// ECMAScript's range of time values: 100,000,000 days around the epoch.
inline constexpr std::int64_t max_time = 100'000'000 * ms_per_day;

struct Calendar {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int weekday = 4;      // 0 is Sunday
  int day_of_year = 0;  // from 0
};
[[nodiscard]] Calendar to_calendar(std::int64_t time) noexcept;
[[nodiscard]] std::int64_t to_time(const Calendar& calendar) noexcept;  // by year, month, day and time of day
[[nodiscard]] int days_in_month(std::int64_t year, int month) noexcept;
// ISO 8601's week, and the year that it belongs to.
[[nodiscard]] int iso_week(const Calendar& calendar, std::int64_t& year) noexcept;
[[nodiscard]] std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept;

// "UTC", "Z", "+02:00", "-0530", "UTC+2". False: no such zone.
[[nodiscard]] bool read_zone(std::string_view text, std::int64_t& offset);
// ISO 8601, the dates of HTTP and mail, digits alone (milliseconds), now, today, yesterday, tomorrow. A text without
// a zone is in `zone`. False: it is none of these.
[[nodiscard]] bool read_time(std::string_view text, std::int64_t now, std::int64_t zone, std::int64_t& time);
// Text by a format of PHP's letters. Fields that the format lacks are those of the epoch, at midnight.
[[nodiscard]] bool read_format(std::string_view text, std::string_view format, std::int64_t zone, std::int64_t& time);
// By a format of PHP's letters; a backslash takes a letter's meaning away.
void append_format(std::string& out, std::string_view format, std::int64_t time, std::int64_t zone);

}  // namespace fnstack::expr
