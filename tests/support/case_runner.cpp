#include "support/case_runner.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fnstack::testing {

namespace {

constexpr std::string_view cache_names[] = {
    "get",     "set",   "has",   "remove", "increment",        "keys",      "push", "pop",
    "unshift", "shift", "range", "count",  "remove_from_list", "rate_limit"};
constexpr std::string_view database_names[] = {"query",  "count",  "get",     "insert",      "insert_many",
                                               "update", "upsert", "remove",  "remove_many", "sql",
                                               "begin",  "commit", "rollback"};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Value strings(const std::vector<std::string>& list) {
  Value array = Value::array();
  for (const std::string& item : list) array.push_back(Value(item));
  return array;
}

Value policy_to_value(const HttpPolicy* policy) {
  if (policy == nullptr) return {};
  Value out = Value::object({{"share_key", Value(policy->share_key)}});
  if (const auto& breaker = policy->circuit_breaker) {
    out.set("circuit_breaker", Value::object({{"key", Value(breaker->key)},
                                              {"failures", breaker->failures},
                                              {"window_s", breaker->window_s},
                                              {"open_s", breaker->open_s}}));
  }
  if (const auto& limit = policy->rate_limit) {
    out.set("rate_limit", Value::object({{"key", Value(limit->key)},
                                         {"requests", limit->requests},
                                         {"period_ms", limit->period_ms},
                                         {"burst", limit->burst}}));
  }
  if (const auto& oauth2 = policy->oauth2) {
    out.set("oauth2", Value::object({{"token_url", Value(oauth2->token_url)},
                                     {"client_id", Value(oauth2->client_id)},
                                     {"client_secret", Value(oauth2->client_secret)},
                                     {"refresh_token", Value(oauth2->refresh_token)},
                                     {"scope", Value(oauth2->scope)},
                                     {"audience", Value(oauth2->audience)},
                                     {"credentials_in_body", oauth2->credentials_in_body}}));
  }
  return out;
}

}  // namespace

EffectResult reply_from(const Value& reply, const Effect& effect, std::int64_t now) {
  if (const Value* error = reply.find("error")) {
    Error failed = make_error("network", "");
    failed.type = std::string(error->get("type").as_string());
    failed.message = std::string(error->get("message").as_string());
    failed.restart_transaction = error->get("restart_transaction").as_boolean();
    if (const Value* wait = error->find("not_before_in_ms")) failed.not_before_ms = now + wait->as_integer();
    return failed;
  }
  if (!std::holds_alternative<HttpRequest>(effect)) return EffectReply(reply.get("value"));
  HttpResponse response;
  response.status = static_cast<int>(reply.get("status").as_integer());
  if (response.status == 0) response.status = 200;
  bool typed = false;
  const Value& headers = reply.get("headers");
  for (std::size_t i = 0; i < headers.size(); ++i) {
    std::string name(headers.key_at(i));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    typed = typed || name == "content-type";
    if (headers[i].is_array()) {
      for (std::size_t k = 0; k < headers[i].size(); ++k)
        response.headers.emplace_back(name, std::string(headers[i][k].as_string()));
    } else {
      response.headers.emplace_back(name, std::string(headers[i].as_string()));
    }
  }
  const Value& body = reply.get("body");
  if (const Value* text = reply.find("text")) {
    response.body = std::string(text->as_string());
  } else if (!body.is_null()) {
    response.body = to_json(body);
    if (!typed) response.headers.emplace_back("content-type", "application/json");
  }
  return EffectReply(std::move(response));
}

