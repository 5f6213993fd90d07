// "Add Record": stores a record; the result is the stored row with its id. A list stores all of its records or none.
// "Add or Edit Record" updates the record that has the same value in one column, else stores a new one.
#include "expr/escape.hpp"
#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> add(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::insert);
  DatabaseCommand& command = command_of(effect);
  if (auto error = set_data(command, fields)) {
    effect = std::move(*error);
  } else if (command.data.is_array()) {
    command.kind = DatabaseCommand::Kind::insert_many;
  }
  return effect;
}

Result<Effect> add_many(Fields& fields) {
  auto effect = add(fields);
  if (effect.ok() && command_of(effect).kind != DatabaseCommand::Kind::insert_many) {
    return make_error(error_type::validation, "data: expected a list of objects");
  }
  return effect;
}

Result<Effect> add_or_edit(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::upsert);
  DatabaseCommand& command = command_of(effect);
  if (auto error = set_data(command, fields)) return std::move(*error);
  if (!command.data.is_object())
    return make_error(error_type::validation, "data: expected an object of values by column");
  command.key_column = std::string(fields["identifier"].as_string());
  if (auto error = expr::check_identifier(command.key_column, "column")) return std::move(*error);
  if (command.data.find(command.key_column) == nullptr) {
    const Value& value = fields["identifier_value"];
    if (value.is_null())
      return make_error(error_type::validation, "identifier: the data has no \"" + command.key_column + "\"");
    command.data.set(command.key_column, value);
    command.declared_columns.push_back(command.key_column);
  }
  return effect;
}

}  // namespace

StepKind add_record() {
  return {.name = "Add Record",
          .aliases = {"create_record", "insert_record"},
          .doc = "Stores a record, or a list of them, all or none; the result is the stored row with its `id`.",
          .group = "Records",
          .fields = {table_field(),
                     data_field(),
                     {.name = "on_conflict", .type = FieldType::annotation, .doc = "use Add or Edit Record"},
                     {.name = "execution_mode",
                      .type = FieldType::annotation,
                      .doc = "accepted; the record is stored at once"}},
          .implicit_result = "$table",
          .is_database = true,
          .request = add};
}

StepKind bulk_add_records() {
  return {.name = "Bulk Add Records",
          .aliases = {"add_records", "bulk_insert", "bulk_insert_records", "bulk_add", "bulk_add_record"},
          .doc = "Stores a list of records, all or none; the result is the list of stored rows.",
          .group = "Records",
          .fields = {table_field(),
                     {.name = "data",
                      .aliases = {"records", "items"},
                      .type = FieldType::data,
                      .required = true,
                      .doc = "a list of objects"}},
          .implicit_result = "$table",
          .is_database = true,
          .request = add_many};
}

StepKind add_or_edit_record() {
  return {.name = "Add or Edit Record",
          .aliases = {"upsert_record", "upsert"},
          .doc = "Updates the record whose `identifier` column has the data's value, or stores a new one.",
          .group = "Records",
          .fields = {table_field(),
                     data_field(),
                     {.name = "identifier",
                      .aliases = {"key", "field_name", "unique_field"},
                      .type = FieldType::text,
                      .required = true,
                      .doc = "the column that tells records apart"},
                     {.name = "identifier_value",
                      .aliases = {"field_value"},
                      .doc = "its value, if the data doesn't hold it"}},
          .implicit_result = "$table",
          .is_database = true,
          .request = add_or_edit};
}

}  // namespace fnstack::steps
