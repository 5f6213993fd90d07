#include "backends/record_rules.hpp"

#include <unordered_set>

#include <fnstack/json.hpp>

#include "backends/filter.hpp"
#include "backends/match.hpp"
#include "backends/sql_identifiers.hpp"
#include "base/in_quotes.hpp"

namespace fnstack::backends {
namespace {

using Kind = DatabaseCommand::Kind;

Error invalid(std::string message) { return make_error(error_type::validation, std::move(message)); }

using base::in_quotes;

std::optional<Error> check_record_id(const Value& id) {
  if (id.is_number() || (id.is_string() && !id.as_string().empty())) {
    return storable(id) ? std::nullopt : std::optional(not_storable("record_id", id));
  }
  return invalid("record_id: expected a number or a text that is not empty");
}

}  // namespace

std::optional<Error> check_command(const DatabaseCommand& command, bool names_are_known) {
  switch (command.kind) {
    case Kind::query:
      if (command.limit < -1) return invalid("limit: expected 0 or more, got " + std::to_string(command.limit));
      if (command.offset < 0) return invalid("offset: expected 0 or more, got " + std::to_string(command.offset));
      return std::nullopt;
    case Kind::get:
    case Kind::remove:
      return check_record_id(command.record_id);
    case Kind::insert:
      return check_data(command.data, names_are_known);
    case Kind::insert_many:
      if (!command.data.is_array()) return invalid("data: expected a list of objects");
      for (std::size_t at = 0; at < command.data.size(); ++at) {
        if (auto wrong = check_data(command.data[at])) return wrong;
      }
      return std::nullopt;
    case Kind::update:
      if (auto wrong = check_record_id(command.record_id)) return wrong;
      if (auto wrong = check_data(command.data, names_are_known)) return wrong;
      return names_are_known ? std::nullopt : check_same_id(command.data, command.record_id);
    case Kind::upsert: {
      if (auto wrong = check_data(command.data)) return wrong;
      const Value* key = find_member(command.data, command.key_column);
      if (key == nullptr || key->is_null()) {
        return invalid("upsert: the data has no value for the key column " + in_quotes(command.key_column));
      }
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Error> check_data(const Value& data, bool names_are_known) {
  if (!data.is_object()) return invalid("data: expected an object");
  // Of a few columns each is compared with each: a set would cost more.
  constexpr std::size_t few = 16;
  std::unordered_set<std::string_view, NameHash, NameEqual> columns;
  const auto known = [&](std::size_t at) -> std::optional<std::string_view> {
    if (data.size() > few) {
      const auto [found, is_new] = columns.insert(data.key_at(at));
      return is_new ? std::nullopt : std::optional(*found);
    }
    for (std::size_t before = 0; before < at; ++before) {
      if (same_name(data.key_at(before), data.key_at(at))) return data.key_at(before);
    }
    return std::nullopt;
  };
  for (std::size_t at = 0; at < data.size(); ++at) {
    if (!storable(data[at])) return not_storable("column " + in_quotes(data.key_at(at)), data[at]);
    if (names_are_known) continue;
    if (const auto first = known(at)) {
      return invalid("data: " + in_quotes(*first) + " and " + in_quotes(data.key_at(at)) + " are the same column");
    }
  }
  return std::nullopt;
}

std::optional<Error> check_same_id(const Value& data, const Value& record_id) {
  const Value* id = find_member(data, "id");
  if (id == nullptr || equal_in_filter(*id, record_id)) return std::nullopt;
  return invalid("data: the id of a record can't be changed");
}

const Value* find_member(const Value& data, std::string_view name) {
  for (std::size_t at = 0; at < data.size(); ++at) {
    if (same_name(data.key_at(at), name)) return &data[at];
  }
  return nullptr;
}

Value without_id(Value record) {
  for (const char* spelling : {"id", "Id", "iD", "ID"}) record.erase(spelling);
  return record;
}

Result<std::optional<std::int64_t>> new_id(const Value& data) {
  const Value* id = find_member(data, "id");
  if (id == nullptr || id->is_null()) return std::optional<std::int64_t>();
  if (id->is_integer()) return std::optional(id->as_integer());
  if (id->is_string()) {
    if (const auto number = number_of_text(id->as_string()); number && number->is_integer()) {
      return std::optional(number->as_integer());
    }
  } else if (id->is_number() && id->as_number() >= -9007199254740992.0 && id->as_number() <= 9007199254740992.0) {
    const auto whole = static_cast<std::int64_t>(id->as_number());
    if (static_cast<double>(whole) == id->as_number()) return std::optional(whole);
  }
  return invalid("data: id: expected an integer");
}

bool is_declared(const DatabaseCommand& command, std::string_view column) noexcept {
  for (const std::string& declared : command.declared_columns) {
    if (same_name(declared, column)) return true;
  }
  return false;
}

Error not_declared(const DatabaseCommand& command, std::string_view column) {
  return make_error(error_type::database, "table " + in_quotes(command.table) + " has no column " +
                                              in_quotes(column.substr(0, 80)) +
                                              "; only columns that the definition spells are created");
}

Error no_record(std::string_view table, const Value& record_id) {
  std::string id = record_id.is_string() ? in_quotes(record_id.as_string().substr(0, 64)) : to_text(record_id);
  return make_error(error_type::not_found, "table " + in_quotes(table) + " has no record " + id);
}

Error same_id_exists(std::string_view table) {
  return make_error(error_type::database, "table " + in_quotes(table) + " has a record with this id already");
}

Error too_many_rows(const DatabaseCommand& command) {
  const std::string what =
      command.kind == Kind::sql ? "the statement" : "the query on table " + in_quotes(command.table);
  return make_error(error_type::limit, what + " gives more than " + std::to_string(command.max_rows) +
                                           " rows; give it a limit, or raise the limit \"rows\"");
}

Error too_many_bytes(const DatabaseCommand& command) {
  const std::string what =
      command.kind == Kind::sql ? "the statement" : "the query on table " + in_quotes(command.table);
  return make_error(error_type::limit, what + " gives more than " + std::to_string(command.max_bytes) +
                                           " bytes; give it a limit, or raise the limit \"value_bytes\"");
}

}  // namespace fnstack::backends
