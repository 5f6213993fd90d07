// Names of tables and columns: which are allowed, how they are quoted, which other name was meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>

namespace fnstack::backends {

// Names are the same without ASCII case, as in SQLite.
[[nodiscard]] bool same_name(std::string_view left, std::string_view right) noexcept;
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept;
};
struct NameEqual {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const noexcept { return same_name(left, right); }
};

// [A-Za-z_][A-Za-z0-9_]{0,62}
[[nodiscard]] bool is_identifier(std::string_view name) noexcept;
void append_quoted(std::string& out, std::string_view name);
[[nodiscard]] std::string quote_identifier(std::string_view name);

// Errors of type `database` that name near ones.
[[nodiscard]] Error no_such_table(std::string_view name, const std::vector<std::string_view>& tables);
[[nodiscard]] Error no_such_column(std::string_view table, std::string_view name,
                                   const std::vector<std::string_view>& columns);
// Auto schema: what it may not create. `what` is "table" or "column".
[[nodiscard]] std::optional<Error> check_new_name(std::string_view what, std::string_view name);

}  // namespace fnstack::backends
