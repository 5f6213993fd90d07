#include "machine/step_fields.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/escape.hpp"

namespace fnstack {

namespace {
const Value null_value;

// Of a dozen names or a few dozen: telling them apart need not take longer than comparing one.
std::size_t hash_of(std::string_view name) noexcept {
  if (name.empty()) return 0;
  return name.size() + 31U * static_cast<unsigned char>(name.front()) + 7U * static_cast<unsigned char>(name.back());
}
}  // namespace

FieldNames::FieldNames(std::span<const Field> table) : table_(table), slots_(std::bit_ceil(2 * table.size() + 1)) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::size_t slot = hash_of(table[i].name) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint16_t>(i + 1);
  }
}

std::size_t FieldNames::find(std::string_view name) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash_of(name) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    if (table_[slots_[slot] - 1U].name == name) return slots_[slot] - 1U;
  }
  return none;
}

const Value& Fields::operator[](std::string_view name) const noexcept {
  const std::size_t position = names_->find(name);
  return position == FieldNames::none ? null_value : at(position);
}

bool Fields::given(std::string_view name) const noexcept {
  const std::size_t position = names_->find(name);
  return position != FieldNames::none && places_[position] != not_given;
}

Value Fields::take(std::string_view name) noexcept {
  const std::size_t position = names_->find(name);
  if (position == FieldNames::none) return {};
  const std::uint16_t place = places_[position];
  return place == not_given ? table_[position].default_value : std::exchange(values_[place], Value());
}

namespace machine {

StepFields::StepFields(const program::ProgramData& data, const program::KindCall& call, expr::Scope& scope,
                       const Limits& limits, Value* slots, NextEffect next_effect)
    : data_(data), call_(call), scope_(scope), limits_(limits), slots_(slots), next_effect_(next_effect) {
  table_ = call.kind->fields;
  names_ = call.names.get();
  places_ = call.places.data();
  if (call.given.size() <= inline_fields) {
    values_ = inline_values_;
  } else {
    more_values_.resize(call.given.size());
    values_ = more_values_.data();
  }
}

std::uint64_t StepFields::byte_size() const noexcept {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < call_.given.size(); ++i) bytes += values_[i].byte_size();
  return bytes;
}

std::uint32_t StepFields::operand_of(std::string_view name) const noexcept {
  const std::size_t position = names_->find(name);
  return position == FieldNames::none ? program::none : call_.operands[position];
}

std::optional<Error> StepFields::convert(std::size_t position) {
  const Field& field = table_[position];
  Value& value = values_[places_[position]];
  const auto expected = [&](std::string_view what) {
    return make_error(error_type::validation,
                      field.name + ": expected " + std::string(what) + ", got " +
                          std::string(value.is_string() ? "text that is none" : base::kind_in_words(value)));
  };
  switch (field.type) {
    case FieldType::text:
      if (value.is_container()) return expected("text");
      if (!value.is_null() && !value.is_string() && !value.is_bytes()) value = Value(to_text(value));
      return std::nullopt;
    case FieldType::integer:
    case FieldType::number: {
      if (value.is_null() || value.is_integer()) return std::nullopt;
      const Value number = value.is_string() || value.is_number() ? expr::to_number(value) : Value();
      const bool whole = field.type == FieldType::integer;
      if (number.is_null()) return expected(whole ? "a whole number" : "a number");
      if (whole && !number.is_integer()) {
        const double exact = number.as_number();
        const auto truncated = exact > -9e15 && exact < 9e15 ? static_cast<std::int64_t>(exact) : 0;
        if (static_cast<double>(truncated) != exact) {
          return make_error(error_type::validation, field.name + ": expected a whole number, got " + to_text(number));
        }
        value = Value(truncated);
        return std::nullopt;
      }
      value = number;
      return std::nullopt;
    }
    case FieldType::boolean:
      value = Value(expr::is_truthy(value));
      return std::nullopt;
    case FieldType::method: {
      if (value.is_null()) return std::nullopt;
      auto method = expr::check_method(value);
      if (!method) return std::move(method).error();
      value = Value(*method);
      return std::nullopt;
    }
    case FieldType::identifier:
      if (!value.is_string()) return expected("a name as text");
      return expr::check_identifier(value.as_string(), field.name);
    case FieldType::record_id:
      return expr::check_record_id(value);
    default:
      return std::nullopt;
  }
}

