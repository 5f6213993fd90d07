// Lowering: what a control kind sees of its step while it is turned into instructions. One object for one step;
// it forwards to the function being built.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>
#include <fnstack/step_kind.hpp>

#include "program/program_data.hpp"

namespace fnstack::program {

class FunctionBuilder;
struct CheckedStep;

using Slot = std::uint32_t;
using OperandIndex = std::uint32_t;
struct Label {
  std::uint32_t id = none;
};

class Lowering {
 public:
  Lowering(FunctionBuilder& builder, const CheckedStep& step) : builder_(builder), step_(step) {}

  // ---- the step as written
  [[nodiscard]] const StepKind& kind() const noexcept;
  [[nodiscard]] bool given(std::string_view field) const noexcept;
  [[nodiscard]] const Node* node(std::string_view field) const noexcept;  // null: not given
  // A literal string field, or `fallback`.
  [[nodiscard]] std::string literal(std::string_view field, std::string_view fallback = "") const;
  [[nodiscard]] const Member* member(std::string_view field) const noexcept;
  [[nodiscard]] const Node& step_node() const noexcept;
  [[nodiscard]] std::string_view written_name() const noexcept;  // the step's "function"
  [[nodiscard]] std::string_view callee() const noexcept;        // a step that is itself a call: the function's name
  void error(std::string code, std::string message, const Node* at = nullptr, std::string hint = "");
  void warning(std::string code, std::string message, const Node* at = nullptr, std::string hint = "");

  // ---- operands
  [[nodiscard]] OperandIndex operand(std::string_view field);  // by the field's type; none: not given
  [[nodiscard]] OperandIndex constant(Value value);
  [[nodiscard]] OperandIndex expression(std::string_view field);  // the whole string is one expression
  [[nodiscard]] OperandIndex expression_of(const Node& node, std::string path);
  [[nodiscard]] OperandIndex rest();  // the fields the kind doesn't list, as an object
  [[nodiscard]] OperandIndex value_of(const Node& node, std::string path);

  // ---- slots and names
  [[nodiscard]] Slot hidden(std::uint32_t count = 1);         // not visible to the author, null at first
  [[nodiscard]] Slot variable(std::string_view name);         // of a name that a step sets
  [[nodiscard]] Slot result() const noexcept;                 // output_variable's slot, or none
  [[nodiscard]] Slot age_slot(Slot variable) const noexcept;  // to be cleared when the variable is assigned, or none
  // The instruction last emitted stores the step's result in its b (a call: in its site): it is patched if there is
  // no output_variable but some template reads the implicit name.
  void result_goes_to_b();
  // A name seen by what is lowered until the matching pop; shadows all others.
  void push_name(std::string name, Slot slot, std::string key = "");
  void pop_names(std::size_t count);
  [[nodiscard]] Slot find_name(std::string_view name) const noexcept;  // of a pushed name, or none

  // ---- instructions
  std::uint32_t emit(Op op, std::uint32_t a = none, std::uint32_t b = none, std::uint32_t c = none);
  [[nodiscard]] Label new_label();
  void place(Label label);
  void emit_jump(Label target);
  void emit_jump_unless(OperandIndex condition, Label target);
  void patch_b(std::uint32_t instruction, Label label);
  void patch_c(std::uint32_t instruction, Label label);
  [[nodiscard]] ProgramData& data();
  [[nodiscard]] std::uint32_t jump_table(const std::vector<Label>& labels);
  [[nodiscard]] std::uint32_t switch_table(const std::vector<std::pair<std::string, Label>>& cases, Label otherwise);

  // ---- blocks
  void block(std::string_view field);  // lowers the steps of a block field, nothing if it is not given
  void block(const Node& steps, std::string path);
  [[nodiscard]] std::string path_of(std::string_view field) const;
  [[nodiscard]] const std::string& path() const noexcept;

  // ---- loops, handlers
  void push_loop(Label break_target, Label continue_target);
  void pop_loop();
  enum class LeaveLoop : std::uint8_t {
    done,
    no_loop,       // the step stands in none
    branch,        // the loop is around a branch that the step stands in
    parallel_loop  // its passes run side by side: there is nothing to break
  };
  [[nodiscard]] LeaveLoop leave_loop(bool to_continue);
  // Steps between begin and end raise to `handler`.
  struct Guard {
    std::uint32_t begin = 0;
  };
  [[nodiscard]] Guard begin_guard() const;
  void end_guard(Guard guard, Region::Kind kind, Label handler, Slot slot, Slot transaction = none);
  // A finally block around what is lowered until pop_finally: jumps out of it go through `begin` first. What
  // pop_finally returns, the places they were going to, belongs to finish_finally after the block's own code.
  struct Leaving {
    bool function = false;  // out of the function, with slot::response
    Label target;           // else
    std::size_t depth = 0;  // how many scopes are left then
    Slot value = none;  // what goes along; a finally block on the way may itself begin, and break off, another return
  };
  void push_finally(Slot completion, Label begin);
  [[nodiscard]] std::vector<Leaving> pop_finally();
  void finish_finally(Slot completion, const std::vector<Leaving>& leaving);
  // Leaves the function with the response in slot::response, through finally blocks.
  void leave_function();
  // ---- branches: begin_fork, then begin_branch and end_branch around each block, then end_fork
  struct Fork {
    std::uint32_t site = none;
    std::uint32_t instruction = none;
    bool is_loop = false;  // its branches are passes: they can be continued
    Slot value = none;     // what a Return Value in a branch leaves
    Label after;
    Label returned, continued;  // of the branch being lowered
  };
  // Emits the fork; the site's source, mode and the like are given, the rest follows. The result goes to result().
  [[nodiscard]] Fork begin_fork(ForkSite site);
  void begin_branch(Fork& fork);
  void end_branch(Fork& fork);
  void end_fork(const Fork& fork);
  // In a branch: ends it, through finally blocks, with the operand as its result. False: stands in no branch.
  bool return_from_branch(OperandIndex value);
  // Lowers a step that a field of requests stands for. A template has one, which knows an element of the list as
  // `item`.
  void request(std::string_view field, std::size_t index);
  [[nodiscard]] std::size_t request_count(std::string_view field) const;
  // Whether what follows in this block can be reached: for the warning only.
  void note_terminated(bool terminated = true);
  [[nodiscard]] bool terminated() const noexcept;

  // ---- transactions
  [[nodiscard]] Slot transaction() const noexcept;
  void push_transaction(Slot slot);
  void pop_transaction();

  [[nodiscard]] std::uint32_t find_function(std::string_view name) const;
  [[nodiscard]] bool is_host_function(std::string_view name) const;
  void check_callee(std::string_view name, const Node* at);  // warns of a name nobody defines

 private:
  FunctionBuilder& builder_;
  const CheckedStep& step_;
};

}  // namespace fnstack::program
