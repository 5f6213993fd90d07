// Evaluation of what is built from many parts: lists, objects and calls. A call gives its function a view of
// itself (Invocation), through which arrows come back here.
#include <utility>

#include "base/kind_in_words.hpp"
#include "expr/arithmetic.hpp"
#include "expr/evaluator.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr {
namespace {

// A call in progress, as the function's implementation sees it.
class CallInProgress final : public Invocation {
 public:
  CallInProgress(Evaluator& evaluator, std::string_view name, std::size_t count) : evaluator_(evaluator) {
    name_ = name;
    if (count <= few) {
      arguments_ = few_arguments_;
      given_storage_ = few_given_;
      arrows_ = few_arrows_;
    } else {
      more_arguments_.resize(count);
      more_given_ = std::make_unique<bool[]>(count);
      more_arrows_ = std::make_unique<std::uint32_t[]>(count);
      arguments_ = more_arguments_.data();
      given_storage_ = more_given_.get();
      arrows_ = more_arrows_.get();
    }
    given_ = given_storage_;
    count_ = count;
    for (std::size_t i = 0; i < count; ++i) {
      given_storage_[i] = false;
      arrows_[i] = no_node;
    }
  }

  void change_in_place() noexcept { is_in_place_ = true; }
  void give_arrow(std::size_t position, std::uint32_t node) {
    arrows_[position] = node;
    given_storage_[position] = true;
  }
  Value& at(std::size_t position) noexcept {
    given_storage_[position] = true;
    return arguments_[position];
  }

  [[nodiscard]] bool is_arrow(std::size_t position) const noexcept override {
    return position < count_ && arrows_[position] != no_node;
  }
  [[nodiscard]] bool call_arrow(std::size_t position, std::span<const Value> arguments, Value& result) override {
    return evaluator_.call_arrow(arrows_[position], arguments, result);
  }
  [[nodiscard]] bool fold_arrow(std::size_t position, Value& total, std::span<const Value> more) override {
    return evaluator_.fold_arrow(arrows_[position], total, more);
  }
  [[nodiscard]] Error failure() override { return evaluator_.failure(); }
  [[nodiscard]] bool charge(std::uint64_t elements, std::uint64_t bytes) override {
    return evaluator_.charge(elements, bytes);
  }
  [[nodiscard]] bool fits(std::uint64_t bytes) override { return evaluator_.fits(bytes); }
  [[nodiscard]] bool fits_depth(std::uint64_t depth) override { return evaluator_.fits_depth(depth); }
  [[nodiscard]] Scope& scope() noexcept override { return evaluator_.scope(); }

 private:
  static constexpr std::size_t few = 4;
  Evaluator& evaluator_;
  bool* given_storage_ = nullptr;
  std::uint32_t* arrows_ = nullptr;
  Value few_arguments_[few];
  bool few_given_[few];
  std::uint32_t few_arrows_[few];
  std::vector<Value> more_arguments_;
  std::unique_ptr<bool[]> more_given_;
  std::unique_ptr<std::uint32_t[]> more_arrows_;
};

}  // namespace

Error Invocation::error(std::string_view message) const {
  return make_error(error_type::expression, std::string(name_) + ": " + std::string(message));
}

// ---- lists and objects

bool Evaluator::spread_into(std::vector<Value>& out, std::uint32_t number) {
  Value scratch;
  const Value* value = eval(nodes_[number].a, scratch);
  if (value == nullptr) return false;
  if (value->is_array()) {
    if (!charge(value->size(), 0)) return false;
    for (std::size_t i = 0; i < value->size(); ++i) out.push_back((*value)[i]);
    return true;
  }
  if (value->is_string()) {
    std::string_view text = value->as_string();
    if (!charge(text.size(), 0) || !fits(text.size() * 16)) return false;
    while (!text.empty()) {
      const std::string_view first = code_points(text, 0, 1);
      out.emplace_back(first);
      text.remove_prefix(first.size());
    }
    return true;
  }
  fail("cannot spread: " + quoted(nodes_[number].a) + " is " + std::string(base::kind_in_words(*value)) +
       ", expected a list or text");
  return false;
}

const Value* Evaluator::array(const Node& node, Value& scratch) {
  std::vector<Value> elements;
  elements.reserve(node.count);
  const std::uint32_t* operands = program_.operands.data() + node.b;
  for (std::size_t i = 0; i < node.count; ++i) {
    if (nodes_[operands[i]].op == Op::spread) {
      if (!spread_into(elements, operands[i])) return nullptr;
      continue;
    }
    Value element;
    if (!eval_into(operands[i], element)) return nullptr;
    elements.push_back(std::move(element));
  }
  scratch = Value::array(std::move(elements));
  return bounded(scratch);
}

bool Evaluator::add_members(Value& out, std::span<const std::uint32_t> members) {
  for (std::size_t i = 0; i < members.size(); i += 2) {
    const std::uint32_t key_node = members[i];
    const std::uint32_t value_node = members[i + 1];
    Value value_scratch;
    if (key_node == no_node) {  // ...object: null adds nothing, as in ECMAScript
      const Value* spread = eval(nodes_[value_node].a, value_scratch);
      if (spread == nullptr) return false;
      if (!spread->is_object() && !spread->is_null()) {
        fail("cannot spread: " + quoted(nodes_[value_node].a) + " is " + std::string(base::kind_in_words(*spread)) +
             ", expected an object");
        return false;
      }
      if (!charge(spread->size(), 0)) return false;
      for (std::size_t k = 0; k < spread->size(); ++k) out.set(spread->key_at(k), (*spread)[k]);
      continue;
    }
    Value key_scratch;
    const Value* key = eval(key_node, key_scratch);
    if (key == nullptr || !charge(0, key->byte_size())) return false;
    if (!eval_into(value_node, value_scratch)) return false;
    if (key->is_string()) {
      out.set(key->as_string(), std::move(value_scratch));
    } else {
      out.set(key_text(*key), std::move(value_scratch));
    }
  }
  return true;
}

