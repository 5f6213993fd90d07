#include "backends/postgres_time.hpp"

#include <chrono>

namespace fnstack::backends {
namespace {

constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;
// PostgreSQL's timestamps begin in 4713 BC; microseconds in 64 bits end in the year 294247.
constexpr std::int64_t first_day = -2'440'588, last_day = 106'751'991;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool number(int least_digits, int most_digits, std::int64_t& out) noexcept {
    int digits = 0;
    out = 0;
    while (!text_.empty() && digits < most_digits && text_[0] >= '0' && text_[0] <= '9') {
      out = out * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    return digits >= least_digits;
  }
  bool take(std::string_view word) noexcept {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  [[nodiscard]] bool at_digit() const noexcept { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
  void skip_digits() noexcept {
    while (at_digit()) text_.remove_prefix(1);
  }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string_view text_;
};

// HH:MM[:SS[.ffffff]]
bool read_time(Reader& in, std::int64_t& microseconds) noexcept {
  std::int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!in.number(2, 2, hour) || !in.take(":") || !in.number(2, 2, minute) || hour > 23 || minute > 59) return false;
  if (in.take(":")) {
    if (!in.number(2, 2, second) || second > 59) return false;
    if (in.take(".")) {
      if (!in.at_digit()) return false;
      for (std::int64_t unit = 100'000; unit > 0 && in.at_digit(); unit /= 10) {
        std::int64_t digit = 0;
        in.number(1, 1, digit);
        fraction += digit * unit;
      }
      in.skip_digits();
    }
  }
  microseconds = ((hour * 60 + minute) * 60 + second) * 1'000'000 + fraction;
  return true;
}

// Z, +HH, +HH:MM, +HHMM, +HH:MM:SS: how far the clock is ahead of UTC.
bool read_zone(Reader& in, std::int64_t& microseconds) noexcept {
  microseconds = 0;
  in.take(" ");
  if (in.take("Z") || in.take("z")) return true;
  const bool ahead = in.take("+");
  if (!ahead && !in.take("-")) return true;
  std::int64_t hour = 0, minute = 0, second = 0;
  if (!in.number(2, 2, hour)) return false;
  if ((in.take(":") || in.at_digit()) && !in.number(2, 2, minute)) return false;
  if (in.take(":") && !in.number(2, 2, second)) return false;
  if (hour > 15 || minute > 59 || second > 59) return false;
  microseconds = ((hour * 60 + minute) * 60 + second) * 1'000'000 * (ahead ? 1 : -1);
  return true;
}

void append_padded(std::string& out, std::int64_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  out.append(digits.size() < width ? width - digits.size() : 0, '0');
  out += digits;
}

}  // namespace

std::optional<std::int64_t> read_timestamp(std::string_view text) noexcept {
  using namespace std::chrono;  // NOLINT: a calendar's words
  Reader in(text);
  std::int64_t year_number = 0, month_number = 0, day_number = 0, time = 0, zone = 0;
  if (!in.number(4, 6, year_number) || !in.take("-") || !in.number(2, 2, month_number) || !in.take("-") ||
      !in.number(2, 2, day_number)) {
    return std::nullopt;
  }
  if (in.take("T") || in.take("t")) {
    if (!read_time(in, time) || !read_zone(in, zone)) return std::nullopt;
  } else if (in.take(" ")) {
    if (in.at_digit()) {
      if (!read_time(in, time) || !read_zone(in, zone)) return std::nullopt;
      in.take(" ");
    }
    if (in.take("BC")) {
      if (year_number == 0) return std::nullopt;
      year_number = 1 - year_number;
    }
  }
  if (!in.empty()) return std::nullopt;
  // std::chrono's years end at 32767; a cycle of the calendar is 400 years of 146097 days.
  const std::int64_t cycles = floor_divide(year_number, 400);
  const year_month_day date{year{static_cast<int>(year_number - cycles * 400)},
                            month{static_cast<unsigned>(month_number)}, day{static_cast<unsigned>(day_number)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = sys_days{date}.time_since_epoch().count() + cycles * 146'097;
  if (days < first_day || days >= last_day) return std::nullopt;
  return days * day_us + time - zone;
}

std::optional<std::string> write_timestamp(std::int64_t microseconds) {
  using namespace std::chrono;  // NOLINT: a calendar's words
  const std::int64_t day_number = floor_divide(microseconds, day_us);
  if (day_number < first_day || day_number >= last_day) return std::nullopt;
  const std::int64_t rest = microseconds - day_number * day_us;
  const std::int64_t cycles = floor_divide(day_number, 146'097);
  const year_month_day date{sys_days{days{day_number - cycles * 146'097}}};
  const std::int64_t year_number = static_cast<int>(date.year()) + cycles * 400;
  std::string out;
  append_padded(out, year_number > 0 ? year_number : 1 - year_number, 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += ' ';
  append_padded(out, rest / 3'600'000'000, 2);
  out += ':';
  append_padded(out, rest / 60'000'000 % 60, 2);
  out += ':';
  append_padded(out, rest / 1'000'000 % 60, 2);
  if (rest % 1'000'000 != 0) {
    out += '.';
    append_padded(out, rest % 1'000'000, 6);
  }
  out += "+00";
  if (year_number <= 0) out += " BC";
  return out;
}

std::optional<std::string> write_timestamp_ms(std::int64_t milliseconds) {
  if (milliseconds > INT64_MAX / 1'000 || milliseconds < INT64_MIN / 1'000) return std::nullopt;
  return write_timestamp(milliseconds * 1'000);
}

}  // namespace fnstack::backends
