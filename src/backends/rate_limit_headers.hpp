// What an answer says about holding back: Retry-After on a 429, and the headers that count what is left, in their
// three spellings (X-RateLimit-…, RateLimit-…, and the RateLimit list of the IETF's draft). Anybody may have written
// them: what makes no sense is ignored. Entry point: hold_back_ms().
#pragma once

#include <cstdint>

#include <fnstack/effect.hpp>

namespace fnstack::backends {

// For so long after the answer nothing is to be sent; 0: nothing said so. At most an hour. `now_ms` is what dates are
// compared with when the answer has no Date of its own.
[[nodiscard]] std::int64_t hold_back_ms(const HttpResponse& response, std::int64_t now_ms);

}  // namespace fnstack::backends
