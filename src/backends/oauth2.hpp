// OAuth 2 as a client of a token endpoint: the request for a token (RFC 6749 4.4 and 6) and what its answer says. Pure:
// it sends and keeps nothing. No message of it holds a secret or text that a stranger chose.
// Entry points: token_request(), read_token().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>

namespace fnstack::backends {

struct Token {
  std::string access_token;      // fits into a header (RFC 6750 2.1)
  std::int64_t lifetime_ms = 0;  // -1: not said
  std::string refresh_token;     // a new one, or empty
};

// What tokens are kept under: all that decides which one is answered, secrets as a hash only.
[[nodiscard]] std::string token_key(const OAuth2& oauth2);
// `refresh_token` is the latest one; it counts only if `oauth2` has one too. Errors: `validation`, `blocked`.
[[nodiscard]] Result<HttpRequest> token_request(const OAuth2& oauth2, std::string_view refresh_token);
// Errors: `http`, with the endpoint's status, or 502 for an answer that can't be used. An error's message names origin
// and path of the endpoint and OAuth's error code.
[[nodiscard]] Result<Token> read_token(const OAuth2& oauth2, const HttpRequest& request, const HttpResponse& response);
// How long a token is used that lasts so long: less by a tenth, at most a minute, for clocks and ways differ.
[[nodiscard]] std::int64_t usable_ms(std::int64_t lifetime_ms);

}  // namespace fnstack::backends