std::optional<Error> StepFields::evaluate_field(std::size_t position, const program::Surroundings& surroundings) {
  const program::Operand& operand = data_.operands[call_.operands[position]];
  if (auto error = program::evaluate(operand, scope_, surroundings, values_[places_[position]])) return error;
  return convert(position);
}

std::optional<Error> StepFields::evaluate_all() {
  program::Surroundings surroundings;
  surroundings.limits = &limits_;
  bool depends = false;
  for (const std::uint16_t position : call_.given) {
    const FieldType type = table_[position].type;
    if (type == FieldType::expression || !table_[position].locals.empty()) continue;
    if (type == FieldType::url || type == FieldType::body) {
      depends = true;
      continue;
    }
    if (auto error = evaluate_field(position, surroundings)) return error;
    if (type == FieldType::headers) surroundings.headers = &at(position);
    if (type == FieldType::query) surroundings.query = &at(position);
  }
  if (call_.rest != program::none) {
    if (auto error = program::evaluate(data_.operands[call_.rest], scope_, surroundings, rest_)) return error;
  }
  if (!depends) return std::nullopt;
  for (const std::uint16_t position : call_.given) {
    if (table_[position].type != FieldType::url && table_[position].type != FieldType::body) continue;
    if (auto error = evaluate_field(position, surroundings)) return error;
  }
  return std::nullopt;
}

Value StepFields::keep(Keep which) const {
  Value kept;
  kept.reserve(call_.given.size());  // a list from here on
  for (const std::uint16_t position : call_.given) {
    const FieldType type = table_[position].type;
    const bool is_large = type == FieldType::body || type == FieldType::data || type == FieldType::headers;
    kept.push_back(is_large && which == Keep::settings ? Value() : at(position));
  }
  return kept;
}

void StepFields::restore(const Value& kept) {
  for (std::size_t place = 0; place < call_.given.size(); ++place) values_[place] = kept[place];
}

std::span<const std::string> StepFields::spelled(std::string_view name) const {
  const std::uint32_t operand = operand_of(name);
  if (operand == program::none) return {};
  return data_.operands[operand].spelled;
}

std::optional<std::string> StepFields::mismatch(std::string_view name, const Value& value) const {
  const std::uint32_t operand = operand_of(name);
  if (operand == program::none) return std::nullopt;
  const auto& schema = data_.operands[operand].schema;
  return schema == nullptr ? std::nullopt : schema->check(value);
}

Result<Value> StepFields::evaluate(std::string_view name, std::span<Value> locals) {
  const std::size_t position = names_->find(name);
  if (position == FieldNames::none) return Value();
  if (call_.operands[position] == program::none) return table_[position].default_value;
  const program::Operand& operand = data_.operands[call_.operands[position]];
  const std::uint32_t first = call_.locals[position];
  const bool has_locals = first != program::none && !locals.empty();
  if (has_locals) std::move(locals.begin(), locals.end(), slots_ + first);
  Value value;
  std::optional<Error> error;
  if (has_locals && operand.kind == program::Operand::Kind::expression && operand.grows == first) {
    expr::Failure failure;
    if (!expr::grow(operand.expression, scope_, slots_[first], failure)) error = std::move(*failure);
    value = std::move(slots_[first]);
  } else {
    program::Surroundings surroundings;
    surroundings.limits = &limits_;
    error = program::evaluate(operand, scope_, surroundings, value);
  }
  // What they were lent lives on in the caller's hands alone: it may go on changing it in place.
  if (has_locals) std::fill_n(slots_ + first, locals.size(), Value());
  if (error) return std::move(*error);
  return value;
}

}  // namespace machine

}  // namespace fnstack
