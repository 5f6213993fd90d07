// Commands to caches and databases written as JSON, and their answers as JSON text, so that a test reads as a
// dialogue: ask(database, R"({"kind": "get", "table": "t", "record_id": 1})") == "null".
#pragma once

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fnstack/cache.hpp>
#include <fnstack/database.hpp>
#include <fnstack/json.hpp>

#include "support/catch.hpp"

namespace fnstack_test {

using namespace fnstack;  // NOLINT: a header of tests

// A slip in a test's own words. Catch's assertions belong to one thread; these helpers are called by many.
inline void must(bool holds, std::string_view text) {
  if (!holds) throw std::logic_error("not a command: " + std::string(text));
}

inline Value json(std::string_view text) {
  auto value = parse_json(text);
  must(value.ok(), text);
  return *value;
}

inline std::string answer_text(const Result<Value>& answer) {
  if (answer) return to_json(*answer);
  return "error " + answer.error().type + ": " + answer.error().message;
}

// Columns named in "data" count as declared unless "declared" lists others.
inline DatabaseCommand database_command(std::string_view text) {
  using Kind = DatabaseCommand::Kind;
  constexpr std::array<std::string_view, 13> kinds{"query",  "count",  "get",     "insert",      "insert_many",
                                                   "update", "upsert", "remove",  "remove_many", "sql",
                                                   "begin",  "commit", "rollback"};
  const Value read = json(text);
  DatabaseCommand command;
  for (std::size_t at = 0; at < read.size(); ++at) {
    const std::string_view key = read.key_at(at);
    const Value& value = read[at];
    if (key == "kind") {
      std::size_t number = 0;
      while (number < kinds.size() && kinds[number] != value.as_string()) ++number;
      must(number < kinds.size(), text);
      command.kind = static_cast<Kind>(number);
    } else if (key == "table") {
      command.table = value.as_string();
    } else if (key == "record_id") {
      command.record_id = value;
    } else if (key == "data") {
      command.data = value;
    } else if (key == "filter") {
      command.filter = value;
    } else if (key == "sort") {
      for (std::size_t i = 0; i < value.size(); ++i)
        command.sort.emplace_back(value.key_at(i), value[i].as_string() == "desc");
    } else if (key == "limit") {
      command.limit = value.as_integer();
    } else if (key == "offset") {
      command.offset = value.as_integer();
    } else if (key == "max_rows") {
      command.max_rows = value.as_integer();
    } else if (key == "max_bytes") {
      command.max_bytes = value.as_integer();
    } else if (key == "key_column") {
      command.key_column = value.as_string();
    } else if (key == "declared_table") {
      command.declared_table = value.as_boolean();
    } else if (key == "declared") {
      for (std::size_t i = 0; i < value.size(); ++i) command.declared_columns.emplace_back(value[i].as_string());
    } else if (key == "sql") {
      command.sql = value.as_string();
    } else if (key == "bindings") {
      for (std::size_t i = 0; i < value.size(); ++i) command.bindings.push_back(value[i]);
    } else if (key == "isolation") {
      command.isolation = value.as_string();
    } else {
      must(key == "transaction", text);
      command.transaction = value.as_string();
    }
  }
  if (read.find("declared") == nullptr) {
    const auto declare = [&](const Value& data) {
      for (std::size_t at = 0; at < data.size() && data.is_object(); ++at)
        command.declared_columns.emplace_back(data.key_at(at));
    };
    declare(command.data);
    for (std::size_t at = 0; at < command.data.size() && command.data.is_array(); ++at) declare(command.data[at]);
  }
  return command;
}

// Nothing: not answered within a minute. The answer may come on another thread.
inline std::optional<Result<Value>> perform(Database& database, DatabaseCommand command, const Call& call = {}) {
  auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto answer = promise->get_future();
  database.send(std::move(command), call,
                Reply<Value>([promise](Result<Value> result) { promise->set_value(std::move(result)); }));
  if (answer.wait_for(std::chrono::minutes(1)) != std::future_status::ready) return std::nullopt;
  return answer.get();
}

inline std::string ask(Database& database, DatabaseCommand command, const Call& call = {}) {
  auto answer = perform(database, std::move(command), call);
  must(answer.has_value(), "answered in time");
  return answer_text(*answer);
}
inline std::string ask(Database& database, std::string_view command) {
  return ask(database, database_command(command));
}

inline CacheCommand cache_command(std::string_view text) {
  using Kind = CacheCommand::Kind;
  const Value read = json(text);
  CacheCommand command;
  const std::string_view kind = read[0].as_string();
  const auto is = [&](std::string_view name, Kind meant) {
    if (kind == name) command.kind = meant;
    return kind == name;
  };
  must((is("get", Kind::get) || is("set", Kind::set) || is("has", Kind::has) || is("remove", Kind::remove) ||
        is("increment", Kind::increment) || is("keys", Kind::keys) || is("push", Kind::push) || is("pop", Kind::pop) ||
        is("unshift", Kind::unshift) || is("shift", Kind::shift) || is("range", Kind::range) ||
        is("count", Kind::count) || is("remove_from_list", Kind::remove_from_list) ||
        is("rate_limit", Kind::rate_limit)),
       text);
  command.key = read[1].as_string();
  if (const Value* value = read.find("text")) command.text = value->as_string();
  if (const Value* value = read.find("ttl")) command.ttl_s = value->as_integer();
  if (const Value* value = read.find("amount")) command.amount = value->as_integer();
  if (const Value* value = read.find("start")) command.start = value->as_integer();
  if (const Value* value = read.find("stop")) command.stop = value->as_integer();
  if (const Value* value = read.find("want_age")) command.want_age = value->as_boolean();
  return command;
}

// A cache may answer inline or later; the future has the answer's text.
inline std::future<std::string> begin(Cache& cache, std::string_view command, const Call& call) {
  std::promise<std::string> promise;
  auto answer = promise.get_future();
  cache.send(cache_command(command), call, Reply<Value>([promise = std::move(promise)](Result<Value> result) mutable {
               promise.set_value(answer_text(result));
             }));
  return answer;
}
inline std::string ask(Cache& cache, std::int64_t now_ms, std::string_view command) {
  Call call;
  call.now_ms = now_ms;
  auto answer = begin(cache, command, call);
  must(answer.wait_for(std::chrono::seconds(60)) == std::future_status::ready, "answered within a minute");
  return answer.get();
}

}  // namespace fnstack_test
