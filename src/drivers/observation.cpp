#include "drivers/observation.hpp"

#include <utility>

#include <fnstack/json.hpp>

namespace fnstack {

namespace {

std::string_view name_of(CacheCommand::Kind kind) {
  static constexpr std::string_view names[] = {"get",   "set",   "has",    "delete",    "increment",
                                               "keys",  "push",  "pop",    "unshift",   "shift",
                                               "range", "count", "remove", "rate limit"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(DatabaseCommand::Kind kind) {
  static constexpr std::string_view names[] = {"query",  "count",  "get",     "insert",      "insert many",
                                               "update", "upsert", "delete",  "delete many", "sql",
                                               "begin",  "commit", "rollback"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string describe(const Effect& effect) {
  return std::visit(
      [](const auto& asked) -> std::string {
        using T = std::decay_t<decltype(asked)>;
        if constexpr (std::is_same_v<T, HttpRequest>) {
          return asked.method + " " + asked.shown_url;
        } else if constexpr (std::is_same_v<T, CacheCommand>) {
          return std::string(name_of(asked.kind)) + " " + asked.key;
        } else if constexpr (std::is_same_v<T, DatabaseCommand>) {
          return std::string(name_of(asked.kind)) + (asked.table.empty() ? "" : " " + asked.table);
        } else if constexpr (std::is_same_v<T, Sleep>) {
          return std::to_string(asked.duration_ms) + " ms";
        } else if constexpr (std::is_same_v<T, HostCall>) {
          return "call " + asked.function;
        } else if constexpr (std::is_same_v<T, AwaitEvent>) {
          return "await " + asked.name;
        } else {
          return "start " + asked.function;
        }
      },
      effect);
}

Event Observation::event_of(Event::Kind kind) const {
  Event event;
  event.kind = kind;
  event.run = machine_.run_id();
  event.time_ms = clock_.now_ms();
  return event;
}

void Observation::tell(Event event) {
  if (mask_ != nullptr && !mask_->empty()) {
    event.detail = mask_->apply_to_text(event.detail);
    event.message = mask_->apply_to_text(event.message);
    event.data = mask_->apply(event.data);
  }
  for (const auto& observer : observers_) observer->on_event(event);
}

void Observation::run_started() {
  if (!wanted()) return;
  began_ = std::chrono::steady_clock::now();
  tell(event_of(Event::Kind::run_started));
}

void Observation::run_ended(const Outcome& outcome) {
  if (!wanted()) return;
  Event event = event_of(Event::Kind::run_ended);
  event.outcome = std::string(fnstack::name_of(outcome.status));
  if (outcome.error) event.message = outcome.error->message;
  event.duration_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_).count();
  tell(std::move(event));
}

void Observation::steps(Machine& machine) {
  if (!wanted()) return;
  for (StepEvent& step : machine.take_events()) {
    Event::Kind kind = Event::Kind::step;
    if (step.kind == StepEvent::Kind::caught) kind = Event::Kind::caught;
    if (step.kind == StepEvent::Kind::log) kind = Event::Kind::log;
    if (step.kind == StepEvent::Kind::warning) kind = Event::Kind::warning;
    Event event = event_of(kind);
    event.function = std::move(step.function);
    event.step = std::move(step.step);
    event.label = std::move(step.label);
    event.path = std::move(step.path);
    (kind == Event::Kind::log ? event.detail : event.message) = std::move(step.text);
    event.data = std::move(step.data);
    tell(std::move(event));
  }
}

void Observation::effect_started(const EffectId& id, const Effect& effect) {
  if (!wanted()) return;
  Event event = event_of(Event::Kind::effect_started);
  StepEvent place = machine_.place_of(id);
  event.function = std::move(place.function);
  event.step = std::move(place.step);
  event.label = std::move(place.label);
  event.path = std::move(place.path);
  event.effect = id.to_string();
  event.effect_kind = std::string(kind_name(effect));
  event.detail = describe(effect);
  under_way_[event.effect] = {event, std::chrono::steady_clock::now()};
  tell(std::move(event));
}

void Observation::effect_ended(const EffectId& id, const EffectResult& result) {
  if (!wanted()) return;
  auto found = under_way_.find(id.to_string());
  if (found == under_way_.end()) return;
  Event event = std::move(found->second.first);
  event.kind = Event::Kind::effect_ended;
  event.time_ms = clock_.now_ms();
  event.duration_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - found->second.second)
          .count();
  under_way_.erase(found);
  if (!result.ok()) {
    event.outcome = result.error().type;
    event.message = result.error().message;
  } else if (const auto* response = std::get_if<HttpResponse>(&*result)) {
    event.outcome = std::to_string(response->status);
  } else {
    event.outcome = "ok";
  }
  tell(std::move(event));
}

void Observation::effect_abandoned(const EffectId& id) {
  if (!wanted()) return;
  Event event = event_of(Event::Kind::effect_abandoned);
  event.effect = id.to_string();
  under_way_.erase(event.effect);
  tell(std::move(event));
}

}  // namespace fnstack
