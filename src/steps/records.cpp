#include "steps/records.hpp"

#include <algorithm>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>

#include "base/utf8.hpp"
#include "expr/escape.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<Error> add_sort(DatabaseCommand& command, std::string_view column, std::string_view direction) {
  if (auto error = expr::check_identifier(column, "column")) return error;
  const std::string folded = fold_name(direction);
  const bool descending = folded == "desc" || folded == "descending";
  if (!descending && !folded.empty() && folded != "asc" && folded != "ascending") {
    return wrong("sort: expected asc or desc, got \"" + std::string(base::whole_code_points(direction, 40)) + "\"");
  }
  command.sort.emplace_back(std::string(column), descending);
  return std::nullopt;
}

// "a desc, b asc"
std::optional<Error> sort_from_text(DatabaseCommand& command, std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t blank = std::min(part.find(' '), part.size());
    if (auto error = add_sort(command, part.substr(0, blank), trim(part.substr(blank)))) return error;
  }
  return std::nullopt;
}

std::optional<Error> sort_from_object(DatabaseCommand& command, const Value& object) {
  const Value* field = object.find("field") != nullptr ? object.find("field") : object.find("column");
  if (field != nullptr) {
    const Value* direction = object.find("direction") != nullptr ? object.find("direction") : object.find("order");
    return add_sort(command, field->as_string(), direction == nullptr ? "" : direction->as_string());
  }
  for (std::size_t i = 0; i < object.size(); ++i) {
    std::string_view direction = object[i].as_string();
    if (object[i].is_integer()) direction = object[i].as_integer() < 0 ? "desc" : "asc";
    if (auto error = add_sort(command, object.key_at(i), direction)) return error;
  }
  return std::nullopt;
}

}  // namespace

Field table_field() {
  return {
      .name = "table", .aliases = {"table_name"}, .type = FieldType::identifier, .required = true, .doc = "the table"};
}
Field record_id_field(bool required) {
  return {.name = "record_id",
          .aliases = {"id"},
          .type = FieldType::record_id,
          .required = required,
          .doc = "the record's id: a number or non-empty text"};
}
Field data_field() {
  return {.name = "data",
          .aliases = {"record", "values", "fields"},
          .type = FieldType::data,
          .required = true,
          .doc = "an object: values by column"};
}
Field filter_field() {
  return {.name = "filter",
          .aliases = {"where", "conditions"},
          .type = FieldType::filter,
          .doc = "values by column; `{\"$gte\": 1}` and other operators as written here, never from data"};
}
std::vector<Field> paging_fields() {
  return {{.name = "sort",
           .aliases = {"order", "order_by"},
           .doc = "`\"a desc, b\"`, `[{\"a\": \"desc\"}]` or `{field, direction}`; by id if not given"},
          {.name = "limit", .aliases = {"per_page"}, .type = FieldType::integer, .doc = "at most so many"},
          {.name = "offset", .type = FieldType::integer, .doc = "leave out so many first"}};
}

Result<Effect> record_effect(Fields& fields, DatabaseCommand::Kind kind) {
  Result<Effect> effect(std::in_place, std::in_place_type<DatabaseCommand>);
  DatabaseCommand& command = command_of(effect);
  command.kind = kind;
  command.table = fields["table"].as_string();
  command.declared_table = !fields.spelled("table").empty();
  command.max_rows = fields.limits().rows;
  command.max_bytes = fields.limits().value_bytes;
  return effect;
}

std::optional<Error> set_data(DatabaseCommand& command, Fields& fields) {
  const auto spelled = fields.spelled("data");
  command.declared_columns.assign(spelled.begin(), spelled.end());
  command.data = fields.take("data");
  if (command.data.is_null()) command.data = Value::object();
  const auto check = [&](const Value& record) -> std::optional<Error> {
    if (!record.is_object()) return wrong("data: expected an object of values by column");
    for (std::size_t i = 0; i < record.size(); ++i) {
      // What the definition spells was checked when it was compiled.
      if (i < spelled.size() && spelled[i] == record.key_at(i)) continue;
      if (auto error = expr::check_identifier(record.key_at(i), "column")) return error;
    }
    return std::nullopt;
  };
  if (!command.data.is_array()) return check(command.data);
  for (std::size_t i = 0; i < command.data.size(); ++i) {
    if (auto error = check(command.data[i])) return error;
  }
  return std::nullopt;
}

std::optional<Error> set_sort(DatabaseCommand& command, const Value& sort) {
  if (sort.is_null()) return std::nullopt;
  if (sort.is_string()) return sort_from_text(command, sort.as_string());
  if (sort.is_object()) return sort_from_object(command, sort);
  if (!sort.is_array()) return wrong("sort: expected text, an object or a list of them");
  for (std::size_t i = 0; i < sort.size(); ++i) {
    if (auto error =
            sort[i].is_string() ? sort_from_text(command, sort[i].as_string()) : sort_from_object(command, sort[i]))
      return error;
  }
  return std::nullopt;
}

std::optional<Error> set_paging(DatabaseCommand& command, Fields& fields) {
  if (auto error = set_sort(command, fields["sort"])) return error;
  const auto set = [](std::int64_t& to, const char* name, const Value& number) -> std::optional<Error> {
    if (number.is_null()) return std::nullopt;
    if (number.as_integer() < 0)
      return wrong(std::string(name) + ": expected a whole number from 0, got " + to_text(number));
    to = number.as_integer();
    return std::nullopt;
  };
  if (auto error = set(command.limit, "limit", fields["limit"])) return error;
  return set(command.offset, "offset", fields["offset"]);
}

}  // namespace fnstack::steps
