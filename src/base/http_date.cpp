#include "base/http_date.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace fnstack::base {

namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes text apart from the left; any mismatch makes `ok` false and stays so.
struct Reader {
  std::string_view rest;
  bool ok = true;

  void skip(std::string_view expected) {
    ok = ok && rest.starts_with(expected);
    if (ok) rest.remove_prefix(expected.size());
  }
  int digits(std::size_t count, bool blank_padded = false) {
    if (!ok || rest.size() < count) return fail();
    std::string_view part = rest.substr(0, count);
    if (blank_padded && part.starts_with(' ')) part.remove_prefix(1);
    int value = 0;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (problem != std::errc() || end != part.data() + part.size() || part[0] == '-') return fail();
    rest.remove_prefix(count);
    return value;
  }
  int month() {
    for (std::size_t i = 0; ok && i < months.size(); ++i) {
      if (!rest.starts_with(months[i])) continue;
      rest.remove_prefix(3);
      return static_cast<int>(i) + 1;
    }
    return fail();
  }
  int fail() {
    ok = false;
    return 0;
  }
};

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const std::size_t comma = text.find(',');
  Reader reader{text};
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const auto time = [&] {
    hour = reader.digits(2);
    reader.skip(":");
    minute = reader.digits(2);
    reader.skip(":");
    second = reader.digits(2);
  };
  if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
    reader.rest.remove_prefix(4);
    reader.skip(" ");
    day = reader.digits(2);
    reader.skip(" ");
    month = reader.month();
    reader.skip(" ");
    year = reader.digits(4);
    reader.skip(" ");
    time();
    reader.skip(" GMT");
  } else if (comma != std::string_view::npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
    reader.rest.remove_prefix(comma + 1);
    reader.skip(" ");
    day = reader.digits(2);
    reader.skip("-");
    month = reader.month();
    reader.skip("-");
    year = reader.digits(2);
    year += year < 70 ? 2000 : 1900;
    reader.skip(" ");
    time();
    reader.skip(" GMT");
  } else {  // Sun Nov  6 08:49:37 1994
    if (text.size() < 4) return std::nullopt;
    reader.rest.remove_prefix(3);
    reader.skip(" ");
    month = reader.month();
    reader.skip(" ");
    day = reader.digits(2, true);
    reader.skip(" ");
    time();
    reader.skip(" ");
    year = reader.digits(4);
  }
  if (!reader.ok || !reader.rest.empty() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + static_cast<std::int64_t>(second) * 1000;
}

}  // namespace fnstack::base
