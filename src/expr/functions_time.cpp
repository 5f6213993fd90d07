// Functions on time. A timestamp is epoch milliseconds; text in ISO 8601, as HTTP writes dates, or made of digits
// stands for one wherever a timestamp is expected. Time zones are UTC and fixed offsets; formats are PHP's letters.
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include <fnstack/json.hpp>

#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::time {
namespace {

constexpr std::int64_t ms_per_second = 1000;
constexpr std::int64_t ms_per_minute = 60 * ms_per_second;
constexpr std::int64_t ms_per_hour = 60 * ms_per_minute;
constexpr std::int64_t ms_per_day = 24 * ms_per_hour;
// ECMAScript's range of time values: 100,000,000 days around the epoch.
constexpr std::int64_t max_time = 100'000'000 * ms_per_day;

constexpr std::array<std::string_view, 12> month_names = {"January",   "February", "March",    "April",
                                                          "May",       "June",     "July",     "August",
                                                          "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) noexcept { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(std::int64_t year, int month) noexcept {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant's days_from_civil).
std::int64_t days_from_civil(std::int64_t year, int month, int day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_divide(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

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

Calendar to_calendar(std::int64_t time) noexcept {
  Calendar out;
  const std::int64_t days = floor_divide(time, ms_per_day);
  auto rest = static_cast<int>(time - days * ms_per_day);
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = floor_divide(shifted, 146097);
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  out.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  out.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  out.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  out.day_of_year = static_cast<int>(days - days_from_civil(out.year, 1, 1));
  out.millisecond = rest % 1000;
  rest /= 1000;
  out.second = rest % 60;
  rest /= 60;
  out.minute = rest % 60;
  out.hour = rest / 60;
  return out;
}

std::int64_t to_time(const Calendar& calendar) noexcept {
  return days_from_civil(calendar.year, calendar.month, calendar.day) * ms_per_day + calendar.hour * ms_per_hour +
         calendar.minute * ms_per_minute + calendar.second * ms_per_second + calendar.millisecond;
}

bool is_real(const Calendar& c) noexcept {
  return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= days_in_month(c.year, c.month) && c.hour >= 0 &&
         c.hour <= 23 && c.minute >= 0 && c.minute <= 59 && c.second >= 0 && c.second <= 59;
}

// ---- Reading. A cursor over the text; each step answers whether it fitted.

struct Cursor {
  std::string_view text;

  bool literal(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  bool digits(std::size_t least, std::size_t most, int& value) {
    std::size_t count = 0;
    value = 0;
    while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9') {
      value = value * 10 + (text[count++] - '0');
    }
    text.remove_prefix(count);
    return count >= least;
  }
  // A name of the table, whole or its first three letters, in any case.
  template <std::size_t size>
  bool name(const std::array<std::string_view, size>& names, bool whole, int& index) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t length = whole ? names[i].size() : 3;
      if (text.size() < length) continue;
      if (to_lower(text.substr(0, length)) == to_lower(names[i].substr(0, length))) {
        text.remove_prefix(length);
        index = static_cast<int>(i);
        return true;
      }
    }
    return false;
  }
};

// "Z", "UTC", "GMT", "+02:00", "-0530", "+02", "UTC+2". False: no such zone.
bool read_offset(Cursor& cursor, std::int64_t& offset) {
  offset = 0;
  if (cursor.literal('Z') || cursor.literal('z')) return true;
  const std::string head = to_upper(cursor.text.substr(0, 3));
  if (head == "UTC" || head == "GMT") {
    cursor.text.remove_prefix(3);
    if (cursor.text.empty() || (cursor.text[0] != '+' && cursor.text[0] != '-')) return true;
  }
  const bool negative = cursor.text.starts_with('-');
  if (!cursor.literal('+') && !cursor.literal('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!cursor.digits(1, 2, hours)) return false;
  if (cursor.literal(':')) {
    if (!cursor.digits(2, 2, minutes)) return false;
  } else if (!cursor.text.empty() && cursor.text[0] >= '0' && cursor.text[0] <= '9') {
    if (!cursor.digits(2, 2, minutes)) return false;
  }
  if (hours > 23 || minutes > 59) return false;
  offset = (hours * 60 + minutes) * ms_per_minute * (negative ? -1 : 1);
  return true;
}

bool read_zone(std::string_view text, std::int64_t& offset) {
  Cursor cursor{trim(text)};
  return read_offset(cursor, offset) && cursor.text.empty();
}

// Hours, minutes, and seconds with a fraction if they are there.
bool read_clock(Cursor& cursor, Calendar& out) {
  if (!cursor.digits(2, 2, out.hour) || !cursor.literal(':') || !cursor.digits(2, 2, out.minute)) return false;
  if (!cursor.literal(':')) return true;
  if (!cursor.digits(2, 2, out.second)) return false;
  if (!cursor.literal('.') && !cursor.literal(',')) return true;
  int scale = 100;
  std::size_t count = 0;
  while (!cursor.text.empty() && cursor.text[0] >= '0' && cursor.text[0] <= '9') {
    out.millisecond += (cursor.text[0] - '0') * scale;
    scale /= 10;
    cursor.text.remove_prefix(1);
    ++count;
  }
  return count > 0;
}

// 2024-02-29, 2024-02, 2024, with T or a blank and a time of day, a zone if there is one (else UTC).
bool read_iso(std::string_view text, std::int64_t& time, std::int64_t zone) {
  Cursor cursor{text};
  Calendar out;
  bool negative = false;
  int year = 0;
  if (text.starts_with('+') || text.starts_with('-')) {  // ECMAScript's expanded years
    negative = text.starts_with('-');
    cursor.text.remove_prefix(1);
    if (!cursor.digits(6, 6, year)) return false;
  } else if (!cursor.digits(4, 4, year)) {
    return false;
  }
  out.year = negative ? -year : year;
  if (cursor.literal('-')) {
    if (!cursor.digits(2, 2, out.month)) return false;
    if (cursor.literal('-') && !cursor.digits(2, 2, out.day)) return false;
  } else if (!cursor.text.empty()) {
    return false;
  }
  std::int64_t offset = zone;
  bool end_of_day = false;
  if (!cursor.text.empty()) {
    if (!cursor.literal('T') && !cursor.literal('t') && !cursor.literal(' ')) return false;
    if (!read_clock(cursor, out)) return false;
    end_of_day = out.hour == 24 && out.minute == 0 && out.second == 0 && out.millisecond == 0;
    if (end_of_day) out.hour = 0;
    cursor.literal(' ');
    if (!cursor.text.empty() && !read_offset(cursor, offset)) return false;
  }
  if (!cursor.text.empty() || !is_real(out)) return false;
  time = to_time(out) - offset + (end_of_day ? ms_per_day : 0);
  return true;
}

// The three forms of HTTP's dates (RFC 9110 section 5.6.7), and those of mail with an offset instead of GMT.
bool read_http(std::string_view text, std::int64_t& time) {
  Cursor cursor{text};
  Calendar out;
  int ignored = 0;
  int year = 0;
  std::int64_t offset = 0;
  if (cursor.name(day_names, true, ignored) || cursor.name(day_names, false, ignored)) {
    if (!cursor.literal(',')) {  // asctime: Sun Nov  6 08:49:37 1994
      if (!cursor.literal(' ') || !cursor.name(month_names, false, out.month) || !cursor.literal(' ')) return false;
      ++out.month;
      cursor.literal(' ');
      if (!cursor.digits(1, 2, out.day) || !cursor.literal(' ') || !read_clock(cursor, out)) return false;
      if (!cursor.literal(' ') || !cursor.digits(4, 4, year) || !cursor.text.empty()) return false;
      out.year = year;
      if (!is_real(out)) return false;
      time = to_time(out);
      return true;
    }
    if (!cursor.literal(' ')) return false;
  }
  if (!cursor.digits(1, 2, out.day)) return false;
  if (!cursor.literal(' ') && !cursor.literal('-')) return false;
  if (!cursor.name(month_names, false, out.month)) return false;
  ++out.month;
  if (!cursor.literal(' ') && !cursor.literal('-')) return false;
  const std::size_t before = cursor.text.size();
  if (!cursor.digits(2, 4, year)) return false;
  if (before - cursor.text.size() == 2) year += year < 70 ? 2000 : 1900;  // RFC 850
  out.year = year;
  if (!cursor.literal(' ') || !read_clock(cursor, out)) return false;
  if (!cursor.literal(' ') || !read_offset(cursor, offset) || !cursor.text.empty() || !is_real(out)) return false;
  time = to_time(out) - offset;
  return true;
}

// Text as a point in time; false: it is none.
bool read_time(std::string_view text, std::int64_t now, std::int64_t zone, std::int64_t& time) {
  text = trim(text);
  if (text.empty() || text.size() > 64) return false;
  if (read_iso(text, time, zone) || read_http(text, time)) return true;
  const std::string word = to_lower(text);
  const std::int64_t today = floor_divide(now + zone, ms_per_day) * ms_per_day - zone;
  if (word == "now") {
    time = now;
  } else if (word == "today" || word == "midnight") {
    time = today;
  } else if (word == "yesterday") {
    time = today - ms_per_day;
  } else if (word == "tomorrow") {
    time = today + ms_per_day;
  } else {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, time);
    return read.ec == std::errc() && read.ptr == end && text.size() > 4;  // four digits are a year
  }
  return true;
}

// The argument as a timestamp. 0 with a failed reader if it is none.
std::int64_t timestamp_at(Invocation& call, Reader& in, std::size_t position, std::int64_t zone = 0) {
  const Value& value = call[position];
  std::int64_t time = 0;
  if (value.is_number()) {
    const double number = value.as_number();
    if (std::fabs(number) > static_cast<double>(max_time)) {
      in.fail("the timestamp is beyond the range of dates");
      return 0;
    }
    return value.is_integer() ? value.as_integer() : static_cast<std::int64_t>(std::floor(number));
  }
  if (!value.is_string()) {
    in.expected("a timestamp (milliseconds) or a date as text", position, {});
    return 0;
  }
  if (!read_time(value.as_string(), call.scope().now_ms, zone, time)) {
    in.fail("the text is no date that can be read; expected one like 2024-02-29T12:00:00Z");
    return 0;
  }
  if (time > max_time || time < -max_time) {
    in.fail("the timestamp is beyond the range of dates");
    return 0;
  }
  return time;
}

std::int64_t zone_at(Invocation& call, Reader& in, std::size_t position) {
  std::int64_t offset = 0;
  if (call[position].is_null()) return 0;
  const std::string_view text = in.text(position, "the time zone");
  if (!in.failed() && !read_zone(text, offset)) {
    in.fail("the time zone must be UTC or an offset such as +02:00; names of places are not known here");
  }
  return offset;
}

Result<Value> in_range(Invocation& call, std::int64_t time) {
  if (time > max_time || time < -max_time) return call.error("the result is beyond the range of dates");
  return Value(time);
}

// ---- Writing.

void append_padded(std::string& out, std::int64_t number, std::size_t width) {
  const bool negative = number < 0;
  const std::string digits = std::to_string(negative ? -number : number);
  if (negative) out += '-';
  out.append(width - std::min(width, digits.size()), '0');
  out += digits;
}

void append_offset(std::string& out, std::int64_t zone, bool colon) {
  const std::int64_t minutes = (zone < 0 ? -zone : zone) / ms_per_minute;
  out += zone < 0 ? '-' : '+';
  append_padded(out, minutes / 60, 2);
  if (colon) out += ':';
  append_padded(out, minutes % 60, 2);
}

// ISO 8601's week and the year it belongs to.
int iso_week(const Calendar& c, std::int64_t& year) {
  const int weekday = (c.weekday + 6) % 7;  // Monday is 0
  const int week = (c.day_of_year - weekday + 10) / 7;
  year = c.year;
  const auto weeks_in = [](std::int64_t of) {
    const Calendar first = to_calendar(days_from_civil(of, 1, 1) * ms_per_day);
    return first.weekday == 4 || (first.weekday == 3 && is_leap(of)) ? 53 : 52;
  };
  if (week < 1) return weeks_in(--year);
  if (week > weeks_in(c.year)) {
    ++year;
    return 1;
  }
  return week;
}

void append_letter(std::string& out, char letter, const Calendar& c, std::int64_t time, std::int64_t zone);

void append_format(std::string& out, std::string_view format, std::int64_t time, std::int64_t zone) {
  const Calendar calendar = to_calendar(time + zone);
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '\\') {
      if (++i < format.size()) out += format[i];
    } else {
      append_letter(out, format[i], calendar, time, zone);
    }
  }
}

void append_letter(std::string& out, char letter, const Calendar& c, std::int64_t time, std::int64_t zone) {
  const auto month = static_cast<std::size_t>(c.month - 1);
  const auto weekday = static_cast<std::size_t>(c.weekday);
  const int twelve = c.hour % 12 == 0 ? 12 : c.hour % 12;
  std::int64_t iso_year = 0;
  switch (letter) {
    case 'd':
      return append_padded(out, c.day, 2);
    case 'D':
      out += day_names[weekday].substr(0, 3);
      return;
    case 'j':
      return append_padded(out, c.day, 1);
    case 'l':
      out += day_names[weekday];
      return;
    case 'N':
      return append_padded(out, c.weekday == 0 ? 7 : c.weekday, 1);
    case 'S': {
      const int last = c.day % 10;
      const bool teen = c.day >= 11 && c.day <= 13;
      out += teen ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
      return;
    }
    case 'w':
      return append_padded(out, c.weekday, 1);
    case 'z':
      return append_padded(out, c.day_of_year, 1);
    case 'W':
      return append_padded(out, iso_week(c, iso_year), 2);
    case 'F':
      out += month_names[month];
      return;
    case 'm':
      return append_padded(out, c.month, 2);
    case 'M':
      out += month_names[month].substr(0, 3);
      return;
    case 'n':
      return append_padded(out, c.month, 1);
    case 't':
      return append_padded(out, days_in_month(c.year, c.month), 1);
    case 'L':
      out += is_leap(c.year) ? '1' : '0';
      return;
    case 'o':
      iso_week(c, iso_year);
      return append_padded(out, iso_year, 4);
    case 'Y':
      return append_padded(out, c.year, 4);
    case 'y':
      return append_padded(out, ((c.year % 100) + 100) % 100, 2);
    case 'a':
      out += c.hour < 12 ? "am" : "pm";
      return;
    case 'A':
      out += c.hour < 12 ? "AM" : "PM";
      return;
    case 'g':
      return append_padded(out, twelve, 1);
    case 'G':
      return append_padded(out, c.hour, 1);
    case 'h':
      return append_padded(out, twelve, 2);
    case 'H':
      return append_padded(out, c.hour, 2);
    case 'i':
      return append_padded(out, c.minute, 2);
    case 's':
      return append_padded(out, c.second, 2);
    case 'u':
      append_padded(out, c.millisecond, 3);
      out += "000";
      return;
    case 'v':
      return append_padded(out, c.millisecond, 3);
    case 'e':
      if (zone == 0) {
        out += "UTC";
        return;
      }
      return append_offset(out, zone, true);
    case 'T':
      if (zone == 0) {
        out += "UTC";
        return;
      }
      return append_offset(out, zone, true);
    case 'I':
      out += '0';
      return;
    case 'O':
      return append_offset(out, zone, false);
    case 'P':
      return append_offset(out, zone, true);
    case 'p':
      if (zone == 0) {
        out += 'Z';
        return;
      }
      return append_offset(out, zone, true);
    case 'Z':
      out += std::to_string(zone / ms_per_second);
      return;
    case 'c':
      return append_format(out, "Y-m-d\\TH:i:sP", time, zone);
    case 'r':
      return append_format(out, "D, d M Y H:i:s O", time, zone);
    case 'U':
      out += std::to_string(floor_divide(time, ms_per_second));
      return;
    default:
      out += letter;
  }
}

// Text by a format of PHP's letters. Fields that the format lacks are those of the epoch, at midnight.
bool read_format(std::string_view text, std::string_view format, std::int64_t zone, std::int64_t& time) {
  Cursor cursor{text};
  Calendar out;
  int number = 0;
  int twelve = -1;
  bool afternoon = false;
  bool from_epoch = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    bool fits = true;
    switch (format[i]) {
      case 'd':
      case 'j':
        fits = cursor.digits(1, 2, out.day);
        break;
      case 'm':
      case 'n':
        fits = cursor.digits(1, 2, out.month);
        break;
      case 'M':
      case 'F':
        fits = cursor.name(month_names, true, out.month) || cursor.name(month_names, false, out.month);
        ++out.month;
        break;
      case 'D':
      case 'l':
        fits = cursor.name(day_names, true, number) || cursor.name(day_names, false, number);
        break;
      case 'Y':
        fits = cursor.digits(4, 4, number);
        out.year = number;
        break;
      case 'y':
        fits = cursor.digits(2, 2, number);
        out.year = number + (number < 70 ? 2000 : 1900);
        break;
      case 'H':
      case 'G':
        fits = cursor.digits(1, 2, out.hour);
        break;
      case 'h':
      case 'g':
        fits = cursor.digits(1, 2, twelve) && twelve >= 1 && twelve <= 12;
        break;
      case 'a':
      case 'A': {
        const std::string half = to_lower(cursor.text.substr(0, 2));
        fits = half == "am" || half == "pm";
        afternoon = half == "pm";
        if (fits) cursor.text.remove_prefix(2);
        break;
      }
      case 'i':
        fits = cursor.digits(2, 2, out.minute);
        break;
      case 's':
        fits = cursor.digits(2, 2, out.second);
        break;
      case 'v':
        fits = cursor.digits(3, 3, out.millisecond);
        break;
      case 'u':
        fits = cursor.digits(6, 6, number);
        out.millisecond = number / 1000;
        break;
      case 'S': {
        const std::string suffix = to_lower(cursor.text.substr(0, 2));
        fits = suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th";
        if (fits) cursor.text.remove_prefix(2);
        break;
      }
      case 'e':
      case 'T':
      case 'O':
      case 'P':
      case 'p':
        fits = read_offset(cursor, zone);
        break;
      case 'U': {
        std::int64_t seconds = 0;
        const auto read = std::from_chars(cursor.text.data(), cursor.text.data() + cursor.text.size(), seconds);
        fits = read.ec == std::errc() && seconds <= max_time / 1000 && seconds >= -max_time / 1000;
        cursor.text.remove_prefix(static_cast<std::size_t>(read.ptr - cursor.text.data()));
        time = seconds * ms_per_second;
        from_epoch = true;
        break;
      }
      case '!':
      case '|':
        break;  // PHP's signs for what is done here anyway
      case '\\':
        ++i;
        fits = i < format.size() && cursor.literal(format[i]);
        break;
      default:
        fits = cursor.literal(format[i]);
    }
    if (!fits) return false;
  }
  if (!cursor.text.empty()) return false;
  if (twelve > 0) out.hour = twelve % 12 + (afternoon ? 12 : 0);
  if (from_epoch) return true;
  if (!is_real(out)) return false;
  time = to_time(out) - zone;
  return true;
}

