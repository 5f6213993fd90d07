#include "backends/rate_limit_headers.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "backends/token_bucket.hpp"
#include "base/http_date.hpp"

namespace fnstack::backends {
namespace {

// A Reset of less is a number of seconds, of more a time: the first of these is in 2001.
constexpr std::int64_t first_epoch_s = 1'000'000'000;
constexpr std::int64_t first_epoch_ms = 1'000'000'000'000;
constexpr std::int64_t most = 10'000'000'000'000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return trimmed(value);
  }
  return std::nullopt;
}

// Digits, of which a fraction is dropped; too many of them are a large number.
std::optional<std::int64_t> count(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  const std::string_view digits = text->substr(0, text->find('.'));
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return failed == std::errc() ? std::min(number, most) : most;
}

std::int64_t until_reset(std::int64_t reset, std::int64_t now_ms) {
  if (reset >= first_epoch_ms) return reset - now_ms;
  if (reset >= first_epoch_s) return reset * 1'000 - now_ms;
  return reset * 1'000;
}

// `limit=100, remaining=0, reset=50`, or `"default";r=0;t=50, "day";r=7;t=4000`: each policy of the list for itself.
std::int64_t hold_of_list(std::string_view list) {
  std::int64_t longest = 0;
  std::optional<std::int64_t> left;
  std::optional<std::int64_t> reset;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(",;"), list.size());
    const std::string_view item = trimmed(list.substr(0, end));
    const std::size_t equals = item.find('=');
    const std::string_view name = trimmed(item.substr(0, equals));
    // The newer notation names a policy first: what was read so far belongs to another one.
    if (item.starts_with('"')) left = reset = std::nullopt;
    if (equals != std::string_view::npos) {
      const auto value = count(trimmed(item.substr(equals + 1)));
      if (name == "r" || name == "remaining") left = value;
      if (name == "t" || name == "reset") reset = value;
      if (left && *left == 0 && reset) longest = std::max(longest, *reset * 1'000);
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return longest;
}

}  // namespace

std::int64_t hold_back_ms(const HttpResponse& response, std::int64_t now_ms) {
  // A service whose clock differs from ours means its own.
  if (const auto date = header(response, "date")) {
    if (const auto at = base::parse_http_date(*date)) now_ms = *at;
  }
  std::int64_t hold = 0;
  if (response.status == 429) {
    if (const auto retry = header(response, "retry-after")) {
      if (const auto seconds = count(retry))
        hold = *seconds * 1'000;
      else if (const auto at = base::parse_http_date(*retry))
        hold = *at - now_ms;
    }
  }
  for (const auto& [left, reset] : {std::pair{"x-ratelimit-remaining", "x-ratelimit-reset"},
                                    std::pair{"x-rate-limit-remaining", "x-rate-limit-reset"},
                                    std::pair{"ratelimit-remaining", "ratelimit-reset"}}) {
    if (count(header(response, left)) != 0) continue;
    if (const auto at = count(header(response, reset))) hold = std::max(hold, until_reset(*at, now_ms));
  }
  if (const auto list = header(response, "ratelimit")) hold = std::max(hold, hold_of_list(*list));
  return std::clamp<std::int64_t>(hold, 0, BucketState::longest_hold_ms);
}

}  // namespace fnstack::backends
