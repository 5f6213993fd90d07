// "Query All Records": the rows that a filter fits, a list in any case. "Get Record" is the first of them or null,
// "Count Records" their number.
#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

std::vector<Field> with_paging(std::vector<Field> fields) {
  for (Field& field : paging_fields()) fields.push_back(std::move(field));
  return fields;
}

Result<Effect> query(Fields& fields) {
  const bool count_only = fields["count_only"].as_boolean();
  Result<Effect> effect =
      record_effect(fields, count_only ? DatabaseCommand::Kind::count : DatabaseCommand::Kind::query);
  DatabaseCommand& command = command_of(effect);
  command.filter = fields.take("filter");
  if (auto error = set_paging(command, fields)) effect = std::move(*error);
  return effect;
}

Result<Effect> get(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::get);
  DatabaseCommand& command = command_of(effect);
  if (fields.given("record_id")) {
    if (fields.given("filter")) return make_error(error_type::validation, "record_id and filter exclude each other");
    command.record_id = fields.take("record_id");
    return effect;
  }
  command.kind = DatabaseCommand::Kind::query;
  if (!fields.given("filter")) {
    if (!fields.given("field_name"))
      return make_error(error_type::validation,
                        "expected \"record_id\", \"filter\" or \"field_name\" with \"field_value\"");
    command.filter = Value::array({"eq", fields["field_name"], fields["field_value"]});
  } else {
    command.filter = fields.take("filter");
  }
  if (auto error = set_paging(command, fields)) return std::move(*error);
  command.limit = 1;
  return effect;
}

Result<Value> first_row(Fields&, EffectReply answer) {
  const Value& rows = std::get<Value>(answer);
  return rows.is_array() ? rows[0] : rows;
}

Result<Effect> count(Fields& fields) {
  Result<Effect> effect = record_effect(fields, DatabaseCommand::Kind::count);
  command_of(effect).filter = fields.take("filter");
  return effect;
}

}  // namespace

StepKind query_all_records() {
  return {
      .name = "Query All Records",
      .aliases = {"Get Records", "query_records", "list_records"},
      .doc = "The rows that fit the filter, as a list, by id unless sorted.",
      .group = "Records",
      .fields = with_paging(
          {table_field(),
           filter_field(),
           {.name = "count_only", .type = FieldType::boolean, .default_value = false, .doc = "their number instead"}}),
      .implicit_result = "$table",
      .is_database = true,
      .request = query};
}

StepKind get_record() {
  return {.name = "Get Record",
          .aliases = {"query_single_record", "find_record"},
          .doc = "One row by id, or the first that fits the filter; null if there is none.",
          .group = "Records",
          .fields = with_paging({table_field(),
                                 record_id_field(false),
                                 filter_field(),
                                 {.name = "field_name",
                                  .type = FieldType::identifier,
                                  .default_value = "id",
                                  .doc = "instead of a filter: the column"},
                                 {.name = "field_value", .doc = "and its value"}}),
          .implicit_result = "$table",
          .is_database = true,
          .request = get,
          .reply = first_row};
}

StepKind count_records() {
  return {.name = "Count Records",
          .doc = "How many rows fit the filter.",
          .group = "Records",
          .fields = {table_field(), filter_field()},
          .is_database = true,
          .request = count};
}

}  // namespace fnstack::steps
