// "Delete Record": deletes one record by id, or all that fit a filter; the result is how many.
#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> remove(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::remove);
  DatabaseCommand& command = command_of(effect);
  if (fields.given("record_id")) {
    if (fields.given("filter")) return make_error(error_type::validation, "record_id and filter exclude each other");
    command.record_id = fields.take("record_id");
    return effect;
  }
  command.kind = DatabaseCommand::Kind::remove_many;
  command.filter = fields.take("filter");
  if (command.filter.is_null() && !fields["all"].as_boolean()) {
    return make_error(error_type::validation,
                      "the filter is empty and would delete every record; \"all\": true says that this is meant");
  }
  return effect;
}

}  // namespace

StepKind delete_record() {
  return {.name = "Delete Record",
          .aliases = {"Delete Records", "bulk_delete", "bulk_delete_records", "remove_record"},
          .doc = "Deletes a record by id, or all that fit a filter; the result is how many.",
          .group = "Records",
          .fields =
              {table_field(),
               record_id_field(false),
               filter_field(),
               {.name = "all", .type = FieldType::boolean, .default_value = false, .doc = "an empty filter is meant"}},
          .is_database = true,
          .request = remove};
}

}  // namespace fnstack::steps