// ---- Moving in time.

struct Unit {
  std::string_view name;
  std::int64_t ms;      // of one, or
  std::int64_t months;  // of one
};
constexpr Unit units[] = {{"ms", 1, 0},
                          {"msec", 1, 0},
                          {"millisecond", 1, 0},
                          {"s", ms_per_second, 0},
                          {"sec", ms_per_second, 0},
                          {"second", ms_per_second, 0},
                          {"min", ms_per_minute, 0},
                          {"minute", ms_per_minute, 0},
                          {"h", ms_per_hour, 0},
                          {"hour", ms_per_hour, 0},
                          {"day", ms_per_day, 0},
                          {"d", ms_per_day, 0},
                          {"week", 7 * ms_per_day, 0},
                          {"month", 0, 1},
                          {"year", 0, 12}};

const Unit* find_unit(std::string_view name) noexcept {
  for (const Unit& unit : units) {
    if (name == unit.name ||
        (name.size() == unit.name.size() + 1 && name.back() == 's' && name.starts_with(unit.name))) {
      return &unit;
    }
  }
  return nullptr;
}

// False: beyond the range of dates. A day that the month lacks becomes its last one.
bool move(std::int64_t& time, const Unit& unit, double amount) {
  if (!(std::fabs(amount) <= 1e16)) return false;
  if (unit.months == 0) {
    const double moved = static_cast<double>(time) + std::floor(amount * static_cast<double>(unit.ms));
    if (std::fabs(moved) > static_cast<double>(max_time)) return false;
    time = static_cast<std::int64_t>(moved);
    return true;
  }
  if (std::fabs(amount) > 10'000'000 || amount != std::trunc(amount)) return false;
  Calendar c = to_calendar(time);
  const std::int64_t months = c.year * 12 + (c.month - 1) + static_cast<std::int64_t>(amount) * unit.months;
  c.year = floor_divide(months, 12);
  c.month = static_cast<int>(months - c.year * 12) + 1;
  c.day = std::min(c.day, days_in_month(c.year, c.month));
  time = to_time(c);
  return time <= max_time && time >= -max_time;
}

