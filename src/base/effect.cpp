#include <fnstack/effect.hpp>

#include <iterator>

namespace fnstack {

std::string_view kind_name(const Effect& effect) noexcept {
  static constexpr std::string_view names[] = {"http",      "cache",       "database", "sleep",
                                               "host_call", "await_event", "start_run"};
  static_assert(std::size(names) == std::variant_size_v<Effect>);
  return effect.valueless_by_exception() ? std::string_view() : names[effect.index()];
}

std::string EffectId::to_string() const {
  std::string text;
  append_to(text);
  return text;
}

void EffectId::append_to(std::string& text) const {
  text += run;
  text += '/';
  for (std::size_t i = 0; i < strand.size(); ++i) {
    if (i > 0) text += '.';
    text += std::to_string(strand[i]);
  }
  text += ':';
  text += std::to_string(ordinal);
}

}  // namespace fnstack
