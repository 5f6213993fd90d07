// FunctionBuilder: one definition on its way to instructions. Holds what its steps share: slots and names, labels,
// the scopes that a break or a Response leaves through. Entry point: build. Step kinds see it through Lowering.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>
#include <fnstack/program.hpp>

#include "program/lowering.hpp"
#include "program/operand_compile.hpp"
#include "program/program_data.hpp"
#include "program/step_defaults.hpp"

namespace fnstack::program {

// A step whose kind is known and whose fields are matched to the kind's table.
struct CheckedStep {
  const StepKind* kind = nullptr;
  std::shared_ptr<const StepKind> shared_kind;
  Step step;
  std::string written_name;
  std::string callee;                 // a step that is a call: the function's name
  std::vector<const Member*> fields;  // one for each of the kind's fields; null: not given
  std::vector<std::string> paths;     // likewise, their JSON pointers
  std::vector<const Member*> rest;    // arguments, where the kind accepts them
  const Member* result_member = nullptr;
  std::string result_name;         // output_variable
  std::string implicit_name;       // else the name its result can be read by; may be empty
  std::uint32_t info = none;       // its StepInfo
  std::vector<std::string> meant;  // fields that an unknown one was probably meant to be
  bool is_call = false;            // its name is a function's, so all its fields are arguments
  bool gives_something = false;    // a field of its kind's, or nearly one
  bool is_incomplete = false;      // a field that it must have is missing, or nobody knows its name
  bool is_default = false;         // not a step, but the host's defaults for steps: nothing is missing
};

// May a variable be called so? Letters, digits, _ and $, no digit first.
[[nodiscard]] bool is_name(std::string_view text);
// The variable that an Update Variable target such as "a.b[0]" is a part of.
[[nodiscard]] std::string_view base_name(std::string_view target);

class FunctionBuilder {
 public:
  FunctionBuilder(ProgramData& data, std::uint32_t function, const Definition& definition, const StepKinds& kinds,
                  const StepDefaults& defaults, const CompileOptions& options, Diagnostics& diagnostics,
                  std::size_t& comparisons);

  void build();
  // Instead of build: the operands of fields that stand for those a step of the kind `name` lacks.
  [[nodiscard]] std::vector<std::uint32_t> default_operands(const std::string& name, const Node& fields);
  // After build: no step of it is known and has a field that it needs, so it is prose in a definition's form.
  [[nodiscard]] bool reads_like_documentation() const;

 private:
  friend class Lowering;

  struct LexicalName {
    std::string name;
    std::string key;  // "index" for loop.index: then only name.key is meant
    Slot slot = none;
  };
  struct Variable {
    Slot slot = none;
    bool from_cache = false;  // some cache get sets it: its .age may be asked for
    Slot age_slot = none;
  };
  struct Scope {
    bool is_loop = false;
    Label break_target, continue_target;  // loops
    Slot completion = none;               // finally
    Label begin;
    bool is_branch = false;  // nothing outside is left through it
    Lowering::Fork fork;     // branch
    std::vector<Lowering::Leaving> leaving;
  };
  struct Fixup {
    enum class Where : std::uint8_t { a, b, c, jump_table, switch_case, switch_otherwise, region_handler };
    Where where;
    std::uint32_t index;
    std::uint32_t entry;
    std::uint32_t label;
  };
  struct FirstUse {
    Span span;
    const CheckedStep* step = nullptr;
    std::string path;
  };
  struct ImplicitResult {
    std::uint32_t instruction;
    std::string name;
  };
  // The result of a branch's last step is the branch's: where it is stored, or will be.
  struct LastResult {
    const CheckedStep* step = nullptr;
    std::uint32_t instruction = none;  // that stores it
    Slot slot = none;                  // or the variable
  };
  struct BranchResult {
    LastResult from;
    std::uint32_t end_branch;
  };
  // Where a name is read, for what is said about assignments in branches.
  struct Read {
    std::uint32_t at;  // the instruction that evaluates it
    Slot slot;
  };

  // ---- diagnostics
  void report(const CheckedStep* step, Diagnostic diagnostic, std::string path = {});
  void report(const CheckedStep* step, Diagnostic::Severity severity, std::string code, std::string message, Span span,
              std::string path = {}, std::string hint = {});
  [[nodiscard]] std::string context_of(const CheckedStep* step) const;
  [[nodiscard]] std::vector<std::string_view> function_names() const;
  // The candidate that was probably meant, as long as there is time to look.
  [[nodiscard]] std::optional<std::string_view> near(std::string_view word,
                                                     const std::vector<std::string_view>& candidates);