Result<Value> moved(Invocation& call, std::string_view unit_name, int sign) {
  Reader in(call);
  std::int64_t time = timestamp_at(call, in, 0);
  const Unit& unit = *find_unit(unit_name);
  const double amount = in.number(1, "the amount");
  if (in.failed()) return in.error();
  if (unit.months != 0 && amount != std::trunc(amount)) return call.error("expected a whole amount");
  if (!move(time, unit, sign * amount)) return call.error("the result is beyond the range of dates");
  return Value(time);
}

enum class Boundary : std::uint8_t { hour, day, week, month, year };

std::int64_t start_of(std::int64_t time, Boundary boundary, std::int64_t zone) {
  Calendar c = to_calendar(time + zone);
  c.millisecond = c.second = c.minute = 0;
  if (boundary != Boundary::hour) c.hour = 0;
  if (boundary == Boundary::month || boundary == Boundary::year) c.day = 1;
  if (boundary == Boundary::year) c.month = 1;
  const std::int64_t start = to_time(c) - zone;
  return boundary == Boundary::week ? start - (c.weekday + 6) % 7 * ms_per_day : start;
}

Result<Value> bounded(Invocation& call, Boundary boundary, bool end) {
  Reader in(call);
  const std::int64_t zone = zone_at(call, in, 1);
  const std::int64_t time = timestamp_at(call, in, 0, zone);
  if (in.failed()) return in.error();
  std::int64_t start = start_of(time, boundary, zone);
  if (!end) return in_range(call, start);
  static constexpr std::array<std::string_view, 5> names = {"hour", "day", "week", "month", "year"};
  std::int64_t local = start + zone;
  if (!move(local, *find_unit(names[static_cast<std::size_t>(boundary)]), 1)) {
    return call.error("the result is beyond the range of dates");
  }
  return Value(local - zone - 1);
}

