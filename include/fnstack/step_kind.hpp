// StepKind: EXTENSION. What a step's "function" name means: its fields, and how it turns them into a value
// (pure) or into an effect and its result into a value (effect). Checking, did-you-mean and the reference page
// come from the table of fields. Kinds that steer the run (Loop, Try-Catch …) are built in.
//
//   StepKind greet{.name = "Greet", .doc = "Says hello.",
//                  .fields = {{.name = "who", .required = true, .doc = "whom to greet"}},
//                  .compute = [](Fields& fields) -> Result<Value> { return Value("hello " + to_text(fields["who"]));
//                  }};
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

namespace program {
class Lowering;  // how control kinds are built; private
}

enum class FieldType : std::uint8_t {
  value,       // any JSON, with templates at any depth, in keys too
  text,        // the same, read as text; a list or object is an error `validation`
  integer,     // a whole number or such text; anything else is an error `validation`; null stays null
  number,      // a number or numeric text; null stays null
  boolean,     // truthiness of the value
  literal,     // as written: no template allowed
  expression,  // one expression (a `condition`), evaluated by the kind itself, not beforehand
  variable,    // the literal name of the variable that the step sets; a path for Update Variable
  item,        // the literal name of a variable seen inside the step's blocks only
  steps,       // a block of steps
  cases,       // Switch: blocks by key
  branches,    // Parallel: blocks by name, or a list of blocks
  requests,    // Batch: a list of External API Request steps without their names, or a template giving one
  url,         // evaluates to {"url", "shown"}, checked and escaped; the step's `query` field is appended
  headers,     // evaluates to an object of checked header texts
  query,       // an object of query parameters
  body,        // a request body; text around holes is escaped by the Content-Type in the step's headers
  method,      // an HTTP method, upper case, or null
  identifier,  // a table's or column's name, checked
  data,        // a record or list of records; the keys written in the definition are `spelled`
  filter,      // evaluates to effect.hpp's filter tree; operators only as written in the definition
  record_id,   // checked: a number or non-empty text
  cache_key,   // checked: non-empty text from non-null parts
  options,     // an object written out; each of its members is a field of its own, named "options_name.member_name"
  schema,      // a JSON Schema, written out; checked when compiled
  annotation   // ignored
};

struct Field {
  std::string name = {};                  // canonical: lower case with _
  std::vector<std::string> aliases = {};  // the same for the user; giving two of them is an error
  FieldType type = FieldType::value;
  bool required = false;
  Value default_value = {};              // what the step sees when the field is not given
  std::string doc = {};                  // one line for the reference page
  std::vector<std::string> locals = {};  // expression: names bound by the kind while it evaluates ("acc", "current")
  std::string default_template = {};     // instead of default_value: what is evaluated then ("{{inputs}}")
};

// Finds a field of a kind's table by its name.
class FieldNames {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  // The table outlives it.
  explicit FieldNames(std::span<const Field> table);
  [[nodiscard]] std::size_t find(std::string_view name) const noexcept;

 private:
  std::span<const Field> table_;
  std::vector<std::uint16_t> slots_;  // open addressing: 0 or a position + 1
};

// The evaluated fields of one execution of a step. Lives as long as the call it is passed to.
class Fields {
 public:
  virtual ~Fields() = default;

  // By the canonical name; a shared null for one not given without default.
  [[nodiscard]] const Value& operator[](std::string_view name) const noexcept;
  [[nodiscard]] bool given(std::string_view name) const noexcept;
  [[nodiscard]] Value take(std::string_view name) noexcept;
  // By position in StepKind::fields: for hot kinds.
  [[nodiscard]] const Value& at(std::size_t position) const noexcept {
    const std::uint16_t place = places_[position];
    return place == not_given ? table_[position].default_value : values_[place];
  }
  // data: the columns written in the definition itself, whatever the templates yield; identifier: the name, if it is.
  [[nodiscard]] virtual std::span<const std::string> spelled(std::string_view name) const = 0;
  // expression: its value with the field's locals bound to these, in order. They are moved from: a list, text or object
  // that nobody else holds grows in place where the expression adds to it ("[...acc, x]").
  [[nodiscard]] virtual Result<Value> evaluate(std::string_view name, std::span<Value> locals) = 0;
  // A custom function's or any unknown step's free arguments: an object of the fields that the kind doesn't list.
  [[nodiscard]] virtual const Value& rest() const = 0;

