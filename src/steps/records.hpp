// What the record steps share: commands from fields, sort and paging notations (DIALECT 2.3).
#pragma once

#include <fnstack/effect.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

[[nodiscard, gnu::cold]] Field table_field();
[[nodiscard, gnu::cold]] Field record_id_field(bool required);
[[nodiscard, gnu::cold]] Field data_field();
[[nodiscard, gnu::cold]] Field filter_field();
[[nodiscard, gnu::cold]] std::vector<Field> paging_fields();

// A command with the table, the limits, and what of the names the definition itself spells. It is made where it is
// returned: a command is big to move.
[[nodiscard]] Result<Effect> record_effect(Fields& fields, DatabaseCommand::Kind kind);
[[nodiscard]] inline DatabaseCommand& command_of(Result<Effect>& effect) noexcept {
  return *std::get_if<DatabaseCommand>(&*effect);
}
// Data as an object for one record. An array is an error here.
[[nodiscard]] std::optional<Error> set_data(DatabaseCommand& command, Fields& fields);
[[nodiscard]] std::optional<Error> set_sort(DatabaseCommand& command, const Value& sort);
[[nodiscard]] std::optional<Error> set_paging(DatabaseCommand& command, Fields& fields);

}  // namespace fnstack::steps
