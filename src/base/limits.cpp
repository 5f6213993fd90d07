#include <fnstack/limits.hpp>

#include <array>
#include <cstddef>

namespace fnstack {
namespace {

// The one list of them: name and place, in the order of the struct.
// clang-format off
#define FNSTACK_LIMITS(X) \
  X(definition_bytes) X(definition_nodes) X(definition_nesting) X(steps) X(passes) X(call_depth) X(strands) \
  X(value_depth) X(value_bytes) X(live_bytes) X(response_headers) X(response_header_bytes) X(response_bytes) \
  X(url_bytes) X(header_bytes) X(redirects) X(cache_key_bytes) X(rows) X(retry_after_s) X(wait_s) X(wall_s) \
  X(expression_nodes) X(expression_steps) X(log_bytes)
// clang-format on

#define FNSTACK_NAME(field) std::string_view(#field),
constexpr std::array limit_names{FNSTACK_LIMITS(FNSTACK_NAME)};
#undef FNSTACK_NAME

#define FNSTACK_PLACE(field) &Limits::field,
constexpr std::array limit_places{FNSTACK_LIMITS(FNSTACK_PLACE)};
#undef FNSTACK_PLACE
#undef FNSTACK_LIMITS

static_assert(sizeof(Limits) == limit_names.size() * sizeof(std::int64_t), "a limit is missing in the list");

}  // namespace

bool Limits::set(std::string_view name, std::int64_t value) noexcept {
  for (std::size_t i = 0; i < limit_names.size(); ++i) {
    if (limit_names[i] != name) continue;
    this->*limit_places[i] = value;
    return true;
  }
  return false;
}

std::span<const std::string_view> Limits::names() noexcept { return limit_names; }

}  // namespace fnstack
