// Dates as HTTP writes them (RFC 9110 section 5.6.7): IMF-fixdate and the two obsolete forms.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fnstack::base {

// Epoch milliseconds; nothing for other text.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace fnstack::base