template <class Part>
Result<Value> part_of(Invocation& call, Part part) {
  Reader in(call);
  const std::int64_t zone = zone_at(call, in, 1);
  const std::int64_t time = timestamp_at(call, in, 0, zone);
  if (in.failed()) return in.error();
  return Value(part(to_calendar(time + zone)));
}

Result<Value> whole_units(Invocation& call, std::int64_t ms) {
  Reader in(call);
  const std::int64_t time = timestamp_at(call, in, 0);
  if (in.failed()) return in.error();
  return Value(floor_divide(time, ms));
}

}  // namespace

Result<Value> now(Invocation& call) { return Value(call.scope().now_ms); }

Result<Value> format(Invocation& call) {
  Reader in(call);
  const std::string_view letters = in.text_or(1, "Y-m-d H:i:s", "the format");
  const std::int64_t zone = zone_at(call, in, 2);
  const std::int64_t time = timestamp_at(call, in, 0, zone);
  if (in.failed()) return in.error();
  // The longest letter writes 31 bytes.
  if (!call.charge(0, letters.size() * 32) || !call.fits(letters.size() * 32)) return call.failure();
  std::string out;
  append_format(out, letters, time, zone);
  return Value(std::move(out));
}

Result<Value> to_iso(Invocation& call) {
  Reader in(call);
  const std::int64_t time = timestamp_at(call, in, 0);
  if (in.failed()) return in.error();
  std::string out;
  append_format(out, "Y-m-d\\TH:i:s.v\\Z", time, 0);
  return Value(std::move(out));
}

