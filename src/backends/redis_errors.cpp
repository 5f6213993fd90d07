#include "backends/redis_errors.hpp"

#include <algorithm>
#include <cstddef>

#include "base/safe_text.hpp"

namespace fnstack::backends {
namespace {

struct Meaning {
  std::string_view code;
  std::string_view words;
};

constexpr Meaning meanings[] = {
    {"LOADING", "Redis is still loading its data; try again later"},
    {"READONLY", "this Redis is a read-only replica; give the address of its master"},
    {"OOM", "Redis has no memory left for writing (maxmemory)"},
    {"MISCONF", "Redis takes no writes because it can't save them to disk"},
    {"NOAUTH", "Redis asks for a password; give one in the URL: redis://:PASSWORD@HOST"},
    {"WRONGPASS", "Redis refused the user or the password"},
    {"NOPERM", "the user has no permission for this in Redis"},
    {"MASTERDOWN", "this Redis is a replica that has lost its master"},
    {"NOREPLICAS", "Redis takes no writes because it has too few replicas"},
    {"BUSY", "Redis is busy with a script"},
    {"MOVED", "this Redis is a part of a cluster, which is not supported; give the address of a single server"},
    {"ASK", "this Redis is a part of a cluster, which is not supported; give the address of a single server"},
    {"CROSSSLOT", "this Redis is a part of a cluster, which is not supported; give the address of a single server"},
    {"CLUSTERDOWN", "this Redis is a part of a cluster, which is down"},
    {"NOSCRIPT", "Redis did not know the script"},
    {"WRONGTYPE", "the cache key holds another type of Redis"},
};

bool is_code(std::string_view word) noexcept {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// A sentence of Redis as far as it can't quote what was sent.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  text = text.substr(0, std::min({text.find_first_of("'`\":,;\r\n"), longest, text.size()}));
  std::string out;
  base::append_safe(out, text);
  return out;
}

}  // namespace

std::string_view redis_error_code(std::string_view text) noexcept {
  const std::string_view first = text.substr(0, text.find(' '));
  if (first != "ERR") return is_code(first) ? first : std::string_view();
  // Before Redis 7: "ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed …".
  if (!text.starts_with("ERR Error running script")) return first;
  for (const Meaning& meaning : meanings) {
    const std::size_t at = text.find(meaning.code);
    if (at != std::string_view::npos && (text[at - 1] == '-' || text[at - 1] == ' ')) return meaning.code;
  }
  return first;
}

Error redis_refusal(std::string_view text, std::string_view doing) {
  std::string message(doing);
  message += ": ";
  const std::string_view code = redis_error_code(text);
  const auto known = std::find_if(std::begin(meanings), std::end(meanings),
                                  [&](const Meaning& meaning) { return meaning.code == code; });
  if (known != std::end(meanings)) {
    message.append(known->words).append(" (").append(code).append(")");
  } else {
    message.append("Redis refused it: ").append(shown(text));
  }
  return make_error(error_type::cache, std::move(message));
}

}  // namespace fnstack::backends