Value effect_to_value(const Effect& effect) {
  return std::visit(
      [](const auto& asked) -> Value {
        using T = std::decay_t<decltype(asked)>;
        if constexpr (std::is_same_v<T, HttpRequest>) {
          Value headers = Value::object();
          for (const auto& [name, value] : asked.headers) headers.set(name, Value(value));
          return Value::object({{"http", Value::object({{"method", Value(asked.method)},
                                                        {"url", Value(asked.url)},
                                                        {"shown", Value(asked.shown_url)},
                                                        {"headers", std::move(headers)},
                                                        {"body", asked.has_body ? Value(asked.body) : Value()},
                                                        {"timeout_ms", asked.timeout_ms},
                                                        {"verify_tls", asked.verify_tls},
                                                        {"connection", Value(asked.connection)},
                                                        {"policy", policy_to_value(asked.policy.get())}})}});
        } else if constexpr (std::is_same_v<T, CacheCommand>) {
          return Value::object(
              {{"cache", Value::object({{"operation", Value(cache_names[static_cast<std::size_t>(asked.kind)])},
                                        {"key", Value(asked.key)},
                                        {"text", Value(asked.text)},
                                        {"ttl_s", asked.ttl_s},
                                        {"amount", asked.amount},
                                        {"start", asked.start},
                                        {"stop", asked.stop},
                                        {"want_age", asked.want_age}})}});
        } else if constexpr (std::is_same_v<T, DatabaseCommand>) {
          Value sort = Value::array();
          for (const auto& [column, descending] : asked.sort)
            sort.push_back(Value::array({Value(column), Value(descending ? "desc" : "asc")}));
          Value bindings = Value::array();
          for (const Value& binding : asked.bindings) bindings.push_back(binding);
          return Value::object(
              {{"database", Value::object({{"operation", Value(database_names[static_cast<std::size_t>(asked.kind)])},
                                           {"table", Value(asked.table)},
                                           {"record_id", asked.record_id},
                                           {"data", asked.data},
                                           {"filter", asked.filter},
                                           {"sort", std::move(sort)},
                                           {"limit", asked.limit},
                                           {"offset", asked.offset},
                                           {"key_column", Value(asked.key_column)},
                                           {"declared_columns", strings(asked.declared_columns)},
                                           {"sql", Value(asked.sql)},
                                           {"bindings", std::move(bindings)},
                                           {"isolation", Value(asked.isolation)},
                                           {"in_transaction", !asked.transaction.empty()}})}});
        } else if constexpr (std::is_same_v<T, Sleep>) {
          return Value::object({{"sleep_ms", asked.duration_ms}});
        } else if constexpr (std::is_same_v<T, HostCall>) {
          return Value::object({{"call", Value(asked.function)}, {"arguments", asked.arguments}});
        } else if constexpr (std::is_same_v<T, StartRun>) {
          return Value::object(
              {{"start", Value(asked.function)}, {"inputs", asked.inputs}, {"delay_ms", asked.delay_ms}});
        } else {
          return Value::object({{"await", Value(asked.name)}});
        }
      },
      effect);
}

std::string difference(const Value& expected, const Value& actual, const std::string& place) {
  if (expected.is_object() && actual.is_object()) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      auto inner =
          difference(expected[i], actual.get(expected.key_at(i)), place + "/" + std::string(expected.key_at(i)));
      if (!inner.empty()) return inner;
    }
    return {};
  }
  if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      auto inner = difference(expected[i], actual[i], place + "/" + std::to_string(i));
      if (!inner.empty()) return inner;
    }
    return {};
  }
  // 2 and 2.0 are equal values, but not the same text on the wire.
  if (expected == actual && expected.is_integer() == actual.is_integer()) return {};
  return place + ": expected " + to_json(expected) + ", got " + to_json(actual);
}

std::vector<Case> read_cases(const std::string& folder) {
  std::vector<Case> cases;
  const std::filesystem::path root = std::filesystem::path(FNSTACK_TEST_DATA) / "cases" / folder;
  if (!std::filesystem::exists(root)) return cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".json") continue;
    Case test;
    test.name = std::filesystem::relative(entry.path(), root.parent_path()).string();
    auto parsed = parse_json(read_file(entry.path()));
    if (parsed.ok()) test.content = std::move(*parsed);
    cases.push_back(std::move(test));
  }
  std::sort(cases.begin(), cases.end(), [](const Case& left, const Case& right) { return left.name < right.name; });
  return cases;
}

