#include "expr/calendar.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "expr/unicode.hpp"

namespace fnstack::expr {
namespace {

constexpr std::array<std::string_view, 12> month_names = {"January",   "February", "March",    "April",
                                                          "May",       "June",     "July",     "August",
                                                          "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

bool is_leap(std::int64_t year) noexcept { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant's days_from_civil).
std::int64_t days_from_civil(std::int64_t year, int month, int day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_divide(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

bool is_real(const Calendar& c) noexcept {
  return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= days_in_month(c.year, c.month) && c.hour >= 0 &&
         c.hour <= 23 && c.minute >= 0 && c.minute <= 59 && c.second >= 0 && c.second <= 59;
}

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

void append_letter(std::string& out, char letter, const Calendar& c, std::int64_t time, std::int64_t zone);

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
      (void)iso_week(c, iso_year);
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

}  // namespace

std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

int days_in_month(std::int64_t year, int month) noexcept {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

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

bool read_zone(std::string_view text, std::int64_t& offset) {
  Cursor cursor{trim(text)};
  return read_offset(cursor, offset) && cursor.text.empty();
}

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

int iso_week(const Calendar& c, std::int64_t& year) noexcept {
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

}  // namespace fnstack::expr
