// "Direct Database Query": one SQL statement with bindings; text from templates never gets into it.
#include "expr/template.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

Result<Effect> query(Fields& fields) {
  DatabaseCommand command;
  command.kind = DatabaseCommand::Kind::sql;
  command.sql = std::string(fields["sql"].as_string());
  if (command.sql.empty()) return make_error(error_type::validation, "sql: expected a statement as text");
  const Value& bindings = fields["parameters"];
  if (!bindings.is_null() && !bindings.is_array()) {
    return make_error(error_type::validation,
                      "parameters: expected a list, one value for each ? or $1 in the statement");
  }
  for (std::size_t i = 0; i < bindings.size(); ++i) command.bindings.push_back(bindings[i]);
  command.max_rows = fields.limits().rows;
  command.max_bytes = fields.limits().value_bytes;
  return Effect(std::move(command));
}

}  // namespace

StepKind direct_database_query() {
  return {.name = "Direct Database Query",
          .aliases = {"database_query", "sql", "execute_sql", "raw_query"},
          .doc = "Runs one SQL statement with bindings; the result is the list of rows.",
          .group = "Records",
          .fields = {{.name = "sql",
                      .aliases = {"query", "statement"},
                      .type = FieldType::literal,
                      .required = true,
                      .doc = "the statement; no templates: values go into `parameters`"},
                     {.name = "parameters",
                      .aliases = {"bindings", "params", "arguments"},
                      .doc = "a list of values for ? or $1"}},
          .is_database = true,
          .request = query};
}

}  // namespace fnstack::steps