namespace {

// The case's side of a run: what it expects to be asked, and its answers.
class Conversation {
 public:
  Conversation(Machine& machine, const Program& program, const Start& start, const AtEffect& at_effect)
      : machine_(machine), program_(program), start_(start), at_effect_(at_effect), now_(start.now_ms) {}

  // To the machine's end. Empty, or what differed.
  std::string hold(const Value& dialogue);

 private:
  // What the machine asks next, if it asks for something.
  bool listen();
  std::string compare(const Value& expected, std::size_t asked, const std::string& place);
  std::string answer(std::size_t number, const Value& reply, const std::string& place);

  Machine& machine_;
  const Program& program_;
  const Start& start_;
  const AtEffect& at_effect_;
  std::int64_t now_;
  std::vector<Machine::Perform> asked_;
  std::vector<bool> answered_;
  std::vector<bool> abandoned_;
  bool ended_ = false;
};

bool Conversation::listen() {
  for (;;) {
    Machine::Next next = machine_.next();
    if (auto* abandon = std::get_if<Machine::Abandon>(&next)) {
      for (std::size_t i = 0; i < asked_.size(); ++i) abandoned_[i] = abandoned_[i] || asked_[i].id == abandon->id;
      continue;
    }
    ended_ = std::holds_alternative<Machine::Ended>(next);
    auto* asked = std::get_if<Machine::Perform>(&next);
    if (asked == nullptr) return false;
    asked_.push_back(std::move(*asked));
    answered_.push_back(false);
    abandoned_.push_back(false);
    if (at_effect_) at_effect_(machine_, program_, start_);
    return true;
  }
}

std::string Conversation::compare(const Value& expected, std::size_t asked, const std::string& place) {
  Value got = effect_to_value(asked_[asked].effect);
  got.set("id", Value(asked_[asked].id.to_string()));
  return difference(expected, got, place);
}

std::string Conversation::answer(std::size_t number, const Value& reply, const std::string& place) {
  if (number >= asked_.size() || answered_[number]) {
    return place + ": effect " + std::to_string(number) + " is not under way";
  }
  answered_[number] = true;
  const Effect& effect = asked_[number].effect;
  if (const auto* sleep = std::get_if<Sleep>(&effect)) now_ += sleep->duration_ms;
  now_ += reply.get("takes_ms").as_integer();
  machine_.resume(asked_[number].id, reply_from(reply, effect, now_), now_);
  if (at_effect_) at_effect_(machine_, program_, start_);
  return {};
}

std::string Conversation::hold(const Value& dialogue) {
  for (std::size_t at = 0; at < dialogue.size(); ++at) {
    const Value& turn = dialogue[at];
    const std::string place = "dialogue/" + std::to_string(at);
    std::string wrong;
    if (const Value* expected = turn.find("expect")) {
      if (!listen()) return place + ": never asked for: " + to_json(*expected);
      wrong = compare(*expected, asked_.size() - 1, place);
      if (wrong.empty()) wrong = answer(asked_.size() - 1, turn.get("reply"), place);
    } else if (const Value* pending = turn.find("pending")) {
      for (std::size_t i = 0; wrong.empty() && i < pending->size(); ++i) {
        if (!listen()) return place + ": never asked for: " + to_json((*pending)[i]);
        wrong = compare((*pending)[i], asked_.size() - 1, place + "/" + std::to_string(i));
      }
      if (wrong.empty() && listen()) {
        wrong = place + ": nothing more expected, got " + to_json(effect_to_value(asked_.back().effect));
      }
    } else if (const Value* number = turn.find("answer")) {
      wrong = answer(static_cast<std::size_t>(number->as_integer()), turn.get("reply"), place);
    } else if (const Value* given_up = turn.find("abandoned")) {
      if (listen()) return place + ": nothing expected, got " + to_json(effect_to_value(asked_.back().effect));
      for (std::size_t i = 0; i < asked_.size(); ++i) {
        bool is_expected = false;
        for (std::size_t k = 0; k < given_up->size(); ++k) {
          is_expected = is_expected || (*given_up)[k].as_integer() == static_cast<std::int64_t>(i);
        }
        if (is_expected != abandoned_[i])
          return place + ": effect " + std::to_string(i) + (abandoned_[i] ? " is" : " is not") + " abandoned";
      }
    } else {
      wrong = place + ": expected \"expect\", \"pending\", \"answer\" or \"abandoned\"";
    }
    if (!wrong.empty()) return wrong;
  }
  if (listen()) {
    return "dialogue/" + std::to_string(dialogue.size()) + ": nothing expected, got " +
           to_json(effect_to_value(asked_.back().effect));
  }
  return ended_ ? std::string() : "the machine waits for nothing";
}

}  // namespace