Result<Value> to_http(Invocation& call) {
  Reader in(call);
  const std::int64_t time = timestamp_at(call, in, 0);
  if (in.failed()) return in.error();
  std::string out;
  append_format(out, "D, d M Y H:i:s \\G\\M\\T", time, 0);
  return Value(std::move(out));
}

Result<Value> parse(Invocation& call) {
  Reader in(call);
  const std::int64_t zone = zone_at(call, in, 2);
  if (call[1].is_null() || call[0].is_number()) {
    const std::int64_t time = timestamp_at(call, in, 0, zone);
    return in.failed() ? Result<Value>(in.error()) : Result<Value>(Value(time));
  }
  const std::string_view text = in.text(0);
  const std::string_view letters = in.text(1, "the format");
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size() + letters.size())) return call.failure();
  std::int64_t time = 0;
  if (!read_format(text, letters, zone, time)) return call.error("the text does not have the format given");
  return Value(time);
}

Result<Value> transform(Invocation& call) {
  Reader in(call);
  std::int64_t time = timestamp_at(call, in, 0);
  const std::string description = to_lower(in.text(1, "the change"));
  if (in.failed()) return in.error();
  if (!call.charge(0, description.size())) return call.failure();
  const auto unclear = [&] { return call.error("expected a change such as '-7 days' or '+1 month 2 hours'"); };
  std::string_view rest = trim(std::string_view(description));
  if (rest.empty()) return unclear();
  while (!rest.empty()) {
    const std::size_t blank = rest.find(' ');
    const std::string_view word = rest.substr(0, blank);
    if (word == "today" || word == "midnight") {
      time = start_of(time, Boundary::day, 0);
      rest = trim(rest.substr(word.size()));
      continue;
    }
    int sign = 1;
    if (rest.front() == '+' || rest.front() == '-') {
      if (rest.front() == '-') sign = -1;
      rest = trim(rest.substr(1));
    }
    std::size_t digits = 0;
    while (digits < rest.size() && digits < 17 && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    if (digits == 0 || digits == 17) return unclear();
    std::int64_t amount = 0;
    std::from_chars(rest.data(), rest.data() + digits, amount);
    rest = trim(rest.substr(digits));
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const Unit* unit = find_unit(rest.substr(0, letters));
    if (unit == nullptr) return unclear();
    rest = trim(rest.substr(letters));
    if (rest == "ago" || rest.starts_with("ago ")) {
      sign = -sign;
      rest = trim(rest.substr(3));
    }
    if (!move(time, *unit, sign * static_cast<double>(amount))) {
      return call.error("the result is beyond the range of dates");
    }
  }
  return Value(time);
}

Result<Value> add_ms(Invocation& call) { return moved(call, "ms", 1); }
Result<Value> add_seconds(Invocation& call) { return moved(call, "second", 1); }
Result<Value> add_minutes(Invocation& call) { return moved(call, "minute", 1); }
Result<Value> add_hours(Invocation& call) { return moved(call, "hour", 1); }
Result<Value> add_days(Invocation& call) { return moved(call, "day", 1); }
Result<Value> add_weeks(Invocation& call) { return moved(call, "week", 1); }
Result<Value> add_months(Invocation& call) { return moved(call, "month", 1); }
Result<Value> add_years(Invocation& call) { return moved(call, "year", 1); }
Result<Value> subtract_ms(Invocation& call) { return moved(call, "ms", -1); }
Result<Value> subtract_seconds(Invocation& call) { return moved(call, "second", -1); }
Result<Value> subtract_minutes(Invocation& call) { return moved(call, "minute", -1); }
Result<Value> subtract_hours(Invocation& call) { return moved(call, "hour", -1); }
Result<Value> subtract_days(Invocation& call) { return moved(call, "day", -1); }
Result<Value> subtract_weeks(Invocation& call) { return moved(call, "week", -1); }
Result<Value> subtract_months(Invocation& call) { return moved(call, "month", -1); }
Result<Value> subtract_years(Invocation& call) { return moved(call, "year", -1); }

Result<Value> start_of_hour(Invocation& call) { return bounded(call, Boundary::hour, false); }
Result<Value> start_of_day(Invocation& call) { return bounded(call, Boundary::day, false); }
Result<Value> start_of_week(Invocation& call) { return bounded(call, Boundary::week, false); }
Result<Value> start_of_month(Invocation& call) { return bounded(call, Boundary::month, false); }
Result<Value> start_of_year(Invocation& call) { return bounded(call, Boundary::year, false); }
Result<Value> end_of_hour(Invocation& call) { return bounded(call, Boundary::hour, true); }
Result<Value> end_of_day(Invocation& call) { return bounded(call, Boundary::day, true); }
Result<Value> end_of_week(Invocation& call) { return bounded(call, Boundary::week, true); }
Result<Value> end_of_month(Invocation& call) { return bounded(call, Boundary::month, true); }
Result<Value> end_of_year(Invocation& call) { return bounded(call, Boundary::year, true); }

Result<Value> year(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.year; });
}
Result<Value> month(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.month; });
}
Result<Value> day(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.day; });
}
Result<Value> hour(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.hour; });
}
Result<Value> minute(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.minute; });
}
Result<Value> second(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.second; });
}
Result<Value> day_of_week(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.weekday; });
}
Result<Value> day_of_year(Invocation& call) {
  return part_of(call, [](const Calendar& c) { return c.day_of_year + 1; });
}
Result<Value> week(Invocation& call) {
  return part_of(call, [](const Calendar& c) {
    std::int64_t of = 0;
    return iso_week(c, of);
  });
}

