// StepFields: a step's fields evaluated for one execution, as its kind sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/step_kind.hpp>

#include "expr/expression.hpp"
#include "program/program_data.hpp"

namespace fnstack::machine {

class StepFields final : public Fields {
 public:
  // What the id of an effect asked for now would be made of; borrowed.
  struct NextEffect {
    std::string_view run;
    const std::vector<std::uint32_t>& strand;
    const std::uint64_t& ordinal;
  };
  StepFields(const program::ProgramData& data, const program::KindCall& call, expr::Scope& scope, const Limits& limits,
             Value* slots, NextEffect next_effect);

  // Evaluates all fields: first the plain ones, then those that depend on headers and query.
  [[nodiscard]] std::optional<Error> evaluate_all();
  // Takes values that were evaluated before, as keep() gave them.
  void restore(const Value& kept);
  // What a reply reads again are a step's small settings; a conversation may need all to ask once more.
  enum class Keep : std::uint8_t { settings, everything };
  [[nodiscard]] Value keep(Keep which) const;

  [[nodiscard]] std::span<const std::string> spelled(std::string_view name) const override;
  [[nodiscard]] Result<Value> evaluate(std::string_view name, std::span<Value> locals) override;
  [[nodiscard]] const Value& rest() const override { return rest_; }
  [[nodiscard]] std::int64_t now_ms() const noexcept override { return scope_.now_ms; }
  [[nodiscard]] const Limits& limits() const noexcept override { return limits_; }
  [[nodiscard]] bool wants_age() const noexcept override { return call_.wants_age; }
  void set_age(Value age) override { age_ = std::move(age); }
  [[nodiscard]] std::optional<std::string> mismatch(std::string_view name, const Value& value) const override;
  [[nodiscard]] std::string effect_id() const override {
    return EffectId{std::string(next_effect_.run), next_effect_.strand, next_effect_.ordinal}.to_string();
  }
  void random_bytes(std::uint8_t* out, std::size_t size) override { scope_.random->fill(out, size); }

  [[nodiscard]] const Value& age() const noexcept { return age_; }
  // Of all values together.
  [[nodiscard]] std::uint64_t byte_size() const noexcept;

 private:
  [[nodiscard]] std::optional<Error> evaluate_field(std::size_t position, const program::Surroundings& surroundings);
  [[nodiscard]] std::optional<Error> convert(std::size_t position);
  // none: there is no such field, or it is not given.
  [[nodiscard]] std::uint32_t operand_of(std::string_view name) const noexcept;

  // Steps give few fields: they live here rather than on the heap.
  static constexpr std::size_t inline_fields = 8;
  Value inline_values_[inline_fields];
  std::vector<Value> more_values_;

  const program::ProgramData& data_;
  const program::KindCall& call_;
  expr::Scope& scope_;
  const Limits& limits_;
  Value* slots_;
  NextEffect next_effect_;
  Value rest_;
  Value age_;
};

}  // namespace fnstack::machine