std::string prepare(const Case& test, Prepared& prepared) {
  const Value& content = test.content;
  if (!content.is_object()) return test.name + ": is no JSON object";
  const Value& definition = content.get("definition");
  const std::string text = definition.is_string() ? std::string(definition.as_string()) : to_pretty_json(definition);
  const StepKinds& kinds = builtin_step_kinds();
  Module module =
      parse(Source::make(test.name, text), [&](std::string_view name) { return kinds.find(name) != nullptr; });
  CompileOptions options;
  const Value& host = content.get("host_functions");
  for (std::size_t i = 0; i < host.size(); ++i) options.host_functions.emplace_back(host[i].as_string());
  const Value& roots = content.get("roots");
  for (std::size_t i = 0; i < roots.size(); ++i) options.roots.emplace_back(roots.key_at(i));
  if (const Value* defaults = content.find("step_defaults")) {
    options.step_defaults = Source::make("step_defaults", to_pretty_json(*defaults));
  }
  Compiled compiled = compile(std::move(module.definitions), kinds, options);
  if (module.diagnostics.has_errors()) return module.diagnostics.to_text();
  if (compiled.diagnostics.has_errors()) return compiled.diagnostics.to_text();
  prepared.program = std::move(compiled.program);

  Start& start = prepared.start;
  start.flow = std::string(content.get("flow").as_string());
  if (const Value* inputs = content.find("inputs")) start.inputs = *inputs;
  if (const Value* env = content.find("env")) start.env = *env;
  if (roots.is_object()) start.roots = roots;
  start.run_id = "run";
  start.now_ms = content.find("now") != nullptr ? content.get("now").as_integer() : 1'700'000'000'000;
  const Value& given = content.get("limits");
  Limits limits;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!limits.set(given.key_at(i), given[i].as_integer()))
      return test.name + ": no limit " + std::string(given.key_at(i));
  }
  start.limits = std::make_shared<const Limits>(limits);
  return {};
}

std::string compare_result(const Case& test, const Outcome& outcome) {
  Value result = Value::object({{"status", Value(name_of(outcome.status))},
                                {"response", Value()},
                                {"variables", outcome.variables},
                                {"error", outcome.error ? to_value(*outcome.error) : Value()},
                                {"steps", static_cast<std::int64_t>(outcome.steps)},
                                {"effects", static_cast<std::int64_t>(outcome.effects)}});
  if (outcome.response) {
    result.set("response", Value::object({{"status_code", outcome.response->status_code},
                                          {"headers", outcome.response->headers},
                                          {"body", outcome.response->body}}));
  }
  return difference(test.content.get("result"), result, "result");
}

std::string run_case(const Case& test, const AtEffect& at_effect) {
  Prepared prepared;
  std::string wrong = prepare(test, prepared);
  if (!wrong.empty()) return wrong;
  Machine machine(prepared.program, prepared.start);
  wrong = Conversation(machine, prepared.program, prepared.start, at_effect).hold(test.content.get("dialogue"));
  if (!wrong.empty()) return wrong;
  if (machine.fault()) return test.name + ": fault: " + machine.fault()->message;
  return compare_result(test, machine.outcome());
}

}  // namespace fnstack::testing
