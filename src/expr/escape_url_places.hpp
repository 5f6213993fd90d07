// The places of a URL that a hole can stand in, as messages name them, for what compiles URLs and what fills them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "expr/escape.hpp"

namespace fnstack::expr {

inline constexpr std::string_view place_whole = "the URL";
inline constexpr std::string_view place_scheme = "the URL's scheme";
inline constexpr std::string_view place_base = "the URL's base";
inline constexpr std::string_view place_host = "the URL's host";
inline constexpr std::string_view place_port = "the URL's port";
inline constexpr std::string_view place_path = "the URL's path";
inline constexpr std::string_view place_query = "the URL's query";

[[nodiscard]] constexpr std::string_view place_of(UrlTemplate::Slot slot) noexcept {
  constexpr std::string_view places[] = {place_whole, place_scheme, place_base, place_host,
                                         place_port,  place_path,   place_query};
  return places[static_cast<std::size_t>(slot)];
}

// What the URL parser says, for a message that says already that it is about a URL.
[[nodiscard]] inline std::string without_prefix(std::string_view message) {
  constexpr std::string_view prefix = "invalid URL: ";
  if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  return std::string(message);
}

}  // namespace fnstack::expr
