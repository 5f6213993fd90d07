// Observation: turns what a driver sees of one run into events for its observers, secrets masked. Costs nothing
// when there are none: then every call returns at once.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include <fnstack/driver.hpp>
#include <fnstack/observer.hpp>

namespace fnstack {

class Observation {
 public:
  Observation(const Backends& backends, const Clock& clock, const Machine& machine, const SecretMask* mask)
      : observers_(backends.observers), clock_(clock), machine_(machine), mask_(mask) {}

  [[nodiscard]] bool wanted() const noexcept { return !observers_.empty(); }
  void run_started();
  void run_ended(const Outcome& outcome);
  void steps(Machine& machine);  // tells what the machine did since
  void effect_started(const EffectId& id, const Effect& effect);
  void effect_ended(const EffectId& id, const EffectResult& result);
  void effect_abandoned(const EffectId& id);

 private:
  void tell(Event event);
  [[nodiscard]] Event event_of(Event::Kind kind) const;

  const std::vector<std::shared_ptr<Observer>>& observers_;
  const Clock& clock_;
  const Machine& machine_;
  const SecretMask* mask_;
  std::chrono::steady_clock::time_point began_;
  std::map<std::string, std::pair<Event, std::chrono::steady_clock::time_point>> under_way_;
};

// What an effect asks, without secrets: "POST https://api.stripe.com/v1/customers", "get products", "call notify".
[[nodiscard]] std::string describe(const Effect& effect);

}  // namespace fnstack
