// "Edit Record": changes the given columns of one record; the result is the updated row. An unknown id is `not_found`.
#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> edit(Fields& fields) {
  DatabaseCommand command = record_command(fields, DatabaseCommand::Kind::update);
  if (auto error = set_data(command, fields)) return std::move(*error);
  if (!command.data.is_object())
    return make_error(error_type::validation, "data: expected an object of values by column");
  command.record_id = fields.take("record_id");
  return Effect(std::move(command));
}

}  // namespace

StepKind edit_record() {
  return {.name = "Edit Record",
          .aliases = {"update_record", "patch_record"},
          .doc =
              "Changes the given columns of one record; the result is the updated row; an unknown id is an error "
              "`not_found`.",
          .group = "Records",
          .fields = {table_field(), record_id_field(true), data_field()},
          .implicit_result = "$table",
          .is_database = true,
          .request = edit};
}

}  // namespace fnstack::steps