  // ---- checking
  const CheckedStep& checked(const Step& step);
  [[nodiscard]] CheckedStep check(const Step& step);
  void check_unknown(CheckedStep& checked, const Node& name);
  void match_fields(CheckedStep& checked);
  void match_options(CheckedStep& checked, std::size_t options, const std::string& path);
  void take_field(CheckedStep& checked, std::size_t position, const Member& member, const std::string& path);
  void take_result_name(CheckedStep& checked, const Member& member, std::string path);
  void check_given_fields(CheckedStep& checked);
  // Steps that the author did not write as such.
  [[nodiscard]] std::vector<Step> request_steps(const CheckedStep& step, std::size_t field);
  [[nodiscard]] const CheckedStep* step_of(std::uint32_t info);
  void warn_near_step_name();
  // Assigned in a branch and read after the join: the assignment would be lost.
  void check_branches();
  void tell_lost_assignment(std::uint32_t fork, std::uint32_t assignment, Slot slot, const std::string& name);

  // ---- names
  void collect_names(const std::vector<Step>& steps);
  void collect_block(const Node& node, const std::string& path);
  void check_variable_name(const std::string& name, const Node& at, const CheckedStep& step);
  [[nodiscard]] expr::Reference resolve(const expr::NameUse& use, Span literal, const CheckedStep* step,
                                        const std::string& path);
  [[nodiscard]] Slot assignable(std::string_view name);
  void warn_unset();

  // ---- operands
  [[nodiscard]] Slot new_slot(std::uint32_t count = 1);
  [[nodiscard]] OperandIndex add_operand(Operand operand);
  [[nodiscard]] OperandIndex slot_value(Slot slot);
  [[nodiscard]] OperandCompiler operand_compiler(const CheckedStep* step, std::string path);
  [[nodiscard]] OperandIndex field_operand(const CheckedStep& step, std::size_t field);
  [[nodiscard]] OperandIndex default_of(const CheckedStep& step, std::size_t field) const;
  [[nodiscard]] std::string literal_content_type(const CheckedStep& step) const;

  // ---- lowering
  void lower(const CheckedStep& step);
  void lower_steps(const std::vector<Step>& steps);
  void lower_kind_call(const CheckedStep& step);
  [[nodiscard]] static char arithmetic_of(const CheckedStep& step);
  std::uint32_t emit(Op op, std::uint32_t a, std::uint32_t b, std::uint32_t c);
  void leave(const Lowering::Leaving& leaving);
  void resolve_labels();
  void resolve_implicit();
  void resolve_branch_results();
  void parameters();

  ProgramData& data_;
  std::uint32_t function_;
  const Definition& definition_;
  const StepKinds& kinds_;
  const StepDefaults& defaults_;
  const CompileOptions& options_;
  Diagnostics& diagnostics_;
  std::size_t& comparisons_;  // how many more words may be compared, all functions together

  std::map<const Node*, CheckedStep> checked_;
  std::map<std::uint32_t, const CheckedStep*> by_info_;      // of them, once step_of was asked
  std::vector<std::pair<std::string, Variable>> variables_;  // set by a step, in order of first mention
  std::map<std::string, std::size_t, std::less<>> variable_index_;
  std::map<std::string, Slot, std::less<>> implicit_candidates_;  // none until read
  std::vector<std::pair<std::string, Slot>> inputs_;              // names nobody sets
  std::map<std::string, Slot, std::less<>> input_index_;
  std::map<std::string, FirstUse, std::less<>> unset_;  // where they are first read
  std::vector<ImplicitResult> implicit_results_;
  std::vector<BranchResult> branch_results_;
  LastResult last_result_;            // of the step lowered last
  std::vector<std::uint32_t> forks_;  // instructions, inner ones first
  std::vector<Read> reads_;           // only where there are forks
  bool may_fork_ = false;
  std::map<const Node*, std::vector<Step>> requests_;  // by the field's value
  std::deque<Node> request_nodes_;                     // what those steps are made of
  std::vector<LexicalName> lexical_;
  std::vector<Scope> scopes_;
  std::vector<Slot> transactions_;
  std::map<Slot, Slot> age_slots_;  // of variables that a cache get fills
  std::set<Slot> read_ages_;        // those that something reads
  std::vector<std::uint32_t> label_places_;
  std::vector<Fixup> fixups_;
  std::uint32_t next_slot_ = slot::first_free;
  const CheckedStep* current_ = nullptr;
  bool begins_step_ = false;
  bool terminated_ = false;
};

}  // namespace fnstack::program