Result<Value> to_seconds(Invocation& call) { return whole_units(call, ms_per_second); }
Result<Value> to_minutes(Invocation& call) { return whole_units(call, ms_per_minute); }
Result<Value> to_hours(Invocation& call) { return whole_units(call, ms_per_hour); }
Result<Value> to_days(Invocation& call) { return whole_units(call, ms_per_day); }

Result<Value> difference(Invocation& call) {
  Reader in(call);
  const std::int64_t later = timestamp_at(call, in, 0);
  const std::int64_t earlier = timestamp_at(call, in, 1);
  const std::string name = to_lower(in.text_or(2, "days", "the unit"));
  if (in.failed()) return in.error();
  const Unit* unit = find_unit(name);
  if (unit == nullptr || unit->months != 0) {
    return call.error("expected a unit: ms, seconds, minutes, hours, days or weeks");
  }
  return Value((later - earlier) / unit->ms);
}

Result<Value> is_future(Invocation& call) {
  Reader in(call);
  const std::int64_t time = timestamp_at(call, in, 0);
  if (in.failed()) return in.error();
  return Value(time > call.scope().now_ms);
}

Result<Value> is_past(Invocation& call) {
  Reader in(call);
  const std::int64_t time = timestamp_at(call, in, 0);
  if (in.failed()) return in.error();
  return Value(time < call.scope().now_ms);
}

Result<Value> is_date(Invocation& call) {
  std::int64_t time = 0;
  return Value(call[0].is_string() && read_time(call[0].as_string(), 0, 0, time));
}

}  // namespace fnstack::expr::functions::time