  [[nodiscard]] virtual std::int64_t now_ms() const noexcept = 0;
  [[nodiscard]] virtual const Limits& limits() const noexcept = 0;
  // A cache get whose result variable's `.age` is read somewhere (DIALECT 4.15): then set_age gives it, in whole
  // seconds, or null.
  [[nodiscard]] virtual bool wants_age() const noexcept = 0;
  virtual void set_age(Value age) = 0;
  // schema: what is wrong with the value, in words that don't repeat it; nothing if it fits, or no schema is given.
  [[nodiscard]] virtual std::optional<std::string> mismatch(std::string_view name, const Value& value) const = 0;
  // effect.hpp's EffectId, as text, of the effect that this execution of the step asks for next.
  [[nodiscard]] virtual std::string effect_id() const = 0;
  // Random bits from the run's seed.
  virtual void random_bytes(std::uint8_t* out, std::size_t size) = 0;

 protected:
  static constexpr std::uint16_t not_given = UINT16_MAX;
  std::span<const Field> table_;
  const FieldNames* names_ = nullptr;
  // A kind may have many fields, a step gives few: these have values, in the table's order.
  Value* values_ = nullptr;
  const std::uint16_t* places_ = nullptr;  // for each field of the table: which of the values, or not_given
};

struct StepKind {
  std::string name = {};                  // as in the document: "External API Request"
  std::vector<std::string> aliases = {};  // folded when compared, like the name
  std::string doc = {};                   // one sentence
  std::string group = {};                 // heading on the reference page: "Variables", "Flow", "Records" …
  std::vector<Field> fields = {};
  // Has a result: output_variable (= return_as, return_variable) may be given.
  bool has_result = true;
  // The name under which a result without output_variable can be read: "" the canonical step name folded,
  // "$table" the table's name, "cache_value" … (DIALECT 2.0).
  std::string implicit_result = {};
  // Fields that the table does not list are arguments, not errors.
  bool accepts_rest = false;
  // A cache get: its result variable's `.age` can be asked for (with a field `operation`: where that says "get").
  bool has_age = false;
  // Database commands take part in the transaction around them; only database and pure kinds may stand in one.
  bool is_database = false;

  // A field that compute may change in place where its value is the result variable's own ("all = all + page"): the
  // variable lets go of the value while compute runs. compute must not take the field while it can still fail.
  std::string in_place = {};

  // A kind that computes plain arithmetic where its first field, written out, says so: '+', '-' or '*' for such a word,
  // else 0. Of two integers in the fields at `left` and `right` the result is then that of the operation, as long as
  // 64 bits hold it; everything else goes to compute.
  char (*arithmetic)(std::string_view word) = nullptr;
  std::size_t left = 0, right = 0;

  // Exactly one of compute, request with reply, converse, or lower.
  std::function<Result<Value>(Fields&)> compute = {};
  std::function<Result<Effect>(Fields&)> request = {};
  // The effect's answer as the step's result. Without it: the answer's Value as it is. A failed effect never
  // comes here; its Error is raised.
  std::function<Result<Value>(Fields&, EffectReply)> reply = {};
  // For a kind that needs several effects, one after another: called without an answer first, then with each answer,
  // a failed one too. Gives the next effect or the step's result. `state` is its memory between the calls, null at
  // first; fields are as they were evaluated at the beginning.
  using Turn = std::variant<Effect, Value>;
  std::function<Result<Turn>(Fields&, Value& state, std::optional<EffectResult> answer)> converse = {};
  void (*lower)(program::Lowering&) = nullptr;  // built-in control kinds only
  // Built-in kinds only: reports what is wrong with a step as written and the table can't say.
  void (*check)(program::Lowering&) = nullptr;

  // The field's position, by its canonical name; fields.size() if there is none.
  [[nodiscard]] std::size_t position_of(std::string_view field) const noexcept {
    std::size_t position = 0;
    while (position < fields.size() && fields[position].name != field) ++position;
    return position;
  }
};

// The step kinds that definitions may use, looked up by folded name.
class StepKinds {
 public:
  StepKinds();  // none
  // False: the name or an alias is taken, or not exactly one way to perform is given.
  bool add(StepKind kind);
  [[nodiscard]] const StepKind* find(std::string_view name) const;
  [[nodiscard]] std::span<const std::shared_ptr<const StepKind>> all() const noexcept { return kinds_; }
  [[nodiscard]] std::vector<std::string_view> names() const;  // names and aliases as written

 private:
  std::vector<std::shared_ptr<const StepKind>> kinds_;
  std::map<std::string, std::size_t, std::less<>> index_;  // folded name to position
};

// All that fnstack brings along.
[[nodiscard]] const StepKinds& builtin_step_kinds();

// The reference page in Markdown, made from the tables.
[[nodiscard]] std::string step_reference(const StepKinds& kinds);

}  // namespace fnstack
