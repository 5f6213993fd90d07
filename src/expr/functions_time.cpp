// Functions on time. A timestamp is epoch milliseconds; text in ISO 8601, as HTTP writes dates, or made of digits
// stands for one wherever a timestamp is expected. Time zones are UTC and fixed offsets; formats are PHP's letters.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "expr/calendar.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::time {
namespace {

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
