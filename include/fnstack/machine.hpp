// Machine: one run of a program, as plain data. It performs nothing: it says which effect it wants, and is told
// the answer. No clock, no thread, no I/O; the same program, start and answers give the same effects, byte for
// byte. Copy it to fork a run; write it out with snapshot() and go on elsewhere.
//
// A machine is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/program.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

// What a run begins with. All of it is data, so that a run can be repeated.
struct Start {
  std::string flow;  // the name of the definition to run; empty if there is only one
  Value inputs = Value::object();
  Value env = Value::object();           // texts; secrets
  Value roots = Value::object();         // values of the roots named at compile
  std::string run_id;                    // empty: derived from the seed
  std::uint8_t seed[32] = {};            // for uuid and random functions; a secret
  std::int64_t now_ms = 0;               // epoch milliseconds
  std::shared_ptr<const Limits> limits;  // null: the defaults; runs that have the same may share them
  bool observe = false;                  // keep StepEvents for take_events()
};

struct Outcome {
  enum class Status : std::uint8_t { completed, failed, cancelled };
  struct Response {
    int status_code = 200;
    Value headers = Value::object();
    Value body;
  };
  Status status = Status::completed;
  std::optional<Response> response;
  Value variables = Value::object();  // the flow's variables at its end, by name
  std::optional<Error> error;         // of a failed or cancelled run
  std::uint64_t steps = 0;            // executions of step objects
  std::uint64_t effects = 0;
};
[[nodiscard]] std::string_view name_of(Outcome::Status status) noexcept;

// What just happened inside, for observers.
struct StepEvent {
  enum class Kind : std::uint8_t { step, caught, log, warning };
  Kind kind = Kind::step;
  std::string function;  // the definition
  std::string step;      // the step's name as written
  std::string label;
  std::string path;  // JSON pointer
  std::string text;  // log: the message; caught: the error's; warning
  Value data;        // log: what was given along
};

class Machine {
 public:
  // The five answers of next(); anything else is a bug.
  struct Perform {
    Perform(EffectId its_id, Effect&& wanted) : id(std::move(its_id)), effect(std::move(wanted)) {}
    EffectId id;
    Effect effect;
  };  // do this, then resume(id, …)
  struct Abandon {
    EffectId id;
  };                  // its result is no longer wanted
  struct Waiting {};  // nothing to do until a result comes
  struct Yielded {};  // the budget is used up; call next again
  struct Ended {};    // see outcome(), or fault()
  using Next = std::variant<Perform, Abandon, Waiting, Yielded, Ended>;

  // A start that does not fit the program (unknown flow, several flows and none named) makes a machine that has
  // ended with a fault.
  Machine(Program program, Start start);
  Machine(const Machine& other);  // a fork: goes on independently, under the same run id until renamed
  Machine& operator=(const Machine& other);
  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) noexcept;
  ~Machine();

  // Goes on until one of the five. `budget`: how many instructions at most before Yielded; fewer if they take
  // long: a KiB that one handles counts like another.
  [[nodiscard]] Next next(std::uint64_t budget = UINT64_MAX);
  // The answer to an effect, in any order, and the time it came at. Ignored for an abandoned id; a fault (usage)
  // for one never asked for.
  void resume(const EffectId& id, EffectResult result, std::int64_t now_ms);
  // Ends the run as cancelled at the next call of next(), once open transactions are rolled back. A `limit`
  // error as reason ends it as failed instead (a driver's wall time).
  void cancel(Error reason);
  void rename(std::string_view run_id);

  // Only after Ended. A fault excludes an outcome.
  [[nodiscard]] const Outcome& outcome() const noexcept;
  [[nodiscard]] const std::optional<Fault>& fault() const noexcept;

  [[nodiscard]] const Program& program() const noexcept;
  [[nodiscard]] std::string_view run_id() const& noexcept;  // valid until it is renamed or gone
  [[nodiscard]] std::string run_id() &&;
  [[nodiscard]] std::vector<StepEvent> take_events();
  // Where an effect that is under way was asked for: {function, step, label, path}.
  [[nodiscard]] StepEvent place_of(const EffectId& id) const;

  // Everything but env, the roots and the seed's secret is in it; those come again with restore().
  [[nodiscard]] std::string snapshot() const;
  // Refused, by name, for another program's fingerprint or text that is no snapshot.
  [[nodiscard]] static std::variant<Machine, Fault> restore(Program program, std::string_view snapshot, Start start);

  struct State;

 private:
  explicit Machine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fnstack