const Value* Evaluator::object(const Node& node, Value& scratch) {
  Value out = Value::object();
  if (!add_members(out, {program_.operands.data() + node.b, std::size_t{2} * node.count})) return nullptr;
  scratch = std::move(out);
  return bounded(scratch);
}

// ---- calls

bool Evaluator::call_arrow(std::uint32_t number, std::span<const Value> arguments, Value& result) {
  ++scope_.steps;
  if (scope_.steps > most_steps_ && !charge(0, 0)) return false;
  const Node& node = nodes_[number];
  for (std::size_t i = 0; i < node.count; ++i) {
    locals_[node.b + i] = i < arguments.size() ? &arguments[i] : null();
  }
  Value scratch;  // not `result`, which may be one of the arguments
  const Value* value = eval(node.a, scratch);
  if (value == nullptr) return false;
  if (value == &scratch) {
    result = std::move(scratch);
  } else {
    result = Value(*value);
  }
  return true;
}

bool Evaluator::fold_arrow(std::uint32_t number, Value& total, std::span<const Value> more) {
  ++scope_.steps;
  if (scope_.steps > most_steps_ && !charge(0, 0)) return false;
  const Node& node = nodes_[number];
  for (std::size_t i = 0; i < node.count; ++i) {
    locals_[node.b + i] = i == 0 ? &total : i <= more.size() ? &more[i - 1] : null();
  }
  return grow(node.a, total);
}

// A value evaluated into `target`, which then owns it.
bool Evaluator::eval_into(std::uint32_t number, Value& target) {
  const Value* value = eval(number, target);
  if (value == nullptr) return false;
  if (value != &target) {
    Value copy = *value;  // it may be a part of what it replaces
    target = std::move(copy);
  }
  return true;
}

// All arguments of a call in which a spread makes their number known only now.
bool Evaluator::spread_arguments(const Call& site, std::vector<Value>& values, std::vector<std::uint32_t>& arrows) {
  for (const Argument& argument : site.arguments) {
    const Op op = nodes_[argument.node].op;
    if (op == Op::spread) {
      if (!spread_into(values, argument.node)) return false;
    } else {
      values.emplace_back();
      if (op != Op::arrow && !eval_into(argument.node, values.back())) return false;
    }
    arrows.resize(values.size(), no_node);
    if (op == Op::arrow) arrows.back() = argument.node;
  }
  return true;
}

const Value* Evaluator::call(const Node& node, Value& scratch, Value* own) {
  const Call& site = program_.calls[node.a];
  const Function* function = site.function;
  const std::size_t first = function == nullptr ? 1 : 0;  // a method's receiver is argument 0
  Value receiver;
  if (function == nullptr) {
    if (!eval_into(site.receiver, receiver)) return nullptr;
    if (site.chain != 0) {
      if (stopped_) return null();
      if (receiver.is_null() && (site.chain & link_optional) != 0) {
        stopped_ = true;
        return null();
      }
    }
    function = site.methods[static_cast<std::size_t>(receiver.kind())];
    if (receiver.is_null() || function == nullptr) {
      std::string message = "cannot call " + site.name + "(): " + quoted(site.receiver) + " is ";
      message += base::kind_in_words(receiver);
      if (!receiver.is_null()) message += ", which has no such method";
      return fail(std::move(message));
    }
  }

  const bool outer = std::exchange(stopped_, false);
  std::vector<Value> values;
  std::vector<std::uint32_t> arrows;
  if (site.spread && !spread_arguments(site, values, arrows)) return nullptr;
  CallInProgress invocation(*this, site.name, site.spread ? values.size() + first : site.positions);
  if (first == 1) invocation.at(0) = std::move(receiver);
  if (site.spread) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      invocation.at(i + first) = std::move(values[i]);
      if (arrows[i] != no_node) invocation.give_arrow(i + first, arrows[i]);
    }
  } else {
    for (const Argument& argument : site.arguments) {
      if (nodes_[argument.node].op == Op::arrow) {
        invocation.give_arrow(argument.position, argument.node);
      } else if (own != nullptr && argument.position == 0) {
        continue;
      } else if (!eval_into(argument.node, invocation.at(argument.position))) {
        return nullptr;
      }
    }
  }
  stopped_ = outer;

  if (own != nullptr) {
    invocation.change_in_place();
    invocation.at(0).swap(*own);
    Result<Value> changed = function->implementation(invocation);
    *own = changed.ok() ? std::move(changed).value() : invocation.take(0);
    return changed.ok() ? own : fail(std::move(changed).error());
  }
  Result<Value> result = function->implementation(invocation);
  if (!result.ok()) return fail(std::move(result).error());
  // A function that calls arrows without looking at their answers can't hide what they ran into.
  if (error_ != nullptr) return nullptr;
  scratch = std::move(result).value();
  return bounded(scratch);
}

}  // namespace fnstack::expr
