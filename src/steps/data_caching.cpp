// "Data Caching (Redis)": values in the engine's cache, as plain JSON text under the key itself.
#include <array>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>

#include "expr/escape.hpp"
#include "expr/expression.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using Kind = CacheCommand::Kind;

struct Operation {
  std::string_view name;
  Kind kind;
};

constexpr std::array<Operation, 22> operations{{
    {"get", Kind::get},
    {"set", Kind::set},
    {"put", Kind::set},
    {"has", Kind::has},
    {"exists", Kind::has},
    {"delete", Kind::remove},
    {"del", Kind::remove},
    {"incr", Kind::increment},
    {"increment", Kind::increment},
    {"decr", Kind::increment},
    {"decrement", Kind::increment},
    {"keys", Kind::keys},
    {"push", Kind::push},
    {"pop", Kind::pop},
    {"unshift", Kind::unshift},
    {"shift", Kind::shift},
    {"range", Kind::range},
    {"count", Kind::count},
    {"remove", Kind::remove_from_list},
    {"ratelimit", Kind::rate_limit},
    {"rate_limit", Kind::rate_limit},
    {"length", Kind::count},
}};

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

Result<Effect> command_of(Fields& fields, std::string_view operation) {
  const Operation* known = nullptr;
  for (const Operation& candidate : operations) {
    if (candidate.name == operation) known = &candidate;
  }
  if (known == nullptr) return wrong("operation: unknown operation \"" + std::string(operation).substr(0, 60) + "\"");
  CacheCommand command;
  command.kind = known->kind;
  command.key = std::string(fields["key"].as_string());
  if (command.key.empty()) return wrong("key: expected non-empty text");
  if (command.key.size() > static_cast<std::size_t>(fields.limits().cache_key_bytes)) {
    return make_error(error_type::limit, "cache_key_bytes: a key takes more than " +
                                             std::to_string(fields.limits().cache_key_bytes) + " bytes");
  }
  const Value& ttl = fields["ttl"];
  if (!ttl.is_null()) {
    if (ttl.as_number() < 0) return wrong("ttl: expected seconds from 0, got " + to_text(ttl));
    if (ttl.as_number() > 3.2e9) return wrong("ttl: expected at most 3200000000 seconds");
    // A fraction of a second still is a time to live, not "for ever".
    command.ttl_s = ttl.is_integer() ? ttl.as_integer() : static_cast<std::int64_t>(ttl.as_number() + 0.999999);
  }
  const Value& amount = fields["amount"];
  if (!amount.is_null()) command.amount = amount.as_integer();
  if (operation == "decr" || operation == "decrement") {
    if (command.amount == INT64_MIN) return wrong("amount: out of range");
    command.amount = -command.amount;
  }
  switch (command.kind) {
    case Kind::set:
    case Kind::push:
    case Kind::unshift:
    case Kind::remove_from_list:
      command.text = to_json(fields["value"]);
      break;
    case Kind::rate_limit:
      if (fields["max"].is_null() || ttl.is_null()) return wrong("rate limit: expected \"max\" and \"ttl\"");
      command.amount = fields["max"].as_integer();
      break;
    case Kind::range:
      if (!fields["start"].is_null()) command.start = fields["start"].as_integer();
      if (!fields["stop"].is_null()) command.stop = fields["stop"].as_integer();
      break;
    default:
      break;
  }
  command.want_age = command.kind == Kind::get && fields.wants_age();
  return Effect(std::move(command));
}

Result<Value> stored_value(const Value& text, const Limits& limits) {
  if (!text.is_string()) return Value();
  JsonLimits json;
  json.depth = static_cast<std::uint32_t>(limits.value_depth);
  json.bytes = static_cast<std::uint64_t>(limits.value_bytes);
  auto value = parse_json(text.as_string(), json);
  if (!value && value.error().type != error_type::limit) {
    return make_error(error_type::cache, "the cached value is no JSON: " + value.error().message);
  }
  return value;
}

Result<Value> value_of(Fields& fields, std::string_view operation, const Value& answer) {
  if (operation == "get") {
    if (answer.is_null()) return Value();
    fields.set_age(answer.get("age"));
    return stored_value(answer.get("text"), fields.limits());
  }
  if (operation == "pop" || operation == "shift") return stored_value(answer, fields.limits());
  if (operation == "range") {
    Value list = Value::array();
    for (std::size_t i = 0; i < answer.size(); ++i) {
      auto value = stored_value(answer[i], fields.limits());
      if (!value) return value;
      list.push_back(std::move(*value));
    }
    return list;
  }
  return answer;
}

