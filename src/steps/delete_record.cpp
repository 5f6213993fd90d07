// "Delete Record": deletes one record by id, or all that fit a filter; the result is how many.
#include <optional>
#include <string_view>

#include "steps/records.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

// What the filter answers if it asks no column: of every record the same. {}, {"$and": []} and {"$or": [{}]} are true.
std::optional<bool> constant(const Value& filter) {
  if (filter.is_null()) return true;
  const std::string_view op = filter[0].as_string();
  if (op == "not") {
    const std::optional<bool> part = constant(filter[1]);
    return part ? std::optional(!*part) : std::nullopt;
  }
  if (op != "and" && op != "or") return std::nullopt;
  const bool deciding = op == "or";  // one such part decides
  std::optional<bool> answer = !deciding;
  for (std::size_t i = 1; i < filter.size(); ++i) {
    const std::optional<bool> part = constant(filter[i]);
    if (part == deciding) return deciding;
    if (!part) answer.reset();
  }
  return answer;
}

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
  if (constant(command.filter) == true && !fields["all"].as_boolean()) {
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
