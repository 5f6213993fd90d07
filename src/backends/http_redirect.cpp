#include "backends/http_redirect.hpp"

#include <algorithm>

namespace fnstack::backends {
namespace {

constexpr std::string_view goes_to_other_origins[] = {"accept", "accept-language", "content-type", "user-agent"};
constexpr std::string_view belongs_to_the_body[] = {"content-type", "content-encoding", "content-language",
                                                    "content-location"};

bool is_in(std::string_view name, const auto& list) {
  return std::any_of(std::begin(list), std::end(list), [&](std::string_view entry) { return same_word(name, entry); });
}

// Servers send Location in raw UTF-8; browsers read it as its percent-encoding.
std::string in_ascii(std::string_view location) {
  std::string out;
  for (const char c : location) {
    if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
    } else {
      append_percent_encoded(out, std::string_view(&c, 1));
    }
  }
  return out;
}

}  // namespace

bool is_safe_method(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<Done> follow_redirect(Hop& hop, int status, std::string_view location) {
  Result<Url> target = resolve_url(hop.url, in_ascii(location));
  // What the parser says quotes the address, which may carry a token.
  if (!target) return make_error(error_type::blocked, "redirected to an address that is not a valid http or https URL");
  if (hop.url.scheme == "https" && target->scheme == "http") {
    return make_error(error_type::blocked,
                      "redirected from https to http (" + target->origin() + "), which is refused");
  }
  const bool becomes_get =
      (status == 303 && hop.method != "HEAD") || ((status == 301 || status == 302) && hop.method == "POST");
  const bool other_origin = target->origin() != hop.url.origin();
  if (hop.has_body && !becomes_get && other_origin) {
    return make_error(error_type::blocked, "redirected to another origin (" + target->origin() + ") with status " +
                                               std::to_string(status) + ", which would take the request's body there");
  }
  if (becomes_get) {
    hop.method = "GET";
    hop.has_body = false;
  }
  std::erase_if(hop.headers, [&](const auto& header) {
    return (becomes_get && is_in(header.first, belongs_to_the_body)) ||
           (other_origin && !is_in(header.first, goes_to_other_origins));
  });
  hop.url = std::move(target).value();
  return Done{};
}

}  // namespace fnstack::backends