std::string operation_of(Fields& fields) { return fold_name(fields["operation"].as_string()); }

std::vector<Field> fields_with(bool with_operation, bool with_value) {
  std::vector<Field> fields;
  if (with_operation) {
    fields.push_back(
        {.name = "operation",
         .type = FieldType::text,
         .required = true,
         .doc =
             "get, set, has, delete, incr, decr, keys, push, pop, shift, unshift, range, count, remove or ratelimit"});
  }
  fields.push_back({.name = "key",
                    .aliases = {"cache_key", "pattern"},
                    .type = FieldType::cache_key,
                    .required = true,
                    .doc = "keys: a pattern with * and ?"});
  if (with_value) fields.push_back({.name = "value", .aliases = {"data", "item"}, .doc = "any value, stored as JSON"});
  fields.push_back({.name = "ttl",
                    .aliases = {"ttl_seconds", "expires_in"},
                    .type = FieldType::number,
                    .doc = "seconds; 0 or null: for ever"});
  if (!with_value) return fields;
  fields.push_back({.name = "amount",
                    .aliases = {"by"},
                    .type = FieldType::integer,
                    .doc = "incr, decr: by how much; 1 if not given"});
  fields.push_back(
      {.name = "start", .type = FieldType::integer, .doc = "range: the first position, from 0; negative from the end"});
  fields.push_back(
      {.name = "stop", .aliases = {"end"}, .type = FieldType::integer, .doc = "range: the last position, inclusive"});
  fields.push_back({.name = "max", .type = FieldType::integer, .doc = "ratelimit: how many in `ttl` seconds"});
  return fields;
}

// One operation under a name of its own.
StepKind single(std::string name, std::vector<std::string> aliases, std::string doc, std::string operation) {
  StepKind kind{.name = std::move(name),
                .aliases = std::move(aliases),
                .doc = std::move(doc),
                .group = "Cache",
                .fields = fields_with(false, true)};
  kind.has_age = operation == "get";
  kind.implicit_result = "cache_value";
  kind.request = [operation](Fields& fields) { return command_of(fields, operation); };
  kind.reply = [operation](Fields& fields, EffectReply answer) {
    return value_of(fields, operation, std::get<Value>(answer));
  };
  return kind;
}

}  // namespace

StepKind data_caching() {
  StepKind kind{.name = "Data Caching (Redis)",
                .aliases = {"Data Caching", "redis", "cache"},
                .doc =
                    "Reads or writes the cache, as `operation` says. A miss is null; the age of what a get found is "
                    "the variable's `.age`.",
                .group = "Cache",
                .fields = fields_with(true, true)};
  kind.has_age = true;
  kind.implicit_result = "cache_value";
  kind.request = [](Fields& fields) { return command_of(fields, operation_of(fields)); };
  kind.reply = [](Fields& fields, EffectReply answer) {
    return value_of(fields, operation_of(fields), std::get<Value>(answer));
  };
  return kind;
}

StepKind cache_get() {
  return single("Cache Get", {"get_cache", "get_cached_data", "redis_get"}, "Reads a key of the cache; null on a miss.",
                "get");
}
StepKind cache_set() {
  return single("Cache Set", {"set_cache", "set_cached_data", "redis_set"}, "Stores a value under a key of the cache.",
                "set");
}
StepKind cache_delete() {
  return single("Cache Delete", {"delete_cache", "redis_delete", "delete_cached_data"},
                "Deletes a key of the cache; true if it was there.", "delete");
}
StepKind cache_has() { return single("Cache Has", {"has_cache", "redis_has"}, "Is there such a key?", "has"); }
StepKind cache_increment() {
  return single("Cache Increment", {"cache_incr", "redis_incr", "incr_cache"}, "Adds to a counter in the cache.",
                "incr");
}
StepKind cache_decrement() {
  return single("Cache Decrement", {"cache_decr", "redis_decr", "decr_cache"}, "Subtracts from a counter in the cache.",
                "decr");
}

}  // namespace fnstack::steps
