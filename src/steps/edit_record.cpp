// "Edit Record": changes the given columns of one record; the result is the updated row. An unknown id is `not_found`.
#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> edit(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::update);
  DatabaseCommand& command = command_of(effect);
  if (auto error = set_data(command, fields)) {
    effect = std::move(*error);
  } else if (!command.data.is_object()) {
    effect = make_error(error_type::validation, "data: expected an object of values by column");
  } else {
    command.record_id = fields.take("record_id");
  }
  return effect;
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
