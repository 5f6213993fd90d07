// What every database backend demands of a record command before it acts, in the same words. Knows no table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>

namespace fnstack::backends {

// Shapes of data, record_id, limit, offset, key column; values that no database takes. `names_are_known`: the names in
// the data of an insert or update were found to be different, and none of them is the id.
[[nodiscard]] std::optional<Error> check_command(const DatabaseCommand& command, bool names_are_known = false);
// The record's data: an object whose keys are different names and whose values are storable.
[[nodiscard]] std::optional<Error> check_data(const Value& data, bool names_are_known = false);
// The data says another id than the record has.
[[nodiscard]] std::optional<Error> check_same_id(const Value& data, const Value& record_id);
// The member whose key is this name without ASCII case, or null.
[[nodiscard]] const Value* find_member(const Value& data, std::string_view name);
// The record without its id, however that is spelled.
[[nodiscard]] Value without_id(Value record);
// An id that is to be stored: an integer, or a text that is one; null asks for the next.
[[nodiscard]] Result<std::optional<std::int64_t>> new_id(const Value& data);

[[nodiscard]] bool is_declared(const DatabaseCommand& command, std::string_view column) noexcept;
[[nodiscard]] Error not_declared(const DatabaseCommand& command, std::string_view column);

[[nodiscard]] Error no_record(std::string_view table, const Value& record_id);
[[nodiscard]] Error same_id_exists(std::string_view table);
[[nodiscard]] Error too_many_rows(const DatabaseCommand& command);
[[nodiscard]] Error too_many_bytes(const DatabaseCommand& command);

}  // namespace fnstack::backends
