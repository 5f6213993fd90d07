// Expression: what one can ask of a parsed expression without evaluating it, and bind.
#include "expr/expression.hpp"

#include "expr/nodes.hpp"

namespace fnstack::expr {
namespace {

std::string_view first_key(const Expression::Program& program, const Node& path) {
  if (path.count == 0 || !program.keys[path.b].named) return {};
  return program.keys[path.b].text;
}

NameUse use_of(const Expression::Program& program, const Name& name) {
  const Span span{name.span.begin + program.offset, name.span.end + program.offset};
  return {name.text, first_key(program, program.nodes[name.node]), span};
}

// The call at the root when it is an opt-out of escaping, else null.
const Call* opt_out(const Expression::Program& program) {
  const Node& root = program.nodes[program.root];
  if (root.op != Op::call) return nullptr;
  const Call& call = program.calls[root.a];
  if (call.function == nullptr || call.arguments.empty()) return nullptr;
  for (const std::string_view name : {"raw", "host", "path", "json"}) {
    if (call.function->name == name) return &call;
  }
  return nullptr;
}

Base base_of(Reference::Kind kind) {
  switch (kind) {
    case Reference::Kind::slot:
      return Base::slot;
    case Reference::Kind::root:
      return Base::root;
    case Reference::Kind::timestamp:
      return Base::timestamp;
    case Reference::Kind::uuid:
      return Base::uuid;
    case Reference::Kind::null:
      break;
  }
  return Base::null;
}

}  // namespace

Span Expression::span() const noexcept {
  if (empty()) return {};
  const Span span = program_->spans[program_->root];
  return {span.begin + program_->offset, span.end + program_->offset};
}

const Value* Expression::constant() const noexcept {
  if (empty()) return nullptr;
  const Node& root = program_->nodes[program_->root];
  return root.op == Op::constant ? &program_->constants[root.a] : nullptr;
}

std::string_view Expression::outermost_opt_out() const noexcept {
  const Call* call = empty() ? nullptr : opt_out(*program_);
  return call == nullptr ? std::string_view() : call->function->name;
}

Expression Expression::without_opt_out() const {
  const Call* call = empty() ? nullptr : opt_out(*program_);
  if (call == nullptr) return *this;
  auto program = std::make_shared<Program>(*program_);
  program->root = call->arguments[0].node;
  Expression out;
  out.program_ = std::move(program);
  return out;
}

std::uint32_t bare_slot(const Expression::Program& program, std::uint32_t number) noexcept {
  if (number == no_node) return Reference::none;
  const Node& node = program.nodes[number];
  const bool is_bare = node.op == Op::path && static_cast<Base>(node.variant) == Base::slot && node.count == 0 &&
                       node.c == Reference::none;
  return is_bare ? node.a : Reference::none;
}

std::uint32_t Expression::slot() const noexcept {
  return empty() ? Reference::none : bare_slot(*program_, program_->root);
}

std::uint32_t Expression::grown_slot() const noexcept { return empty() ? Reference::none : program_->grown; }

bool Expression::is_concatenation() const noexcept { return !empty() && program_->nodes[program_->root].op == Op::add; }

std::vector<NameUse> free_names(const Expression& expression) {
  std::vector<NameUse> out;
  if (expression.empty()) return out;
  for (const Name& name : expression.program_->names) {
    if (name.builtin == no_node) out.push_back(use_of(*expression.program_, name));
  }
  return out;
}

Expression bind(const Expression& expression, const Resolver& resolve) {
  if (expression.empty() || expression.program_->names.empty()) return expression;
  auto program = std::make_shared<Expression::Program>(*expression.program_);
  for (const Name& name : expression.program_->names) {
    const Reference reference = resolve(use_of(*expression.program_, name));
    Node& path = program->nodes[name.node];
    if (name.builtin != no_node && !reference.is_variable) {
      if (path.count == 1) {
        path = program->nodes[name.builtin];
      } else {  // Math.PI.x: keys of a number
        path = {Op::member, 0, static_cast<std::uint16_t>(path.count - 1), name.builtin, path.b + 1, 0};
      }
      continue;
    }
    path.variant = static_cast<std::uint8_t>(base_of(reference.kind));
    path.a = reference.index;
    path.c = reference.age_slot;
    if (reference.consumed_key && path.count > 0) {
      ++path.b;
      --path.count;
      path.c = Reference::none;
    }
    if (reference.kind == Reference::Kind::null) path = {Op::constant, 0, 0, constant_null, 0, 0};
  }
  program->grown = mark_growth(*program);
  Expression out;
  out.program_ = std::move(program);
  return out;
}

}  // namespace fnstack::expr
